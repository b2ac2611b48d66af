"""Restores on a real OpenStack, listed before and after with openstacksdk as its administrator.

Settings as in test_acting_live.py. Everything is made in a project of its own, which is deleted afterwards.
"""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import openstack
import pytest
import yaml
from openstack.connection import Connection

from engines.clouds.acting import Acting
from engines.clouds.acting_servers import MARK
from engines.clouds.opening import open_acting
from engines.clouds.sources import open_clouds
from engines.inventory.collect import sync_source
from engines.plans import Plan
from engines.restore.actions import actions_of
from engines.restore.planning import plan_restore
from engines.restore.wishes import House, Wish
from engines.restore.working import Pace
from storage import restore_facts
from storage.database import Database
from storage.scopes import EVERYTHING
from tests.cloud.test_openstack_live import where
from tests.engines.restore.runs import Run

pytestmark = pytest.mark.cloud
ON = House(execute=frozenset({"*"}))
PACE = Pace(poll_s=1.0, tries=60, console_s=5.0)


def service() -> str:
    name = os.environ.get("STACKHAND_TEST_SERVICE", "")
    if not name:
        pytest.skip("STACKHAND_TEST_SERVICE is not set: no service user")
    return name


@pytest.fixture(scope="module")
def direct() -> Any:
    path, name = where()
    return Connection(config=openstack.config.OpenStackConfig(config_files=[str(path)]).get_one(cloud=name))


@dataclass
class Bed:
    """A project with two networks, and VMs that start from volumes."""

    project: str
    inside: Any
    nets: list[str]
    groups: list[str]
    routers: list[str] = field(default_factory=list)

    def wait(self, kind: str, id_: str, status: str) -> None:
        service_, get = (self.inside.compute, "get_server") if kind == "server" else (
            self.inside.block_storage, f"get_{kind}",
        )  # fmt: skip
        for _ in range(180):
            found = getattr(service_, get)(id_)
            if found.status == status:
                return
            assert "rror" not in found.status or status == "error", found
            time.sleep(0.5)
        raise AssertionError(f"{kind} {id_} never became {status}")

    def vm(self, name: str, **metadata: str) -> str:
        """Two data volumes in an order that is not that of their names; the first port is made by hand, the second by
        Nova; the first has IPv4 and IPv6."""
        cinder, nova, neutron = self.inside.block_storage, self.inside.compute, self.inside.network
        volumes = [
            cinder.create_volume(size=size, name=f"{name}-{part}", metadata={"part": part})
            for part, size in (("root", 1), ("zeta", 2), ("alfa", 3))
        ]
        for volume in volumes:
            self.wait("volume", volume.id, "available")
        cinder.set_volume_bootable_status(volumes[0].id, True)
        port = neutron.create_port(network_id=self.nets[0], name=f"{name}-front", security_groups=[self.groups[1]])
        flavor = nova.find_flavor("m1.tiny") or nova.find_flavor("m1.nano")
        server = nova.create_server(
            name=name, flavor_id=flavor.id, networks=[{"port": port.id}, {"uuid": self.nets[1]}],
            metadata={"tier": "db", **metadata}, config_drive=True,
            block_device_mapping_v2=[
                {
                    "uuid": volume.id, "source_type": "volume", "destination_type": "volume",
                    "boot_index": 0 if place == 0 else -1, "delete_on_termination": place == 1,
                }
                for place, volume in enumerate(volumes)
            ],
        )  # fmt: skip
        self.wait("server", server.id, "ACTIVE")
        for volume in volumes:
            taken = cinder.create_snapshot(
                volume_id=volume.id, name=f"{volume.name}-daily", is_forced=True, force=True,
                metadata={"stackhand_run": f"run-{name}", "stackhand_policy": "daily_5"},
            )  # fmt: skip
            self.wait("snapshot", taken.id, "available")
        return str(server.id)

    def float(self, vm_id: str) -> str:
        """A floating IP that leads to the second NIC, whose port Nova made: it goes when the NIC is taken out."""
        neutron = self.inside.network
        outside = next(iter(neutron.networks(is_router_external=True)))
        router = neutron.create_router(name="edge", external_gateway_info={"network_id": outside.id})
        self.routers.append(router.id)
        subnet = next(iter(neutron.subnets(network_id=self.nets[1])))
        neutron.add_interface_to_router(router.id, subnet_id=subnet.id)
        port = next(p for p in neutron.ports(device_id=vm_id) if p.network_id == self.nets[1])
        return str(neutron.create_ip(floating_network_id=outside.id, port_id=port.id).id)

    def shape(self) -> dict[str, Any]:
        """All that is in the project, as its owner sees it."""
        ports = {
            p.id: (p.device_id, p.network_id, tuple(sorted(f["ip_address"] for f in p.fixed_ips)), p.mac_address)
            for p in self.inside.network.ports(project_id=self.project)
            if p.device_owner.startswith("compute:") or not p.device_owner
        }
        return {
            "servers": {
                s.id: (s.name, s.status, sorted(v["id"] for v in s.attached_volumes), dict(s.metadata))
                for s in self.inside.compute.servers()
            },
            "volumes": {v.id: (v.name, v.status, v.size) for v in self.inside.block_storage.volumes()},
            "snapshots": sorted(s.id for s in self.inside.block_storage.snapshots()),
            "ports": sorted(ports.values()),
            "floating": {
                ip.id: (ip.floating_ip_address, ip.fixed_ip_address)
                for ip in self.inside.network.ips(project_id=self.project)
            },
        }  # fmt: skip

    def clear(self) -> None:
        """Twice: what hangs on another thing goes in the second round."""
        for _ in range(3):
            for server in self.inside.compute.servers():
                with contextlib.suppress(Exception):
                    self.inside.compute.reset_server_state(server, "active")
                    self.inside.compute.delete_server_metadata(server, ["testbed_fault"])
                with contextlib.suppress(Exception):
                    self.inside.compute.delete_server(server)
            for _ in range(60):
                if not list(self.inside.compute.servers()):
                    break
                time.sleep(0.5)
            for snapshot in self.inside.block_storage.snapshots():
                with contextlib.suppress(Exception):
                    self.inside.block_storage.delete_snapshot(snapshot)
            time.sleep(2)
            for volume in self.inside.block_storage.volumes():
                with contextlib.suppress(Exception):
                    self.inside.block_storage.delete_volume(volume)
            for ip in self.inside.network.ips(project_id=self.project):
                self.inside.network.delete_ip(ip)
            for port in self.inside.network.ports(project_id=self.project):
                with contextlib.suppress(Exception):
                    self.inside.network.delete_port(port)
            if not list(self.inside.block_storage.volumes()):
                return
            time.sleep(2)


@pytest.fixture
def bed(direct: Any) -> Iterator[Bed]:
    path, _ = where()
    entry = yaml.safe_load(path.read_text())["clouds"][service()]["auth"]
    mark = secrets.token_hex(3)
    made = direct.identity.create_project(name=f"restore-{mark}", domain_id="default")
    for user, role in (("admin", "admin"), ("admin", "member"), (entry["username"], "member")):
        found = direct.identity.find_user(user, domain_id="default")
        direct.identity.assign_project_role_to_user(made, found, direct.identity.find_role(role))
    inside = direct.connect_as_project(made)
    nets = []
    for number in (1, 2):
        net = inside.network.create_network(name=f"net-{number}")
        inside.network.create_subnet(
            network_id=net.id, ip_version=4, cidr=f"10.{90 + number}.0.0/24", name=f"v4-{number}"
        )
        nets.append(net.id)
    inside.network.create_subnet(
        network_id=nets[0], ip_version=6, cidr="fd00:91::/64", name="v6", is_dhcp_enabled=False
    )
    group = inside.network.create_security_group(name="db")
    default = next(g.id for g in inside.network.security_groups(project_id=made.id) if g.name == "default")
    bed = Bed(made.id, inside, nets, [default, group.id])
    try:
        yield bed
    finally:
        bed.clear()
        for router in bed.routers:
            with contextlib.suppress(Exception):
                for subnet in inside.network.subnets(network_id=nets[1]):
                    inside.network.remove_interface_from_router(router, subnet_id=subnet.id)
                inside.network.delete_router(router)
        for net in nets:
            with contextlib.suppress(Exception):
                inside.network.delete_network(net)
        with contextlib.suppress(Exception):
            inside.network.delete_security_group(group)
        direct.identity.delete_project(made)


class Opened:
    """The real clients, with a count of what was asked."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    async def open(self, source: str) -> Acting:
        return self._acting


@pytest.fixture
async def acting() -> AsyncIterator[Acting]:
    path, name = where()
    clouds = open_acting(path, [name], {name: service()})
    yield await clouds.open(name)
    await clouds.close()


async def synced(database: Database) -> str:
    path, name = where()
    (cloud,) = open_clouds(path, [name])
    await sync_source(database, cloud)
    await cloud.close()
    return cloud.source


async def planned(database: Database, source: str, vm_id: str, wish: Wish) -> Plan:
    async with database.connect() as conn:
        vm = await restore_facts.vm_of(conn, EVERYTHING, source, vm_id)
        assert vm is not None
        began = time.monotonic()
        plan = await plan_restore(conn, EVERYTHING, vm, wish, datetime.now(UTC), ON)
    print(f"planned in {time.monotonic() - began:.3f} s")
    assert plan.failed == (), plan.failed
    return plan


def run_of(database: Database, acting: Acting, plan: Plan) -> Run:
    actions = {one.name: one for one in actions_of(PACE)}
    return Run(database, Opened(acting), plan, actions=actions, job_id=secrets.randbelow(10**9), pause_s=0.7)  # type: ignore[arg-type]


def nics(bed: Bed, vm_id: str) -> list[tuple[str, list[str]]]:
    """(network, addresses) in the order of the machine."""
    server = bed.inside.compute.get_server(vm_id)
    return [(name, sorted(one["addr"] for one in rows)) for name, rows in server.addresses.items()]


def disks(bed: Bed, vm_id: str) -> list[tuple[str, str, int]]:
    """(device, which part, GiB) in the order of devices."""
    found = []
    for volume in bed.inside.block_storage.volumes():
        found += [
            (one["device"], volume.metadata["part"], volume.size)
            for one in volume.attachments
            if one["server_id"] == vm_id
        ]
    return sorted(found)


async def test_side_by_side(database: Database, bed: Bed, acting: Acting) -> None:
    vm_id = await asyncio.to_thread(bed.vm, "db-01")
    source = await synced(database)
    plan = await planned(database, source, vm_id, Wish())
    before = await asyncio.to_thread(bed.shape)
    run = run_of(database, acting, plan)
    began = time.monotonic()
    state = await run.to_the_end()
    print(f"side by side: {state} in {time.monotonic() - began:.1f} s", run.record.results.get("report"))
    assert state == "done", (run.record.error, run.record.left)
    after = await asyncio.to_thread(bed.shape)
    new = run.record.results["report"]["vm_id"]
    for kind in ("servers", "volumes"):
        assert {key: after[kind][key] for key in before[kind]} == before[kind]
        assert len(after[kind]) == len(before[kind]) + {"servers": 1, "volumes": 3}[kind]
    assert set(before["ports"]) <= set(after["ports"]) and len(after["ports"]) == len(before["ports"]) + 2
    assert after["snapshots"] == before["snapshots"]
    old_disks, new_disks = await asyncio.to_thread(disks, bed, vm_id), await asyncio.to_thread(disks, bed, new)
    assert new_disks == old_disks and [part for _, part, _ in new_disks] == ["root", "zeta", "alfa"]
    assert [(net, len(ips)) for net, ips in nics(bed, new)] == [("net-1", 2), ("net-2", 1)]
    server = bed.inside.compute.get_server(new)
    assert server.metadata["tier"] == "db" and server.flavor["original_name"] in dict(plan.facts)["makes"]
    front = next(p for p in bed.inside.network.ports(device_id=new) if p.network_id == bed.nets[0])
    assert front.security_group_ids == [bed.groups[1]] and server.has_config_drive


async def test_replace_keeps_the_addresses(database: Database, bed: Bed, acting: Acting) -> None:
    vm_id = await asyncio.to_thread(bed.vm, "db-02")
    floating_id = await asyncio.to_thread(bed.float, vm_id)
    source = await synced(database)
    was = {"nics": nics(bed, vm_id), "disks": disks(bed, vm_id)}
    plan = await planned(database, source, vm_id, Wish(mode="replace", safety=True))
    before = await asyncio.to_thread(bed.shape)
    run = run_of(database, acting, plan)
    began = time.monotonic()
    state = await run.to_the_end()
    print(f"replace: {state} in {time.monotonic() - began:.1f} s", run.record.results.get("report"))
    assert state == "done", (run.record.error, run.record.left)
    after, new = await asyncio.to_thread(bed.shape), run.record.results["report"]["vm_id"]
    assert nics(bed, new) == was["nics"] and disks(bed, new) == was["disks"]
    old = bed.inside.compute.get_server(vm_id)
    assert old.status == "SHUTOFF" and old.name.startswith("db-02-before-") and nics(bed, vm_id) == []
    assert bed.inside.compute.get_server(new).name == "db-02"
    assert sorted(one[1:] for one in after["ports"]) == sorted(one[1:] for one in before["ports"])
    assert len(after["snapshots"]) == len(before["snapshots"]) + 3
    assert after["floating"] == before["floating"] and before["floating"][floating_id][1] in nics(bed, new)[1][1]


@pytest.mark.parametrize("mode", ["side_by_side", "replace"])
async def test_a_vm_that_does_not_start_is_rolled_back(database: Database, bed: Bed, acting: Acting, mode: Any) -> None:
    """The metadata that come along make the new one fail to spawn."""
    vm_id = await asyncio.to_thread(bed.vm, "db-03")
    bed.inside.compute.set_server_metadata(vm_id, testbed_fault="spawn")
    await asyncio.to_thread(bed.float, vm_id)
    source = await synced(database)
    plan = await planned(database, source, vm_id, Wish(mode=mode))
    before = await asyncio.to_thread(bed.shape)
    run = run_of(database, acting, plan)
    state = await run.to_the_end()
    print(f"{mode} that fails: {state}: {run.record.error}")
    assert state == "failed" and run.record.left == [], run.record.left
    assert await asyncio.to_thread(bed.shape) == before


async def test_a_volume_that_cannot_be_made_leaves_the_original_running(
    database: Database, bed: Bed, acting: Acting
) -> None:
    vm_id = await asyncio.to_thread(bed.vm, "db-04")
    zeta = next(v for v in bed.inside.block_storage.volumes() if v.metadata.get("part") == "zeta")
    bed.inside.block_storage.set_volume_metadata(zeta, testbed_fault="clone")
    source = await synced(database)
    plan = await planned(database, source, vm_id, Wish(mode="replace"))
    before = await asyncio.to_thread(bed.shape)
    run = run_of(database, acting, plan)
    state = await run.to_the_end()
    print(f"replace without volume: {state}: {run.record.error}")
    assert state == "failed" and run.record.left == []
    assert await asyncio.to_thread(bed.shape) == before and before["servers"][vm_id][1] == "ACTIVE"
    assert MARK not in str(before)
