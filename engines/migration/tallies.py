"""What comes together while a simulation runs, and the schedule that it becomes."""

from collections import defaultdict
from dataclasses import dataclass, field

from engines.migration.calendars import Calendar
from engines.migration.schedules import Caps, Day, Row, Schedule
from engines.migration.times import DAY_S
from engines.migration.transfer import Transfer

HOUR_S = 3600
_SOON = 1e-6
_NOT_MENDED = ("working hours", "start dates")  # chosen, not met: the bottleneck is the next thing


@dataclass(slots=True)
class Tally:
    """`offset_s` is the time of day at which the schedule starts, so that days are those of the calendar."""

    offset_s: float
    held: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    copied: dict[int, float] = field(default_factory=lambda: defaultdict(float))  # by the hour, from the first midnight
    ended: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    total_mib: float = 0.0
    peak_mib_s: float = 0.0
    rows: list[Row] = field(default_factory=list)

    def note(self, begin_s: float, end_s: float, mib_s: float, held_by: str) -> None:
        seconds = end_s - begin_s
        self.total_mib += mib_s * seconds
        self.peak_mib_s = max(self.peak_mib_s, mib_s)
        self.held[held_by] += seconds / 3600
        if mib_s <= 0:
            return
        while begin_s < end_s - _SOON:
            hour = int((begin_s + self.offset_s + _SOON) // HOUR_S)
            until = min(end_s, (hour + 1) * HOUR_S - self.offset_s)
            self.copied[hour] += mib_s * (until - begin_s)
            begin_s = until

    def end(self, row: Row) -> None:
        self.rows.append(row)
        self.ended[self._day(row.end_s - 2 * _SOON)] += 1

    def _day(self, at_s: float) -> int:
        return int((at_s + self.offset_s + _SOON) // DAY_S) + 1

    def schedule(self, transfer: Transfer, calendar: Calendar, caps: Caps) -> Schedule:
        held = dict(sorted(self.held.items(), key=lambda one: (-one[1], one[0])))
        by_day: dict[int, float] = defaultdict(float)
        for hour, mib in self.copied.items():
            by_day[hour // 24 + 1] += mib
        numbers = sorted({*self.ended, *by_day})
        return Schedule(
            transfer=transfer,
            calendar=calendar,
            caps=caps,
            rows=tuple(sorted(self.rows, key=lambda row: (row.start_s, row.lane, row.key))),
            days=tuple(Day(day, self.ended.get(day, 0), by_day.get(day, 0.0)) for day in numbers),
            held_back=held,
            bottleneck=next((name for name in held if name not in _NOT_MENDED), ""),
            peak_mib_s=self.peak_mib_s,
            copied_mib=self.total_mib,
            by_hour=dict(sorted(self.copied.items())),
        )
