"""The sheets of a plan's workbook, as data."""

from collections.abc import Iterator, Mapping
from typing import Any

from engines.migration.assessment import Assessed
from engines.migration.concerns.catalogue import concerns
from engines.migration.dossiers import Dossier
from engines.migration.figures import RISK_COLOURS, size_bands, systems
from engines.migration.mappings import Mapped, NetworkUse, networks_used
from engines.migration.plans import MigrationPlan
from engines.migration.results import sums
from engines.migration.scope import REASONS
from engines.migration.target_sheets import target_sheets
from engines.migration.totals import totals
from engines.migration.wave_sheets import wave_charts, wave_sheets
from engines.migration.workbook import ChartData, Column, SheetData

_GIB = 1024
_TOTALS = {
    "vms": "VMs without templates", "templates": "templates", "powered_on": "powered on", "powered_off": "powered off",
    "suspended": "suspended", "vcpus": "vCPUs", "memory_mib": "memory, MiB", "provisioned_mib": "provisioned, MiB",
    "in_use_mib": "in use, MiB", "disk_capacity_mib": "capacity of disks, MiB", "disks": "disks",
    "partition_consumed_mib": "used by guests, MiB", "partition_capacity_mib": "file systems, MiB",
    "partitions": "file systems", "vms_with_partitions": "VMs with file systems", "nics": "network adapters",
    "nics_by_vinfo": "network adapters as vInfo counts", "disks_by_vinfo": "disks as vInfo counts",
    "snapshots": "snapshots", "vms_with_snapshots": "VMs with snapshots", "os_unknown": "VMs without a system named",
}  # fmt: skip


def plan_sheets(dossier: Dossier) -> list[SheetData]:
    """In the order in which they are read. Without cohorts and waves asked for, theirs are left away."""
    plan = dossier.plan
    return [
        _summary(dossier),
        _tenants(plan, {one.source: one for one in dossier.projects}),
        *(wave_sheets(plan) if dossier.is_plan else ()),
        _vms(dossier),
        _concerns(plan),
        _findings(plan),
        _days(plan),
        _networks(plan, {one.source: one for one in dossier.networks}),
        *target_sheets(dossier.target),
        _rules(plan),
        _read_report(plan),
    ]


def _heading(dossier: Dossier) -> tuple[str, ...]:
    made, export = dossier.made_at, dossier.export_at
    age = f"export of {export:%Y-%m-%d %H:%M} UTC" if export else "the export does not say when it was made"
    told = [f"{dossier.file}, {age}", *([f"made {made:%Y-%m-%d %H:%M} UTC"] if made else [])]
    return (f"{dossier.title}: {dossier.name}", "; ".join(told), "")


def _summary(dossier: Dossier) -> SheetData:
    plan = dossier.plan
    assessment = plan.assessment
    inside = assessment.in_scope
    risk, modes = assessment.count_risk(), assessment.count_modes()
    blocks: list[tuple[str, list[tuple[str, Any]]]] = [
        ("Risk", [("GREEN", risk["green"]), ("YELLOW", risk["yellow"]), ("RED", risk["red"])]),
        ("Mode", [("warm", modes["warm"]), ("cold", modes["cold"])]),
        ("System", list(systems(inside))),
        ("To copy of one VM", list(size_bands(inside))),
        ("Schedule", _schedule(plan)),
        ("Held back, hours", [(name, round(hours, 1)) for name, hours in plan.schedule.held_back.items()]),
        ("Gaps", list(dossier.target.gaps.count().items()) if dossier.is_target_known else [("not known", None)]),
        ("Left out", [(REASONS[reason], count) for reason, count in assessment.count_left_out().items()]),
        ("Export", [(_TOTALS[n], v) for n, v in totals(assessment.estate).items() if n in _TOTALS and v is not None]),
    ]  # fmt: skip
    rows = [(about, what, value) for about, lines in blocks for what, value in lines]
    columns = (Column("About", width=20), Column("What", "grade", 46), Column("Value", "int", 20))
    charts = [*_charts(blocks), *(wave_charts(plan) if dossier.is_plan else ())]
    return SheetData("Summary", columns, rows, charts, filtered=False, heading=_heading(dossier))


def _charts(blocks: list[tuple[str, list[tuple[str, Any]]]]) -> tuple[ChartData, ...]:
    kinds: Mapping[str, tuple[str, Any, tuple[str, ...], str]] = {
        "Risk": ("VMs by risk", "doughnut", RISK_COLOURS, ""),
        "System": ("VMs by system", "bar", (), "VMs"),
        "To copy of one VM": ("VMs by what is copied of each", "column", (), "VMs"),
    }
    found, at = [], 0
    for about, lines in blocks:
        if about in kinds and lines:
            title, kind, colours, unit = kinds[about]
            found.append(ChartData(title, kind, 1, 2, at, at + len(lines) - 1, colours, unit))
        at += len(lines)
    return tuple(found)


def _schedule(plan: MigrationPlan) -> list[tuple[str, Any]]:
    schedule = plan.schedule
    if not schedule.rows:
        return [("nothing is to be moved", None)]
    return [
        ("first VM starts (UTC)", schedule.start_at),
        ("last VM is done (UTC)", schedule.end_at),
        ("days with work", len(schedule.days)),
        ("VMs at one time", schedule.transfer.slots),
        ("GiB to copy, increments with them", round(schedule.copied_mib / _GIB)),
        ("most MiB a second", round(schedule.peak_mib_s)),
        ("bottleneck", schedule.bottleneck or "nothing"),
    ]


def _tenants(plan: MigrationPlan, projects: Mapping[str, Mapped]) -> SheetData:
    columns = (
        Column("Tenant", width=28), Column("Told by", width=12), Column("Confidence", width=12),
        Column("Read from", width=44), Column("Parts", width=30), Column("Target project", width=22),
        Column("Target is", width=12), Column("VMs", "int", 8), Column("vCPUs", "int", 9),
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
                *_target(projects.get(one.name)),
                len(one.keys),
                *_sums([known[key] for key in one.keys]),
            )
        if plan.tenants.without:
            yield (
                "(none found)",
                *[""] * 6,
                len(plan.tenants.without),
                *_sums([known[key] for key in plan.tenants.without]),
            )

    return SheetData("Tenants", columns, rows())


def _target(mapped: Mapped | None) -> tuple[str, str]:
    if mapped is None or mapped.target is None:
        return ("", "open")
    return (mapped.target.name, "confirmed" if mapped.confirmed else "a guess")


def _sums(members: list[Assessed]) -> tuple[Any, ...]:
    found = sums(members)
    sizes = (found[name] / _GIB for name in ("memory_mib", "capacity_mib", "move_mib"))
    return (found["vcpus"], *sizes, *(found[name] for name in ("green", "yellow", "red", "warm", "cold")))


_VM_COLUMNS = (
    Column("VM", width=30), Column("Tenant", width=22), Column("Cohort", "int", 8), Column("Wave", "int", 8),
    Column("Risk", "grade", 9), Column("Score", "int", 7), Column("Mode", width=8), Column("System", width=38),
    Column("vCPUs", "int", 8), Column("Memory MiB", "int", 12), Column("Disks", "int", 7),
    Column("Capacity MiB", "int", 13), Column("In use MiB", "int", 13), Column("Guest used MiB", "int", 13),
    Column("To copy MiB", "int", 13), Column("To copy: from", width=16),
    Column("First copy h", "float", 10), Column("Cutover h", "float", 10), Column("Cold h", "float", 10),
    Column("Starts (UTC)", "time", 17), Column("Down from (UTC)", "time", 17), Column("Done (UTC)", "time", 17),
    Column("Planned downtime h", "float", 12), Column("Warning", width=34),
    Column("Risk: why", width=60), Column("Blockers", width=34), Column("Mode: why", width=50),
    Column("Before", width=36), Column("In the wave because", width=60), Column("Not known", width=24),
    Column("System known", width=12), Column("Networks", width=28), Column("Power", width=12),
    Column("Cluster", width=18), Column("Host", width=26), Column("vCenter", width=22), Column("VM id", width=12),
    Column("Left out because", width=30), Column("Priority", "int", 9), Column("Status", width=10),
)  # fmt: skip


def _vms(dossier: Dossier) -> SheetData:
    plan = dossier.plan
    cohort_of = {wave.number: wave.cohort for wave in plan.waves.waves}
    return SheetData(
        "VMs", _VM_COLUMNS, (_vm(one, plan, cohort_of if dossier.is_plan else {}) for one in plan.assessment.vms)
    )


def _vm(one: Assessed, plan: MigrationPlan, cohort_of: Mapping[int, int]) -> tuple[Any, ...]:
    vm, tenant = one.vm, plan.tenants.of.get(one.key)
    why = "; ".join(f"{point.name} (+{point.weight})" for point in one.risk.points)
    cohort, wave, placed = _place(one, plan, cohort_of)
    return (
        vm.name, tenant.tenant if tenant else "", cohort, wave, one.risk.colour, one.risk.score, one.mode.way,
        one.guest.label, vm.cpus, vm.memory_mib, len(vm.disks) or vm.disk_count,
        one.sizes.capacity_mib, one.sizes.in_use_mib, one.sizes.consumed_mib, one.sizes.move_mib, one.sizes.move_by,
        *_vm_times(one, plan), why, ", ".join(one.risk.blockers), "; ".join(one.mode.reasons),
        "; ".join(one.mode.first), placed, ", ".join(one.mode.unchecked), one.guest.confidence,
        ", ".join(vm.network_names), vm.power, vm.cluster, vm.host, vm.server, vm.vm_id,
        REASONS.get(one.left_out, ""), one.override.priority, one.override.status,
    )  # fmt: skip


def _place(one: Assessed, plan: MigrationPlan, cohort_of: Mapping[int, int]) -> tuple[Any, ...]:
    wave = plan.waves.wave_of.get(one.key)
    if not cohort_of or wave is None:
        return (None, None, plan.waves.unplaced.get(one.key, ""))
    return (cohort_of[wave] or None, wave, plan.waves.why[one.key])


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
        Column("Concern", width=42), Column("Category", "grade", 12), Column("What", "note", 56),
        Column("What to do", "note", 60),
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
    charts = (ChartData("GiB copied by day", "column", 1, 3, 0, len(rows) - 1, (), "GiB"),) if rows else ()
    return SheetData("Daily schedule", columns, rows, charts)


def _networks(plan: MigrationPlan, mapped: Mapping[str, Mapped]) -> SheetData:
    columns = (
        Column("Network", width=36), Column("VLAN", width=16), Column("VMs", "int", 8),
        Column("Target network", width=30), Column("Target is", width=12),
        Column("Alike by", width=10), Column("Alike, of 100", "int", 10),
    )  # fmt: skip
    used = networks_used(plan.assessment.estate, plan.assessment.vms)
    return SheetData("Networks", columns, [_network(one, mapped.get(one.name)) for one in used])


def _network(one: NetworkUse, mapped: Mapped | None) -> tuple[Any, ...]:
    alike = (mapped.by, mapped.likeness) if mapped is not None and mapped.target is not None else ("", None)
    return (one.name, ", ".join(one.vlans), one.vms, *_target(mapped), *alike)


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
        Column("What", "note", 90),
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
