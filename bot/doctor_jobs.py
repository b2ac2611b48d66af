"""Whether somebody does what is to be done in the background."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.checks import Check, failed, ok, warned
from storage import workers
from storage.queues import are_current

_ALIVE = timedelta(seconds=30)
_LONG = timedelta(minutes=5)
_WAITING = text(
    "SELECT count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'running'),"
    " count(*) FILTER (WHERE state = 'unsure' AND ended_at > now() - interval '7 days'),"
    " min(created_at) FILTER (WHERE state = 'waiting' AND NOT parked) FROM job"
)


async def check_jobs(connection: AsyncConnection) -> Check:
    """A worker that is alive, and no job that nobody begins; one that waits for another is no fault."""
    if not await are_current(connection):
        return failed("jobs", "the tables of durable jobs are missing or old", "run: stackhand migrate-db")
    alive = await workers.alive(connection, _ALIVE)
    waiting, running, unsure, oldest = (await connection.execute(_WAITING)).one()
    said = f"{len(alive)} workers alive, {running} jobs run, {waiting} wait"
    if not alive:
        start = "start `stackhand serve` or `stackhand worker`"
        return failed("jobs", said, start) if waiting or running else warned("jobs", said, start)
    if oldest is not None and datetime.now(UTC) - oldest > _LONG:
        since = f"{said}, one since {oldest:%Y-%m-%d %H:%M} UTC that nobody begins"
        return failed("jobs", since, "look at the worker's log, and start it again")
    if unsure:
        return warned("jobs", f"{said}; of {unsure} nobody knows whether a step took effect", "ask the bot: jobs")
    return ok("jobs", said)
