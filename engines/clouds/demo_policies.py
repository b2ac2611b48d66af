"""How the demo cloud's volumes are protected: the labels of a tool that ran there before, and what became of it.

The labels and names are those of pf9-mngt, which many clouds that come to Stackhand were set up with.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from engines.clouds.demo_model import DAY, Plan

WEEK = 7 * DAY
MADE_BY = "p9_auto_snapshots"
_TOO_LARGE = "loose:acme-data:import-2025"  # a copy of it does not fit into what its project has left


@dataclass(frozen=True, slots=True)
class Policy:
    """`every_s` 0: on the first of each month. `stopped` is when it was last due and done; None: it goes on."""

    name: str
    every_s: int
    keep: int
    offset_s: int
    stopped: int | None = None


@dataclass(frozen=True, slots=True)
class Protection:
    """`labels` are the volume's metadata; `policies` those whose snapshots are there."""

    labels: Mapping[str, str] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()


def protection(plan: Plan, disk: str) -> Protection:
    """Of sixty in a hundred something is kept: daily or weekly, some with the month's first; a few of them are late,
    since nothing took them any more. Five were promised copies and have none; four were taken out; the rest have none.
    """
    dice = plan.roll(disk + "policy")
    if disk == _TOO_LARGE:
        return Protection(_labels({"daily_5": 5}))
    if disk.startswith(("runner", "scratch")) or dice >= 69:
        return Protection()
    if dice >= 65:
        return Protection({"auto_snapshot": "false", "snapshot_policies": "daily_5", "retention_daily_5": "5"})
    if dice >= 60:
        return Protection(_labels({"daily_5": 5}))
    late = plan.roll(disk + "late") < 12
    if dice >= 15:
        offset = 7200 + dice * 60 + dice % 7 * DAY
        weekly = Policy("weekly", WEEK, 2, offset, plan.epoch - 16 * DAY if late else None)
        return Protection(_labels({"weekly": 2}), (weekly,))
    daily = Policy("daily_5", DAY, 5, 7200 + dice * 60, plan.epoch - 3 * DAY if late else None)
    if dice >= 4:
        return Protection(_labels({"daily_5": 5}), (daily,))
    monthly = Policy("monthly_1st", 0, 3, 10_800 + dice * 60)
    return Protection(_labels({"daily_5": 5, "monthly_1st": 3}), (daily, monthly))


def _labels(retention: Mapping[str, int]) -> Mapping[str, str]:
    kept = {f"retention_{name}": str(copies) for name, copies in retention.items()}
    return {"auto_snapshot": "true", "snapshot_policies": ",".join(retention), **kept}


def times(policy: Policy, at: int) -> Iterator[int]:
    """When the copies that are kept at a time were taken, the newest first."""
    until = at if policy.stopped is None else min(at, policy.stopped)
    if policy.every_s == 0:
        yield from _firsts(policy, until)
        return
    last = (until - policy.offset_s) // policy.every_s * policy.every_s + policy.offset_s
    yield from range(last, last - policy.keep * policy.every_s, -policy.every_s)


def _firsts(policy: Policy, until: int) -> Iterator[int]:
    day = datetime.fromtimestamp(until - policy.offset_s, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(policy.keep):
        yield int(day.timestamp()) + policy.offset_s
        day = (day - timedelta(days=1)).replace(day=1)


def copy_name(project: str, policy: str, volume: str, at: int) -> str:
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%d-%H%M%S")
    return f"auto-{_word(project)}-{policy}-{_word(volume)}-{stamp}"


def _word(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", re.sub(r"\s", "_", name.strip()))[:40]


def backup_times(plan: Plan, vm: str, since: int, until: int) -> list[tuple[int, bool]]:
    """(when, whether it was a whole one) of the backups of a VM that are kept, the oldest first: all since the last
    Sunday but one, at an hour of its own in the night."""
    offset = 20 * 3600 + plan.roll(vm + "night", 7200)
    newest = (until - offset) // DAY
    sundays = [day for day in range(newest, newest - 14, -1) if _weekday(day) == 6]
    days = range(sundays[1] if len(sundays) > 1 else newest - 13, newest + 1)
    return [(day * DAY + offset, _weekday(day) == 6) for day in days if day * DAY + offset > since + 3600]


def _weekday(day: int) -> int:
    """Of a day since 1970, which began on a Thursday; 0 is Monday."""
    return (day + 3) % 7
