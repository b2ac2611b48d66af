"""A plan: the assessment, the tenants, their cohorts and waves, and one schedule of everything in them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from engines.migration.assessment import Assessment
from engines.migration.bonds import Bonds, Wishes, bonds_of
from engines.migration.bundles import Bundle, bundles_of
from engines.migration.calendars import Calendar
from engines.migration.cohorts import CohortPlan, CohortRules, build_cohorts
from engines.migration.ease import EaseWeights
from engines.migration.parting import part_large
from engines.migration.records import Key
from engines.migration.schedules import Caps, Row, Schedule
from engines.migration.simulator import simulate
from engines.migration.tenants import Tenants, find_tenants
from engines.migration.times import Job, Pace, Times, job_of, times_of
from engines.migration.transfer import Transfer
from engines.migration.wave_packing import Means, build_waves
from engines.migration.waves import WavePlan, WaveRules


@dataclass(frozen=True, slots=True)
class Ordering:
    """What decides who moves when. `cohorts` None: waves are made of everything at once.

    `tenant_priorities` by name, 1 first; `wave_starts` by number, with a zone: the day before which a wave waits.
    """

    wishes: Wishes = field(default_factory=Wishes)
    cohorts: CohortRules | None = field(default_factory=CohortRules)
    waves: WaveRules = field(default_factory=WaveRules)
    tenant_priorities: Mapping[str, int] = field(default_factory=dict)
    confirmed_networks: Collection[str] = ()
    weights: EaseWeights = field(default_factory=EaseWeights)
    wave_starts: Mapping[int, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    transfer: Transfer
    calendar: Calendar
    pace: Pace = field(default_factory=Pace)
    caps: Caps = field(default_factory=Caps)
    ordering: Ordering = field(default_factory=Ordering)


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """`times` are of each VM moved alone, `rows` where it is in the schedule; both of VMs in waves only."""

    assessment: Assessment
    tenants: Tenants
    settings: Settings
    bonds: Bonds
    bundles: tuple[Bundle, ...]
    cohorts: CohortPlan | None
    waves: WavePlan
    times: Mapping[Key, Times]
    schedule: Schedule
    rows: Mapping[Key, Row]


def make_plan(assessment: Assessment, settings: Settings) -> MigrationPlan:
    """The same assessment and settings give the same plan. Raises CircleFound for needs that go round in a circle."""
    wanted = settings.ordering
    tenants = find_tenants(assessment.vms)
    bonds = bonds_of(assessment, wanted.wishes)
    bundles = bundles_of(bonds, tenants, wanted.tenant_priorities, wanted.confirmed_networks, wanted.weights)
    if wanted.cohorts is not None:
        bundles = part_large(bundles, wanted.cohorts, wanted.confirmed_networks, wanted.weights)
    cohorts = None if wanted.cohorts is None else build_cohorts(bundles, wanted.cohorts)
    means = Means(settings.transfer, settings.calendar, settings.pace)
    waves = build_waves(bonds, means, wanted.waves, cohorts)
    jobs = jobs_of(waves, settings)
    schedule = simulate(jobs, settings.transfer, settings.calendar, settings.pace, settings.caps)
    return MigrationPlan(
        assessment=assessment,
        tenants=tenants,
        settings=settings,
        bonds=bonds,
        bundles=bundles,
        cohorts=cohorts,
        waves=waves,
        times={job.key: times_of(job, settings.transfer, settings.pace) for job in jobs},
        schedule=schedule,
        rows={row.key: row for row in schedule.rows},
    )


def jobs_of(waves: WavePlan, settings: Settings) -> list[Job]:
    """Of VMs in waves, in the order in which they are to be moved; a wave starts when the one before it is done."""
    found = []
    for wave in waves.waves:
        starts = settings.ordering.wave_starts.get(wave.number, settings.calendar.start)
        wait_s = max(0.0, (starts - settings.calendar.start).total_seconds())
        for one in wave.vms:
            found.append(job_of(one, settings.pace, waves.after.get(one.key, ()), wait_s, wave.number))
    return found


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
