"""What stands of a plan: the assessment, the tenants, and one schedule of everything in scope."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from engines.migration.assessment import Assessed, Assessment
from engines.migration.calendars import Calendar
from engines.migration.records import Key
from engines.migration.schedules import Caps, Row, Schedule
from engines.migration.simulator import simulate
from engines.migration.tenants import Tenants, find_tenants
from engines.migration.times import Job, Pace, Times, job_of, times_of
from engines.migration.transfer import Transfer

_COLOURS = ("GREEN", "YELLOW", "RED")
_LAST = 1_000_000  # the priority of a VM that has none


@dataclass(frozen=True, slots=True)
class Settings:
    transfer: Transfer
    calendar: Calendar
    pace: Pace = field(default_factory=Pace)
    caps: Caps = field(default_factory=Caps)


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """`times` are of each VM moved alone, `rows` where it is in the schedule; both of VMs in scope only."""

    assessment: Assessment
    tenants: Tenants
    settings: Settings
    times: Mapping[Key, Times]
    schedule: Schedule
    rows: Mapping[Key, Row]


def make_plan(assessment: Assessment, settings: Settings) -> MigrationPlan:
    """Without cohorts: by priority, then the easiest first, so that what is learnt helps with what is hard."""
    tenants = find_tenants(assessment.vms)
    jobs = jobs_of(assessment, settings.pace)
    schedule = simulate(jobs, settings.transfer, settings.calendar, settings.pace, settings.caps)
    return MigrationPlan(
        assessment=assessment,
        tenants=tenants,
        settings=settings,
        times={job.key: times_of(job, settings.transfer, settings.pace) for job in jobs},
        schedule=schedule,
        rows={row.key: row for row in schedule.rows},
    )


def jobs_of(assessment: Assessment, pace: Pace) -> list[Job]:
    """Of VMs in scope that are not done yet, in the order in which they are to be moved."""
    open_ones = [one for one in assessment.in_scope if one.override.status not in ("done", "hold")]
    return [job_of(one, pace) for one in sorted(open_ones, key=_order)]


def _order(one: Assessed) -> tuple[int, int, int, int, Key]:
    priority = one.override.priority
    rank = _LAST if priority is None else priority
    return (rank, _COLOURS.index(one.risk.colour), one.risk.score, one.sizes.move_mib, one.key)


def first_day(assessment: Assessment, wished: date | None = None) -> datetime:
    """Midnight in UTC of the day that is wished for, else of the Monday after the export was made.

    Raises ValueError when neither is known: a plan that depends on today is not the same tomorrow.
    """
    if wished is not None:
        return datetime.combine(wished, time(), UTC)
    made = assessment.around.as_of
    if made is None:
        raise ValueError("the export does not say when it was made")
    return datetime.combine(made.date() + timedelta(days=7 - made.weekday()), time(), UTC)
