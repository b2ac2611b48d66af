"""What coverage is counted from: volumes, their copies, and how it stood on other days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, DateTime, Text, case, cast, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.filters import Where, conditions
from storage.scopes import Scope, visible
from storage.snapshot_tables import coverage_day
from storage.tables import resource


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """A living volume with what rules look at."""

    source: str
    platform: str
    external_id: str
    name: str
    project_id: str | None
    state: str | None
    size_gib: int | None
    created: str | None
    first_seen: datetime
    attrs: Mapping[str, Any]
    derived: Mapping[str, Any]


_VOLUME = tuple(
    resource.c[name]
    for name in (
        "source", "platform", "external_id", "name", "project_id", "state", "size_gib", "created", "first_seen",
        "attrs", "derived",
    )
)  # fmt: skip


async def volumes(conn: AsyncConnection, scope: Scope, where: Where) -> list[VolumeRow]:
    query = select(*_VOLUME).where(*conditions(scope, where)).order_by(resource.c.name, resource.c.id)
    return [VolumeRow(**row) for row in (await conn.execute(query)).mappings()]


async def vm_marks(
    conn: AsyncConnection, scope: Scope, vms: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, tuple[str, ...]]]:
    """Name and tags of VMs by (source, id)."""
    if not vms:
        return {}
    r = resource.c
    query = select(r.source, r.external_id, r.name, r.attrs["tags"]).where(
        r.kind == "vm", r.deleted_at.is_(None), tuple_(r.source, r.external_id).in_(sorted(set(vms))), visible(scope)
    )
    return {
        (row[0], row[1]): (row[2], tuple(map(str, row[3])) if isinstance(row[3], list) else ())
        for row in await conn.execute(query)
    }


@dataclass(frozen=True, slots=True)
class Copies:
    """The good copies of a volume for one policy: '' are those that people made."""

    count: int
    newest: datetime


async def copies(conn: AsyncConnection, scope: Scope) -> dict[tuple[str, str, str], Copies]:
    """By (source, volume id, policy): available snapshots whose age is known, as their metadata tell."""
    r = resource.c
    said = r.attrs["metadata"]
    ours = case((said["stackhand_key"].astext.is_not(None), func.coalesce(said["stackhand_policy"].astext, "")))
    theirs = case((said["created_by"].astext == "p9_auto_snapshots", func.coalesce(said["policy"].astext, "")))
    policy = func.coalesce(ours, theirs, "").label("policy")
    query = (
        select(r.source, r.parent_id, policy, func.count(), cast(func.max(r.created), DateTime(timezone=True)))
        .where(r.kind == "snapshot", r.deleted_at.is_(None), r.state == "available", r.parent_id.is_not(None))
        .where(r.created.is_not(None), visible(scope))
        .group_by(r.source, r.parent_id, policy)
    )
    return {(row[0], row[1], row[2]): Copies(int(row[3]), row[4]) for row in await conn.execute(query)}


async def remember(conn: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """How a day stands; the last word of a day counts."""
    for row in rows:
        query = insert(coverage_day).values(dict(row))
        changed = {name: query.excluded[name] for name in ("states", "domain_id", "at")}
        await conn.execute(
            query.on_conflict_do_update(index_elements=["day", "source", "project_id", "policy"], set_=changed)
        )


async def days(
    conn: AsyncConnection,
    scope: Scope,
    since: date,
    *,
    policy: str = "",
    projects: Sequence[tuple[str, str]] = (),
    domains: Sequence[tuple[str, str]] = (),
) -> dict[date, dict[str, int]]:
    """States counted by day; only projects of the scope."""
    c = coverage_day.c
    query = select(c.day, c.states).where(c.day >= since, c.policy == policy)
    if not scope.everything:
        query = query.where(tuple_(c.source, c.project_id).in_(sorted(scope.projects)))
    if projects:
        query = query.where(tuple_(c.source, c.project_id).in_(list(projects)))
    if domains:
        query = query.where(tuple_(c.source, c.domain_id).in_(list(domains)))
    found: dict[date, dict[str, int]] = {}
    for day, states in await conn.execute(query):
        held = found.setdefault(day, {})
        for state, number in states.items():
            held[state] = held.get(state, 0) + int(number)
    return found


async def metadata_policies(conn: AsyncConnection) -> list[Mapping[str, Any]]:
    """The metadata of all living volumes that say something about policies."""
    said = resource.c.attrs["metadata"]
    keys = cast(["stackhand_policies", "stackhand:policies", "snapshot_policies", "snapshot_policy"], ARRAY(Text))
    query = select(said).where(resource.c.kind == "volume", resource.c.deleted_at.is_(None), said.has_any(keys))
    return [one for one in await conn.scalars(query.distinct()) if isinstance(one, Mapping)]


async def domains(conn: AsyncConnection) -> dict[tuple[str, str], str]:
    """The domain's id of each project, by (source, project id)."""
    r = resource.c
    domain = r.attrs["domain_id"].astext
    query = select(r.source, r.external_id, domain).where(r.kind == "project", domain.is_not(None))
    return {(row[0], row[1]): row[2] for row in await conn.execute(query)}
