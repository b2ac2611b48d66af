"""Sync runs as they are told of: what waits, goes on, has ended, and what came of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import listing, sync_run


@dataclass(frozen=True, slots=True)
class RunState:
    """`state`: waiting, running, done, partial or failed. `kinds` is {kind: {outcome, rows, added, detail, fix, …}},
    empty until the run has ended."""

    id: int
    source: str
    state: str
    started_at: datetime | None
    finished_at: datetime | None
    detail: str
    kinds: Mapping[str, Mapping[str, Any]]
    demo: bool

    @property
    def ended(self) -> bool:
        return self.state not in ("waiting", "running")


_COLUMNS = ("id", "source", "state", "started_at", "finished_at", "detail", "kinds")


async def states(conn: AsyncConnection, ids: Sequence[int]) -> list[RunState]:
    """The runs with these ids that are on record, by source."""
    demo = exists().where(listing.c.source == sync_run.c.source, listing.c.demo)
    query = select(*(sync_run.c[name] for name in _COLUMNS), demo.label("demo")).where(sync_run.c.id.in_(list(ids)))
    rows = (await conn.execute(query.order_by(sync_run.c.source, sync_run.c.id))).mappings()
    return [RunState(**row) for row in rows]


async def waiting_ids(conn: AsyncConnection, sources: Sequence[str]) -> tuple[int, ...]:
    """The ids of the runs of these sources that no worker has begun yet."""
    query = select(sync_run.c.id).where(sync_run.c.state == "waiting", sync_run.c.source.in_(list(sources)))
    return tuple(await conn.scalars(query.order_by(sync_run.c.id)))


async def going(conn: AsyncConnection, sources: Collection[str] | None = None) -> list[RunState]:
    """The runs that wait or go on, of these sources; None: of all."""
    query = select(sync_run.c.id).where(sync_run.c.state.in_(("waiting", "running")))
    if sources is not None:
        query = query.where(sync_run.c.source.in_(sorted(sources)))
    return await states(conn, list(await conn.scalars(query)))
