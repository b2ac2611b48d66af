"""When a policy is due: cron in a zone, as fire times before and after a moment. Times are UTC with zone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_DAYS: Mapping[str, str] = MappingProxyType(
    {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday",
     "sun": "Sunday"}
)  # fmt: skip
_LOOK_BACK = (timedelta(hours=3), timedelta(days=3), timedelta(days=9), timedelta(days=40), timedelta(days=400))
_MOST_FIRES = 5000  # in one look: a cron of every minute over three days


class CalendarError(ValueError):
    """A cron or a zone that means nothing: `what` is wrong with it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True)
class Calendar:
    """`cron` has five fields: minute, hour, day, month, weekday; 0 and 7 are Sunday, as in crontab."""

    cron: str
    zone: str = "UTC"

    @property
    def words(self) -> str:
        """ "every day at 02:00 UTC"; a calendar that is not as plain as this keeps its cron."""
        minute, hour, day, month, weekday = (*self.cron.split(), *[""] * 5)[:5]
        if month != "*" or not minute.isdigit():
            return f"{self.cron} {self.zone}"
        at = f"at {int(hour):02}:{int(minute):02} {self.zone}" if hour.isdigit() else ""
        if (hour, day, weekday) == ("*", "*", "*"):
            return f"every hour at minute {int(minute)}"
        if at and (day, weekday) == ("*", "*"):
            return f"every day {at}"
        if at and day == "*" and weekday.lower() in _DAYS:
            return f"every {_LONG_DAYS[weekday.lower()]} {at}"
        if at and day.isdigit() and weekday == "*":
            return f"on day {int(day)} of the month {at}"
        return f"{self.cron} {self.zone}"

    def next(self, after: datetime) -> datetime | None:
        """The first time later than `after`; None where there is none at all (30 February)."""
        return next(self.fires(after), None)

    def fires(self, after: datetime) -> Iterator[datetime]:
        """The times later than `after`, in order."""
        trigger = _trigger(self.cron, self.zone)
        at = after
        for _ in range(_MOST_FIRES):
            # a trigger gives the time itself when it is due at it
            found = trigger.get_next_fire_time(None, at + timedelta(microseconds=1))
            if found is None:
                return
            at = found.astimezone(UTC)
            yield at

    def last(self, now: datetime) -> datetime | None:
        """The last time that is not later than `now`; None: none for more than a year."""
        for back in _LOOK_BACK:
            found: datetime | None = None
            for at in self.fires(now - back):
                if at > now:
                    break
                found = at
            if found is not None:
                return found
        return None

    def period(self, now: datetime) -> timedelta:
        """The longest time between two of the next runs: a month counts 31 days. Raises CalendarError for a calendar
        that is never due twice."""
        times: list[datetime] = []
        for at in self.fires(now):
            times.append(at)
            if (len(times) > 14 and at - now > timedelta(days=8)) or len(times) > 200:
                break
        if len(times) < 2:
            raise CalendarError(f"{self.cron!r} is never due")
        return max(later - earlier for earlier, later in pairwise(times))


def checked(cron: str, zone: str = "UTC") -> Calendar:
    """A calendar that works, weekdays written by name. Raises CalendarError."""
    written = _by_name(cron)
    calendar = Calendar(written, zone)
    _trigger(written, zone)
    if calendar.next(datetime(2026, 1, 1, tzinfo=UTC)) is None:
        raise CalendarError(f"{cron!r} is never due")
    return calendar


def _by_name(cron: str) -> str:
    """The cron with weekdays by name: their numbers mean other days to other programs."""
    parts = cron.lower().split()
    if len(parts) != 5:
        raise CalendarError(f"{cron[:60]!r} has {len(parts)} fields, not minute hour day month weekday")
    weekdays = re.sub(r"(?<![\w/])([0-7])(?!\w)", lambda found: _DAYS[int(found[1])], parts[4])
    return " ".join((*parts[:4], weekdays))


@lru_cache(maxsize=256)
def _trigger(cron: str, zone: str) -> Any:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from apscheduler.triggers.cron import CronTrigger

    try:
        return CronTrigger.from_crontab(cron, timezone=ZoneInfo(zone))
    except (ZoneInfoNotFoundError, IsADirectoryError):
        raise CalendarError(f"{zone[:60]!r} is no time zone") from None
    except (ValueError, TypeError) as error:
        raise CalendarError(f"{cron[:60]!r} cannot be read: {error}") from None
