"""A project of its own on a real OpenStack, with VMs to restore; all of it made and removed with openstacksdk."""

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

import openstack
import pytest
import yaml
from openstack.connection import Connection

from tests.cloud.test_openstack_live import where

Shape = Literal["volume+1", "volume+3", "volume+11", "image+2", "image snapshot"]
_PARTS: Mapping[Shape, tuple[tuple[str, int, str], ...]] = {
    "volume+1": (("root", 1, "standard"), ("zeta", 2, "ssd")),
    "volume+3": (("root", 1, "ssd"), ("zeta", 2, "standard"), ("alfa", 3, "ssd"), ("mid", 1, "standard")),
    "volume+11": (("root", 1, "standard"), *((f"data{n}", 1, "standard") for n in range(11))),
    "image+2": (("zeta", 2, "ssd"), ("alfa", 3, "standard")),
    "image snapshot": (("zeta", 1, "standard"),),
}
_ROUNDS = 4
_COMPUTE = "2.79"


def service() -> str:
    name = os.environ.get("STACKHAND_TEST_SERVICE", "")
    if not name:
        pytest.skip("STACKHAND_TEST_SERVICE is not set: no service user")
    return name


def administrator() -> Any:
    path, name = where()
    return Connection(config=openstack.config.OpenStackConfig(config_files=[str(path)]).get_one(cloud=name))


def many(work: Iterable[Callable[[], Any]], at_once: int = 4) -> list[Any]:
    with ThreadPoolExecutor(at_once) as pool:
        return [one.result() for one in [pool.submit(call) for call in work]]


def until(holds: Callable[[], bool], what: str, seconds: float = 900) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"never {what}"
        time.sleep(0.4)


@dataclass
class Bed:
    """Two networks, the first with IPv4 and IPv6; a router, security groups, a keypair that the service user has too,
    a server group. `inside` is the administrator in the project."""

    project: str
    mark: str
    direct: Any
    inside: Any
    nets: list[str] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    server_group: str = ""
    router: str = ""
    outside: str = ""

    @property
    def key_name(self) -> str:
        return f"ops-{self.mark}"

    def wait(self, kind: str, id_: str, status: str) -> None:
        get = {
            "server": self.inside.compute.get_server, "volume": self.inside.block_storage.get_volume,
            "snapshot": self.inside.block_storage.get_snapshot, "image": self.inside.image.get_image,
        }[kind]  # fmt: skip

        def stands() -> bool:
            found = get(id_)
            assert "rror" not in found.status.lower() or status.lower() == "error", found
            return bool(found.status == status)

        until(stands, f"{kind} {id_} {status}")

    def vm(self, name: str, shape: Shape = "volume+1", *, floating: bool = False, **metadata: str) -> str:
        """Volumes in an order that is not that of their names; the first port is made by hand, the second by Nova."""
        cinder, neutron = self.inside.block_storage, self.inside.network
        parts = _PARTS[shape]
        volumes = [
            cinder.create_volume(size=size, name=f"{name}-{part}", volume_type=type_, metadata={"part": part})
            for part, size, type_ in parts
        ]
        port = neutron.create_port(
            network_id=self.nets[0], name=f"{name}-front", security_groups=[self.groups["db"], self.groups["web"]]
        )
        for volume in volumes:
            self.wait("volume", volume.id, "available")
        id_ = self._boot(name, shape, port.id, [volume.id for volume in volumes], metadata)
        self.wait("server", id_, "ACTIVE")
        if floating:
            self.float(id_)
        self.copy(name, shape, id_, volumes)
        return id_

    def _boot(self, name: str, shape: Shape, port_id: str, volumes: list[str], metadata: Mapping[str, str]) -> str:
        disks: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        if shape.startswith("volume"):
            self.inside.block_storage.set_volume_bootable_status(volumes[0], True)
        else:
            image = self.inside.image.find_image("cirros").id
            more["imageRef"] = image
            disks.append({
                "uuid": image, "source_type": "image", "destination_type": "local", "boot_index": 0,
                "delete_on_termination": True,
            })  # fmt: skip
        disks += [
            {
                "uuid": volume, "source_type": "volume", "destination_type": "volume",
                "boot_index": 0 if place == 0 and not more else -1, "delete_on_termination": place == 1,
            }
            for place, volume in enumerate(volumes)
        ]  # fmt: skip
        server = {
            "name": name, "flavorRef": self.inside.compute.find_flavor("m1.nano").id, "config_drive": True,
            "networks": [{"port": port_id}, {"uuid": self.nets[1]}], "security_groups": [{"name": "web"}],
            "metadata": {"tier": "db", **metadata}, "tags": ["gold", "team-a"], "description": f"the {name} machine",
            "key_name": self.key_name, "block_device_mapping_v2": disks, **more,
        }  # fmt: skip
        body = {"server": server, "os:scheduler_hints": {"group": self.server_group}}
        answer = self.inside.compute.post("/servers", json=body, microversion=_COMPUTE)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["server"]["id"])

    def copy(self, name: str, shape: Shape, id_: str, volumes: list[Any]) -> None:
        """Snapshots as a run of a policy leaves them; of the last shape an image of the VM beside."""
        cinder = self.inside.block_storage
        taken = [
            cinder.create_snapshot(
                volume_id=volume.id, name=f"{volume.name}-daily", is_forced=True,
                metadata={"stackhand_run": f"run-{name}", "stackhand_policy": "daily_5"},
            )
            for volume in volumes
        ]  # fmt: skip
        if shape == "image snapshot":
            image = self.inside.compute.create_server_image(id_, f"{name}-image")
            self.wait("image", image.id, "active")
            until(lambda: not self.inside.compute.get_server(id_).task_state, "idle")
        for snapshot in taken:
            self.wait("snapshot", snapshot.id, "available")

    def float(self, vm_id: str) -> str:
        """A floating IP that leads to the second NIC, whose port Nova made: it goes when the NIC is taken out."""
        port = next(p for p in self.inside.network.ports(device_id=vm_id) if p.network_id == self.nets[1])
        return str(self.inside.network.create_ip(floating_network_id=self.outside, port_id=port.id).id)

    def put(self, vm_id: str, state: str) -> None:
        """Bring a running VM to `stopped`, `error` or `deleted`."""
        nova = self.inside.compute
        if state == "stopped":
            nova.stop_server(vm_id)
            self.wait("server", vm_id, "SHUTOFF")
        elif state == "error":
            nova.reset_server_state(vm_id, "error")
            self.wait("server", vm_id, "ERROR")
        elif state == "deleted":
            nova.delete_server(vm_id)
            until(lambda: nova.find_server(vm_id) is None, "deleted")

    def all(self) -> dict[str, dict[str, Any]]:
        """Everything in the project, by kind and id."""
        neutron, cinder = self.inside.network, self.inside.block_storage
        return {
            "server": {one.id: one for one in self.inside.compute.servers()},
            "volume": {one.id: one for one in cinder.volumes()},
            "snapshot": {one.id: one for one in cinder.snapshots()},
            "image": {one.id: one for one in self.inside.image.images(owner=self.project)},
            "port": {
                one.id: one
                for one in neutron.ports(project_id=self.project)
                if one.device_owner.startswith("compute:") or not one.device_owner
            },
            "floating IP": {one.id: one for one in neutron.ips(project_id=self.project)},
        }

    def shape(self) -> dict[str, Any]:
        """All that is in the project, in what may not change when a restore is undone."""
        there = self.all()
        return {
            "servers": {
                s.id: (s.name, s.status, sorted(v["id"] for v in s.attached_volumes), dict(s.metadata))
                for s in there["server"].values()
            },
            "volumes": {v.id: (v.name, v.status, v.size) for v in there["volume"].values()},
            "snapshots": sorted(there["snapshot"]),
            "ports": sorted(
                (p.device_id, p.network_id, tuple(sorted(f["ip_address"] for f in p.fixed_ips)), p.mac_address)
                for p in there["port"].values()
            ),
            "floating": {
                ip.id: (ip.floating_ip_address, ip.fixed_ip_address) for ip in there["floating IP"].values()
            },
        }  # fmt: skip

    def clear(self) -> None:
        """In rounds: what hangs on another thing goes in the next one."""
        cinder, neutron, glance = self.inside.block_storage, self.inside.network, self.inside.image
        for _ in range(_ROUNDS):
            there = self.all()
            many([lambda one=one: self._end_server(one) for one in there["server"].values()], 8)
            with contextlib.suppress(AssertionError):
                until(lambda: not list(self.inside.compute.servers()), "without servers", 60)
            self._all_of(there["snapshot"], cinder.delete_snapshot)
            self._all_of(there["image"], glance.delete_image)
            self._all_of(there["floating IP"], neutron.delete_ip)
            self._all_of(there["port"], neutron.delete_port)
            with contextlib.suppress(AssertionError):
                until(lambda: not list(cinder.snapshots()), "without snapshots", 20)
            self._all_of(self.all()["volume"], cinder.delete_volume)
            with contextlib.suppress(AssertionError):
                until(lambda: not list(cinder.volumes()), "without volumes", 20)
            if not any(self.all().values()):
                return

    @staticmethod
    def _all_of(things: Mapping[str, Any], delete: Callable[[Any], Any]) -> None:
        def one(id_: str) -> None:
            with contextlib.suppress(Exception):
                delete(id_)

        many([lambda id_=id_: one(id_) for id_ in things], 8)

    def _end_server(self, server: Any) -> None:
        with contextlib.suppress(Exception):
            if server.status == "ERROR":
                self.inside.compute.reset_server_state(server, "active")
            if "testbed_fault" in server.metadata:
                self.inside.compute.delete_server_metadata(server, ["testbed_fault"])
        with contextlib.suppress(Exception):
            self.inside.compute.delete_server(server)

    def heal_volumes(self) -> None:
        """Faults on demand would go on while the project is cleared."""
        for volume in self.inside.block_storage.volumes():
            if "testbed_fault" in volume.metadata:
                self.inside.block_storage.delete_volume_metadata(volume, ["testbed_fault"])


@contextlib.contextmanager
def bed_of(direct: Any) -> Iterator[Bed]:
    mark = secrets.token_hex(3)
    project = direct.identity.create_project(name=f"restore-{mark}", domain_id="default")
    bed = Bed(project.id, mark, direct, None)
    try:
        _furnish(bed, project)
        yield bed
    finally:
        _empty(bed)
        direct.identity.delete_project(project)


def _furnish(bed: Bed, project: Any) -> None:
    direct = bed.direct
    path, _ = where()
    login = yaml.safe_load(path.read_text())["clouds"][service()]["auth"]["username"]
    for user, role in (("admin", "admin"), ("admin", "member"), (login, "member")):
        found = direct.identity.find_user(user, domain_id="default")
        direct.identity.assign_project_role_to_user(project, found, direct.identity.find_role(role))
    inside = bed.inside = direct.connect_as_project(project)
    direct.compute.update_quota_set(project.id, instances=200, cores=400, ram=200_000, server_group_members=200)
    direct.block_storage.update_quota_set(project.id, volumes=900, snapshots=900, gigabytes=5_000)
    direct.network.update_quota(project.id, port=900, floatingip=60)
    neutron = inside.network
    for number in (1, 2):
        net = neutron.create_network(name=f"net-{number}")
        bed.nets.append(net.id)
        subnet = neutron.create_subnet(
            network_id=net.id, ip_version=4, cidr=f"10.{90 + number}.0.0/24", name=f"v4-{number}"
        )
    neutron.create_subnet(network_id=bed.nets[0], ip_version=6, cidr="fd00:91::/64", name="v6", is_dhcp_enabled=False)
    bed.outside = next(iter(neutron.networks(is_router_external=True))).id
    bed.router = neutron.create_router(name="edge", external_gateway_info={"network_id": bed.outside}).id
    neutron.add_interface_to_router(bed.router, subnet_id=subnet.id)
    bed.groups = {name: neutron.create_security_group(name=name).id for name in ("db", "web")}
    bed.server_group = inside.compute.create_server_group(name="apart", policy="soft-anti-affinity").id
    made = inside.compute.create_keypair(name=bed.key_name)
    _service_user().compute.create_keypair(name=bed.key_name, public_key=made.public_key)


def _service_user() -> Any:
    path, _ = where()
    return Connection(config=openstack.config.OpenStackConfig(config_files=[str(path)]).get_one(cloud=service()))


def _empty(bed: Bed) -> None:
    inside = bed.inside
    bed.heal_volumes()
    bed.clear()
    with contextlib.suppress(Exception):
        for port in inside.network.ports(device_id=bed.router):
            if port.network_id != bed.outside:
                inside.network.remove_interface_from_router(bed.router, port_id=port.id)
        inside.network.delete_router(bed.router)
    for net in bed.nets:
        with contextlib.suppress(Exception):
            inside.network.delete_network(net)
    for group in inside.network.security_groups(project_id=bed.project):
        with contextlib.suppress(Exception):
            inside.network.delete_security_group(group)
    with contextlib.suppress(Exception):
        inside.compute.delete_server_group(bed.server_group)
    for user in (inside, _service_user()):
        with contextlib.suppress(Exception):
            user.compute.delete_keypair(bed.key_name)
    for clean in (bed.direct.compute.revert_quota_set, bed.direct.block_storage.revert_quota_set):
        with contextlib.suppress(Exception):
            clean(bed.project)
    with contextlib.suppress(Exception):
        bed.direct.network.delete_quota(bed.project)
