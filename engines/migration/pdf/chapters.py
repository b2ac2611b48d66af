"""The chapters of a plan's PDF about the plan itself; those about the target are of `closing`."""

from collections.abc import Iterator, Sequence
from typing import Any

from engines.migration.assessment import Assessed
from engines.migration.cohorts import CohortPlan
from engines.migration.concerns.catalogue import concerns
from engines.migration.dossiers import Dossier
from engines.migration.figures import RISK_COLOURS, rates, size_bands, systems
from engines.migration.keeping import reason_of
from engines.migration.pdf.charts import bars, columns, rate_chart, ring
from engines.migration.pdf.gantt import gantt_bars, gantts
from engines.migration.plans import MigrationPlan
from engines.migration.results import sums
from engines.migration.wave_times import WaveTimes, wave_times
from engines.migration.waves import Wave
from engines.papers.pages import Paper
from engines.papers.tables import Col, table

_GIB, _TIB = 1024, 1024 * 1024
_MOST_TENANTS, _MOST_WAVES, _MOST_MEMBERS, _MOST_RED, _MOST_BUNDLES = 200, 200, 600, 60, 25
Story = list[Any]


def size(mib: float) -> str:
    if mib >= _TIB:
        return f"{mib / _TIB:,.1f} TiB" if mib < 1000 * _TIB else f"{mib / _TIB / 1024:,.2f} PiB"
    return f"{mib / _GIB:,.0f} GiB" if mib >= _GIB else f"{mib:,.0f} MiB"


def rest(paper: Paper, left: int, what: str, sheet: str) -> Story:
    """Where the others are, when not all are shown."""
    return [paper.paragraph(f"{left:,} more {what} are in the workbook, sheet {sheet}.", "note")] if left > 0 else []


def overview(paper: Paper, dossier: Dossier) -> Story:
    plan = dossier.plan
    inside, risk = plan.assessment.in_scope, plan.assessment.count_risk()
    widths = [paper.width * share for share in (0.34, 0.27, 0.39)]
    room, high = [width - 14 for width in widths], 178.0
    parts = [("GREEN", risk["green"]), ("YELLOW", risk["yellow"]), ("RED", risk["red"])]
    drawn = [
        ring(paper.fonts, "VMs by risk", parts, RISK_COLOURS, room[0], high),
        bars(paper.fonts, "VMs by system", systems(inside), room[1], high),
        columns(paper.fonts, "VMs by what is copied of each", size_bands(inside), room[2], high),
    ]
    from reportlab.platypus import Table

    side = Table([drawn], widths, style=[("LEFTPADDING", (0, 0), (-1, -1), 0)], spaceBefore=10)
    return [side]


def timeline(paper: Paper, dossier: Dossier) -> Story:
    """The Gantt of cohorts and waves, and how much is copied when."""
    plan = dossier.plan
    if not plan.schedule.rows:
        return []
    made: Story = [*paper.heading("Timeline")]
    if dossier.is_plan:
        made += gantts(paper.fonts, gantt_bars(plan), paper.width)
    schedule = plan.schedule
    made.append(rate_chart(paper.fonts, "Copied over time", rates(schedule), schedule.peak_mib_s, paper.width, 170))
    made.append(paper.paragraph("Times are UTC. " + _held(plan), "note"))
    return made


def _held(plan: MigrationPlan) -> str:
    told = ", ".join(f"{name} {hours:,.1f} h" for name, hours in list(plan.schedule.held_back.items())[:5])
    return f"What held the work back: {told}." if told else ""


_TENANTS = (
    Col("Tenant", 3), Col("Told by", 1.1), Col("Target project", 2), Col("VMs", 0.9, "number"),
    Col("vCPUs", 1, "number"),
    Col("Memory", 1.2, "number"), Col("To copy", 1.2, "number"), Col("Green", 0.8, "number"),
    Col("Yellow", 0.8, "number"), Col("Red", 0.8, "number"), Col("Warm", 0.8, "number"), Col("Cold", 0.8, "number"),
)  # fmt: skip


def tenants(paper: Paper, dossier: Dossier) -> Story:
    plan = dossier.plan
    known = {one.key: one for one in plan.assessment.vms}
    target = {one.source: one for one in dossier.projects}
    rows = []
    for one in plan.tenants.tenants[:_MOST_TENANTS]:
        mapped = target.get(one.name)
        where = "open" if mapped is None or mapped.target is None else mapped.target.name
        guess = " (a guess)" if where != "open" and mapped is not None and not mapped.confirmed else ""
        rows.append((one.name, one.method, where + guess, len(one.keys), *_sums([known[key] for key in one.keys])))
    if plan.tenants.without:
        members = [known[key] for key in plan.tenants.without]
        rows.append(("(none found)", "", "", len(members), *_sums(members)))
    made = [*paper.heading("Tenants")]
    if not rows:
        return [*made, paper.paragraph("No tenant was found.")]
    return [
        *made,
        table(paper, _TENANTS, rows),
        *rest(paper, len(plan.tenants.tenants) - len(rows), "tenants", "Tenants"),
    ]


def _sums(members: list[Assessed]) -> tuple[Any, ...]:
    found = sums(members)
    counts = (found[name] for name in ("green", "yellow", "red", "warm", "cold"))
    return (found["vcpus"], size(found["memory_mib"]), size(found["move_mib"]), *counts)


_COHORTS = (
    Col("Cohort", 2), Col("VMs", 0.8, "number"), Col("To copy", 1.1, "number"), Col("Red", 0.7, "number"),
    Col("Ease, 0 easiest", 1, "number"), Col("Starts (UTC)", 1.6), Col("Ends (UTC)", 1.6),
    Col("After", 0.8, optional=True),
    Col("Warnings", 4, optional=True),
)  # fmt: skip
_BUNDLES = (
    Col("Tenant", 2.6), Col("VMs", 0.7, "number"), Col("To copy", 1, "number"), Col("Red", 0.6, "number"),
    Col("Ease", 0.8, "grade"), Col("Score", 0.7, "number"), Col("There because", 6),
)  # fmt: skip


def cohorts(paper: Paper, dossier: Dossier) -> Story:
    plan = dossier.plan
    if not dossier.is_plan or plan.cohorts is None:
        return []
    times = wave_times(plan.waves.waves, plan.rows, plan.schedule)
    spans: dict[int, list[WaveTimes]] = {}
    for wave, one in zip(plan.waves.waves, times, strict=True):
        spans.setdefault(wave.cohort, []).append(one)
    rows = []
    for cohort in plan.cohorts.cohorts:
        own = spans.get(cohort.number, [])
        start, end = min((t.start_at for t in own), default=None), max((t.end_at for t in own), default=None)
        rows.append(
            (f"{cohort.number}. {cohort.name}", cohort.load.vms, size(cohort.load.mib), cohort.load.red, cohort.ease,
             _at(start), _at(end), ", ".join(map(str, cohort.after)), "; ".join(cohort.warnings))
        )  # fmt: skip
    made = [*paper.heading("Cohorts"), table(paper, _COHORTS, rows)]
    for cohort in plan.cohorts.cohorts[:40]:
        made += paper.heading(f"Cohort {cohort.number}: {cohort.name}", 2)
        cells = [
            (
                b.label,
                b.load.vms,
                size(b.load.mib),
                b.load.red,
                b.ease.label,
                b.ease.score,
                _why(plan.cohorts, b.number),
            )
            for b in cohort.bundles[:_MOST_BUNDLES]
        ]
        made += [table(paper, _BUNDLES, cells), *rest(paper, len(cohort.bundles) - len(cells), "tenants", "Cohorts")]
    return made


def _why(found: CohortPlan, bundle: int) -> str:
    return found.why[bundle].replace(found.rules.strategy, found.rules.strategy.replace("_", " "))


def _at(at: Any) -> str:
    return f"{at:%d %b %Y %H:%M}" if at is not None else ""


_WAVES = (
    Col("Wave", 1.2), Col("Cohort", 0.7, "number"), Col("VMs", 0.7, "number"), Col("To copy", 1, "number"),
    Col("Red", 0.6, "number"), Col("Warm", 0.7, "number"), Col("Cold", 0.7, "number"), Col("Starts (UTC)", 1.7),
    Col("First down (UTC)", 1.7), Col("Ends (UTC)", 1.7), Col("After", 0.9, optional=True),
    Col("Warnings", 3.4, optional=True),
)  # fmt: skip
_MEMBERS = (
    Col("VM", 2.1), Col("Tenant", 1.6, optional=True), Col("System", 2.4), Col("Risk", 0.8, "grade"), Col("Mode", 0.7),
    Col("To copy", 0.9, "number"), Col("Starts", 1.2), Col("Down from", 1.2), Col("Done", 1.2),
    Col("Hours down", 0.9, "number"), Col("Watch", 2.8, optional=True),
)  # fmt: skip


def waves(paper: Paper, dossier: Dossier) -> Story:
    """All of them in one table, then the VMs of the first ones."""
    plan = dossier.plan
    if not dossier.is_plan or not plan.waves.waves:
        return []
    found = plan.waves.waves[:_MOST_WAVES]
    times = wave_times(found, plan.rows, plan.schedule)
    rows = [_wave(wave, one) for wave, one in zip(found, times, strict=True)]
    made = [*paper.heading("Waves"), table(paper, _WAVES, rows)]
    made += rest(paper, len(plan.waves.waves) - len(found), "waves", "Waves")
    shown = 0
    for wave in found:
        if shown + len(wave.vms) > _MOST_MEMBERS:
            break
        shown += len(wave.vms)
        made += paper.heading(f"{wave.name}: {len(wave.vms):,} VMs, {size(wave.load.mib)}", 2)
        made.append(table(paper, _MEMBERS, [_member(one, plan) for one in wave.vms]))
    made += rest(paper, len(plan.rows) - shown, "VMs of later waves", "VMs")
    return made + list(_unplaced(paper, plan))


def _wave(wave: Wave, times: WaveTimes) -> tuple[Any, ...]:
    warm = sum(one.mode.way == "warm" for one in wave.vms)
    warnings = [*wave.warnings, *times.warnings]
    told = "; ".join(warnings[:3]) + (f"; {len(warnings) - 3:,} more" if len(warnings) > 3 else "")
    return (
        wave.name, wave.cohort or None, wave.load.vms, size(wave.load.mib), wave.load.red, warm, wave.load.vms - warm,
        _at(times.start_at), _at(times.first_down_at), _at(times.end_at), ", ".join(map(str, wave.after)), told,
    )  # fmt: skip


def _member(one: Assessed, plan: MigrationPlan) -> tuple[Any, ...]:
    row, tenant, at = plan.rows[one.key], plan.tenants.of.get(one.key), plan.schedule.calendar.at
    watch = "; ".join([*([reason_of(one)] if one.risk.colour != "GREEN" else []), *one.mode.first, row.warning]).strip(
        "; "
    )
    return (
        one.vm.name, tenant.tenant if tenant else "", _system(one), one.risk.colour, one.mode.way,
        size(one.sizes.move_mib), *(f"{at(seconds):%d %b %H:%M}" for seconds in (row.start_s, row.down_s, row.end_s)),
        row.downtime_s / 3600, watch,
    )  # fmt: skip


def _system(one: Assessed) -> str:
    """Short: "Windows Server 2016"."""
    return one.guest.label.removeprefix("Microsoft ").removesuffix(" (64-bit)")


def _unplaced(paper: Paper, plan: MigrationPlan) -> Iterator[Any]:
    if not plan.waves.unplaced:
        return
    yield from paper.heading("In no wave", 2)
    names = {one.key: one.vm.name for one in plan.assessment.in_scope}
    rows = [(names[key], why) for key, why in list(plan.waves.unplaced.items())[:50]]
    yield table(paper, (Col("VM", 2), Col("Why", 5)), rows)
    yield from rest(paper, len(plan.waves.unplaced) - len(rows), "VMs", "VMs")


def red_ones(paper: Paper, dossier: Dossier) -> Story:
    """The concerns that VMs have, and the VMs that are RED, highest score first."""
    plan, known = dossier.plan, concerns()
    counts = plan.assessment.count_concerns()
    order = {"critical": 0, "warning": 1}
    ranked: Sequence[str] = sorted(counts, key=lambda id_: (order.get(known[id_].category, 2), -counts[id_], id_))
    rows = [
        (known[i].category, known[i].title + (" (a hint)" if known[i].hint else ""), known[i].todo, counts[i])
        for i in ranked
    ]
    columns_ = (Col("Kind", 1, "grade"), Col("What", 4), Col("What to do", 5), Col("VMs", 0.8, "number"))
    made = [*paper.heading("Concerns")]
    made.append(table(paper, columns_, rows) if rows else paper.paragraph("None was found."))
    if plan.assessment.not_checked:
        told = f"{len(plan.assessment.not_checked):,} concerns were not checked: the export does not say."
        made.append(paper.paragraph(f"{told} They are in the workbook, sheet Concerns.", "note"))
    red = sorted(
        (one for one in plan.assessment.in_scope if one.risk.colour == "RED"), key=lambda v: (-v.risk.score, v.vm.name)
    )
    if not red:
        return made
    cells = [
        (one.vm.name, one.risk.score, _because(one), "; ".join(dict.fromkeys(_todo(one)))) for one in red[:_MOST_RED]
    ]
    made += paper.heading("VMs that are RED", 2)
    shown = (Col("VM", 2.2), Col("Score", 0.7, "number"), Col("Because", 4), Col("What to do", 4))
    return [*made, table(paper, shown, cells), *rest(paper, len(red) - len(cells), "RED VMs", "VMs")]


def _because(one: Assessed) -> str:
    known = concerns()
    blockers = [known[id_].title if id_ in known else id_ for id_ in one.risk.blockers]
    points = [point.name for point in sorted(one.risk.points, key=lambda point: -point.weight)]
    return "; ".join(dict.fromkeys(blockers or points[:4]))


def _todo(one: Assessed) -> list[str]:
    known = concerns()
    named = [found.concern for found in one.findings if found.concern in one.risk.blockers]
    return [known[id_].todo for id_ in named or [f.concern for f in one.findings][:2] if known[id_].todo]
