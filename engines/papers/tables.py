"""Tables that break well: the header on every page, rows in two shades, numbers to the right, long texts in lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engines.papers.pages import LIGHT, LINE, NAVY, Paper

GRADES = {
    "GREEN": "#C6E7C8", "YELLOW": "#FFEDB3", "RED": "#F6C1BD", "critical": "#F6C1BD", "warning": "#FFEDB3",
    "ready": "#C6E7C8", "not ready": "#F6C1BD", "waits for a decision": "#FFEDB3", "Hard": "#F6C1BD",
    "Medium": "#FFEDB3", "Easy": "#C6E7C8", "done": "#C6E7C8", "failed": "#F6C1BD", "unsure": "#F6C1BD",
    "cancelled": "#FFEDB3", "undone": "#FFEDB3", "met": "#C6E7C8", "missed": "#F6C1BD", "not proven": "#FFEDB3",
    "never drilled": "#FFEDB3",
}  # fmt: skip
_SIZE, _LEADING, _PAD = 7.2, 9, 3
_MOST_LETTERS = 500  # of one cell: a row has to fit on a page
_CUT = " … (cut; the workbook has it whole)"


@dataclass(frozen=True, slots=True)
class Col:
    """`share` of the width beside the others'. A `grade` is coloured by what it says.

    `optional`: the column is left away when all of its cells are blank.
    """

    title: str
    share: float
    kind: Literal["text", "number", "grade"] = "text"
    optional: bool = False


def table(paper: Paper, columns: Sequence[Col], rows: Sequence[Sequence[Any]]) -> Any:
    """None and "" are blank cells. A text that fits on one line is drawn as it is, which is many times faster."""
    from reportlab.platypus import LongTable, TableStyle

    columns, rows = _filled(columns, rows)
    whole = sum(column.share for column in columns)
    widths = [paper.width * column.share / whole for column in columns]
    head = [paper.paragraph(column.title, "headed" if column.kind == "number" else "head") for column in columns]
    cells = [
        [_cell(paper, value, column, width) for value, column, width in zip(row, columns, widths, strict=True)]
        for row in rows
    ]
    style: list[tuple[Any, ...]] = [
        ("BACKGROUND", (0, 0), (-1, 0), NAVY),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), ("#FFFFFF", LIGHT)),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("FONT", (0, 1), (-1, -1), paper.fonts.regular, _SIZE, _LEADING),
        ("LEFTPADDING", (0, 0), (-1, -1), _PAD),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PAD),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    for place, column in enumerate(columns):
        if column.kind == "number":
            style += [("ALIGN", (place, 1), (place, -1), "RIGHT"), ("RIGHTPADDING", (place, 0), (place, -1), 7)]
        elif column.kind == "grade":
            style += [
                ("BACKGROUND", (place, number), (place, number), GRADES[row[place]])
                for number, row in enumerate(rows, 1)
                if row[place] in GRADES
            ]
    return LongTable([head, *cells], widths, style=TableStyle(style), repeatRows=1, spaceBefore=2, spaceAfter=8)


def _filled(columns: Sequence[Col], rows: Sequence[Sequence[Any]]) -> tuple[Sequence[Col], Sequence[Sequence[Any]]]:
    kept = [
        place
        for place, column in enumerate(columns)
        if not column.optional or any(row[place] not in (None, "") for row in rows)
    ]
    if len(kept) == len(columns):
        return columns, rows
    return [columns[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _cell(paper: Paper, value: Any, column: Col, width: float) -> Any:
    if value is None or value == "":
        return ""
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = str(value)
    if len(text) > _MOST_LETTERS:
        text = text[:_MOST_LETTERS] + _CUT
    from reportlab.pdfbase.pdfmetrics import stringWidth

    fits = text.isprintable() and paper.fonts.draws(text)
    if fits and stringWidth(text, paper.fonts.regular, _SIZE) <= width - 2 * _PAD:
        return text
    return paper.paragraph(text, "cell")


def pairs(paper: Paper, lines: Sequence[tuple[str, Any]], share: float = 1.0) -> Any:
    """Label and value, without a header."""
    from reportlab.platypus import Table, TableStyle

    width = paper.width * share
    cells = [
        [paper.paragraph(label, "note"), paper.paragraph(f"{v:,}" if isinstance(v, int) else v)] for label, v in lines
    ]
    style = TableStyle(
        [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
         ("LEFTPADDING", (0, 0), (-1, -1), _PAD), ("BOTTOMPADDING", (0, 0), (-1, -1), 0)]
    )  # fmt: skip
    return Table(cells, [width * 0.28, width * 0.72], style=style, hAlign="LEFT", spaceAfter=8)


def tiles(paper: Paper, told: Sequence[tuple[str, str]]) -> Any:
    """A figure and its label in each of a row of boxes."""
    from reportlab.platypus import Table

    cells = [
        [paper.paragraph(value, "tile") for value, _ in told],
        [paper.paragraph(label, "tiled") for _, label in told],
    ]
    style: list[tuple[Any, ...]] = [("BOX", (n, 0), (n, 1), 0.8, LINE) for n in range(len(told))]
    style += [("TOPPADDING", (0, 0), (-1, 0), 10), ("BOTTOMPADDING", (0, 1), (-1, 1), 10)]
    return Table(cells, [paper.width / len(told)] * len(told), style=style)
