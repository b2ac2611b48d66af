"""How requests end without anybody deciding: their time is over, or what they set off has ended."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import audit, requests
from storage.database import Database
from storage.requests import Request

_MOST = 100
NOBODY = "stackhand"


async def expire_one(conn: AsyncConnection, request: Request, now: datetime | None = None) -> bool:
    """A pending request whose time to be approved is over; False when somebody decided first."""
    closed = await requests.decide(conn, request.id, "expired", NOBODY, "nobody decided in time")
    if closed is None:
        return False
    await _record(conn, closed, "nobody decided in time", now)
    return True


async def expire(database: Database) -> int:
    """All whose time is over, to be approved or to begin; how many. Each in a transaction of its own: any number of
    processes may do this at once."""
    async with database.connect() as conn:
        late, unbegun = await requests.overdue(conn, _MOST), await requests.unbegun(conn, _MOST)
    ended = 0
    for id_ in late:
        async with database.begin() as conn:
            await audit.lock(conn)
            request = await requests.find(conn, id_, lock=True)
            ended += request is not None and await expire_one(conn, request)
    for id_ in unbegun:
        async with database.begin() as conn:
            await audit.lock(conn)
            ended += await _never_begun(conn, id_)
    return ended


async def _never_begun(conn: AsyncConnection, id_: int) -> bool:
    request = await requests.find(conn, id_, lock=True)
    if request is None or request.job_id is None or not await requests.stop_unbegun(conn, request.job_id):
        return False
    if not await requests.end(conn, id_, "expired"):
        return False
    await _record(conn, request, "it was not begun in time", None)
    return True


async def remind(database: Database) -> list[int]:
    """Marks those of which half the time to be approved is over, once; their numbers."""
    async with database.begin() as conn:
        return await requests.half_over(conn)


async def began(conn: AsyncConnection, job_id: int) -> bool:
    """The job of a request runs now."""
    return await requests.begin(conn, job_id)


async def ended(conn: AsyncConnection, job_id: int, state: str) -> None:
    """What came of the job of a request: done, failed, cancelled, unsure or expired. Nothing for other jobs."""
    request = await requests.of_job(conn, job_id)
    if request is None or not await requests.end(conn, request.id, state):
        return
    await audit.record(
        conn, person=request.asker, action="request.ended", target=request.name, outcome=state,
        detail={"job": job_id, "digest": request.digest},
    )  # fmt: skip


async def _record(conn: AsyncConnection, request: Request, why: str, now: datetime | None) -> None:
    await audit.record(
        conn, person=NOBODY, action="request.expired", target=request.name, outcome="done", at=now,
        detail={"digest": request.digest, "why": why},
    )  # fmt: skip
