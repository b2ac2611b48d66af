"""What goes out of a migration in each form: hostile names stay texts, the same plan gives the same bytes."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from engines.migration.dossiers import Dossier, dossier_without_target, safe_stem
from engines.migration.papers import FORMS, Form, paper, suffix
from tests.engines.migration.estates import vm
from tests.engines.migration.test_workbook import plan_of

MADE = datetime(2026, 11, 30, 9, tzinfo=UTC)
HOSTILE = ("=cmd|'/C calc'!A0", "<b>bold</b> & <font", "数据库-01", "база", "\u202egnp.exe", "a" * 300, "\u0001x", "🔥")


def dossier(*vms: Any, name: str = "dc1") -> Dossier:
    return dossier_without_target(plan_of(*vms), name, MADE)


def pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def test_a_pdf_tells_the_plan() -> None:
    found = pages(paper(dossier(*(vm(f"web-{n:02}", n) for n in range(40))), "pdf"))
    assert "Migration plan" in found[0] and "dc1" in found[0] and "40 VMs" in found[0]
    whole = "\n".join(found)
    for title in ("Summary", "Timeline", "Tenants", "Waves", "Gaps", "Sizing", "How the export was read"):
        assert title in found[0] and title in whole.replace(found[0], "", 1), title
    assert all(f"web-{n:02}" in whole for n in range(40))
    assert f"Page 2 of {len(found)}" in found[1]


@pytest.mark.parametrize("form", FORMS)
def test_hostile_names_break_no_form(form: Form) -> None:
    made = dossier(*(vm(name, n) for n, name in enumerate(HOSTILE)), name=HOSTILE[1])
    content = paper(made, form)
    assert content == paper(made, form), "the same plan, the same bytes"
    if form == "pdf":
        assert "<b>bold</b>" in "".join(pages(content))


@pytest.mark.parametrize("form", FORMS)
def test_nothing_to_move_is_a_paper_all_the_same(form: Form) -> None:
    assert paper(dossier(vm("t", 1, template=True)), form)


def test_csv_files_hold_every_vm_and_no_formula() -> None:
    with zipfile.ZipFile(io.BytesIO(paper(dossier(vm("=1+1", 1), vm("b", 2)), "csv"))) as archive:
        assert {"summary.csv", "vms.csv", "waves.csv", "gaps.csv", "read-report.csv"} <= set(archive.namelist())
        rows = list(csv.reader(io.StringIO(archive.read("vms.csv").decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["VM", "'=1+1", "b"]


def test_json_is_the_result() -> None:
    assert json.loads(paper(dossier(vm("a", 1)), "json"))["totals"]["vms"] == 1


def test_many_vms_are_bounded_and_the_rest_is_told_of(tmp_path: Path) -> None:
    content = paper(dossier(*(vm(f"v{n}", n) for n in range(1500))), "pdf")
    found = pages(content)
    assert len(found) < 60 and "workbook" in "".join(found)


@pytest.mark.parametrize(
    ("name", "stem"),
    [("DC 1 / Bonn", "dc-1-bonn"), ("../../etc/passwd", "etc-passwd"), ("con", "con-"), ("", "migration"),
     ("数据", "数据"), ("a" * 99, "a" * 60), ("x\0y", "x-y")],
)  # fmt: skip
def test_file_names_lead_nowhere(name: str, stem: str) -> None:
    assert safe_stem(name) == stem
    made = dossier_without_target(plan_of(vm("a", 1)), name, MADE)
    assert made.file_name(suffix("csv")) == f"{stem}-migration-plan-2026-11-30.csv.zip"
