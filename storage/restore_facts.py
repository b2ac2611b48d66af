"""What the inventory remembers of a VM that is to come back, living or gone."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.inventory import FOUND_COLUMNS, Found, found
from storage.scopes import Scope, visible
from storage.tables import address, deletion, history, resource


@dataclass(frozen=True, slots=True)
class Belongings:
    """`volumes` are those of the recipe, living or gone; `ports` those of the VM: of one that lives the living ones, of
    one that is gone also those of its project that have one of its MACs.

    `snapshots` and `backups` are of these volumes, living or gone, `images` were made of the VM; all living. `former`
    are volumes that it had once and that are deleted; `backups` has theirs too.
    """

    volumes: tuple[Found, ...] = ()
    ports: tuple[Found, ...] = ()
    floating_ips: tuple[Found, ...] = ()
    snapshots: tuple[Found, ...] = ()
    images: tuple[Found, ...] = ()
    backups: tuple[Found, ...] = ()
    former: tuple[Found, ...] = ()


async def vm_of(conn: AsyncConnection, scope: Scope, source: str, external_id: str) -> Found | None:
    """The VM as it stands, or as it stood last; `deleted_at` tells which."""
    rows = await _rows(conn, scope, source, resource.c.kind == "vm", resource.c.external_id == external_id)
    return rows[0] if rows else None


async def deleted_vms(conn: AsyncConnection, scope: Scope, name: str) -> list[Found]:
    """Those of that name that are gone, the last one first; what came back since is not among them."""
    query = (
        select(*FOUND_COLUMNS)
        .where(
            resource.c.kind == "vm",
            resource.c.folded == unicodedata.normalize("NFKC", name).lower(),
            resource.c.deleted_at.is_not(None),
            visible(scope),
        )
        .order_by(resource.c.deleted_at.desc(), resource.c.id.desc())
        .limit(20)
    )
    return [found(row, scope) for row in (await conn.execute(query)).mappings()]


async def last_derived(conn: AsyncConnection, scope: Scope, vm: Found) -> Mapping[str, object]:
    """What was worked out of a VM when it was last seen; its devices are told nowhere else once it is gone."""
    query = (
        select(deletion.c.derived)
        .where(
            deletion.c.source == vm.source, deletion.c.kind == "vm", deletion.c.external_id == vm.external_id,
            deletion.c.resource_id == vm.id,
        )
        .order_by(deletion.c.id.desc())
        .limit(1)
    )  # fmt: skip
    kept: Mapping[str, object] | None = (await conn.execute(query)).scalar_one_or_none()
    return kept or vm.derived


async def former_volume_ids(conn: AsyncConnection, vm: Found) -> Sequence[str]:
    """Of volumes that it had at any time that is on record, and has no more."""
    h = history.c
    query = select(h.changed["volume_ids"][0]).where(h.resource_id == vm.id, h.changed.has_key("volume_ids"))
    before = {str(one) for ids in await conn.scalars(query.order_by(h.id)) for one in ids or ()}
    return sorted(before - set(map(str, vm.attrs.get("volume_ids") or ())))


async def belongings(
    conn: AsyncConnection,
    scope: Scope,
    vm: Found,
    volume_ids: Sequence[str],
    macs: Sequence[str] = (),
    former: Sequence[str] = (),
) -> Belongings:
    r = resource.c
    if vm.deleted_at is None:
        mine = [r.kind == "port", r.parent_id == vm.external_id, r.deleted_at.is_(None)]
    else:
        outlived = and_(r.project_id == vm.project_id, r.attrs["mac"].astext.in_(list(macs)))
        mine = [r.kind == "port", or_(r.parent_id == vm.external_id, outlived)]
    ports = await _rows(conn, scope, vm.source, *mine)
    volumes = await _rows(conn, scope, vm.source, r.kind == "volume", r.external_id.in_(list(volume_ids)))
    alive = r.deleted_at.is_(None)
    snapshots = await _rows(conn, scope, vm.source, r.kind == "snapshot", r.parent_id.in_(list(volume_ids)), alive)
    backed = [*volume_ids, *former]
    backups = await _rows(conn, scope, vm.source, r.kind == "volume_backup", r.parent_id.in_(backed), alive)
    once = [r.external_id.in_(list(former)), r.project_id == vm.project_id, r.deleted_at.is_not(None)]
    gone = await _rows(conn, scope, vm.source, r.kind == "volume", *once)
    port_ids = [port.external_id for port in ports]
    floating = await _rows(conn, scope, vm.source, r.kind == "floating_ip", r.parent_id.in_(port_ids), alive)
    properties = r.attrs["properties"]
    made_of = or_(
        properties["instance_uuid"].astext == vm.external_id, properties["stackhand_vm"].astext == vm.external_id
    )
    images = await _rows(conn, scope, vm.source, r.kind == "image", made_of, alive)
    return Belongings(
        tuple(volumes), tuple(ports), tuple(floating), tuple(snapshots), tuple(images), tuple(backups), tuple(gone)
    )


async def living(
    conn: AsyncConnection, scope: Scope, source: str, kind: str, *conditions: ColumnElement[bool]
) -> list[Found]:
    return await _rows(conn, scope, source, resource.c.kind == kind, resource.c.deleted_at.is_(None), *conditions)


async def subnets_of(conn: AsyncConnection, source: str, network_ids: Sequence[str]) -> list[Found]:
    """All subnets of networks that the caller may use, whoever owns them: a shared network's belong to the provider."""
    query = select(*FOUND_COLUMNS).where(
        resource.c.source == source,
        resource.c.kind == "subnet",
        resource.c.parent_id.in_(list(network_ids)),
        resource.c.deleted_at.is_(None),
    )
    rows = (await conn.execute(query.order_by(resource.c.name, resource.c.id))).mappings()
    return [Found(**{column.name: row[column.name] for column in FOUND_COLUMNS}) for row in rows]


async def used_addresses(
    conn: AsyncConnection, source: str, network_ids: Sequence[str], without: Sequence[str] = ()
) -> dict[str, frozenset[str]]:
    """{network id: addresses that ports hold}, whoever they belong to: that one is taken is no secret, by whom is.

    `without` are ids of ports that do not count.
    """
    text = cast(func.host(address.c.ip), Text)
    query = (
        select(address.c.network_id, func.array_agg(text))
        .select_from(address.join(resource, resource.c.id == address.c.resource_id))
        .where(
            resource.c.source == source,
            resource.c.kind == "port",
            resource.c.deleted_at.is_(None),
            resource.c.external_id.not_in(list(without)),
            address.c.network_id.in_(list(network_ids)),
            address.c.type == "fixed",
        )
        .group_by(address.c.network_id)
    )
    return {network: frozenset(ips) for network, ips in await conn.execute(query)}


async def _rows(conn: AsyncConnection, scope: Scope, source: str, *conditions: ColumnElement[bool]) -> list[Found]:
    query = select(*FOUND_COLUMNS).where(resource.c.source == source, *conditions, visible(scope))
    rows = (await conn.execute(query.order_by(resource.c.name, resource.c.id))).mappings()
    return [found(row, scope) for row in rows]
