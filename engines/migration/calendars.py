"""When work may be done: hours of a day, days of a week, and days on which nothing is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MOST_DAYS = 20 * 366  # a schedule that is longer than that is none


@dataclass(frozen=True, slots=True)
class Calendar:
    """`start` is when the schedule begins, with a zone. Hours are of `zone`, `from_hour` before `to_hour`.

    `copies_any_time`: copies run day and night, only cutovers keep the hours. Weekdays count from Monday, 0.
    """

    start: datetime
    from_hour: float = 0.0
    to_hour: float = 24.0
    weekdays: frozenset[int] = frozenset(range(7))
    blackout: frozenset[date] = frozenset()
    copies_any_time: bool = False
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise ValueError("the start has no zone")
        if not 0 <= self.from_hour < self.to_hour <= 24:
            raise ValueError("the hours must lie between 0 and 24, the first before the last")
        if not self.weekdays or not self.weekdays <= frozenset(range(7)):
            raise ValueError("weekdays are 0 for Monday to 6, and at least one of them is worked on")
        ZoneInfo(self.zone)

    @property
    def hours_a_day(self) -> float:
        return self.to_hour - self.from_hour

    def at(self, seconds: float) -> datetime:
        """The time so many seconds after the start, in UTC."""
        return self.start.astimezone(UTC) + timedelta(seconds=seconds)

    def windows(self) -> Iterator[tuple[float, float]]:
        """Open times as seconds after the start, in order, those that touch made one. Ends after twenty years."""
        if self.hours_a_day == 24 and len(self.weekdays) == 7 and not self.blackout:
            yield 0.0, _MOST_DAYS * 86_400.0
            return
        pending: tuple[float, float] | None = None
        for begin, end in self._days():
            if pending is not None and begin <= pending[1]:
                pending = (pending[0], max(end, pending[1]))
                continue
            if pending is not None:
                yield pending
            pending = (begin, end)
        if pending is not None:
            yield pending

    def _days(self) -> Iterator[tuple[float, float]]:
        zone = ZoneInfo(self.zone)
        first = self.start.astimezone(zone).date() - timedelta(days=1)
        for number in range(_MOST_DAYS):
            day = first + timedelta(days=number)
            if day.weekday() not in self.weekdays or day in self.blackout:
                continue
            begin = self._seconds(day, self.from_hour, zone)
            end = self._seconds(day, self.to_hour, zone)
            if end > 0 and end > begin:
                yield max(0.0, begin), end

    def _seconds(self, day: date, hour: float, zone: ZoneInfo) -> float:
        """Through the zone's own clock, so that a day on which it is changed has 23 or 25 hours."""
        whole = timedelta(days=1) if hour == 24 else timedelta()
        moment = time(int(hour % 24), int(hour % 1 * 60), tzinfo=zone)
        at = datetime.combine(day + whole, moment)
        return (at.astimezone(UTC) - self.start.astimezone(UTC)).total_seconds()
