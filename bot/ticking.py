"""What the ticks of schedules do: the plan that is due is asked for, as the schedule's owner would."""

import asyncio
import contextlib
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.changes import requests as changes
from engines.drills import ticks as drills
from engines.plans import Plan
from engines.restore.wishes import House
from engines.snapshots import ticks as snapshots
from scheduler.ticking import Ticked, Ticks
from storage.database import Database, StorageUnavailable
from storage.schedules import Schedule

log = structlog.get_logger(__name__)
_KEEP_EVERY_S = 60.0


def ticks(house: House) -> Ticks:
    """By the kind of the schedule. `house` is what an admin allows restores."""
    return {
        snapshots.KIND: _snapshot_run,
        snapshots.COVERAGE_KIND: _coverage,
        drills.KIND: partial(_drill, house=house),
    }


async def _snapshot_run(conn: AsyncConnection, schedule: Schedule, tick: datetime) -> Ticked:
    plan = await snapshots.plan_tick(conn, schedule, tick)
    return Ticked("nothing was due") if plan is None else await _asked(conn, schedule, plan)


async def _drill(conn: AsyncConnection, schedule: Schedule, tick: datetime, house: House) -> Ticked:
    """Raises CannotPlanError."""
    return await _asked(conn, schedule, await drills.plan_tick(conn, schedule, tick, house))


async def _asked(conn: AsyncConnection, schedule: Schedule, plan: Plan) -> Ticked:
    asker = changes.Asker(f"schedule:{schedule.name}", plan.title)
    done = await changes.submit(conn, plan, asker, changes.Place(schedule.surface, schedule.channel))
    if done.request is None:
        return Ticked(f"not begun: {done.refused.what if done.refused else 'it was refused'}")
    return Ticked(f"{plan.title}: {done.request.name}", done.request.job_id)


async def _coverage(conn: AsyncConnection, schedule: Schedule, tick: datetime) -> Ticked:
    return Ticked(await snapshots.record_tick(conn, schedule, tick))


class Schedules:
    """Keeps a schedule for each snapshot policy in use."""

    def __init__(self, database: Database, every_s: float = _KEEP_EVERY_S) -> None:
        self._database = database
        self._every_s = every_s

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with self._database.begin() as conn:
                    changed = await snapshots.ensure_schedules(conn)
                if changed:
                    log.info("schedules.kept", changed=changed)
            except StorageUnavailable as away:
                log.warning("schedules.no_database", what=away.what)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every_s)
