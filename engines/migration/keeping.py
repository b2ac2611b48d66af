"""What is kept of an assessment, as rows: enough to answer questions without reading the file or grading again."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines.migration.assessment import Assessed, Assessment, Override, assess_some
from engines.migration.comparing import Difference
from engines.migration.concerns.catalogue import concerns
from engines.migration.mappings import networks_used
from engines.migration.reading import wire
from engines.migration.records import Key
from engines.migration.results import read_json, vm_json
from engines.migration.schedules import Schedule
from engines.migration.tenants import Tenant, Tenants
from engines.migration.times import Job, Pace, job_of
from engines.migration.totals import totals
from storage.json_texts import json_text

VM_COLUMNS = (
    "server", "vm_key", "position", "name", "tenant", "risk", "score", "reason", "mode", "family", "os", "left_out",
    "priority", "status", "vcpus", "memory_mib", "capacity_mib", "move_mib", "networks", "job", "detail", "packed",
)  # fmt: skip
_EXPECTED: Mapping[str, str] = {
    "vDisk": "disks", "vNetwork": "NICs", "vSnapshot": "snapshots", "vPartition": "what guests use", "vTools": "Tools",
    "vUSB": "USB devices", "vCD": "CD drives", "vHost": "hosts", "vDatastore": "datastores",
}  # fmt: skip
_MOST_CHANGES = 200
Graded = Mapping[str, Any]
"""Columns of a VM that follow from what people decide about it."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """What a schedule needs of a VM that was kept; `job` is as `_job` wrote it."""

    key: Key
    name: str
    mode: str
    job: Sequence[Any]
    wave: int = 0


def vm_rows(assessment: Assessment, tenants: Tenants, lines: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """In the order of VM_COLUMNS; JSON as text. `lines` are those of the estate, the VMs in their order."""
    pace = Pace()
    tenant_of = {key: tenant.name for tenant in tenants.tenants for key in tenant.keys}
    for place, (one, line) in enumerate(zip(assessment.vms, lines, strict=False)):
        yield _row(place, one, tenant_of.get(one.key, ""), line, pace)


def _row(place: int, one: Assessed, tenant: str, line: str, pace: Pace) -> tuple[Any, ...]:
    vm, sizes = one.vm, one.sizes
    return (
        *vm.key, place, vm.name, tenant, one.risk.colour.lower(), one.risk.score,
        reason_of(one), one.mode.way, one.guest.family, one.guest.label, one.left_out, one.override.priority,
        one.override.status, vm.cpus, vm.memory_mib, sizes.capacity_mib, sizes.move_mib, _dumped(vm.network_names),
        _dumped(_job(job_of(one, pace))), _dumped(vm_json(one)), line,
    )  # fmt: skip


def regraded(lines: Iterable[str], overrides: Mapping[Key, Override], keys: Collection[Key]) -> dict[Key, Graded]:
    """VMs that were decided about, graded again out of what was kept of the whole export; `lines` end with its last."""
    pace = Pace()
    return {
        one.key: {
            "risk": one.risk.colour.lower(), "score": one.risk.score, "reason": reason_of(one), "mode": one.mode.way,
            "left_out": one.left_out, "priority": one.override.priority, "status": one.override.status,
            "job": _job(job_of(one, pace)), "detail": vm_json(one),
        }
        for one in assess_some(wire.read(lines), overrides, keys)
    }  # fmt: skip


def _job(job: Job) -> list[Any]:
    return [job.size_mib, job.streams, job.host, job.datastore, job.fixed_s, job.change_mib_s]


def jobs_from(rows: Sequence[JobRow], after: Mapping[Key, Sequence[Key]]) -> list[Job]:
    """In the order of the rows; what a VM waits for counts only where it is among them, and not in a later wave.

    A wave that was built before somebody said so cannot keep to it: it is built anew, or the plan says otherwise.
    """
    wave = {row.key: row.wave for row in rows}
    return [
        _job_from(row, tuple(key for key in after.get(row.key, ()) if wave.get(key, row.wave + 1) <= row.wave))
        for row in rows
    ]


def _job_from(row: JobRow, after: tuple[Key, ...]) -> Job:
    size, streams, host, datastore, fixed, change = row.job
    return Job(
        key=row.key, name=row.name, size_mib=size, way=row.mode, streams=streams, host=host, datastore=datastore,
        fixed_s=fixed, change_mib_s=change, after=after, stage=row.wave,
    )  # fmt: skip


def reason_of(one: Assessed) -> str:
    """The weightiest thing behind the risk of a VM, in words: what blocks it, else the rule with most points."""
    known = concerns()
    if one.risk.blockers:
        first = one.risk.blockers[0]
        return known[first].title if first in known else first
    return max(one.risk.points, key=lambda point: (point.weight, point.rule)).name if one.risk.points else ""


def names(assessment: Assessment, tenants: Tenants) -> list[tuple[str, str, int, str]]:
    """(kind, name, VMs, detail as JSON) of tenants and networks: what sentences may name."""
    found = [("tenant", one.name, len(one.keys), _dumped(_told_by(one))) for one in tenants.tenants]
    used = networks_used(assessment.estate, assessment.vms)
    return found + [("network", one.name, one.vms, _dumped({"vlans": list(one.vlans)})) for one in used]


def _told_by(one: Tenant) -> dict[str, str]:
    return {"by": one.method, "confidence": one.confidence, "evidence": one.evidence}


def summary(assessment: Assessment) -> dict[str, Any]:
    """Of the export as a whole: what no decision changes."""
    report = assessment.estate.report
    missing = [f"{what} (no {sheet} sheet)" for sheet, what in _EXPECTED.items() if not report.has(sheet)]
    return {
        "totals": totals(assessment.estate),
        "missing": missing,
        "not_checked": list(assessment.not_checked),
        "rows_left_out": dict(report.left_out),
        "read": read_json(report),
    }


def schedule_kept(schedule: Schedule) -> dict[str, Any]:
    """The figures of a schedule that answers show; times in ISO 8601, UTC."""
    return {
        "start": schedule.start_at.isoformat(timespec="minutes"),
        "end": schedule.end_at.isoformat(timespec="minutes"),
        "days": len(schedule.days),
        "vms": len(schedule.rows),
        "slots": schedule.transfer.slots,
        "bottleneck": schedule.bottleneck,
        "warnings": len(schedule.warnings),
    }


def difference_kept(found: Difference) -> dict[str, Any]:
    """Counts of everything, names of the first of each."""
    return {
        "came": len(found.came),
        "went": len(found.went),
        "changed": len({change.key for change in found.changes}),
        "names_came": [one.vm.name for one in found.came[:10]],
        "names_went": [one.vm.name for one in found.went[:10]],
        "changes": [[c.name, c.what, c.before, c.after] for c in found.changes[:_MOST_CHANGES]],
        "changes_total": len(found.changes),
        "lost": [list(key) for key in found.lost_decisions][:10],
    }


def news(difference: Mapping[str, Any]) -> str:
    """ "a newer export: 3 came, 1 changed"."""
    told = [f"{difference[what]:,} {what}" for what in ("came", "went", "changed") if difference[what]]
    return f"a newer export: {', '.join(told)}"


def _dumped(value: Any) -> str:
    """As a jsonb column takes it."""
    return json_text(value)
