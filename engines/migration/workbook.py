"""A plan as an Excel workbook: sheets as data, written in constant memory, every text a text and never a formula."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from engines.exports import XLSX_ROWS, ExportError, excel_text, sheet_name

Kind = Literal["text", "int", "float", "time", "grade"]
_HEAD = {"bold": True, "bg_color": "#1F3A5F", "font_color": "#FFFFFF", "text_wrap": True, "valign": "top", "border": 1}
_COLOURS = {"GREEN": "#C6E7C8", "YELLOW": "#FFEDB3", "RED": "#F6C1BD", "critical": "#F6C1BD", "warning": "#FFEDB3"}
_NUMBERS = {"int": "#,##0", "float": "#,##0.0", "time": "yyyy-mm-dd hh:mm"}
_EXCEL_FIRST = datetime(1900, 3, 1, tzinfo=UTC)  # before it Excel counts a day that never was


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    kind: Kind = "text"
    width: int = 14


@dataclass(frozen=True, slots=True)
class ChartData:
    """A native chart of two columns of its sheet, from row `first` to `last` (counted from 0)."""

    title: str
    kind: Literal["pie", "bar", "column"]
    label: int
    value: int
    first: int
    last: int
    colours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SheetData:
    """`rows` are walked once. A `grade` column's texts are coloured: a risk, a category."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    charts: Sequence[ChartData] = field(default=())
    filtered: bool = True


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


def _formats(book: Any) -> dict[str, Any]:
    plain = {"valign": "top"}
    found = {"head": book.add_format(_HEAD), "text": book.add_format({**plain, "text_wrap": True})}
    found |= {kind: book.add_format({**plain, "num_format": form}) for kind, form in _NUMBERS.items()}
    found |= {f"is {word}": book.add_format({**plain, "bg_color": c, "bold": True}) for word, c in _COLOURS.items()}
    return found


class _Writer:
    def __init__(self, book: Any, formats: Mapping[str, Any], data: SheetData) -> None:
        self._book = book
        self._sheet = book.add_worksheet(sheet_name(data.title))
        self._formats = formats
        self._data = data

    def write(self) -> None:
        """Widths and the header first: in constant memory rows that are written cannot be changed."""
        self._set_up()
        count = 0
        for count, row in enumerate(self._data.rows, 1):
            if count >= XLSX_ROWS:
                raise ExportError(f"the sheet {self._data.title} has more rows than Excel holds", "use the JSON or CSV")
            for place, (value, column) in enumerate(zip(row, self._data.columns, strict=True)):
                self._cell(count, place, value, column.kind)
        if self._data.filtered and count:
            self._sheet.autofilter(0, 0, count, len(self._data.columns) - 1)
        for number, chart in enumerate(self._data.charts):
            self._chart(chart, number)

    def _set_up(self) -> None:
        sheet = self._sheet
        for place, column in enumerate(self._data.columns):
            sheet.set_column(place, place, column.width)
        sheet.freeze_panes(1, 1 if len(self._data.columns) > 4 else 0)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_footer("&L&A&RPage &P of &N")
        sheet.set_row(0, 32)
        for place, column in enumerate(self._data.columns):
            sheet.write_string(0, place, excel_text(column.title), self._formats["head"])

    def _cell(self, row: int, place: int, value: Any, kind: Kind) -> None:
        if value is None or value == "":
            return
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and kind in ("int", "float"):
            self._sheet.write_number(row, place, value, self._formats[kind])
        elif isinstance(value, datetime) and value.astimezone(UTC) >= _EXCEL_FIRST:
            at = value.astimezone(UTC).replace(tzinfo=None)
            self._sheet.write_datetime(row, place, at, self._formats["time"])
        elif isinstance(value, bool):
            self._sheet.write_string(row, place, "yes" if value else "no", self._formats["text"])
        elif number:
            self._sheet.write_number(row, place, value, self._formats["int" if isinstance(value, int) else "float"])
        else:
            text = excel_text(str(value))
            graded = self._formats.get(f"is {text}") if kind == "grade" else None
            self._sheet.write_string(row, place, text, graded or self._formats["text"])

    def _chart(self, wanted: ChartData, number: int) -> None:
        chart = self._book.add_chart({"type": wanted.kind})
        title = self._sheet.get_name()
        chart.add_series(
            {
                "categories": [title, wanted.first, wanted.label, wanted.last, wanted.label],
                "values": [title, wanted.first, wanted.value, wanted.last, wanted.value],
                "points": [{"fill": {"color": colour}} for colour in wanted.colours],
                "data_labels": {"value": True},
            }
        )
        chart.set_title({"name": wanted.title, "name_font": {"size": 12}})
        if wanted.kind != "pie":
            chart.set_legend({"none": True})
        chart.set_size({"width": 460, "height": 300})
        self._sheet.insert_chart(1 + 16 * number, len(self._data.columns) + 1, chart)
