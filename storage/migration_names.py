"""Names of migrations in sentences: projects, tenants, networks, cohorts, waves, and VMs that are to be moved."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, exists, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text
from storage.migration_sights import Reach
from storage.migration_tables import (
    migration,
    migration_cohort,
    migration_name,
    migration_place,
    migration_vm,
    migration_wave,
)

_MOST = 200


async def named(conn: AsyncConnection, seen: Sequence[Reach], spans: Sequence[str]) -> list[tuple[str, str, str]]:
    """(span, kind, name): each kind and span once, out of the newest project. Of a project of which some tenants alone
    are seen: what these tenants have."""
    wanted = list(dict.fromkeys(map(clean_text, spans)))
    if not wanted or not seen:
        return []
    m, v, n = migration.c, migration_vm.c, migration_name.c
    own = select(m.folded, m.name, m.id).where(m.folded.in_(wanted), m.id.in_([one.id for one in seen]))
    hits = [(str(f), "migration", str(n), int(i)) for f, n, i in await conn.execute(own)]
    of_vms = _of(migration_vm, wanted, _each(v.migration_id, seen, lambda only: v.tenant.in_(only)))
    hits += [(str(f), "vm", str(n), int(i)) for f, n, i in await conn.execute(of_vms)]
    for kind, table in (("cohort", migration_cohort), ("wave", migration_wave)):
        hits += await _numbered(conn, seen, wanted, kind, table)
    query = _of(migration_name, wanted, _each(n.migration_id, seen, _names_of)).add_columns(n.kind)
    hits += [(str(f), str(kind), str(name), int(i)) for f, name, i, kind in await conn.execute(query)]
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    for span, kind, name, id_ in hits:
        newest[(span, kind)] = max(newest.get((span, kind), (0, "")), (id_, name))
    return [(span, kind, name) for (span, kind), (_, name) in sorted(newest.items())]


def _each(
    id_: ColumnElement[int], seen: Sequence[Reach], theirs: Callable[[Sequence[str]], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """All of the migrations that are seen whole; of each other one what `theirs` says of its tenants."""
    whole = id_.in_([one.id for one in seen if one.tenants is None])
    parts = [and_(id_ == one.id, theirs(sorted(one.tenants - {""}))) for one in seen if one.tenants is not None]
    return or_(whole, *parts)


def _names_of(only: Sequence[str]) -> ColumnElement[bool]:
    """The tenants themselves, and the networks that a VM of theirs is in."""
    n, v = migration_name.c, migration_vm.c
    used = exists().where(v.migration_id == n.migration_id, v.tenant.in_(only), v.networks.contains(_one(n.name)))
    return or_(and_(n.kind == "tenant", n.name.in_(only)), and_(n.kind == "network", used))


def _one(name: ColumnElement[str]) -> ColumnElement[Any]:
    return func.jsonb_build_array(name)


def _used_by(table: Table, kind: str) -> Callable[[Sequence[str]], ColumnElement[bool]]:
    """The waves, or cohorts, with a VM of these tenants."""
    p, v = migration_place.c, migration_vm.c
    same = and_(v.migration_id == p.migration_id, v.server == p.server, v.vm_key == p.vm_key)
    return lambda only: exists().where(
        p.migration_id == table.c.migration_id, p[kind] == table.c.number, same, v.tenant.in_(only)
    )


async def _numbered(
    conn: AsyncConnection, seen: Sequence[Reach], wanted: Sequence[str], kind: str, table: Table
) -> list[tuple[str, str, str, int]]:
    """ "wave 2", "the pilot wave", "cohort 1": by number and by name, as they are said; by number alone where some
    tenants alone are seen, because the name may be another tenant's."""
    spans = [span for span in wanted if kind in span or span == "pilot"]
    if not spans:
        return []
    c = table.c
    query = select(c.number, c.name, c.migration_id).where(_each(c.migration_id, seen, _used_by(table, kind)))
    whole = {one.id for one in seen if one.tenants is None}
    return [
        (span, kind, span, int(id_))
        for number, name, id_ in await conn.execute(query)
        for span in spans
        if means(span, str(name) if id_ in whole else "", kind, int(number))
    ]


def means(said: str, name: str, kind: str, number: int) -> bool:
    """Whether the words mean this wave or cohort: "wave 2", "wave2", "pilot", "pilot wave"."""
    words, own = said.lower().replace("-", " ").replace("_", " ").strip(), name.lower()
    named = (own, f"{own} {kind}", f"{kind} {own}") if own else ()
    return words in (*named, f"{kind} {number}", f"{kind}{number}")


def _of(table: FromClause, wanted: list[str], seen: ColumnElement[bool]) -> Select[Any]:
    c = table.c
    return select(c.folded, c.name, c.migration_id).where(c.folded.in_(wanted), seen).limit(_MOST)


async def all_named(conn: AsyncConnection, wanted: Sequence[str]) -> set[str]:
    """Those of the folded spans that name anything of any migration: for hiding them, never for showing."""
    tables = (migration, migration_cohort, migration_wave, migration_vm, migration_name)
    query = union_all(*(select(table.c.folded).where(table.c.folded.in_(wanted)) for table in tables))
    return {str(found) for found in await conn.scalars(query)}
