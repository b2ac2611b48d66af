"""Plans of restores, made of an inventory in the real database."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from engines.clouds.acting import Used
from engines.plans import Plan, from_json, to_json
from engines.restore.wishes import CannotPlanError, House, Wish
from storage import restore_facts
from storage.database import Database
from storage.scopes import EVERYTHING
from tests.engines.restore.places import MINE, NOW, ON, YESTERDAY, planned, small_place, store
from tests.engines.restore.planned import plan_restore
from tests.engines.restore.small_cloud import Port, SmallCloud, Snapshot


@pytest.fixture
async def place(database: Database) -> SmallCloud:
    cloud = small_place()
    await store(database, cloud)
    return cloud


def fact(plan: Plan, label: str) -> str:
    return dict(plan.facts)[label]


def steps(plan: Plan, action: str) -> list:  # type: ignore[type-arg]
    return [step for step in plan.steps if step.action == f"restore.{action}"]


def failed(plan: Plan) -> dict[str, str]:
    return {check.name: check.detail for check in plan.failed}


async def test_side_by_side_of_a_vm_that_starts_from_a_volume(database: Database, place: SmallCloud) -> None:
    plan = await planned(database, Wish())
    assert plan.title == "Restore db-02 side by side as db-02-restored-20261122"
    assert plan.failed == () and plan.kind == "restore" and plan.project_id == "pa"
    assert [step.name for step in plan.steps] == [
        "check", "volume 1", "volume 2", "volume 3", "volumes ready", "port 1", "port 2", "server", "server active",
        "verify", "report",
    ]  # fmt: skip
    assert [s.arguments["volume_id"] for s in steps(plan, "volume")] == ["v-root", "v-data", "v-log"]
    assert {s.together for s in steps(plan, "volume")} == {"volumes"}
    (server,) = steps(plan, "server")
    assert [(v["boot"], v["delete_with_vm"]) for v in server.arguments["volumes"]] == [
        (True, True), (False, False), (False, False),
    ]  # fmt: skip
    assert server.arguments["config_drive"] and server.arguments["tags"] == ["gold"]
    assert server.arguments["metadata"] == {"tier": "db"} and server.arguments["server_group_id"] == "grp-db"
    assert "2026-11-21 02:01 UTC, 31 h ago · complete (3 of 3 volumes) · policy daily_5 · crash-consistent" in fact(
        plan, "from"
    )
    assert "(40 + 200 + 200 GiB)" in fact(plan, "makes")
    assert "VMs 10 → 11 of 40" in fact(plan, "quota") and "volume storage 512 → 952 of 2,000 GiB" in fact(plan, "quota")
    assert "floating IP 203.0.113.9 (stays with the original)" in fact(plan, "not brought back")
    assert plan.undo.startswith("everything made is removed")


async def test_a_plan_survives_json_with_its_digest(database: Database, place: SmallCloud) -> None:
    for wish in (Wish(), Wish(mode="replace", safety=True), Wish(mode="attach", volumes=("v-data",))):
        plan = await planned(database, wish)
        again = from_json(json.loads(json.dumps(to_json(plan))))
        assert again.digest == plan.digest and again.steps == plan.steps


async def test_dual_stack_is_one_nic_and_nics_keep_their_order(database: Database, place: SmallCloud) -> None:
    """The reference product made two NICs of a port with IPv4 and IPv6, in the order of its database."""
    state = place.state
    state.ports["p-3"] = Port("p-3", "net-mgmt", [("10.30.0.9", "sub-mgmt")], "fa:16:3e:aa:00:00", "vm-db")
    state.servers["vm-db"].nics = ["p-db", "p-mgmt", "p-3"]
    await store(database, place, 1)
    plan = await planned(database, Wish(strategy="try_same_ips"))
    nics = [step.arguments["nic"] for step in steps(plan, "port")]
    assert [(nic["network_id"], len(nic["fixed"])) for nic in nics] == [("net-db", 2), ("net-mgmt", 1), ("net-mgmt", 1)]
    assert [nic["mac"] for nic in nics] == ["fa:16:3e:aa:00:01", "fa:16:3e:aa:00:02", "fa:16:3e:aa:00:00"]


async def test_a_snapshot_of_another_project_or_volume_is_refused(database: Database, place: SmallCloud) -> None:
    for foreign in ("s-other", "other-snap", "s-web", "web-snap"):
        with pytest.raises(CannotPlanError, match="is not among the snapshots of db-02"):
            await planned(database, Wish(snapshot=foreign))


async def test_a_snapshot_that_is_owned_by_another_project_fails_the_check(
    database: Database, place: SmallCloud
) -> None:
    for taken in place.state.snapshots.values():
        if taken.volume == "v-data":
            taken.project = "pb"
    await store(database, place, 1)
    assert "v-data-daily" in failed(await planned(database, Wish()))["copies"]


async def test_the_strategies_side_by_side_of_a_vm_that_lives(database: Database, place: SmallCloud) -> None:
    new = await planned(database, Wish())
    assert [s.arguments["nic"]["fixed"] for s in steps(new, "port")] == [
        [["", "sub-db4"], ["", "sub-db6"]], [["", "sub-mgmt"]],
    ]  # fmt: skip
    tried = await planned(database, Wish(strategy="try_same_ips"))
    assert tried.failed == () and "net-db 10.20.0.22 is in use: a new address" in fact(tried, "not brought back")
    strict = await planned(database, Wish(strategy="same_ips_or_fail"))
    assert "10.20.0.22: is in use" in failed(strict)["addresses"]


async def test_replace_builds_first_and_switches_last(database: Database, place: SmallCloud) -> None:
    plan = await planned(database, Wish(mode="replace", safety=True))
    names = [step.name for step in plan.steps]
    assert plan.kind == "restore_replace" and plan.failed == () and plan.options["typed"] == "db-02"
    assert names == [
        "check", "safety snapshot 1", "safety snapshot 2", "safety snapshot 3", "safety ready", "volume 1", "volume 2",
        "volume 3", "volumes ready", "stop original", "rename original", "mark original", "free port 2", "free port 1",
        "port 1", "port 2", "server", "server active", "floating IP 203.0.113.9", "verify", "report",
    ]  # fmt: skip
    ports = steps(plan, "port")
    assert [s.arguments["reuse"] for s in ports] == ["p-db", "p-mgmt"] and all(s.arguments["strict"] for s in ports)
    assert ports[0].arguments["nic"]["fixed"] == [["10.20.0.22", "sub-db4"], ["2001:db8::22", "sub-db6"]]
    assert not any("delete" in step.action for step in plan.steps)
    assert "kept; deleting it is a change of its own" in fact(plan, "original")
    assert "ports" not in fact(plan, "quota") and "snapshots 5 → 8 of 100" in fact(plan, "quota")
    assert {target.kind for target in plan.targets} == {"vm", "snapshot"}


async def test_the_last_nic_goes_out_first_so_that_the_first_is_back_first(
    database: Database, place: SmallCloud
) -> None:
    plan = await planned(database, Wish(mode="replace"))
    assert [step.arguments["nic"]["port_id"] for step in steps(plan, "free_port")] == ["p-mgmt", "p-db"]


async def test_replace_with_new_addresses_leaves_the_ports_alone(database: Database, place: SmallCloud) -> None:
    plan = await planned(database, Wish(mode="replace", strategy="new_ips"))
    assert steps(plan, "free_port") == [] and plan.failed == ()
    (floating,) = steps(plan, "floating")
    assert floating.arguments["original_port"] == "p-db" and floating.undo == "it leads to the original again"


@pytest.mark.parametrize("tag", ["protected", "No-Replace"])
async def test_a_protected_vm_is_never_replaced(database: Database, place: SmallCloud, tag: str) -> None:
    place.state.servers["vm-db"].tags = (tag,)
    await store(database, place, 1)
    assert "is protected" in failed(await planned(database, Wish(mode="replace")))["protection"]
    assert (await planned(database, Wish())).failed == ()


@pytest.mark.parametrize("status", ["PAUSED", "BUILD"])
async def test_a_vm_that_cannot_be_stopped_is_not_replaced(database: Database, place: SmallCloud, status: str) -> None:
    place.state.servers["vm-db"].status = status
    await store(database, place, 1)
    assert "original" in failed(await planned(database, Wish(mode="replace")))


async def test_a_shared_volume_is_refused_with_a_reason(database: Database, place: SmallCloud) -> None:
    place.state.volumes["v-data"].multiattach = True
    await store(database, place, 1)
    assert "several VMs write to" in failed(await planned(database, Wish()))["multi-attach"]


async def test_executing_is_off_until_an_admin_switches_it_on(database: Database, place: SmallCloud) -> None:
    plan = await planned(database, Wish(), house=House())
    assert "STACKHAND_RESTORE_EXECUTE=one" in failed(plan)["restore.execute"]
    assert len(plan.steps) == 11  # the dry run shows everything
    assert "restore.execute" not in failed(await planned(database, Wish(), house=House(frozenset({"one"}))))


async def test_the_demo_cloud_is_no_exception(database: Database, place: SmallCloud) -> None:
    async with database.connect() as conn:
        vm = await restore_facts.vm_of(conn, EVERYTHING, "one", "vm-db")
        assert vm is not None
        plan = await plan_restore(conn, EVERYTHING, vm, Wish(), NOW, ON, demo=True)
    assert plan.demo and "restore.execute" not in failed(plan)


async def test_what_does_not_fit_the_quota_cannot_run(database: Database, place: SmallCloud) -> None:
    place.quota |= {"storage_gib": Used(600, 512), "volumes": Used(None, None)}
    await store(database, place, 1)
    plan = await planned(database, Wish())
    assert failed(plan)["quota"] == "not enough: volume storage 512 → 952 of 600 GiB"
    assert "volumes" in fact(plan, "quota") or plan.facts


async def test_a_deleted_vm_comes_back_from_its_last_state(database: Database, place: SmallCloud) -> None:
    state = place.state
    gone = state.servers.pop("vm-db")
    for volume_id in ("v-root", "v-data", "v-log"):
        state.volumes[volume_id].attached.clear()
        state.volumes[volume_id].status = "available"
    for port_id in gone.nics:
        del state.ports[port_id]
    state.floating.clear()
    await store(database, place, 1)
    plan = await planned(database, Wish(strategy="same_ips_or_fail"))
    assert plan.failed == () and plan.title == "Restore db-02 side by side as db-02"
    assert [s.arguments["volume_id"] for s in steps(plan, "volume")] == ["v-root", "v-data", "v-log"]
    nics = [step.arguments["nic"] for step in steps(plan, "port")]
    assert nics[0]["fixed"] == [["10.20.0.22", "sub-db4"], ["2001:db8::22", "sub-db6"]]
    assert nics[0]["security_groups"] == ["sg-db"] and steps(plan, "port")[0].arguments["mac"] == nics[0]["mac"]
    assert {t.kind for t in plan.targets} == {"deleted_vm", "snapshot"}
    assert "it is deleted" in failed(await planned(database, Wish(mode="replace")))["original"]
    (server,) = steps(plan, "server")
    assert server.arguments["deleted"] and server.arguments["volumes"][0]["boot"]


async def test_a_port_that_outlived_its_vm_comes_back_with_it(database: Database, place: SmallCloud) -> None:
    """It was made before the VM, and holds its addresses. An interface taken out long before does not come back."""
    state = place.state
    state.ports["p-old"] = Port("p-old", "net-mgmt", [("10.30.0.99", "sub-mgmt")], "fa:16:3e:aa:00:07", "vm-db")
    state.servers["vm-db"].nics.append("p-old")
    await store(database, place, 1)
    state.servers["vm-db"].nics.remove("p-old")
    del state.ports["p-old"]
    await store(database, place, 2)
    del state.servers["vm-db"], state.ports["p-mgmt"]
    state.ports["p-db"].server = ""
    await store(database, place, 3)
    plan = await planned(database, Wish(strategy="same_ips_or_fail"))
    assert plan.failed == ()
    first, second = steps(plan, "port")
    assert (first.arguments["reuse"], second.arguments["reuse"]) == ("p-db", "")
    assert first.arguments["nic"]["fixed"][0][0] == "10.20.0.22" and first.undo == "it stays, as free as it was"
    assert second.arguments["nic"]["fixed"] == [["10.30.0.22", "sub-mgmt"]] and second.arguments["nic"]["name"] == ""
    assert plan.steps[0].arguments["free_port_ids"] == ["p-db"]
    assert "203.0.113.9" not in fact(plan, "not brought back")  # it leads to that port still
    fresh = await planned(database, Wish(strategy="new_ips"))
    assert [s.arguments["reuse"] for s in steps(fresh, "port")] == ["", ""]
    assert "203.0.113.9 (stays with the port" in fact(fresh, "not brought back")
    state.ports["p-db"].server = "vm-web"  # somebody plugged it in elsewhere
    await store(database, place, 4)
    assert "is in use" in failed(await planned(database, Wish(strategy="same_ips_or_fail")))["addresses"]


async def test_a_vm_that_starts_from_an_image(database: Database, place: SmallCloud) -> None:
    plan = await planned(database, Wish(), vm_id="vm-web")
    (server,) = steps(plan, "server")
    assert server.arguments["image_id"] == "img-debian" and len(server.arguments["volumes"]) == 1
    assert not server.arguments["volumes"][0]["boot"]
    assert any("root disk comes new from debian-12" in line for line in plan.warnings)
    assert "without its root disk" in fact(plan, "from")


async def test_a_partial_point_is_told_and_one_without_the_root_cannot_run(
    database: Database, place: SmallCloud
) -> None:
    del place.state.snapshots["s2"]
    await store(database, place, 1)
    plan = await planned(database, Wish())
    assert plan.failed == () and "partial (2 of 3 volumes)" in fact(plan, "from")
    assert "volume db-log (200 GiB): the point has no copy of it" in fact(plan, "not brought back")
    del place.state.snapshots["s0"]
    await store(database, place, 2)
    assert "which the VM starts from" in failed(await planned(database, Wish()))["copies"]


async def test_the_flavor_is_gone(database: Database, place: SmallCloud) -> None:
    from tests.storage.listed import row, write

    await write(database, "flavor", [row("f-new", "m6.large", None, vcpus=8, memory_mib=16384, disk_gib=40)], at=NOW)
    plan = await planned(database, Wish())
    assert steps(plan, "server")[0].arguments["flavor_id"] == "f-new"
    assert any("m5.large is gone: m6.large" in line for line in plan.warnings)
    later = NOW + timedelta(days=1)
    await write(database, "flavor", [row("f-new", "m6.large", None, vcpus=9, memory_mib=1, disk_gib=4)], at=later)
    assert "none has 8 vCPU" in failed(await planned(database, Wish()))["flavor"]


async def test_the_point_is_chosen_by_time_and_by_name(database: Database, place: SmallCloud) -> None:
    older = YESTERDAY - timedelta(days=3)
    for number, volume in enumerate(("v-root", "v-data", "v-log")):
        place.state.snapshots[f"old{number}"] = Snapshot(f"old{number}", volume, 40, older, f"old-{volume}")
    await store(database, place, 1)
    assert (await planned(database, Wish())).options["point"] == "s0"
    assert (await planned(database, Wish(until=YESTERDAY - timedelta(days=1)))).options["point"] == "old0"
    assert (await planned(database, Wish(snapshot="OLD-v-data"))).options["point"] == "old0"
    with pytest.raises(CannotPlanError, match="no restore point in that time"):
        await planned(database, Wish(since=NOW))


async def test_attach_only(database: Database, place: SmallCloud) -> None:
    plan = await planned(database, Wish(mode="attach", volumes=("v-data",)))
    assert [step.name for step in plan.steps] == ["check", "volume 1", "volumes ready", "attach 1", "report"]
    assert plan.failed == () and plan.title == "Attach a volume of 2026-11-21 02:01 UTC to db-02"


async def test_a_customer_plans_only_what_is_theirs(database: Database, place: SmallCloud) -> None:
    plan = await planned(database, Wish(), scope=MINE)
    assert plan.failed == () and "globex" not in json.dumps(to_json(plan))


async def test_the_same_facts_give_the_same_digest_and_other_facts_another(
    database: Database, place: SmallCloud
) -> None:
    first = await planned(database, Wish())
    assert (await planned(database, Wish())).digest == first.digest
    assert (await planned(database, replace(Wish(), new_name="x"), house=ON)).digest != first.digest
