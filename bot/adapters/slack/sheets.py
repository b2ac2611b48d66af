"""What a message does not show, as a workbook: the rows that a reply holds."""

import re
from collections.abc import Sequence
from datetime import datetime

from bot import formats
from bot.adapters.slack.posts import Attachment
from bot.replies import Cell, Chart, Column, Reply, Table

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MOST_XLSX = 50_000  # rows; a larger workbook takes too long to write


def workbook(table: Table, reply: Reply, now: datetime, taken: Sequence[str]) -> Attachment:
    """All rows and columns of a table as XLSX, or as CSV where they are too many; `taken` are names in use.

    Slow for many rows: a second for ten thousand.
    """
    from engines.exports import ExportColumn, ExportError, export_csv, export_xlsx

    columns = [ExportColumn(column.name, column.title or column.name, column.type) for column in table.columns]
    rows = [_padded(row, len(columns)) for row in table.rows]
    name = stem(table.title or reply.intent or "", "answer")
    if len(rows) <= _MOST_XLSX:
        try:
            content = export_xlsx(columns, rows, title=table.title or "Answer", about=_about(table, reply, now))
            return _attachment(name, "xlsx", _XLSX, content, now, taken)
        except ExportError:  # more columns than a sheet has
            pass
    return _attachment(name, "csv", "text/csv; charset=utf-8", export_csv(columns, rows), now, taken)


def bars(chart: Chart) -> Table:
    """A chart as the table of its bars."""
    unit = f" ({chart.unit})" if chart.unit else ""
    numbers = (Column("value", f"value{unit}", "float"), Column("limit", f"limit{unit}", "float"))
    rows = tuple((bar.label, bar.value, bar.limit) for bar in chart.bars)
    return Table((Column("label", "label"), *numbers), rows, len(rows), chart.title)


def free_name(first: str, ending: str, taken: Sequence[str]) -> str:
    """`first.ending`, or with the lowest number that makes it new."""
    names = (f"{first}{f'-{number}' if number > 1 else ''}.{ending}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def stem(title: str, otherwise: str) -> str:
    """The first part of a file's name out of a title."""
    return re.sub(r"[^a-z0-9]+", "-", formats.clean(title).lower()).strip("-")[:60].strip("-") or otherwise


def _attachment(
    first: str, ending: str, mime: str, content: bytes, now: datetime, taken: Sequence[str]
) -> Attachment:  # fmt: skip
    name = free_name(f"{first}-{now:%Y-%m-%d}", ending, taken)
    return Attachment(name, mime, content, title=name)


def _padded(row: Sequence[Cell], width: int) -> list[Cell]:
    return [*row[:width], *[None] * (width - len(row))]


def _about(table: Table, reply: Reply, now: datetime) -> list[tuple[str, str]]:
    rows = f"{len(table.rows):,} of {max(table.total, len(table.rows)):,}"
    about = [("what", formats.footing(reply, now)), ("rows", rows), ("made", now.isoformat())]
    return [*about, *([("note", "DEMO: a simulated platform")] if reply.demo else [])]
