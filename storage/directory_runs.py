"""Runs of the directory's sync: who asked for one, and what came of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text
from storage.people_tables import directory_run

_LOCK = 7_203_004


@dataclass(frozen=True, slots=True)
class DirectoryRun:
    """`state` is running, done, or failed: then nothing was changed, and `detail` says why and what to do."""

    state: str
    asked_by: str
    started_at: datetime
    finished_at: datetime | None
    people: int
    detail: str


async def begin(conn: AsyncConnection, *, asked_by: str, now: datetime, tick: datetime | None = None) -> int | None:
    """The id of a new run; None when another process has begun the one of this tick."""
    values = {"asked_by": asked_by, "tick": tick, "state": "running", "started_at": now}
    query = upsert(directory_run).values(**values).on_conflict_do_nothing().returning(directory_run.c.id)
    found = (await conn.execute(query)).scalar_one_or_none()
    return int(found) if found is not None else None


async def finish(conn: AsyncConnection, run_id: int, state: str, now: datetime, people: int, detail: str) -> None:
    values = {"state": state, "finished_at": now, "people": people, "detail": clean_text(detail)[:2000]}
    await conn.execute(update(directory_run).where(directory_run.c.id == run_id).values(**values))


async def last_run(conn: AsyncConnection) -> DirectoryRun | None:
    """The newest run that has ended."""
    query = select(*(directory_run.c[name] for name in DirectoryRun.__slots__)).where(
        directory_run.c.finished_at.is_not(None)
    )
    row = (await conn.execute(query.order_by(directory_run.c.id.desc()).limit(1))).mappings().first()
    return DirectoryRun(**row) if row else None


async def lock(conn: AsyncConnection) -> None:
    """One process at a time applies what a directory said, until the end of its transaction."""
    await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
