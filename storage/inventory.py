"""Questions to the inventory: how many, which, one, broken down, summed up. Living resources only.

Every function takes the Scope of who asks; the condition is part of the query.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, literal, select, tuple_, union
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.filters import Ref, Where, conditions, in_domains, items_of
from storage.scopes import Scope, visible
from storage.tables import resource


@dataclass(frozen=True, slots=True)
class Found:
    """A resource as it stands in the inventory."""

    id: int
    source: str
    platform: str
    kind: str
    external_id: str
    name: str
    project_id: str | None
    attrs: Mapping[str, Any]
    derived: Mapping[str, Any]
    first_seen: datetime
    changed_at: datetime
    deleted_at: datetime | None

    def value(self, name: str) -> Any:
        """A field of either JSON column, or of the row itself; None when unknown."""
        if name in ("name", "source", "platform", "external_id"):
            return getattr(self, name)
        return self.attrs.get(name, self.derived.get(name))

    @property
    def ref(self) -> Ref:
        return (self.source, self.external_id)


FOUND_COLUMNS = (
    resource.c.id,
    resource.c.source,
    resource.c.platform,
    resource.c.kind,
    resource.c.external_id,
    resource.c.name,
    resource.c.project_id,
    resource.c.attrs,
    resource.c.derived,
    resource.c.first_seen,
    resource.c.changed_at,
    resource.c.deleted_at,
)


def found(row: RowMapping, scope: Scope) -> Found:
    """What a cloud offers to all its customers does not tell whose it is."""
    whole = Found(**{column.name: row[column.name] for column in FOUND_COLUMNS})
    if scope.owns(whole.kind, whole.source, whole.project_id, whole.external_id, whole.attrs.get("domain_id")):
        return whole
    return replace(whole, project_id=None, derived={k: v for k, v in whole.derived.items() if k not in _OWNERS})


_OWNERS = frozenset({"project", "domain", "created_by", "user"})


async def count(conn: AsyncConnection, scope: Scope, where: Where) -> int:
    query = select(func.count()).select_from(resource).where(*conditions(scope, where))
    return int((await conn.execute(query)).scalar_one())


Order = Literal["name", "largest", "smallest", "oldest", "newest"]


_Keys = tuple[ColumnElement[Any], ...]


def _size(name: str) -> ColumnElement[Any]:
    hot = {"memory_mib": resource.c.memory_mib, "size_gib": resource.c.size_gib, "vcpus": resource.c.vcpus}
    return hot[name] if name in hot else cast(resource.c.attrs[name].astext, BigInteger)


def _order(order: Order, size: str) -> tuple[ColumnElement[Any] | None, _Keys]:
    """The value that is compared (None: the name alone), and the keys for rows where it is known."""
    by_name, newest_id = (resource.c.name, resource.c.id), resource.c.id.desc()
    match order:
        case "largest":
            return (value := _size(size)), (value.desc(), *by_name)
        case "smallest":
            return (value := _size(size)), (value, *by_name)
        case "oldest":
            return resource.c.created, (resource.c.created, resource.c.id)
        case "newest":
            return resource.c.created, (resource.c.created.desc(), newest_id)
    return None, by_name


async def rows(
    conn: AsyncConnection,
    scope: Scope,
    where: Where,
    *,
    order: Order = "name",
    size: str = "",
    limit: int | None = None,
    offset: int = 0,
) -> list[Found]:
    """The resources in order; unknown sizes and times come last whatever the direction.

    `size` must be a size field of the kind when ordered by it.
    """
    kept = conditions(scope, where)
    value, keys = _order(order, size or "size_gib")
    if value is not None and limit is not None:  # an index has the known ones in order
        first = await _page(conn, scope, [*kept, value.is_not(None)], keys, limit, offset)
        if len(first) == limit:
            return first
    return await _page(conn, scope, kept, keys if value is None else (value.is_(None), *keys), limit, offset)


async def _page(
    conn: AsyncConnection,
    scope: Scope,
    kept: Sequence[ColumnElement[bool]],
    keys: _Keys,
    limit: int | None,
    offset: int,
) -> list[Found]:
    query = select(*FOUND_COLUMNS).where(*kept).order_by(*keys).limit(limit).offset(offset)
    return [found(row, scope) for row in (await conn.execute(query)).mappings()]


async def one(conn: AsyncConnection, scope: Scope, kind: str, ref: Ref) -> Found | None:
    query = select(*FOUND_COLUMNS).where(
        resource.c.source == ref[0],
        resource.c.kind == kind,
        resource.c.external_id == ref[1],
        resource.c.deleted_at.is_(None),
        visible(scope),
    )
    row = (await conn.execute(query)).mappings().first()
    return found(row, scope) if row else None


async def several(conn: AsyncConnection, scope: Scope, kind: str, refs: Sequence[Ref]) -> list[Found]:
    """Those of `refs` that are there, by name."""
    query = select(*FOUND_COLUMNS).where(
        resource.c.kind == kind,
        tuple_(resource.c.source, resource.c.external_id).in_(list(refs)),
        resource.c.deleted_at.is_(None),
        visible(scope),
    )
    result = await conn.execute(query.order_by(resource.c.name, resource.c.id))
    return [found(row, scope) for row in result.mappings()]


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a breakdown; `key` is None for what has no such thing, or where it is unknown."""

    source: str
    key: str | None
    count: int
    vcpus: int = 0
    memory_mib: int = 0
    size_gib: int = 0


_BY = {
    "state": resource.c.state,
    "platform": resource.c.platform,
    "host": resource.c.host,
    "cluster": resource.c.cluster,
    "os": resource.c.os,
    "project": resource.c.project_id,
    "vm": resource.c.parent_id,
    "volume": resource.c.parent_id,
    "network": resource.c.attrs["network_id"].astext,
    "flavor": resource.c.attrs["flavor"].astext,
    "image": resource.c.attrs["image_id"].astext,
    "user": resource.c.attrs["user_id"].astext,
    "owner": func.coalesce(resource.c.attrs["technical_owner"].astext, resource.c.attrs["business_owner"].astext),
    "volume_type": resource.c.attrs["volume_type"].astext,
    "domain": resource.c.attrs["domain_id"].astext,
    "role": resource.c.attrs["role_id"].astext,
    "zone": resource.c.attrs["zone"].astext,
    "security_group": resource.c.parent_id,
}


def can_break_down_by(by: str) -> bool:
    return by in _BY


async def breakdown(conn: AsyncConnection, scope: Scope, where: Where, by: str) -> list[Part]:
    """Counts and sums of a kind by another thing, biggest count first; keys are ids for project, vm, user …

    A sum leaves out rows whose value is unknown. Raises KeyError for a `by` that `can_break_down_by` denies.
    """
    key = _BY[by].label("key")
    query = (
        select(
            resource.c.source,
            key,
            func.count().label("count"),
            func.coalesce(func.sum(resource.c.vcpus), 0).label("vcpus"),
            func.coalesce(func.sum(resource.c.memory_mib), 0).label("memory_mib"),
            func.coalesce(func.sum(resource.c.size_gib), 0).label("size_gib"),
        )
        .where(*conditions(scope, where))
        .group_by(resource.c.source, key)
        .order_by(func.count().desc(), key)
    )
    return [
        Part(row.source, row.key, row[2], int(row.vcpus), int(row.memory_mib), int(row.size_gib))
        for row in await conn.execute(query)
    ]


async def totals(
    conn: AsyncConnection,
    scope: Scope,
    *,
    platform: str = "",
    projects: Sequence[Ref] = (),
    domains: Sequence[Ref] = (),
) -> dict[str, int]:
    """How many there are of each kind."""
    kept: list[ColumnElement[bool]] = [resource.c.deleted_at.is_(None), visible(scope)]
    if platform:
        kept.append(resource.c.platform == platform)
    if projects:
        kept.append(tuple_(resource.c.source, resource.c.project_id).in_(list(projects)))
    if domains:
        kept.append(in_domains(domains))
    query = select(resource.c.kind, func.count()).where(*kept).group_by(resource.c.kind)
    return {kind: int(number) for kind, number in await conn.execute(query)}


async def names_of(conn: AsyncConnection, scope: Scope, kind: str, refs: Sequence[Ref]) -> dict[Ref, Found]:
    """The resources behind ids, living or gone; ids of what the scope may not see are left out."""
    if not refs:
        return {}
    query = select(*FOUND_COLUMNS).where(
        resource.c.kind == kind, tuple_(resource.c.source, resource.c.external_id).in_(list(refs)), visible(scope)
    )
    rows = [found(row, scope) for row in (await conn.execute(query)).mappings()]
    return {row.ref: row for row in rows}


async def siblings(conn: AsyncConnection, scope: Scope, vm: Found) -> list[Found]:
    """The volumes and ports of a VM, and the snapshots of its volumes."""
    parts = resource.alias("parts")
    direct = select(resource.c.id).where(
        resource.c.source == vm.source, resource.c.parent_id == vm.external_id, resource.c.deleted_at.is_(None)
    )
    second = (
        select(parts.c.id)
        .join(resource, and_(resource.c.external_id == parts.c.parent_id, resource.c.source == parts.c.source))
        .where(
            resource.c.source == vm.source,
            resource.c.kind == "volume",
            resource.c.parent_id == vm.external_id,
            resource.c.deleted_at.is_(None),
            parts.c.kind == "snapshot",
            parts.c.deleted_at.is_(None),
        )
    )
    query = select(*FOUND_COLUMNS).where(resource.c.id.in_(union(direct, second)), visible(scope))
    return [found(row, scope) for row in (await conn.execute(query.order_by(resource.c.name))).mappings()]


async def group_uses(
    conn: AsyncConnection, scope: Scope, projects: Sequence[Ref] = ()
) -> list[tuple[tuple[str, str | None, str], int]]:
    """How many VMs name a security group: ((source, project id, group's name), VMs)."""
    name = items_of(resource.c.attrs["security_groups"]).table_valued("value").lateral()
    kept = conditions(scope, Where("vm", projects=tuple(projects)))
    query = (
        select(resource.c.source, resource.c.project_id, name.c.value, func.count(func.distinct(resource.c.id)))
        .select_from(resource.join(name, literal(True)))
        .where(*kept)
        .group_by(resource.c.source, resource.c.project_id, name.c.value)
    )
    return [((row[0], row[1], row[2]), int(row[3])) for row in await conn.execute(query)]
