"""The workbook: every text a text, whatever it starts with; the same plan, the same bytes."""

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.exports import ExportError
from engines.migration.assessment import assess
from engines.migration.calendars import Calendar
from engines.migration.dossiers import dossier_without_target
from engines.migration.plans import MigrationPlan, Settings, first_day, make_plan
from engines.migration.reading.reader import read_export
from engines.migration.records import Metadata
from engines.migration.sheets import plan_sheets
from engines.migration.transfer import Transfer
from engines.migration.workbook import ChartData, Column, SheetData, write_workbook
from tests.engines.migration.estates import estate, vm

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)


def plan_of(*vms: object) -> MigrationPlan:
    found = assess(estate(list(vms)))  # type: ignore[arg-type]
    return make_plan(found, Settings(Transfer(), Calendar(MONDAY)))


def written(path: Path, plan: MigrationPlan) -> openpyxl.Workbook:
    write_workbook(path, plan_sheets(dossier_without_target(plan, "dc1")), {"title": "x"})
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


def test_the_summary_adds_up(tmp_path: Path) -> None:
    plan = plan_of(*(vm(f"v{n}", n) for n in range(7)), vm("t", 9, template=True))
    rows = {
        (a.value, b.value): c.value for a, b, c in written(tmp_path / "p.xlsx", plan)["Summary"].iter_rows(min_row=2)
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
    risk = next(cell.column_letter for cell in book["VMs"][1] if cell.value == "Risk")
    assert book["VMs"]["A2"].fill.fgColor.rgb != book["VMs"][f"{risk}2"].fill.fgColor.rgb


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.xlsx", "two.xlsx"):
        write_workbook(
            tmp_path / name, plan_sheets(dossier_without_target(plan_of(vm("a", 1), vm("b", 2)), "dc1")), {"title": "x"}
        )

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
    data = SheetData("Big", (Column("A"),), [("x",)] * 5, (ChartData("c", "pie", 0, 0, 1, 2),))
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
