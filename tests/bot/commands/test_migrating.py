"""`stackhand rvtools`: the contract of its JSON, its files, and how it refuses."""

import json
from pathlib import Path

import pytest

from tests.bot.conftest import Run, is_one_line
from tests.engines.migration.books import INFO, info, small_book, write_book

_KEYS = {
    "totals", "left_out", "not_checked", "risk", "mode", "tenants", "concerns", "cohorts", "waves", "schedule", "files",
}  # fmt: skip
_TOTALS = {
    "vms", "templates", "powered_on", "powered_off", "vcpus", "memory_mib", "provisioned_mib", "in_use_mib",
    "disk_capacity_mib", "disks", "partition_consumed_mib", "partitions", "nics", "vms_with_snapshots", "clusters",
    "hosts", "os_families",
}  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> Path:
    rows = [INFO, info("web-01"), info("web-01"), info("db", 2, Powerstate="poweredOff"), info("t", 3, Template="True")]
    return write_book(tmp_path / "export.xlsx", {"vInfo": rows})


def test_the_keys_of_the_contract(run: Run, book: Path) -> None:
    code, out, err = run("rvtools", str(book), "--json", "--start", "2026-11-30")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert set(found) >= _KEYS and set(found["totals"]) >= _TOTALS
    assert found["totals"]["vms"] == 2 and found["totals"]["disks"] is None and found["totals"]["clusters"] == ["C1"]
    assert found["left_out"] == {"template": 1, "repeated row of vInfo (same vCenter and VM id)": 1}
    assert sum(found["risk"].values()) == sum(found["mode"].values()) == 2
    assert "vmware.snapshot.detected" in found["not_checked"] and found["concerns"]["vmware.os.unsupported"] == 2
    assert found["schedule"]["start"].startswith("2026-11-30") and found["files"] == []
    assert run("rvtools", str(book), "--json", "--start", "2026-11-30")[1] == out


def test_the_files_are_written_and_named(run: Run, book: Path, tmp_path: Path) -> None:
    code, out, _ = run("rvtools", str(book), "--out", str(tmp_path / "o" / "p"), "--json", "--start", "2026-11-30")
    files = json.loads(out)["files"]
    names = ["migration.xlsx", "migration.pdf", "migration.csv.zip", "migration.json"]
    assert code == 0 and [Path(name).name for name in files] == names
    assert all(Path(name).stat().st_size > 1000 for name in files)
    assert json.loads(Path(files[3]).read_text()) == json.loads(out)
    assert Path(files[1]).read_bytes().startswith(b"%PDF-")


def test_cohorts_and_waves_hold_everybody(run: Run, tmp_path: Path) -> None:
    rows = [INFO, *(info(f"web-{n}", n, Folder=f"/DC/vm/Org{n % 4}") for n in range(1, 41))]
    book = write_book(tmp_path / "many.xlsx", {"vInfo": rows})
    options = ("--cohorts", "2", "--cohorts-by", "easiest first", "--waves", "risk-tiered", "--wave-vms", "7",
               "--off", "2026-11-30", "--start", "2026-11-30")  # fmt: skip
    code, out, err = run("rvtools", str(book), "--json", *options)
    found = json.loads(out)
    assert (code, err) == (0, "") and found["unplaced"] == []
    members = [tuple(one["key"]) for wave in found["waves"] for one in wave["members"]]
    assert len(members) == len(set(members)) == sum(one["vms"] for one in found["cohorts"]) == found["totals"]["vms"]
    assert all(one["vms"] <= 7 and one["strategy"] == "risk_tiered" for one in found["waves"])
    assert all(one["why"] for wave in found["waves"] for one in wave["members"])
    assert [n for one in found["cohorts"] for n in one["waves"]] == [one["number"] for one in found["waves"]]
    assert found["schedule"]["start"].startswith("2026-12-01") and found["schedule"]["vms"] == len(members)
    parts = found["cohorts"][0]["tenants"][0]["ease_parts"]
    assert sum(one["weight"] for one in parts) == pytest.approx(100)
    none = json.loads(run("rvtools", str(book), "--json", "--cohorts", "0", "--start", "2026-11-30")[1])
    assert none["cohorts"] == [] and none["waves"][0]["cohort"] is None and none["waves"][0]["name"] == "Pilot"


def test_for_people(run: Run, book: Path) -> None:
    code, out, err = run("rvtools", str(book))
    assert (code, err) == (0, "")
    assert "2 VMs and 1 templates" in out and "1 warm, 1 cold" in out and "1 template" in out


def test_the_way_and_the_rules_are_chosen(run: Run, book: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text('{"weights": {"guest.unknown": 5}, "green_up_to": 0, "yellow_up_to": 1}')
    options = ("--agents", "4", "--gbit", "1", "--hours", "8-18", "--rules", str(tmp_path / "rules.json"))
    code, out, _ = run("rvtools", str(book), "--json", "--start", "2026-11-30", *options)
    found = json.loads(out)["schedule"]
    assert code == 0 and (found["slots"], found["hours_a_day"]) == (20, 10)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--start", "tomorrow"], 2),
        (["--hours", "18-8"], 2),
        (["--hours", "x"], 2),
        (["--agents", "0"], 2),
        (["--rules", "none.json"], 2),
        (["--gbit", "-1"], 2),
        (["--cohorts", "-1"], 2),
        (["--cohorts", "5000"], 2),
        (["--cohorts-by", "luck"], 2),
        (["--waves", "luck"], 2),
        (["--wave-vms", "0"], 2),
        (["--pilot", "9999"], 2),
        (["--off", "never"], 2),
    ],
)
def test_wrong_options_are_one_line(run: Run, book: Path, options: list[str], code: int) -> None:
    found, out, err = run("rvtools", str(book), *options)
    assert (found, out, is_one_line(err)) == (code, "", True)


def test_wrong_rules_are_one_line(run: Run, book: Path, tmp_path: Path) -> None:
    for content in ("[]", "{", '{"weights": {"x": 1}}'):
        (tmp_path / "rules.json").write_text(content)
        code, out, err = run("rvtools", str(book), "--rules", str(tmp_path / "rules.json"))
        assert code in (1, 2) and out == "" and is_one_line(err)


@pytest.mark.parametrize("name", ["none.xlsx", "text.xlsx", "macro.xlsm"])
def test_a_file_that_is_not_read_is_one_line(run: Run, tmp_path: Path, name: str) -> None:
    if name == "text.xlsx":
        (tmp_path / name).write_text("hello")
    elif name == "macro.xlsm":
        small_book(tmp_path / name)
    code, out, err = run("rvtools", str(tmp_path / name), "--json")
    assert (code, out, is_one_line(err)) == (1, "", True) and "Traceback" not in err


def test_a_place_that_cannot_be_written(run: Run, book: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, out, err = run("rvtools", str(book), "--out", str(tmp_path / "file" / "x"))
    assert (code, out, is_one_line(err)) == (1, "", True) and "--out" in err
