"""The invented cloud can be changed: it keeps what was done, its quotas, and fails as a real one does."""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engines.clouds.acting import ActError, Used
from engines.clouds.demo import DemoWorld
from engines.clouds.demo_acting import Call, DemoActing, DemoApi, Trouble
from engines.clouds.demo_catalogue import OPENSTACK
from engines.inventory.collect import sync_source
from storage.database import Database
from storage.demo_changes import DemoObject, change, changed
from tests.engines.clouds.demo_rows import SOURCE, Rows, copy

NOW = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
QUICK = DemoApi(latency_s=0.0)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def acting(database: Database, clock: Clock, rows: Rows | None = None, api: DemoApi = QUICK) -> DemoActing:
    return DemoActing(SOURCE, rows or Rows(), database, api, clock)


async def failing(call: object) -> ActError:
    with pytest.raises(ActError) as caught:
        await call  # type: ignore[misc]
    assert caught.value.fix
    return caught.value


async def test_a_snapshot_takes_its_time_and_every_process_sees_it(database: Database, clock: Clock) -> None:
    one, other = acting(database, clock), acting(database, clock)
    made = await one.create_snapshot("p0", "v0-0", "auto-1", {"policy": "daily_5"})
    assert (made.status, made.size_gib, made.created) == ("creating", 10, NOW)
    seen = await other.snapshot("p0", made.id)
    assert seen == made and await other.snapshots("p1") == []
    clock.now += timedelta(seconds=3)
    (seen,) = await other.snapshots("p0")
    assert (seen.status, seen.metadata, seen.volume_id) == ("available", {"policy": "daily_5"}, "v0-0")


async def test_deleting_is_seen_and_twice_is_no_error(database: Database, clock: Clock) -> None:
    rows = Rows()
    rows.invented["p0"] = [copy("old", "p0", "v0-0")]
    cloud = acting(database, clock, rows)
    made = await cloud.create_snapshot("p0", "v0-0", "new", {})
    assert (await failing(cloud.delete_snapshot("p0", made.id))).reason == "busy"
    clock.now += timedelta(seconds=3)
    for name in (made.id, "old", "never-there"):
        await cloud.delete_snapshot("p0", name)
    assert {s.status for s in await cloud.snapshots("p0")} == {"deleting"}
    clock.now += timedelta(seconds=3)
    assert await cloud.snapshots("p0") == [] and await cloud.snapshot("p0", "old") is None
    await cloud.delete_snapshot("p0", "old")
    quota = await cloud.storage_quota("p0")
    assert quota.snapshots == Used(1000, 0) and quota.size_gib == Used(100_000, 30)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"snapshots": 2}, "number of snapshots allowed (2)"),
        ({"storage_gib": 50}, "Requested 10G, quota is 50G and 50G"),
    ],
)
async def test_quotas_are_kept_whoever_asks_at_once(
    database: Database, clock: Clock, limits: dict[str, int], words: str
) -> None:
    clouds = [acting(database, clock, Rows(limits=limits)) for _ in range(3)]
    calls = [cloud.create_snapshot("p0", "v0-1", f"s{n}", {}) for n, cloud in enumerate(clouds * 4)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    refused = [one for one in found if isinstance(one, ActError)]
    assert len(found) - len(refused) == len(await clouds[0].snapshots("p0")) == 2
    assert {error.reason for error in refused} == {"over_limit"} and words in refused[0].detail
    assert await clouds[0].create_snapshot("p1", "v1-0", "elsewhere", {})


async def test_another_projects_volume_and_a_broken_one_are_refused(database: Database, clock: Clock) -> None:
    cloud = acting(database, clock)
    assert (await failing(cloud.create_snapshot("p0", "v1-0", "x", {}))).reason == "gone"
    assert (await failing(cloud.storage_quota("p9"))).reason == "gone"
    assert (await failing(cloud.set_volume_metadata("p0", "v1-0", {"a": "b"}))).reason == "gone"
    assert (await failing(cloud.pause_vm("p0", "vm-p1"))).reason == "gone"
    assert await cloud.volume("p0", "v1-0") is None and await cloud.snapshots("p0") == []


async def test_labels_are_set_and_removed_by_name(database: Database, clock: Clock) -> None:
    cloud = acting(database, clock, Rows(labels={"auto_snapshot": "true", "theirs": "1"}))
    await cloud.set_volume_metadata("p0", "v0-0", {"mine": "2\x00"}, ["auto_snapshot"])
    await cloud.set_volume_metadata("p0", "v0-0", {"auto_snapshot": "false"})
    found = await cloud.volume("p0", "v0-0")
    assert found is not None and found.metadata == {"theirs": "1", "mine": "2", "auto_snapshot": "false"}
    await cloud.set_volume_metadata("p0", "v0-0", {}, ["mine"])
    (first, second, _) = await cloud.volumes("p0")
    assert "mine" not in first.metadata and second.metadata == {"auto_snapshot": "true", "theirs": "1"}


async def test_a_vm_is_held_still_once(database: Database, clock: Clock) -> None:
    cloud = acting(database, clock)
    assert [await cloud.pause_vm("p0", "vm-p0") for _ in range(2)] == [True, False]
    for _ in range(2):
        await cloud.resume_vm("p0", "vm-p0")
    assert await cloud.pause_vm("p0", "vm-p0") is True


def once(name: str, trouble: Trouble) -> Callable[[Call], Trouble | None]:
    left = [trouble]
    return lambda call: left.pop() if call.name == name and left else None


@pytest.mark.parametrize(
    ("trouble", "reason", "unsure", "made"),
    [
        ("error", "unexpected", True, 0),
        ("throttled", "throttled", False, 0),
        ("lost", "unreachable", True, 1),
    ],
)
async def test_faults_are_told_as_a_real_cloud_tells_them(
    database: Database, clock: Clock, trouble: Trouble, reason: str, unsure: bool, made: int
) -> None:
    api = DemoApi(latency_s=0, trouble=once("create_snapshot", trouble))
    cloud = acting(database, clock, api=api)
    error = await failing(cloud.create_snapshot("p0", "v0-0", "s", {"mark": "JOB-1-1"}))
    assert (error.reason, error.maybe_done) == (reason, unsure)
    assert len([s for s in await cloud.snapshots("p0") if s.metadata["mark"] == "JOB-1-1"]) == made


async def test_a_snapshot_may_end_in_error_and_a_call_be_slow(database: Database, clock: Clock) -> None:
    api = DemoApi(latency_s=0.02, slow_s=0.2, trouble=once("create_snapshot", "breaks"))
    cloud = acting(database, clock, api=api)
    made = await cloud.create_snapshot("p0", "v0-0", "s", {})
    clock.now += timedelta(seconds=5)
    found = await cloud.snapshot("p0", made.id)
    assert found is not None and found.status == "error"
    slow = acting(database, clock, api=DemoApi(latency_s=0.02, slow_s=0.2, trouble=once("volumes", "slow")))
    start = asyncio.get_running_loop().time()
    await slow.volumes("p0")
    assert asyncio.get_running_loop().time() - start >= 0.2


async def test_what_was_deleted_stays_deleted(database: Database) -> None:
    thing = DemoObject("s", "snapshot", "1", "p", "n", {"a": 1}, NOW)
    async with database.begin() as conn:
        await change(conn, thing)
        await change(conn, DemoObject("s", "snapshot", "1", "p", deleted_at=NOW))
        await change(conn, DemoObject("s", "snapshot", "1", "p", attrs={"b": None}, deleted_at=NOW + timedelta(1)))
        await change(conn, DemoObject("other", "snapshot", "1", "p"))
    async with database.connect() as conn:
        assert await changed(conn, "s") == [DemoObject("s", "snapshot", "1", "p", "n", {"a": 1, "b": None}, NOW, NOW)]
        assert await changed(conn, "s", "q") == []


_PROCESS = """
import asyncio, sys
from engines.clouds.demo_acting import DemoActing, DemoApi
from storage.database import Database
from tests.engines.clouds.demo_rows import SOURCE, Rows
async def main():
    cloud = DemoActing(SOURCE, Rows(), Database(sys.argv[1]), DemoApi(latency_s=0.0))
    for n in range(10_000):
        await cloud.create_snapshot("p0", "v0-0", f"s{n}", {})
        print(n, flush=True)
asyncio.run(main())
"""


async def test_what_a_killed_process_had_made_is_there(database: Database, database_url: str, clock: Clock) -> None:
    arguments = (sys.executable, "-c", _PROCESS, database_url)
    root = Path(__file__).parents[3]
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE, cwd=root)
    assert process.stdout is not None
    told = [await process.stdout.readline() for _ in range(5)]
    process.kill()
    number = len(told) + (await process.stdout.read()).count(b"\n")
    await process.wait()
    names = {s.name for s in await acting(database, clock).snapshots("p0")}
    assert {f"s{n}" for n in range(number)} <= names and len(names) <= number + 1


async def test_the_demo_lists_what_was_changed_and_yesterday_stays(database: Database) -> None:
    clock = Clock()
    world = DemoWorld(epoch=NOW - timedelta(days=2), clock=clock)
    clouds = world.acting(database, QUICK)
    cloud = await clouds.open(OPENSTACK)
    source, past = world.clouds(changes=database)[0], world.clouds(NOW - timedelta(days=1), database)[0]
    before = {row.external_id: row for row in await source.list("snapshot")}
    volume = next(
        v for v in await source.list("volume") if v.attrs["size_gib"] <= 20 and v.attrs["state"] == "attached"
    )
    project = volume.project_id or ""
    used = next(q for q in await source.list("quota") if q.external_id == project).derived["used"]
    old = next(row for row in before.values() if row.project_id == project)
    vm = next(v for v in await source.list("vm") if v.external_id == volume.attrs["parent_id"])
    made = await cloud.create_snapshot(project, volume.external_id, "by-us", {"policy": "daily_5"})
    await cloud.delete_snapshot(project, old.external_id)
    await cloud.set_volume_metadata(project, volume.external_id, {"auto_snapshot": "true"})
    paused = await cloud.pause_vm(project, vm.external_id)
    clock.now += timedelta(seconds=5)
    after = {row.external_id: row for row in await source.list("snapshot")}
    assert after.keys() == before.keys() - {old.external_id} | {made.id}
    assert after[made.id].attrs["state"] == "available" and after[made.id].attrs["parent_id"] == volume.external_id
    found = next(v for v in await source.list("volume") if v.external_id == volume.external_id)
    assert found.attrs["metadata"]["auto_snapshot"] == "true"
    now = next(q for q in await source.list("quota") if q.external_id == project).derived["used"]
    size = volume.attrs["size_gib"] - old.attrs["size_gib"]
    assert (now["snapshots"], now["storage_gib"]) == (used["snapshots"], used["storage_gib"] + size)
    states = {v.external_id: v.attrs["state"] for v in await source.list("vm")}
    assert (states[vm.external_id] == "paused") is paused
    assert made.id not in {row.external_id for row in await past.list("snapshot")}
    assert (await sync_source(database, source)).state == "done"
    for other in ("demo-vmware", "demo-nutanix"):
        assert (await failing(clouds.open(other))).reason == "refused"


async def test_the_demo_has_policies_of_every_fate(database: Database) -> None:
    world = DemoWorld(epoch=NOW - timedelta(days=2), clock=lambda: NOW)
    source = world.clouds(changes=database)[0]
    volumes, copies = await source.list("volume"), await source.list("snapshot")
    newest = dict[str, str]()
    for row in copies:
        assert not row.name.startswith("auto-acme-prod-daily") or row.attrs["metadata"]["policy"] == "daily_5"
        newest[row.attrs["parent_id"]] = max(newest.get(row.attrs["parent_id"], ""), row.attrs["created"])
    daily = [v for v in volumes if v.attrs["metadata"].get("snapshot_policies", "").startswith("daily_5")]
    on = [v for v in daily if v.attrs["metadata"]["auto_snapshot"] == "true"]
    fresh = (NOW - timedelta(hours=26)).isoformat()
    ages = {v.external_id: newest.get(v.external_id) for v in on}
    assert [v for v in daily if v.attrs["metadata"]["auto_snapshot"] == "false"]
    assert [a for a in ages.values() if a is None] and [a for a in ages.values() if a and a < fresh]
    assert [a for a in ages.values() if a and a >= fresh]
    assert {"monthly_1st", "weekly"} <= {s.attrs["metadata"].get("policy") for s in copies}
    huge = next(v for v in volumes if v.name == "import-2025")
    cloud = await world.acting(database, QUICK).open(OPENSTACK)
    quota = await cloud.storage_quota(huge.project_id or "")
    assert (quota.size_gib.free() or 0) < huge.attrs["size_gib"] and huge.external_id in ages
    error = await failing(cloud.create_snapshot(huge.project_id or "", huge.external_id, "x", {}))
    assert error.reason == "over_limit" and "gigabytes quota" in error.detail


async def test_many_volumes_are_copied_side_by_side(database: Database, clock: Clock) -> None:
    """The cost of a call is the latency, not the size of the cloud."""
    rows = Rows(projects=20, volumes=5)
    cloud = acting(database, clock, rows, DemoApi(latency_s=0.05))
    start = asyncio.get_running_loop().time()
    await asyncio.gather(*(cloud.create_snapshot(p, f"v{p[1:]}-{n}", "s", {}) for p in rows.projects for n in range(5)))
    took = asyncio.get_running_loop().time() - start
    assert took < 100 * 0.05 and sum([len(await cloud.snapshots(p)) for p in rows.projects]) == 100
