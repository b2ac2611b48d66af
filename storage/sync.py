"""Writing what a platform listed: only differences touch the tables, and each leaves a line of history.

A listing is copied to a stage, compared with the record, and written in a handful of statements, whatever its size.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import TextClause, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import sync_statements as sql
from storage.database import copy_in
from storage.json_texts import clean_name, hot_text, json_text
from storage.tables import listing, resource, sync_run


class Row(NamedTuple):
    """A resource as listed. `attrs` and `derived` hold JSON values; see the table `resource`."""

    external_id: str
    name: str
    project_id: str | None
    attrs: Mapping[str, Any]
    derived: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What a listing did to the record. `rows` are living afterwards; `shrunk`: so much was missing that nothing was
    deleted, until the next listing says the same."""

    rows: int
    added: int = 0
    changed: int = 0
    returned: int = 0
    deleted: int = 0
    shrunk: bool = False


_FEW = 1000  # changed rows that no plan depends on


def shrunk(before: int, now: int) -> bool:
    """More than half is missing. Small kinds change by half every day, so they are believed at once."""
    return before >= 10 and now * 2 < before


async def write_listing(
    conn: AsyncConnection,
    *,
    source: str,
    platform: str,
    kind: str,
    rows: Iterable[Row],
    run_id: int,
    at: datetime,
    complete: bool,
) -> Written:
    """Bring the record of one kind up to date, in the caller's transaction.

    Only a complete listing marks anything deleted, and one that shrank by more than half only when the attempt before
    it shrank too. Of rows with the same id the last counts. Rows may be a generator; they are read once.
    """
    known = {"source": source, "platform": platform, "kind": kind, "run_id": run_id, "at": at}
    await conn.execute(text("SET LOCAL statement_timeout = 0"))
    await conn.execute(sql.ONE_WRITER, {"key": f"stackhand-listing:{source}"})
    await conn.execute(sql.CREATE_STAGE)
    await copy_in(conn, "stage", ("n", "external_id", "name", "project_id", "attrs", "derived"), _staged(rows))
    for statement in (sql.KEEP_LAST, sql.INDEX_STAGE, sql.ANALYZE_STAGE):
        await conn.execute(statement)
    await _run(conn, sql.CREATE_DIFF, known)
    held = complete and await _is_doubtful(conn, source, kind)
    added = await _run(conn, sql.ADD, known)
    changed = await _run(conn, sql.CHANGE, known)
    returned = await _run(conn, sql.RETURN, known)
    await _run(conn, sql.DERIVE, known)
    deleted = await _run(conn, sql.DELETE, known) if complete and not held else 0
    await _addresses(conn, kind, known)
    living = await _living(conn, source, kind)
    await _fresh_statistics(conn, added + changed + returned + deleted)
    for statement in (sql.DROP_DIFF, sql.DROP_STAGE):
        await conn.execute(statement)
    return Written(living, added, changed, returned, deleted, held)


def _staged(rows: Iterable[Row]) -> Iterable[Sequence[Any]]:
    for number, row in enumerate(rows):
        external_id = clean_name(row.external_id)
        if external_id:
            project_id = clean_name(row.project_id) if row.project_id else None
            attrs, derived = hot_text(row.attrs), json_text(_indexable(row.derived))
            yield number, external_id, clean_name(row.name) or external_id, project_id, attrs, derived


def _indexable(derived: Mapping[str, Any]) -> Mapping[str, Any]:
    who = derived.get("created_by")
    return derived if who is None else {**derived, "created_by": clean_name(who)}


async def _run(conn: AsyncConnection, statement: TextClause, known: Mapping[str, Any]) -> int:
    """Rows touched. Each statement takes those of the parameters that it names."""
    wanted = {name: known[name] for name in statement.compile().params}
    return int((await conn.execute(statement, wanted)).rowcount)


async def _is_doubtful(conn: AsyncConnection, source: str, kind: str) -> bool:
    """Whether most of what was known is not listed, for the first time; asked before anything is added."""
    missing = int((await conn.execute(sql.COUNT_MISSING, {"source": source, "kind": kind})).scalar_one())
    kept = int((await conn.execute(sql.COUNT_KEPT, {"source": source, "kind": kind})).scalar_one())
    if not shrunk(missing + kept, kept):
        return False
    query = select(listing.c.outcome).where(listing.c.source == source, listing.c.kind == kind)
    return (await conn.execute(query)).scalar_one_or_none() != "shrunk"


async def _fresh_statistics(conn: AsyncConnection, touched: int) -> None:
    """After a big change answers would be slow until autovacuum comes by, which takes a minute or more."""
    if touched < _FEW:
        return
    known = int((await conn.execute(sql.COUNT_ESTIMATED)).scalar_one())
    if touched * 10 > known:
        for statement in sql.ANALYZE:
            await conn.execute(statement)


async def _addresses(conn: AsyncConnection, kind: str, known: Mapping[str, Any]) -> None:
    statement = sql.ADDRESSES.get(kind)
    if statement is not None:
        await _run(conn, sql.FORGET_ADDRESSES, known)
        await _run(conn, statement, known)


async def _living(conn: AsyncConnection, source: str, kind: str) -> int:
    r = resource.c
    query = select(func.count()).where(r.source == source, r.kind == kind, r.deleted_at.is_(None))
    return int((await conn.execute(query)).scalar_one())


async def record_listing(
    conn: AsyncConnection,
    *,
    source: str,
    platform: str,
    demo: bool,
    kind: str,
    outcome: str,
    detail: str,
    fix: str,
    at: datetime,
    rows: int,
) -> None:
    """Note how an attempt to list a kind went. `complete_at` stays at the last complete one."""
    good = outcome == "complete"
    values = {
        "platform": platform,
        "demo": demo,
        "outcome": outcome,
        "detail": detail[:500],
        "fix": fix[:500],
        "attempted_at": at,
        "rows": rows,
    }
    new = upsert(listing).values(
        source=source,
        kind=kind,
        **values,
        complete_at=at if good else None,
        failing_since=None if good else at,
    )
    since = func.coalesce(listing.c.failing_since, at)
    kept = {"complete_at": at, "failing_since": None} if good else {"failing_since": since}
    await conn.execute(new.on_conflict_do_update(index_elements=["source", "kind"], set_={**values, **kept}))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that was waiting and is now this caller's to run."""

    run_id: int
    source: str
    asked_by: str


async def open_run(conn: AsyncConnection, source: str, *, asked_by: str) -> int:
    """A run that starts now."""
    query = insert(sync_run).values(source=source, state="running", asked_by=asked_by, started_at=func.now())
    return int((await conn.execute(query.returning(sync_run.c.id))).scalar_one())


async def ask_run(conn: AsyncConnection, source: str, *, asked_by: str, tick: datetime | None = None) -> int | None:
    """Ask the workers for a run. None: one waits already, or this tick of the clock was asked for before."""
    query = upsert(sync_run).values(source=source, state="waiting", asked_by=asked_by, tick=tick)
    asked = await conn.execute(query.on_conflict_do_nothing().returning(sync_run.c.id))
    run_id: int | None = asked.scalar_one_or_none()
    return run_id


async def claim_run(conn: AsyncConnection, sources: Sequence[str]) -> Claimed | None:
    """Take the oldest waiting run of these sources; no two callers get the same."""
    waiting = (
        select(sync_run.c.id)
        .where(sync_run.c.state == "waiting", sync_run.c.source.in_(list(sources)))
        .order_by(sync_run.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    query = (
        update(sync_run)
        .where(sync_run.c.id.in_(waiting))
        .values(state="running", started_at=func.now())
        .returning(sync_run.c.id, sync_run.c.source, sync_run.c.asked_by)
    )
    row = (await conn.execute(query)).first()
    return Claimed(row.id, row.source, row.asked_by) if row else None


async def close_run(
    conn: AsyncConnection, run_id: int, *, state: str, detail: str, kinds: Mapping[str, Mapping[str, Any]]
) -> None:
    query = update(sync_run).where(sync_run.c.id == run_id)
    values = {"state": state, "detail": detail, "kinds": dict(kinds), "finished_at": func.clock_timestamp()}
    await conn.execute(query.values(**values))
