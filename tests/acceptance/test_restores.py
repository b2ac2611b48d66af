"""Restores by workers that are killed before and after every step, and stopped at every step, on a cloud that fails:
never two VMs, never a lost volume, nothing left over; counted in the cloud's own rows."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engines.plans import Plan
from engines.restore.wishes import Mode
from storage.database import Database
from tests.acceptance.processes import ROOT, environment
from tests.acceptance.restore_cloud import judged, planned, present
from tests.acceptance.test_jobs import died, ended
from tests.engines.changes.bed import add_job
from tests.engines.clouds.demo_place import Place

_ALL = bool(os.environ.get("STACKHAND_TEST_EVERY_POINT"))
"""Every point takes minutes: a few of them are always tried."""
_SOME = ("volume 1:effect", "server:effect", "free port 2:effect", "9:recording", "server:undo", "free port 2:undone")
_STOPPED = ("volumes ready", "server active", "verify")


@dataclass(frozen=True)
class Case:
    """One restore with what happens to it: where the worker dies, at which step somebody asks to stop."""

    mode: Mode
    die: str = ""
    cancel: str = ""


def cases(mode: Mode, plan: Plan) -> list[Case]:
    steps = [step.name for step in plan.steps]
    found = [Case(mode, f"{name}:{when}") for name in steps for when in ("before", "begun", "effect")]
    found += [Case(mode, f"{number}:recording") for number in range(1, len(steps) + 1)]
    found += [Case(mode, f"end:{when}") for when in ("before", "recording")]
    found += [Case(mode, cancel=name) for name in steps]
    undone = [step.name for step in plan.steps if step.undo]
    found += [Case(mode, f"{name}:{when}", "verify") for name in undone for when in ("undo", "undone")]
    return found if _ALL else [c for c in found if c.die in _SOME or (not c.die and c.cancel in _STOPPED)]


@contextmanager
def worker(url: str, state: Path, *more: str) -> Iterator[None]:
    with (state / "output").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.restore_worker", url, str(state), *more],
            cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


async def asked(database: Database, place: Place, all_cases: Sequence[Case]) -> dict[int, Case]:
    found = {}
    for number, case in enumerate(all_cases):
        found[await add_job(database, await planned(database, number, case.mode))] = case
    return found


def orders(asked_for: Mapping[int, Case]) -> str:
    return json.dumps({str(id_): {"die": case.die, "cancel": case.cancel} for id_, case in asked_for.items()})


async def test_killed_at_every_step_and_stopped_at_every_step(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await Place(1).sync(database)
    modes: tuple[Mode, ...] = ("side_by_side", "replace")
    all_cases = [case for mode in modes for case in cases(mode, await planned(database, 0, mode))]
    place = Place(len(all_cases))
    await place.sync(database)
    jobs = await asked(database, place, all_cases)
    (tmp_path / "orders").write_text(orders(jobs))
    more = ("--projects", str(len(all_cases)), "--orders", str(tmp_path / "orders"), "--trouble", "7")
    more = (*more, "--bare") if _ALL else more
    with worker(database_url, tmp_path, *more):
        states = {job.id: job for job in await ended(database, *jobs, seconds=1500 if _ALL else 150)}
    wrong, made, told = [], Counter[str](), Counter[str]()
    for number, (id_, case) in enumerate(jobs.items()):
        found = judged(await present(database, place, number), number, case.mode, states[id_].state)
        told[f"{case.mode} {states[id_].state}"] += 1
        made.update({f"{states[id_].state}: {kind}": count for kind, count in found.counts.items()})
        wrong += [f"{case}: {states[id_].state} ({states[id_].error}): {line}" for line in found.wrong]
        wrong += [f"{case}: left {states[id_].outcome['left']}"] if states[id_].outcome["left"] else []
    kills = died(tmp_path)
    stops = sum(bool(case.cancel) for case in all_cases)
    print(f"\n{len(jobs)} restores, {len(kills)} kills, {stops} asked to stop: {dict(told)}; in the cloud {dict(made)}")
    print(f"wrong: {len(wrong)}")
    assert not wrong, "\n".join(wrong)
    assert Counter(kills) == Counter(case.die for case in all_cases if case.die), "each point was died at"
    for id_, case in jobs.items():
        assert states[id_].state == "cancelled" or not case.cancel or case.cancel in ("report", "check"), case
