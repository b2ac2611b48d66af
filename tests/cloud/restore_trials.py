"""Restores that go wrong on purpose on a real OpenStack: faults, cancel, a killed worker, what cannot be undone."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engines.restore.wishes import Wish
from storage import jobs
from tests.cloud.restore_cases import Case
from tests.cloud.restore_looks import Look, look
from tests.cloud.restore_runs import Ended, Runner, wrongs
from tests.cloud.test_changes_live import worker
from tests.engines.changes.bed import add_job

_LONGEST_S = 600


def unchanged(was: Look, now: Look) -> list[str]:
    """The original is as it was, whatever the ids of its ports are by now."""
    names = ("name", "status", "cards", "disks", "rest", "floating", "volumes")
    pairs = [(name, getattr(was, name), getattr(now, name)) for name in names]
    return [f"{name} of the original: {new}, not {old}" for name, old, new in pairs if old != new]


async def fails(runner: Runner, vm_id: str, wish: Wish, why: str) -> tuple[Ended, list[str]]:
    """It fails for that reason and is undone whole."""
    was = await asyncio.to_thread(look, runner.bed, vm_id)
    ended = await runner.run(await runner.plan(vm_id, wish))
    wrong = unchanged(was, await asyncio.to_thread(look, runner.bed, vm_id))
    if ended.state != "failed" or why not in ended.error or ended.left:
        wrong.append(f"{ended.state}: {ended.error}, left {ended.left}")
    return ended, wrong


async def cancelled(runner: Runner, vm_id: str, wish: Wish, at: str) -> tuple[Ended, list[str]]:
    """Somebody asks it to stop when that step has begun."""
    was = await asyncio.to_thread(look, runner.bed, vm_id)

    async def stop(job_id: int) -> None:
        await _begun(runner, job_id, at)
        async with runner.database.begin() as conn:
            assert await jobs.ask_cancel(conn, job_id, "bob")

    ended = await runner.run(await runner.plan(vm_id, wish), stop)
    wrong = unchanged(was, await asyncio.to_thread(look, runner.bed, vm_id))
    if ended.state != "cancelled" or ended.left:
        wrong.append(f"{ended.state}: {ended.error}, left {ended.left}")
    return ended, wrong


async def _begun(runner: Runner, job_id: int, step: str) -> None:
    async with asyncio.timeout(_LONGEST_S):
        while True:
            async with runner.database.connect() as conn:
                if any(one.name == step for one in await jobs.steps(conn, job_id)):
                    return
            await asyncio.sleep(0.1)


async def killed(
    runner: Runner, vm_id: str, case: Case, at: str, url: str, place: Path, *, cancel: bool = False
) -> tuple[Ended, list[str]]:
    """A worker is killed with -9 when that step has begun; another one goes on, or undoes where it is cancelled."""
    was = await asyncio.to_thread(look, runner.bed, vm_id)
    plan = await runner.plan(vm_id, case.wish())
    assert plan.failed == (), plan.failed
    id_ = await add_job(runner.database, plan)
    with worker(url, place / "one", place) as first:
        await _begun(runner, id_, at)
        first.kill()
    if cancel:
        async with runner.database.begin() as conn:
            assert await jobs.ask_cancel(conn, id_, "bob")
    with worker(url, place / "two", place) as second:
        ended = await _end(runner, id_, plan)
        assert "Traceback" not in second.printed, second.printed
    if not cancel:
        return ended, await asyncio.to_thread(wrongs, runner.bed, case, was, ended)
    wrong = unchanged(was, await asyncio.to_thread(look, runner.bed, vm_id))
    return ended, wrong if ended.state == "cancelled" and not ended.left else [*wrong, f"{ended}"]


async def _end(runner: Runner, id_: int, plan: Any) -> Ended:
    async with asyncio.timeout(_LONGEST_S):
        while True:
            async with runner.database.connect() as conn:
                (state,) = await jobs.states(conn, [id_])
            if state.ended:
                return await runner.ended(id_, plan)
            await asyncio.sleep(0.5)


async def leaves(runner: Runner, vm_id: str) -> tuple[Ended, list[str]]:
    """A volume that cannot be deleted again is told by its id, with the command that removes it: which is then run."""
    was = await asyncio.to_thread(look, runner.bed, vm_id)
    ended = await runner.run(await runner.plan(vm_id, Wish()))
    wrong = unchanged(was, await asyncio.to_thread(look, runner.bed, vm_id))
    if ended.state != "failed" or len(ended.left) != 1:
        return ended, [*wrong, f"{ended.state}: {ended.error}, left {ended.left}"]
    return ended, [*wrong, *await asyncio.to_thread(_remove, runner, ended.left[0])]


def _remove(runner: Runner, left: Mapping[str, Any]) -> list[str]:
    """Does what the command says, as an administrator, once the fault is mended."""
    cinder = runner.bed.inside.block_storage
    command = str(left["fix"])
    found = re.search(r"openstack volume set --state error (\S+) && openstack volume delete (\S+)", command)
    if found is None:
        return [f"no command that removes it: {left}"]
    (id_, same), volume = found.groups(), cinder.get_volume(found[1])
    wrong = [] if id_ == same and id_ in str(left) else [f"not the same volume: {command}"]
    if volume.status != "error_deleting":
        wrong.append(f"it is {volume.status}")
    cinder.delete_volume_metadata(volume, ["testbed_fault"])
    cinder.reset_volume_status(volume, "error", None, None)
    cinder.delete_volume(volume)
    cinder.wait_for_delete(volume, interval=0.5, wait=60)
    return wrong
