"""What a plan meets at the target, as sheets of the workbook: gaps, readiness, sizing, quotas."""

from collections.abc import Iterator, Sequence
from typing import Any

from engines.migration.readiness import Check
from engines.migration.sizing import Sizing
from engines.migration.target_reports import TargetReport
from engines.migration.workbook import Column, SheetData

STATES = {"pass": "ready", "fail": "not ready", "pending": "waits for a decision", "unknown": "not known"}
_GAPS = (
    Column("Severity", "grade", 10), Column("Kind", width=10), Column("What", width=34), Column("Gap", "note", 52),
    Column("What to do", "note", 52), Column("VMs", "int", 8), Column("Tenants", "note", 44),
    Column("Decided", width=18),
)  # fmt: skip
_QUOTAS = (
    Column("Project", width=28), Column("Is there", width=10), Column("Tenants", "note", 36), Column("VMs", "int", 8),
    Column("Resource", width=14), Column("Needed", "int", 12), Column("Used now", "int", 12),
    Column("Limit now", "int", 12), Column("Short by", "int", 12), Column("Set to", "int", 12),
)  # fmt: skip


def target_sheets(report: TargetReport) -> list[SheetData]:
    return [_gaps(report), _readiness(report), _sizing(report), SheetData("Quotas", _QUOTAS, _quotas(report))]


def unknown_words(report: TargetReport) -> str:
    """What could not be looked at, in words; "" when everything was."""
    missing = report.target.unknown
    return f"Not looked at, because the target did not say: {', '.join(missing)}." if missing else ""


def _gaps(report: TargetReport) -> SheetData:
    rows: list[tuple[Any, ...]] = [
        (g.severity, g.kind, g.subject, g.what, g.todo, g.vms, ", ".join(g.tenants), g.decided)
        for g in report.gaps.gaps
    ]
    if words := unknown_words(report):
        rows.append(("", "", "", words, "connect the target, and export again", None, "", ""))
    return SheetData("Gaps", _GAPS, rows)


def _readiness(report: TargetReport) -> SheetData:
    columns = (
        Column("Tenant", width=32), Column("Ready", "grade", 20), Column("VMs", "int", 8), Column("Open", "note", 100)
    )  # fmt: skip
    rows = [(one.tenant, STATES[one.state], one.vms, open_checks(one.checks)) for one in report.readiness]
    return SheetData("Readiness", columns, rows)


def open_checks(checks: Sequence[Check]) -> str:
    """What has not passed, with its evidence."""
    return "; ".join(f"{one.item.replace('_', ' ')}: {one.evidence}" for one in checks if one.state != "pass")


def _sizing(report: TargetReport) -> SheetData:
    columns = (Column("What", width=44), Column("Value", "note", 70))
    return SheetData("Sizing", columns, sizing_lines(report.sizing), filtered=False)


def sizing_lines(found: Sizing) -> list[tuple[str, Any]]:
    """Label and value of all that the sizing says; what is not known is not told as 0."""
    there = "not known" if found.hosts is None else found.hosts
    lines: list[tuple[str, Any]] = [
        ("hosts needed in all", found.total),
        ("hosts that are there", there),
        ("hosts to add", found.total if found.add is None else found.add),
        ("asked for by", found.bound or "nothing"),
        ("failed hosts that it survives", found.failures),
        ("overcommit", found.preset),
        ("vCPUs given", found.vcpus),
        ("memory given, GiB", round(found.memory_mib / 1024)),
        ("volumes with growth, GiB", found.disk_gib),
        ("source cores in use", round(found.cores_used)),
        ("running VMs with measured CPU", f"{found.covered:,} of {found.powered_on:,}"),
    ]
    lines += [("too large for any host", name) for name in found.too_large[:50]]
    return [*lines, *(("note", note) for note in found.notes)]


def _quotas(report: TargetReport) -> Iterator[tuple[Any, ...]]:
    for one in report.quotas:
        tenants = ", ".join(one.tenants)
        for need in one.needs:
            limit = need.limit if need.known and need.limit is not None else None
            yield (
                one.name, "yes" if one.project else "to be made", tenants, one.vms, need.resource.replace("_", " "),
                need.needed, need.used if need.known else None, limit, need.short or None, need.wanted,
            )  # fmt: skip
