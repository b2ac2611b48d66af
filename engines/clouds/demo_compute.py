"""The demo cloud's VMs and what they run on, as the inventory's fields."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from engines.clouds import Resource
from engines.clouds.demo_catalogue import (
    BUSINESS_OWNERS,
    FLAVORS,
    IMAGES,
    NUTANIX,
    OPENSTACK,
    OWNERS,
    ROLES,
    UNOWNED,
    USERS,
    VMWARE,
    Image,
    Source,
)
from engines.clouds.demo_groups import group_names
from engines.clouds.demo_ids import Ids, ip
from engines.clouds.demo_listing import Listing, facts
from engines.clouds.demo_model import DAY, Host, Vm, iso
from engines.clouds.demo_view import View

_IMAGES = MappingProxyType({i.name: i for i in IMAGES})
_STATUS: Mapping[Source, Mapping[str, str]] = MappingProxyType(
    {
        OPENSTACK: MappingProxyType(
            {
                "on": "ACTIVE",
                "off": "SHUTOFF",
                "error": "ERROR",
                "paused": "PAUSED",
                "suspended": "SUSPENDED",
                "building": "BUILD",
                "shelved": "SHELVED_OFFLOADED",
            }
        ),
        VMWARE: MappingProxyType(
            {"on": "poweredOn", "off": "poweredOff", "suspended": "suspended", "unknown": "inaccessible"}
        ),
        NUTANIX: MappingProxyType({"on": "ON", "off": "OFF", "suspended": "SUSPENDED", "unknown": "UNKNOWN"}),
    }
)
_HYPERVISOR = MappingProxyType({OPENSTACK: ("QEMU", "8.2.2"), VMWARE: ("ESXi", "8.0.3"), NUTANIX: ("AHV", "10.0.1")})
_HOST_STATUS = MappingProxyType({"up": "up", "down": "down", "disabled": "up"})


def vms(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    return Listing(view.vms_of(source), lambda vm: _vm(view, source, ids, vm))


def _vm(view: View, source: Source, ids: Ids, vm: Vm) -> Resource:
    plan = view.plan
    project, image = plan.projects[vm.project], _IMAGES[vm.image]
    host = None if vm.host is None else plan.hosts[vm.host]
    own = source == OPENSTACK
    booted = vm.image if own and not vm.boots_from_volume else None
    dice = plan.roll(vm.key + "owner")
    attrs = facts(
        state=vm.state,
        status=_STATUS[source][vm.state],
        flavor=vm.flavor,
        vcpus=vm.vcpus,
        memory_mib=vm.memory_mib,
        disk_gib=sum(vm.disks) if not own else (0 if vm.boots_from_volume else vm.disks[0]),
        host=host.name if host else None,
        cluster=host.cluster if host else None,
        zone=("az1", "az2")[(vm.host or 0) % 2] if own else None,
        os=image.os,
        os_version=image.os_version,
        image_id=ids.of("image", booted) if booted else None,
        user_id=ids.user(_creator(view, vm)) if own else None,
        technical_owner=None if vm.name in UNOWNED or dice >= 88 else OWNERS[dice % len(OWNERS)],
        business_owner=None if vm.name in UNOWNED or dice >= 70 else BUSINESS_OWNERS[dice % len(BUSINESS_OWNERS)],
        addresses=_addresses(view, source, ids, vm),
        volume_ids=sorted(ids.of("disk", disk.key) for disk in view.disks_of(vm) if disk.vm is not None),
        security_groups=group_names(project, vm.role) if own else None,
        tags=sorted({*project.tags, *ROLES[vm.role].tags, *vm.marks}),
        metadata={"role": vm.role} if own else None,
        key_name=_creator(view, vm) if own else None,
        fault=vm.fault,
        locked=vm.name == "backup",
        description=f"{project.description}: {vm.role}",
        created=iso(vm.born),
    )
    return Resource("vm", ids.vm(vm), vm.name, ids.project(vm.project), attrs, {"updated": iso(_updated(view, vm))})


def _updated(view: View, vm: Vm) -> int:
    past = [change.at for change in view.plan.changes.get(vm.key, ()) if change.at <= view.at]
    return max([vm.born + 60, *past])


def _creator(view: View, vm: Vm) -> str:
    """A user of the project's domain. Build machines are made by the build system."""
    if vm.key.startswith("runner"):
        return "svc-ci"
    domain = view.plan.projects[vm.project].domain
    names = [name for name, of, _, enabled in USERS if of == domain and enabled and not name.startswith("svc-")]
    return names[view.plan.roll(vm.key + "user", len(names))]


def _addresses(view: View, source: Source, ids: Ids, vm: Vm) -> list[dict[str, Any]]:
    nets = view.plan.projects[vm.project].nets
    found = [
        facts(
            ip=ip(address),
            mac=ids.mac(address),
            network=nets[net].name,
            network_id=ids.network(vm.project, net),
            type="fixed",
        )
        for net, address in vm.nics
    ]
    if vm.floating is not None:
        found.append({**found[0], "ip": ip(vm.floating), "type": "floating"})
    return sorted(found, key=lambda a: str(a["ip"]))


def hosts(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    return [_host(view, ids, n, h) for n, h in enumerate(view.plan.hosts) if h.source == source]


def _host(view: View, ids: Ids, number: int, host: Host) -> Resource:
    cpu, memory, disk, count = view.host_use.get(number, (0, 0, 0, 0))
    kind, version = _HYPERVISOR[host.source]
    own = host.source == OPENSTACK
    attrs = facts(
        state=host.state,
        status=_HOST_STATUS[host.state],
        enabled=host.state != "disabled",
        disabled_reason=host.reason or None,
        cluster=host.cluster,
        zone=("az1", "az2")[number % 2] if own else None,
        aggregates=_aggregates_of(number) if own else None,
        hypervisor_type=kind,
        version=version,
        ip=f"10.{({OPENSTACK: 250, VMWARE: 251, NUTANIX: 252})[host.source]}.{number // 250}.{number % 250 + 1}",
        vcpus=host.vcpus,
        memory_mib=host.memory_mib,
        disk_gib=host.disk_gib,
        cpu_ratio=host.cpu_ratio,
        memory_ratio=1.0,
        disk_ratio=1.0,
        vcpus_reserved=0,
        memory_reserved_mib=host.memory_reserved,
        disk_reserved_gib=0,
    )
    used = {"vcpus_used": cpu, "memory_used_mib": memory, "disk_used_gib": disk, "vms": count}
    return Resource("host", ids.of("host", host.name), host.name, None, attrs, used)


def _aggregates_of(number: int) -> list[str]:
    return sorted([("az1", "az2")[number % 2], *(["gpu"] if number % 5 == 1 else [])])


def aggregates(view: View, source: Source) -> Sequence[Resource]:
    ids, made = Ids(view.plan, source), iso(view.plan.epoch - 900 * DAY)
    numbered = [(n, h.name) for n, h in enumerate(view.plan.hosts) if h.source == source]
    return [
        Resource(
            "aggregate",
            ids.of("aggregate", name),
            name,
            None,
            facts(
                hosts=sorted(host for n, host in numbered if name in _aggregates_of(n)),
                zone=name if name.startswith("az") else None,
                metadata={"gpu": "true"} if name == "gpu" else {"availability_zone": name},
                created=made,
            ),
        )
        for name in ("az1", "az2", "gpu")
    ]


def clusters(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    members = [h for h in view.plan.hosts if h.source == source and h.cluster]
    return [
        Resource("cluster", ids.of("domain-c", name), name, None, {"state": "up", "status": "green"})
        for name in sorted({h.cluster or "" for h in members})
    ]


def flavors(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    return [
        Resource(
            "flavor",
            ids.of("flavor", f.name),
            f.name,
            None,
            {
                "vcpus": f.vcpus,
                "memory_mib": f.memory_mib,
                "disk_gib": f.disk_gib,
                "ephemeral_gib": 0,
                "swap_mib": 0,
                "public": not f.name.startswith("g1"),
                "extra_specs": {"resources:VGPU": "1"} if f.name.startswith("g1") else {},
            },
        )
        for f in FLAVORS
    ]


def _agent(image: Image, source: Source) -> dict[str, Any]:
    """The properties, with what they say of a guest agent: a word of QEMU's alone."""
    told = {"os_distro": image.os}
    if image.agent is None or source != OPENSTACK:
        return {"properties": told}
    said = "yes" if image.agent else "no"
    return {"guest_agent": image.agent, "properties": {**told, "hw_qemu_guest_agent": said}}


def images(view: View, source: Source) -> Sequence[Resource]:
    ids, plan = Ids(view.plan, source), view.plan
    return [
        Resource(
            "image",
            ids.of("image", i.name),
            i.name,
            None,
            {
                "state": i.state,
                "status": "active" if i.state == "available" else "deactivated",
                "size_bytes": i.size_bytes,
                "visibility": "public",
                "os": i.os,
                "os_version": i.os_version,
                "disk_format": "qcow2",
                "min_disk_gib": 10,
                "min_memory_mib": 1024,
                "protected": i.os == "windows",
                "checksum": plan.id("checksum:" + i.name).replace("-", ""),
                **_agent(i, source),
                "created": iso(plan.epoch - (100 + plan.roll(i.name, 500)) * DAY),
            },
        )
        for i in IMAGES
    ]


def server_groups(view: View, source: Source) -> Sequence[Resource]:
    """The databases of acme-prod apart, its web servers apart where possible."""
    ids, number = Ids(view.plan, source), view.plan.number("acme-prod")
    mine = [vm for vm in view.vms_of(source) if vm.project == number]
    return [
        Resource(
            "server_group",
            ids.of("server_group", name),
            name,
            ids.project(number),
            {"policy": policy, "member_ids": sorted(ids.vm(vm) for vm in mine if vm.role == role)[:8]},
        )
        for name, policy, role in (("db-ha", "anti-affinity", "db"), ("web-ha", "soft-anti-affinity", "web"))
    ]


def keypairs(view: View, source: Source) -> Sequence[Resource]:
    ids, plan = Ids(view.plan, source), view.plan
    return [
        Resource(
            "keypair",
            f"{ids.user(name)}/{name}",
            name,
            None,
            {
                "user_id": ids.user(name),
                "fingerprint": ":".join(plan.id("key:" + name).replace("-", "")[n : n + 2] for n in range(0, 32, 2)),
                "key_type": "ssh",
                "created": iso(plan.epoch - (30 + plan.roll(name, 600)) * DAY),
            },
        )
        for name, _, _, _ in USERS
    ]
