"""What the database remembers of a source, as the sync needs it: counts, living rows, single rows that are gone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ARRAY, Select, Text, any_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.clouds import Resource
from storage.tables import resource

_CHUNK = 10_000
_COLUMNS = (
    resource.c.kind,
    resource.c.external_id,
    resource.c.name,
    resource.c.project_id,
    resource.c.attrs,
    resource.c.derived,
    resource.c.deleted_at,
)


@dataclass(frozen=True, slots=True)
class Remembered:
    """{kind: rows}, and the ids of those rows that are marked deleted."""

    rows: dict[str, list[Resource]] = field(default_factory=dict)
    gone: dict[str, frozenset[str]] = field(default_factory=dict)


async def living_counts(conn: AsyncConnection, source: str) -> dict[str, int]:
    """{kind: number of rows that are not deleted}."""
    query = (
        select(resource.c.kind, func.count())
        .where(resource.c.source == source, resource.c.deleted_at.is_(None))
        .group_by(resource.c.kind)
    )
    return {str(kind): int(count) for kind, count in await conn.execute(query)}


async def remember(
    conn: AsyncConnection, source: str, *, living: Iterable[str], ids: Mapping[str, Iterable[str]]
) -> Remembered:
    """All living rows of the kinds `living`; of the others the rows with these ids, deleted or not."""
    found: dict[str, dict[str, Resource]] = {}
    gone: dict[str, set[str]] = {}
    base = select(*_COLUMNS).where(resource.c.source == source)
    kinds = sorted(set(living))
    if kinds:
        await _read(conn, base.where(resource.c.kind.in_(kinds), resource.c.deleted_at.is_(None)), found, gone)
    for kind, wanted in ids.items():
        rest = sorted(set(wanted) - found.get(kind, {}).keys())
        for start in range(0, len(rest), _CHUNK):
            some = any_(bindparam("ids", rest[start : start + _CHUNK], type_=ARRAY(Text)))
            await _read(conn, base.where(resource.c.kind == kind, resource.c.external_id == some), found, gone)
    return Remembered(
        {kind: list(rows.values()) for kind, rows in found.items()}, {k: frozenset(v) for k, v in gone.items()}
    )


async def _read(
    conn: AsyncConnection,
    query: Select[tuple[object, ...]],
    found: dict[str, dict[str, Resource]],
    gone: dict[str, set[str]],
) -> None:
    for row in (await conn.execute(query)).mappings():
        one = Resource(row["kind"], row["external_id"], row["name"], row["project_id"], row["attrs"], row["derived"])
        found.setdefault(one.kind, {})[one.external_id] = one
        if row["deleted_at"] is not None:
            gone.setdefault(one.kind, set()).add(one.external_id)
