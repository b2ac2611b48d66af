"""Cohorts and waves as JSON, a part of the plan's own."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from engines.migration.assessment import Assessed
from engines.migration.bundles import Bundle
from engines.migration.cohorts import Cohort, CohortPlan
from engines.migration.plans import MigrationPlan
from engines.migration.wave_times import WaveTimes, wave_times
from engines.migration.waves import Wave


def cohorts_json(plan: MigrationPlan) -> list[dict[str, Any]]:
    if plan.cohorts is None:
        return []
    times = {one.wave: one for one in wave_times(plan.waves.waves, plan.rows, plan.schedule)}
    by_cohort: dict[int, list[WaveTimes]] = defaultdict(list)
    for wave in plan.waves.waves:
        by_cohort[wave.cohort].append(times[wave.number])
    return [_cohort(one, plan.cohorts, by_cohort[one.number]) for one in plan.cohorts.cohorts]


def _cohort(cohort: Cohort, plan: CohortPlan, times: Sequence[WaveTimes]) -> dict[str, Any]:
    return {
        "number": cohort.number,
        "name": cohort.name,
        "strategy": plan.rules.strategy,
        **asdict(cohort.load),
        "ease": cohort.ease,
        "start": _time(min((one.start_at for one in times), default=None)),
        "end": _time(max((one.end_at for one in times), default=None)),
        "waves": [one.wave for one in times],
        "after": list(cohort.after),
        "warnings": list(cohort.warnings),
        "tenants": [_bundle(one, plan.why[one.number]) for one in cohort.bundles],
    }


def _bundle(bundle: Bundle, why: str) -> dict[str, Any]:
    return {
        "names": list(bundle.tenants),
        "label": bundle.label,
        **asdict(bundle.load),
        "ease": bundle.ease.score,
        "ease_label": bundle.ease.label,
        "ease_parts": [asdict(one) for one in bundle.ease.dimensions],
        "risk": bundle.risk,
        "why": why,
    }


def waves_json(plan: MigrationPlan) -> list[dict[str, Any]]:
    rules = plan.waves.rules
    meant = rules.days if rules.strategy == "bandwidth_paced" else None
    times = wave_times(plan.waves.waves, plan.rows, plan.schedule, meant)
    return [_wave(wave, one, plan) for wave, one in zip(plan.waves.waves, times, strict=True)]


def _wave(wave: Wave, times: WaveTimes, plan: MigrationPlan) -> dict[str, Any]:
    vms = wave.vms
    return {
        "number": wave.number,
        "name": wave.name,
        "cohort": wave.cohort or None,
        "strategy": plan.waves.rules.strategy,
        **asdict(wave.load),
        "warm": sum(one.mode.way == "warm" for one in vms),
        "cold": sum(one.mode.way == "cold" for one in vms),
        "start": _time(times.start_at),
        "first_down": _time(times.first_down_at),
        "end": _time(times.end_at),
        "days": times.days,
        "longest_downtime_minutes": round(times.longest_down_s / 60, 1),
        "after": list(wave.after),
        "warnings": [*wave.warnings, *times.warnings],
        "members": [_member(one, plan) for one in vms],
    }


def _member(one: Assessed, plan: MigrationPlan) -> dict[str, Any]:
    row = plan.rows[one.key]
    return {
        "name": one.vm.name,
        "key": list(one.key),
        "start": _time(plan.schedule.calendar.at(row.start_s)),
        "end": _time(plan.schedule.calendar.at(row.end_s)),
        "why": plan.waves.why[one.key],
    }


def unplaced_json(plan: MigrationPlan) -> list[dict[str, Any]]:
    """VMs in scope that are in no wave, with the reason."""
    names = {one.key: one.vm.name for one in plan.assessment.in_scope}
    return [{"name": names[key], "key": list(key), "why": why} for key, why in plan.waves.unplaced.items()]


def _time(at: Any) -> str | None:
    return None if at is None else str(at.isoformat(timespec="seconds"))
