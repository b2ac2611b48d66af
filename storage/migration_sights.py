"""What of a migration a person may see: all of it, some of its tenants, or nothing. Every page of it begins here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, exists, false, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.migration_projects import Project, Viewer, known_to
from storage.migration_tables import migration, migration_mapping

Ref = tuple[str, str]
_JOINT = "\x1f"
_FIELDS: tuple[ColumnElement[Any], ...] = tuple(migration.c[name] for name in Project.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Places:
    """Projects and domains of the target, as (source, external id), that a person holds a role on by name.

    A role that holds everywhere is in none of them: it says nothing of the exports of others.
    """

    projects: frozenset[Ref] = frozenset()
    domains: frozenset[Ref] = frozenset()


@dataclass(frozen=True, slots=True)
class Sight:
    """A migration as far as it may be seen. `tenants` None is all of it, else the tenants, as the export spells them.

    Whoever sees some tenants alone is shown nothing that is made of the others: no total of the export, no name of a
    wave's neighbour.
    """

    project: Project
    tenants: frozenset[str] | None = None

    @property
    def is_whole(self) -> bool:
        return self.tenants is None

    @property
    def only(self) -> Collection[str] | None:
        """For the conditions of queries."""
        return None if self.tenants is None else sorted(self.tenants)


def _theirs(places: Places) -> ColumnElement[bool]:
    """Mappings, confirmed by a person, of a tenant to one of the places."""
    m = migration_mapping.c
    found = [
        and_(m.target_kind == kind, _is_any(refs))
        for kind, refs in (("project", places.projects), ("domain", places.domains))
        if refs
    ]
    return and_(m.kind == "tenant", m.source != "", m.external_id != "", or_(*found)) if found else false()


def _is_any(refs: Collection[Ref]) -> ColumnElement[bool]:
    """A customer whom several sources know is mapped to all of them: sources and ids, each joined, in one order."""
    m = migration_mapping.c
    parts = [func.string_to_array(column, _JOINT) for column in (m.source, m.external_id)]
    pair = func.unnest(*parts).table_valued("source", "id", name="pair").render_derived()
    return exists(select(1).select_from(pair).where(tuple_(pair.c.source, pair.c.id).in_(sorted(refs))))


@dataclass(frozen=True, slots=True)
class Reach:
    """The same by the migration's number, without what is kept of it: for looking names up."""

    id: int
    tenants: frozenset[str] | None = None


async def sights(conn: AsyncConnection, viewer: Viewer, places: Places, id_: int | None = None) -> list[Sight]:
    """The migrations that the viewer may see something of, the newest first; with `id_` that one, or none."""
    query = _seen(viewer, places, _FIELDS)
    if id_ is not None:
        query = query.where(migration.c.id == id_)
    return [
        Sight(Project(**{k: v for k, v in row.items() if k not in ("whole", "mine")}), _tenants(row))
        for row in (await conn.execute(query)).mappings()
    ]


async def reaches(conn: AsyncConnection, viewer: Viewer, places: Places) -> list[Reach]:
    query = _seen(viewer, places, (migration.c.id,))
    return [Reach(int(row["id"]), _tenants(row)) for row in (await conn.execute(query)).mappings()]


def _tenants(row: Mapping[str, Any]) -> frozenset[str] | None:
    return None if row["whole"] else frozenset(row["mine"])


def _seen(viewer: Viewer, places: Places, fields: Sequence[ColumnElement[Any]]) -> Select[Any]:
    m, whole = migration.c, known_to(viewer)
    some = exists().where(migration_mapping.c.migration_id == m.id, _theirs(places))
    # Where a channel is bound to a customer only what was uploaded there is known, and all of it or nothing.
    seen = whole if viewer.channel else or_(whole, some)
    mine = (
        select(func.coalesce(func.array_agg(migration_mapping.c.name), array([], type_=Text)))
        .where(migration_mapping.c.migration_id == m.id, _theirs(places))
        .scalar_subquery()
    )
    query = select(*fields, whole.label("whole"), mine.label("mine")).where(seen)
    return query.order_by(m.uploaded_at.desc(), m.id.desc())


async def sight(conn: AsyncConnection, viewer: Viewer, places: Places, id_: int) -> Sight | None:
    """None for a migration that is not there, and for one that is not this viewer's to see: they look alike."""
    return next(iter(await sights(conn, viewer, places, id_)), None)
