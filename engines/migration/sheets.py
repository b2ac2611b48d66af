"""The sheets of a plan's workbook, as data."""

from collections.abc import Iterator
from typing import Any

from engines.migration.assessment import Assessed, families
from engines.migration.concerns.catalogue import concerns
from engines.migration.mappings import networks_used
from engines.migration.plans import MigrationPlan
from engines.migration.results import sums
from engines.migration.scope import REASONS
from engines.migration.totals import totals
from engines.migration.workbook import ChartData, Column, SheetData

_RISK_COLOURS = ("#5FB567", "#F0B429", "#D64545")
_GIB = 1024


def plan_sheets(plan: MigrationPlan) -> list[SheetData]:
    """In the order in which they are read; cohorts and waves will stand behind the tenants."""
    return [
        _summary(plan),
        _tenants(plan),
        _vms(plan),
        _concerns(plan),
        _findings(plan),
        _days(plan),
        _networks(plan),
        _rules(plan),
        _read_report(plan),
    ]


def _summary(plan: MigrationPlan) -> SheetData:
    assessment, schedule = plan.assessment, plan.schedule
    risk, modes = assessment.count_risk(), assessment.count_modes()
    systems = list(families(assessment.in_scope).items())[:12]
    rows: list[tuple[str, str, Any]] = [
        ("Risk", "GREEN", risk["green"]),
        ("Risk", "YELLOW", risk["yellow"]),
        ("Risk", "RED", risk["red"]),
        ("Mode", "warm", modes["warm"]),
        ("Mode", "cold", modes["cold"]),
        *(("System", family, count) for family, count in systems),
    ]
    charts = (
        ChartData("Risk", "pie", 1, 2, 1, 3, _RISK_COLOURS),
        ChartData("Systems", "bar", 1, 2, 6, 5 + len(systems)),
    )
    sums_of = totals(assessment.estate)
    rows += [("Export", name.replace("_", " "), value) for name, value in sums_of.items() if isinstance(value, int)]
    rows += [("Left out", REASONS[reason], count) for reason, count in assessment.count_left_out().items()]
    rows += [
        ("Schedule", "first VM starts", schedule.start_at),
        ("Schedule", "last VM is done", schedule.end_at),
        ("Schedule", "days with work", len(schedule.days)),
        ("Schedule", "VMs at one time", schedule.transfer.slots),
        ("Schedule", "bottleneck", schedule.bottleneck),
        *(("Held back (hours)", name, round(hours, 1)) for name, hours in schedule.held_back.items()),
    ]
    columns = (Column("About", width=18), Column("What", "grade", 52), Column("Value", "int", 20))
    return SheetData("Summary", columns, rows, charts if systems else charts[:1], filtered=False)


def _tenants(plan: MigrationPlan) -> SheetData:
    columns = (
        Column("Tenant", width=28), Column("Told by", width=12), Column("Confidence", width=12),
        Column("Read from", width=44),
        Column("Parts", width=30), Column("VMs", "int", 8), Column("vCPUs", "int", 9),
        Column("Memory GiB", "float", 12),
        Column("Volumes GiB", "float", 13), Column("To copy GiB", "float", 13), Column("Green", "int", 8),
        Column("Yellow", "int", 8), Column("Red", "int", 8), Column("Warm", "int", 8), Column("Cold", "int", 8),
    )  # fmt: skip
    known = {one.key: one for one in plan.assessment.vms}

    def rows() -> Iterator[tuple[Any, ...]]:
        for one in plan.tenants.tenants:
            yield (
                one.name,
                one.method,
                one.confidence,
                one.evidence,
                ", ".join(one.parts),
                len(one.keys),
                *_sums([known[key] for key in one.keys]),
            )
        if plan.tenants.without:
            yield (
                "(none found)",
                "",
                "",
                "",
                "",
                len(plan.tenants.without),
                *_sums([known[key] for key in plan.tenants.without]),
            )

    return SheetData("Tenants", columns, rows())


def _sums(members: list[Assessed]) -> tuple[Any, ...]:
    found = sums(members)
    sizes = (found[name] / _GIB for name in ("memory_mib", "capacity_mib", "move_mib"))
    return (found["vcpus"], *sizes, *(found[name] for name in ("green", "yellow", "red", "warm", "cold")))


_VM_COLUMNS = (
    Column("VM", width=30), Column("Tenant", width=22), Column("Risk", "grade", 9), Column("Score", "int", 7),
    Column("Why", width=48), Column("Blockers", width=34), Column("Mode", width=8), Column("Mode: why", width=40),
    Column("Before", width=30), Column("Not known", width=24), Column("System", width=38),
    Column("System known", width=12),
    Column("vCPUs", "int", 8), Column("Memory MiB", "int", 12), Column("Disks", "int", 7),
    Column("Capacity MiB", "int", 13), Column("In use MiB", "int", 13), Column("Guest used MiB", "int", 13),
    Column("To copy MiB", "int", 13), Column("To copy: from", width=16), Column("Networks", width=28),
    Column("First copy h", "float", 10), Column("Cutover h", "float", 10), Column("Cold h", "float", 10),
    Column("Starts (UTC)", "time", 17), Column("Down from (UTC)", "time", 17), Column("Done (UTC)", "time", 17),
    Column("Planned downtime h", "float", 12), Column("Warning", width=34), Column("Power", width=12),
    Column("Cluster", width=18), Column("Host", width=26), Column("vCenter", width=22), Column("VM id", width=12),
    Column("Left out because", width=30), Column("Priority", "int", 9), Column("Status", width=10),
)  # fmt: skip


def _vms(plan: MigrationPlan) -> SheetData:
    return SheetData("VMs", _VM_COLUMNS, (_vm(one, plan) for one in plan.assessment.vms))


def _vm(one: Assessed, plan: MigrationPlan) -> tuple[Any, ...]:
    vm, tenant = one.vm, plan.tenants.of.get(one.key)
    why = "; ".join(f"{point.name} (+{point.weight})" for point in one.risk.points)
    return (
        vm.name, tenant.tenant if tenant else "", one.risk.colour, one.risk.score, why, ", ".join(one.risk.blockers),
        one.mode.way, "; ".join(one.mode.reasons), "; ".join(one.mode.first), ", ".join(one.mode.unchecked),
        one.guest.label, one.guest.confidence, vm.cpus, vm.memory_mib, len(vm.disks) or vm.disk_count,
        one.sizes.capacity_mib, one.sizes.in_use_mib, one.sizes.consumed_mib, one.sizes.move_mib, one.sizes.move_by,
        ", ".join(vm.network_names), *_vm_times(one, plan), vm.power, vm.cluster, vm.host, vm.server, vm.vm_id,
        REASONS.get(one.left_out, ""), one.override.priority, one.override.status,
    )  # fmt: skip


def _vm_times(one: Assessed, plan: MigrationPlan) -> tuple[Any, ...]:
    times, row = plan.times.get(one.key), plan.rows.get(one.key)
    if times is None or row is None:
        return (None,) * 8
    at = plan.settings.calendar.at
    return (
        times.first_copy_s / 3600, times.cutover_s / 3600, times.cold_s / 3600, at(row.start_s), at(row.down_s),
        at(row.end_s), row.downtime_s / 3600, row.warning,
    )  # fmt: skip


def _concerns(plan: MigrationPlan) -> SheetData:
    columns = (
        Column("Concern", width=42), Column("Category", "grade", 12), Column("What", width=56),
        Column("What to do", width=60),
        Column("VMs", "int", 8), Column("Checked", width=34),
    )  # fmt: skip
    counts, missing = plan.assessment.count_concerns(), set(plan.assessment.not_checked)
    rows = [
        (one.id, one.category, one.title + (" (a hint only)" if one.hint else ""), one.todo, counts.get(id_, 0),
         "" if id_ not in missing else "not checked: the export does not say")
        for id_, one in concerns().items()
    ]  # fmt: skip
    return SheetData("Concerns", columns, rows)


def _findings(plan: MigrationPlan) -> SheetData:
    columns = (
        Column("VM", width=30), Column("Concern", width=42), Column("Category", "grade", 12), Column("Sheet", width=12),
        Column("Row", "int", 8), Column("Column", width=24), Column("Value", width=50), Column("vCenter", width=22),
    )  # fmt: skip
    known = concerns()
    rows = (
        (one.vm.name, finding.concern, known[finding.concern].category, finding.seen.sheet, finding.seen.row,
         finding.seen.column, finding.seen.value, one.vm.server)
        for one in plan.assessment.in_scope
        for finding in one.findings
    )  # fmt: skip
    return SheetData("Findings", columns, rows)


def _days(plan: MigrationPlan) -> SheetData:
    columns = (
        Column("Day", "int", 8),
        Column("Date", width=12),
        Column("VMs done", "int", 10),
        Column("Copied GiB", "float", 12),
    )
    start = plan.settings.calendar
    rows = [
        (day.number, start.at(86_400.0 * (day.number - 1)).date().isoformat(), day.vms, day.copied_mib / _GIB)
        for day in plan.schedule.days
    ]
    charts = (ChartData("GiB copied a day", "column", 0, 3, 1, len(rows)),) if rows else ()
    return SheetData("Daily schedule", columns, rows, charts)


def _networks(plan: MigrationPlan) -> SheetData:
    columns = (Column("Network", width=36), Column("VLAN", width=16), Column("VMs", "int", 8))
    used = networks_used(plan.assessment.estate, plan.assessment.vms)
    return SheetData("Networks", columns, [(one.name, ", ".join(one.vlans), one.vms) for one in used])


def _rules(plan: MigrationPlan) -> SheetData:
    rules = plan.assessment.rules
    columns = (Column("Rule", width=26), Column("What", width=52), Column("Points", "int", 9))
    rows: list[tuple[Any, ...]] = [(one.id, one.name, one.weight) for one in rules.rules]
    rows += [("GREEN", "up to this many points", rules.green_up_to), ("YELLOW", "up to this many", rules.yellow_up_to)]
    rows += [(id_, "RED whatever the points", None) for id_ in sorted(rules.blockers)]
    return SheetData("Risk rules", columns, rows)


def _read_report(plan: MigrationPlan) -> SheetData:
    report = plan.assessment.estate.report
    columns = (
        Column("About", width=16),
        Column("Sheet", width=18),
        Column("What", width=80),
        Column("Count", "int", 10),
    )
    rows: list[tuple[Any, ...]] = [("File", "", report.file, None)]
    for sheet in report.sheets:
        rows.append(
            ("Read", sheet.sheet, f"rows taken, of {sheet.rows:,}; header in row {sheet.header_row}", sheet.taken)
        )
        if sheet.missing:
            rows.append(("Missing", sheet.sheet, f"columns: {', '.join(sheet.missing)}", len(sheet.missing)))
        if sheet.unfilled:
            rows.append(("Blank", sheet.sheet, f"columns: {', '.join(sheet.unfilled)}", len(sheet.unfilled)))
    rows += [("Left out", "", reason, count) for reason, count in report.left_out.items()]
    rows += [("Unreadable", u.sheet, f"{u.column}, first in row {u.first_row}", u.cells) for u in report.unreadable]
    rows += [("Not read", name, "nothing that a plan needs", None) for name in report.other_sheets]
    rows += [("Not known", name, "no sheet of RVTools", None) for name in report.unknown_sheets]
    rows += [("Note", "", note, None) for note in report.notes]
    return SheetData("Read report", columns, rows)
