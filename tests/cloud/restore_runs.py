"""Restores on a real OpenStack as the saga runner does them, and what each must have left and made."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from engines.actions import Action
from engines.changes.sagas import Workshop, run_job
from engines.changes.steps import Patience
from engines.clouds.acting import ActingClouds
from engines.clouds.acting_servers import KEPT
from engines.clouds.opening import open_acting
from engines.clouds.sources import open_clouds
from engines.inventory.collect import sync_source
from engines.plans import Plan
from engines.restore.actions import actions_of
from engines.restore.wishes import House, Wish
from engines.restore.working import Pace
from storage import claims, jobs, restore_facts
from storage.database import Database
from storage.scopes import EVERYTHING
from tests.cloud.restore_bed import Bed, service
from tests.cloud.restore_cases import Case
from tests.cloud.restore_looks import Look, differences, look
from tests.cloud.test_openstack_live import where
from tests.engines.changes.bed import add_job
from tests.engines.restore.planned import plan_restore

ON = House(execute=frozenset({"*"}))
PACE = Pace(poll_s=1.0, tries=120, console_s=5.0)


class Waiting:
    """An engine that waits as long as it is told, and never stops."""

    def check(self) -> None: ...

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Ended:
    """A job that has ended: `results` by the name of the step."""

    id: int
    plan: Plan
    state: str
    error: str
    left: Sequence[Mapping[str, Any]]
    results: Mapping[str, Mapping[str, Any]]
    took_s: float = 0.0

    def ids(self, *words: str) -> set[str]:
        """What steps whose names begin so made themselves."""
        return {
            str(result["id"])
            for name, result in self.results.items()
            if name.startswith(words) and name[-1].isdigit() and "id" in result and not result.get("reused")
        }

    @property
    def new(self) -> str:
        return str(self.results["report"]["vm_id"])


@dataclass
class Runner:
    """One database and the service user's clients; `looks` are the originals as they were before anything."""

    database: Database
    clouds: ActingClouds
    bed: Bed
    source: str = ""
    looks: dict[str, Look] = field(default_factory=dict)
    pace: Pace = PACE
    actions: Sequence[Action] = ()
    """Those of restores unless others are given."""

    async def sync(self) -> None:
        path, name = where()
        (cloud,) = open_clouds(path, [name])
        await sync_source(self.database, cloud, wait=True)
        self.source = cloud.source
        await cloud.close()

    async def plan(self, vm_id: str, wish: Wish) -> Plan:
        async with self.database.connect() as conn:
            vm = await restore_facts.vm_of(conn, EVERYTHING, self.source, vm_id)
            assert vm is not None
            return await plan_restore(conn, EVERYTHING, vm, wish, datetime.now(UTC), ON)

    async def run(self, plan: Plan, more: Callable[[int], Awaitable[None]] | None = None) -> Ended:
        """To its end; `more` runs beside it, with the job's id."""
        assert plan.failed == (), plan.failed
        id_ = await add_job(self.database, plan)
        actions: dict[str, Action] = {one.name: one for one in self.actions or actions_of(self.pace)}
        shop = Workshop(
            self.database, actions, self.clouds, limits=claims.Limits(1000, 1000, 1000), patience=Patience(3, 0.5)
        )
        began = time.monotonic()
        beside = [more(id_)] if more else []
        await asyncio.gather(run_job(shop, id_, "matrix", Waiting()), *beside)
        return await self.ended(id_, plan, time.monotonic() - began)

    async def ended(self, id_: int, plan: Plan, took_s: float = 0.0) -> Ended:
        async with self.database.connect() as conn:
            (state,) = await jobs.states(conn, [id_])
            steps = await jobs.steps(conn, id_)
        left = state.outcome.get("left", ())
        results = {step.name: step.result for step in steps if step.state == "done"}
        return Ended(id_, plan, state.state, state.error, left, results, took_s)


def clients() -> ActingClouds:
    path, name = where()
    return open_acting(path, [name], {name: service()})


def wrongs(bed: Bed, case: Case, was: Look, ended: Ended) -> list[str]:
    """In what the end is not as planned; it looks through openstacksdk only."""
    if ended.state != "done":
        return [f"{ended.state}: {ended.error}", *(f"left: {one}" for one in ended.left)]
    if case.mode == "attach":
        return list(_attached(bed, was, ended))
    image = was.rest["image"]
    if case.shape == "image snapshot":
        image = next(one.id for one in bed.inside.image.images(owner=bed.project, name=f"{was.name}-image"))
    new = look(bed, ended.new)
    found = list(differences(was, new, name=case.new_name, image=image, same=case.same, moves=case.mode == "replace"))
    return [*found, *_original(bed, case, was), *_told(case, was, ended)]


def _attached(bed: Bed, was: Look, ended: Ended) -> Iterator[str]:
    now = look(bed, was.id)
    (volume,) = ended.ids("volume ")
    if (now.name, now.status, now.cards, now.rest, now.floating) != (
        was.name, was.status, was.cards, was.rest, was.floating,
    ):  # fmt: skip
        yield f"the VM is another one: {now}"
    if now.disks[:-1] != was.disks or now.volumes != (*was.volumes, volume):
        yield f"disks {now.disks} {now.volumes}, not {was.disks} and {volume}"
    elif now.disks[-1].own != {"part": "zeta"} or now.disks[-1].type != was.disks[1].type:
        yield f"not the volume asked for: {now.disks[-1]}"


def _original(bed: Bed, case: Case, was: Look) -> Iterator[str]:
    there = bed.inside.compute.find_server(was.id)
    if case.original == "deleted":
        if there is not None:
            yield "the deleted VM is there again"
        return
    now = look(bed, was.id)
    if case.mode == "side_by_side":
        if now != was:
            yield f"the original is not as it was: {now}, not {was}"
        return
    if not now.name.startswith(f"{was.name}-before-") or now.status != "SHUTOFF":
        yield f"the original is {now.name}, {now.status}"
    metadata = dict(now.rest["metadata"])
    if not metadata.pop(KEPT, ""):
        yield "the original does not bear the mark of one that is kept"
    if (now.disks, now.volumes, {**now.rest, "metadata": metadata}) != (was.disks, was.volumes, was.rest):
        yield f"the original is not as it was: {now}"
    cards = was.cards if case.strategy == "new_ips" else ()
    if now.cards != cards:
        yield f"the original has the ports {now.cards}, not {cards}"
    if now.floating:
        yield f"floating IPs are still with the original: {now.floating}"


def _told(case: Case, was: Look, ended: Ended) -> Iterator[str]:
    """What could not be kept must be said, address by address."""
    said = " ".join(ended.results["report"]["not_kept"])
    if case.strategy == "try_same_ips" and not case.same:
        yield from (f"not told that {ip} is lost" for card in was.cards for ip in card.addresses if ip not in said)
    if case.same and "could not be kept" in said:
        yield f"said to be lost: {said}"


Things = Mapping[str, Mapping[str, Any]]


def leftovers(before: Things, now: Things, ended: Sequence[Ended]) -> list[str]:
    """Things in the project that no restore planned to leave there, and things that are gone and should not be.

    Ports count by their MAC: one that the cloud deleted and that was made again is the same to everybody.
    """
    done = [one for one in ended if one.state == "done"]
    made = {
        "server": {one.new for one in done if "server" in one.results},
        "volume": {id_ for one in done for id_ in one.ids("volume ")},
        "port": {str(r["mac"]) for one in done for name, r in one.results.items() if re.fullmatch(r"port \d+", name)},
        "snapshot": {id_ for one in done for id_ in one.ids("safety snapshot ")},
    }
    found = []
    for kind, things in now.items():
        is_, was = _keys(kind, things), _keys(kind, before[kind])
        planned = made.get(kind, set())
        found += [f"{kind} {id_} is left over" for id_ in sorted(is_ - was - planned)]
        found += [f"{kind} {id_} that was made is not there" for id_ in sorted(planned - is_)]
        found += [f"{kind} {id_} is gone" for id_ in sorted(was - is_)]
    return found


def _keys(kind: str, things: Mapping[str, Any]) -> set[str]:
    return {str(one.mac_address) for one in things.values()} if kind == "port" else set(things)
