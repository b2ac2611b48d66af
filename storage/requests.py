"""Requests: plans that somebody asked to be run, and who decided on them. The row decides, not the message."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import passwords
from storage.change_tables import job, request, request_vote
from storage.json_texts import clean_text, json_value
from storage.notice_tables import request_notice
from storage.scopes import Scope

OPEN = ("pending", "approved", "running")
_UNDONE = ("denied", "withdrawn", "expired", "changed")
"""States of requests of which nothing came: they count for no daily cap."""


@dataclass(frozen=True, slots=True)
class Request:
    """A row of `request`; `overdue` by the clock of the database: nobody may decide on it any more."""

    id: int
    token: str
    kind: str
    plan: Mapping[str, Any]
    digest: str
    asker: str
    said: str
    surface: str
    channel: str
    conversation: str
    source: str | None
    project_id: str | None
    mode: str
    needed: int
    approver_role: str
    state: str
    created_at: datetime
    approve_by: datetime
    run_within_s: int
    run_by: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    reason: str
    break_glass: bool
    reminded_at: datetime | None
    ended_at: datetime | None
    job_id: int | None
    overdue: bool

    @property
    def name(self) -> str:
        """What people call it."""
        return f"REQ-{self.id}"


@dataclass(frozen=True, slots=True)
class Vote:
    person: str
    verdict: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class JobRow:
    """As much of a job as a card tells."""

    id: int
    state: str
    asked_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    progress: Mapping[str, Any]
    outcome: Mapping[str, Any]
    error: str
    fix: str
    cancel_by: str | None
    cancel_at: datetime | None
    plan: Mapping[str, Any]


_OVERDUE = (request.c.approve_by <= func.clock_timestamp()).label("overdue")
_COLUMNS = (*request.c, _OVERDUE)


async def add(conn: AsyncConnection, values: Mapping[str, Any], *, approve_within: timedelta) -> Request:
    """A new request, pending; it expires by the clock of the database."""
    now = func.clock_timestamp()
    said, plan = clean_text(values["said"]), json_value(values["plan"])
    row = {**values, "said": said, "plan": plan, "created_at": now, "approve_by": now + approve_within}
    made = await conn.execute(insert(request).values(**row).returning(*_COLUMNS))
    return Request(**made.mappings().one())


async def find(conn: AsyncConnection, ref: str | int, *, lock: bool = False) -> Request | None:
    """By its token (32 hex digits) or its number. `lock`: nobody else decides until the transaction ends."""
    known = request.c.id == ref if isinstance(ref, int) else request.c.token == clean_text(ref)
    if isinstance(ref, int) and not 0 < ref < 2**63:
        return None
    query = select(*_COLUMNS).where(known)
    row = (await conn.execute(query.with_for_update() if lock else query)).mappings().first()
    return Request(**row) if row else None


async def several(conn: AsyncConnection, ids: Sequence[int]) -> list[Request]:
    rows = await conn.execute(select(*_COLUMNS).where(request.c.id.in_(ids)).order_by(request.c.id))
    return [Request(**row) for row in rows.mappings()]


async def votes(conn: AsyncConnection, id_: int) -> list[Vote]:
    v = request_vote.c
    query = select(v.person, v.verdict, v.at, v.reason).where(v.request_id == id_).order_by(v.at, v.person)
    return [Vote(**row) for row in (await conn.execute(query)).mappings()]


async def vote(
    conn: AsyncConnection, id_: int, person: str, verdict: str, *, surface: str, account: str, reason: str
) -> bool:
    """False when this person has decided already, through whichever account."""
    values = {"request_id": id_, "person": person, "verdict": verdict, "at": func.clock_timestamp()}
    values |= {"surface": surface, "account": clean_text(account), "reason": clean_text(reason)}
    return (await conn.execute(upsert(request_vote).values(**values).on_conflict_do_nothing())).rowcount == 1


async def decide(
    conn: AsyncConnection, id_: int, state: str, by: str, reason: str, *, break_glass: bool = False
) -> Request | None:
    """The one way out of pending, for whoever comes first and in time; None for everybody else."""
    now, r = func.clock_timestamp(), request.c
    values: dict[str, Any] = {"state": state, "decided_at": now, "decided_by": by, "reason": clean_text(reason)}
    values["break_glass"] = break_glass
    if state == "approved":
        values["run_by"] = now + func.make_interval(0, 0, 0, 0, 0, 0, r.run_within_s)
    else:
        values["ended_at"] = now
    in_time = r.approve_by <= now if state == "expired" else r.approve_by > now
    query = update(request).where(r.id == id_, r.state == "pending", in_time).values(**values)
    row = (await conn.execute(query.returning(*_COLUMNS))).mappings().first()
    return Request(**row) if row else None


async def set_job(conn: AsyncConnection, id_: int, job_id: int) -> None:
    await conn.execute(update(request).where(request.c.id == id_).values(job_id=job_id))


async def begin(conn: AsyncConnection, job_id: int) -> bool:
    """The job of an approved request has begun."""
    query = update(request).where(request.c.job_id == job_id, request.c.state == "approved")
    return (await conn.execute(query.values(state="running"))).rowcount == 1


async def end(conn: AsyncConnection, id_: int, state: str) -> bool:
    """What came of an approved request: done, failed, cancelled, unsure or expired."""
    kept = (request.c.id == id_, request.c.state.in_(("approved", "running")))
    values = {"state": state, "ended_at": func.clock_timestamp()}
    return (await conn.execute(update(request).where(*kept).values(**values))).rowcount == 1


async def of_job(conn: AsyncConnection, job_id: int) -> Request | None:
    row = (await conn.execute(select(*_COLUMNS).where(request.c.job_id == job_id))).mappings().first()
    return Request(**row) if row else None


async def asked_lately(conn: AsyncConnection, asker: str, kind: str) -> int:
    """How many of a kind this person asked for in the last 24 hours, without those that came to nothing."""
    r = request.c
    recent = r.created_at > func.clock_timestamp() - timedelta(hours=24)
    query = select(func.count()).where(r.asker == asker, r.kind == kind, recent, r.state.not_in(_UNDONE))
    return int((await conn.execute(query)).scalar_one())


async def overdue(conn: AsyncConnection, limit: int) -> list[int]:
    """Pending requests whose time is over."""
    kept = (request.c.state == "pending", request.c.approve_by <= func.clock_timestamp())
    return list(await conn.scalars(select(request.c.id).where(*kept).order_by(request.c.id).limit(limit)))


async def unbegun(conn: AsyncConnection, limit: int) -> list[int]:
    """Approved requests whose job has not begun in time."""
    late = and_(request.c.run_by <= func.clock_timestamp(), request.c.state == "approved", job.c.state == "waiting")
    query = select(request.c.id).join(job, job.c.id == request.c.job_id).where(late)
    return list(await conn.scalars(query.order_by(request.c.id).limit(limit)))


async def stop_unbegun(conn: AsyncConnection, job_id: int) -> bool:
    """The job never begins, unless it just did."""
    kept = (job.c.id == job_id, job.c.state == "waiting", job.c.run_by <= func.clock_timestamp())
    values = {"state": "cancelled", "ended_at": func.clock_timestamp(), "error": "it was not begun in time"}
    return (await conn.execute(update(job).where(*kept).values(**values))).rowcount == 1


async def half_over(conn: AsyncConnection) -> list[int]:
    """Marks the pending requests of which half the time is over, once each; their ids."""
    r, now = request.c, func.clock_timestamp()
    waits = (r.state == "pending", r.mode == "approve", r.reminded_at.is_(None), r.approve_by > now)
    half = now - r.created_at >= r.approve_by - now
    query = update(request).where(*waits, half).values(reminded_at=now).returning(r.id)
    return sorted(await conn.scalars(query))


async def job_of(conn: AsyncConnection, id_: int) -> JobRow | None:
    columns = (getattr(job.c, name) for name in JobRow.__slots__)
    row = (await conn.execute(select(*columns).where(job.c.id == id_))).mappings().first()
    return JobRow(**row) if row else None


_WITHIN = text(
    "(jsonb_array_length(request.plan -> 'targets') > 0 AND NOT EXISTS ("
    "SELECT FROM jsonb_array_elements(request.plan -> 'targets') AS t"
    " WHERE NOT (t ->> 'source') || chr(31) || coalesce(t ->> 'project_id', '') = ANY(CAST(:mine AS text[]))))"
)


def _visible(scope: Scope, person: str) -> ColumnElement[bool]:
    """One's own; and those that change nothing outside of what one may see."""
    own = request.c.asker == person
    if scope.everything:
        return request.c.id.is_not(None)
    return or_(own, _WITHIN.bindparams(mine=_pairs(scope)))


def _pairs(scope: Scope) -> list[str]:
    return [f"{source}\x1f{project}" for source, project in sorted(scope.projects)]


async def listed(
    conn: AsyncConnection, scope: Scope, person: str, *, states: Collection[str] = OPEN, limit: int = 200
) -> list[Request]:
    """Those that this person may see, newest first."""
    query = select(*_COLUMNS).where(request.c.state.in_(states), _visible(scope, person))
    rows = await conn.execute(query.order_by(request.c.id.desc()).limit(limit))
    return [Request(**row) for row in rows.mappings()]


async def seen(conn: AsyncConnection, scope: Scope, person: str, id_: int) -> Request | None:
    """The request, when this person may see it."""
    query = select(*_COLUMNS).where(request.c.id == id_, _visible(scope, person))
    row = (await conn.execute(query)).mappings().first()
    return Request(**row) if row else None


async def untold(conn: AsyncConnection, surface: str, what: str, limit: int) -> list[int]:
    """Requests of which nobody was told yet, on this way out, that they were asked, are half over, were
    broken, or brought a password that can be shown."""
    r, n = request.c, request_notice.c
    waits = and_(r.mode == "approve", r.state == "pending", r.approve_by > func.clock_timestamp())
    due = {
        "asked": waits,
        "reminded": and_(waits, r.reminded_at.is_not(None)),
        "password": r.job_id.in_(passwords.waiting()),
        "broken": and_(r.break_glass, r.decided_at > func.clock_timestamp() - timedelta(days=1)),
    }[what]
    told = select(n.request_id).where(n.request_id == r.id, n.surface == surface, n.what == what)
    query = select(r.id).where(due, ~told.exists()).order_by(r.id).limit(limit)
    return list(await conn.scalars(query))


async def tell(conn: AsyncConnection, id_: int, surface: str, what: str) -> bool:
    """False when another process told it."""
    values = {"request_id": id_, "surface": surface, "what": what}
    return (await conn.execute(upsert(request_notice).values(**values).on_conflict_do_nothing())).rowcount == 1
