"""Answers as files: CSV, Excel workbooks and JSON. What a cell holds can never become a formula or a link."""

import csv
import io
import json
import math
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from engines.inventory.fields import Mask as MaskKind

CellType = Literal["text", "int", "float", "flag", "time", "mib", "gib", "bytes", "percent", "list"]
Cell = Any

XLSX_ROWS = 1_048_576
XLSX_COLUMNS = 16_384
XLSX_CELL = 32_767  # characters
_CUT = "… (cut: longer than a cell can be)"
_TRIGGERS = frozenset("=+-@\t\r\n\0＝＋－＠")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UNITS = {"mib": " (MiB)", "gib": " (GiB)", "bytes": " (bytes)", "percent": " (%)", "time": " (UTC)"}.get
_FORMATS = {"int": "#,##0", "float": "0.00", "mib": "#,##0", "gib": "#,##0", "bytes": "#,##0", "percent": "0.0"}
_EARLIEST = datetime(1900, 3, 1)  # noqa: DTZ001  before it Excel counts a day that never was


class ExportError(Exception):
    """An export that cannot be made; `what` and `fix` are one line each."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """`mask` says how a masked export hides the column; see `engines.masking`."""

    name: str
    title: str
    type: CellType = "text"
    mask: MaskKind = ""


def export_csv(columns: Sequence[ExportColumn], rows: Iterable[Sequence[Cell]]) -> bytes:
    """RFC 4180 in UTF-8 with a byte order mark; a text that a spreadsheet would compute gets an apostrophe in front."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow([neutral(_title(column)) for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(value, column) for value, column in zip(row, columns, strict=True)])
    return out.getvalue().encode("utf-8-sig", "replace")


def neutral(text: str) -> str:
    """The text, with an apostrophe in front when a spreadsheet would take it for a formula."""
    return "'" + text if text[:1] in _TRIGGERS else text


def _csv_cell(value: Cell, column: ExportColumn) -> str:
    number = _number(value) if column.type not in ("text", "list", "flag", "time") else None
    if number is not None:
        return str(number)
    return neutral(_text(value))


def _title(column: ExportColumn) -> str:
    return column.title + (_UNITS(column.type) or "")


def _number(value: Cell) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if math.isfinite(value) else None


def _text(value: Cell) -> str:
    """A value in words; what is unknown is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{_text(k)}={_text(v)}" for k, v in sorted(value.items(), key=lambda kv: str(kv[0])))
    if isinstance(value, (list, tuple)):
        return "; ".join(_text(one) for one in value)
    return str(value)


def export_json(columns: Sequence[ExportColumn], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A list of objects by the columns' names; numbers that JSON does not have are null."""
    names = [column.name for column in columns]
    objects = [dict(zip(names, map(_json_value, row), strict=True)) for row in rows]
    text = json.dumps(objects, ensure_ascii=False, indent=1, default=str, allow_nan=False)
    return text.encode("utf-8", "replace")


def _json_value(value: Cell) -> Cell:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): _json_value(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(one) for one in value]
    return value


def export_xlsx(
    columns: Sequence[ExportColumn],
    rows: Sequence[Sequence[Cell]],
    *,
    title: str,
    about: Sequence[tuple[str, str]],
) -> bytes:
    """A workbook with the rows on one sheet and `about` (scope, time, age, count) on another.

    Numbers are numbers and times are dates in UTC; every text is stored as text. Raises ExportError when there is
    more than a sheet can hold.
    """
    _check_size(columns, rows)
    import xlsxwriter

    with tempfile.TemporaryDirectory(prefix="stackhand-export-") as scratch:
        out = io.BytesIO()
        # constant_memory streams each row to a file in `scratch`; strings must then be in the cells themselves
        options = {
            "constant_memory": True,
            "tmpdir": scratch,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd hh:mm:ss",
        }
        with xlsxwriter.Workbook(out, options) as book:
            _Sheet(book, sheet_name(title), columns).write(rows)
            _write_about(book, [("columns", str(len(columns))), *about])
        return out.getvalue()


def _check_size(columns: Sequence[ExportColumn], rows: Sequence[Sequence[Cell]]) -> None:
    if len(rows) > XLSX_ROWS - 1:
        raise ExportError(
            f"{len(rows):,} rows are more than the {XLSX_ROWS - 1:,} that an Excel sheet holds",
            "narrow the question, or export as CSV",
        )
    if not 0 < len(columns) <= XLSX_COLUMNS:
        raise ExportError(f"{len(columns):,} columns do not fit an Excel sheet", "export as CSV")


def sheet_name(title: str) -> str:
    """What Excel allows: 31 characters, without []:*?/\\ and without an apostrophe at either end; not About."""
    clean = _ILLEGAL.sub("", re.sub(r"[\[\]:*?/\\\t\r\n]", " ", title)).strip("' ")
    name = _first_units(clean, 31).strip("' ") or "Data"
    return "Data" if name.casefold() in ("about", "history") else name


def excel_text(text: str) -> str:
    """What can stand in a cell: no control characters, not longer than a cell."""
    clean = _ILLEGAL.sub("\ufffd", text)
    return clean if _first_units(clean, XLSX_CELL) == clean else _first_units(clean, XLSX_CELL - len(_CUT)) + _CUT


def _first_units(text: str, units: int) -> str:
    """The start of a text without surrogates; Excel counts in UTF-16, where an emoji is two."""
    return text.encode("utf-16-le")[: units * 2].decode("utf-16-le", "ignore")


class _Sheet:
    """The data sheet. Widths and the frozen header are set first: rows that are written cannot be changed."""

    def __init__(self, book: Any, name: str, columns: Sequence[ExportColumn]) -> None:
        self._sheet = book.add_worksheet(name)
        self._columns = columns
        self._head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#E8EEF4"})
        self._date = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._formats = {kind: book.add_format({"num_format": f}) for kind, f in _FORMATS.items()}

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        self._sheet.freeze_panes(1, 0)
        for place, column in enumerate(self._columns):
            self._sheet.set_column(place, place, _width(column, place, rows))
        self._sheet.autofilter(0, 0, len(rows), len(self._columns) - 1)
        for place, column in enumerate(self._columns):
            self._sheet.write_string(0, place, excel_text(_title(column)), self._head)
        for number, row in enumerate(rows, 1):
            for place, (value, column) in enumerate(zip(row, self._columns, strict=True)):
                self._write(number, place, value, column.type)

    def _write(self, row: int, place: int, value: Cell, kind: CellType) -> None:
        if value is None or value == "":
            return
        if kind in self._formats and (number := _number(value)) is not None and abs(number) < 1e15:
            self._sheet.write_number(row, place, number, self._formats[kind])
        elif kind == "flag" and isinstance(value, bool):
            self._sheet.write_boolean(row, place, value)
        elif kind == "time" and (at := _moment(value)) is not None:
            self._sheet.write_datetime(row, place, at, self._date)
        else:
            self._sheet.write_string(row, place, excel_text(_text(value)))


def _moment(value: Cell) -> datetime | None:
    """The time in UTC as Excel keeps it, without a zone; None for what is no time, or none that Excel knows."""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        naive = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
    except (ValueError, OverflowError):
        return None
    return naive if naive >= _EARLIEST else None


def _width(column: ExportColumn, place: int, rows: Sequence[Sequence[Cell]]) -> int:
    """By the title and the first rows; a filter's arrow needs some room beside the title."""
    if column.type == "time":
        return 20
    longest = max((len(_text(row[place])) for row in rows[:200]), default=0)
    return min(60, max(len(_title(column)) + 4, longest + 2, 8))


def _write_about(book: Any, about: Sequence[tuple[str, str]]) -> None:
    sheet = book.add_worksheet("About")
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 1, 90)
    bold = book.add_format({"bold": True})
    for number, (name, value) in enumerate(about):
        sheet.write_string(number, 0, excel_text(name), bold)
        sheet.write_string(number, 1, excel_text(value))
