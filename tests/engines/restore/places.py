"""A project in the small cloud with three VMs, and the inventory of it as a sync would write it."""

from datetime import timedelta
from typing import Any

from engines.clouds.acting import Used
from engines.clouds.acting_servers import FloatingState
from engines.plans import Plan
from engines.restore.wishes import House, Wish
from storage import restore_facts
from storage.database import Database
from storage.scopes import EVERYTHING, Scope
from tests.engines.restore.planned import plan_restore
from tests.engines.restore.small_cloud import PROJECT, T0, Backup, Port, Server, SmallCloud, Snapshot, Volume
from tests.storage.listed import Row, row, write

NOW = T0 + timedelta(minutes=2)
YESTERDAY = T0 - timedelta(hours=31)
ON = House(execute=frozenset({"*"}))
MINE = Scope(projects=frozenset({("one", PROJECT)}))
MAC = "fa:16:3e:aa:00:0{}".format


def small_place(**how: Any) -> SmallCloud:
    """db-02 starts from a volume, has two more, two NICs of which the first has IPv4 and IPv6, and a floating IP;
    web-01 starts from an image and has a data volume; other-01 belongs to another project."""
    cloud = SmallCloud(**how)
    cloud.subnets = {
        "sub-db4": ("net-db", "10.20.0.0/24"), "sub-db6": ("net-db", "2001:db8::/64"),
        "sub-mgmt": ("net-mgmt", "10.30.0.0/24"),
    }  # fmt: skip
    cloud.things = {
        ("flavor", "f-large"), ("flavor", "f-small"), ("image", "img-debian"), ("network", "net-db"),
        ("network", "net-mgmt"), ("security_group", "sg-db"), ("security_group", "sg-default"),
        ("server_group", "grp-db"),
    }  # fmt: skip
    state = cloud.state
    state.ports = {
        "p-mgmt": Port("p-mgmt", "net-mgmt", [("10.30.0.22", "sub-mgmt")], MAC(2), "vm-db", ("sg-default",)),
        "p-db": Port(
            "p-db", "net-db", [("10.20.0.22", "sub-db4"), ("2001:db8::22", "sub-db6")], MAC(1), "vm-db", ("sg-db",)
        ),
        "p-web": Port("p-web", "net-db", [("10.20.0.11", "sub-db4")], MAC(3), "vm-web"),
    }
    state.servers = {
        "vm-db": Server(
            "vm-db", "db-02", volumes=[("v-root", True), ("v-data", False), ("v-log", False)], nics=["p-db", "p-mgmt"],
            metadata={"tier": "db"}, tags=("gold",), key_name="ops", config_drive=True, description="orders",
            group="grp-db", user_data="I2Nsb3VkLWNvbmZpZw==",
        ),
        "vm-web": Server(
            "vm-web", "web-01", flavor="f-small", volumes=[("v-web", False)], nics=["p-web"], image="img-debian"
        ),
    }  # fmt: skip
    state.volumes = {
        "v-log": Volume("v-log", "db-log", 200, "in-use", attached={"vm-db": "/dev/vdc"}),
        "v-root": Volume("v-root", "db-root", 40, "in-use", True, attached={"vm-db": "/dev/vda"}),
        "v-data": Volume(
            "v-data", "db-data", 200, "in-use", attached={"vm-db": "/dev/vdb"},
            metadata={"stackhand_policies": "daily_5", "team": "orders"},
        ),
        "v-web": Volume("v-web", "web-data", 10, "in-use", attached={"vm-web": "/dev/vdb"}),
        "v-other": Volume("v-other", "other", 10, project="pb"),
    }  # fmt: skip
    for number, volume in enumerate(("v-root", "v-data", "v-log")):
        marks = {"stackhand_run": "daily_5@1", "stackhand_group": "g1", "stackhand_policy": "daily_5"}
        taken = Snapshot(f"s{number}", volume, state.volumes[volume].size, YESTERDAY + timedelta(seconds=number * 40))
        taken.name, taken.metadata = f"{volume}-daily", marks
        state.snapshots[taken.id] = taken
    state.snapshots["s-web"] = Snapshot("s-web", "v-web", 10, YESTERDAY, "web-snap")
    state.snapshots["s-other"] = Snapshot("s-other", "v-other", 10, YESTERDAY, "other-snap", project="pb")
    state.floating = {"fip-1": FloatingState("fip-1", "203.0.113.9", "p-db", "10.20.0.22")}
    cloud.quota = {
        "vms": Used(40, 10), "cpu": Used(100, 20), "memory_mib": Used(400_000, 65_536), "volumes": Used(50, 10),
        "storage_gib": Used(2000, 512), "ports": Used(100, 20), "snapshots": Used(100, 5),
    }  # fmt: skip
    return cloud


def backed_place(**how: Any) -> SmallCloud:
    """The same without snapshots of db-02, and with a whole backup of each of its volumes and one that adds to it."""
    cloud = small_place(**how)
    state = cloud.state
    state.snapshots = {
        id_: one for id_, one in state.snapshots.items() if one.volume not in ("v-root", "v-data", "v-log")
    }
    old = {"stackhand_policies": "daily_5", "stackhand_key": "JOB-3-1-0123456789abcdef", "team": "orders"}
    for number, volume in enumerate(("v-root", "v-data", "v-log")):
        size, base = state.volumes[volume].size, f"b{number}-full"
        for id_, at, of in ((base, YESTERDAY - timedelta(days=1), ""), (f"b{number}-incr", YESTERDAY, base)):
            taken = Backup(id_, volume, size, at + timedelta(seconds=number * 40), f"{volume}-{id_}", base=of)
            taken.metadata = dict(old)
            state.backups[id_] = taken
    return cloud


STATES = {"ACTIVE": "on", "SHUTOFF": "off", "ERROR": "error", "PAUSED": "paused", "BUILD": "building"}


def listed(cloud: SmallCloud) -> dict[str, list[Row]]:
    """What an account that sees all would list."""
    state = cloud.state
    nets = {"net-db": "net-db", "net-mgmt": "net-mgmt"}
    return {
        "project": [row("pa", "acme-prod", None, domain_id="d"), row("pb", "globex", None, domain_id="d")],
        "flavor": [
            row("f-large", "m5.large", None, vcpus=8, memory_mib=16384, disk_gib=40),
            row("f-small", "m5.small", None, vcpus=2, memory_mib=4096, disk_gib=20),
        ],
        "image": [row("img-debian", "debian-12", None, status="active", visibility="public", size_bytes=2**30)],
        "network": [row(net, net, PROJECT, state="up", shared=False) for net in nets],
        "subnet": [
            row(id_, id_, PROJECT, parent_id=net, cidr=cidr, gateway=_gateway(cidr), pools=_pools(cidr))
            for id_, (net, cidr) in cloud.subnets.items()
        ],
        "security_group": [row("sg-db", "db", PROJECT), row("sg-default", "default", PROJECT)],
        "server_group": [row("grp-db", "db-group", PROJECT, policy="anti-affinity", member_ids=["vm-db"])],
        "host": [row(f"h{n}", f"compute-0{n}", None, state="up") for n in (1, 2, 3)],
        "quota": [
            row(
                PROJECT, "acme-prod", PROJECT,
                {"used": {metric: used.used for metric, used in cloud.quota.items()}},
                limits={metric: used.limit for metric, used in cloud.quota.items()},
            )
        ],
        "vm": [_vm(cloud, one) for one in state.servers.values()],
        "volume": [
            row(
                v.id, v.name, v.project, status=v.status, size_gib=v.size, volume_type=v.type, bootable=v.bootable,
                encrypted=v.encrypted, zone=v.zone,
                multiattach=v.multiattach, metadata=v.metadata, parent_id=next(iter(v.attached), None),
                attachments=[{"vm_id": vm, "device": device} for vm, device in v.attached.items()],
            )
            for v in state.volumes.values()
        ],
        "snapshot": [
            row(
                s.id, s.name, s.project, status=s.status, state="available", size_gib=s.size, parent_id=s.volume,
                metadata=s.metadata, created=f"{s.at:%Y-%m-%dT%H:%M:%SZ}",
            )
            for s in state.snapshots.values()
        ],
        "volume_type": [row(name, name, None, public=True) for name in ("ssd", "standard")],
        "volume_backup": [
            row(
                b.id, b.name, b.project, {"base_id": b.base}, status=b.status, state="available", size_gib=b.size,
                parent_id=b.volume, incremental=bool(b.base), encrypted=b.encrypted,
                data_at=f"{b.at:%Y-%m-%dT%H:%M:%SZ}",
                metadata={}, created=f"{b.at + timedelta(minutes=3):%Y-%m-%dT%H:%M:%SZ}",
            )
            for b in state.backups.values()
        ],
        "port": [
            row(
                p.id, p.name or p.id, p.project, {"network": nets.get(p.network, p.network)}, state="up", mac=p.mac,
                ips=[ip for ip, _ in p.fixed], network_id=p.network, parent_id=p.server,
                security_group_ids=list(p.groups), fixed=[{"ip": ip, "subnet_id": sub} for ip, sub in p.fixed],
                port_security=p.security,
            )
            for p in state.ports.values()
        ],
        "floating_ip": [
            row(f.id, f.address, PROJECT, address=f.address, parent_id=f.port_id, fixed_ip=f.fixed_ip)
            for f in state.floating.values()
        ],
    }  # fmt: skip


def _gateway(cidr: str) -> str:
    return cidr.split("/")[0] + "1"


def _pools(cidr: str) -> list[str]:
    base = cidr.split("/")[0].rstrip("0")
    return [f"{base}2-{base}254"] if "." in cidr else [f"{base}2-{base}ffff"]


def _vm(cloud: SmallCloud, one: Server) -> Row:
    ports = [cloud.state.ports[id_] for id_ in one.nics]
    flavor = {"f-large": ("m5.large", 8, 16384, 40), "f-small": ("m5.small", 2, 4096, 20)}[one.flavor]
    volumes = [
        {"id": id_, "name": cloud.state.volumes[id_].name, "device": cloud.state.volumes[id_].attached.get(one.id, "")}
        for id_, _ in one.volumes
    ]
    return row(
        one.id, one.name, one.project, {"volumes": volumes, "image": "debian-12" if one.image else ""},
        state=STATES.get(one.status, "unknown"), status=one.status, flavor=flavor[0], flavor_id=one.flavor,
        vcpus=flavor[1], memory_mib=flavor[2], disk_gib=flavor[3], zone=one.zone, image_id=one.image or None,
        volume_ids=sorted(id_ for id_, _ in one.volumes), root_device=None if one.image else "/dev/vda",
        deletes_volume_ids=[id_ for id_, delete in one.volumes if delete], nic_macs=[port.mac for port in ports],
        addresses=[
            {"ip": ip, "mac": port.mac, "network": port.network, "network_id": port.network, "type": "fixed"}
            for port in ports
            for ip, _ in port.fixed
        ],
        security_groups=["default"], tags=list(one.tags), metadata=one.metadata, key_name=one.key_name or None,
        server_group="db-group" if one.group else None, config_drive=one.config_drive, locked=one.locked,
        description=one.description,
    )  # fmt: skip


async def store(database: Database, cloud: SmallCloud, days: float = 0) -> None:
    """One sync of all kinds."""
    for kind, rows in listed(cloud).items():
        await write(database, kind, rows, at=T0 + timedelta(days=days))


async def planned(
    database: Database, wish: Wish, *, vm_id: str = "vm-db", scope: Scope = EVERYTHING, house: House = ON
) -> Plan:
    async with database.connect() as conn:
        vm = await restore_facts.vm_of(conn, scope, "one", vm_id)
        assert vm is not None
        return await plan_restore(conn, scope, vm, wish, NOW, house)
