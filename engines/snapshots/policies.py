"""Policies: a name, when it is due, how many copies are kept. Most names say it themselves: daily_5, monthly_1st."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from engines.snapshots.calendars import Calendar

MOST_COPIES = 1000
_GRACE = 1 / 8
"""Of the period: three hours for a day, four days for a month; never less than `_LEAST_GRACE`."""
_LEAST_GRACE = timedelta(minutes=15)
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_NUMBERED = re.compile(r"(daily|hourly|weekly)_(\d{1,4})")
_WEEKLY = re.compile(r"weekly(?:_(mon|tue|wed|thu|fri|sat|sun)(?:[a-z]*day)?)?")
_MONTHLY = re.compile(r"monthly_(1st|15th)")
_CRONS: Mapping[str, str] = MappingProxyType(
    {"daily": "0 2 * * *", "hourly": "0 * * * *", "weekly": "0 3 * * sun", "1st": "0 4 1 * *", "15th": "0 4 15 * *"}
)
_WEEKLY_COPIES, _MONTHLY_COPIES = 4, 3


@dataclass(frozen=True, slots=True)
class Policy:
    """`retention` copies are kept unless a volume says otherwise. `custom`: made here, not told by its name."""

    name: str
    calendar: Calendar
    retention: int
    custom: bool = False
    day: int | None = field(default=None)

    def period(self, now: datetime) -> timedelta:
        return _period(self.calendar, now.date())

    def grace(self, now: datetime) -> timedelta:
        return max(self.period(now) * _GRACE, _LEAST_GRACE)

    def due_on(self, tick: datetime, zone: str = "") -> bool:
        """Whether a run at this time is one of the policy's own: monthly_1st only on the 1st, in the zone."""
        return self.day is None or tick.astimezone(ZoneInfo(zone or self.calendar.zone)).day == self.day

    def last_due(self, now: datetime) -> datetime | None:
        return self.calendar.last(now)


@lru_cache(maxsize=512)
def _period(calendar: Calendar, day: date) -> timedelta:
    return calendar.period(datetime.combine(day, time(), UTC))


def is_name(text: str) -> bool:
    """Whether it can be the name of a policy: it becomes a part of metadata keys and of snapshots' names."""
    return _NAME.fullmatch(text) is not None


def told_by_name(name: str) -> Policy | None:
    """The policy that a name alone describes, in lower case; None where it describes none."""
    if found := _NUMBERED.fullmatch(name):
        copies = int(found[2])
        return Policy(name, Calendar(_CRONS[found[1]]), copies) if 1 <= copies <= MOST_COPIES else None
    if found := _WEEKLY.fullmatch(name):
        return Policy(name, Calendar(f"0 3 * * {found[1] or 'sun'}"), _WEEKLY_COPIES)
    if found := _MONTHLY.fullmatch(name):
        return Policy(name, Calendar(_CRONS[found[1]]), _MONTHLY_COPIES, day=1 if found[1] == "1st" else 15)
    return None


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies that there are: the custom ones by name, and those that names tell."""

    custom: Mapping[str, Policy] = field(default_factory=dict)

    def get(self, name: str) -> Policy | None:
        return self.custom.get(name) or told_by_name(name)

    def find(self, said: str) -> Policy | None:
        """By what people say: `Daily 5`, `monthly-1st`, `nightly gold`."""
        folded = re.sub(r"[\s-]+", "_", said.strip().lower())
        loose = {re.sub(r"[-.]+", "_", name): policy for name, policy in self.custom.items()}
        return self.get(said.strip().lower()) or self.get(folded) or loose.get(folded)


def of_custom(rows: Iterable[tuple[str, str, str, int]]) -> Policies:
    """From (name, cron, zone, retention)."""
    made = (Policy(name, Calendar(cron, zone), keep, custom=True) for name, cron, zone, keep in rows)
    return Policies(MappingProxyType({policy.name: policy for policy in made}))
