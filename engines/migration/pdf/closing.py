"""The chapters about the target, about what was reckoned with, and about how the export was read."""

from engines.migration.dossiers import Dossier
from engines.migration.pdf.chapters import Story, rest
from engines.migration.target_sheets import STATES, open_checks, sizing_lines, unknown_words
from engines.papers.pages import Paper
from engines.papers.tables import Col, pairs, table

_MOST_GAPS, _MOST_TENANTS, _MOST_QUOTAS = 120, 100, 60
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def gaps(paper: Paper, dossier: Dossier) -> Story:
    found = dossier.target.gaps.gaps
    columns = (Col("Severity", 0.9, "grade"), Col("Kind", 0.8), Col("What", 2), Col("Gap", 3.2), Col("What to do", 3),
               Col("VMs", 0.6, "number"), Col("Tenants", 2.2), Col("Decided", 1, optional=True))  # fmt: skip
    rows = [
        (g.severity, g.kind, g.subject, g.what, g.todo, g.vms, _some(g.tenants), g.decided) for g in found[:_MOST_GAPS]
    ]
    made = [*paper.heading("Gaps")]
    if not dossier.is_target_known:
        told = (
            "The target was not asked: what it lacks, and which tenants are ready, is not known. Export again from a "
        )
        told += (
            "conversation where it is connected. Until then every tenant needs a project, and every network a target."
        )
        return [*made, paper.paragraph(told)]
    if words := unknown_words(dossier.target):
        made.append(paper.paragraph(words, "note"))
    made.append(table(paper, columns, rows) if rows else paper.paragraph("No gap is open."))
    return [*made, *rest(paper, len(found) - len(rows), "gaps", "Gaps"), *_readiness(paper, dossier)]


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")


def _readiness(paper: Paper, dossier: Dossier) -> Story:
    found = dossier.target.readiness
    if not found:
        return []
    columns = (Col("Tenant", 2), Col("Ready", 1.3, "grade"), Col("VMs", 0.6, "number"), Col("Open", 6))
    rows = [(one.tenant, STATES[one.state], one.vms, open_checks(one.checks)) for one in found[:_MOST_TENANTS]]
    more = rest(paper, len(found) - len(rows), "tenants", "Readiness")
    return [*paper.heading("Readiness of the tenants", 2), table(paper, columns, rows), *more]


def sizing(paper: Paper, dossier: Dossier) -> Story:
    made = [*paper.heading("Sizing"), pairs(paper, sizing_lines(dossier.target.sizing), 0.7)]
    quotas = dossier.target.quotas
    if not quotas:
        return made
    names = [need.resource for need in quotas[0].needs]
    columns = (Col("Project", 2.4), Col("Is there", 1), *(Col(name.replace("_", " "), 1, "number") for name in names))
    rows = [
        (one.name, "yes" if one.project else "to be made", *(need.needed for need in one.needs))
        for one in quotas[:_MOST_QUOTAS]
    ]
    made += [*paper.heading("Quota that the VMs need", 2), table(paper, columns, rows)]
    return [*made, *rest(paper, len(quotas) - len(rows), "projects", "Quotas")]


def method(paper: Paper, dossier: Dossier) -> Story:
    """With what was reckoned: who reads the figures must know."""
    plan = dossier.plan
    transfer, calendar = plan.settings.transfer, plan.settings.calendar
    days = [name for number, name in enumerate(_WEEKDAYS) if number in calendar.weekdays]
    link = (
        f"a link of {transfer.link_gbps:g} Gbit/s"
        if transfer.link_gbps
        else f"no limit of a link ({transfer.topology})"
    )
    rules, waves = plan.assessment.rules, plan.waves.rules
    lines = [
        ("means", f"{transfer.agents} agents with {transfer.vms_per_agent} VMs each, {link}"),
        ("hours", f"{calendar.from_hour:g} to {calendar.to_hour:g} o'clock {calendar.zone}, {', '.join(days)}"),
        ("days off", ", ".join(sorted(day.isoformat() for day in calendar.blackout)) or "none"),
        ("waves", f"{waves.strategy.replace('_', ' ')}, up to {waves.limits.vms or 'any number of'} VMs"),
        ("cohorts", plan.cohorts.rules.strategy.replace("_", " ") if plan.cohorts else "none"),
        ("risk", f"GREEN to {rules.green_up_to} points, YELLOW to {rules.yellow_up_to}; RED above, or with a blocker"),
        ("change", f"{plan.settings.pace.change_percent_a_day:g} % of what is in use changes in a day"),
    ]  # fmt: skip
    notes = [*(plan.cohorts.notes if plan.cohorts else ()), *plan.waves.notes]
    lines += [("note", note) for note in notes[:12]]
    return [
        *paper.heading("What was reckoned with"),
        pairs(paper, lines),
        *rest(paper, len(notes) - 12, "notes", "Waves"),
    ]


def reading(paper: Paper, dossier: Dossier) -> Story:
    report = dossier.plan.assessment.estate.report
    columns = (Col("Sheet", 1.2), Col("Rows", 0.8, "number"), Col("Taken", 0.8, "number"),
               Col("Columns missing", 4, optional=True),
               Col("Columns that are blank", 4, optional=True))  # fmt: skip
    rows = [(s.sheet, s.rows, s.taken, ", ".join(s.missing), ", ".join(s.unfilled)) for s in report.sheets]
    made = [*paper.heading("How the export was read"), table(paper, columns, rows)]
    told = [f"{count:,} rows left out: {reason}" for reason, count in report.left_out.items()]
    told += [
        f"{u.sheet}, {u.column}: {u.cells:,} cells not readable, first in row {u.first_row}" for u in report.unreadable
    ]
    told += report.notes
    if unread := [*report.other_sheets, *report.unknown_sheets]:
        told.append(f"Sheets that were not read: {', '.join(unread[:40])}")
    made += [paper.paragraph(f"• {one}", "bullet") for one in told[:60]]
    made += rest(paper, len(told) - 60, "lines", "Read report")
    return made
