"""Files that mean harm, or were harmed: each gets a line that says what it is and what to do, and costs nothing."""

import struct
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from engines.migration.reading.archives import check_container
from engines.migration.reading.limits import MIB, ReadLimits, WorkbookRefused
from tests.engines.migration.books import repacked, small_book, write_book

LIMITS = ReadLimits()


def refused(path: Path, limits: ReadLimits = LIMITS) -> str:
    with pytest.raises(WorkbookRefused) as caught:
        check_container(path, limits)
    assert caught.value.fix and "\n" not in str(caught.value) and "Traceback" not in str(caught.value)
    return caught.value.what


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return small_book(tmp_path / "export.xlsx")


def test_a_workbook_a_zip_and_a_csv_file_are_told_apart(book: Path, tmp_path: Path) -> None:
    assert check_container(book, LIMITS) == "xlsx"
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.writestr("RVTools_export_all\\RVTools_tabvInfo.csv", "VM\n")
    assert check_container(tmp_path / "e.zip", LIMITS) == "csv zip"
    (tmp_path / "RVTools_tabvInfo.csv").write_text("VM,CPUs\nx,1\n")
    assert check_container(tmp_path / "RVTools_tabvInfo.csv", LIMITS) == "csv"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("xl/vbaProject.bin", "macros"),
        ("xl/macrosheets/sheet1.xml", "macros"),
        ("xl/externalLinks/externalLink1.xml", "links to other files"),
        ("xl/connections.xml", "links to other files"),
        ("xl/embeddings/oleObject1.bin", "embedded objects"),
        ("../../etc/cron.d/x", "leads out"),
        ("xl/../../x", "leads out"),
        ("/etc/passwd", "leads out"),
        ("..\\x", "leads out"),
        ("C:/x", "leads out"),
        ("xl/Workbook.xml", "two parts of one name"),
    ],
)
def test_a_part_that_does_not_belong(book: Path, name: str, said: str) -> None:
    assert said in refused(repacked(book, add=[(name, b"x")]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_parts_of_one_name(book: Path) -> None:
    assert "two parts of one name" in refused(repacked(book, add=[("xl/workbook.xml", b"<x/>")]))


def test_a_workbook_for_macros_is_refused_by_its_name(book: Path) -> None:
    assert ".xlsm" in refused(book.rename(book.with_suffix(".xlsm")))


@pytest.mark.parametrize(
    "text",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><worksheet/>',
        b"<?xml version='1.0'?><!doctype x><worksheet/>",
        b"<?xml version='1.0'?><!--" + b" " * (3 * MIB) + b"--><!DOCTYPE x><worksheet/>",
        b"<?xml version='1.0'?>".ljust(MIB - 1) + b"<!DOCTYPE x><worksheet/>",  # over the border of two pieces
        b"<?xml version='1.0'?>".ljust(MIB - 2) + b"<!DOCTYPE x><worksheet/>",
    ],
)
def test_entities_are_refused_wherever_they_stand(book: Path, text: bytes) -> None:
    assert "entities" in refused(repacked(book, {"xl/worksheets/sheet1.xml": text}))


def test_an_encoding_that_would_hide_entities_is_refused(book: Path) -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><worksheet/>'.encode("utf-16")
    assert "encoding" in refused(repacked(book, {"xl/worksheets/sheet1.xml": text}))


def test_a_bomb_is_seen_by_what_it_inflates_to(book: Path) -> None:
    repacked(book, {"xl/worksheets/sheet1.xml": b"<worksheet>" + b" " * (64 * MIB)})
    begun = time.monotonic()
    assert "zip bomb" in refused(book)
    assert "more than" in refused(book, ReadLimits(inflated_bytes=8 * MIB))
    assert time.monotonic() - begun < 10


def test_a_header_that_lies_about_the_size_is_not_believed(book: Path) -> None:
    _lie_about_size(book, b"A" * (64 * MIB))
    assert "zip bomb" in refused(book)
    assert "more than" in refused(book, ReadLimits(inflated_bytes=MIB))


def _lie_about_size(book: Path, content: bytes) -> None:
    """Adds a part of this content whose size says 10 bytes."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packed.compress(content) + packed.flush()
    name = b"xl/bomb.xml"
    with zipfile.ZipFile(book) as archive:
        entries = archive.infolist()
        start = archive.start_dir
    raw = book.read_bytes()
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(data), 10, len(name), 0) + name + data
    central = struct.pack(
        "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(data), 10, len(name), 0, 0, 0, 0, 0, start
    )
    central += name
    old = raw[start:-22]
    end = struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, len(entries) + 1, len(entries) + 1, len(old) + len(central), start + len(local), 0
    )
    book.write_bytes(raw[:start] + local + old + central + end)


def test_what_is_parsed_is_a_copy_of_what_was_checked(book: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked.xlsx"
    assert check_container(book, LIMITS, unpacked) == "xlsx"
    with zipfile.ZipFile(book) as packed, zipfile.ZipFile(unpacked) as copy:
        assert set(copy.namelist()) == set(packed.namelist()) and copy.testzip() is None
        for name in packed.namelist():
            assert copy.read(name).replace(b"<mergeCells></mergeCells>", b"") == packed.read(name)
        assert all(part.compress_type == zipfile.ZIP_STORED for part in copy.infolist())


def test_a_copy_is_not_made_of_what_is_large_or_lies(book: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked.xlsx"
    with zipfile.ZipFile(book) as archive:
        whole = sum(part.file_size for part in archive.infolist())
    assert check_container(book, ReadLimits(inflated_bytes=whole), unpacked) == "xlsx" and not unpacked.exists()
    _lie_about_size(book, b"A" * (64 * MIB))
    with pytest.raises(WorkbookRefused, match="zip bomb"):
        check_container(book, LIMITS, unpacked)
    assert unpacked.stat().st_size < MIB


def test_a_part_whose_checksum_is_wrong_is_not_copied(book: Path, tmp_path: Path) -> None:
    raw = bytearray(book.read_bytes())
    place = raw.rfind(b"PK\1\2")
    raw[place + 16] ^= 1
    book.write_bytes(bytes(raw))
    with pytest.raises(WorkbookRefused, match="cut off or damaged"):
        check_container(book, LIMITS, tmp_path / "unpacked.xlsx")


def test_too_many_parts_and_too_many_bytes(book: Path) -> None:
    assert "parts" in refused(book, ReadLimits(parts=3))
    assert "bytes" in refused(book, ReadLimits(file_bytes=100))


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_off(book: Path, part: float) -> None:
    whole = book.read_bytes()
    book.write_bytes(whole[: int(len(whole) * part)])
    assert "cut off" in refused(book)


def test_a_part_that_is_damaged(book: Path) -> None:
    raw = bytearray(book.read_bytes())
    with zipfile.ZipFile(book) as archive:
        part = archive.getinfo("xl/worksheets/sheet1.xml")
    middle = part.header_offset + 30 + len(part.filename) + part.compress_size // 2
    raw[middle : middle + 8] = b"\xff" * 8
    book.write_bytes(bytes(raw))
    with pytest.raises(WorkbookRefused):
        from engines.migration.reading.reader import read_export

        read_export(book)


def test_an_encrypted_workbook_and_an_old_one(tmp_path: Path) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    (tmp_path / "old.xlsx").write_bytes(ole)
    assert ".xls workbook" in refused(tmp_path / "old.xlsx")
    (tmp_path / "locked.xlsx").write_bytes(ole + "EncryptedPackage".encode("utf-16-le") + bytes(100))
    assert "password" in refused(tmp_path / "locked.xlsx")


def test_a_zip_with_a_password(book: Path) -> None:
    raw = bytearray(book.read_bytes())
    place = raw.find(b"PK\1\2")
    raw[place + 8] |= 1
    book.write_bytes(bytes(raw))
    assert "password" in refused(book)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.xlsx", b"", "is empty"),
        ("text.xlsx", b"VM,CPUs\n", "no workbook"),
        ("picture.png", b"\x89PNG\r\n\x1a\n", "neither"),
        ("page.csv", b"a\0b\0c\0d\0", "neither"),
    ],
)
def test_other_files(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert said in refused(tmp_path / name)


def test_a_directory_and_nothing_at_all(tmp_path: Path) -> None:
    assert "not a file" in refused(tmp_path)
    assert "cannot be opened" in refused(tmp_path / "none.xlsx")


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    assert "neither a workbook nor CSV" in refused(tmp_path / "x.zip")


def test_an_ordinary_workbook_of_many_blanks_is_no_bomb(tmp_path: Path) -> None:
    rows = [["VM", "CPUs"], *[[f"vm{n}", 1] for n in range(20_000)]]
    assert check_container(write_book(tmp_path / "many.xlsx", {"vInfo": rows}), LIMITS) == "xlsx"
