"""Plans out of the record: what they touch, what speaks against them; and the ticks of the clock."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engines.plans import Plan, from_json, to_json
from engines.snapshots.planning import Asked, PlanError, plan_delete, plan_snapshot
from engines.snapshots.planning_policies import plan_assign, plan_remove
from engines.snapshots.planning_runs import RunPlan, plan_run
from engines.snapshots.policies import Policy, told_by_name
from engines.snapshots.ticks import ensure_schedules, plan_tick, record_tick
from storage import snapshot_runs
from storage.database import Database
from storage.inventory import Found, one
from storage.scopes import EVERYTHING, Scope
from storage.snapshot_coverage import days
from tests.engines.snapshots.worlds import NOW, auto, copy, names, quota, synced, vm, volume

DAY = timedelta(days=1)
UNDER = {"stackhand_policies": "daily_2"}


def policy(name: str = "daily_2") -> Policy:
    found = told_by_name(name)
    assert found is not None
    return found


async def row(database: Database, kind: str, id_: str) -> Found:
    async with database.begin() as conn:
        found = await one(conn, EVERYTHING, kind, ("pcd-1", id_))
    assert found is not None
    return found


async def planned(database: Database, kind: str, id_: str, **more: Any) -> Plan:
    of = await row(database, kind, id_)
    async with database.begin() as conn:
        plan = await plan_snapshot(conn, Asked("bob", EVERYTHING, NOW), **{kind: of}, **more)
    assert from_json(to_json(plan)).digest == plan.digest
    return plan


async def run(database: Database, scope: Scope = EVERYTHING, **more: Any) -> RunPlan:
    async with database.begin() as conn:
        return await plan_run(conn, Asked("bob", scope, NOW), policy(), **more)


async def test_a_vm_is_one_group_of_all_its_volumes(database: Database) -> None:
    await synced(
        database, vm("w"), volume("a", vm="w"), volume("b", vm="w", size=30), volume("c"), quota("p1", 100, 50)
    )
    plan = await planned(database, "vm", "w")
    assert [step.action for step in plan.steps] == ["snapshot.group"]
    assert names(plan.steps[0].arguments["volumes"]) == ["a", "b"]
    assert {(t.kind, t.external_id) for t in plan.targets} == {("vm", "w"), ("volume", "a"), ("volume", "b")}
    assert plan.targets[2].state == {"size_gib": 30, "state": "attached", "parent_id": "w"}
    assert not plan.failed and any("one after the other within about 4 s" in value for _, value in plan.facts)
    assert plan.projects == {("pcd-1", "p1")}


async def test_a_vm_is_held_still_where_that_is_wanted(database: Database) -> None:
    await synced(database, vm("w", metadata={"stackhand_pause": "true"}), volume("a", vm="w"), volume("b", vm="w"))
    plan = await planned(database, "vm", "w")
    assert [step.action for step in plan.steps] == ["vm.hold", "snapshot.group", "vm.go_on"]
    assert plan.steps[0].undo and plan.options["pause"]


async def test_one_that_is_off_is_not_held_and_it_is_said(database: Database) -> None:
    await synced(database, vm("w", state="off"), volume("a", vm="w"), volume("b", vm="w"))
    plan = await planned(database, "vm", "w", pause=True)
    assert len(plan.steps) == 1 and "is off" in plan.warnings[0]


async def test_what_does_not_fit_or_cannot_be_copied_is_a_check(database: Database) -> None:
    await synced(database, volume("a", size=60), volume("b", state="error"), quota("p1", 100, 70))
    assert [check.detail for check in (await planned(database, "volume", "a")).failed] == [
        "60 GiB: needs 30 GiB more (quota of the project)"
    ]
    assert "error" in (await planned(database, "volume", "b")).failed[0].detail


async def test_a_vm_without_volumes_cannot_be_planned(database: Database) -> None:
    await synced(database, vm("w"))
    with pytest.raises(PlanError, match="no volume"):
        await planned(database, "vm", "w")


async def test_what_was_just_made_is_not_planned_again_until_a_listing_tells(database: Database) -> None:
    await synced(database, volume("a", metadata=UNDER), volume("b", metadata=UNDER))
    row = {"run": "JOB-1", "source": "pcd-1", "volume_id": "a", "policy": "daily_2", "project_id": "p1",
           "volume_name": "a", "size_gib": 10, "key": "k", "name": "n", "state": "made", "begun_at": NOW,
           "tried_at": NOW, "ended_at": NOW + timedelta(seconds=9)}  # fmt: skip
    async with database.begin() as conn:
        await snapshot_runs.intend(conn, [row])
    assert {line.held.facts.id: line.does for line in (await run(database)).lines} == {"a": "skip", "b": "make"}
    await synced(database, volume("a", metadata=UNDER), volume("b", metadata=UNDER), when=NOW + timedelta(minutes=1))
    assert (await run(database)).count("make") == 2, "the listing shows none: somebody deleted it"


async def test_a_run_has_a_step_for_each_project_side_by_side(database: Database) -> None:
    rows = [volume("a", metadata=UNDER), volume("b", "p2", metadata=UNDER), volume("c"), vm("w"),
            volume("d", metadata=UNDER, state="error"), volume("e", metadata=UNDER)]  # fmt: skip
    await synced(database, *rows, copy("s", "e", timedelta(hours=9), metadata=auto("daily_2")))
    found = await run(database)
    assert [(s.action, s.together, names(s.arguments["volumes"])) for s in found.plan.steps] == [
        ("snapshot.batch", "projects", ["a"]), ("snapshot.batch", "projects", ["b"]),
    ]  # fmt: skip
    assert {line.held.facts.id: (line.does, line.why) for line in found.lines if line.does == "skip"} == {
        "d": ("skip", "the volume is error"), "e": ("skip", "copied 11-24 03:00"),
    }  # fmt: skip
    assert [t.kind for t in found.plan.targets] == ["project", "project"] and found.plan.undo == "what was made is kept"
    assert from_json(to_json(found.plan)).digest == found.plan.digest


async def test_a_run_tells_what_is_blocked_and_pruned(database: Database) -> None:
    rows = [volume("a", metadata=UNDER), volume("b", size=90, metadata=UNDER), quota("p1", 150, 100)]
    old = [copy(f"s{n}", "a", n * DAY, metadata=auto("daily_2", f"k{n}")) for n in (1, 2)]
    await synced(database, *rows, *old)
    found = await run(database)
    assert {line.held.facts.id: (line.does, line.prunes) for line in found.lines} == {
        "a": ("make", 1),
        "b": ("block", 0),
    }
    assert "no room for 1 volume: quota_blocked" in found.plan.warnings[0]


async def test_a_run_never_leaves_the_scope_nor_the_projects_named(database: Database) -> None:
    await synced(database, volume("a", metadata=UNDER), volume("b", "p2", metadata=UNDER))
    only = Scope(projects=frozenset({("pcd-1", "p2")}))
    assert [line.held.facts.id for line in (await run(database, only)).lines] == ["b"]
    assert [line.held.facts.id for line in (await run(database, projects=[("pcd-1", "p1")])).lines] == ["a"]
    with pytest.raises(PlanError, match="No volume is under daily_2"):
        await run(database, Scope(projects=frozenset({("pcd-1", "p3")})))


async def test_deleting_tells_what_depends_on_it_and_whether_it_is_the_last(database: Database) -> None:
    rows = volume("a"), volume("clone", snapshot_id="s2"), volume("b")
    copies = copy("s1", "a", DAY, metadata=auto("daily_2")), copy("s2", "a", 2 * DAY), copy("s3", "b", DAY)
    await synced(database, *rows, *copies)
    async with database.begin() as conn:
        asked = Asked("bob", EVERYTHING, NOW)
        first, second, third = [
            await plan_delete(conn, asked, await row(database, "snapshot", id_)) for id_ in ("s1", "s2", "s3")
        ]
    assert first.warnings == ("It is the last good one of policy daily_2.",) and not first.failed
    assert second.failed[0].detail == "made from it: name-clone"
    assert third.warnings == ("It is the last good snapshot of name-b.",)


async def test_assigning_leaves_alone_what_an_owner_switched_off(database: Database) -> None:
    await synced(database, volume("a"), volume("b", metadata={"auto_snapshot": "no"}), quota("p1", 1000, 0))
    project = await row(database, "project", "p1")
    async with database.begin() as conn:
        plan = await plan_assign(conn, Asked("bob", EVERYTHING, NOW), policy(), project, 7)
        with pytest.raises(PlanError, match="copies cannot be kept"):
            await plan_assign(conn, Asked("bob", EVERYTHING, NOW), policy(), project, 0)
        with pytest.raises(PlanError, match="is not under daily_2"):
            await plan_remove(conn, Asked("bob", EVERYTHING, NOW), policy(), await row(database, "volume", "a"))
        off = await plan_assign(conn, Asked("bob", EVERYTHING, NOW), policy(), await row(database, "volume", "b"))
    assert names(plan.steps[0].arguments["volumes"]) == ["a"] and "Left as it is: 1 volume" in plan.warnings[0]
    assert plan.project_id == "p1" and off.failed


@dataclass(frozen=True)
class Scheduled:
    name: str = "snapshots-monthly_1st"
    arguments: dict[str, Any] = field(default_factory=lambda: {"policy": "monthly_1st"})
    zone: str = "UTC"


async def test_a_tick_is_planned_only_when_the_policy_is_due(database: Database) -> None:
    await synced(database, volume("a", metadata={"stackhand_policies": "monthly_1st"}))
    async with database.begin() as conn:
        assert await plan_tick(conn, Scheduled(), datetime(2026, 11, 24, 4, tzinfo=UTC)) is None
        late = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
        assert await plan_tick(conn, Scheduled(), late) is None
        berlin = await plan_tick(conn, Scheduled(zone="Europe/Berlin"), late)
        plan = await plan_tick(conn, Scheduled(), datetime(2026, 12, 1, 4, tzinfo=UTC))
        with pytest.raises(PlanError, match="no policy"):
            await plan_tick(conn, Scheduled(arguments={"policy": "nonsense"}), late)
    assert plan is not None and berlin is not None
    assert plan.steps[0].arguments["run"] == "monthly_1st@2026-12-01T04:00:00Z"
    assert plan.steps[0].arguments["by"] == "schedule:snapshots-monthly_1st"


async def test_schedules_are_kept_for_the_policies_in_use(database: Database) -> None:
    from sqlalchemy import select, update

    from storage.change_tables import schedule

    await synced(database, volume("a", metadata=UNDER), volume("b", metadata={"stackhand_policies": "weekly_4"}))
    async with database.begin() as conn:
        assert sorted(await ensure_schedules(conn)) == [
            "snapshots-coverage", "snapshots-daily_2", "snapshots-weekly_4"
        ]  # fmt: skip
        assert await ensure_schedules(conn) == []
        by_hand = update(schedule).where(schedule.c.name == "snapshots-daily_2").values(cron="0 5 * * *", enabled=False)
        await conn.execute(by_hand)
        assert await ensure_schedules(conn) == []
    await synced(database, volume("a"), volume("b"), when=NOW + timedelta(minutes=5))
    async with database.begin() as conn:
        assert sorted(await ensure_schedules(conn)) == ["snapshots-coverage", "snapshots-weekly_4"]
        rows = {r.name: r.enabled for r in await conn.execute(select(schedule.c.name, schedule.c.enabled))}
    assert rows == {"snapshots-coverage": False, "snapshots-daily_2": False, "snapshots-weekly_4": False}
    await synced(database, volume("a"), volume("b", metadata={"stackhand_policies": "weekly_4"}), when=NOW + DAY)
    async with database.begin() as conn:
        assert sorted(await ensure_schedules(conn)) == ["snapshots-coverage", "snapshots-weekly_4"]


async def test_the_trend_is_kept_by_project_and_seen_by_scope(database: Database) -> None:
    await synced(database, volume("a", metadata=UNDER), volume("b", "p2"), volume("c", "p2"))
    async with database.begin() as conn:
        await record_tick(conn, Scheduled(), NOW)
        await record_tick(conn, Scheduled(), NOW)
        mine = Scope(projects=frozenset({("pcd-1", "p1")}))
        assert await days(conn, EVERYTHING, NOW.date()) == {NOW.date(): {"never": 1, "unprotected": 2}}
        assert await days(conn, mine, NOW.date()) == {NOW.date(): {"never": 1}}
        assert await days(conn, EVERYTHING, NOW.date(), domains=[("pcd-1", "d1")]) == await days(
            conn, EVERYTHING, NOW.date()
        )
        assert await days(conn, EVERYTHING, NOW.date(), policy="daily_2") == {NOW.date(): {"never": 1}}
