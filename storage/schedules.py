"""Schedules and their ticks: a tick is on record once, whoever noticed it, and enqueued with its record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import audit
from storage.change_tables import schedule, schedule_tick
from storage.queues import TICKS, enqueue

WORKFLOW = "tick"


@dataclass(frozen=True, slots=True)
class Schedule:
    """`cron` has five fields in the time zone `zone`; `catch_up` is skip, once or all."""

    name: str
    kind: str
    cron: str
    owner: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    zone: str = "UTC"
    catch_up: str = "once"
    enabled: bool = True
    surface: str = ""
    channel: str = ""
    changed_at: datetime | None = None
    last_tick: datetime | None = None


_COLUMNS = tuple(schedule.c[f.name] for f in fields(Schedule))
_SET_BY_US = ("changed_at", "last_tick")


async def all_schedules(conn: AsyncConnection) -> list[Schedule]:
    rows = (await conn.execute(select(*_COLUMNS).order_by(schedule.c.name))).mappings()
    return [Schedule(**row) for row in rows]


async def one(conn: AsyncConnection, name: str) -> Schedule | None:
    row = (await conn.execute(select(*_COLUMNS).where(schedule.c.name == name))).mappings().first()
    return Schedule(**row) if row else None


async def version(conn: AsyncConnection) -> tuple[int, datetime | None]:
    """Another value whenever a schedule was added, changed or removed."""
    row = (await conn.execute(select(func.count(), func.max(schedule.c.changed_at)))).one()
    return int(row[0]), row[1]


async def save(conn: AsyncConnection, given: Schedule, by: str) -> None:
    """Add it, or put it in the place of the one with its name; it counts from now. Checked by the caller."""
    values = {f.name: getattr(given, f.name) for f in fields(Schedule) if f.name not in _SET_BY_US}
    values = {**values, "arguments": dict(given.arguments), "changed_at": func.clock_timestamp(), "last_tick": None}
    query = upsert(schedule).values(**values)
    await conn.execute(query.on_conflict_do_update(index_elements=["name"], set_=values))
    await audit.record(
        conn, person=by, action="schedule.set", target=given.name, outcome="done",
        detail={"kind": given.kind, "cron": given.cron, "zone": given.zone, "enabled": given.enabled},
    )  # fmt: skip


async def enable(conn: AsyncConnection, name: str, on: bool, by: str) -> bool:
    """False: there is none, or it is so already. What it missed while it was paused stays missed."""
    values = {"enabled": on, "changed_at": func.clock_timestamp(), "last_tick": None}
    query = update(schedule).where(schedule.c.name == name, schedule.c.enabled.is_not(on)).values(**values)
    if not (await conn.execute(query)).rowcount:
        return False
    action = "schedule.resume" if on else "schedule.pause"
    await audit.record(conn, person=by, action=action, target=name, outcome="done")
    return True


async def remove(conn: AsyncConnection, name: str, by: str) -> bool:
    if not (await conn.execute(delete(schedule).where(schedule.c.name == name))).rowcount:
        return False
    await audit.record(conn, person=by, action="schedule.remove", target=name, outcome="done")
    return True


async def note_tick(conn: AsyncConnection, known: Schedule, tick: datetime) -> bool:
    """Put a tick on record and enqueue its work; False when it is there already, or the schedule has changed
    meanwhile, or the tick lies further ahead of the database's clock than clocks may differ."""
    s = schedule.c
    allowed = tick <= func.clock_timestamp() + text("interval '15 minutes'")
    held = select(s.name).where(s.name == known.name, s.enabled, s.changed_at == known.changed_at, allowed)
    if (await conn.execute(held.with_for_update())).first() is None:
        return False
    noted = upsert(schedule_tick).values(schedule=known.name, tick=tick).on_conflict_do_nothing()
    if not (await conn.execute(noted)).rowcount:
        return False
    await _count_from(conn, known.name, tick)
    argument = {"schedule": known.name, "tick": tick.isoformat()}
    await enqueue(conn, TICKS, WORKFLOW, f"sched:{known.name}:{tick.isoformat()}", argument)
    return True


async def pass_over(conn: AsyncConnection, known: Schedule, tick: datetime) -> None:
    """Ticks up to this one stay missed."""
    await _count_from(conn, known.name, tick)


async def _count_from(conn: AsyncConnection, name: str, tick: datetime) -> None:
    latest = func.greatest(schedule.c.last_tick, tick)
    await conn.execute(update(schedule).where(schedule.c.name == name).values(last_tick=latest))


async def open_tick(conn: AsyncConnection, name: str, tick: datetime) -> Schedule | None:
    """The schedule of a tick whose work was not done yet, held until the transaction ends; None: it was, or is gone."""
    t = schedule_tick.c
    query = select(t.outcome).where(t.schedule == name, t.tick == tick).with_for_update()
    outcome = (await conn.execute(query)).scalar_one_or_none()
    return await one(conn, name) if outcome == "" else None


async def end_tick(conn: AsyncConnection, name: str, tick: datetime, outcome: str, job_id: int | None) -> None:
    t = schedule_tick.c
    values = {"outcome": outcome or "done", "job_id": job_id}
    await conn.execute(update(schedule_tick).where(t.schedule == name, t.tick == tick).values(**values))


async def last_outcomes(conn: AsyncConnection, names: Sequence[str]) -> dict[str, tuple[datetime, str]]:
    """The last tick of each and what came of it; empty words: it is not done."""
    t = schedule_tick.c
    query = select(t.schedule, t.tick, t.outcome).where(t.schedule.in_(list(names))).distinct(t.schedule)
    rows = await conn.execute(query.order_by(t.schedule, t.tick.desc()))
    return {name: (tick, outcome) for name, tick, outcome in rows}
