"""The whole configuration of a VM as data: all that is needed to make one like it, and what cannot be brought back."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any

from storage.inventory import Found
from storage.restore_facts import Belongings

# Keys of a VM's metadata that tell of this one machine, not of its configuration.
_MARKS = ("stackhand_key", "stackhand_restored_from", "stackhand_kept")


@dataclass(frozen=True, slots=True)
class Disk:
    """A volume of the VM. `boot`: it starts from this one. `delete_with_vm`: the cloud deletes it with the VM. `agent`:
    whether its image says that there is a guest agent; None: it does not say. `gone`: the VM had it once, and it is
    deleted."""

    volume_id: str
    name: str
    size_gib: int
    volume_type: str = ""
    device: str = ""
    boot: bool = False
    delete_with_vm: bool = False
    multiattach: bool = False
    encrypted: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""
    bootable: bool = False
    agent: bool | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Fixed:
    """An address of a NIC; `subnet_id` is empty where the inventory does not tell it."""

    ip: str
    subnet_id: str = ""


@dataclass(frozen=True, slots=True)
class Floating:
    """A floating IP that leads to one of the NIC's addresses."""

    id: str
    address: str
    fixed_ip: str = ""


@dataclass(frozen=True, slots=True)
class Nic:
    """One interface with all of its addresses: of a dual stack both are here. `security_groups` None: not known.

    `port_id` is the port that it was, empty where none is known. `port_free`: it outlived its VM, and is in none.
    """

    network_id: str
    network: str
    fixed: tuple[Fixed, ...] = ()
    mac: str = ""
    security_groups: tuple[str, ...] | None = None
    port_id: str = ""
    port_name: str = ""
    pairs: tuple[Mapping[str, Any], ...] = ()
    port_security: bool | None = None
    dns_name: str = ""
    floating: tuple[Floating, ...] = ()
    port_free: bool = False

    @property
    def ips(self) -> tuple[str, ...]:
        return tuple(one.ip for one in self.fixed)


@dataclass(frozen=True, slots=True)
class Recipe:
    """`disks` in the order of their devices, `nics` in the order of the machine. `lost` says line by line what the
    record cannot bring back. `former` are disks that it has no more, of which backups are left. `state` and `status`
    are the last known ones."""

    source: str
    platform: str
    project_id: str
    vm_id: str
    name: str
    state: str = ""
    deleted: bool = False
    flavor: str = ""
    flavor_id: str = ""
    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0
    image_id: str = ""
    image: str = ""
    zone: str = ""
    server_group: str = ""
    key_name: str = ""
    description: str = ""
    config_drive: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    group_names: tuple[str, ...] = ()  # security groups of the VM, by name
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    lost: tuple[str, ...] = ()
    former: tuple[Disk, ...] = ()

    @property
    def root(self) -> Disk | None:
        """The volume that it starts from; None for one that starts from an image."""
        return next((disk for disk in self.disks if disk.boot), None)

    @property
    def boots_from_volume(self) -> bool:
        return self.root is not None


def volume_ids_of(vm: Found, derived: Mapping[str, Any]) -> tuple[str, ...]:
    """Every volume that Nova or Cinder said to be attached."""
    told = [str(one["id"]) for one in derived.get("volumes") or ()]
    return tuple(dict.fromkeys([*told, *map(str, vm.attrs.get("volume_ids") or ())]))


def recipe_of(vm: Found, derived: Mapping[str, Any], own: Belongings) -> Recipe:
    """The recipe of a VM as it stands, or stood when it was last seen; `derived` is what was worked out then."""
    a = vm.attrs
    disks = _disks(vm, derived, own)
    nics = _nics(vm, own)
    metadata = {str(k): str(v) for k, v in (a.get("metadata") or {}).items() if k not in _MARKS}
    found = Recipe(
        vm.source,
        vm.platform,
        vm.project_id or "",
        vm.external_id,
        vm.name,
        str(a.get("state") or ""),
        vm.deleted_at is not None,
        str(a.get("flavor") or ""),
        str(a.get("flavor_id") or ""),
        int(a.get("vcpus") or 0),
        int(a.get("memory_mib") or 0),
        int(a.get("disk_gib") or 0),
        str(a.get("image_id") or ""),
        str(derived.get("image") or ""),
        str(a.get("zone") or ""),
        str(a.get("server_group") or ""),
        str(a.get("key_name") or ""),
        str(a.get("description") or ""),
        bool(a.get("config_drive")),
        metadata,
        tuple(map(str, a.get("tags") or ())),
        tuple(map(str, a.get("security_groups") or ())),
        disks,
        nics,
        former=_former(own),
    )
    return _with_losses(found, vm, derived, own)


def _disks(vm: Found, derived: Mapping[str, Any], own: Belongings) -> tuple[Disk, ...]:
    devices = _devices(vm, derived, own.volumes)
    deleted_with = set(vm.attrs.get("deletes_volume_ids") or ())
    ordered = sorted(own.volumes, key=lambda one: (device_order(devices.get(one.external_id, "")), one.external_id))
    root = _root(vm, ordered, devices)
    return tuple(
        replace(
            _disk(volume, devices.get(volume.external_id, "")),
            boot=volume.external_id == root,
            delete_with_vm=volume.external_id in deleted_with,
        )
        for volume in ordered
    )


def _former(own: Belongings) -> tuple[Disk, ...]:
    backed = {str(one.attrs.get("parent_id")) for one in own.backups}
    return tuple(replace(_disk(one), gone=True) for one in own.former if one.external_id in backed)


def _disk(volume: Found, device: str = "") -> Disk:
    return Disk(
        volume.external_id,
        "" if volume.name == volume.external_id else volume.name,
        int(volume.attrs.get("size_gib") or 0),
        str(volume.attrs.get("volume_type") or ""),
        device,
        multiattach=bool(volume.attrs.get("multiattach")),
        encrypted=bool(volume.attrs.get("encrypted")),
        metadata={str(k): str(v) for k, v in (volume.attrs.get("metadata") or {}).items() if k not in _MARKS},
        zone=str(volume.attrs.get("zone") or ""),
        bootable=bool(volume.attrs.get("bootable")),
        agent=volume.attrs.get("guest_agent"),
    )


def _devices(vm: Found, derived: Mapping[str, Any], volumes: Iterable[Found]) -> dict[str, str]:
    """{volume id: /dev/vdb}: what Cinder says now, else what was known when the VM was last seen."""
    found = {str(one["id"]): str(one.get("device") or "") for one in derived.get("volumes") or ()}
    for volume in volumes:
        for one in volume.attrs.get("attachments") or ():
            if one.get("vm_id") == vm.external_id and one.get("device"):
                found[volume.external_id] = str(one["device"])
    return found


def device_order(device: str) -> tuple[int, int, str]:
    """/dev/vdb before /dev/vdaa, as a machine counts them; what has no device comes last."""
    name = re.sub(r"\d+$", "", device)
    return (0 if device else 1, len(name), name)


def _root(vm: Found, ordered: Sequence[Found], devices: Mapping[str, str]) -> str:
    """The id of the volume that the VM starts from; empty when it starts from an image."""
    if vm.attrs.get("image_id"):
        return ""
    named = str(vm.attrs.get("root_device") or "")
    by_device = [one for one in ordered if named and devices.get(one.external_id) == named]
    bootable = [one for one in ordered if one.attrs.get("bootable")]
    chosen = by_device or bootable or ordered[:1]
    return chosen[0].external_id if chosen else ""


def macs_of(vm: Found) -> tuple[str, ...]:
    """Of its interfaces, in the order of the machine."""
    told = [str(mac) for mac in vm.attrs.get("nic_macs") or ()]
    return tuple(told or dict.fromkeys(str(one["mac"]) for one in vm.attrs.get("addresses") or () if one.get("mac")))


def _nics(vm: Found, own: Belongings) -> tuple[Nic, ...]:
    """From the ports; of a VM whose ports are no longer known, from the addresses that it had."""
    order = {mac: place for place, mac in enumerate(macs_of(vm))}
    ports = own.ports if vm.deleted_at is None else _last_ports(vm, own.ports, order)

    def place(nic: Nic) -> int:
        return order.get(nic.mac, len(order))

    def made(port: Found) -> tuple[str, str]:
        return str(port.attrs.get("created") or ""), port.external_id

    nics = [_nic(vm, port, own.floating_ips) for port in sorted(ports, key=made)]
    if not nics or vm.deleted_at is not None:
        known = {nic.mac for nic in nics}
        nics += [nic for nic in _nics_of_addresses(vm) if not nic.mac or nic.mac not in known]
    return tuple(sorted(nics, key=place))


def _last_ports(vm: Found, ports: Iterable[Found], macs: Mapping[str, int]) -> list[Found]:
    """One for each interface that a deleted VM had at last: one that was taken out long before is none of them, and a
    port that was made before the VM outlives it, in no VM or in another by now."""
    best: dict[str, Found] = {}
    for port in ports:
        key = str(port.attrs.get("mac") or port.external_id)
        if macs and key not in macs:
            continue
        if key not in best or _nearness(vm, port) > _nearness(vm, best[key]):
            best[key] = port
    return list(best.values())


def _nearness(vm: Found, port: Found) -> tuple[bool, bool, str]:
    mine = port.attrs.get("parent_id") == vm.external_id
    return mine, port.deleted_at is None, str(port.attrs.get("created") or "")


def _nic(vm: Found, port: Found, floating: Iterable[Found]) -> Nic:
    a = port.attrs
    subnets = {str(one["ip"]): str(one.get("subnet_id") or "") for one in a.get("fixed") or ()}
    ips = sorted((str(ip) for ip in a.get("ips") or ()), key=_by_family)
    groups = a.get("security_group_ids")
    network_id = str(a.get("network_id") or "")
    return Nic(
        network_id,
        str(port.derived.get("network") or _network_name(vm, network_id) or network_id),
        tuple(Fixed(ip, subnets.get(ip, "")) for ip in ips),
        str(a.get("mac") or ""),
        None if groups is None else tuple(map(str, groups)),
        port.external_id,
        "" if port.name == port.external_id else port.name,
        tuple(dict(pair) for pair in a.get("allowed_pairs") or ()),
        a.get("port_security"),
        str(a.get("dns_name") or ""),
        tuple(
            Floating(one.external_id, str(one.attrs.get("address") or one.name), str(one.attrs.get("fixed_ip") or ""))
            for one in floating
            if one.attrs.get("parent_id") == port.external_id
        ),
        vm.deleted_at is not None and port.deleted_at is None and not port.attrs.get("parent_id"),
    )


def _network_name(vm: Found, network_id: str) -> str:
    for one in vm.attrs.get("addresses") or ():
        if one.get("network_id") == network_id:
            return str(one.get("network") or "")
    return ""


def _by_family(ip: str) -> tuple[int, int]:
    try:
        parsed = ip_address(ip)
    except ValueError:
        return 9, 0
    return parsed.version, int(parsed)


def _nics_of_addresses(vm: Found) -> list[Nic]:
    """One NIC for each MAC: an address of IPv4 and one of IPv6 on it are one interface."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in vm.attrs.get("addresses") or ():
        if one.get("type") == "fixed" and one.get("network_id"):
            key = str(one.get("mac") or one["ip"])
            found.setdefault((key, str(one["network_id"])), []).append(one)
    nics = []
    for (_, network_id), rows in found.items():
        fixed = tuple(Fixed(ip) for ip in sorted((str(row["ip"]) for row in rows), key=_by_family))
        nics.append(Nic(network_id, str(rows[0].get("network") or network_id), fixed, str(rows[0].get("mac") or "")))
    return nics


def _with_losses(recipe: Recipe, vm: Found, derived: Mapping[str, Any], own: Belongings) -> Recipe:
    lost: list[str] = []
    known = {disk.volume_id for disk in recipe.disks}
    missing = [one for one in volume_ids_of(vm, derived) if one not in known]
    if missing:
        lost.append(f"volumes that the inventory does not know: {', '.join(missing)}")
    unknown = [nic.network for nic in recipe.nics if not nic.port_id]
    if recipe.deleted and unknown:
        nets = ", ".join(dict.fromkeys(unknown))
        lost.append(f"security groups on {nets}: the ports there are not known any more, the VM's groups go to them")
    if recipe.deleted and not recipe.nics:
        lost.append("its networks: no address of it is on record")
    if recipe.image_id and not recipe.boots_from_volume:
        lost.append("what was written to its root disk, unless the point has an image of it")
    lost.append("user data, where the cloud does not show it to the service user")
    if recipe.key_name:
        lost.append(f"keypair {recipe.key_name}, unless the service user has one of that name; keys on the disk stay")
    return replace(recipe, lost=tuple(lost))
