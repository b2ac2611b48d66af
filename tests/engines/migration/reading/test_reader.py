"""Whole exports: what is taken, what is left out and why, and whose a row is."""

import os
import pickle
import subprocess
import sys
import zipfile
from dataclasses import FrozenInstanceError, replace
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from engines.migration.reading import wire
from engines.migration.reading.limits import ReadLimits, WorkbookRefused
from engines.migration.reading.reader import read_bytes, read_export
from engines.migration.records import Vm
from engines.migration.scope import left_out
from tests.engines.migration.books import INFO, info, repacked, small_book, write_book

_DISK = ("VM", "Disk", "Capacity MiB", "Path", "VM ID", "VI SDK Server")


def refused(path: Path, limits: ReadLimits | None = None) -> str:
    with pytest.raises(WorkbookRefused) as caught:
        read_export(path, limits)
    return caught.value.what


def test_two_vms_of_one_name_in_two_vcenters_are_two(tmp_path: Path) -> None:
    book = write_book(
        tmp_path / "b.xlsx",
        {
            "vInfo": [INFO, info("web", 1, "vc1"), info("web", 1, "vc2")],
            "vDisk": [
                _DISK,
                ["web", "Hard disk 1", 10, "[a] web/web.vmdk", "vm-1", "vc1"],
                ["web", "Hard disk 1", 20, "[a] web/web.vmdk", "vm-1", "vc2"],
            ],
        },
    )
    estate = read_export(book)
    assert [(vm.key, [disk.capacity_mib for disk in vm.disks]) for vm in estate.vms] == [
        (("vc1", "vm-1"), [10]),
        (("vc2", "vm-1"), [20]),
    ]


def test_a_repeated_row_counts_once_and_is_said(tmp_path: Path) -> None:
    again = ["web", "Hard disk 1", 10, "[a] web.vmdk", "vm-1", "vc1"]
    book = write_book(
        tmp_path / "b.xlsx",
        {
            "vInfo": [INFO, info("web"), info("web"), [], info("db", 2)],
            "vDisk": [_DISK, again, again, ["", "", "", "", "", ""]],
        },
    )
    estate = read_export(book)
    assert [vm.name for vm in estate.vms] == ["web", "db"] and len(estate.vms[0].disks) == 1
    assert estate.report.left_out == {
        "repeated row of vDisk": 1,
        "repeated row of vInfo (same vCenter and VM id)": 1,
    }
    assert next(one for one in estate.report.sheets if one.sheet == "vInfo").blank_rows == 1


def test_an_id_wins_over_a_name(tmp_path: Path) -> None:
    """Anonymised files number names anew on each sheet; the ids stay."""
    book = write_book(
        tmp_path / "b.xlsx",
        {
            "vInfo": [INFO, info("vm-3", 1), info("vm-2", 2)],
            "vDisk": [
                _DISK,
                ["vm-2", "Hard disk 1", 7, "[a] x", "vm-1", "vc1"],
                ["vm-9", "Hard disk 1", 8, "[a] y", "vm-2", "vc1"],
            ],
        },
    )
    estate = read_export(book)
    assert [vm.disks[0].capacity_mib for vm in estate.vms] == [7, 8]


def test_by_name_when_there_is_nothing_else_and_not_when_it_is_unsure(tmp_path: Path) -> None:
    book = write_book(
        tmp_path / "b.xlsx",
        {
            "vInfo": [["VM", "CPUs"], ["a", 1], ["b", 1], ["b", 2]],
            "vDisk": [["VM", "Capacity MiB"], ["A ", 5], ["a", 5], ["b", 6], ["c", 7], ["", 8]],
        },
    )
    estate = read_export(book)
    assert [disk.capacity_mib for disk in estate.vms[0].disks] == [5, 5]  # nothing tells the second from the first
    assert estate.report.left_out == {
        "row of vDisk that fits several VMs": 1,
        "row of vDisk whose VM is not in vInfo": 1,
        "row of vDisk without a VM": 1,
    }
    sheet = next(one for one in estate.report.sheets if one.sheet == "vDisk")
    assert sheet.rows == sheet.taken + sum(estate.report.left_out.values())


def test_ids_that_repeat_without_a_vcenter_do_not_lose_vms(tmp_path: Path) -> None:
    book = write_book(
        tmp_path / "b.xlsx", {"vInfo": [INFO, info("one", 1, ""), info("two", 1, ""), info("one", 1, "")]}
    )
    estate = read_export(book)
    assert [vm.name for vm in estate.vms] == ["one", "two"] and len({vm.key for vm in estate.vms}) == 2
    assert any("merged from several vCenters" in note for note in estate.report.notes)


def test_clones_with_one_uuid_are_two(tmp_path: Path) -> None:
    rows = [["VM", "CPUs", "VM UUID"], ["a", 1, "42"], ["b", 2, "42"], ["a", 1, "42"]]
    assert [vm.name for vm in read_export(write_book(tmp_path / "b.xlsx", {"vInfo": rows})).vms] == ["a", "b"]


def test_the_folder_comes_from_whichever_sheet_has_it(tmp_path: Path) -> None:
    book = write_book(
        tmp_path / "b.xlsx",
        {
            "vInfo": [["VM", "CPUs", "Folder"], ["a", 1, ""]],
            "vCPU": [["VM", "Overall", "Folder"], ["a", 5, "/DC/Acme"]],
        },
    )
    assert read_export(book).vms[0].folder == "/DC/Acme"


def test_a_key_header_that_was_overwritten(tmp_path: Path) -> None:
    book = write_book(
        tmp_path / "b.xlsx",
        {
            "vInfo": [["VM", "CPUs"], ["a", 1], ["b", 1]],
            "vPartition": [["NEXT Data Center", "Disk", "Consumed MB"], ["a", "C:\\", 5], ["b", "/", 6]],
        },
    )
    estate = read_export(book)
    assert [vm.partitions[0].consumed_mib for vm in estate.vms] == [5, 6]
    assert any("column A holds names" in note for note in estate.report.notes)


def test_unreadable_cells_are_counted_and_shown_where(tmp_path: Path) -> None:
    book = write_book(tmp_path / "b.xlsx", {"vInfo": [INFO, info("a", 1, Memory="lots"), info("b", 2, Memory="4,096")]})
    estate = read_export(book)
    assert [vm.memory_mib for vm in estate.vms] == [None, 4096]
    (unread,) = estate.report.unreadable
    assert (unread.sheet, unread.column, unread.cells, unread.first_row) == ("vInfo", "memory_mib", 1, 2)


def test_addresses_of_both_kinds_in_one_cell(tmp_path: Path) -> None:
    book = write_book(
        tmp_path / "b.xlsx",
        {
            "vInfo": [["VM", "CPUs"], ["a", 1]],
            "vNetwork": [["VM", "Network", "IP Address"], ["a", "n", "fe80::1, 169.254.1.1; 10.0.0.5, 2001:db8::7 x"]],
        },
    )
    nic = read_export(book).vms[0].nics[0]
    assert (nic.ipv4, nic.ipv6) == (("10.0.0.5",), ("2001:db8::7",))


def test_passwords_never_leave_the_reader(tmp_path: Path) -> None:
    secret = "hunter2-canary"
    book = write_book(
        tmp_path / "b.xlsx",
        {
            "vInfo": [
                ["VM", "CPUs", "Annotation", "Password", "Owner", "Remark"],
                ["a", 1, f"root password: {secret}", secret, "Acme", f"pwd={secret}"],
            ],
            "vSnapshot": [
                ["VM", "Name", "Description", "Date / time", "Size MiB (total)"],
                ["a", f"pw: x password={secret}", f"login: {secret}", datetime(2024, 1, 1), 5],  # noqa: DTZ001
            ],
        },
    )
    estate = read_export(book)
    assert secret not in repr(estate)
    assert estate.vms[0].secrets == (
        "vInfo Annotation", "vInfo Password", "vInfo Remark", "vSnapshot Name", "vSnapshot Description",
    )  # fmt: skip
    assert ("Owner", "Acme") in estate.vms[0].attributes


def test_a_note_may_say_what_a_vm_is(tmp_path: Path) -> None:
    note = "vSphere Cluster Service VM is deployed from an OVA"
    book = write_book(tmp_path / "b.xlsx", {"vInfo": [["VM", "CPUs", "Annotation"], ["x", 1, note]]})
    vm = read_export(book).vms[0]
    assert left_out(vm) == "vcls" and note not in repr(vm)


def test_csv_with_another_delimiter_and_encoding(tmp_path: Path) -> None:
    text = 'VM;CPUs;Memory;"In Use MB";Host\r\n"wéb;1";2;"16.384";1.234;esx\r\nshort;1\r\n'
    for encoding in ("utf-8-sig", "cp1252", "utf-16"):
        path = tmp_path / f"{encoding}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("RVTools_export_all_2024\\RVTools_tabvInfo.csv", text.encode(encoding))
        estate = read_export(path)
        assert [(vm.name, vm.memory_mib, vm.in_use_mib) for vm in estate.vms] == [
            ("wéb;1", 16384, 1234),
            ("short", None, None),
        ]


def test_two_exports_in_one_zip_are_both_read(tmp_path: Path) -> None:
    head = ",".join(INFO)
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for server in ("vc1", "vc2"):
            archive.writestr(
                f"{server}/RVTools_tabvInfo.csv", f"{head}\n{','.join(map(str, info('web', 1, server)))}\n"
            )
    assert [vm.key[0] for vm in read_export(tmp_path / "two.zip").vms] == ["vc1", "vc2"]


def test_a_single_csv_file(tmp_path: Path) -> None:
    (tmp_path / "RVTools_tabvInfo.csv").write_text("VM,CPUs\na,1\n")
    assert [vm.cpus for vm in read_export(tmp_path / "RVTools_tabvInfo.csv").vms] == [1]


@pytest.mark.parametrize(
    ("sheets", "said"),
    [
        ({"Sheet1": [["VM", "CPUs"], ["a", 1]]}, "no sheet vInfo"),
        ({"vInfo": [["something", "else"], [1, 2]]}, "no row of headers"),
        ({"vInfo": [["CPUs", "Memory"], [1, 2]]}, "no column VM"),
        ({"vInfo": [["VM", "CPUs"]]}, "has no VMs"),
        ({"vInfo": [[]]}, "no row of headers"),
    ],
)
def test_an_export_without_vms_is_refused(tmp_path: Path, sheets: dict[str, list[list[object]]], said: str) -> None:
    assert said in refused(write_book(tmp_path / "b.xlsx", sheets))


def test_limits_of_rows_cells_columns_and_texts(tmp_path: Path) -> None:
    rows = [["VM", "CPUs"], *[[f"v{n}", 1] for n in range(2000)]]
    book = write_book(tmp_path / "b.xlsx", {"vInfo": rows})
    assert "rows" in refused(book, ReadLimits(rows=1000))
    assert "cells" in refused(book, ReadLimits(cells=1000))
    wide = write_book(tmp_path / "w.xlsx", {"vInfo": [["VM", "CPUs", *["x"] * 50], *[["a", 1, *["y"] * 50]] * 600]})
    assert "columns" in refused(wide, ReadLimits(columns=10))
    long = write_book(tmp_path / "l.xlsx", {"vInfo": [["VM", "CPUs"], ["a" * 3000, 1]]})
    assert "characters" in refused(long, ReadLimits(cell_characters=2000))


def test_a_cell_far_away_costs_the_child_and_nobody_else(tmp_path: Path) -> None:
    book = small_book(tmp_path / "far.xlsx")
    cells = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" '
        't="inlineStr"><is><t>VM</t></is></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        "</sheetData></worksheet>"
    )
    repacked(book, {"xl/worksheets/sheet1.xml": cells.encode()})
    before = psutil.Process().memory_info().rss
    assert "memory" in refused(book, ReadLimits(memory_bytes=1 << 30, seconds=60))
    assert psutil.Process().memory_info().rss - before < 50 * (1 << 20)


def test_a_file_that_takes_too_long(tmp_path: Path) -> None:
    rows = [["VM", "CPUs"], *[[f"v{n}", 1] for n in range(40_000)]]
    assert "longer than 0 seconds" in refused(write_book(tmp_path / "b.xlsx", {"vInfo": rows}), ReadLimits(seconds=0))


def test_the_child_knows_no_secret_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engines.migration.reading.reader import _environment

    monkeypatch.setenv("STACKHAND_SLACK_TOKEN", "canary")
    assert not [name for name in _environment() if name.startswith("STACKHAND")]
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", None)
    read_bytes(small_book(tmp_path / "b.xlsx").read_bytes(), "sent by somebody.xlsx")
    assert list((tmp_path / "scratch").iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_a_file_that_was_sent_keeps_its_name_in_the_report_only(tmp_path: Path) -> None:
    estate = read_bytes(small_book(tmp_path / "b.xlsx").read_bytes(), "../../etc/Export März.xlsx")
    assert estate.report.file == "../../etc/Export März.xlsx" and len(estate.vms) == 1
    with pytest.raises(WorkbookRefused, match="xlsm"):
        read_bytes((tmp_path / "b.xlsx").read_bytes(), "macro.XLSM")


def test_progress_names_every_sheet(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    read_export(small_book(tmp_path / "b.xlsx"), progress=lambda sheet, rows: told.append((sheet, rows)))
    assert told == [("vInfo", 1)]


def test_the_reader_runs_from_anywhere(tmp_path: Path) -> None:
    book = small_book(tmp_path / "b.xlsx")
    (tmp_path / "engines.py").write_text("raise SystemExit('not ours')")
    code = (
        "from engines.migration.reading.reader import read_export; from pathlib import Path; "
        f"print(len(read_export(Path({str(book)!r})).vms))"
    )
    root = str(Path(__file__).parents[4])
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\n"


def test_lines_come_a_few_at_a_time_and_are_kept_as_they_came(tmp_path: Path) -> None:
    """More VMs than are written at one time: the first are read while the child writes."""
    rows = [INFO, *(info(f"vm {number} ü", number) for number in range(1, 701))]
    lines: list[str] = []
    estate = read_export(write_book(tmp_path / "b.xlsx", {"vInfo": rows}), keep=lines.append)
    assert [vm.row for vm in estate.vms] == list(range(2, 702)) and len(lines) == 701
    arriving = wire.Arriving()
    for start in range(0, 701, 100):
        arriving.take(lines[start : start + 100])
    assert arriving.estate() == wire.read(lines) == estate


def test_records_that_came_over_are_like_others(tmp_path: Path) -> None:
    vm = read_export(small_book(tmp_path / "b.xlsx")).vms[0]
    assert type(vm) is Vm and replace(vm) == vm and hash(replace(vm)) == hash(vm)
    assert pickle.loads(pickle.dumps(vm)) == vm
    with pytest.raises(FrozenInstanceError):
        vm.name = "other"  # type: ignore[misc]


def test_lines_that_end_too_soon_are_no_estate() -> None:
    with pytest.raises(ValueError, match="too soon"):
        wire.read([])
