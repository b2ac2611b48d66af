"""The workbook: every text a text, whatever it starts with; the same plan, the same bytes."""

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.exports import ExportError
from engines.migration.assessment import assess
from engines.migration.calendars import Calendar
from engines.migration.csv_files import write_csv_zip
from engines.migration.dossiers import Dossier, dossier, dossier_without_target
from engines.migration.plans import MigrationPlan, Settings, first_day, make_plan
from engines.migration.reading.reader import read_export
from engines.migration.records import Metadata
from engines.migration.sheets import plan_sheets
from engines.migration.targets import UNREACHED
from engines.migration.transfer import Transfer
from engines.migration.workbook import ChartData, Column, SheetData, write_workbook
from tests.engines.migration.estates import estate, vm

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)


def plan_of(*vms: object) -> MigrationPlan:
    found = assess(estate(list(vms)))  # type: ignore[arg-type]
    return make_plan(found, Settings(Transfer(), Calendar(MONDAY)))


def papers(plan: MigrationPlan) -> Dossier:
    return dossier_without_target(plan, "dc1", MONDAY)


def written(path: Path, plan: MigrationPlan) -> openpyxl.Workbook:
    write_workbook(path, plan_sheets(papers(plan)), {"title": "x"})
    return openpyxl.load_workbook(path)


def test_the_sheets_and_their_set_up(tmp_path: Path) -> None:
    book = written(
        tmp_path / "p.xlsx", plan_of(vm("a", 1), vm("b", 2, template=True), vm("c", 3, firmware="efi", cbt=False))
    )
    assert book.sheetnames == [
        "Summary", "Tenants", "Cohorts", "Waves", "VMs", "Concerns", "Findings", "Daily schedule", "Networks", "Gaps",
        "Readiness", "Sizing", "Quotas", "Risk rules", "Read report",
    ]  # fmt: skip
    vms = book["VMs"]
    assert vms.freeze_panes == "B2" and vms.auto_filter.ref == f"A1:{openpyxl.utils.get_column_letter(vms.max_column)}4"
    assert vms.page_setup.orientation == "landscape" and vms.column_dimensions["A"].width > 20
    titles = [cell.value for cell in vms[1]]
    rows = {
        row[0].value: dict(zip(titles, (cell.value for cell in row), strict=True)) for row in vms.iter_rows(min_row=2)
    }
    assert rows["a"]["Risk"] == "GREEN" and rows["a"]["To copy: from"] == "in use"
    assert rows["b"]["Left out because"].startswith("a template") and rows["b"]["Starts (UTC)"] is None
    assert rows["c"]["Before"] == "turn on changed block tracking" and rows["c"]["Risk: why"] == "UEFI (+2)"
    assert isinstance(rows["a"]["Starts (UTC)"], datetime)
    assert rows["a"]["Wave"] == 1 and rows["a"]["In the wave because"] and rows["b"]["Wave"] is None


def test_charts_show_the_figures_beside_them(tmp_path: Path) -> None:
    """Each range that a chart names holds labels and numbers, whatever stands above the header."""
    book = written(tmp_path / "p.xlsx", plan_of(*(vm(f"v{n}", n) for n in range(9))))
    charts = [chart for name in ("Summary", "Daily schedule") for chart in book[name]._charts]
    assert len(charts) == 6
    for chart in charts:
        (series,) = chart.series
        found = shown(book, series.val.numRef.f)
        assert found and all(isinstance(value, (int, float)) for value in found), series.val.numRef.f
    assert sum(shown(book, book["Summary"]._charts[0].series[0].val.numRef.f)) == 9


def shown(book: openpyxl.Workbook, formula: str) -> list[Any]:
    """The cells of `Summary!$C$5:$C$7`."""
    sheet, _, cells = formula.rpartition("!")
    column, first, _, last = openpyxl.utils.range_boundaries(cells.replace("$", ""))
    return [book[sheet.strip("'")].cell(row, column).value for row in range(first, last + 1)]


def test_an_assessment_has_no_cohorts_and_no_waves(tmp_path: Path) -> None:
    found = dossier(plan_of(vm("a", 1)), "dc1", UNREACHED, made_at=MONDAY, is_plan=False)
    write_workbook(tmp_path / "p.xlsx", plan_sheets(found), {})
    book = openpyxl.load_workbook(tmp_path / "p.xlsx")
    assert not {"Cohorts", "Waves"} & set(book.sheetnames)
    titles = [cell.value for cell in book["VMs"][1]]
    assert book["VMs"].cell(2, titles.index("Wave") + 1).value is None
    assert book["Summary"]["A1"].value == "Migration assessment: dc1"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("dc1", "dc1"),
        ("../../etc/passwd", "etc-passwd"),
        ("Zürich Nord", "zürich-nord"),
        ("東京", "東京"),
        ("CON", "con-"),
        ("a" * 300, "a" * 60),
        ("..", "migration"),
        ("x\r\ny;rm -rf /", "x-y-rm-rf"),
    ],
)
def test_names_of_files_lead_nowhere(name: str, stem: str) -> None:
    found = dossier_without_target(plan_of(vm("a", 1)), name, MONDAY)
    assert found.file_name("pdf") == f"{stem}-migration-plan-2026-11-30.pdf"


def test_csv_files_hold_the_same_rows_and_no_formula(tmp_path: Path) -> None:
    plan = plan_of(vm("=cmd|'/C calc'!A0", 1), vm("b", 2), vm("t", 3, template=True))
    write_csv_zip(tmp_path / "p.zip", plan_sheets(papers(plan)))
    book = written(tmp_path / "p.xlsx", plan)
    with zipfile.ZipFile(tmp_path / "p.zip") as archive:
        assert len(archive.namelist()) == len(book.sheetnames)
        rows = list(csv.reader(io.StringIO(archive.read("vms.csv").decode("utf-8-sig"), newline="")))
        again = archive.read("summary.csv")
    assert [row[0] for row in rows] == ["VM", "'=cmd|'/C calc'!A0", "b", "t"]
    assert rows[0] == [cell.value for cell in book["VMs"][1]]
    write_csv_zip(tmp_path / "q.zip", plan_sheets(papers(plan)))
    assert (tmp_path / "q.zip").read_bytes() == (tmp_path / "p.zip").read_bytes() and b"GREEN" in again


def test_the_summary_adds_up(tmp_path: Path) -> None:
    plan = plan_of(*(vm(f"v{n}", n) for n in range(7)), vm("t", 9, template=True))
    rows = {
        (a.value, b.value): c.value for a, b, c in written(tmp_path / "p.xlsx", plan)["Summary"].iter_rows(min_row=5)
    }
    assert rows["Risk", "GREEN"] + rows["Risk", "YELLOW"] + rows["Risk", "RED"] == 7
    assert rows["Export", "VMs without templates"] == 7 and rows["Export", "templates"] == 1


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|'/C calc'!A0", "\t=1", "http://example.test/x", "{=1}"]
)
def test_a_name_never_becomes_a_formula_or_a_link(tmp_path: Path, name: str) -> None:
    sheet = written(tmp_path / "p.xlsx", plan_of(vm(name, 1)))["VMs"]
    assert sheet["A2"].data_type in ("s", "inlineStr") and sheet["A2"].value == name and sheet["A2"].hyperlink is None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_any_texts_are_written_and_read_again(tmp_path: Path, texts: list[str]) -> None:
    write_workbook(tmp_path / "p.xlsx", [SheetData("Any", (Column("A"),), [(one,) for one in texts])], {})
    sheet = openpyxl.load_workbook(tmp_path / "p.xlsx")["Any"]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_a_vm_called_red_is_not_coloured(tmp_path: Path) -> None:
    book = written(tmp_path / "p.xlsx", plan_of(vm("RED", 1), vm("b", 2, power="suspended")))
    assert book["VMs"]["A2"].fill.fgColor.rgb != next(c for c in book["VMs"][3] if c.value == "RED").fill.fgColor.rgb


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.xlsx", "two.xlsx"):
        write_workbook(tmp_path / name, plan_sheets(papers(plan_of(vm("a", 1), vm("b", 2)))), {"title": "x"})

    def parts(name: str) -> dict[str, bytes]:
        with zipfile.ZipFile(tmp_path / name) as archive:
            return {part: archive.read(part) for part in archive.namelist()}

    assert parts("one.xlsx") == parts("two.xlsx")


def test_a_plan_of_nothing_is_written(tmp_path: Path) -> None:
    assert written(tmp_path / "p.xlsx", plan_of())["VMs"].max_row == 1


def test_no_secret_reaches_the_workbook(tmp_path: Path) -> None:
    plan = plan_of(vm("a", 1, secrets=("vInfo Annotation",)))
    book = written(tmp_path / "p.xlsx", plan)
    cells = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "(not shown)" in cells


def test_more_rows_than_a_sheet_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.migration.workbook.XLSX_ROWS", 3)
    data = SheetData("Big", (Column("A"),), [("x",)] * 5, (ChartData("c", "doughnut", 0, 0, 1, 2),))
    with pytest.raises(ExportError):
        write_workbook(tmp_path / "p.xlsx", [data], {})


def test_the_first_day(generated: Callable[..., Path]) -> None:
    found = assess(read_export(generated("e.xlsx", "--vms", "20")))
    assert first_day(found) == datetime(2026, 9, 21, tzinfo=UTC)
    assert first_day(found, MONDAY.date()) == MONDAY
    with pytest.raises(ValueError, match="when it was made"):
        first_day(assess(estate([vm()])))
    assert first_day(assess(estate([vm()], metadata=(Metadata(2, "4.7", created=MONDAY),)))).weekday() == 0


def test_the_order_of_a_plan_is_priority_then_ease() -> None:
    from engines.migration.assessment import Override

    hard, easy, wanted = vm("hard", 1, power="suspended"), vm("easy", 2), vm("wanted", 3, power="suspended")
    done = vm("done", 4)
    decided = {wanted.key: Override(priority=1), done.key: Override(status="done")}
    plan = make_plan(assess(estate([hard, easy, wanted, done]), decided), Settings(Transfer(), Calendar(MONDAY)))
    by_start = sorted(plan.rows.values(), key=lambda row: (plan.waves.wave_of[row.key], row.start_s, row.lane))
    assert {row.name for row in by_start} == {"wanted", "easy", "hard"}
    assert dict(plan.waves.unplaced) == {done.key: "moved already"}
