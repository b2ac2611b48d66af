"""A VM comes back from volume backups: planned from the real inventory, run on the small cloud that works."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from engines.clouds.acting import ActError, Used
from engines.clouds.acting_servers import MARK
from engines.plans import Plan, to_json
from engines.restore.facts import points_for
from engines.restore.points import Point
from engines.restore.wishes import CannotPlanError, Wish, from_json
from storage import restore_facts
from storage.change_tables import job, job_step
from storage.database import Database
from storage.scopes import EVERYTHING, Scope
from tests.engines.restore.places import MINE, YESTERDAY, backed_place, planned, small_place, store
from tests.engines.restore.runs import Killed, Record, Run
from tests.engines.restore.small_cloud import PROJECT, T0, Backup, SmallCloud, Snapshot, lost
from tests.engines.restore.test_actions import copy_of, marked, new_vms, whole
from tests.engines.restore.test_planning import fact, failed, steps


async def points(database: Database, scope: Scope = EVERYTHING, vm_id: str = "vm-db") -> tuple[Point, ...]:
    async with database.connect() as conn:
        vm = await restore_facts.vm_of(conn, scope, "one", vm_id)
        assert vm is not None
        return (await points_for(conn, scope, vm))[1]


async def ready(database: Database, wish: Wish | None = None, cloud: SmallCloud | None = None) -> Run:
    cloud = cloud or backed_place()
    await store(database, cloud)
    plan = await planned(database, wish or Wish())
    assert plan.failed == ()
    return Run(database, cloud, plan)


async def test_backups_are_points_of_their_own_moment(database: Database) -> None:
    """The moment is that of the data, not that of the copy, which ended minutes later."""
    await store(database, backed_place())
    newest, oldest = await points(database)
    assert newest.words == "complete (3 of 3 volumes, volume backups)" and newest.size_gib == 440
    assert newest.begun == YESTERDAY and newest.at == YESTERDAY + timedelta(seconds=80)
    assert sorted(one.id for one in oldest.copies.values()) == ["b0-full", "b1-full", "b2-full"]
    assert not newest.one_moment


async def test_snapshots_and_backups_make_one_point_where_each_lacks_what_the_other_has(database: Database) -> None:
    cloud = backed_place()
    state = cloud.state
    del state.backups["b2-incr"]
    state.snapshots["s2"] = Snapshot("s2", "v-log", 200, YESTERDAY + timedelta(minutes=2), "log-snap")
    await store(database, cloud)
    newest, whole_one = await points(database)
    assert newest.words == "complete (3 of 3 volumes, 1 snapshot and 2 volume backups)"
    assert whole_one.made_of == "volume backups"
    plan = await planned(database, Wish())
    assert {target.kind for target in plan.targets} == {"vm", "snapshot", "volume_backup"}
    assert {c.name: c.detail for c in plan.checks}["copies"] == "1 snapshot and 2 volume backups available"
    run = Run(database, cloud, plan)
    assert await run.to_the_end() == "done", run.record.error


async def test_a_set_of_snapshots_and_one_of_backups_stay_two(database: Database) -> None:
    cloud = small_place()
    cloud.state.backups = backed_place().state.backups
    await store(database, cloud)
    found = await points(database)
    assert [one.made_of for one in found] == ["snapshots", "volume backups", "volume backups"]
    assert len({one.key for one in found}) == 3
    newest = await planned(database, Wish(copies="snapshot"))
    assert [s.arguments.get("snapshot_id") for s in steps(newest, "volume")] == ["s0", "s1", "s2"]
    backed = await planned(database, Wish(copies="backup", until=YESTERDAY))
    assert [s.arguments.get("backup_id") for s in steps(backed, "volume")] == ["b0-full", "b1-full", "b2-full"]
    assert from_json(backed.options["wish"]).snapshot == "b0-full"


async def test_only_good_backups_of_its_own_project_are_points(database: Database) -> None:
    cloud = backed_place()
    for one in cloud.state.backups.values():
        one.status = {"b0-incr": "error", "b1-incr": "creating", "b2-incr": "restoring"}.get(one.id, one.status)
    foreign = Backup("b-other", "v-data", 200, YESTERDAY, "their-backup", project="pb")
    cloud.state.backups[foreign.id] = foreign
    await store(database, cloud)
    (mine,) = await points(database, MINE)
    assert sorted(one.id for one in mine.copies.values()) == ["b0-full", "b1-full", "b2-full"]
    assert "their-backup" not in repr(mine)
    with pytest.raises(CannotPlanError, match="nor a backup or an image"):
        await planned(database, Wish(snapshot="their-backup"), scope=MINE)
    seen = await planned(database, Wish(snapshot="b-other"))  # who sees everything is refused by the check
    assert "their-backup" in failed(seen)["copies"]


async def test_a_backup_outlives_its_volume_and_its_vm(database: Database) -> None:
    """Nothing of the VM is left but its backups: volumes that went with it have no snapshots any more."""
    cloud = backed_place()
    await store(database, cloud)
    state = cloud.state
    del state.servers["vm-db"], state.ports["p-db"], state.ports["p-mgmt"]
    state.floating.clear()
    for volume in ("v-root", "v-data", "v-log"):
        del state.volumes[volume]
    await store(database, cloud, 1)
    plan = await planned(database, Wish())
    assert plan.failed == () and plan.title == "Restore db-02 side by side as db-02"
    assert [s.arguments["volume_type"] for s in steps(plan, "volume")] == ["ssd"] * 3
    run = Run(database, cloud, plan)
    assert await run.to_the_end() == "done", run.record.error
    (id_,) = new_vms(cloud)
    assert [state.volumes[v].backup for v, _ in state.servers[id_].volumes] == ["b0-incr", "b1-incr", "b2-incr"]


async def test_the_plan_tells_what_is_read_and_how_long_it_takes(database: Database) -> None:
    await store(database, backed_place())
    plan = await planned(database, Wish())
    assert "out of volume backups" in fact(plan, "makes") and "storage 512 → 952" in fact(plan, "quota")
    assert "about 112 min" in fact(plan, "takes") and "110 min to read 440 GiB out of backups" in fact(plan, "takes")
    assert plan.options["backup_gib"] == 440
    cloud = backed_place()
    cloud.quota["volumes"] = Used(12, 10)
    await store(database, cloud, 1)
    assert "volumes 10 → 13 of 12" in failed(await planned(database, Wish()))["quota"]


async def test_a_wish_for_a_backup_where_there_is_none_says_so(database: Database) -> None:
    await store(database, small_place())
    plan = await planned(database, Wish(copies="backup"))
    assert plan.failed == () and any("no volume backup of db-02 then" in line for line in plan.warnings)


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_volume_type_that_is_gone(database: Database, encrypted: bool) -> None:
    """What is encrypted can only come back into the same type; for the rest the default one will do."""
    cloud = backed_place()
    cloud.state.volumes["v-data"].type = "luks-old"
    cloud.state.backups["b1-incr"].encrypted = encrypted
    await store(database, cloud)
    plan = await planned(database, Wish())
    if encrypted:
        assert failed(plan) == {"volume types": "the type of what is encrypted is gone, so its backup cannot be read: "
                                                "db-data (luks-old)"}  # fmt: skip
    else:
        assert plan.failed == () and any("luks-old is gone" in line for line in plan.warnings)
        assert [s.arguments["volume_type"] for s in steps(plan, "volume")] == ["ssd", "", "ssd"]


async def test_what_cinder_writes_over_is_put_right(database: Database) -> None:
    """Its restore replaces the volume's metadata by those of then: policies, and the mark of another job."""
    run = await ready(database)
    assert await run.to_the_end() == "done", run.record.error
    made = [one for one in run.cloud.state.volumes.values() if one.backup]
    for place, one in enumerate(sorted(made, key=lambda v: v.backup), 2):
        assert one.metadata[MARK].startswith(f"JOB-7-{place}-") and "stackhand_policies" not in one.metadata
        assert one.metadata["src_backup_id"] == one.backup and one.zone == "nova" and one.type == "ssd"
    assert made[1].metadata["team"] == "orders"
    (id_,) = new_vms(run.cloud)
    assert run.cloud.state.volumes[run.cloud.state.servers[id_].volumes[0][0]].bootable


async def test_a_backup_that_cannot_be_restored_is_told_and_taken_back(database: Database) -> None:
    run = await ready(database)
    before = run.cloud.state.shape()
    run.cloud.broken_volumes = {"b1-incr"}
    assert await run.to_the_end() == "failed"
    assert "could not be made: it is in error_restoring" in run.record.error
    assert run.cloud.state.shape() == before and run.record.left == []


BAD: dict[str, Callable[[SmallCloud], object]] = {
    "deleted": lambda c: c.state.backups.pop("b1-incr"),
    "in error": lambda c: setattr(c.state.backups["b1-incr"], "status", "error"),
    "being restored by another": lambda c: setattr(c.state.backups["b1-incr"], "status", "restoring"),
    "of another project": lambda c: setattr(c.state.backups["b1-incr"], "project", "pb"),
    "of another volume": lambda c: setattr(c.state.backups["b1-incr"], "volume", "v-web"),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("late", [False, True], ids=["before it began", "in the middle"])
async def test_a_backup_that_changed_since_the_plan(database: Database, what: str, late: bool) -> None:
    run = await ready(database)
    cloud, done = run.cloud, []

    def change(name: str, at: int) -> None:
        if late and name == "create_volume" and not done:
            done.append(BAD[what](cloud))

    cloud.fault = change
    if not late:
        BAD[what](cloud)
    names = set(cloud.state.volumes)
    assert await run.to_the_end() == "failed" and "b1-incr" in run.record.error
    assert ("nothing was begun" in run.record.error) is not late
    assert set(cloud.state.volumes) == names and run.record.left == []


async def test_a_cloud_that_makes_no_volumes_of_backups_is_asked_before_the_first_act(database: Database) -> None:
    run = await ready(database)
    old = ActError("refused", "Cinder is older than 3.47 and makes no volumes of backups", "restore it by hand")
    run.cloud.fault = lambda name, at: old if name == "backups" else None
    assert await run.to_the_end() == "failed" and "older than 3.47" in run.record.error
    assert run.cloud.mutations == []


async def _before(database: Database) -> tuple[Plan, SmallCloud, int]:
    run = await ready(database)
    before = deepcopy(run.cloud)
    assert await run.to_the_end() == "done", run.record.error
    return run.plan, before, len(run.cloud.calls)


async def test_one_lost_answer_at_every_call_makes_nothing_twice(database: Database) -> None:
    plan, before, count = await _before(database)
    for number in range(1, count + 1):
        cloud = copy_of(before)
        cloud.fault = lambda name, at, n=number: lost() if at == n else None  # type: ignore[misc]
        run = Run(database, cloud, plan)
        state = await run.to_the_end()
        assert state == "done", (number, cloud.calls[number - 1], run.record.error)
        whole(run, before, state, f"{number} {cloud.calls[number - 1]}")
        assert len([v for v in cloud.state.volumes.values() if v.backup]) == 3, number
        assert {b.status for b in cloud.state.backups.values()} == {"available"}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_every_call_and_gone_on_with(database: Database, after: bool) -> None:
    plan, before, count = await _before(database)
    for number in range(1, count + 1):
        cloud, record = copy_of(before), Record()
        error = Killed()
        error.after = after  # type: ignore[attr-defined]
        cloud.fault = lambda name, at, n=number, e=error: e if at == n else None  # type: ignore[misc]
        with pytest.raises(Killed):
            await Run(database, cloud, plan, record).to_the_end()
        run = Run(database, cloud, plan, record)
        state = await run.to_the_end()
        assert state == "done", (number, run.record.error)
        whole(run, before, state, str(number))
        assert len([v for v in cloud.state.volumes.values() if v.backup]) == 3, number


async def test_stopped_at_every_step_nothing_is_left(database: Database) -> None:
    """Also while a volume is being filled, when Cinder does not delete it, and right after, when Cinder has written
    the marks of another job over ours."""
    plan, before, _ = await _before(database)
    for step in plan.steps:
        for look in (0, 1):
            run = Run(database, copy_of(before), plan, cancel_at=(step.name, look))
            state = await run.to_the_end()
            whole(run, before, state, f"{step.name} {look}")
            if state == "cancelled":
                assert run.record.left == [] and marked(run.cloud) == [], step.name


async def test_a_volume_that_others_restored_is_never_deleted(database: Database) -> None:
    """Cinder may have written the mark of this very step back with the data: what its description says counts."""
    run = await ready(database)
    assert run.cloud.state.volumes["v-data"].project == PROJECT
    mark = f"JOB-7-2-{run.plan.digest[:16]}"
    theirs = replace(
        run.cloud.state.volumes["v-root"], id="theirs", status="available", attached={}, metadata={MARK: "x"}
    )
    run.cloud.state.volumes["theirs"] = replace(theirs, description=f"{MARK}=JOB-9-2-{run.plan.digest[:16]}",
                                                metadata={MARK: mark})  # fmt: skip
    run.cancel_at = ("server", 0)
    assert await run.to_the_end() == "cancelled" and "theirs" in run.cloud.state.volumes


async def test_a_volume_that_the_vm_has_no_more_is_attached_again(database: Database) -> None:
    """It was taken out and deleted: its snapshots had to go before, its backups are there."""
    cloud = backed_place()
    await store(database, cloud)
    state = cloud.state
    state.servers["vm-db"].volumes.remove(("v-log", False))
    del state.volumes["v-log"]
    await store(database, cloud, 1)
    assert [len(one.copies) for one in await points(database)] == [2, 2]
    side = await planned(database, Wish())
    assert side.failed == () and len(steps(side, "volume")) == 2
    plan = await planned(database, Wish(mode="attach", volumes=("DB-log",)))
    assert plan.failed == () and [s.arguments["backup_id"] for s in steps(plan, "volume")] == ["b2-incr"]
    run = Run(database, cloud, plan)
    assert await run.to_the_end() == "done", run.record.error
    assert len(state.servers["vm-db"].volumes) == 3
    older = await planned(database, Wish(mode="attach", volumes=("v-log",), until=YESTERDAY))
    assert [s.arguments["backup_id"] for s in steps(older, "volume")] == ["b2-full"]
    with pytest.raises(CannotPlanError, match="is no volume of db-02"):
        await planned(database, Wish(mode="attach", volumes=("v-web",)))


async def test_what_the_last_ones_took_is_reckoned_by_the_gib(database: Database) -> None:
    """440 GiB in 4,400 s; one that made volumes of snapshots alone, and one that failed, tell nothing of it."""
    await store(database, backed_place())
    plan = await planned(database, Wish())
    for seconds, state, options in ((4400, "done", {}), (9, "failed", {}), (60, "done", {"backup_gib": None})):
        told = to_json(plan)
        told["options"] = {k: v for k, v in {**told["options"], **options}.items() if v is not None}
        values = {
            "kind": plan.kind, "plan": told, "source": "one", "project_id": PROJECT,
            "asked_by": "ada", "state": state, "started_at": T0, "ended_at": T0 + timedelta(seconds=seconds + 60),
        }  # fmt: skip
        async with database.begin() as conn:
            id_ = int((await conn.execute(insert(job).values(**values).returning(job.c.id))).scalar_one())
            step = {"job_id": id_, "number": 5, "name": "volumes ready", "state": "done", "began_at": T0}
            await conn.execute(insert(job_step).values(**step, ended_at=T0 + timedelta(seconds=seconds)))
    takes = fact(await planned(database, Wish()), "takes")
    assert "about 75 min (last 1 without: 2)" in takes and "73 min to read 440 GiB out of backups (as the last" in takes


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_volume_that_is_being_filled_is_not_deleted_before(database: Database, hangs: bool) -> None:
    """Cinder would take the call, and the backup would be `restoring` for ever. What is never filled is told."""
    run = await ready(database, cloud=backed_place(ready_after=1000 if hangs else 6))
    before = run.cloud.state.shape()
    run.cancel_at = ("volumes ready", 0)
    assert await run.to_the_end() == "cancelled"
    if hangs:
        assert len(run.record.left) == 3 and "openstack volume delete volume-0" in run.record.left[0][2]
        assert "delete_volume" not in run.cloud.calls
    else:
        assert run.record.left == [] and run.cloud.state.shape() == before
