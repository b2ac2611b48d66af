"""The clock: APScheduler in memory in every process, without a leader.

A tick is named by its scheduled time, which is the same in every process because intervals have a fixed anchor and
cron expressions are read alike; asking for a run twice under one name is asking once.
"""

import zlib
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_SUBMITTED, JobSubmissionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from scheduler.crons import Cron

Ask = Callable[[str, datetime], Coroutine[Any, Any, None]]
Spawn = Callable[[Coroutine[Any, Any, None]], object]
ANCHOR = datetime(2000, 1, 1, tzinfo=UTC)


class Clock:
    """Hands `ask(name, scheduled time)` to `spawn` at every tick of what was added. Started by `start`."""

    def __init__(self, ask: Ask, spawn: Spawn) -> None:
        self._clock = AsyncIOScheduler(timezone=UTC)
        self._ask = ask
        self._spawn = spawn
        self._clock.add_listener(self._submitted, EVENT_JOB_SUBMITTED)

    def add_interval(self, name: str, every_s: int) -> None:
        """Ticks that were missed while the process slept become one."""
        trigger = IntervalTrigger(seconds=every_s, start_date=first_tick(name, every_s), timezone=UTC)
        self._clock.add_job(_nothing, trigger, id=name, coalesce=True, misfire_grace_time=every_s)

    def set_cron(self, name: str, cron: Cron) -> None:
        """In the place of an earlier one with this name. Late ticks are told all the same, each with its time."""
        self._clock.add_job(
            _nothing, _Due(cron), id=name, replace_existing=True, coalesce=False, misfire_grace_time=None,
            max_instances=1000,
        )  # fmt: skip

    def drop(self, name: str) -> None:
        if self._clock.get_job(name) is not None:
            self._clock.remove_job(name)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(job.id for job in self._clock.get_jobs())

    def start(self) -> None:
        self._clock.start()

    def shutdown(self) -> None:
        self._clock.shutdown(wait=False)

    def _submitted(self, event: JobSubmissionEvent) -> None:
        for scheduled in event.scheduled_run_times:
            self._spawn(self._ask(event.job_id, scheduled.astimezone(UTC)))


class _Due(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """A cron expression as APScheduler asks for it."""

    def __init__(self, cron: Cron) -> None:
        self._cron = cron

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return self._cron.after(previous_fire_time or now)


def first_tick(source: str, every_s: int) -> datetime:
    """The anchor of a source's ticks: spread over the interval by its name, the same in every process."""
    return ANCHOR + timedelta(seconds=zlib.crc32(source.encode()) % every_s)


def make_clock(sources: Sequence[str], every_s: int, ask: Ask, spawn: Spawn) -> Clock:
    """A clock of the syncs of these sources; not started yet."""
    clock = Clock(ask, spawn)
    for source in sources:
        clock.add_interval(source, every_s)
    return clock


async def _nothing() -> None:
    """The listener does the work: only the event knows the scheduled time, and `now` differs between processes."""
