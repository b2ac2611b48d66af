"""What was exported is read back: as a spreadsheet program would, and as RFC 4180 says."""

import csv
import io
import json
import re
import zipfile
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engines.exports import (
    XLSX_CELL,
    XLSX_ROWS,
    ExportColumn,
    ExportError,
    excel_text,
    export_csv,
    export_json,
    export_xlsx,
    sheet_name,
)

TRIGGERS = "=+-@\t\r\0＝＋－＠"
NAME = ExportColumn("name", "name")
texts = st.one_of(
    st.text(max_size=40),
    st.text(max_size=20).map(lambda t: "=" + t),
    st.sampled_from(TRIGGERS).flatmap(lambda c: st.text(max_size=10).map(lambda t: c + t)),
    st.sampled_from(["_x0041_", "http://example.com", "internal:Sheet1!A1", "1234", "1e5", "TRUE", "{=1}"]),
)


def _sheet(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]


def _csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def _unescaped(text: str) -> str:
    """What a spreadsheet program shows: `_x000D_` is that character, and `_x005F_` the start of a text like it."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m[1], 16)), text)


def _lines(text: str) -> str:
    """An XML parser reads a carriage return as a line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(st.lists(texts, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_a_workbook_holds_texts_as_texts(values: list[str]) -> None:
    content = export_xlsx([NAME], [[v] for v in values], title="VMs", about=[])
    sheet = _sheet(content)
    for number, value in enumerate(values, 2):
        cell = sheet.cell(number, 1)
        assert cell.data_type in ("s", "inlineStr", "n") and (cell.data_type != "n" or cell.value is None)
        assert cell.hyperlink is None
        assert _lines(_unescaped(cell.value or "")) == _lines(excel_text(value))
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


@given(st.lists(st.lists(texts, min_size=2, max_size=2), max_size=5))
@settings(max_examples=200, deadline=None)
def test_no_cell_of_a_csv_starts_with_a_trigger(rows: list[list[str]]) -> None:
    content = export_csv([NAME, ExportColumn("d", "=d")], rows)
    read = _csv(content)
    assert content.startswith(b"\xef\xbb\xbf")
    assert len(read) == len(rows) + 1
    for line, given_row in zip(read[1:], rows, strict=True):
        for cell, value in zip(line, given_row, strict=True):
            assert cell[:1] == "" or cell[0] not in TRIGGERS
            assert cell.removeprefix("'") == value.encode("utf-8", "replace").decode().removeprefix("'")


def test_numbers_and_times_are_what_they_are() -> None:
    columns = [
        ExportColumn("vcpus", "vCPU", "int"),
        ExportColumn("memory_mib", "memory", "mib"),
        ExportColumn("share", "share", "percent"),
        ExportColumn("locked", "locked", "flag"),
        ExportColumn("created", "created", "time"),
        ExportColumn("ips", "addresses", "list"),
    ]
    row = (4, 8192, 12.5, True, "2026-11-22T11:00:00+02:00", ["10.0.0.1", "10.0.0.2"])
    sheet = _sheet(export_xlsx(columns, [row], title="VMs", about=[]))
    values = [str(c.value) for c in sheet[2]]
    assert values == ["4", "8192", "12.5", "True", "2026-11-22 09:00:00", "10.0.0.1; 10.0.0.2"]
    assert [c.data_type for c in sheet[2]] == ["n", "n", "n", "b", "d", "s"]
    assert sheet["E2"].is_date
    assert sheet["B1"].value == "memory (MiB)"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F2"


@pytest.mark.parametrize("bad", ["yesterday", "1899-01-01T00:00:00Z", "", None, float("nan"), 10**40, object])
def test_a_value_that_is_not_of_its_type_is_text_or_empty(bad: object) -> None:
    columns = [ExportColumn("created", "created", "time"), ExportColumn("n", "n", "int")]
    sheet = _sheet(export_xlsx(columns, [(bad, bad)], title="x", about=[]))
    assert all(c.data_type != "f" for c in sheet[2])
    assert _csv(export_csv(columns, [(bad, bad)]))[1][0] == ("" if bad is None else str(bad))


def test_negative_numbers_stay_numbers_in_csv_and_negative_texts_do_not() -> None:
    read = _csv(export_csv([ExportColumn("n", "n", "int"), NAME], [(-1, "-1")]))
    assert read[1] == ["-1", "'-1"]


def test_a_cell_that_is_too_long_is_cut_and_says_so() -> None:
    for char in ("x", "🚀"):
        value = _sheet(export_xlsx([NAME], [[char * 40_000]], title="x", about=[]))["A2"].value
        assert len(value.encode("utf-16-le")) // 2 <= XLSX_CELL
        assert value.startswith(char) and value.endswith("can be)")


def test_too_many_rows_are_refused_in_one_line() -> None:
    class Endless(list[tuple[str]]):
        def __len__(self) -> int:
            return XLSX_ROWS

    with pytest.raises(ExportError, match="export as CSV") as caught:
        export_xlsx([NAME], Endless(), title="x", about=[])
    assert "\n" not in str(caught.value)


def test_no_rows_and_no_columns() -> None:
    assert _csv(export_csv([NAME], [])) == [["name"]]
    assert _sheet(export_xlsx([NAME], [], title="x", about=[])).max_row == 1
    with pytest.raises(ExportError):
        export_xlsx([], [], title="x", about=[])


def test_the_second_sheet_says_what_the_first_is() -> None:
    content = export_xlsx([NAME], [["a"]], title="VMs", about=[("what", "=off VMs"), ("rows", "1")])
    about = openpyxl.load_workbook(io.BytesIO(content))["About"]
    told = {row[0].value: row[1].value for row in about.iter_rows()}
    assert told["what"] == "=off VMs" and told["rows"] == "1"


@given(st.text(max_size=60))
@example("0" * 24 + "🚀" * 4)
@example("'About'")
@settings(max_examples=100, deadline=None)
def test_any_title_makes_a_sheet(title: str) -> None:
    name = sheet_name(title)
    assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
    assert name.casefold() != "about"
    export_xlsx([NAME], [], title=title, about=[])


def test_json_has_the_names_and_only_numbers_that_json_has() -> None:
    read = json.loads(export_json([NAME, ExportColumn("n", "n", "float")], [("Müller", 1.5), ("=a", float("inf"))]))
    assert read == [{"name": "Müller", "n": 1.5}, {"name": "=a", "n": None}]


def test_a_row_of_another_length_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        export_csv([NAME], [("a", "b")])
