"""Cohorts and waves as sheets of the workbook."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from engines.migration.plans import MigrationPlan
from engines.migration.wave_results import cohorts_json
from engines.migration.wave_times import WaveTimes, wave_times
from engines.migration.waves import Wave
from engines.migration.workbook import ChartData, Column, SheetData

_GIB = 1024
_MOST_CHARTED = 100
_COHORTS = (
    Column("Cohort", "int", 8), Column("Name", width=18), Column("Tenant", width=34),
    Column("Tenant's ease", "float", 10),
    Column("Ease", "grade", 9), Column("Tenant's VMs", "int", 10), Column("Tenant's GiB", "float", 11),
    Column("Tenant's red", "int", 9), Column("Average risk", "float", 9), Column("There because", "note", 60),
    Column("Ease is made of", width=70), Column("Cohort's VMs", "int", 10), Column("Cohort's GiB", "float", 11),
    Column("Starts (UTC)", "time", 17), Column("Ends (UTC)", "time", 17), Column("After cohorts", width=12),
    Column("Warnings", "note", 40),
)  # fmt: skip
_WAVES = (
    Column("Wave", "int", 8), Column("Name", width=14), Column("Cohort", "int", 8), Column("VMs", "int", 8),
    Column("To copy GiB", "float", 12), Column("Red", "int", 7), Column("Warm", "int", 7), Column("Cold", "int", 7),
    Column("Starts (UTC)", "time", 17), Column("First down (UTC)", "time", 17), Column("Ends (UTC)", "time", 17),
    Column("Days", "int", 7), Column("Longest downtime h", "float", 11), Column("After waves", width=14),
    Column("Warnings", "note", 70),
)  # fmt: skip


def wave_sheets(plan: MigrationPlan) -> list[SheetData]:
    cohorts = [] if plan.cohorts is None else [SheetData("Cohorts", _COHORTS, list(_cohorts(plan)))]
    return [*cohorts, _waves(plan)]


def _cohorts(plan: MigrationPlan) -> Iterator[tuple[Any, ...]]:
    """A row for each tenant of each cohort, with the cohort's own figures beside it."""
    for cohort in cohorts_json(plan):
        after = ", ".join(map(str, cohort["after"]))
        own = (cohort["vms"], cohort["mib"] / _GIB, _shown(cohort["start"]), _shown(cohort["end"]), after,
               "; ".join(cohort["warnings"]))  # fmt: skip
        for one in cohort["tenants"]:
            parts = "; ".join(f"{p['name']} {p['points']:g} of {p['weight']:g} ({p['why']})" for p in one["ease_parts"])
            yield (
                cohort["number"], cohort["name"], one["label"], one["ease"], one["ease_label"], one["vms"],
                one["mib"] / _GIB, one["red"], one["risk"], one["why"], parts, *own,
            )  # fmt: skip


def _shown(at: str | None) -> datetime | None:
    return None if at is None else datetime.fromisoformat(at)


def _waves(plan: MigrationPlan) -> SheetData:
    times = wave_times(plan.waves.waves, plan.rows, plan.schedule)
    rows = [_wave(wave, one) for wave, one in zip(plan.waves.waves, times, strict=True)]
    return SheetData("Waves", _WAVES, rows)


def wave_charts(plan: MigrationPlan) -> tuple[ChartData, ...]:
    """Of the first waves, as many as can still be read; beside the waves' own table they would shrink its print."""
    last = min(len(plan.waves.waves), _MOST_CHARTED) - 1
    if last < 0:
        return ()
    return (
        ChartData("GiB to copy by wave", "column", 0, 4, 0, last, (), "GiB", "Waves"),
        ChartData("VMs by wave", "column", 0, 3, 0, last, (), "VMs", "Waves"),
    )


def _wave(wave: Wave, times: WaveTimes) -> tuple[Any, ...]:
    warm = sum(one.mode.way == "warm" for one in wave.vms)
    return (
        wave.number, wave.name, wave.cohort or None, wave.load.vms, wave.load.mib / _GIB, wave.load.red, warm,
        wave.load.vms - warm, times.start_at, times.first_down_at, times.end_at, times.days,
        times.longest_down_s / 3600, ", ".join(map(str, wave.after)), "; ".join([*wave.warnings, *times.warnings]),
    )  # fmt: skip
