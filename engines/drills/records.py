"""The proof of drills for a customer's file: each VM's last drill with its checks and steps, as CSV and PDF."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engines.drills.results import VERDICTS, Proof, Summary, old, span
from engines.papers.fonts import registered_fonts
from engines.papers.pages import build, paper
from engines.papers.tables import Col, table, tiles
from engines.restore.records import duration
from storage.drills import Target

_MOST_PAGES_OF_VMS = 500
Steps = Mapping[tuple[int, int], Sequence[tuple[str, float]]]
"""(job, number of the VM in it): its steps with their seconds."""
COLUMNS = (
    "source", "project", "VM", "VM id", "verdict", "why", "drill", "drilled (UTC)", "restore point", "point of (UTC)",
    "data age hours", "RPO target hours", "seconds to restore", "RTO target minutes", "outcome", "checks", "steps",
    "asked by", "left",
)  # fmt: skip


def as_csv(proofs: Sequence[Proof], steps: Steps) -> bytes:
    """A row for each VM; a cell that a spreadsheet would take for a formula is told as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([_safe(cell) for cell in _row(one, steps)] for one in proofs)
    return ("\ufeff" + out.getvalue()).encode()


def _row(one: Proof, steps: Steps) -> list[Any]:
    last, target = one.last, one.target
    head = [one.vm.source, one.project, one.vm.name, one.vm.external_id, one.verdict, "; ".join(one.misses)]
    targets = [_number(target.rpo_hours), _number(target.rto_minutes)]
    if last is None:
        return [*head, "", "", "", "", "", targets[0], "", targets[1], "", "", "", "", ""]
    age = "" if last.age_s is None else f"{last.age_s / 3600:.1f}"
    took = "" if last.restored_s is None else f"{last.restored_s:.1f}"
    return [
        *head, last.name, _time(last.began_at), last.point, _time(last.point_at), age, targets[0], took, targets[1],
        last.outcome, "; ".join(map(check_words, last.checks)), step_words(steps.get((last.job_id, last.number), ())),
        last.asked_by, "; ".join(left_words(left) for left in last.left),
    ]  # fmt: skip


def check_words(check: Mapping[str, Any]) -> str:
    well = "not known" if check.get("well") is None else "well" if check["well"] else "NOT WELL"
    return f"{check.get('name')}: {well}" + (f" ({check['detail']})" if check.get("detail") else "")


def step_words(steps: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps)


def left_words(left: Mapping[str, Any]) -> str:
    return f"{left.get('what', '')}: {left.get('fix', '')}".strip(": ")


def target_words(target: Target) -> str:
    rto = f"RTO {span(target.rto_minutes)}" if target.rto_minutes is not None else ""
    rpo = f"RPO {span(target.rpo_hours * 60)}" if target.rpo_hours is not None else ""
    return ", ".join(filter(None, (rto, rpo))) or "none set"


def summary_words(one: Summary) -> str:
    told = ", ".join(f"{number} {verdict}" for verdict, number in one.counts.items() if number)
    return f"{one.vms} VM{'s' if one.vms != 1 else ''}: {told}"


def as_pdf(proofs: Sequence[Proof], projects: Sequence[Summary], steps: Steps, made_at: datetime, demo: bool) -> bytes:
    """A page or more: the projects, then VM by VM. Beyond 500 VMs the CSV has the rest."""
    sheet = paper(registered_fonts())
    shown = proofs[:_MOST_PAGES_OF_VMS]
    more = f" {len(proofs) - len(shown):,} more VMs are in the CSV." if len(shown) < len(proofs) else ""
    verdicts = Counter(one.verdict for one in proofs)
    figures = [(f"{len(proofs):,}", "VMs"), *((f"{verdicts[name]:,}", name) for name in VERDICTS if verdicts[name])]
    lead = "An invented cloud: this is a demo, no real machine was touched." if demo else ""
    story = [
        *sheet.heading("Proof of restore drills"), *([sheet.paragraph(lead)] if lead else []),
        tiles(sheet, figures), *sheet.heading("Projects", 2),
        table(sheet, _PROJECTS, [_project_row(one) for one in projects]), *sheet.heading("VMs", 2),
        table(sheet, _VMS, [_vm_row(one, steps) for one in shown]),
        sheet.paragraph(_HOW.format(_time(made_at), more), "note"),
    ]  # fmt: skip
    out = io.BytesIO()
    build(out, sheet, story, "Proof of restore drills", "DEMO: an invented cloud" if demo else "", cover=False)
    return out.getvalue()


_HOW = (
    "Made {} UTC from the record of drills: each VM was restored from its newest restore point beside its original "
    "into networks without a router, looked at, and deleted again. Time to restore counts from the first step until it "
    "ran with all its volumes and ports; the age of the data is that of the oldest copy in the restore point at that "
    "moment.{}"
)
_PROJECTS = (
    Col("project", 5), Col("targets", 4), Col("VMs", 7), Col("slowest restore", 3), Col("oldest data", 3),
    Col("last drill (UTC)", 3),
)  # fmt: skip
_VMS = (
    Col("VM", 3.5), Col("verdict", 2, "grade"), Col("why", 4, optional=True), Col("drill", 3.2), Col("restored in", 2),
    Col("data age", 2), Col("checks", 6), Col("steps", 5),
)  # fmt: skip


def _project_row(one: Summary) -> list[str]:
    slowest = duration(one.slowest_s) or "-"
    oldest = old(one.oldest_s) if one.oldest_s is not None else "-"
    last = f"{one.last_at:%Y-%m-%d %H:%M}" if one.last_at else "never"
    return [f"{one.project} ({one.source})", target_words(one.target), summary_words(one), slowest, oldest, last]


def _vm_row(one: Proof, steps: Steps) -> list[str]:
    last = one.last
    verdict, why = one.verdict, "; ".join(one.misses)
    name = f"{one.vm.name} ({one.project})"
    if last is None:
        return [name, verdict, why, "", "", "", "", ""]
    checks = "; ".join([*map(check_words, last.checks), *(f"LEFT {left_words(left)}" for left in last.left)])
    took, age = duration(last.restored_s), old(last.age_s) if last.age_s is not None else ""
    drill = f"{last.name}, {last.began_at:%Y-%m-%d %H:%M} UTC"
    return [name, verdict, why, drill, took, age, checks, step_words(steps.get((last.job_id, last.number), ()))]


def _safe(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
