"""Names of migrations in sentences: projects, tenants, networks, cohorts, waves, and VMs that are to be moved."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import FromClause, Select, Table, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text
from storage.migration_projects import Viewer, known_to
from storage.migration_tables import migration, migration_cohort, migration_name, migration_vm, migration_wave

_MOST = 200


async def named(conn: AsyncConnection, viewer: Viewer, spans: Sequence[str]) -> list[tuple[str, str, str]]:
    """(span, kind, name): each kind and span once, out of the newest project that the viewer may know of."""
    wanted = list(dict.fromkeys(map(clean_text, spans)))
    if not wanted or not await _any(conn, viewer):
        return []
    own = select(migration.c.folded, migration.c.name, migration.c.id).where(
        known_to(viewer), migration.c.folded.in_(wanted)
    )
    hits = [(str(f), "migration", str(n), int(i)) for f, n, i in await conn.execute(own)]
    hits += [(str(f), "vm", str(n), int(i)) for f, n, i in await conn.execute(_of(migration_vm, viewer, wanted))]
    for kind, table in (("cohort", migration_cohort), ("wave", migration_wave)):
        hits += await _numbered(conn, viewer, wanted, kind, table)
    n = migration_name.c
    query = _of(migration_name, viewer, wanted).add_columns(n.kind)
    hits += [(str(f), str(kind), str(name), int(i)) for f, name, i, kind in await conn.execute(query)]
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    for span, kind, name, id_ in hits:
        newest[(span, kind)] = max(newest.get((span, kind), (0, "")), (id_, name))
    return [(span, kind, name) for (span, kind), (_, name) in sorted(newest.items())]


async def _any(conn: AsyncConnection, viewer: Viewer) -> bool:
    return (await conn.execute(select(migration.c.id).where(known_to(viewer)).limit(1))).first() is not None


async def _numbered(
    conn: AsyncConnection, viewer: Viewer, wanted: Sequence[str], kind: str, table: Table
) -> list[tuple[str, str, str, int]]:
    """ "wave 2", "the pilot wave", "cohort 1": by number and by name, as they are said."""
    spans = [span for span in wanted if kind in span or span == "pilot"]
    if not spans:
        return []
    c = table.c
    query = select(c.number, c.name, c.migration_id).select_from(
        table.join(migration, migration.c.id == c.migration_id)
    )
    return [
        (span, kind, span, int(id_))
        for number, name, id_ in await conn.execute(query.where(known_to(viewer)))
        for span in spans
        if means(span, str(name), kind, int(number))
    ]


def means(said: str, name: str, kind: str, number: int) -> bool:
    """Whether the words mean this wave or cohort: "wave 2", "wave2", "pilot", "pilot wave"."""
    words, own = said.lower().replace("-", " ").replace("_", " ").strip(), name.lower()
    return words in (own, f"{own} {kind}", f"{kind} {own}", f"{kind} {number}", f"{kind}{number}")


def _of(table: FromClause, viewer: Viewer, wanted: list[str]) -> Select[Any]:
    c = table.c
    known = table.join(migration, migration.c.id == c.migration_id)
    query = select(c.folded, c.name, c.migration_id).select_from(known)
    return query.where(known_to(viewer), c.folded.in_(wanted)).limit(_MOST)


async def all_named(conn: AsyncConnection, wanted: Sequence[str]) -> set[str]:
    """Those of the folded spans that name anything of any migration: for hiding them, never for showing."""
    tables = (migration, migration_cohort, migration_wave, migration_vm, migration_name)
    query = union_all(*(select(table.c.folded).where(table.c.folded.in_(wanted)) for table in tables))
    return {str(found) for found in await conn.scalars(query)}
