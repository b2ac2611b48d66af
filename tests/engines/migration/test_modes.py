"""Warm or cold, and why."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engines.migration.assessment import Override, assess
from engines.migration.estate import ReadReport, SheetReport
from engines.migration.records import Snapshot, Tools
from tests.engines.migration.estates import assessed, disk, estate, vm

_SHOT = Snapshot(2, "x", datetime(2026, 1, 1, tzinfo=UTC), 5)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"power": "poweredOff"}, "it does not run (poweredOff)"),
        ({"power": "suspended"}, "it does not run (suspended)"),
        ({"power": "POWEREDOFF"}, "it does not run (POWEREDOFF)"),
        ({"tools": Tools(2, "toolsNotRunning")}, "VMware Tools do not run"),
        ({"cbt": False, "hw_version": 4}, "its hardware version has no CBT"),
        ({"snapshots": (_SHOT,)}, "it has 1 snapshots"),
        ({"disks": (disk(shared_bus="1"),)}, "a controller's bus is shared"),
        ({"disks": (disk(sharing="sharingMultiWriter"),)}, "a disk is shared with another VM"),
        ({"disks": (disk(raw=True, raw_mode="physicalMode"),)}, "a raw disk in physical mode"),
        ({"disks": (disk(mode="independent_persistent"),)}, "an independent disk, which snapshots skip"),
        ({"ft_state": "running"}, "fault tolerance is on"),
        ({"os_tools": "FreeBSD 12 (64-bit)"}, "FreeBSD 12 (64-bit) is not converted automatically"),
    ],
)
def test_cold_with_the_reason(more: dict[str, Any], why: str) -> None:
    mode = assessed(**more).mode
    assert (mode.way, mode.reasons) == ("cold", (why,))


@pytest.mark.parametrize("cbt", [False, None])
def test_cbt_that_is_off_is_turned_on_and_blocks_nothing(cbt: bool | None) -> None:
    mode = assessed(cbt=cbt).mode
    assert (mode.way, mode.first) == ("warm", ("turn on changed block tracking",))


def test_a_raw_disk_in_virtual_mode_moves_warm() -> None:
    assert assessed(disks=(disk(raw=True, raw_mode="virtualMode"),)).mode.way == "warm"


def test_what_the_export_does_not_say_is_said() -> None:
    report = ReadReport("x", (SheetReport("vInfo", "vInfo", found=("vm", "power")),))
    bare = vm(tools=None, guest_state=None, cbt=None, hw_version=None, disks=(), ft_state=None)
    mode = assess(estate([bare], report=report)).vms[0].mode
    assert mode.way == "warm" and mode.first == ()
    assert mode.unchecked == (
        "VMware Tools",
        "CBT",
        "snapshots",
        "shared, raw and independent disks",
        "fault tolerance",
    )


def test_a_choice_by_hand_stands_and_what_speaks_against_it_is_said() -> None:
    one = vm(snapshots=(_SHOT,))
    chosen = assess(estate([one]), {one.key: Override(mode="warm")}).vms[0]
    assert chosen.mode.by_hand and chosen.mode.reasons == ("chosen by hand", "but it has 1 snapshots")
    assert chosen.risk.colour == "RED" and chosen.risk.blockers == ("plan.warm.snapshots",)
    cold = assess(estate([replace(one, snapshots=())]), {one.key: Override(mode="cold")}).vms[0]
    assert cold.mode.way == "cold" and cold.risk.colour == "GREEN"
