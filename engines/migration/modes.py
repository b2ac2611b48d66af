"""Warm or cold: whether a VM can be copied while it runs, and why."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from engines.migration.concerns.disks import has_shared_bus, is_independent, is_physical_raw, shared_disks
from engines.migration.concerns.platforms import has_fault_tolerance
from engines.migration.concerns.surroundings import Surroundings
from engines.migration.guests import guest_of
from engines.migration.records import Vm

Way = Literal["warm", "cold"]
_CBT_HW = 7


@dataclass(frozen=True, slots=True)
class Mode:
    """`reasons` say why, `first` what must be done before, `unchecked` what the export does not say."""

    way: Way
    reasons: tuple[str, ...]
    first: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    by_hand: bool = False


def mode_of(vm: Vm, around: Surroundings, by_hand: Way | None = None) -> Mode:
    """Warm where nothing speaks against it. A choice by hand stands; what speaks against it is still said."""
    against = tuple(_against_warm(vm, around))
    first, unchecked = tuple(_first(vm, around)), _unchecked(around.columns)
    if by_hand == "cold" or (by_hand is None and against):
        reasons = against if by_hand is None else ("chosen by hand", *against)
        return Mode("cold", reasons, (), (), by_hand is not None)
    if by_hand == "warm":
        return Mode("warm", ("chosen by hand", *(f"but {one}" for one in against)), first, unchecked, by_hand=True)
    return Mode("warm", ("it runs, and nothing speaks against a copy while it does",), first, unchecked)


def _against_warm(vm: Vm, around: Surroundings) -> list[str]:
    power = vm.power or "unknown"
    guest = guest_of(vm.os_tools, vm.os_config)
    bus_is_shared = any(has_shared_bus(disk) for disk in vm.disks)
    checks = (
        (not vm.is_on or vm.is_suspended, f"it does not run ({'suspended' if vm.is_suspended else power})"),
        (vm.tools_run is False, "VMware Tools do not run"),
        (not vm.cbt and vm.hw_version is not None and vm.hw_version < _CBT_HW, "its hardware version has no CBT"),
        (bool(vm.snapshots), f"it has {len(vm.snapshots)} snapshots"),
        (bus_is_shared, "a controller's bus is shared"),
        (not bus_is_shared and bool(shared_disks(vm, around)), "a disk is shared with another VM"),
        (any(is_physical_raw(disk) for disk in vm.disks), "a raw disk in physical mode"),
        (any(is_independent(disk) for disk in vm.disks), "an independent disk, which snapshots skip"),
        (has_fault_tolerance(vm), "fault tolerance is on"),
        (guest.converts is False, f"{guest.label} is not converted automatically"),
    )
    return [why for holds, why in checks if holds]


def _first(vm: Vm, around: Surroundings) -> list[str]:
    found = []
    if around.has("vInfo.cbt") and not vm.cbt:
        found.append("turn on changed block tracking")
    if vm.consolidation:
        found.append("consolidate its disks")
    return found


_SAID_BY = (
    ("VMware Tools", "vTools.state|vInfo.guest_state"),
    ("CBT", "vInfo.cbt"),
    ("snapshots", "vSnapshot"),
    ("shared, raw and independent disks", "vDisk.mode|vDisk.raw|vDisk.shared_bus"),
    ("fault tolerance", "vInfo.ft_state"),
)


@lru_cache(maxsize=8)
def _unchecked(columns: frozenset[str]) -> tuple[str, ...]:
    """The same for all VMs of an export."""
    return tuple(what for what, said_by in _SAID_BY if columns.isdisjoint(said_by.split("|")))
