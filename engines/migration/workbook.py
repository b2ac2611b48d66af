"""A plan as an Excel workbook: sheets as data, written in constant memory, every text a text and never a formula."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from engines.exports import XLSX_ROWS, ExportError, excel_text, sheet_name

Kind = Literal["text", "note", "int", "float", "time", "grade"]
_FONT = {"font_name": "Calibri", "font_size": 10, "valign": "top"}
_LINE = {"bottom": 1, "bottom_color": "#DDE3E8"}
_HEAD = {**_FONT, "bold": True, "bg_color": "#1F3A5F", "font_color": "#FFFFFF", "text_wrap": True, "valign": "vcenter"}
_COLOURS = {
    **dict.fromkeys(("GREEN", "ready", "pass"), "#C6E7C8"),
    **dict.fromkeys(("YELLOW", "warning", "waits for a decision", "Medium"), "#FFEDB3"),
    **dict.fromkeys(("RED", "critical", "not ready", "Hard"), "#F6C1BD"),
}
_NUMBERS = {"int": "#,##0", "float": "#,##0.0", "time": "yyyy-mm-dd hh:mm"}
_EXCEL_FIRST = datetime(1900, 3, 1, tzinfo=UTC)  # before it Excel counts a day that never was
_SURELY_FITS = 16_000  # letters, as UTF-16 never more than a cell holds
_LEAST_TO_FREEZE = 4  # columns from which on the first stays in sight
_A3, _A4 = 8, 9
_A4_HOLDS, _A3_HOLDS = 170, 300  # letters side by side that can still be read
_MOST_LABELS = 16
_LINE_HEIGHT, _MOST_LINES = 13.5, 12
_CHART_WIDTH, _CHART_HEIGHT, _CHART_ROWS, _CHART_COLUMNS = 470, 300, 16, 8


@dataclass(frozen=True, slots=True)
class Column:
    """A `note` is a text that takes as many lines as it needs; a `text` stays on one, so that rows are of one height.

    A `grade` is coloured by what it says: a risk, a category, a state.
    """

    title: str
    kind: Kind = "text"
    width: int = 14


@dataclass(frozen=True, slots=True)
class ChartData:
    """A native chart of columns of its sheet, of its data rows `first` to `last`, counted from 0.

    `sheet`: the title of another one whose columns it shows, which has no heading.
    """

    title: str
    kind: Literal["doughnut", "bar", "column"]
    label: int
    value: int
    first: int
    last: int
    colours: tuple[str, ...] = ()
    unit: str = ""
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class SheetData:
    """`rows` are walked once. `heading` stands above the header: the first line large, the others small."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    charts: Sequence[ChartData] = field(default=())
    filtered: bool = True
    heading: Sequence[str] = field(default=())


def write_workbook(path: Path, sheets: Sequence[SheetData], properties: Mapping[str, str]) -> None:
    """Raises ExportError when a sheet has more rows than Excel holds. The same sheets give the same bytes."""
    import xlsxwriter

    with tempfile.TemporaryDirectory(prefix="stackhand-workbook-") as scratch:
        options = {
            "constant_memory": True,
            "tmpdir": scratch,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with xlsxwriter.Workbook(str(path), options) as book:
            book.set_properties({**properties, "created": datetime(2000, 1, 1)})  # noqa: DTZ001 - a file's bytes do not tell the time
            formats = _formats(book)
            for data in sheets:
                _Writer(book, formats, data).write()


def _lines(values: Sequence[Any], notes: Sequence[tuple[int, int]]) -> int:
    """What the longest note takes: a spreadsheet does not always fit a row to its texts by itself."""
    needed = (-(-len(str(values[place] or "")) // max(1, width - 2)) for place, width in notes)
    return min(_MOST_LINES, max(needed))


def _formats(book: Any) -> dict[str, Any]:
    cell = {**_FONT, **_LINE}
    found = {
        "head": book.add_format(_HEAD),
        "title": book.add_format({**_FONT, "bold": True, "font_size": 16, "font_color": "#1F3A5F"}),
        "subtitle": book.add_format({**_FONT, "font_color": "#5B6770"}),
        "text": book.add_format(cell),
        "grade": book.add_format(cell),
        "note": book.add_format({**cell, "text_wrap": True}),
    }
    found |= {kind: book.add_format({**cell, "num_format": form}) for kind, form in _NUMBERS.items()}
    return found | {f"is {word}": book.add_format({**cell, "bg_color": c}) for word, c in _COLOURS.items()}


class _Writer:
    def __init__(self, book: Any, formats: Mapping[str, Any], data: SheetData) -> None:
        self._book = book
        self._sheet = book.add_worksheet(sheet_name(data.title))
        self._formats = formats
        self._data = data
        self._head = len(data.heading) + 1 if data.heading else 0  # the row of the header, counted from 0

    def write(self) -> None:
        """Widths and the header first: in constant memory rows that are written cannot be changed."""
        self._set_up()
        kinds = [column.kind for column in self._data.columns]
        notes = [(place, column.width) for place, column in enumerate(self._data.columns) if column.kind == "note"]
        row = self._head
        for row, values in enumerate(self._data.rows, self._head + 1):
            if row >= XLSX_ROWS:
                raise ExportError(f"the sheet {self._data.title} has more rows than Excel holds", "use the JSON or CSV")
            if notes and (lines := _lines(values, notes)) > 1:
                self._sheet.set_row(row, _LINE_HEIGHT * lines)
            for place, (value, kind) in enumerate(zip(values, kinds, strict=True)):
                if value is not None and value != "":
                    self._cell(row, place, value, kind)
        if self._data.filtered and row > self._head:
            self._sheet.autofilter(self._head, 0, row, len(kinds) - 1)
        for number, chart in enumerate(self._data.charts):
            self._chart(chart, number)

    def _set_up(self) -> None:
        sheet, columns = self._sheet, self._data.columns
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
        sheet.freeze_panes(self._head + 1, 1 if len(columns) > _LEAST_TO_FREEZE else 0)
        width = sum(column.width for column in columns)
        sheet.set_landscape()
        sheet.set_paper(_A3 if width > _A4_HOLDS else _A4)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.fit_to_pages(max(1, round(width / _A3_HOLDS)), 0)
        sheet.repeat_rows(self._head)
        if width > _A3_HOLDS:
            sheet.repeat_columns(0)
        sheet.set_header("&L&F&R&D")
        sheet.set_footer("&L&A&RPage &P of &N")
        sheet.hide_gridlines(2)
        if self._data.heading:
            sheet.set_row(0, 24)
        for row, text in enumerate(self._data.heading):
            sheet.write_string(row, 0, excel_text(text), self._formats["subtitle" if row else "title"])
        sheet.set_row(self._head, 30)
        for place, column in enumerate(columns):
            sheet.write_string(self._head, place, excel_text(column.title), self._formats["head"])

    def _cell(self, row: int, place: int, value: Any, kind: Kind) -> None:
        if isinstance(value, str):
            text = value if len(value) < _SURELY_FITS and value.isprintable() else excel_text(value)
            graded = self._formats.get(f"is {text}") if kind == "grade" else None
            self._sheet.write_string(row, place, text, graded or self._formats["note" if kind == "note" else "text"])
        elif isinstance(value, bool):
            self._sheet.write_string(row, place, "yes" if value else "no", self._formats["text"])
        elif isinstance(value, (int, float)):
            form = kind if kind in ("int", "float") else "int" if isinstance(value, int) else "float"
            self._sheet.write_number(row, place, value, self._formats[form])
        elif isinstance(value, datetime) and (at := value.astimezone(UTC)) >= _EXCEL_FIRST:
            self._sheet.write_datetime(row, place, at.replace(tzinfo=None), self._formats["time"])
        else:
            self._sheet.write_string(row, place, excel_text(str(value)), self._formats["text"])

    def _chart(self, wanted: ChartData, number: int) -> None:
        chart = self._book.add_chart({"type": wanted.kind})
        title, base = (wanted.sheet, 1) if wanted.sheet else (self._sheet.get_name(), self._head + 1)
        first, last, round_ = base + wanted.first, base + wanted.last, wanted.kind == "doughnut"
        chart.add_series(
            {
                "name": wanted.unit or wanted.title,
                "categories": [title, first, wanted.label, last, wanted.label],
                "values": [title, first, wanted.value, last, wanted.value],
                "points": [{"fill": {"color": colour}} for colour in wanted.colours],
                "fill": {"color": "#2E75B6"},
                "gap": 60,
                "data_labels": {"value": True, "num_format": "#,##0"} if last - first < _MOST_LABELS else {},
            }
        )
        chart.set_title({"name": wanted.title, "name_font": {"size": 12, "color": "#1F3A5F"}})
        if round_:
            chart.set_legend({"position": "right"})
            chart.set_hole_size(55)
        else:
            chart.set_legend({"none": True})
            lines = {"major_gridlines": {"visible": True, "line": {"color": "#E3E8EC"}}, "num_format": "#,##0"}
            chart.set_x_axis({"name": wanted.unit, **lines} if wanted.kind == "bar" else {})
            chart.set_y_axis({"reverse": True} if wanted.kind == "bar" else {"name": wanted.unit, **lines})
        chart.set_size({"width": _CHART_WIDTH, "height": _CHART_HEIGHT})
        down, along = divmod(number, 2)
        place = len(self._data.columns) + 1 + along * _CHART_COLUMNS
        self._sheet.insert_chart(self._head + 1 + _CHART_ROWS * down, place, chart, {"object_position": 2})
