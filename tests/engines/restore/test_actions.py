"""Restores run on a small cloud that works: as planned, with faults at every call, killed and stopped anywhere."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

from engines.clouds.acting import ActError, Used
from engines.clouds.acting_servers import MARK
from engines.plans import Plan
from engines.restore.wishes import Wish
from storage.database import Database
from tests.engines.restore.places import planned, small_place, store
from tests.engines.restore.runs import Killed, Record, Run
from tests.engines.restore.small_cloud import MUTATING, Port, SmallCloud, http_500, lost, timed_out

SIDE, TRY, REPLACE = Wish(), Wish(strategy="try_same_ips"), Wish(mode="replace", safety=True)
ATTACH = Wish(mode="attach", volumes=("v-data", "v-log"))
WISHES = {"side by side": SIDE, "replace": REPLACE, "attach": ATTACH}


async def ready(database: Database, wish: Wish, cloud: SmallCloud | None = None, vm_id: str = "vm-db") -> Run:
    cloud = cloud or small_place()
    await store(database, cloud)
    plan = await planned(database, wish, vm_id=vm_id)
    assert plan.failed == ()
    return Run(database, cloud, plan)


def new_vms(cloud: SmallCloud) -> list[str]:
    return [one.id for one in cloud.state.servers.values() if MARK in one.metadata]


def marked(cloud: SmallCloud) -> list[str]:
    """Ids of all that bears a mark."""
    state = cloud.state
    found = [v.id for v in state.volumes.values() if MARK in v.metadata] + new_vms(cloud)
    found += [s.id for s in state.snapshots.values() if MARK in s.metadata]
    return found + [p.id for p in state.ports.values() if p.description]


async def test_side_by_side(database: Database) -> None:
    run = await ready(database, SIDE)
    before = run.cloud.state.shape()
    assert await run.to_the_end() == "done", run.record.error
    state, (id_,) = run.cloud.state, new_vms(run.cloud)
    vm = state.servers[id_]
    assert vm.name == "db-02-restored-20261122" and vm.flavor == "f-large" and vm.key_name == "ops"
    assert [(state.volumes[v].snapshot, delete) for v, delete in vm.volumes] == [
        ("s0", True),
        ("s1", False),
        ("s2", False),
    ]
    assert state.volumes[vm.volumes[0][0]].bootable
    assert [len(state.ports[p].fixed) for p in vm.nics] == [2, 1]
    assert [state.ports[p].groups for p in vm.nics] == [("sg-db",), ("sg-default",)]
    assert vm.tags == ("gold",) and vm.config_drive and vm.description == "orders" and vm.group == "grp-db"
    assert vm.user_data == "I2Nsb3VkLWNvbmZpZw==" and vm.metadata["stackhand_restored_from"] == "vm-db"
    assert state.volumes[vm.volumes[1][0]].metadata["team"] == "orders"
    assert "stackhand_policies" not in state.volumes[vm.volumes[1][0]].metadata
    for kind, was in before.items():  # nothing of what was there is another one
        now = state.shape()[kind]
        assert all(one in now for one in was) if isinstance(was, list) else {k: now[k] for k in was} == was
    told = run.record.results["report"]
    assert told["vm_id"] == id_ and len(told["addresses"]) == 3 and told["console"] == "shows output"


async def test_no_user_data_is_ever_kept(database: Database) -> None:
    run = await ready(database, SIDE)
    await run.to_the_end()
    assert "I2Nsb3VkLWNvbmZpZw" not in repr(run.record) + repr(run.plan)


async def test_replace_with_ports_that_the_cloud_keeps(database: Database) -> None:
    run = await ready(database, REPLACE)
    assert await run.to_the_end() == "done", run.record.error
    await _replaced(run, {"p-db", "p-mgmt"})


async def test_replace_with_ports_that_the_cloud_deletes(database: Database) -> None:
    cloud = small_place()
    cloud.state.servers["vm-db"].own_ports = {"p-db", "p-mgmt"}
    run = await ready(database, REPLACE, cloud)
    assert await run.to_the_end() == "done", run.record.error
    await _replaced(run, set())


async def _replaced(run: Run, ports: set[str]) -> None:
    state, (id_,) = run.cloud.state, new_vms(run.cloud)
    old, new = state.servers["vm-db"], state.servers[id_]
    assert (old.status, old.name, old.nics) == ("SHUTOFF", "db-02-before-20261122-0902", [])
    assert [v for v, _ in old.volumes] == ["v-root", "v-data", "v-log"] and new.name == "db-02"
    assert [sorted(ip for ip, _ in state.ports[p].fixed) for p in new.nics] == [
        ["10.20.0.22", "2001:db8::22"], ["10.30.0.22"],
    ]  # fmt: skip
    assert [state.ports[p].mac for p in new.nics] == ["fa:16:3e:aa:00:01", "fa:16:3e:aa:00:02"]
    assert (set(new.nics) & {"p-db", "p-mgmt"}) == ports
    assert state.floating["fip-1"].port_id == new.nics[0] and state.floating["fip-1"].fixed_ip == "10.20.0.22"
    assert len([s for s in state.snapshots.values() if MARK in s.metadata]) == 3
    assert [p for p in state.ports.values() if not p.server] == []


async def test_attach_only(database: Database) -> None:
    run = await ready(database, ATTACH)
    assert await run.to_the_end() == "done", run.record.error
    assert len(run.cloud.state.servers["vm-db"].volumes) == 5


async def test_a_vm_that_starts_from_an_image(database: Database) -> None:
    run = await ready(database, SIDE, vm_id="vm-web")
    assert await run.to_the_end() == "done", run.record.error
    (id_,) = new_vms(run.cloud)
    assert run.cloud.state.servers[id_].image == "img-debian" and len(run.cloud.state.servers[id_].volumes) == 1


async def test_planning_a_replace_issues_no_mutating_call(database: Database) -> None:
    """The reference product's dry run of a replace deleted the VM."""
    run = await ready(database, REPLACE)
    assert run.cloud.calls == []  # a plan reads the inventory alone
    look = run.actions["restore.check"]
    await look.act(run.doing(1, run.plan.steps[0]))
    assert run.cloud.mutations == [] and run.cloud.calls != []


async def test_a_replace_whose_volumes_fail_leaves_the_original_running(database: Database) -> None:
    """The reference product deleted the VM before the new volume existed."""
    run = await ready(database, REPLACE)
    before = run.cloud.state.shape()
    run.cloud.broken_volumes = {"s1"}
    assert await run.to_the_end() == "failed" and "could not be made" in run.record.error
    assert run.cloud.state.shape() == before
    assert not {"stop_server", "rename_server", "unplug_port"} & set(run.cloud.calls)


@pytest.mark.parametrize("own", [set(), {"p-db"}, {"p-db", "p-mgmt"}], ids=["kept", "one deleted", "deleted"])
@pytest.mark.parametrize("wish", [SIDE, REPLACE], ids=["side by side", "replace"])
async def test_a_server_that_does_not_start_is_taken_back(database: Database, wish: Wish, own: set[str]) -> None:
    """Also where the cloud deleted the original's ports: it has its addresses, MACs and floating IPs again."""
    cloud = small_place()
    cloud.state.servers["vm-db"].own_ports = own
    run = await ready(database, wish, cloud)
    before = run.cloud.state.shape()
    run.cloud.broken_servers = True
    assert await run.to_the_end() == "failed" and "No valid host was found" in run.record.error
    assert run.cloud.state.shape() == before and run.record.left == []


async def test_what_came_twice_because_an_answer_was_late_is_taken_away(database: Database) -> None:
    """A volume and a port that show up only after they were asked for again."""
    run = await ready(database, SIDE)
    cloud = run.cloud

    def late(name: str, at: int) -> None:
        if name == "console_log":
            volume = next(v for v in cloud.state.volumes.values() if MARK in v.metadata)
            cloud.state.volumes["late-volume"] = replace(volume, id="late-volume", status="available", attached={})
            port = next(p for p in cloud.state.ports.values() if p.description)
            cloud.state.ports["late-port"] = replace(
                port, id="late-port", server="", fixed=[("10.20.0.200", "sub-db4")]
            )

    cloud.fault = late
    assert await run.to_the_end() == "done", run.record.error
    assert "late-volume" not in cloud.state.volumes and "late-port" not in cloud.state.ports
    assert len(cloud.state.servers[new_vms(cloud)[0]].volumes) == 3


CHANGES: dict[str, Callable[[SmallCloud], object]] = {
    "snapshot": lambda c: c.state.snapshots.pop("s1"),
    "snapshot of another project": lambda c: setattr(c.state.snapshots["s1"], "project", "pb"),
    "snapshot of another volume": lambda c: setattr(c.state.snapshots["s1"], "volume", "v-web"),
    "snapshot in error": lambda c: setattr(c.state.snapshots["s1"], "status", "error"),
    "vm": lambda c: c.state.servers.pop("vm-db"),
    "volumes": lambda c: c.state.servers["vm-db"].volumes.pop(),
    "flavor": lambda c: c.things.remove(("flavor", "f-large")),
    "network": lambda c: c.things.remove(("network", "net-mgmt")),
    "group": lambda c: c.things.remove(("security_group", "sg-db")),
    "quota": lambda c: c.quota.update(cpu=Used(100, 99)),
    "quota of volumes": lambda c: c.quota.update(volumes=Used(12, 10)),
}
OF_REPLACE: dict[str, Callable[[SmallCloud], object]] = {
    "name": lambda c: setattr(c.state.servers["vm-db"], "name", "db-03"),
    "status": lambda c: setattr(c.state.servers["vm-db"], "status", "SHUTOFF"),
    "lock": lambda c: setattr(c.state.servers["vm-db"], "locked", True),
    "port": lambda c: setattr(c.state.ports["p-db"], "server", ""),
    "more ports": lambda c: c.state.ports.update(n=Port("n", "net-db", [("10.20.0.99", "sub-db4")], "m", "vm-db")),
}


@pytest.mark.parametrize("what", [*CHANGES, *OF_REPLACE])
async def test_what_changed_since_the_plan_stops_it_before_the_first_act(database: Database, what: str) -> None:
    run = await ready(database, SIDE if what in CHANGES else REPLACE)
    (CHANGES | OF_REPLACE)[what](run.cloud)
    assert await run.to_the_end() == "failed"
    assert run.cloud.mutations == [] and "nothing was begun" in run.record.error and run.record.fix


async def test_an_address_that_is_taken_meanwhile(database: Database) -> None:
    """It was free when it was planned; the create itself finds out."""
    for wish, state in ((Wish(strategy="try_same_ips"), "done"), (Wish(strategy="same_ips_or_fail"), "failed")):
        cloud = small_place()
        gone = cloud.state.servers.pop("vm-db")
        for volume in cloud.state.volumes.values():
            volume.attached.pop("vm-db", None)
        plain = small_place()
        await store(database, plain)
        for port_id in gone.nics:
            del cloud.state.ports[port_id]
        run = await ready(database, wish, cloud)
        cloud.state.ports["thief"] = Port("thief", "net-db", [("10.20.0.22", "sub-db4")], "other")
        before = run.cloud.state.shape()
        assert await run.to_the_end() == state, run.record.error
        if state == "done":
            assert "10.20.0.22 could not be kept" in run.record.results["report"]["not_kept"]
        else:
            assert "10.20.0.22" in run.record.error and run.cloud.state.shape() == before
        await database_again(database)


async def database_again(database: Database) -> None:
    """The VM lives again for the next round."""
    await store(database, small_place(), 1)


async def calls_of(database: Database, wish: Wish) -> tuple[Plan, SmallCloud, int]:
    """The plan, the cloud before it, and how many calls it takes."""
    run = await ready(database, wish)
    before = deepcopy(run.cloud)
    assert await run.to_the_end() == "done", run.record.error
    return run.plan, before, len(run.cloud.calls)


def copy_of(cloud: SmallCloud) -> SmallCloud:
    fault, cloud.fault = cloud.fault, lambda name, number: None
    made = deepcopy(cloud)
    cloud.fault = fault
    return made


def whole(run: Run, before: SmallCloud, state: str, where: str) -> None:
    """After a run nothing half-made is left, or it is listed with a command."""
    cloud = run.cloud
    assert len(new_vms(cloud)) <= 1, where
    if state == "done":
        assert len(new_vms(cloud)) == (0 if run.plan.options["mode"] == "attach" else 1), where
        expected = len(run.plan.options["volumes"]) if "volumes" in run.plan.options else None
        made = [v for v in cloud.state.volumes.values() if MARK in v.metadata]
        assert expected is None or len(made) == expected, where
        assert all(v.attached for v in made), where
        assert [p.id for p in cloud.state.ports.values() if not p.server] == [], where
    elif not run.record.left:
        assert cloud.state.shape() == before.state.shape(), where
        # a port that was made in place of the original's stays with it, marked
        assert all(cloud.state.ports[id_].server == "vm-db" for id_ in marked(cloud)), where
    else:
        assert all(command for _, _, command in run.record.left), where
    assert {"v-root", "v-data", "v-log"} <= cloud.state.volumes.keys(), where


@pytest.mark.parametrize("kept", [True, False], ids=["ports kept", "ports deleted"])
@pytest.mark.parametrize("mode", WISHES)
@pytest.mark.parametrize("fault", [http_500, timed_out, lost], ids=["500", "silence", "answer lost"])
async def test_one_fault_at_every_call(
    database: Database, mode: str, fault: Callable[[], ActError], kept: bool
) -> None:
    """It passes: the step is tried again, and what was done is not done twice."""
    if kept and mode != "replace":
        pytest.skip("only a replace frees ports")
    plan, before, count = await calls_of(database, WISHES[mode])
    for number in range(1, count + 1):
        cloud = copy_of(before)
        if not kept:
            cloud.state.servers["vm-db"].own_ports = {"p-db", "p-mgmt"}
        cloud.fault = lambda name, at, n=number: fault() if at == n else None
        run = Run(database, cloud, plan)
        state = await run.to_the_end()
        assert state == "done", (number, cloud.calls[number - 1], run.record.error)
        whole(run, before, state, f"{number} {cloud.calls[number - 1]}")


@pytest.mark.parametrize("mode", WISHES)
@pytest.mark.parametrize("fault", [http_500, lost], ids=["500", "answer lost"])
async def test_a_call_that_fails_for_good_is_undone_or_listed(
    database: Database, mode: str, fault: Callable[[], ActError]
) -> None:
    """Every kind of call fails from its nth time on, for ever: also while it is undone."""
    plan, before, _ = await calls_of(database, WISHES[mode])
    outcomes: dict[str, int] = {}
    for broken in sorted(MUTATING | {"server", "volumes", "port", "marked_ports", "marked_servers", "snapshots"}):
        for nth in (1, 2, 3):
            cloud, seen = copy_of(before), [0]

            def fail(
                name: str, at: int, broken: str = broken, nth: int = nth, seen: list[int] = seen
            ) -> ActError | None:
                seen[0] += name == broken
                return fault() if name == broken and seen[0] >= nth else None

            cloud.fault = fail
            run = Run(database, cloud, plan)
            state = await run.to_the_end()
            outcomes[state + (" with something left" if run.record.left else "")] = (
                outcomes.get(state + (" with something left" if run.record.left else ""), 0) + 1
            )
            whole(run, before, state, f"{broken} {nth}")
    print(mode, outcomes)


@pytest.mark.parametrize("mode", WISHES)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_every_call_and_gone_on_with(database: Database, mode: str, after: bool) -> None:
    plan, before, count = await calls_of(database, WISHES[mode])
    for number in range(1, count + 1):
        cloud = copy_of(before)

        def kill(name: str, at: int, n: int = number) -> BaseException | None:
            if at != n:
                return None
            error = Killed()
            error.after = after  # type: ignore[attr-defined]
            return error

        cloud.fault = kill
        record = Record()
        with pytest.raises(Killed):
            await Run(database, cloud, plan, record).to_the_end()
        run = Run(database, cloud, plan, record)
        state = await run.to_the_end()
        assert state == "done", (number, run.record.error)
        whole(run, before, state, str(number))


@pytest.mark.parametrize("mode", WISHES)
async def test_stopped_at_every_step_nothing_is_left(database: Database, mode: str) -> None:
    """Cancel during the last wait ends cancelled, too."""
    plan, before, _ = await calls_of(database, WISHES[mode])
    for step in plan.steps:
        for look in (0, 1):
            run = Run(database, copy_of(before), plan, cancel_at=(step.name, look))
            state = await run.to_the_end()
            if state == "done":
                assert look == 1  # the step was over before anybody asked
                continue
            assert state == "cancelled" and run.record.left == [], (step.name, run.record.left)
            whole(run, before, state, step.name)


@pytest.mark.parametrize("mode", WISHES)
async def test_killed_while_it_is_undone(database: Database, mode: str) -> None:
    plan, before, _ = await calls_of(database, WISHES[mode])
    last = plan.steps[-1].name
    plain = Run(database, copy_of(before), plan, cancel_at=(last, 0))
    await plain.to_the_end()
    count = len(plain.cloud.calls)
    begun = Run(database, copy_of(before), plan, cancel_at=(last, 0))
    for number in range(1, count + 1):
        cloud, record = copy_of(before), Record()
        cloud.fault = lambda name, at, n=number: Killed() if at == n else None
        begun = Run(database, cloud, plan, record, cancel_at=(last, 0))
        with pytest.raises(Killed):
            await begun.to_the_end()
        run = Run(database, cloud, plan, record, cancel_at=(last, 0))
        state = await run.to_the_end()
        assert state in ("cancelled", "failed"), number
        whole(run, before, state, str(number))


async def test_a_restart_with_the_same_job_number_elsewhere_takes_nothing_for_its_own(database: Database) -> None:
    """Another Stackhand counts its jobs from one, too: its volumes bear the same job, but not the same plan."""
    run = await ready(database, SIDE)
    assert await run.to_the_end() == "done"
    again = Run(database, run.cloud, await planned(database, Wish(new_name="another")))
    assert await again.to_the_end() == "done" and len(new_vms(run.cloud)) == 2


async def test_what_cannot_be_undone_is_listed_with_its_id_and_command(database: Database) -> None:
    run = await ready(database, SIDE)
    run.cloud.broken_servers = True
    run.cloud.fault = lambda name, at: http_500() if name == "delete_port" else None
    assert await run.to_the_end() == "failed"
    left = {step: command for step, _, command in run.record.left}
    ids = [p.id for p in run.cloud.state.ports.values() if p.description]
    assert set(left) == {"port 1", "port 2"} and sorted(left.values()) == sorted(
        f"openstack port delete {i}" for i in ids
    )
    assert new_vms(run.cloud) == [] and all(MARK not in v.metadata for v in run.cloud.state.volumes.values())
