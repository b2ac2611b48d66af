"""An invented cloud with one VM in each project that a restore has everything to do with.

It starts from a volume, has a second one, snapshots of both, two NICs and a floating IP. Unplugged, its first port
stays, and its second one is gone, as Nova made it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from engines.clouds import Resource
from engines.clouds.demo_present_ports import COMPUTE, goes_with_its_vm
from engines.inventory.collect import sync_source
from storage.database import Database
from tests.engines.clouds.demo_rows import SOURCE
from tests.engines.inventory.small_cloud import SmallCloud

KINDS = ("vm", "volume", "snapshot", "port", "floating_ip", "network", "subnet", "security_group", "quota")
SHARED = ("flavor", "image", "host")
_LIMITS = {"vms": 10, "cpu": 40, "memory_mib": 65_536, "volumes": 20, "storage_gib": 1000, "ports": 20, "snapshots": 20}
_USED = {"vms": 1, "cpu": 2, "memory_mib": 4096, "volumes": 2, "storage_gib": 60, "ports": 2, "snapshots": 2}


class Place:
    """Projects p0, p1, … with VMs db-0, db-1, …"""

    def __init__(self, projects: int = 1, limits: dict[str, int] | None = None) -> None:
        self.projects = tuple(f"p{number}" for number in range(projects))
        self._limits = _LIMITS | (limits or {})

    def in_project(self, source: str, kind: str, project_id: str, at: datetime) -> Sequence[Resource]:
        assert source == SOURCE
        if project_id == "":
            return _shared(kind)
        if project_id not in self.projects or kind not in KINDS:
            return ()
        number = int(project_id[1:])
        if kind == "quota":
            return [Resource(kind, project_id, project_id, project_id, {"limits": self._limits}, {"used": dict(_USED)})]
        return {"vm": _vm, "volume": _volumes, "snapshot": _snapshots, "port": _ports, "floating_ip": _floating,
                "network": _networks, "subnet": _subnets, "security_group": _groups}[kind](number)  # fmt: skip

    async def sync(self, database: Database) -> None:
        """The inventory as it was invented."""
        at = datetime.now(UTC)
        rows = {kind: [r for p in self.projects for r in self.in_project(SOURCE, kind, p, at)] for kind in KINDS}
        rows |= {kind: list(_shared(kind)) for kind in SHARED}
        rows["domain"] = [Resource("domain", "d1", "acme", None, {"state": "enabled"})]
        attrs = {"state": "enabled", "domain_id": "d1"}
        rows["project"] = [Resource("project", p, f"name-{p}", p, attrs) for p in self.projects]
        await sync_source(database, SmallCloud(SOURCE, demo=True, rows=rows))


def _shared(kind: str) -> Sequence[Resource]:
    size = {"vcpus": 2, "memory_mib": 4096, "disk_gib": 20}
    host = {"state": "up", "vcpus": 64, "memory_mib": 262_144}
    rows = {
        "flavor": [Resource("flavor", "f1", "m1.medium", None, {**size, "public": True})],
        "image": [
            Resource("image", "i1", "debian-12", None, {"state": "available", "status": "active", "os": "debian"})
        ],
        "host": [Resource("host", "h1", "compute-01", None, host, {"memory_used_mib": 0})],
    }
    return rows.get(kind, ())


def port_ids(number: int) -> tuple[str, str]:
    names = [f"port-{number}-{letter}" for letter in "abcdefghijklmnopqrst"]
    stays = next(name for name in names if not goes_with_its_vm(name))
    return stays, next(name for name in names if goes_with_its_vm(name))


def addresses(number: int) -> tuple[str, str]:
    return "10.0.0.50", "10.1.0.50"


def _vm(number: int) -> list[Resource]:
    told = zip(addresses(number), (f"net-{number}-0", f"net-{number}-1"), strict=True)
    fixed = [
        {"ip": ip, "mac": _mac(number, place), "network": net, "network_id": net, "type": "fixed"}
        for place, (ip, net) in enumerate(told)
    ]
    floating = {**fixed[0], "ip": floating_ip(number), "type": "floating"}
    attrs: dict[str, Any] = {
        "state": "on", "status": "ACTIVE", "flavor": "m1.medium", "vcpus": 2, "memory_mib": 4096, "disk_gib": 0,
        "host": "compute-01", "zone": "az1", "addresses": sorted([*fixed, floating], key=lambda one: str(one["ip"])),
        "volume_ids": [f"v{number}-0", f"v{number}-1"], "security_groups": ["db"], "tags": ["gold"],
        "metadata": {"tier": "db"}, "locked": False,
    }  # fmt: skip
    return [Resource("vm", f"vm-{number}", f"db-{number}", f"p{number}", attrs)]


def _mac(number: int, place: int) -> str:
    return f"fa:16:3e:{place:02x}:{number // 256:02x}:{number % 256:02x}"


def floating_ip(number: int) -> str:
    return f"203.0.{113 + number // 200}.{number % 200 + 10}"


def _volumes(number: int) -> list[Resource]:
    found = []
    for place, size in enumerate((20, 10)):
        attrs = {
            "state": "attached", "status": "in-use", "size_gib": size, "volume_type": "ssd", "bootable": place == 0,
            "attachments": [{"vm_id": f"vm-{number}", "device": f"/dev/vd{'ab'[place]}"}], "metadata": {},
            "parent_id": f"vm-{number}",
        }  # fmt: skip
        found.append(Resource("volume", f"v{number}-{place}", f"db-{number}-{place}", f"p{number}", attrs))
    return found


def _snapshots(number: int) -> list[Resource]:
    told = {"state": "available", "status": "available", "created": "2026-11-20T02:00:00Z"}
    marks = {"stackhand_run": "daily_5@1", "stackhand_group": "g1", "stackhand_policy": "daily_5"}
    return [
        Resource("snapshot", f"s{number}-{place}", f"copy-{number}-{place}", f"p{number}",
                 {**told, "size_gib": size, "parent_id": f"v{number}-{place}", "metadata": marks})
        for place, size in enumerate((20, 10))
    ]  # fmt: skip


def _ports(number: int) -> list[Resource]:
    return [
        Resource("port", id_, "", f"p{number}", {
            "state": "up", "status": "ACTIVE", "mac": _mac(number, place), "ips": [addresses(number)[place]],
            "network_id": f"net-{number}-{place}", "parent_id": f"vm-{number}", "device_owner": COMPUTE,
            "security_group_ids": [f"sg-{number}"],
        })
        for place, id_ in enumerate(port_ids(number))
    ]  # fmt: skip


def _floating(number: int) -> list[Resource]:
    attrs = {
        "state": "attached", "status": "ACTIVE", "address": floating_ip(number), "fixed_ip": addresses(number)[0],
        "parent_id": port_ids(number)[0], "network_id": "public",
    }  # fmt: skip
    return [Resource("floating_ip", f"fip-{number}", floating_ip(number), f"p{number}", attrs)]


def _networks(number: int) -> list[Resource]:
    attrs = {"state": "up", "status": "ACTIVE", "shared": False, "external": False}
    return [Resource("network", f"net-{number}-{n}", f"net-{number}-{n}", f"p{number}", attrs) for n in (0, 1)]


def _subnets(number: int) -> list[Resource]:
    return [
        Resource("subnet", f"sub-{number}-{n}", f"sub-{number}-{n}", f"p{number}",
                 {"cidr": f"10.{n}.0.0/24", "gateway": f"10.{n}.0.1", "parent_id": f"net-{number}-{n}",
                  "pools": [f"10.{n}.0.2-10.{n}.0.254"], "ip_version": 4, "dhcp": True})
        for n in (0, 1)
    ]  # fmt: skip


def _groups(number: int) -> list[Resource]:
    return [Resource("security_group", f"sg-{number}", "db", f"p{number}", {"description": ""})]
