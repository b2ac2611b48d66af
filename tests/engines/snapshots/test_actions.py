"""The steps of single changes: a group or nothing, a pause that ends, a checked delete, policies written down."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engines.actions import Action, Doing, NotYet, StepError, UnsureError, find_actions
from engines.clouds.acting import ActError
from engines.plans import Step
from engines.snapshots.actions import actions
from engines.snapshots.metadata import read_volume
from storage import snapshots as said
from storage.database import Database
from tests.engines.snapshots.small_cloud import Clock, Fault, Killed, SmallCloud, auto, doing, tempo

P = "p-1"


def action(cloud: SmallCloud, name: str) -> Action:
    assert isinstance(cloud.clock, Clock)
    return next(one for one in actions(tempo(cloud.clock)) if one.name == name)


async def do(cloud: SmallCloud, database: Any, step: Step, **more: Any) -> Any:
    """As the runner does."""
    one, told = action(cloud, step.action), doing(cloud, database, step, **more)
    for _ in range(20):
        try:
            return await one.look(told) or await one.act(told)
        except NotYet as wait:
            await cloud.clock.sleep(wait.seconds)  # type: ignore[attr-defined]
    raise AssertionError("it never ended")


def group(cloud: SmallCloud) -> Step:
    items = [{"id": v.id, "name": v.name, "size_gib": v.size_gib, "vm": "web", "vm_id": "web"}
             for v in cloud.held[P].values()]  # fmt: skip
    told = {"source": "pcd-1", "project_id": P, "policy": "", "run": "", "by": "bob", "volumes": items}
    return Step("take", "snapshot.group", "", told, "removed")


def two(**more: Any) -> SmallCloud:
    cloud = SmallCloud(**more)
    cloud.volume(P, "v1", 10)
    cloud.volume(P, "v2", 20)
    return cloud


def test_the_actions_are_found() -> None:
    assert {"snapshot.batch", "snapshot.group", "snapshot.create", "snapshot.delete", "volume.set_policies", "vm.hold",
            "vm.go_on"} <= set(find_actions())  # fmt: skip


async def test_a_group_is_whole_and_counts_for_no_policy(database: Database) -> None:
    cloud = two(creating_for=2)
    result = await do(cloud, database, group(cloud))
    assert result["made"] == 2 and await do(cloud, database, group(cloud)) == result
    made = [*cloud.of("v1"), *cloud.of("v2")]
    assert cloud.effects["create"] == 2
    assert len({one.metadata["stackhand_group"] for one in made}) == 1 and "stackhand_policy" not in made[0].metadata


@pytest.mark.parametrize("fault", ["error", "refused"])
async def test_half_a_group_is_taken_away_again(database: Database, fault: str) -> None:
    cloud = two(errored={"v2"} if fault == "error" else set())
    cloud.copy(P, "v1", timedelta(days=1), id="before")
    if fault == "refused":
        cloud.fault_of = lambda name, told: (
            Fault(ActError("unexpected", "HTTP 500")) if name == "create_snapshot" and told[1] == "v2" else None
        )
    with pytest.raises(StepError, match="v2"):
        await do(cloud, database, group(cloud))
    await cloud.snapshots(P)
    assert [one.id for one in cloud.made[P].values()] == ["before"]


async def test_a_group_that_does_not_fit_makes_nothing(database: Database) -> None:
    cloud = two(limit_gib=50)
    with pytest.raises(StepError, match="needs 10 GiB more"):
        await do(cloud, database, group(cloud))
    assert not cloud.calls["create_snapshot"]


async def test_a_lost_answer_in_a_group_is_unsure_and_undo_removes_what_turned_up(database: Database) -> None:
    cloud = two()
    cloud.faults["create_snapshot"] = [Fault(ActError("timeout", "no answer", maybe_done=True))]
    with pytest.raises(UnsureError):
        await do(cloud, database, group(cloud))
    step = group(cloud)
    await action(cloud, step.action).undo(doing(cloud, database, step), {})
    await action(cloud, step.action).undo(doing(cloud, database, step), {})
    await cloud.snapshots(P)
    assert not cloud.made[P]


async def test_a_vm_is_held_and_goes_on(database: Database) -> None:
    cloud = two(running={"web"})
    told = {"source": "pcd-1", "project_id": P, "vm_id": "web", "vm_name": "web"}
    hold = Step("hold", "vm.hold", "", told, "goes on")
    result = await do(cloud, database, hold)
    assert result == {"paused": True} and cloud.paused == {"web"}
    go_on = Step("go on", "vm.go_on", "", {**told, "held": "hold"})
    assert await do(cloud, database, go_on, earlier={"hold": result}) == {"resumed": True}
    assert cloud.running == {"web"}
    assert await do(cloud, database, go_on, earlier={"hold": {"paused": False}}) == {"resumed": False}


async def test_a_vm_that_a_dead_worker_has_paused_is_resumed(database: Database) -> None:
    cloud = two(running={"web"})
    told = {"source": "pcd-1", "project_id": P, "vm_id": "web", "vm_name": "web"}
    hold = Step("hold", "vm.hold", "", told, "goes on")
    cloud.faults["pause_vm"] = [Fault(Killed(), done=True)]
    with pytest.raises(Killed):
        await do(cloud, database, hold)
    result = await do(cloud, database, hold)
    await action(cloud, "vm.hold").undo(doing(cloud, database, hold), result)
    assert cloud.running == {"web"} and not cloud.paused


async def test_a_vm_that_was_off_is_left_off(database: Database) -> None:
    cloud = two()
    told = {"source": "pcd-1", "project_id": P, "vm_id": "web", "vm_name": "web"}
    assert await do(cloud, database, Step("hold", "vm.hold", "", told)) == {"paused": False}


async def test_a_vm_that_may_still_be_paused_is_for_a_person(database: Database) -> None:
    cloud = two(paused={"web"})
    cloud.faults["resume_vm"] = [Fault(ActError("unexpected", "HTTP 500"))]
    told = {"source": "pcd-1", "project_id": P, "vm_id": "web", "vm_name": "web", "held": "hold"}
    with pytest.raises(UnsureError, match="web may still be paused"):
        await do(cloud, database, Step("go on", "vm.go_on", "", told), earlier={"hold": {"paused": True}})


def deleting(id_: str, volume: str = "v1") -> Step:
    told = {"source": "pcd-1", "project_id": P, "snapshot_id": id_, "volume_id": volume}
    return Step("delete", "snapshot.delete", "", told)


async def test_a_snapshot_is_deleted_once_and_gone_is_gone(database: Database) -> None:
    cloud = two()
    cloud.copy(P, "v1", timedelta(days=1), id="s1")
    assert await do(cloud, database, deleting("s1")) == {"deleted": "s1"}
    assert await do(cloud, database, deleting("s1")) == {"deleted": "s1"}
    assert cloud.effects["delete"] == 1


async def test_trap_5_a_delete_that_fails_with_500_has_failed(database: Database) -> None:
    cloud = two()
    cloud.copy(P, "v1", timedelta(days=1), id="s1")
    cloud.faults["delete_snapshot"] = [Fault(ActError("unexpected", "HTTP 500: Internal Server Error"))]
    with pytest.raises(StepError, match="was not deleted: HTTP 500"):
        await do(cloud, database, deleting("s1"))


async def test_a_delete_that_is_not_what_was_approved_or_is_needed_is_refused(database: Database) -> None:
    cloud = two()
    cloud.copy(P, "v1", timedelta(days=1), id="s1")
    with pytest.raises(StepError, match="another volume"):
        await do(cloud, database, deleting("s1", "v2"))
    cloud.needed["s1"] = ["clone"]
    with pytest.raises(StepError, match="were made from"):
        await do(cloud, database, deleting("s1"))
    cloud.made[P]["s1"] = replace(cloud.made[P]["s1"], status="error_deleting")
    with pytest.raises(StepError, match="could not delete"):
        await do(cloud, database, deleting("s1"))
    assert not cloud.effects["delete"]


async def test_a_delete_with_a_lost_answer_is_looked_at(database: Database) -> None:
    cloud = two()
    cloud.copy(P, "v1", timedelta(days=1), id="s1")
    cloud.faults["delete_snapshot"] = [Fault(ActError("timeout", "no answer", maybe_done=True), done=True)]
    assert await do(cloud, database, deleting("s1")) == {"deleted": "s1"}
    cloud.copy(P, "v1", timedelta(days=1), id="s2")
    cloud.faults["delete_snapshot"] = [Fault(ActError("timeout", "no answer", maybe_done=True))]
    with pytest.raises(UnsureError):
        await do(cloud, database, deleting("s2"))


def policies(cloud: SmallCloud, on: bool = True, kind: str = "project", id_: str = P, **more: Any) -> Step:
    volumes = [{"id": v.id, "name": v.name} for v in cloud.held[P].values()]
    told = {"source": "pcd-1", "project_id": P, "policy": "daily_2", "retention": 7, "by": "ann", "on": on,
            "kind": kind, "id": id_, "volumes": volumes, **more}  # fmt: skip
    return Step("write" if on else "take off", "volume.set_policies", "", told, "written back")


async def rows(database: Database) -> dict[str, tuple[str, bool]]:
    async with database.begin() as conn:
        return {one.external_id: (one.state, one.written_at is not None) for one in await said.assignments(conn)}


async def test_policies_are_written_down_and_into_metadata(database: Database) -> None:
    cloud = two()
    cloud.volume(P, "off", metadata={"auto_snapshot": "false"})
    assert await do(cloud, database, policies(cloud)) == {"volumes": 2, "left": ["off"]}
    assert read_volume(cloud.held[P]["v1"].metadata).keeps("daily_2") == 7
    assert cloud.held[P]["off"].metadata == {"auto_snapshot": "false"}
    assert await rows(database) == {P: ("on", False), "v1": ("on", True), "v2": ("on", True)}


async def test_taking_a_policy_off_takes_it_off_the_other_products_list_too(database: Database) -> None:
    cloud = two()
    held = {"auto_snapshot": "true", "snapshot_policies": "daily_2,weekly_4", "retention_daily_2": "3"}
    cloud.held[P]["v1"] = replace(cloud.held[P]["v1"], metadata=held)
    await do(cloud, database, policies(cloud, on=False))
    assert cloud.held[P]["v1"].metadata == {"auto_snapshot": "true", "snapshot_policies": "weekly_4"}
    assert (await rows(database))["v1"] == ("off", True)


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("done", [False, True])
async def test_policies_cut_off_and_begun_again_can_be_undone_exactly(database: Database, at: int, done: bool) -> None:
    cloud = two()
    before = {"tier": "1", "stackhand_policies": "weekly_4", "stackhand_retention_daily_2": "2"}
    cloud.held[P]["v1"] = replace(cloud.held[P]["v1"], metadata=before)
    cloud.fault_of = lambda name, told: (
        Fault(Killed(), done) if name == "set_volume_metadata" and cloud.calls[name] == at + 1 else None
    )
    step = policies(cloud)
    with pytest.raises(Killed):
        await do(cloud, database, step)
    await do(cloud, database, step)
    assert read_volume(cloud.held[P]["v1"].metadata).policies == ("weekly_4", "daily_2")
    told: Doing = doing(cloud, database, step)
    await action(cloud, step.action).undo(told, {})
    await action(cloud, step.action).undo(told, {})
    assert cloud.held[P]["v1"].metadata == before and cloud.held[P]["v2"].metadata == {}
    assert await rows(database) == {}


async def test_undo_brings_back_what_was_said_before(database: Database) -> None:
    cloud = two()
    await do(cloud, database, policies(cloud))
    removal = policies(cloud, on=False)
    await do(cloud, database, removal, job_id=8)
    assert (await rows(database))["v1"] == ("off", True)
    await action(cloud, removal.action).undo(doing(cloud, database, removal, job_id=8), {})
    assert (await rows(database))["v1"] == ("on", True) and (await rows(database))[P][0] == "on"
    assert read_volume(cloud.held[P]["v1"].metadata).keeps("daily_2") == 7


async def test_undo_leaves_what_a_person_changed_since_and_says_so(database: Database) -> None:
    cloud = two()
    step = policies(cloud)
    await do(cloud, database, step)
    by_hand = {"stackhand_policies": "daily_2,weekly_4", "tier": "1"}
    cloud.held[P]["v1"] = replace(cloud.held[P]["v1"], metadata={**cloud.held[P]["v1"].metadata, **by_hand})
    undoing = action(cloud, step.action).undo(doing(cloud, database, step), {})
    with pytest.raises(StepError, match="somebody changed v1's stackhand_policies since: left as it is"):
        await undoing
    assert cloud.held[P]["v1"].metadata == by_hand and cloud.held[P]["v2"].metadata == {}
    assert await rows(database) == {}


async def test_a_source_that_cannot_be_changed_says_what_to_do(database: Database) -> None:
    cloud = two()

    async def refused(source: str) -> Any:
        raise ActError("refused", "no credentials", "set them up: docs")

    for step in (group(cloud), deleting("s"), policies(cloud)):
        told = replace(doing(cloud, database, step), acting=refused)
        with pytest.raises(StepError, match="pcd-1 cannot be changed: no credentials"):
            await action(cloud, step.action).act(told)
    from tests.engines.snapshots.small_cloud import batch_step

    batch = replace(doing(cloud, database, batch_step(P, list(cloud.held[P].values()))), acting=refused)
    assert dict(await action(cloud, "snapshot.batch").act(batch)) == {"project_id": P, "counts": {"failed": 2}}
    assert auto("x")["stackhand_key"] == "x"
