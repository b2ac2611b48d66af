"""Runs of one project against a small cloud: whole, with faults, and killed at every point."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from engines.actions import NotYet
from engines.clouds.acting import ActError
from engines.snapshots.actions import SnapshotBatch
from storage.database import Database
from storage.snapshot_runs import Record, records
from storage.snapshot_tables import snapshot_record, snapshot_removal, snapshot_run
from tests.engines.snapshots.small_cloud import (
    Clock,
    Fault,
    Killed,
    Killing,
    SmallCloud,
    auto,
    batch_step,
    doing,
    tempo,
)

P = "p-1"
DAY = timedelta(days=1)


def cloud_with(*sizes: int, **more: Any) -> SmallCloud:
    cloud = SmallCloud(**more)
    for number, size in enumerate(sizes, 1):
        cloud.volume(P, f"v{number}", size)
    return cloud


def clock_of(cloud: SmallCloud) -> Clock:
    assert isinstance(cloud.clock, Clock)
    return cloud.clock


async def run(cloud: SmallCloud, database: Any, *, times: int = 20, step: Any = None, **more: Any) -> dict[str, Any]:
    """As the runner does: again from the beginning as long as it is not yet done."""
    step = step or batch_step(P, list(cloud.held[P].values()), **more)
    action = SnapshotBatch(tempo(clock_of(cloud)))
    for _ in range(times):
        try:
            return dict(await action.act(doing(cloud, database, step)))
        except NotYet as wait:
            await clock_of(cloud).sleep(wait.seconds)
    raise AssertionError("it never ended")


async def found(database: Database, *volumes: str, run_key: str = "JOB-7") -> dict[str, Record]:
    async with database.begin() as conn:
        return {one.volume_id: one for one in await records(conn, run_key, "pcd-1", volumes)}


async def test_every_volume_gets_one_copy_that_tells_what_it_is(database: Database) -> None:
    cloud = cloud_with(10, 20, creating_for=2)
    assert await run(cloud, database) == {"project_id": P, "counts": {"made": 2}}
    (one,) = cloud.of("v1")
    assert one.status == "available" and one.name == "auto-daily_2-v1-20261124-020000"
    assert one.metadata["stackhand_policy"] == "daily_2" and one.metadata["original_volume_id"] == "v1"
    assert one.metadata["stackhand_by"] == "bob"


async def test_a_run_that_comes_again_makes_nothing(database: Database) -> None:
    cloud = cloud_with(10, 20)
    first = await run(cloud, database)
    assert await run(cloud, database) == first
    assert cloud.effects["create"] == 2


async def test_the_volumes_of_a_vm_are_one_group(database: Database) -> None:
    cloud = SmallCloud()
    for name, vm in (("v1", "a"), ("v2", "a"), ("v3", "b"), ("v4", "")):
        cloud.volume(P, name, vms=(vm,) if vm else ())
    await run(cloud, database)
    groups = [cloud.of(v)[0].metadata.get("stackhand_group") for v in ("v1", "v2", "v3", "v4")]
    assert groups[0] == groups[1] != groups[2] and groups[3] is None


async def test_volumes_that_cannot_be_copied_are_said(database: Database) -> None:
    cloud = cloud_with(10)
    step = batch_step(
        P, [*cloud.held[P].values(), cloud.volume(P, "moving", status="attaching"), cloud.volume(P, "lost")]
    )
    del cloud.held[P]["lost"]
    assert await run(cloud, database, step=step) == {"project_id": P, "counts": {"made": 1, "skipped": 2}}
    told = await found(database, "moving", "lost")
    assert told["moving"].detail == "the volume is attaching" and "gone" in told["lost"].detail


async def test_a_copy_since_the_last_due_time_is_enough(database: Database) -> None:
    cloud = cloud_with(10)
    cloud.copy(P, "v1", timedelta(hours=1), metadata=auto("k1"))
    result = await run(cloud, database, due="2026-11-24T00:00:00+00:00")
    assert result == {"project_id": P, "counts": {"skipped": 1}} and not cloud.effects["create"]


async def test_trap_2_quota_as_plain_integers_is_neither_no_use_nor_no_limit(database: Database) -> None:
    cloud = cloud_with(10, 20, 400, limit_gib=500, tells_use=False)
    result = await run(cloud, database)
    assert result == {"project_id": P, "counts": {"made": 2, "quota_blocked": 1}}
    assert cloud.effects["create"] == 2 and cloud.calls["create_snapshot"] == 2
    blocked = (await found(database, "v3"))["v3"]
    assert blocked.short_gib == 360 and blocked.detail == "needs 360 GiB more (quota of the project)"


async def test_trap_2_a_limit_of_zero_blocks_everything(database: Database) -> None:
    cloud = cloud_with(10, limit_count=0, tells_use=False)
    assert await run(cloud, database) == {"project_id": P, "counts": {"quota_blocked": 1}}
    assert not cloud.calls["create_snapshot"]


async def test_over_the_limit_in_the_clouds_own_words(database: Database) -> None:
    cloud = cloud_with(10)
    words = "VolumeSizeExceedsAvailableQuota: Requested volume exceeds allowed gigabytes quota. Requested 10G"
    cloud.faults["create_snapshot"] = [Fault(ActError("over_limit", words))]
    assert await run(cloud, database) == {"project_id": P, "counts": {"quota_blocked": 1}}
    assert (await found(database, "v1"))["v1"].detail == words


async def test_what_expired_makes_room_at_the_quota(database: Database) -> None:
    cloud = cloud_with(10, limit_gib=30)
    cloud.copy(P, "v1", 2 * DAY, id="older", metadata=auto("k1"))
    cloud.copy(P, "v1", DAY, id="newer", metadata=auto("k2"))
    assert await run(cloud, database) == {"project_id": P, "counts": {"made": 1, "pruned": 1}}
    assert [one.id for one in cloud.deleted] == ["older"]


async def test_the_last_good_copy_never_makes_room(database: Database) -> None:
    cloud = cloud_with(10, limit_gib=20)
    cloud.copy(P, "v1", DAY, metadata=auto("k1"))
    assert await run(cloud, database, keep=1) == {"project_id": P, "counts": {"quota_blocked": 1}}
    assert not cloud.deleted


async def test_trap_3_prune_keeps_the_last_good_copy_and_does_not_count_errors(database: Database) -> None:
    cloud = cloud_with(10, errored={"v1"})
    cloud.copy(P, "v1", 2 * DAY, id="good", metadata=auto("k1"))
    cloud.copy(P, "v1", DAY / 2, id="bad", status="error", metadata=auto("k2"))
    assert await run(cloud, database, keep=1) == {"project_id": P, "counts": {"failed": 1}}
    assert not cloud.deleted


async def test_retention_goes_by_good_copies_of_the_policy_alone(database: Database) -> None:
    cloud = cloud_with(10)
    for number in range(1, 4):
        cloud.copy(P, "v1", number * DAY, id=f"auto-{number}", metadata=auto(f"k{number}"))
    cloud.copy(P, "v1", 9 * DAY, id="by-hand")
    cloud.copy(P, "v1", 9 * DAY, id="monthly", metadata=auto("m", "monthly_1st"))
    cloud.copy(P, "v1", 9 * DAY, id="reference", metadata={"created_by": "p9_auto_snapshots", "policy": "daily_2"})
    cloud.copy(P, "v1", 3 * DAY, id="broken", status="error", metadata=auto("b"))
    cloud.needed["auto-2"] = ["clone-1"]
    assert await run(cloud, database) == {"project_id": P, "counts": {"made": 1, "pruned": 3}}
    assert [one.id for one in cloud.deleted] == ["reference", "auto-3", "broken"]


async def test_trap_4_listing_does_not_grow_with_volumes(database: Database) -> None:
    few, many = cloud_with(10), cloud_with(*([10] * 40))
    for number in range(300):
        many.copy("somebody else", f"x{number}", DAY)
    await run(few, database)
    async with database.begin() as conn:
        await conn.execute(delete(snapshot_record))
    await run(many, database)
    for call in ("snapshots", "volumes", "storage_quota"):
        assert many.calls[call] == few.calls[call]


async def test_trap_5_a_failing_delete_is_a_failure_that_is_said(database: Database) -> None:
    cloud = cloud_with(10)
    for number in (1, 2):
        cloud.copy(P, "v1", number * DAY, id=f"auto-{number}", metadata=auto(f"k{number}"))
    cloud.faults["delete_snapshot"] = [Fault(ActError("unexpected", "HTTP 500: Internal Server Error"))]
    assert await run(cloud, database) == {"project_id": P, "counts": {"made": 1, "prune_failed": 1}}
    assert len(cloud.of("v1")) == 3


async def test_a_lost_answer_is_looked_for_and_not_asked_again(database: Database) -> None:
    cloud = cloud_with(10)
    cloud.faults["create_snapshot"] = [Fault(ActError("timeout", "no answer in 60 s", maybe_done=True), done=True)]
    assert await run(cloud, database) == {"project_id": P, "counts": {"made": 1}}
    assert cloud.effects["create"] == 1


async def test_what_nobody_can_know_is_unsure_and_never_repeated(database: Database) -> None:
    cloud = cloud_with(10)
    cloud.faults["create_snapshot"] = [Fault(ActError("timeout", "no answer in 60 s", maybe_done=True))]
    assert await run(cloud, database) == {"project_id": P, "counts": {"unsure": 1}}
    assert await run(cloud, database) == {"project_id": P, "counts": {"unsure": 1}}
    assert cloud.calls["create_snapshot"] == 1
    assert "no answer in 60 s" in (await found(database, "v1"))["v1"].detail


async def test_what_was_unsure_and_turned_up_is_taken(database: Database) -> None:
    cloud = cloud_with(10)
    cloud.faults["create_snapshot"] = [Fault(ActError("timeout", "no answer", maybe_done=True))]
    await run(cloud, database)
    key = (await found(database, "v1"))["v1"].key
    cloud.copy(P, "v1", timedelta(0), metadata=auto(key))
    assert await run(cloud, database) == {"project_id": P, "counts": {"made": 1}}


async def test_being_throttled_waits_as_long_as_the_cloud_asks(database: Database) -> None:
    cloud = cloud_with(10)
    cloud.faults["create_snapshot"] = [Fault(ActError("throttled", "429", retry_after_s=17)) for _ in range(2)]
    begun = clock_of(cloud).now
    assert await run(cloud, database) == {"project_id": P, "counts": {"made": 1}}
    assert (clock_of(cloud).now - begun).total_seconds() >= 34


async def test_one_failure_leaves_the_others_alone(database: Database) -> None:
    cloud = cloud_with(10, 20, 30)
    cloud.fault_of = lambda name, told: (
        Fault(ActError("unexpected", "HTTP 500: oops")) if name == "create_snapshot" and told[1] == "v2" else None
    )
    assert await run(cloud, database) == {"project_id": P, "counts": {"made": 2, "failed": 1}}


async def test_a_project_that_cannot_be_listed_is_told_and_nothing_tried(database: Database) -> None:
    cloud = cloud_with(10)
    cloud.faults["volumes"] = [Fault(ActError("refused", "HTTP 403: no role", "give it the role member"))]
    assert await run(cloud, database) == {"project_id": P, "counts": {"failed": 1}}
    assert "give it the role member" in (await found(database, "v1"))["v1"].detail


async def test_a_listing_that_fails_is_asked_again(database: Database) -> None:
    cloud = cloud_with(10)
    cloud.faults["volumes"] = [Fault(ActError("unexpected", "HTTP 500", maybe_done=True))] * 3
    assert await run(cloud, database) == {"project_id": P, "made": 1}


async def test_what_was_asked_for_before_its_project_fell_silent_is_unsure(database: Database) -> None:
    """It may be there: to say that it was not tried would be wrong."""
    cloud = cloud_with(10)
    step = batch_step(P, list(cloud.held[P].values()))
    action = SnapshotBatch(tempo(clock_of(cloud)))
    cloud.faults["create_snapshot"] = [Fault(Killed(), done=True)]
    with pytest.raises(Killed):
        await action.act(doing(cloud, database, step))
    cloud.faults["volumes"] = [Fault(ActError("refused", "HTTP 403: no role"))]
    assert dict(await action.act(doing(cloud, database, step))) == {"project_id": P, "unsure": 1}
    assert dict(await action.act(doing(cloud, database, step))) == {"project_id": P, "made": 1}
    assert cloud.effects["create"] == 1


async def test_one_that_is_never_finished_is_said_after_an_hour(database: Database) -> None:
    cloud = cloud_with(10, stuck={"v1"})
    assert await run(cloud, database, times=400) == {"project_id": P, "counts": {"failed": 1}}
    assert "still being made" in (await found(database, "v1"))["v1"].detail


async def test_cancel_stops_before_the_next_and_keeps_what_was_made(database: Database) -> None:
    cloud = cloud_with(10, 20, 30)

    async def cancelled() -> bool:
        return cloud.effects["create"] >= 1

    action = SnapshotBatch(tempo(clock_of(cloud), at_once=1))
    step = batch_step(P, list(cloud.held[P].values()))
    result = dict(await action.act(doing(cloud, database, step, cancelled=cancelled)))
    assert (
        result["counts"]["made"] + result["counts"]["cancelled"] == 3
        and result["counts"]["made"] == cloud.effects["create"]
    )


async def test_what_a_dead_worker_may_have_asked_for_is_waited_for(database: Database) -> None:
    """Its request may still arrive: whoever comes next asks only when it is over, and takes what turned up."""
    cloud = cloud_with(10)
    step = batch_step(P, list(cloud.held[P].values()))
    action = SnapshotBatch(tempo(clock_of(cloud), settle_s=60.0))
    cloud.faults["create_snapshot"] = [Fault(Killed())]
    with pytest.raises(Killed):
        await action.act(doing(cloud, database, step))
    with pytest.raises(NotYet):
        await action.act(doing(cloud, database, step))
    cloud.copy(P, "v1", timedelta(0), metadata=auto((await found(database, "v1"))["v1"].key))
    assert dict(await action.act(doing(cloud, database, step))) == {"project_id": P, "counts": {"made": 1}}
    assert not cloud.effects["create"]


async def test_what_a_dead_worker_never_asked_for_is_made_when_that_is_certain(database: Database) -> None:
    cloud = cloud_with(10)
    step = batch_step(P, list(cloud.held[P].values()))
    action = SnapshotBatch(tempo(clock_of(cloud), settle_s=60.0))
    cloud.faults["create_snapshot"] = [Fault(Killed())]
    with pytest.raises(Killed):
        await action.act(doing(cloud, database, step))
    await clock_of(cloud).sleep(61)
    assert dict(await action.act(doing(cloud, database, step))) == {"project_id": P, "counts": {"made": 1}}


class Dying:
    """The cloud, for a worker that dies at its n-th call: before it takes effect, or after."""

    def __init__(self, cloud: SmallCloud, at: int, after: bool) -> None:
        self._cloud, self._at, self._after, self.count = cloud, at, after, 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._cloud, name)
        if not callable(found):
            return found

        async def call(*told: Any, **more: Any) -> Any:
            number, self.count = self.count, self.count + 1
            if number == self._at and not self._after:
                raise Killed
            result = await found(*told, **more)
            if number == self._at and self._after:
                raise Killed
            return result

        return call


def fresh() -> SmallCloud:
    """Two volumes of one VM, one that only fits after room was made, one that is far too big."""
    cloud = SmallCloud(limit_gib=700, creating_for=1)
    for name, size in (("v1", 10), ("v2", 20)):
        cloud.volume(P, name, size, vms=("vm",))
    cloud.volume(P, "v3", 100)
    cloud.volume(P, "v4", 300)
    for volume in ("v1", "v3"):
        for days in (1, 2):
            cloud.copy(P, volume, days * DAY, id=f"{volume}-{days}", metadata=auto(f"{volume}{days}"))
    cloud.copy(P, "v1", 50 * DAY, id="by-hand")
    return cloud


def check(cloud: SmallCloud) -> None:
    """Nothing lost, nothing twice, nothing deleted wrongly."""
    keys = Counter(one.metadata.get("stackhand_key") for p in cloud.made.values() for one in p.values())
    assert keys.pop(None) == 1
    assert all(number == 1 for number in keys.values()), keys
    new = {v: [one for one in cloud.of(v) if one.id.startswith("snap-")] for v in ("v1", "v2", "v3", "v4")}
    assert {v: len(made) for v, made in new.items()} == {"v1": 1, "v2": 1, "v3": 1, "v4": 0}
    assert all(one.status == "available" for made in new.values() for one in made)
    assert {one.id for one in cloud.deleted} == {"v1-2", "v3-2"}
    assert cloud.effects["create"] == 3 and cloud.effects["delete"] == 2


async def forget(database: Database) -> None:
    async with database.begin() as conn:
        for table in (snapshot_record, snapshot_removal, snapshot_run):
            await conn.execute(delete(table))


async def killed(cloud: SmallCloud, client: Any, database: Any, at_once: int) -> bool:
    """Whether the worker died; it is begun again when it was only told to wait."""
    step = batch_step(P, list(cloud.held[P].values()))
    action = SnapshotBatch(tempo(clock_of(cloud), at_once=at_once))
    for _ in range(20):
        try:
            await action.act(doing(client, database, step))
            return False
        except NotYet as wait:
            await clock_of(cloud).sleep(wait.seconds)
        except Killed:
            return True
    raise AssertionError("it never ended")


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("where", ["cloud", "database"])
async def test_killed_at_every_point_and_begun_again(database: Database, where: str, after: bool, at_once: int) -> None:
    points = 0
    for at in range(200):
        await forget(database)
        cloud = fresh()
        client: Any = Dying(cloud, at if where == "cloud" else -1, after)
        dying: Any = Killing(database, at if where == "database" else -1, after)
        if not await killed(cloud, client, dying, at_once):
            break
        points += 1
        result = await run(cloud, database)
        assert result["counts"] == {"made": 3, "quota_blocked": 1, "pruned": 2}, at
        check(cloud)
    assert points >= 15
    check(cloud)
