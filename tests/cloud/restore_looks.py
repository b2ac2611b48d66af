"""A VM as openstacksdk shows it to its project, and in what a restored one differs from what it must be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engines.clouds.acting_servers import MARK
from engines.restore.building import RESTORED_FROM
from tests.cloud.restore_bed import Bed

_OURS = (MARK, RESTORED_FROM)


@dataclass(frozen=True)
class Card:
    """One NIC: `groups` and `addresses` sorted."""

    network: str
    addresses: tuple[str, ...]
    mac: str
    groups: tuple[str, ...]
    name: str


@dataclass(frozen=True)
class Volume:
    """`own` are metadata without our marks."""

    device: str
    size_gib: int
    type: str
    deleted_with: bool
    bootable: bool
    own: Mapping[str, str]


@dataclass(frozen=True)
class Look:
    """`rest`: flavor, image, key, zone, description, tags, metadata and more. `floating`: {address: NIC}."""

    id: str
    name: str
    status: str
    cards: tuple[Card, ...]
    disks: tuple[Volume, ...]
    rest: Mapping[str, Any]
    floating: Mapping[str, int] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


def look(bed: Bed, vm_id: str) -> Look:
    server = bed.inside.compute.get_server(vm_id)
    ports = {p.mac_address: p for p in bed.inside.network.ports(device_id=vm_id)}
    macs = list(dict.fromkeys(r["OS-EXT-IPS-MAC:mac_addr"] for rows in server.addresses.values() for r in rows))
    ordered = [ports[mac] for mac in macs if mac in ports] + [p for mac, p in ports.items() if mac not in macs]
    attached = sorted(bed.inside.compute.volume_attachments(vm_id), key=lambda one: one.device)
    places = {port.id: number for number, port in enumerate(ordered, 1)}
    return Look(
        vm_id, server.name, server.status,
        tuple(_card(port) for port in ordered),
        tuple(_volume(bed, one) for one in attached),
        _rest(bed, server),
        {
            ip.floating_ip_address: places[ip.port_id]
            for ip in bed.inside.network.ips(project_id=bed.project)
            if ip.port_id in places
        },
        tuple(places),
        tuple(one.volume_id for one in attached),
    )  # fmt: skip


def _card(port: Any) -> Card:
    ips = tuple(sorted(str(one["ip_address"]) for one in port.fixed_ips))
    return Card(port.network_id, ips, port.mac_address, tuple(sorted(port.security_group_ids)), port.name)


def _volume(bed: Bed, attached: Any) -> Volume:
    volume = bed.inside.block_storage.get_volume(attached.volume_id)
    own = {key: value for key, value in volume.metadata.items() if key not in _OURS}
    return Volume(
        attached.device, volume.size, volume.volume_type, bool(attached.delete_on_termination),
        bool(volume.is_bootable), own,
    )  # fmt: skip


def _rest(bed: Bed, server: Any) -> dict[str, Any]:
    members = bed.inside.compute.get_server_group(bed.server_group).member_ids
    tags = bed.inside.compute.get(f"/servers/{server.id}/tags", microversion="2.26").json()["tags"]
    return {
        "flavor": server.flavor["original_name"],
        "image": (server.image or {}).get("id") or "",
        "keypair": server.key_name,
        "zone": server.availability_zone,
        "config drive": bool(server.has_config_drive),
        "description": server.description,
        "tags": tuple(sorted(tags)),
        "metadata": {key: value for key, value in server.metadata.items() if key not in _OURS},
        "server group": server.id in members,
    }


def differences(was: Look, new: Look, *, name: str, image: str, same: bool, moves: bool) -> Iterator[str]:
    """Between a restored VM and what it must be. `same`: addresses and MACs of the original; otherwise none of them.
    `moves`: the floating IPs lead to it. `image` is what it must have been made of."""
    if (new.name, new.status) != (name, "ACTIVE"):
        yield f"it is {new.name}, {new.status}, not {name}, ACTIVE"
    wanted = {**was.rest, "image": image}
    yield from (f"{key}: {new.rest[key]!r}, not {wanted[key]!r}" for key in wanted if new.rest[key] != wanted[key])
    if new.disks != was.disks:
        yield f"disks {new.disks}, not {was.disks}"
    if set(new.volumes) & set(was.volumes):
        yield "it uses a volume of the original"
    plain = [[(c.network, len(c.addresses), c.groups, c.name) for c in one.cards] for one in (new, was)]
    if plain[0] != plain[1]:
        yield f"ports {plain[0]}, not {plain[1]}"
    for mine, other in zip(new.cards, was.cards, strict=False):
        if same and (mine.addresses, mine.mac) != (other.addresses, other.mac):
            yield f"addresses {mine.addresses} {mine.mac}, not {other.addresses} {other.mac}"
        if not same and set(mine.addresses) & set(other.addresses):
            yield f"it took addresses of the original: {mine}"
    floating = was.floating if moves else {}
    if new.floating != floating:
        yield f"floating IPs {new.floating}, not {floating}"
