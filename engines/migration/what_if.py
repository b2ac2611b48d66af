"""Schedules side by side: other bandwidth, more agents, longer days; and how many agents a deadline needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engines.migration.calendars import Calendar
from engines.migration.schedules import Caps, Schedule
from engines.migration.simulator import simulate
from engines.migration.times import Job, Pace
from engines.migration.transfer import Transfer

MOST_AGENTS = 64


@dataclass(frozen=True, slots=True)
class Case:
    label: str
    transfer: Transfer
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Outcome:
    """`meets` is None when no deadline was given; `days` are those on which something happens."""

    label: str
    agents: int
    slots: int
    hours_a_day: float
    end_at: datetime
    days: int
    peak_mib_s: float
    bottleneck: str
    warnings: int
    meets: bool | None


def compare(
    jobs: Sequence[Job],
    cases: Sequence[Case],
    deadline: datetime | None = None,
    pace: Pace | None = None,
    caps: Caps | None = None,
) -> tuple[Outcome, ...]:
    """One outcome a case, in the order of the cases; the same function as the plan itself is made by."""
    return tuple(
        outcome(case.label, simulate(jobs, case.transfer, case.calendar, pace, caps), deadline) for case in cases
    )


def outcome(label: str, schedule: Schedule, deadline: datetime | None = None) -> Outcome:
    return Outcome(
        label=label,
        agents=schedule.transfer.agents,
        slots=schedule.transfer.slots,
        hours_a_day=schedule.calendar.hours_a_day,
        end_at=schedule.end_at,
        days=len(schedule.days),
        peak_mib_s=schedule.peak_mib_s,
        bottleneck=schedule.bottleneck,
        warnings=len(schedule.warnings),
        meets=None if deadline is None else schedule.meets(deadline),
    )


@dataclass(frozen=True, slots=True)
class AgentsNeeded:
    """`agents` None: no number of them meets the deadline, `bottleneck` is what then holds it all back."""

    agents: int | None
    end_at: datetime
    bottleneck: str


def agents_needed(
    jobs: Sequence[Job],
    transfer: Transfer,
    calendar: Calendar,
    deadline: datetime,
    pace: Pace | None = None,
    caps: Caps | None = None,
) -> AgentsNeeded:
    """The fewest agents with which everything is done by the deadline. More agents are taken never to be slower."""

    def with_agents(count: int) -> Schedule:
        return simulate(jobs, replace(transfer, agents=count), calendar, pace, caps)

    most, found = 1, with_agents(1)
    while not found.meets(deadline) and most < MOST_AGENTS:
        most = min(MOST_AGENTS, most * 2)
        found = with_agents(most)
    if not found.meets(deadline):
        return AgentsNeeded(None, found.end_at, found.bottleneck)
    fewest = most // 2 + 1 if most > 1 else 1
    while fewest < most:
        middle = (fewest + most) // 2
        tried = with_agents(middle)
        if tried.meets(deadline):
            most, found = middle, tried
        else:
            fewest = middle + 1
    return AgentsNeeded(most, found.end_at, found.bottleneck)
