"""Jobs as they are asked for and shown: added with what they hold, listed for a scope, told to stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import audit
from storage.change_tables import job, job_step, job_target
from storage.queues import JOBS, enqueue
from storage.scopes import Scope

WORKFLOW = "job"
OPEN = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class JobState:
    """A job as it stands. `progress` is {step, steps, name, done, of, counts, note}, `outcome` {words, counts, left,
    said}; both are empty until there is something to say."""

    id: int
    request_id: int | None
    kind: str
    title: str
    demo: bool
    source: str | None
    project_id: str | None
    asked_by: str
    state: str
    created_at: datetime
    run_by: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    progress: Mapping[str, Any]
    outcome: Mapping[str, Any]
    error: str
    fix: str
    cancel_by: str | None

    @property
    def ended(self) -> bool:
        return self.state not in OPEN

    @property
    def name(self) -> str:
        return f"JOB-{self.id}"


@dataclass(frozen=True, slots=True)
class StepState:
    """A step on record; state: begun, done, failed, undone, undo_failed or unsure."""

    number: int
    name: str
    state: str
    attempts: int
    began_at: datetime
    ended_at: datetime | None
    result: Mapping[str, Any]
    error: str


def _query() -> Select[Any]:
    plain = [job.c[f.name] for f in fields(JobState) if f.name not in ("title", "demo")]
    title = func.coalesce(job.c.plan["title"].astext, job.c.kind).label("title")
    return select(*plain, title, (job.c.plan["demo"].astext == "true").label("demo"))


async def add(
    conn: AsyncConnection, plan: Mapping[str, Any], *, request_id: int | None, asked_by: str, run_by: datetime | None
) -> int:
    """A job for a plan (`engines.plans.to_json`), enqueued in the caller's transaction. Gives its number.

    A second job for one request raises IntegrityError.
    """
    targets = list({(t["source"], t["kind"], t["external_id"]) for t in plan["targets"]})
    sources = {t["source"] for t in plan["targets"]}
    projects = {(t["source"], t.get("project_id")) for t in plan["targets"]}
    values = {
        "request_id": request_id, "kind": plan["kind"], "plan": dict(plan), "asked_by": asked_by, "run_by": run_by,
        "source": sources.pop() if len(sources) == 1 else None,
        "project_id": projects.pop()[1] if len(projects) == 1 else None,
    }  # fmt: skip
    id_ = int((await conn.execute(insert(job).values(**values).returning(job.c.id))).scalar_one())
    if targets:
        rows = [{"job_id": id_, "source": s, "kind": k, "external_id": e} for s, k, e in targets]
        await conn.execute(insert(job_target), rows)
    await enqueue(conn, JOBS, WORKFLOW, f"job:{id_}", id_)
    return id_


async def states(conn: AsyncConnection, ids: Sequence[int]) -> list[JobState]:
    """The jobs with these ids that are on record, by id."""
    rows = (await conn.execute(_query().where(job.c.id.in_(list(ids))).order_by(job.c.id))).mappings()
    return [JobState(**row) for row in rows]


async def visible_job(conn: AsyncConnection, scope: Scope, id_: int) -> JobState | None:
    """None also for one whose targets the scope does not hold whole."""
    row = (await conn.execute(_query().where(job.c.id == id_, in_scope(scope)))).mappings().first()
    return JobState(**row) if row else None


async def open_jobs(conn: AsyncConnection, scope: Scope, limit: int = 50) -> list[JobState]:
    """Those that wait or run, running ones first, then in the order in which they were asked for."""
    query = _query().where(job.c.state.in_(OPEN), in_scope(scope)).order_by(job.c.state, job.c.id).limit(limit)
    return [JobState(**row) for row in (await conn.execute(query)).mappings()]


async def recent_jobs(conn: AsyncConnection, scope: Scope, limit: int = 10) -> list[JobState]:
    """Those that have ended, the last one first."""
    query = _query().where(job.c.state.not_in(OPEN), in_scope(scope)).order_by(job.c.ended_at.desc()).limit(limit)
    return [JobState(**row) for row in (await conn.execute(query)).mappings()]


async def steps(conn: AsyncConnection, id_: int) -> list[StepState]:
    query = select(*(job_step.c[f.name] for f in fields(StepState))).where(job_step.c.job_id == id_)
    return [StepState(**row) for row in (await conn.execute(query.order_by(job_step.c.number))).mappings()]


async def plan_of(conn: AsyncConnection, id_: int) -> Mapping[str, Any]:
    """The plan as it was written; raises NoResultFound."""
    found: Mapping[str, Any] = (await conn.execute(select(job.c.plan).where(job.c.id == id_))).scalar_one()
    return found


async def projects_of(conn: AsyncConnection, id_: int) -> list[tuple[str, str | None]]:
    """(source, project id) of everything that the job changes."""
    found = {(t["source"], t.get("project_id")) for t in (await plan_of(conn, id_))["targets"]}
    return sorted(found, key=str)


async def ask_cancel(conn: AsyncConnection, job_id: int, by: str) -> bool:
    """Ask a job to stop; it undoes what it made. False: it has ended, or was asked before, or is not there."""
    query = (
        update(job)
        .where(job.c.id == job_id, job.c.state.in_(OPEN), job.c.cancel_at.is_(None))
        .values(cancel_by=by, cancel_at=func.clock_timestamp())
        .returning(job.c.state)
    )
    state = (await conn.execute(query)).scalar_one_or_none()
    if state is None:
        return False
    if state == "waiting":  # a worker ends it now, instead of when its turn comes
        await enqueue(conn, JOBS, WORKFLOW, f"job:{job_id}:cancel", job_id)
    await audit.record(conn, person=by, action="job.cancel", target=f"JOB-{job_id}", outcome="asked")
    return True


def in_scope(scope: Scope) -> ColumnElement[bool]:
    """The condition on `job`: all that it changes lies in projects of the scope."""
    if scope.everything:
        return true()
    if not scope.projects:
        return false()
    mine = sorted(scope.projects)
    whole = and_(job.c.source.is_not(None), job.c.project_id.is_not(None))
    target = func.jsonb_array_elements(job.c.plan["targets"], type_=JSONB).column_valued("target")
    pair = tuple_(target["source"].astext, func.coalesce(target["project_id"].astext, ""))
    strange = exists(select(literal(1)).where(pair.not_in(mine)).correlate(job))
    several = and_(~whole, func.jsonb_array_length(job.c.plan["targets"]) > 0, ~strange)
    return or_(and_(whole, tuple_(job.c.source, job.c.project_id).in_(mine)), several)


async def sources_of(conn: AsyncConnection, job_id: int) -> list[str]:
    """The sources that its plan changes something in; what it held is forgotten when it has ended."""
    plan = (await conn.execute(select(job.c.plan).where(job.c.id == job_id))).scalar_one_or_none() or {}
    return sorted({str(target["source"]) for target in plan.get("targets", ())})
