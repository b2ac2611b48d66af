"""What people decided about a migration: changes by hand, tenants in or out, mappings, what goes before what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_name, clean_text
from storage.migration_tables import (
    migration_dependency,
    migration_mapping,
    migration_name,
    migration_override,
    migration_tenant,
)

Key = tuple[str, str]
_BY_HAND = ("mode", "priority", "status", "exclude", "reason", "target_name")


@dataclass(frozen=True, slots=True)
class Mapped:
    """Confirmed by `by`. `source` and `external_id` are those of the target in the inventory."""

    kind: str
    name: str
    target_kind: str
    target: str
    source: str
    external_id: str
    by: str
    at: datetime


async def overrides(conn: AsyncConnection, id_: int) -> dict[Key, Mapping[str, Any]]:
    o = migration_override.c
    fields = [o[name] for name in _BY_HAND]
    rows = await conn.execute(select(o.server, o.vm_key, *fields).where(o.migration_id == id_))
    return {(row[0], row[1]): dict(zip(_BY_HAND, row[2:], strict=True)) for row in rows}


async def set_override(
    conn: AsyncConnection, id_: int, key: Key, values: Mapping[str, Any], by: str, at: datetime
) -> None:
    """What is not among the values stays as it was decided before."""
    given = {name: values[name] for name in _BY_HAND if name in values}
    made = insert(migration_override).values(migration_id=id_, server=key[0], vm_key=key[1], **given, by=by, at=at)
    changed = {name: made.excluded[name] for name in (*given, "by", "at")}
    await conn.execute(made.on_conflict_do_update(index_elements=["migration_id", "server", "vm_key"], set_=changed))


async def tenants_out(conn: AsyncConnection, id_: int) -> frozenset[str]:
    """Folded by case."""
    t = migration_tenant.c
    found = await conn.scalars(select(t.tenant).where(t.migration_id == id_, t.take.is_(False)))
    return frozenset(name.casefold() for name in found)


async def scope_tenant(
    conn: AsyncConnection, id_: int, tenant: str, *, take: bool, reason: str, by: str, at: datetime
) -> None:
    values = {"migration_id": id_, "tenant": clean_name(tenant), "take": take, "reason": clean_text(reason)[:500],
              "by": by, "at": at}  # fmt: skip
    made = insert(migration_tenant).values(**values)
    changed = {name: made.excluded[name] for name in ("take", "reason", "by", "at")}
    await conn.execute(made.on_conflict_do_update(index_elements=["migration_id", "tenant"], set_=changed))


async def mappings(conn: AsyncConnection, id_: int, kind: str) -> dict[str, Mapped]:
    """By the name of the source."""
    m = migration_mapping.c
    fields = [m[name] for name in Mapped.__dataclass_fields__]
    rows = (await conn.execute(select(*fields).where(m.migration_id == id_, m.kind == kind))).mappings()
    return {row["name"]: Mapped(**row) for row in rows}


async def map_to(conn: AsyncConnection, id_: int, mapped: Mapped) -> None:
    values = {name: getattr(mapped, name) for name in Mapped.__dataclass_fields__}
    made = insert(migration_mapping).values(migration_id=id_, **values)
    changed = {name: made.excluded[name] for name in values if name not in ("kind", "name")}
    await conn.execute(made.on_conflict_do_update(index_elements=["migration_id", "kind", "name"], set_=changed))


async def dependencies(conn: AsyncConnection, id_: int) -> dict[Key, list[Key]]:
    """What each VM waits for."""
    d = migration_dependency.c
    query = select(d.server, d.vm_key, d.after_server, d.after_vm_key).where(d.migration_id == id_)
    found: dict[Key, list[Key]] = {}
    for row in await conn.execute(query.order_by(d.server, d.vm_key, d.after_server, d.after_vm_key)):
        found.setdefault((row[0], row[1]), []).append((row[2], row[3]))
    return found


async def depend(conn: AsyncConnection, id_: int, key: Key, after: Key, by: str, at: datetime) -> bool:
    """False where it was said before."""
    values = {"migration_id": id_, "server": key[0], "vm_key": key[1], "after_server": after[0],
              "after_vm_key": after[1], "by": by, "at": at}  # fmt: skip
    done = await conn.execute(insert(migration_dependency).values(**values).on_conflict_do_nothing())
    return done.rowcount > 0


async def independent(conn: AsyncConnection, id_: int, key: Key, after: Key) -> bool:
    """Take a dependency back; False where there was none."""
    d = migration_dependency.c
    gone = delete(migration_dependency).where(
        d.migration_id == id_, d.server == key[0], d.vm_key == key[1], d.after_server == after[0],
        d.after_vm_key == after[1],
    )  # fmt: skip
    return (await conn.execute(gone)).rowcount > 0


async def sources(conn: AsyncConnection, id_: int, kind: str) -> Sequence[tuple[str, int, Mapping[str, Any]]]:
    """(name, VMs, detail) of the export's tenants or networks, most VMs first."""
    n = migration_name.c
    query = select(n.name, n.vms, n.detail).where(n.migration_id == id_, n.kind == kind)
    rows = await conn.execute(query.order_by(n.vms.desc(), n.name))
    return [(str(row[0]), int(row[1]), row[2]) for row in rows]


async def source_named(conn: AsyncConnection, id_: int, kind: str, name: str) -> str | None:
    """As the export spells it."""
    n = migration_name.c
    query = select(n.name).where(n.migration_id == id_, n.kind == kind, n.folded == func.lower(name))
    found: str | None = (await conn.execute(query)).scalars().first()
    return found
