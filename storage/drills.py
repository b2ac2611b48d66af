"""Restore drills on record: what came of each VM, and the targets that an admin set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import audit
from storage.change_tables import job, job_step
from storage.drill_tables import drill_target, drill_vm
from storage.filters import Ref
from storage.scopes import Scope

ENDED = ("passed", "unproven", "failed")
"""Outcomes that tell something of a VM's backups; a drill that was cut off tells nothing."""


@dataclass(frozen=True, slots=True)
class Drilled:
    """What came of one VM in one drill. `outcome` is open, passed, unproven, failed, or how the job ended that was cut
    off before it came to this VM's end. `checks` are {name, well, detail}; `left` what its job could not take away."""

    job_id: int
    number: int
    source: str
    project_id: str
    vm_id: str
    vm: str
    point_at: datetime | None
    point: str
    began_at: datetime
    age_s: float | None
    restored_s: float | None
    checks: Sequence[Mapping[str, Any]]
    outcome: str
    reason: str
    ended_at: datetime | None
    asked_by: str = ""
    demo: bool = False
    left: Sequence[Mapping[str, Any]] = ()

    @property
    def ref(self) -> Ref:
        return self.source, self.vm_id

    @property
    def name(self) -> str:
        return f"JOB-{self.job_id}"


@dataclass(frozen=True, slots=True)
class Window:
    """Which drills; empty fields are no condition."""

    vms: tuple[Ref, ...] = ()
    projects: tuple[Ref, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    jobs: tuple[int, ...] = ()
    outcomes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """A VM whose drill begins. `outcome` and `reason` are given for one that cannot be drilled at all."""

    job_id: int
    number: int
    source: str
    project_id: str
    vm_id: str
    vm: str
    point_at: datetime | None = None
    point: str = ""
    outcome: str = "open"
    reason: str = ""


async def begin(conn: AsyncConnection, given: Begun) -> None:
    """Its time counts from here, however often this is called."""
    values: dict[str, Any] = {name: getattr(given, name) for name in Begun.__dataclass_fields__}
    if given.point_at is not None:
        values["age_s"] = func.extract("epoch", func.clock_timestamp() - given.point_at)
    if given.outcome != "open":
        values["ended_at"] = func.clock_timestamp()
    await conn.execute(insert(drill_vm).values(**values).on_conflict_do_nothing())


async def end(
    conn: AsyncConnection,
    job_id: int,
    number: int,
    outcome: str,
    reason: str = "",
    checks: Sequence[Mapping[str, Any]] = (),
    *,
    idle_s: float | None = None,
) -> None:
    """What came of a VM. With `idle_s` it runs, since so many seconds: the time of its restore is what lies before."""
    d = drill_vm.c
    took = func.extract("epoch", func.clock_timestamp() - d.began_at)
    values = {
        "outcome": outcome, "reason": reason, "checks": [dict(one) for one in checks],
        "restored_s": None if idle_s is None else func.greatest(took - idle_s, 0),
        "ended_at": func.clock_timestamp(),
    }  # fmt: skip
    await conn.execute(update(drill_vm).where(d.job_id == job_id, d.number == number).values(**values))


def _in_scope(scope: Scope) -> list[ColumnElement[bool]]:
    if scope.everything:
        return []
    return [tuple_(drill_vm.c.source, drill_vm.c.project_id).in_(sorted(scope.projects))]


def _outcome() -> ColumnElement[str]:
    """Of a VM whose job ended before it: how that ended."""
    cut_off = (drill_vm.c.outcome == "open") & job.c.ended_at.is_not(None)
    return case((cut_off, case((job.c.state == "done", "failed"), else_=job.c.state)), else_=drill_vm.c.outcome)


def _query(scope: Scope, window: Window) -> Select[Any]:
    d = drill_vm.c
    kept = _in_scope(scope)
    if window.vms:
        kept.append(tuple_(d.source, d.vm_id).in_(window.vms))
    if window.projects:
        kept.append(tuple_(d.source, d.project_id).in_(window.projects))
    if window.since is not None:
        kept.append(d.began_at >= window.since)
    if window.until is not None:
        kept.append(d.began_at < window.until)
    if window.jobs:
        kept.append(d.job_id.in_(window.jobs))
    if window.outcomes:
        kept.append(d.outcome.in_(window.outcomes))
    plain = [column for column in drill_vm.columns if column.name not in ("outcome", "reason")]
    reason = case((d.reason != "", d.reason), else_=job.c.error).label("reason")
    return (
        select(
            *plain, _outcome().label("outcome"), reason, job.c.asked_by,
            (job.c.plan["demo"].astext == "true").label("demo"), job.c.outcome["left"].label("left"),
        )
        .select_from(drill_vm.join(job, job.c.id == d.job_id))
        .where(*kept)
    )  # fmt: skip


def step_prefix(number: int) -> str:
    """How the names of a VM's steps begin."""
    return f"VM {number} "


def _drilled(row: RowMapping) -> Drilled:
    """What is left of the drill is told with the VM that it is of."""
    told = dict(row)
    prefix = step_prefix(told["number"])
    left = tuple(one for one in told.pop("left") or () if str(one.get("step", "")).startswith(prefix))
    passed = told["outcome"] in ("passed", "unproven")
    return Drilled(**{**told, "demo": bool(told["demo"]), "left": left, "reason": "" if passed else told["reason"]})


async def latest(conn: AsyncConnection, scope: Scope, projects: Sequence[Ref] = ()) -> dict[Ref, Drilled]:
    """The last drill of each VM that came to an end, by (source, id of the VM)."""
    d = drill_vm.c
    query = _query(scope, Window(projects=tuple(projects), outcomes=ENDED)).ext(distinct_on(d.source, d.vm_id))
    rows = await conn.execute(query.order_by(d.source, d.vm_id, d.began_at.desc(), d.job_id.desc()))
    return {(one.source, one.vm_id): one for one in map(_drilled, rows.mappings())}


async def history(conn: AsyncConnection, scope: Scope, window: Window, limit: int = 500) -> list[Drilled]:
    """The newest first; the VMs of one drill in its order."""
    d = drill_vm.c
    query = _query(scope, window).order_by(d.job_id.desc(), d.number).limit(limit)
    return [_drilled(row) for row in (await conn.execute(query)).mappings()]


async def steps_of(conn: AsyncConnection, job_id: int, number: int) -> list[tuple[str, float]]:
    """(step, seconds) of a VM, of those that have ended."""
    s = job_step.c
    took = func.extract("epoch", s.ended_at - s.began_at)
    query = select(s.name, took).where(
        s.job_id == job_id, s.ended_at.is_not(None), s.name.startswith(step_prefix(number), autoescape=True)
    )
    rows = await conn.execute(query.order_by(s.number))
    return [(name.removeprefix(step_prefix(number)), float(seconds)) for name, seconds in rows]


@dataclass(frozen=True, slots=True)
class Target:
    """How long a restore may take, and how old its data may be; None: no target. Without a place it holds wherever no
    other one does."""

    rto_minutes: float | None = None
    rpo_hours: float | None = None
    source: str = ""
    project_id: str = ""

    @property
    def place(self) -> Ref:
        return self.source, self.project_id


@dataclass(frozen=True, slots=True)
class Targets:
    by_place: Mapping[Ref, Target] = field(default_factory=dict)

    def of(self, source: str, project_id: str) -> Target:
        """Of a project: its own, else the one of everywhere, else none. Each of the two may come from either."""
        own = self.by_place.get((source, project_id), Target())
        every = self.by_place.get(("", ""), Target())
        rto = own.rto_minutes if own.rto_minutes is not None else every.rto_minutes
        return Target(rto, own.rpo_hours if own.rpo_hours is not None else every.rpo_hours, source, project_id)


async def targets(conn: AsyncConnection) -> Targets:
    t = drill_target.c
    query = select(t.rto_minutes, t.rpo_hours, t.source, t.project_id).order_by(t.source, t.project_id)
    found = [Target(**row) for row in (await conn.execute(query)).mappings()]
    return Targets({one.place: one for one in found})


async def set_target(conn: AsyncConnection, target: Target, by: str) -> None:
    """In the place of the one that was there. Checked by the caller."""
    values = {"rto_minutes": target.rto_minutes, "rpo_hours": target.rpo_hours, "by": by,
              "at": func.clock_timestamp()}  # fmt: skip
    query = insert(drill_target).values(source=target.source, project_id=target.project_id, **values)
    await conn.execute(query.on_conflict_do_update(index_elements=["source", "project_id"], set_=values))
    await audit.record(
        conn, person=by, action="drill.target.set", target="/".join(filter(None, target.place)) or "everywhere",
        outcome="done", detail={"rto_minutes": target.rto_minutes, "rpo_hours": target.rpo_hours},
    )  # fmt: skip


async def remove_target(conn: AsyncConnection, place: Ref, by: str) -> bool:
    """False: there was none."""
    t = drill_target.c
    if not (await conn.execute(delete(drill_target).where(t.source == place[0], t.project_id == place[1]))).rowcount:
        return False
    where = "/".join(filter(None, place)) or "everywhere"
    await audit.record(conn, person=by, action="drill.target.remove", target=where, outcome="done")
    return True
