"""When each wave runs, as the schedule has it, and what a planner should look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from engines.migration.records import Key
from engines.migration.schedules import Row, Schedule
from engines.migration.waves import Wave


@dataclass(frozen=True, slots=True)
class WaveTimes:
    """`first_down_at` is when the first VM is shut down; `days` are calendar days from start to end, both counted."""

    wave: int
    start_at: datetime
    first_down_at: datetime
    end_at: datetime
    days: int
    longest_down_s: float
    warnings: tuple[str, ...] = ()


def wave_times(
    waves: Sequence[Wave], rows: Mapping[Key, Row], schedule: Schedule, meant_days: int | None = None
) -> tuple[WaveTimes, ...]:
    """`meant_days`: a wave that takes more is told of."""
    return tuple(_times(wave, [rows[key] for key in wave.keys], schedule, meant_days) for wave in waves)


def _times(wave: Wave, rows: Sequence[Row], schedule: Schedule, meant_days: int | None) -> WaveTimes:
    calendar = schedule.calendar
    zone = ZoneInfo(calendar.zone)
    start, end = calendar.at(min(row.start_s for row in rows)), calendar.at(max(row.end_s for row in rows))
    days = (end.astimezone(zone).date() - start.astimezone(zone).date()).days + 1
    told = [f"{row.name}: {row.warning}" for row in rows if row.warning]
    if meant_days is not None and days > meant_days:
        told.insert(0, f"it takes {days} days, not {meant_days}")
    return WaveTimes(
        wave=wave.number,
        start_at=start,
        first_down_at=calendar.at(min(row.down_s for row in rows)),
        end_at=end,
        days=days,
        longest_down_s=max(row.downtime_s for row in rows),
        warnings=tuple(told),
    )
