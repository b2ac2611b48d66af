"""What runs by itself: schedules as they are shown, and the changes of them that a person may make."""

from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.people import Principal
from bot.replies import Column, Part, Reply, Table, Text
from scheduler.crons import CronError, read_cron
from storage import schedules
from storage.schedules import Schedule

Verb = Literal["pause", "resume", "remove"]
_COLUMNS = (
    Column("schedule", "schedule"),
    Column("kind", "does"),
    Column("when", "when"),
    Column("next", "next", "time"),
    Column("last", "last", "time"),
    Column("outcome", "outcome"),
    Column("owner", "owner"),
)
_DONE = {"pause": "is paused", "resume": "runs again", "remove": "is removed"}


async def schedules_part(conn: AsyncConnection, who: Principal, now: datetime) -> list[Part]:
    """Those that somebody may see: all for whoever sees everything, else their own."""
    found = [one for one in await schedules.all_schedules(conn) if who.scope.everything or one.owner == who.id]
    if not found:
        return []
    last = await schedules.last_outcomes(conn, [one.name for one in found])
    rows = []
    for one in found:
        tick, outcome = last.get(one.name, (None, ""))
        rows.append((one.name, one.kind.replace("_", " "), f"{one.cron} {one.zone}", next_run(one, now),
                     tick.isoformat() if tick else None, outcome or None, one.owner))  # fmt: skip
    return [Table(_COLUMNS, tuple(rows), len(rows), "Runs by itself")]


def next_run(schedule: Schedule, now: datetime) -> str | None:
    """ISO 8601 in UTC; None where it is paused or cannot be read."""
    try:
        return read_cron(schedule.cron, schedule.zone).after(now).isoformat() if schedule.enabled else None
    except CronError:
        return None


async def edit(conn: AsyncConnection, who: Principal, verb: Verb, name: str) -> Reply:
    """Pause, resume or remove a schedule: its owner may, and an administrator of everything."""
    found = await schedules.one(conn, name)
    may = who.everywhere & {"admin", "superadmin"} or (found is not None and found.owner == who.id)
    if found is None or not (may or who.scope.everything):
        return Reply((Text(f"There is no schedule “{name}”.", "heading"), Text("Say: jobs")), "not_found")
    if not may:
        told = Text(f"{found.owner}, or an administrator of everything, can.")
        return Reply((Text(f"You may not {verb} “{name}”.", "heading"), told), "not_allowed")
    if verb == "remove":
        done = await schedules.remove(conn, name, who.id)
    else:
        done = await schedules.enable(conn, name, verb == "resume", who.id)
    told = Text(f"“{name}” {_DONE[verb]}." if done else f"“{name}” {_DONE[verb]} already.", "heading")
    return Reply((told,), scope=f"schedule {name}")
