"""Restores as they were asked for and ran: out of requests and jobs, which hold all of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, and_, cast, func, select, tuple_
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import passwords
from storage.change_tables import job, job_step, request, request_vote
from storage.filters import Ref
from storage.passwords import Reset
from storage.scopes import Scope

KINDS = ("restore", "restore_replace")


@dataclass(frozen=True, slots=True)
class Restore:
    """One restore. `approvers` are those who said yes; `options` those of its plan (mode, vm_id, point …).

    `reset`: what became of a new password that was asked for.
    """

    job_id: int
    request_id: int | None
    title: str
    demo: bool
    source: str | None
    project_id: str | None
    asked_by: str
    approvers: tuple[str, ...]
    options: Mapping[str, Any]
    state: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    progress: Mapping[str, Any]
    outcome: Mapping[str, Any]
    error: str
    fix: str
    cancel_by: str | None
    reset: Reset | None = None

    @property
    def name(self) -> str:
        return f"JOB-{self.job_id}"

    @property
    def took_s(self) -> float | None:
        """From its begin to its end; None for one that has not had both."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Window:
    """Which restores: `vms` are (source, id) of the original, `states` any of; empty fields are no condition."""

    vms: tuple[Ref, ...] = ()
    projects: tuple[Ref, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    states: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()


def _in_scope(scope: Scope) -> list[ColumnElement[bool]]:
    """A restore is of one project; a scope that does not hold it sees nothing of it."""
    if scope.everything:
        return []
    return [tuple_(job.c.source, job.c.project_id).in_(sorted(scope.projects))]


def _conditions(scope: Scope, window: Window) -> list[ColumnElement[bool]]:
    kept = [job.c.kind.in_(KINDS), *_in_scope(scope)]
    if window.vms:
        options = job.c.plan["options"]
        kept.append(tuple_(job.c.source, options["vm_id"].astext).in_(window.vms))
    if window.projects:
        kept.append(tuple_(job.c.source, job.c.project_id).in_(window.projects))
    if window.since is not None:
        kept.append(job.c.created_at >= window.since)
    if window.until is not None:
        kept.append(job.c.created_at < window.until)
    if window.states:
        kept.append(job.c.state.in_(window.states))
    if window.ids:
        kept.append(job.c.id.in_(window.ids))
    return kept


async def restores(conn: AsyncConnection, scope: Scope, window: Window, limit: int = 50) -> tuple[list[Restore], int]:
    """The newest `limit` restores, and how many there are in all."""
    kept = _conditions(scope, window)
    total = int((await conn.execute(select(func.count()).select_from(job).where(*kept))).scalar_one())
    approvers = (
        select(func.array_agg(request_vote.c.person))
        .where(request_vote.c.request_id == job.c.request_id, request_vote.c.verdict == "approve")
        .correlate(job)
        .scalar_subquery()
    )
    query = (
        select(
            job.c.id, job.c.request_id, job.c.plan["title"].astext.label("title"),
            (job.c.plan["demo"].astext == "true").label("demo"), job.c.source, job.c.project_id, job.c.asked_by,
            approvers.label("approvers"), job.c.plan["options"].label("options"), job.c.state, job.c.created_at,
            job.c.started_at, job.c.ended_at, job.c.progress, job.c.outcome, job.c.error, job.c.fix, job.c.cancel_by,
        )
        .where(*kept)
        .order_by(job.c.id.desc())
        .limit(limit)
    )  # fmt: skip
    rows = list((await conn.execute(query)).mappings())
    resets = await passwords.of_jobs(conn, [row["id"] for row in rows])
    return [_restore(row, resets.get(row["id"])) for row in rows], total


def _restore(row: RowMapping, reset: Reset | None) -> Restore:
    told = {key: value for key, value in row.items() if key not in ("id", "approvers", "options", "title", "demo")}
    return Restore(
        job_id=row["id"],
        title=row["title"] or "",
        demo=bool(row["demo"]),
        approvers=tuple(sorted(row["approvers"] or ())),
        options=row["options"] or {},
        reset=reset,
        **told,
    )


@dataclass(frozen=True, slots=True)
class RanStep:
    """A step of a restore that began."""

    number: int
    name: str
    state: str
    attempts: int
    began_at: datetime
    ended_at: datetime | None
    result: Mapping[str, Any]
    error: str


async def steps_of(conn: AsyncConnection, job_id: int) -> list[RanStep]:
    s = job_step.c
    query = select(s.number, s.name, s.state, s.attempts, s.began_at, s.ended_at, s.result, s.error)
    rows = (await conn.execute(query.where(s.job_id == job_id).order_by(s.number))).mappings()
    return [RanStep(**row) for row in rows]


async def steps_of_all(conn: AsyncConnection, job_ids: Sequence[int]) -> Mapping[int, list[RanStep]]:
    """Those of many restores, by their number."""
    s = job_step.c
    query = select(s.job_id, s.number, s.name, s.state, s.attempts, s.began_at, s.ended_at, s.result, s.error)
    found: dict[int, list[RanStep]] = {}
    for row in await conn.execute(query.where(s.job_id.in_(list(job_ids))).order_by(s.job_id, s.number)):
        found.setdefault(row.job_id, []).append(RanStep(*row[1:]))
    return found


async def plans_of(conn: AsyncConnection, job_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    query = select(job.c.id, job.c.plan).where(job.c.id.in_(list(job_ids)), job.c.kind.in_(KINDS))
    return {row.id: row.plan for row in await conn.execute(query)}


async def plan_of(conn: AsyncConnection, job_id: int) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = (
        await conn.execute(select(job.c.plan).where(job.c.id == job_id, job.c.kind.in_(KINDS)))
    ).scalar_one_or_none()
    return found


async def reason_of(conn: AsyncConnection, request_id: int) -> str:
    """The words with which it was decided."""
    query = select(request.c.reason).where(request.c.id == request_id)
    return str((await conn.execute(query)).scalar_one_or_none() or "")


async def past_seconds(conn: AsyncConnection, source: str, mode: str, limit: int = 3) -> Sequence[float]:
    """How long the last restores of this mode took on this source, the last one first; numbers tell nothing of whose
    they were, so that everybody's count. Those that took anything out of backups are left out: see
    `past_backup_seconds`."""
    took = func.extract("epoch", job.c.ended_at - job.c.started_at)
    query = (
        select(took)
        .where(
            job.c.kind.in_(KINDS), job.c.source == source, job.c.state == "done",
            job.c.plan["options"]["mode"].astext == mode, job.c.plan["options"]["backup_gib"].is_(None),
            and_(job.c.started_at.is_not(None), job.c.ended_at.is_not(None)),
        )
        .order_by(job.c.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [float(value) for (value,) in await conn.execute(query)]


async def past_backup_seconds(conn: AsyncConnection, source: str, limit: int = 3) -> Sequence[float]:
    """How long a GiB took to come out of a backup in the last restores of this source, the last one first."""
    s, gib = job_step.c, cast(job.c.plan["options"]["backup_gib"].astext, Float)
    query = (
        select(func.extract("epoch", s.ended_at - s.began_at) / gib)
        .select_from(job.join(job_step, s.job_id == job.c.id))
        .where(
            job.c.kind.in_(KINDS), job.c.source == source, s.name == "volumes ready", s.state == "done",
            and_(job.c.plan["options"]["backup_gib"].is_not(None), gib > 0, s.ended_at.is_not(None)),
        )
        .order_by(job.c.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [float(value) for (value,) in await conn.execute(query)]


async def waited_s(conn: AsyncConnection, job_id: int, step: str) -> float:
    """Seconds since a step was begun for the first time; 0 for one that is not on record."""
    s = job_step.c
    since = func.extract("epoch", func.clock_timestamp() - s.began_at)
    found = (await conn.execute(select(since).where(s.job_id == job_id, s.name == step))).scalar_one_or_none()
    return float(found or 0)
