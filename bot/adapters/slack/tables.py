"""Tables: one native table in a message, the others as aligned text; what is not shown is told and comes as a file.

Native is `data_table`: it pages, sorts and filters, has a hundred rows beside its header and takes numbers as numbers.
The older `table` block counts the header among its hundred rows and does not page. Slack refuses a second table in a
message, so the one with the most rows is native. `raw_text` cells know no markup and must not be empty.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot import formats
from bot.adapters import text
from bot.adapters.slack import elements, limits
from bot.adapters.slack.posts import Piece
from bot.replies import Cell, Column, Table

_WIDTH = 72  # of a text table: what a thread beside the channel shows without breaking lines
_TEXT = 2_900
_PAGE = 10
_LARGEST = 1e15  # of a number that every reader of JSON keeps exactly


@dataclass(frozen=True, slots=True)
class Shown:
    """A table as blocks, and what of it they show. `cut`: at least one native cell is longer than what is shown."""

    piece: Piece
    rows: int
    columns: int
    cut: bool = False


def total(table: Table) -> int:
    return max(table.total, len(table.rows))


def native(table: Table, now: datetime, room: int, caption: str) -> Shown | None:
    """The rows that fit in `room` characters, title and all; None when not even the first does."""
    columns = table.columns[: limits.TABLE_COLUMNS]
    title = elements.told("", lead=table.title)
    caption = limits.cut(formats.clean(table.title or caption).strip() or "Table", limits.CAPTION)
    room = min(room - limits.weigh(title) - limits.length(caption), limits.TABLE_TEXT)
    rows = [[_raw(column.title or column.name) for column in columns]]
    used, json_used = _sizes(rows[0])
    for row in table.rows[: limits.TABLE_ROWS]:
        cells = [_cell(value, column, now) for value, column in zip(_padded(row, columns), columns, strict=True)]
        size, json_size = _sizes(cells)
        if used + size > room or json_used + json_size > limits.TABLE_JSON:
            break
        used, json_used = used + size, json_used + json_size
        rows.append(cells)
    if len(rows) == 1:
        return None
    block = {"type": "data_table", "caption": caption, "page_size": _PAGE, "rows": rows}
    shown = zip(table.rows, rows[1:], strict=False)
    cut = any(_is_cut(value, column, now) for row, _ in shown for value, column in zip(row, columns, strict=False))
    return Shown(Piece((*title, block)), len(rows) - 1, len(columns), cut)


def _padded(row: Sequence[Cell], columns: Sequence[Column]) -> list[Cell]:
    return [*row[: len(columns)], *[None] * (len(columns) - len(row))]


def _cell(value: Cell, column: Column, now: datetime) -> dict[str, Any]:
    shown = _raw(formats.format_cell(value, column.type, now))
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and formats.is_numeric(column.type)
    if number and math.isfinite(value) and abs(value) < _LARGEST:
        return {"type": "raw_number", "value": value, "text": shown["text"]}
    return shown


def _is_cut(value: Cell, column: Column, now: datetime) -> bool:
    """Whether a native cell shows less than the value."""
    return limits.length(formats.format_cell(value, column.type, now).strip()) > limits.CELL


def _raw(words: str) -> dict[str, Any]:
    words = limits.cut(formats.clean(words).strip(), limits.CELL)
    return {"type": "raw_text", "text": words or "(empty)"}


def _sizes(cells: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """What a row adds to the text of a table, and to its JSON."""
    texts = [str(cell["text"]) for cell in cells]
    return sum(map(limits.length, texts)), limits.length(json.dumps(texts, ensure_ascii=False)) + 1


def as_text(table: Table, now: datetime) -> Shown:
    """Aligned columns in a preformatted block, as many rows as it takes."""
    title = elements.told("", lead=table.title)
    columns = len(table.columns) - len(text.left_out(_first(table, limits.TABLE_ROWS), now, _WIDTH))
    for count in _counts(min(len(table.rows), limits.TABLE_ROWS) if table.columns else 0):
        drawn = "\n".join(line.text for line in text.grid(_first(table, count), now, _WIDTH))
        if limits.length(drawn) <= _TEXT:
            return Shown(Piece((*title, elements.preformatted(drawn))), count, columns)
    told = elements.context("no rows" if not total(table) else "no row is shown here")
    return Shown(Piece((*title, *told)), 0, len(table.columns))


def _counts(most: int) -> list[int]:
    """How many rows to try: all, and ever fewer."""
    tried = [most]
    while tried[-1] > 1:
        tried.append(tried[-1] * 9 // 10)
    return [count for count in tried if count]


def _first(table: Table, rows: int) -> Table:
    return replace(table, rows=table.rows[:rows], title="")
