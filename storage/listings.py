"""How old the record is: what is known of each (source, kind)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import listing, sync_run


@dataclass(frozen=True, slots=True)
class Listed:
    """The last attempt to list a kind of a source. `complete_at` is the age of its rows; None: never seen whole."""

    source: str
    kind: str
    platform: str
    demo: bool
    outcome: str
    detail: str
    fix: str
    attempted_at: datetime
    complete_at: datetime | None
    failing_since: datetime | None
    rows: int


async def listings(
    conn: AsyncConnection, *, kinds: Collection[str] = (), platform: str = "", sources: Collection[str] = ()
) -> list[Listed]:
    """What is known of the kinds asked for, by source and kind."""
    query = select(*(listing.c[name] for name in Listed.__slots__))
    if kinds:
        query = query.where(listing.c.kind.in_(sorted(kinds)))
    if platform:
        query = query.where(listing.c.platform == platform)
    if sources:
        query = query.where(listing.c.source.in_(sorted(sources)))
    result = await conn.execute(query.order_by(listing.c.source, listing.c.kind))
    return [Listed(**row) for row in result.mappings()]


@dataclass(frozen=True, slots=True)
class Run:
    """The newest run of a source that was started."""

    source: str
    state: str
    started_at: datetime | None
    finished_at: datetime | None
    detail: str
    asked_by: str


async def last_runs(conn: AsyncConnection) -> list[Run]:
    newest = select(func.max(sync_run.c.id)).where(sync_run.c.started_at.is_not(None)).group_by(sync_run.c.source)
    query = select(*(sync_run.c[name] for name in Run.__slots__)).where(sync_run.c.id.in_(newest))
    return [Run(**row) for row in (await conn.execute(query.order_by(sync_run.c.source))).mappings()]


async def waiting_runs(conn: AsyncConnection) -> int:
    query = select(func.count()).select_from(sync_run).where(sync_run.c.state == "waiting")
    return int((await conn.execute(query)).scalar_one())
