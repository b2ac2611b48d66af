"""The record of one restore as pages: what came of it first, then who wanted what, the plan, and every step."""

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engines.papers.fonts import registered_fonts
from engines.papers.pages import Paper, build, paper
from engines.papers.tables import Col, pairs, table, tiles
from engines.restore.planning import age
from engines.restore.records import asked_of, came_of, does_of, duration, planned_of, seconds_of, stamp
from storage.restores import RanStep, Restore

_MOST_LETTERS = 700  # of one value: a row has to fit on a page
_STEPS = (
    Col("", 0.5, "number"), Col("step", 7), Col("state", 1.3, "grade"), Col("began (UTC)", 1.8),
    Col("seconds", 1.1, "number"), Col("error", 3, optional=True),
)  # fmt: skip


def as_pdf(one: Restore, plan: Mapping[str, Any], steps: Sequence[RanStep], made_at: datetime) -> bytes:
    from reportlab.platypus import Spacer

    sheet = paper(registered_fonts(), upright=True)
    does = does_of(plan)
    rows = [
        (step.number, does.get(step.name, step.name), step.state, f"{step.began_at:%H:%M:%S}", seconds_of(step),
         step.error)
        for step in steps
    ]  # fmt: skip
    story = [
        *sheet.heading(one.title[:_MOST_LETTERS]),
        sheet.paragraph(_lead(one), "body"), Spacer(1, 4), tiles(sheet, _figures(one)), Spacer(1, 10),
        *_part(sheet, "What came of it", came_of(one)), *_part(sheet, "Who asked for what", asked_of(one, plan)),
        *_part(sheet, "What the plan said", planned_of(plan)),
        *sheet.heading("Steps", 2), table(sheet, _STEPS, rows),
        sheet.paragraph(
            f"Made {stamp(made_at)} from the record of requests and jobs, which is not changed afterwards.", "note"
        ),
    ]  # fmt: skip
    out = io.BytesIO()
    subtitle = f"{one.name} of {one.options.get('vm', '')}" + (" (DEMO: an invented cloud)" if one.demo else "")
    build(out, sheet, story, "Record of a restore", subtitle, cover=False)
    return out.getvalue()


def _lead(one: Restore) -> str:
    demo = "An invented cloud: this is a demo, no real machine was touched. " if one.demo else ""
    approved = f"approved by {', '.join(one.approvers)}" if one.approvers else "nobody had to approve"
    return f"{demo}Record of {one.name}: asked for by {one.asked_by}, {approved}."


def _figures(one: Restore) -> list[tuple[str, str]]:
    return [
        (one.state, "outcome"),
        (duration(one.took_s) or "\u2013", "from begin to end"),
        (_lost(one), "of changes lost"),
        (str(len(one.outcome.get("left", ()))), "things left to do by hand"),
    ]


def _lost(one: Restore) -> str:
    """From the restore point to the begin of the restore."""
    try:
        at = datetime.fromisoformat(str(one.options.get("point_at", "")))
    except ValueError:
        return "\u2013"
    return age((one.started_at or one.created_at) - at)


def _part(sheet: Paper, title: str, lines: Sequence[tuple[str, str]]) -> list[Any]:
    if not lines:
        return []
    cut = [(label, value if len(value) <= _MOST_LETTERS else f"{value[:_MOST_LETTERS]} … (cut; the CSV has it whole)")
           for label, value in lines]  # fmt: skip
    return [*sheet.heading(title, 2), pairs(sheet, cut)]
