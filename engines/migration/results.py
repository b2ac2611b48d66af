"""A plan as JSON: a contract with scripts. Keys are added, never renamed; the same input gives the same text."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from engines.migration.assessment import Assessed
from engines.migration.concerns.catalogue import concerns
from engines.migration.estate import ReadReport
from engines.migration.plans import MigrationPlan
from engines.migration.schedules import Schedule
from engines.migration.tenants import Tenant
from engines.migration.totals import totals
from engines.migration.wave_results import cohorts_json, unplaced_json, waves_json


def as_json(plan: MigrationPlan, files: Sequence[str]) -> dict[str, Any]:
    """`left_out` counts VMs by the reason, and rows by a sentence; `unplaced` are VMs in scope that are in no wave."""
    assessment = plan.assessment
    report = assessment.estate.report
    return {
        "totals": totals(assessment.estate),
        "left_out": {**assessment.count_left_out(), **report.left_out},
        "not_checked": list(assessment.not_checked),
        "risk": assessment.count_risk(),
        "mode": assessment.count_modes(),
        "tenants": [_tenant(one, plan) for one in plan.tenants.tenants],
        "without_tenant": len(plan.tenants.without),
        "concerns": assessment.count_concerns(),
        "cohorts": cohorts_json(plan),
        "waves": waves_json(plan),
        "unplaced": unplaced_json(plan),
        "notes": [*(plan.cohorts.notes if plan.cohorts else ()), *plan.waves.notes],
        "schedule": schedule_json(plan.schedule),
        "read": read_json(report),
        "files": list(files),
    }


def _tenant(tenant: Tenant, plan: MigrationPlan) -> dict[str, Any]:
    known = {one.key: one for one in plan.assessment.vms}
    members = [known[key] for key in tenant.keys]
    return {
        "name": tenant.name,
        "vms": len(members),
        "by": tenant.method,
        "confidence": tenant.confidence,
        "evidence": tenant.evidence,
        "parts": list(tenant.parts),
        **sums(members),
    }


def sums(members: Sequence[Assessed]) -> dict[str, Any]:
    """What VMs add up to. Unknown sizes count as nothing."""
    return {
        "vcpus": sum(one.vm.cpus or 0 for one in members),
        "memory_mib": sum(one.vm.memory_mib or 0 for one in members),
        "capacity_mib": sum(one.sizes.capacity_mib or 0 for one in members),
        "move_mib": sum(one.sizes.move_mib for one in members),
        "green": sum(one.risk.colour == "GREEN" for one in members),
        "yellow": sum(one.risk.colour == "YELLOW" for one in members),
        "red": sum(one.risk.colour == "RED" for one in members),
        "warm": sum(one.mode.way == "warm" for one in members),
        "cold": sum(one.mode.way == "cold" for one in members),
    }


def schedule_json(schedule: Schedule) -> dict[str, Any]:
    return {
        "start": _time(schedule.start_at),
        "end": _time(schedule.end_at),
        "vms": len(schedule.rows),
        "days": len(schedule.days),
        "slots": schedule.transfer.slots,
        "hours_a_day": schedule.calendar.hours_a_day,
        "bottleneck": schedule.bottleneck,
        "held_back_hours": {name: round(hours, 2) for name, hours in schedule.held_back.items()},
        "copied_mib": round(schedule.copied_mib),
        "peak_mib_s": round(schedule.peak_mib_s, 1),
        "by_day": [{"day": one.number, "vms": one.vms, "copied_mib": round(one.copied_mib)} for one in schedule.days],
        "warnings": [{"vm": row.name, "warning": row.warning} for row in schedule.warnings],
    }


def read_json(report: ReadReport) -> dict[str, Any]:
    return {
        "file": report.file,
        "sheets": [
            {
                "sheet": one.sheet,
                "rows": one.rows,
                "taken": one.taken,
                "blank_rows": one.blank_rows,
                "missing": list(one.missing),
                "unfilled": list(one.unfilled),
                "attributes": list(one.attributes),
            }
            for one in report.sheets
        ],
        "unreadable": [
            {"sheet": one.sheet, "column": one.column, "cells": one.cells, "first_row": one.first_row}
            for one in report.unreadable
        ],
        "not_read": [*report.other_sheets, *report.unknown_sheets],
        "notes": list(report.notes),
    }


def vm_json(one: Assessed) -> dict[str, Any]:
    """One VM with everything that led to its grade."""
    known = concerns()
    return {
        "name": one.vm.name,
        "key": list(one.key),
        "os": {"family": one.guest.family, "name": one.guest.name, "version": one.guest.version,
               "confidence": one.guest.confidence, "by": one.guest.origin},
        "sizes_mib": {"capacity": one.sizes.capacity_mib, "in_use": one.sizes.in_use_mib,
                      "guest": one.sizes.consumed_mib, "moves": one.sizes.move_mib, "moves_by": one.sizes.move_by},
        "risk": {"colour": one.risk.colour, "score": one.risk.score, "blockers": list(one.risk.blockers),
                 "points": [asdict(point) for point in one.risk.points]},
        "mode": {"way": one.mode.way, "reasons": list(one.mode.reasons), "first": list(one.mode.first),
                 "unchecked": list(one.mode.unchecked), "by_hand": one.mode.by_hand},
        "left_out": one.left_out,
        "concerns": [_finding(finding.concern, finding.seen, known) for finding in one.findings],
    }  # fmt: skip


def _finding(id_: str, seen: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    concern = known[id_]
    return {
        "id": id_,
        "category": concern.category,
        "title": concern.title,
        "todo": concern.todo,
        "hint": concern.hint,
        "sheet": seen.sheet,
        "row": seen.row,
        "column": seen.column,
        "value": seen.value,
    }


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
