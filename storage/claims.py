"""Who may begin a job and who goes on with it: one change at a time for each object, limits, one runner, wake-ups.

Whether a job may begin is decided under a lock for each source that it touches, and so is its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import freezes
from storage.change_tables import job, job_step, job_target, request
from storage.jobs import WORKFLOW
from storage.json_texts import clean_text
from storage.queues import JOBS, enqueue
from storage.restores import KINDS as RESTORES

Verdict = Literal["begin", "resume", "cancelled", "expired"]


class LostJobError(Exception):
    """The job has ended, or another run of it goes on: this one must not touch anything any more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Jobs that may run at the same time, by where their targets are; `restores` are those of one cloud."""

    per_cloud: int = 20
    per_project: int = 5
    restores: int = 4


@dataclass(frozen=True, slots=True)
class Claimed:
    """`runner` must be shown at every write. `asked`: the state and digest of its request, None without one."""

    id: int
    runner: str
    verdict: Verdict
    plan: Mapping[str, Any]
    asked_by: str
    request_id: int | None
    asked: tuple[str, str] | None
    cancel_by: str | None
    created_at: datetime


_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('jobs:' || :source))")
# An id is given before its row can be seen: what runs already blocks, whatever its number.
_HELD = text(
    "SELECT EXISTS (SELECT FROM job_target mine JOIN job_target other USING (source, kind, external_id)"
    " JOIN job j ON j.id = other.job_id WHERE mine.job_id = :id AND other.job_id <> :id"
    " AND (j.state = 'running' OR (j.state = 'waiting' AND other.job_id < :id)))"
)
_FULL = text(
    "SELECT count(*) >= :per_cloud OR count(*) FILTER (WHERE project_id = :project) >= :per_project,"
    " count(*) FILTER (WHERE kind = ANY(:restores)) FROM job WHERE state = 'running' AND source = :source"
)
# Of those that nothing holds: who waited for the same objects, and the first one that a limit may have kept back.
_WAKE = text(
    "WITH free AS (SELECT w.id, w.source, w.project_id, w.kind FROM job w WHERE w.parked AND w.state = 'waiting'"
    "   AND NOT EXISTS (SELECT FROM job_target mine JOIN job_target other USING (source, kind, external_id)"
    "     JOIN job j ON j.id = other.job_id WHERE mine.job_id = w.id AND other.job_id <> w.id"
    "     AND (j.state = 'running' OR (j.state = 'waiting' AND other.job_id < w.id))))"
    " UPDATE job SET parked = false WHERE parked AND id IN ("
    " SELECT id FROM free WHERE id IN (SELECT theirs.job_id FROM job_target mine JOIN job_target theirs"
    "   USING (source, kind, external_id) WHERE mine.job_id = :ended)"
    " UNION SELECT min(id) FROM free WHERE source = :source AND project_id = :project"
    " UNION SELECT min(id) FROM free WHERE source = :source GROUP BY kind"
    ") RETURNING id"
)
# What was forgotten by all others: woken when nothing it needs is held, or when it is to end without having begun.
_SWEEP = text(
    "UPDATE job SET parked = false WHERE id IN ("
    " SELECT w.id FROM job w WHERE w.parked AND w.state = 'waiting' AND (w.cancel_at IS NOT NULL"
    "   OR w.run_by < clock_timestamp() OR NOT EXISTS ("
    "     SELECT FROM job_target mine JOIN job_target other USING (source, kind, external_id)"
    "     JOIN job j ON j.id = other.job_id WHERE mine.job_id = w.id AND other.job_id <> w.id"
    "     AND (j.state = 'running' OR (j.state = 'waiting' AND other.job_id < w.id))))"
    " ORDER BY w.id LIMIT :limit FOR UPDATE SKIP LOCKED)"
    " RETURNING id, (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
)


async def claim(conn: AsyncConnection, job_id: int, workflow: str, limits: Limits) -> Claimed | None:
    """Begin a job or go on with one; None: it must wait (and is woken), has ended, or is another workflow's.

    With `cancelled` and `expired` it is held, but nothing was begun: it is to be ended in the same transaction.
    """
    source = (await conn.execute(select(job.c.source).where(job.c.id == job_id))).scalar_one_or_none()
    await _lock(conn, job_id, source)
    row = (await conn.execute(_JOB.where(job.c.id == job_id).with_for_update(of=job))).first()
    if row is None:
        return None
    verdict = await _verdict(conn, row, workflow, limits)
    if verdict is None:
        return None
    runner = uuid4().hex
    values: dict[str, Any] = {"state": "running", "workflow": workflow, "runner": runner, "parked": False}
    if verdict != "resume":
        values["started_at"] = func.clock_timestamp() if verdict == "begin" else None
    await conn.execute(update(job).where(job.c.id == job_id).values(**values))
    if verdict == "begin" and row.request_id is not None:
        running = update(request).where(request.c.id == row.request_id, request.c.state == "approved")
        await conn.execute(running.values(state="running"))
    return await _claimed(conn, row, runner, verdict)


_JOB = select(job, func.clock_timestamp().label("now"))


async def _lock(conn: AsyncConnection, job_id: int, source: str | None) -> None:
    """In one order, so that two never wait for one another."""
    held = select(job_target.c.source).where(job_target.c.job_id == job_id).distinct()
    for one in sorted({*(await conn.scalars(held)), *([source] if source else [])}):
        await conn.execute(_LOCK, {"source": one})


async def _verdict(conn: AsyncConnection, row: Row[Any], workflow: str, limits: Limits) -> Verdict | None:
    if row.state == "running":
        return "resume" if row.workflow == workflow else None
    if row.state != "waiting":
        return None
    if row.cancel_at is not None:
        return "cancelled"
    if row.run_by is not None and row.run_by < row.now:
        return "expired"
    waits = await _waits_for(conn, row, limits)
    if waits:
        await conn.execute(update(job).where(job.c.id == row.id).values(parked=True, progress={"note": waits}))
        return None
    return "begin"


async def _waits_for(conn: AsyncConnection, row: Row[Any], limits: Limits) -> str:
    """What keeps the job back, in words; empty when nothing does."""
    if (await conn.execute(_HELD, {"id": row.id})).scalar_one():
        return "another change of the same object goes first"
    if await _is_frozen(conn, row):
        return "changes are frozen"
    if row.source is None:
        return ""
    values = {"source": row.source, "project": row.project_id}
    limited = {"per_cloud": limits.per_cloud, "per_project": limits.per_project}
    full, restoring = (await conn.execute(_FULL, {**values, **limited, "restores": list(RESTORES)})).one()
    if row.kind in RESTORES and restoring >= limits.restores:
        return f"as many restores run there as may ({limits.restores})"
    return "as many changes run there as may" if full else ""


async def _is_frozen(conn: AsyncConnection, row: Row[Any]) -> bool:
    """A freeze that was begun after the decision holds, too, but for what broke the glass."""
    places = {(str(target["source"]), target.get("project_id")) for target in row.plan.get("targets", ())}
    if await freezes.holding(conn, places) is None:
        return False
    query = select(request.c.break_glass).where(request.c.id == row.request_id)
    return not (await conn.execute(query)).scalar_one_or_none()


async def _claimed(conn: AsyncConnection, row: Row[Any], runner: str, verdict: Verdict) -> Claimed:
    query = select(request.c.state, request.c.digest).where(request.c.id == row.request_id)
    asked = (await conn.execute(query)).first() if row.request_id is not None else None
    state = (asked.state, asked.digest) if asked else None
    return Claimed(
        row.id, runner, verdict, row.plan, row.asked_by, row.request_id, state, row.cancel_by, row.created_at
    )


async def hold(conn: AsyncConnection, job_id: int, runner: str) -> str | None:
    """Keep the job to this run until the transaction ends; who asked to cancel it. Raises LostJobError."""
    query = select(job.c.cancel_by).where(job.c.id == job_id, job.c.runner == runner, job.c.state == "running")
    row = (await conn.execute(query.with_for_update())).first()
    if row is None:
        raise LostJobError(f"JOB-{job_id} goes on elsewhere")
    found: str | None = row.cancel_by
    return found


async def begin_step(conn: AsyncConnection, job_id: int, runner: str, number: int, name: str) -> None:
    """On record before anything is looked at or done."""
    await hold(conn, job_id, runner)
    now = func.clock_timestamp()
    query = upsert(job_step).values(job_id=job_id, number=number, name=name, state="begun", began_at=now)
    again = {"state": "begun", "attempts": job_step.c.attempts + 1}
    await conn.execute(query.on_conflict_do_update(index_elements=["job_id", "number"], set_=again))


async def end_step(
    conn: AsyncConnection, job_id: int, runner: str, number: int, state: str, result: Mapping[str, Any], error: str = ""
) -> None:
    await hold(conn, job_id, runner)
    values = {"state": state, "result": dict(result), "error": clean_text(error), "ended_at": func.clock_timestamp()}
    await conn.execute(update(job_step).where(job_step.c.job_id == job_id, job_step.c.number == number).values(values))


async def tell(conn: AsyncConnection, job_id: int, runner: str, progress: Mapping[str, Any]) -> None:
    query = update(job).where(job.c.id == job_id, job.c.runner == runner, job.c.state == "running")
    if not (await conn.execute(query.values(progress=dict(progress)))).rowcount:
        raise LostJobError(f"JOB-{job_id} goes on elsewhere")


async def end(
    conn: AsyncConnection, job_id: int, runner: str, state: str, outcome: Mapping[str, Any], error: str, fix: str
) -> None:
    """The end, what it held is free, and who waited for that is woken. Raises LostJobError."""
    found = select(job.c.source, job.c.project_id).where(job.c.id == job_id)
    source, project = (await conn.execute(found)).one()
    await _lock(conn, job_id, source)
    await hold(conn, job_id, runner)
    values = {"state": state, "outcome": dict(outcome), "error": clean_text(error), "fix": clean_text(fix)}
    await conn.execute(update(job).where(job.c.id == job_id).values(**values, ended_at=func.clock_timestamp()))
    woken = await conn.execute(_WAKE, {"ended": job_id, "source": source, "project": project})
    for id_ in woken.scalars().all():
        await enqueue(conn, JOBS, WORKFLOW, f"job:{id_}:after:{job_id}", id_)
    await conn.execute(delete(job_target).where(job_target.c.job_id == job_id))


async def sweep(conn: AsyncConnection, limit: int = 50) -> int:
    """Wake what can begin and nobody woke, and what must end without having begun. How many."""
    rows = (await conn.execute(_SWEEP, {"limit": limit})).all()
    for id_, at in rows:
        await enqueue(conn, JOBS, WORKFLOW, f"job:{id_}:sweep:{at}", id_)
    return len(rows)
