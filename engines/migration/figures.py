"""What the charts of the papers show: counts with their labels."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from engines.migration.assessment import Assessed, families
from engines.migration.schedules import Schedule
from engines.migration.times import DAY_S

RISK_COLOURS = ("#5FB567", "#F0B429", "#D64545")
_GIB, _TIB = 1024, 1024 * 1024
_BOUNDS = (50 * _GIB, 100 * _GIB, 250 * _GIB, 500 * _GIB, _TIB, 2 * _TIB, 5 * _TIB)
_BANDS = ("≤50 GiB", "≤100 GiB", "≤250 GiB", "≤500 GiB", "≤1 TiB", "≤2 TiB", "≤5 TiB", ">5 TiB")
_MOST_HOURS = 24 * 14
_SYSTEMS = {
    "windows": "Windows", "rhel": "Red Hat", "centos": "CentOS", "rocky": "Rocky", "alma": "AlmaLinux",
    "oracle": "Oracle Linux", "suse": "SUSE", "ubuntu": "Ubuntu", "debian": "Debian", "fedora": "Fedora",
    "amazon": "Amazon Linux", "photon": "Photon", "freebsd": "FreeBSD", "solaris": "Solaris",
    "other-linux": "other Linux", "other": "other", "unknown": "not known",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rate:
    """What is copied from `at` on for `hours`: MiB a second on the average of the open hours in it."""

    at: datetime
    hours: float
    mib_s: float


def size_bands(vms: Iterable[Assessed]) -> list[tuple[str, int]]:
    """VMs by what must be copied of each."""
    found = [0] * len(_BANDS)
    for one in vms:
        found[bisect_right(_BOUNDS, max(0, one.sizes.move_mib - 1))] += 1
    return list(zip(_BANDS, found, strict=True))


def systems(vms: Sequence[Assessed], most: int = 10) -> list[tuple[str, int]]:
    """VMs by the family of their system, most first; the rest together."""
    found = [(system_name(family), count) for family, count in families(vms).items()]
    rest = sum(count for _, count in found[most:])
    return [*found[:most], *([("all others", rest)] if rest else [])]


def system_name(family: str) -> str:
    return _SYSTEMS.get(family, family)


def rates(schedule: Schedule) -> list[Rate]:
    """By the hour where the schedule is two weeks or less, else by the day."""
    if not schedule.by_hour:
        return []
    first, last = min(schedule.by_hour), max(schedule.by_hour)
    midnight = schedule.calendar.start - timedelta(seconds=_offset(schedule))
    if last - first < _MOST_HOURS:
        return [
            Rate(midnight + timedelta(hours=hour), 1.0, schedule.by_hour.get(hour, 0.0) / 3600)
            for hour in range(first, last + 1)
        ]
    open_s = DAY_S if schedule.calendar.copies_any_time else schedule.calendar.hours_a_day * 3600
    by_day = {one.number: one.copied_mib for one in schedule.days}
    return [
        Rate(midnight + timedelta(days=day - 1), 24.0, by_day.get(day, 0.0) / open_s)
        for day in range(min(by_day), max(by_day) + 1)
    ]


def _offset(schedule: Schedule) -> int:
    local = schedule.calendar.start.astimezone(ZoneInfo(schedule.calendar.zone))
    return local.hour * 3600 + local.minute * 60 + local.second
