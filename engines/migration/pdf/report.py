"""A plan, or an assessment, as a PDF of bounded size: what is left away stands in the workbook, and is told of."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engines.migration.dossiers import Dossier
from engines.migration.pdf import chapters, closing
from engines.migration.results import sums
from engines.migration.scope import REASONS
from engines.papers.fonts import registered_fonts
from engines.papers.pages import LINE, Paper, build, paper
from engines.papers.tables import tiles

Chapter = Callable[[Paper, Dossier], chapters.Story]
_CHAPTERS: tuple[tuple[str, Chapter], ...] = (
    ("Timeline", chapters.timeline),
    ("Tenants", chapters.tenants),
    ("Cohorts", chapters.cohorts),
    ("Waves", chapters.waves),
    ("Gaps", closing.gaps),
    ("Concerns", chapters.red_ones),
    ("Sizing", closing.sizing),
    ("What was reckoned with", closing.method),
    ("How the export was read", closing.reading),
)


def write_pdf(path: Path, dossier: Dossier) -> None:
    """Blocks: some seconds for thousands of VMs. The same dossier gives the same bytes."""
    from reportlab.platypus import PageBreak

    sheet = paper(registered_fonts())
    written = [(title, chapter(sheet, dossier)) for title, chapter in _CHAPTERS]
    titles = ["Summary", *(title for title, story in written if story)]
    story = [*_cover(sheet, dossier, titles), PageBreak(), *_summary(sheet, dossier)]
    for _, part in written:
        story += part
    build(path, sheet, story, dossier.title, dossier.name)


def _cover(sheet: Paper, dossier: Dossier, titles: Sequence[str]) -> list[Any]:
    from reportlab.platypus import Spacer, Table

    plan = dossier.plan
    estate = plan.assessment.estate
    made = dossier.made_at
    centers = sorted({vm.datacenter for vm in estate.vms if vm.datacenter})
    facts = [
        ("export", dossier.file),
        ("made", f"{dossier.export_at:%d %B %Y, %H:%M} UTC" if dossier.export_at else "the export does not say"),
        ("vCenter", ", ".join(estate.servers[:4]) + (" and others" if len(estate.servers) > 4 else "")),
        ("datacenter", ", ".join(centers[:4]) + (" and others" if len(centers) > 4 else "")),
        ("this paper", f"{made:%d %B %Y, %H:%M} UTC" if made else ""),
    ]
    lines = [[sheet.paragraph(label, "note"), sheet.paragraph(value)] for label, value in facts if value]
    style = [("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
    left = Table(lines, [80, sheet.width * 0.55 - 80], style=style, hAlign="LEFT")
    contents = [sheet.paragraph("In this paper", "note"), *(sheet.link(title) for title in titles)]
    below = Table([[left, contents]], [sheet.width * 0.62, sheet.width * 0.38],
                  style=[("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, -1), 0)])  # fmt: skip
    return [
        Spacer(1, 60), sheet.paragraph(dossier.title, "covered"), sheet.paragraph(_short(dossier.name, 60), "cover"),
        Spacer(1, 8), sheet.paragraph(_lead(dossier), "covered"), Spacer(1, 104 - _more_lines(sheet, dossier.name)),
        _tiles(sheet, dossier), Spacer(1, 10), below,
    ]  # fmt: skip


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _more_lines(sheet: Paper, name: str) -> float:
    """Points that a long name takes on the cover beyond its first line."""
    shown = sheet.paragraph(_short(name, 60), "cover")
    return float(shown.wrap(sheet.width, 1000)[1]) - 40.0


def _lead(dossier: Dossier) -> str:
    vms = len(dossier.plan.assessment.in_scope)
    schedule = dossier.plan.schedule
    if not schedule.rows:
        return "Nothing is to be moved."
    return f"{vms:,} VMs, {schedule.start_at:%d %B %Y} to {schedule.end_at:%d %B %Y}"


def _tiles(sheet: Paper, dossier: Dossier) -> Any:
    plan = dossier.plan
    found = sums(plan.assessment.in_scope)
    told = [
        (f"{len(plan.assessment.in_scope):,}", "VMs to move"),
        (chapters.size(found["move_mib"]), "to copy"),
        (f"{len(plan.tenants.tenants):,}", "tenants"),
        *([(f"{len(plan.waves.waves):,}", "waves")] if dossier.is_plan else []),
        (f"{len(plan.schedule.days):,}", "days with work"),
        (f"{found['red']:,}", "VMs that are RED"),
    ]
    return tiles(sheet, told)


def _summary(sheet: Paper, dossier: Dossier) -> list[Any]:
    told = [sheet.paragraph(f"• {one}", "bullet") for one in summary_lines(dossier)]
    return [*sheet.heading("Summary"), *told, *chapters.overview(sheet, dossier)]


def summary_lines(dossier: Dossier) -> list[str]:
    """What whoever decides should know, in a few sentences."""
    plan = dossier.plan
    assessment, schedule = plan.assessment, plan.schedule
    inside, risk, modes = len(assessment.in_scope), assessment.count_risk(), assessment.count_modes()
    out = assessment.count_left_out()
    found = sums(assessment.in_scope)
    lines = [
        f"{inside:,} of {len(assessment.vms):,} VMs of the export are to be moved, with {found['vcpus']:,} vCPUs, "
        f"{chapters.size(found['memory_mib'])} of memory and {chapters.size(found['move_mib'])} to copy.",
        f"Risk: {risk['green']:,} are GREEN, {risk['yellow']:,} YELLOW, {risk['red']:,} RED. "
        f"{modes['warm']:,} can be moved while they run (warm), {modes['cold']:,} only switched off (cold).",
    ]
    if out:
        told = ", ".join(f"{count:,} ({REASONS[reason]})" for reason, count in out.items())
        lines.append(f"Left out: {told}.")
    if schedule.rows:
        order = f"{len(plan.waves.waves):,} waves" if dossier.is_plan else "one go"
        groups = f"{len(plan.cohorts.cohorts):,} cohorts and " if dossier.is_plan and plan.cohorts else ""
        slow = f" What holds it back most is: {schedule.bottleneck}." if schedule.bottleneck else ""
        lines.append(
            f"In {groups}{order}, from {schedule.start_at:%d %B %Y} to {schedule.end_at:%d %B %Y}: "
            f"{len(schedule.days):,} days with work, {schedule.transfer.slots:,} VMs at one time.{slow}"
        )
    if plan.waves.unplaced and dossier.is_plan:
        lines.append(f"{len(plan.waves.unplaced):,} VMs are in no wave; the reasons are in the chapter Waves.")
    return [*lines, *_target_lines(dossier)]


def _target_lines(dossier: Dossier) -> list[str]:
    report = dossier.target
    count = report.gaps.count()
    open_gaps = ", ".join(f"{number:,} {severity}" for severity, number in count.items() if number)
    ready = sum(one.is_ready for one in report.readiness)
    lines = [f"Gaps: {open_gaps or 'none'}. {ready:,} of {len(report.readiness):,} tenants are ready."]
    if not dossier.is_target_known:
        lines = ["The target was not asked: what it lacks is not known."]
    elif report.target.unknown:
        lines.append(f"The target did not say: {', '.join(report.target.unknown)}. Nothing is claimed about them.")
    size = report.sizing
    if size.total:
        new = f"{size.total:,} hosts of the target" if size.add is None else f"{size.add:,} more hosts at the target"
        lines.append(f"It takes {new}, with {size.failures} that may fail ({size.preset} overcommit).")
    missing = dossier.plan.assessment.not_checked
    if missing:
        lines.append(f"{len(missing):,} concerns could not be checked, because the export does not have the columns.")
    return lines
