"""What changed and what was deleted, in a time window, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.filters import Ref
from storage.scopes import Scope, owned
from storage.tables import deletion, history, sync_run


@dataclass(frozen=True, slots=True)
class Change:
    """One line of history. op: add, change, delete, return. `changed` is {field: [old, new]}."""

    at: datetime
    op: str
    source: str
    kind: str
    external_id: str
    name: str
    project_id: str | None
    changed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Deletion:
    """A resource that is gone, with its last state."""

    deleted_at: datetime
    last_seen: datetime
    source: str
    platform: str
    kind: str
    external_id: str
    name: str
    project_id: str | None
    attrs: Mapping[str, Any]
    derived: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """What to look at: `since` inclusive, `until` exclusive; empty fields are no condition.

    `objects` are (source, external id) of resources of `kind`.
    """

    since: datetime | None = None
    until: datetime | None = None
    kind: str = ""
    projects: tuple[Ref, ...] = ()
    objects: tuple[Ref, ...] = ()
    ops: tuple[str, ...] = ()


def _in_window(table: Table, time: ColumnElement[datetime], window: Window, scope: Scope) -> list[ColumnElement[bool]]:
    kept = [owned(scope, table)]
    if window.since is not None:
        kept.append(time >= window.since)
    if window.until is not None:
        kept.append(time < window.until)
    if window.kind:
        kept.append(table.c.kind == window.kind)
    if window.projects:
        kept.append(tuple_(table.c.source, table.c.project_id).in_(window.projects))
    if window.objects:
        kept.append(tuple_(table.c.source, table.c.external_id).in_(window.objects))
    return kept


def _changes_in(window: Window, scope: Scope) -> list[ColumnElement[bool]]:
    """What the first sync of a source found is no change, but of one object it is where its record begins."""
    kept = _in_window(history, history.c.at, window, scope)
    if window.ops:
        kept.append(history.c.op.in_(window.ops))
    if not window.objects:
        firsts = select(sync_run.c.source, func.min(sync_run.c.id)).group_by(sync_run.c.source)
        kept.append(or_(history.c.op != "add", tuple_(history.c.source, history.c.run_id).not_in(firsts)))
    return kept


async def changes(conn: AsyncConnection, scope: Scope, window: Window, limit: int) -> tuple[list[Change], int]:
    """The newest `limit` changes, and how many there are in all."""
    h = history.c
    kept = _changes_in(window, scope)
    total = (await conn.execute(select(func.count()).select_from(history).where(*kept))).scalar_one()
    query = (
        select(h.at, h.op, h.source, h.kind, h.external_id, h.name, h.project_id, h.changed)
        .where(*kept)
        .order_by(h.at.desc(), h.id.desc())
        .limit(limit)
    )
    return [Change(**row) for row in (await conn.execute(query)).mappings()], int(total)


async def change_counts(conn: AsyncConnection, scope: Scope, window: Window) -> list[tuple[str, str, int]]:
    """(kind, op, how many), most first."""
    h = history.c
    kept = _changes_in(window, scope)
    count = func.count()
    query = select(h.kind, h.op, count).where(*kept).group_by(h.kind, h.op)
    query = query.order_by(count.desc(), h.kind, h.op.desc())
    return [(kind, op, int(number)) for kind, op, number in await conn.execute(query)]


async def deletions(conn: AsyncConnection, scope: Scope, window: Window, limit: int) -> tuple[list[Deletion], int]:
    """The newest `limit` deletions, and how many there are in all. What came back is still listed: it was gone."""
    d = deletion.c
    kept = _in_window(deletion, d.deleted_at, window, scope)
    total = (await conn.execute(select(func.count()).select_from(deletion).where(*kept))).scalar_one()
    query = select(
        d.deleted_at, d.last_seen, d.source, d.platform, d.kind, d.external_id, d.name, d.project_id, d.attrs, d.derived
    ).where(*kept)
    result = await conn.execute(query.order_by(d.deleted_at.desc(), d.id.desc()).limit(limit))
    return [Deletion(**row) for row in result.mappings()], int(total)


async def first_sync(conn: AsyncConnection, sources: Sequence[str] = ()) -> datetime | None:
    """When the record begins: nothing is known of changes before."""
    query = select(func.min(history.c.at))
    if sources:
        query = query.where(history.c.source.in_(list(sources)))
    begun: datetime | None = (await conn.execute(query)).scalar_one_or_none()
    return begun
