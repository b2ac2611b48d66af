"""The record of one restore, for a customer's file: who asked, who approved, what, step by step, what came of it."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from storage.passwords import Reset
from storage.restores import RanStep, Restore

_MOST_LETTERS = 700  # of one cell: a row has to fit on a page
MODES = {"side_by_side": "side by side", "replace": "replace", "attach": "volumes only"}


def lines_of(one: Restore, plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and value of all that is said once."""
    report = one.outcome.get("words") or one.state
    told: list[tuple[str, str]] = [
        ("restore", one.name),
        ("what", one.title),
        ("VM", f"{one.options.get('vm', '')} ({one.options.get('vm_id', '')})"),
        ("new VM", str(one.options.get("new_name", ""))),
        ("mode", MODES.get(str(one.options.get("mode")), "")),
        ("addresses", str(one.options.get("ip_strategy", "")).replace("_", " ")),
        ("source", one.source or ""),
        ("project", str(plan.get("blast", "")) or one.project_id or ""),
        ("asked by", one.asked_by),
        ("approved by", ", ".join(one.approvers) or "nobody had to"),
        ("asked", _time(one.created_at)),
        ("began", _time(one.started_at)),
        ("ended", _time(one.ended_at)),
        ("took", duration(one.took_s)),
        ("outcome", one.state),
        ("in words", str(report)),
        ("what there is now", str(one.outcome.get("said", ""))),
    ]
    if one.reset is not None:
        told.append(("password reset", reset_words(one.reset, one.reset.asker)))
    if one.error:
        told.append(("error", one.error))
    told += [(str(label), str(value)) for label, value in plan.get("facts", ())]
    told += [
        ("left to do by hand", f"{left.get('what', '')}: {left.get('fix', '')}") for left in one.outcome.get("left", ())
    ]
    return [(label, value) for label, value in told if value]


def reset_words(reset: Reset, name: str) -> str:
    """What became of a new password, for the card and the record: whether it was set, and who was shown it when."""
    if reset.state == "refused" or reset.is_over:
        return "no"
    if reset.state == "trying":
        return "not yet"
    done = "yes" if reset.state == "set" else "nobody knows"
    return f"{done}, shown to {name} at {_time(reset.shown_at)}" if reset.shown_at else f"{done}, not shown"


def as_csv(one: Restore, plan: Mapping[str, Any], steps: Sequence[RanStep]) -> bytes:
    """Two tables, one below the other; a cell that a spreadsheet would take for a formula is told as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("what", "value"))
    writer.writerows((safe(label), safe(value)) for label, value in lines_of(one, plan))
    writer.writerow(())
    writer.writerow(("number", "step", "what it does", "state", "attempts", "began", "seconds", "error"))
    does = _does(plan)
    for step in steps:
        cells = (step.name, does.get(step.name, ""), step.state, step.attempts, _time(step.began_at), _seconds(step))
        writer.writerow((step.number, *(safe(cell) for cell in cells), safe(step.error)))
    return ("\ufeff" + out.getvalue()).encode()


def as_pdf(one: Restore, plan: Mapping[str, Any], steps: Sequence[RanStep], made_at: datetime) -> bytes:
    from reportlab.lib import colors
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.lib.units import mm
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    styles = getSampleStyleSheet()
    small = styles["BodyText"].clone("small", fontSize=8, leading=10)

    def words(text: Any) -> Any:
        """Names of a cloud are no markup; a letter that the font lacks is shown as a question mark."""
        plain = str(text).replace("→", "to").replace("·", "-").replace("✓", "ok")
        plain = plain if len(plain) <= _MOST_LETTERS else f"{plain[:_MOST_LETTERS]} (cut; the CSV has it whole)"
        return Paragraph(escape(plain.encode("latin-1", "replace").decode("latin-1")), small)

    grid = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey),
            ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ]
    )
    demo = " (DEMO)" if one.demo else ""
    pairs = [[words(label), words(value)] for label, value in lines_of(one, plan)]
    facts = Table(pairs, [35 * mm, 135 * mm], style=grid)
    does = _does(plan)
    rows = [[words(x) for x in ("", "step", "state", "began (UTC)", "seconds", "error")]]
    rows += [
        [
            words(x)
            for x in (s.number, does.get(s.name, s.name), s.state, f"{s.began_at:%d %b %H:%M:%S}", _seconds(s), s.error)
        ]
        for s in steps
    ]
    table = Table(rows, [8 * mm, 66 * mm, 18 * mm, 32 * mm, 16 * mm, 30 * mm], style=grid, repeatRows=1)
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, title=f"Record of {one.name}", author="Stackhand", leftMargin=20 * mm, rightMargin=20 * mm
    )
    document.build(
        [
            Paragraph(f"Record of a restore: {escape(one.name)}{demo}", styles["Title"]), facts, Spacer(1, 6 * mm),
            Paragraph("Steps", styles["Heading2"]), table, Spacer(1, 6 * mm),
            words(f"Made {_time(made_at)} from the record of requests and jobs, which is not changed afterwards."),
        ]
    )  # fmt: skip
    return out.getvalue()


def _does(plan: Mapping[str, Any]) -> dict[str, str]:
    return {str(step["name"]): str(step["does"]) for step in plan.get("steps", ())}


def safe(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else ""


def _seconds(step: RanStep) -> str:
    return "" if step.ended_at is None else f"{(step.ended_at - step.began_at).total_seconds():.1f}"


def duration(seconds: float | None) -> str:
    """5 min 40 s; empty for what has no end."""
    if seconds is None:
        return ""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
