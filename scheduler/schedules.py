"""Schedules of the database on the clock of this process: loaded again when they change, caught up after an outage."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from scheduler.clock import Clock
from scheduler.crons import Cron, CronError, read_cron
from storage import schedules
from storage.database import Database, StorageUnavailable
from storage.schedules import Schedule

log = structlog.get_logger(__name__)
_AWAY = (StorageUnavailable, SQLAlchemyError, OSError)
_LATE = timedelta(seconds=90)
_MOST_AT_ONCE = 100  # of `all`: the newest of what was missed


def _now() -> datetime:
    return datetime.now(UTC)


class ScheduleClock:
    """Any number of processes have one: a tick is on record once, and so is its work.

    What was missed while nobody noticed it is handled by the schedule's policy: `skip` leaves it out, `once` does the
    latest of it, `all` does each, up to a hundred.
    """

    def __init__(self, database: Database, *, look_every_s: float = 2.0, now: Callable[[], datetime] = _now) -> None:
        self._database = database
        self._look_every_s = look_every_s
        self._now = now
        self._known: Mapping[str, tuple[Schedule, Cron]] = {}
        self._version: tuple[int, datetime | None] | None = None
        self._behind = True
        self._asking: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        clock, away = Clock(self._tick, self._spawn), False
        clock.start()
        try:
            while not stop.is_set():
                try:
                    await self.look(clock)
                    away = False
                except _AWAY as error:
                    if not away:
                        log.error("schedules.away", error=type(error).__name__)
                    away = self._behind = True
                await _pause(stop, self._look_every_s)
        finally:
            clock.shutdown()
            await asyncio.gather(*self._asking, return_exceptions=True)

    async def look(self, clock: Clock) -> None:
        """Load what changed, and catch up after a start or an outage."""
        async with self._database.connect() as conn:
            version = await schedules.version(conn)
            found = await schedules.all_schedules(conn) if version != self._version or self._behind else None
        if found is not None:
            self._put_on(clock, found)
            self._version = version
        if self._behind:
            for schedule, cron in self._known.values():
                await self._catch_up(schedule, cron)
            self._behind = False

    def _put_on(self, clock: Clock, found: list[Schedule]) -> None:
        """Before what was missed is looked for: so nothing falls between."""
        before, self._known = self._known, _readable(found)
        for name in before.keys() - self._known.keys():
            clock.drop(name)
        for name, (schedule, cron) in self._known.items():
            old = before.get(name)
            if old is None or old[0].changed_at != schedule.changed_at:
                clock.set_cron(name, cron)

    async def _catch_up(self, schedule: Schedule, cron: Cron) -> None:
        begin = schedule.last_tick or schedule.changed_at
        if begin is None:
            return
        most = _MOST_AT_ONCE if schedule.catch_up == "all" else 1
        missed = cron.between(begin, self._now(), most)
        if not missed:
            return
        log.warning("schedules.missed", schedule=schedule.name, latest=missed[-1].isoformat(), policy=schedule.catch_up)
        async with self._database.begin() as conn:
            if schedule.catch_up == "skip":
                await schedules.pass_over(conn, schedule, missed[-1])
            else:
                for tick in missed:
                    await schedules.note_tick(conn, schedule, tick)

    async def _tick(self, name: str, tick: datetime) -> None:
        known = self._known.get(name)
        if known is None:
            return
        if self._now() - tick > _LATE:  # the process slept: the policy decides
            self._behind = True
            return
        try:
            async with self._database.begin() as conn:
                await schedules.note_tick(conn, known[0], tick)
        except _AWAY:
            self._behind = True  # caught up when the database is back

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)


def _readable(found: list[Schedule]) -> dict[str, tuple[Schedule, Cron]]:
    """Those that are to run; one that cannot be read, which only another hand can have written, is told and left."""
    kept: dict[str, tuple[Schedule, Cron]] = {}
    for schedule in found:
        if not schedule.enabled:
            continue
        try:
            kept[schedule.name] = (schedule, read_cron(schedule.cron, schedule.zone))
        except CronError as error:
            log.error("schedules.unreadable", schedule=schedule.name, what=error.what)
    return kept


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
