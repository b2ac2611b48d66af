"""The PDF: it says what the plan says, in letters of any script, bounded in pages, and nothing that is secret."""

import re
import zlib
from base64 import a85decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from reportlab.platypus import Paragraph

from engines.migration.assessment import assess
from engines.migration.calendars import Calendar
from engines.migration.dossiers import Dossier, dossier, dossier_without_target
from engines.migration.figures import Rate, rates, size_bands, systems
from engines.migration.mappings import Mapped, Offer
from engines.migration.pdf.charts import nice, rate_chart, ring, ticks
from engines.migration.pdf.gantt import gantt_bars
from engines.migration.pdf.report import summary_lines, write_pdf
from engines.migration.plans import Ordering, Settings, make_plan
from engines.migration.reading.reader import read_export
from engines.migration.targets import UNREACHED, TargetState
from engines.migration.transfer import Transfer
from engines.migration.waves import WaveRules
from engines.papers import fonts
from engines.papers.pages import paper
from engines.papers.tables import Col, table
from tests.engines.migration.estates import estate, vm

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)


def papers(*vms: object, is_plan: bool = True, name: str = "dc1") -> Dossier:
    plan = make_plan(assess(estate(list(vms))), Settings(Transfer(), Calendar(MONDAY, 8, 18)))  # type: ignore[arg-type]
    return dossier(plan, name, UNREACHED, made_at=MONDAY, is_plan=is_plan)


def pages(path: Path) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", path.read_bytes()))


def drawn(path: Path) -> bytes:
    """The content of all pages; texts of the embedded font stand in it as numbers of glyphs."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", path.read_bytes(), re.DOTALL):
        try:
            found.append(zlib.decompress(a85decode(stream.strip().removesuffix(b"~>"))))
        except (ValueError, zlib.error):
            continue
    return b"".join(found)


def test_a_plan_of_some_vms(tmp_path: Path) -> None:
    found = papers(*(vm(f"web-{n}", n) for n in range(40)), vm("t", 99, template=True), vm("r", 98, power="suspended"))
    write_pdf(tmp_path / "p.pdf", found)
    data = (tmp_path / "p.pdf").read_bytes()
    assert data.startswith(b"%PDF-") and pages(tmp_path / "p.pdf") > 3 and len(drawn(tmp_path / "p.pdf")) > 5000
    for heading in (b"Summary", b"Timeline", b"Cohorts", b"Waves", b"Concerns", b"Sizing", b"How the export was read"):
        assert heading in data, heading
    lines = summary_lines(found)
    assert lines[0].startswith("41 of 42 VMs of the export are to be moved") and "1 (a template" in lines[2]


def test_the_same_dossier_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.pdf", "two.pdf"):
        write_pdf(tmp_path / name, papers(vm("a", 1), vm("b", 2)))
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


def test_an_assessment_and_a_plan_of_nothing(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", papers(vm("a", 1), is_plan=False))
    assert b"(Waves)" not in (tmp_path / "a.pdf").read_bytes()
    write_pdf(tmp_path / "n.pdf", papers())
    write_pdf(tmp_path / "t.pdf", papers(vm("t", 1, template=True)))
    assert pages(tmp_path / "n.pdf") >= 2 and pages(tmp_path / "t.pdf") >= 2


@pytest.mark.parametrize(
    "name",
    ["<b>bold & <para>", "</font><img src='http://example.test/x'/>", "<a href='file:///etc/passwd'>x</a>",
     "&#0;&bogus;", "東京サーバー", "서울", "Пример", "שלום", "😀🎉", "x" * 900, "a b " * 400,
     "tab\there\nand\rthere\0", "\ud800"],
)  # fmt: skip
def test_any_name_is_written_and_none_is_markup(tmp_path: Path, name: str) -> None:
    found = papers(vm(name, 1, cluster=name, folder=name, power="suspended"), vm("b", 2), name=name)
    write_pdf(tmp_path / "p.pdf", found)
    data = (tmp_path / "p.pdf").read_bytes()
    assert b"/URI" not in data and b"/Subtype /Image" not in data


def test_letters_get_a_font_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fonts.registered_fonts(())
    assert found.regular == "Stackhand DejaVuSans" and found.draws("Žluťoučký Пример")
    assert found.markup("db <東京> 서울") == (
        'db &lt;<font name="STSong-Light">東京</font>&gt; <font name="HYSMyeongJo-Medium">서울</font>'
    )
    assert found.markup("\U0001f389") == "▯" and found.plain("東") == "▯"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    bare = fonts.registered_fonts()
    assert bare.regular == "Stackhand Vera" and bare.markup("П") == "?" and bare.markup("é") == "é"


@pytest.mark.parametrize(("said", "drawn"), [
    ("שרת web-01", "web-01 תרש"), ("db-01 שרת-בדיקה", "db-01 הקידב-תרש"), ("خادم", "ﻡﺩﺎﺧ"), ("web-01", "web-01"),
    ("سِرّ", "ﺮﺳ"), ("\u202eevil", " evil"),
])  # fmt: skip
def test_hebrew_and_arabic_are_drawn_as_they_are_read(said: str, drawn: str) -> None:
    found = fonts.registered_fonts(())
    assert found.markup(said) == drawn and found.plain(said) == drawn and found.in_one(said)[0] == drawn
    assert found.draws(said) is (said in ("web-01", "\u202eevil"))
    assert all(ord(one) in found.known for one in drawn)


def test_a_font_of_the_machine_for_the_east_goes_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "east.ttf"
    made = FontBuilder(1000, isTTF=True)
    letters = {ord(one): f"u{ord(one):x}" for one in "dc1 東京"}
    made.setupGlyphOrder([".notdef", *letters.values()])
    made.setupCharacterMap(letters)
    made.setupGlyf({name: TTGlyphPen(None).glyph() for name in made.font.getGlyphOrder()})
    made.setupHorizontalMetrics(dict.fromkeys(made.font.getGlyphOrder(), (600, 0)))
    made.setupHorizontalHeader(ascent=800, descent=-200)
    made.setupNameTable({"familyName": "East", "styleName": "Regular", "psName": "East"})
    made.setupOS2()
    made.setupPost()
    made.save(path)
    found = fonts.registered_fonts((tmp_path / "none.ttf", path))
    assert found.markup("dc1 東京 서울") == (
        'dc1 <font name="Stackhand East">東京</font> <font name="HYSMyeongJo-Medium">서울</font>'
    )
    assert found.in_one("dc1 東京") == ("dc1 東京", "Stackhand East") and found.in_one("x 東")[0] == "x ▯"
    path.write_bytes(b"no font")
    assert fonts.registered_fonts((path,)).eastern == frozenset()


def test_no_secret_reaches_the_paper(tmp_path: Path) -> None:
    """Texts are glyphs in the file; what is handed to the paragraphs is looked at."""
    seen: list[str] = []

    class Seen(Paragraph):  # type: ignore[misc]
        def __init__(self, text: str, *given: object, **named: object) -> None:
            seen.append(text)
            super().__init__(text, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reportlab.platypus.Paragraph", Seen)
        one = vm("a", 1, secrets=("vInfo Annotation",), attributes=(("Password", "hunter2"), ("Owner", "x")))
        write_pdf(tmp_path / "p.pdf", papers(one))
    assert seen and not any("hunter2" in text for text in seen)


def test_a_real_export_is_bounded_and_its_sums_agree(tmp_path: Path, workbooks: Path) -> None:
    settings = Settings(Transfer(), Calendar(MONDAY, 8, 18), ordering=Ordering(waves=WaveRules("even_spread")))
    plan = make_plan(assess(read_export(workbooks / "workshop-3.x-805vm.xlsx")), settings)
    found = dossier_without_target(plan, "workshop", MONDAY)
    write_pdf(tmp_path / "p.pdf", found)
    assert pages(tmp_path / "p.pdf") < 60
    inside = plan.assessment.in_scope
    assert sum(count for _, count in size_bands(inside)) == sum(count for _, count in systems(inside, 3)) == len(inside)
    waves = [bar for bar in gantt_bars(plan) if not bar.is_cohort]
    assert sum(bar.vms for bar in waves) == len(plan.rows) and len(waves) <= 60 + 3
    assert sum(plan.schedule.by_hour.values()) == pytest.approx(plan.schedule.copied_mib)
    hours = rates(plan.schedule)
    copied = sum(one.mib_s * (3600 if one.hours == 1 else 10 * 3600) for one in hours)
    assert copied == pytest.approx(plan.schedule.copied_mib)
    assert all(one.mib_s <= plan.schedule.peak_mib_s + 1e-6 for one in hours)


def test_a_confirmed_target_is_told_and_an_unknown_one_claims_nothing() -> None:
    plan = make_plan(
        assess(estate([vm("a-1", n, folder="Acme") for n in range(3)])), Settings(Transfer(), Calendar(MONDAY))
    )
    assert "not known" in " ".join(summary_lines(dossier(plan, "x", UNREACHED)))
    project = Mapped("Acme", Offer("p1", "acme"), 100.0, "name", 3, confirmed=True)
    known = dossier(plan, "x", TargetState(flavors=()), (project,), ())
    assert any(line.startswith("Gaps: ") for line in summary_lines(known))


def test_scales_and_ticks() -> None:
    assert [nice(one) for one in (0.3, 1, 3, 477, 1001)] == [0.4, 1, 4, 500, 2000]
    days = ticks(MONDAY, MONDAY + timedelta(days=700))
    assert 2 < len(days) <= 15 and days[0] == MONDAY
    assert ticks(MONDAY, MONDAY) == [MONDAY]
    letters = fonts.registered_fonts()
    ring(letters, "r", [("a", 0), ("b", 0)], ("#000000", "#111111"), 200, 100)
    rate_chart(letters, "r", [], 0.0, 200, 100)
    rate_chart(letters, "r", [Rate(MONDAY, 1.0, 0.0)], 0.0, 200, 100)


def test_a_table_leaves_blank_columns_away_and_cuts_what_no_page_holds() -> None:
    sheet = paper(fonts.registered_fonts())
    columns = (Col("a", 1), Col("b", 1, optional=True), Col("c", 1, "number", optional=True))
    made = table(sheet, columns, [("x" * 9000, "", 0), ("y", None, 1)])
    width, height = made.wrap(sheet.width, sheet.height)
    assert len(made._cellvalues[0]) == 2 and width <= sheet.width + 1 and height < sheet.height
