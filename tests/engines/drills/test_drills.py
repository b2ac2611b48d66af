"""Drills from their plan to their end: nothing of the originals is touched, and nothing is left."""

from copy import deepcopy
from typing import Any

import pytest

from engines.clouds.acting import ActError, Used
from engines.drills.wishes import MOST_VMS
from engines.restore.wishes import CannotPlanError, House
from storage import drills, jobs
from storage.database import Database
from storage.scopes import EVERYTHING, Scope
from tests.engines.changes.bed import Still, add_job
from tests.engines.drills.drill_cloud import PROJECT, DrillCloud, drill_place
from tests.engines.drills.running import drilled, planned, ran, rows_of
from tests.engines.restore.places import store
from tests.engines.restore.small_cloud import http_500, lost, timed_out

CHANGING = ("create", "delete", "set_")


async def place(database: Database, **how: Any) -> DrillCloud:
    cloud = drill_place(**how)
    await store(database, cloud)
    return cloud


async def test_two_vms_come_back_are_looked_at_and_go(database: Database) -> None:
    cloud = await place(database, ready_after=2)
    before = cloud.all()
    most = 0

    def count(name: str, _: int) -> None:
        nonlocal most
        most = max(most, sum(1 for s in cloud.state.servers.values() if "-drill-" in s.name))

    cloud.fault = count
    plan = await planned(database, "db-02", "web-01")
    assert dict(plan.facts)["quota"].startswith("VMs 10 → 11 of 40")  # one at a time
    assert plan.failed == () and plan.kind == "restore_drill" and "2 VMs of acme-prod" in plan.title
    state, (db, web) = await drilled(database, cloud, plan)
    assert state.state == "done" and state.outcome["left"] == [], (state.error, state.outcome)
    assert cloud.all() == before and most == 1
    assert {(p[0].startswith("net-0"), p[1]) for p in cloud.seen} == {
        (True, ("10.20.0.22", "2001:db8::22")), (True, ("10.30.0.22",)), (True, ("10.20.0.11",)),
    }  # fmt: skip
    assert (db.vm, db.outcome) == ("db-02", "passed") and db.restored_s is not None and db.age_s is not None
    assert {one["name"]: one["well"] for one in db.checks} == dict.fromkeys(
        ("restore point", "status", "volumes", "ports", "addresses", "console"), True
    )
    assert web.outcome == "failed" and "without its root disk" in web.reason and web.restored_s is not None
    assert state.outcome["counts"]["passed"] == 1
    async with database.connect() as conn:
        steps = await drills.steps_of(conn, db.job_id, 1)
    assert [name for name, _ in steps][:2] == ["begin", "volume 1"] and steps[-1][0] == "remove"


@pytest.mark.parametrize("broken", ["servers", "volumes", "snapshot", "silent", "router"])
async def test_what_does_not_come_back_is_a_finding_and_the_next_one_is_drilled(
    database: Database, broken: str
) -> None:
    cloud = await place(database)
    plan = await planned(database, "db-02", *(["web-01"] if broken == "volumes" else []))
    before = cloud.all()
    if broken == "servers":
        cloud.broken_servers = True
    elif broken == "volumes":
        cloud.broken_volumes = {"s1"}
    elif broken == "snapshot":
        before["snapshots"].remove("s1")
        del cloud.state.snapshots["s1"]
    elif broken == "router":
        cloud.fault = lambda name, _: cloud.plug_in()
    else:
        cloud.fault = lambda name, _: cloud.silence()
    state, (db, *others) = await drilled(database, cloud, plan)
    cloud.fault = lambda name, number: None
    assert state.state == "done" and cloud.all() == before, state.error
    told = {
        "servers": ("failed", "No valid host"), "volumes": ("failed", "it is in error"),
        "snapshot": ("failed", "snapshot s1 is not in the project any more"), "silent": ("unproven", ""),
        "router": ("failed", "was plugged into a router"),
    }[broken]  # fmt: skip
    assert db.outcome == told[0] and told[1] in db.reason
    assert all(one.restored_s is not None for one in others) and len(others) == (broken == "volumes")


async def test_lost_answers_and_faults_leave_nothing(database: Database) -> None:
    cloud = await place(database, ready_after=2)
    before = cloud.all()
    number = iter(range(10**6))
    faults = (lost, http_500, timed_out)

    def fault(name: str, _: int) -> Any:
        at = next(number)
        return faults[at % 3]() if at % 5 == 2 else None

    cloud.fault = fault
    plan = await planned(database, "db-02")
    state, (db,) = await drilled(database, cloud, plan)
    cloud.fault = lambda name, number: None
    assert state.state == "done", (state.error, state.outcome)
    assert cloud.all() == before and db.outcome in ("passed", "failed")


async def test_what_cannot_be_deleted_is_told_by_its_id(database: Database) -> None:
    cloud = await place(database)
    cloud.stuck_networks = True
    state, (db,) = await drilled(database, cloud, await planned(database, "db-02"))
    assert state.state == "failed" and "could not be deleted" in state.error and db.outcome == "passed"
    assert {left["fix"].split()[-1] for left in state.outcome["left"]} == set(cloud.nets)


async def test_a_vm_that_cannot_be_deleted_is_told_with_it(database: Database) -> None:
    cloud = await place(database)

    def fault(name: str, _: int) -> Any:
        return ActError("unexpected", "HTTP 500", "see the log") if name == "delete_server" else None

    cloud.fault = fault
    state, (db,) = await drilled(database, cloud, await planned(database, "db-02"))
    assert state.state == "failed" and db.outcome == "passed"
    (server,) = [id_ for id_, one in cloud.state.servers.items() if "-drill-" in one.name]
    assert any(f"openstack server delete {server}" == left["fix"] for left in db.left)


class Killed(BaseException):
    """The process dies; what is on record stays. `after`: the cloud did what it was asked for."""

    after = False


class Ending:
    """At the call with this number that changes something the worker dies, or somebody asks to stop."""

    def __init__(self, how: str, at: int) -> None:
        self.how, self.at, self.counted, self.asked = how, at, 0, False

    def __call__(self, name: str, _: int) -> Any:
        if not name.startswith(CHANGING):
            return None
        self.counted += 1
        if self.counted != self.at + 1:
            return None
        if self.how == "cancel":
            self.asked = True
            return None
        error = Killed()
        error.after = self.at % 2 == 0
        return error


async def test_killed_or_stopped_anywhere_it_leaves_nothing(database: Database) -> None:
    """The worker dies before or after a call and another goes on; or it is asked to stop, and all made goes."""
    cloud = await place(database)
    before, saved = cloud.all(), cloud.snapshot_of_state()
    plan = await planned(database, "db-02")
    state, _ = await drilled(database, cloud, plan)
    calls = sum(1 for name in cloud.calls if name.startswith(CHANGING))
    assert state.state == "done" and calls > 15
    ends = [Ending("kill", at) for at in range(0, calls, 5)] + [Ending("cancel", at) for at in range(1, calls, 7)]
    for ending in ends:
        cloud.state, saved = saved, deepcopy(saved)
        cloud.fault = ending
        id_ = await add_job(database, plan)
        end = await _to_the_end(database, cloud, id_, ending)
        cloud.fault = lambda name, number: None
        told = (ending.how, ending.at, end.error)
        assert end.state in {"kill": ("done",), "cancel": ("done", "cancelled")}[ending.how], told
        assert cloud.all() == before and end.outcome["left"] == [], told
        if end.state == "cancelled":
            assert {row.outcome for row in await rows_of(database, id_)} <= {"cancelled", "passed"}


async def _to_the_end(database: Database, cloud: DrillCloud, id_: int, ending: Ending) -> Any:
    class Asked(Still):
        """Somebody asks to stop while a step waits."""

        async def sleep(self, seconds: float) -> None:
            if ending.asked:
                ending.asked = False
                async with database.begin() as conn:
                    await jobs.ask_cancel(conn, id_, "ada")

    for _ in range(4):
        try:
            return await ran(database, cloud, id_, Asked())
        except Killed:
            continue
    raise AssertionError("it never ends")


async def test_there_is_no_room(database: Database) -> None:
    cloud = await place(database)
    plan = await planned(database, "db-02")
    before = cloud.all()
    cloud.quota["networks"] = Used(10, 9)
    state, rows = await drilled(database, cloud, plan)
    assert state.state == "failed" and "quota of networks: 1 left, 2 needed" in state.error and rows == []
    assert cloud.all() == before and cloud.mutations == []


async def test_a_vm_without_snapshots_is_recorded_as_failed(database: Database) -> None:
    cloud = drill_place()
    del cloud.state.snapshots["s-web"]
    cloud.things.discard(("image", "img-debian"))
    await store(database, cloud)
    plan = await planned(database)
    state, rows = await drilled(database, cloud, plan)
    assert state.state == "done"
    assert [(one.vm, one.outcome) for one in rows] == [("db-02", "passed"), ("web-01", "failed")]
    assert "nothing that web-01 could come back from" in rows[1].reason and rows[1].point_at is None
    before = cloud.all()
    state, (web,) = await drilled(database, cloud, await planned(database, "web-01"))  # nothing but that is to be told
    assert state.state == "done" and web.outcome == "failed" and cloud.all() == before


async def test_those_are_drilled_that_were_not_lately(database: Database) -> None:
    cloud = await place(database)
    first = await planned(database, most=1)
    await drilled(database, cloud, first)
    second = await planned(database, most=1)
    await drilled(database, cloud, second)
    assert [first.options["vms"], second.options["vms"]] == [["db-02"], ["web-01"]]
    assert (await planned(database, most=1)).options["vms"] == ["db-02"]
    assert (await planned(database, tag="gold")).options["vms"] == ["db-02"]


@pytest.mark.parametrize(
    ("names", "wish", "words"),
    [
        (("nobody",), {}, "has no VM nobody"), ((), {"tag": "none"}, "no VM with the tag none"),
        (tuple(f"vm-{n}" for n in range(MOST_VMS + 1)), {}, "more than the 10"), (("other-01",), {}, "has no VM"),
    ],
)  # fmt: skip
async def test_what_cannot_be_planned(database: Database, names: Any, wish: Any, words: str) -> None:
    await place(database)
    with pytest.raises(CannotPlanError, match=words):
        await planned(database, *names, **wish)


async def test_only_whose_project_it_is_sees_it(database: Database) -> None:
    cloud = await place(database)
    foreign = Scope(projects=frozenset({("one", "pb")}))
    with pytest.raises(CannotPlanError):
        await planned(database, "db-02", scope=foreign)
    _, (db,) = await drilled(database, cloud, await planned(database, "db-02"))
    assert await rows_of(database, db.job_id, foreign) == []
    assert len(await rows_of(database, db.job_id, Scope(projects=frozenset({("one", PROJECT)})))) == 1
    async with database.connect() as conn:
        assert await drills.latest(conn, foreign) == {} and len(await drills.latest(conn, EVERYTHING)) == 1


async def test_where_restores_are_off_it_is_a_dry_run(database: Database) -> None:
    await place(database)
    plan = await planned(database, "db-02", house=House())
    assert [check.name for check in plan.failed] == ["restore.execute"]
