"""The clock: APScheduler in memory in every process, without a leader.

A tick is named by its scheduled time, which is the same in every process because the intervals have a fixed anchor;
asking for a run twice under one name is asking once.
"""

import zlib
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_SUBMITTED, JobSubmissionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

Ask = Callable[[str, datetime], Coroutine[Any, Any, None]]
Spawn = Callable[[Coroutine[Any, Any, None]], object]
ANCHOR = datetime(2000, 1, 1, tzinfo=UTC)


def first_tick(source: str, every_s: int) -> datetime:
    """The anchor of a source's ticks: spread over the interval by its name, the same in every process."""
    return ANCHOR + timedelta(seconds=zlib.crc32(source.encode()) % every_s)


def make_clock(sources: Sequence[str], every_s: int, ask: Ask, spawn: Spawn) -> AsyncIOScheduler:
    """A clock that hands `ask(source, scheduled time)` to `spawn` at every tick; not started yet.

    Ticks that were missed while the process slept become one.
    """
    clock = AsyncIOScheduler(timezone=UTC)
    for source in sources:
        trigger = IntervalTrigger(seconds=every_s, start_date=first_tick(source, every_s), timezone=UTC)
        clock.add_job(_nothing, trigger, id=source, coalesce=True, misfire_grace_time=every_s)

    def submitted(event: JobSubmissionEvent) -> None:
        for scheduled in event.scheduled_run_times:
            spawn(ask(event.job_id, scheduled.astimezone(UTC)))

    clock.add_listener(submitted, EVENT_JOB_SUBMITTED)
    return clock


async def _nothing() -> None:
    """The listener does the work: only the event knows the scheduled time, and `now` differs between processes."""
