"""Cron expressions in a time zone: when they are due, each wall time once in both nights of the clock change.

A wall time that does not exist in the night in spring is due when the clock would have shown it without the change,
an hour of the wall later (02:30 at 03:30). One that comes twice in autumn is due the first time; where the hour is a
`*`, as in every quarter of an hour, it is due both times, so that nothing pauses for an hour.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from croniter.croniter import CroniterBadDateError, CroniterError

_AROUND = timedelta(hours=26)
_SPANS = (timedelta(hours=2), timedelta(days=2), timedelta(days=40), timedelta(days=3000))
_WORDS = re.compile(r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|l")
_FIELDS = "a field is a number, *, a-b, a,b or */n"
CATCH_UP = ("skip", "once", "all")


class CronError(ValueError):
    """What was given is no schedule: `what` is wrong with it, and how to `fix` it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields, minute to day of the week, in a zone. Made by `read_cron`, which checks them."""

    expression: str
    zone: ZoneInfo

    def after(self, instant: datetime) -> datetime:
        """The first time later than `instant`, in UTC."""
        wall = instant.astimezone(self.zone).replace(tzinfo=None)
        if self._is_even(wall):
            found = self._instants(next(self._walls(wall)))[0]
            if self._is_even(found.astimezone(self.zone).replace(tzinfo=None)):
                return found
        return self._near(wall, instant)

    def ticks(self, instant: datetime) -> Iterator[datetime]:
        """All later times in UTC, in order."""
        while True:
            instant = self.after(instant)
            yield instant

    def between(self, begin: datetime, end: datetime, most: int) -> list[datetime]:
        """The last `most` times after `begin` up to and with `end`, looked for in longer and longer spans."""
        found: list[datetime] = []
        for span in _SPANS:
            since = max(begin, end - span)
            found = list(takewhile(lambda due: due <= end, self.ticks(since)))
            if len(found) >= most or since == begin:
                break
        return found[-most:]

    def _is_even(self, wall: datetime) -> bool:
        """No change of the clock is near."""
        before, after = (wall + around for around in (-_AROUND, _AROUND))
        return self.zone.utcoffset(before) == self.zone.utcoffset(after)

    def _near(self, wall: datetime, instant: datetime) -> datetime:
        """Near a change the order of the wall is not that of time: of all that may be meant, the earliest."""
        best: datetime | None = None
        for due in self._walls(wall - timedelta(hours=4)):
            if best is not None and due > best.astimezone(self.zone).replace(tzinfo=None) + timedelta(hours=4):
                return best
            later = [found for found in self._instants(due) if found > instant]
            best = min([*later, *([best] if best else [])], default=None)
        raise CronError(f"{self.expression!r} is never due", "say when it shall run")

    def _walls(self, wall: datetime) -> Iterator[datetime]:
        times = croniter(self.expression, wall)
        while True:
            yield times.get_next(datetime)

    def _instants(self, wall: datetime) -> list[datetime]:
        """What a wall time means, in UTC."""
        first = wall.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        second = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        if second > first and self.expression.split()[1].startswith("*"):
            return [first, second]
        return [first]


def read_cron(expression: str, zone: str) -> Cron:
    """Raises CronError with what is wrong."""
    fields = " ".join(expression.split())
    if len(fields) > 200 or len(fields.split()) != 5:
        raise CronError(
            f"{fields[:60]!r} does not have five fields",
            "write minute, hour, day of the month, month and day of the week, such as: 30 2 * * 1-5",
        )
    try:
        known = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CronError(f"there is no time zone {zone[:60]!r}", "write one such as Europe/Berlin, or UTC") from None
    strange = [word for word in re.findall(r"[a-z]+", fields.lower()) if not _WORDS.fullmatch(word)]
    if strange:  # such as R, which is another time in every process
        raise CronError(f"{fields[:60]!r} cannot be read ({strange[0][:20]})", _FIELDS)
    try:
        croniter(fields, datetime(2024, 1, 1)).get_next(datetime)  # noqa: DTZ001 - of the wall
    except CroniterBadDateError:
        raise CronError(f"{fields!r} is never due", "give a day that exists in that month") from None
    except (CroniterError, ValueError, KeyError, AttributeError, TypeError) as error:
        why = " ".join(str(error).split())[:120]
        raise CronError(f"{fields[:60]!r} cannot be read ({why})", _FIELDS) from None
    return Cron(fields, known)
