"""What a tick does: its work and its outcome are one transaction, so that it counts once."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import schedules
from storage.database import Database, StorageUnavailable
from storage.schedules import Schedule

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ticked:
    """What came of a tick in a few words, and the job that it led to."""

    words: str
    job_id: int | None = None


TickWork = Callable[[AsyncConnection, Schedule, datetime], Awaitable[Ticked]]
"""In the transaction that is committed with the outcome: connection, schedule, the scheduled time."""
Ticks = Mapping[str, TickWork]
"""By the kind of the schedule."""


async def do_tick(database: Database, ticks: Ticks, name: str, tick: datetime) -> None:
    """A tick whose work fails is told so and not tried again but by the next tick; an outage is raised."""
    async with database.begin() as conn:
        schedule = await schedules.open_tick(conn, name, tick)
        if schedule is None:
            return
        came = await _work(conn, ticks, schedule, tick)
        await schedules.end_tick(conn, name, tick, came.words, came.job_id)
    log.info("tick.done", schedule=name, tick=tick.isoformat(), outcome=came.words)


async def _work(conn: AsyncConnection, ticks: Ticks, schedule: Schedule, tick: datetime) -> Ticked:
    work = ticks.get(schedule.kind)
    if work is None:
        return Ticked(f"failed: this version does not know how to do {schedule.kind}")
    try:
        async with conn.begin_nested():
            return await work(conn, schedule, tick)
    except Exception as error:
        if _is_outage(error):
            raise
        log.exception("tick.failed", schedule=schedule.name)
        what = getattr(error, "what", None)
        return Ticked(f"failed: {what if isinstance(what, str) else type(error).__name__}")


def _is_outage(error: Exception) -> bool:
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, StorageUnavailable | OSError)
