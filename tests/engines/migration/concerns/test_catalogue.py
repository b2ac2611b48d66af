"""Every concern: that it is found where it is, not found where all is well, and not claimed where nobody looked."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engines.migration.concerns.catalogue import checks, concerns, find, not_checked
from engines.migration.concerns.surroundings import TargetFacts, surroundings_of
from engines.migration.estate import Estate, ReadReport, SheetReport
from engines.migration.records import (
    Cluster,
    CpuUse,
    Device,
    Host,
    KernelPort,
    MemoryUse,
    Metadata,
    Partition,
    Snapshot,
    Tools,
    Vm,
)  # fmt: skip
from tests.engines.migration.estates import GIB, complete, disk, estate, nic, vm

NOW = datetime(2026, 9, 14, tzinfo=UTC)
_DRS, _DPM = Cluster(2, "C1", drs=True), Cluster(2, "C1", dpm=True)
_WINDOWS = {"os_tools": "Microsoft Windows Server 2019 (64-bit)"}

# The VM that has it, and what stands around it.
_CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "vmware.datastore.missing": ({"disks": (disk(path=""),)}, {}),
    "vmware.disk.capacity.invalid": ({"disks": (disk(size_gib=0),)}, {}),
    "vmware.guestDisks.freespace": ({"partitions": (Partition(2, "1", "/boot", 500, 460, 40),)}, {}),
    "vmware.passthrough_device.detected": ({"nics": (nic(direct_path=True),)}, {}),
    "vmware.changed_block_tracking.disabled": ({"cbt": None}, {}),
    "vmware.consolidation_needed": ({"consolidation": True}, {}),
    "vmware.cpu_memory.hotplug.enabled": ({"cpu": CpuUse(2, hot_add=True)}, {}),
    "vmware.disk.count.exceeds.limit": ({"disk_count": 166}, {}),
    "vmware.disk_mode.independent": ({"disks": (disk(mode="independent_persistent"),)}, {}),
    "vmware.disk.rdm.detected": ({"disks": (disk(raw=True, raw_mode="virtualMode"),)}, {}),
    "vmware.disk.shared.detected": ({"disks": (disk(sharing="sharingMultiWriter"),)}, {}),
    "vmware.device.sriov.detected": ({"nics": (nic(adapter="SriovEthernetCard"),)}, {}),
    "vmware.host_affinity.detected": ({"rule": "Host Affinity"}, {}),
    "vmware.hostname.empty": ({"dns_name": None}, {}),
    "vmware.hostname.default": ({"dns_name": "localhost.localdomain"}, {}),
    "vmware.vm_missing_ip.detected": ({"primary_ip": None, "nics": (nic(ipv4=()),)}, {}),
    "vmware.vm.name.invalid": ({"name": "Acme Web (old)"}, {}),
    "vmware.os.unsupported": ({"os_tools": "Ubuntu Linux (64-bit)"}, {}),
    "vmware.tpm.detected": ({"os_tools": "Microsoft Windows 11 (64-bit)"}, {}),
    "vmware.usb_controller.detected": ({"devices": (Device(2, "vUSB", "USB 1", "HASP", True),)}, {}),
    "vmware.disk_serial.truncated": ({"enable_uuid": True}, {}),
    "vmware.dpm.enabled": ({}, {"clusters": (_DPM,)}),
    "vmware.drs.enabled": ({}, {"clusters": (_DRS,)}),
    "vmware.fault_tolerance.enabled": ({"ft_state": "running"}, {}),
    "vmware.guestDisks.key.not_found": ({**_WINDOWS, "partitions": (Partition(2, None, "D:\\", 500, 1, 499),)}, {}),
    "vmware.snapshot.detected": ({"snapshots": (Snapshot(2, "x", NOW, 5),)}, {}),
    "plan.warm.cbt_off": ({"cbt": False, "hw_version": 4}, {}),
    "plan.warm.snapshots": ({"snapshots": (Snapshot(2, "x", NOW, 5),)}, {}),
    "plan.warm.shared_disk": ({"disks": (disk(shared_bus="1"),)}, {}),
    "plan.shared_disk.running": ({"disks": (disk(shared_bus="physicalSharing"),)}, {}),
    "plan.shared_disk.copied_twice": (
        {"disks": (disk(path="[ds1] both/d.vmdk"),)}, {"also": ({"disks": (disk(path="[ds1] both/d.vmdk"),)},)},
    ),
    "plan.tools.not_running": ({"tools": Tools(2, "toolsNotRunning")}, {}),
    "plan.static_ip.no_guest_network": ({"primary_ip": None, "nics": (nic(ipv4=()),)}, {}),
    "plan.mapping.missing": ({}, {"target": TargetFacts(networks={"VLAN99": "net"})}),
    "plan.mac.duplicate": ({}, {"target": TargetFacts(macs=frozenset({"00:50:56:00:00:01"}))}),
    "plan.name.duplicate": ({}, {"also": ({"name": "WEB-01"},)}),
    "plan.host.maintenance": ({}, {"hosts": (Host(2, "ESX1", maintenance=True),)}),
    "plan.consolidation_needed": ({"consolidation": True}, {}),
    "plan.disk.no_offload": ({"disks": (disk(mode="independent_nonpersistent"),)}, {}),
    "plan.critical_concern": ({"disks": (disk(size_gib=0),)}, {}),
    "openstack.guest.not_convertible": ({"os_tools": "FreeBSD 12 (64-bit)"}, {}),
    "openstack.guest.out_of_support": ({"os_tools": "CentOS 7 (64-bit)"}, {}),
    "openstack.guest.old_hardware": ({"disks": (disk(controller="BusLogic"),)}, {}),
    "openstack.vm.suspended": ({"power": "suspended"}, {}),
    "openstack.firmware.uefi": ({"firmware": "efi", "secure_boot": True}, {}),
    "openstack.gpu": ({"name": "ml-gpu-01"}, {}),
    "openstack.disk.nvme": ({"disks": (disk(controller="NVME Controller"),)}, {}),
    "openstack.disk.many": ({"disks": tuple(disk(n) for n in range(26))}, {}),
    "openstack.disk.size": ({"disks": (disk(size_gib=2049),)}, {}),
    "openstack.snapshots.many": ({"snapshots": (Snapshot(2, "x", NOW - timedelta(days=90), 5),)}, {}),
    "openstack.cd.connected": ({"devices": (Device(2, "vCD", "CD 1", "[ds] x.iso", True),)}, {}),
    "openstack.nic.no_address": ({"nics": (nic(ipv4=()),)}, {}),
    "openstack.nic.kernel_port_group": ({}, {"kernel_ports": (KernelPort(2, "vlan10"),)}),
    "openstack.vm.empty": ({"disks": (), "disk_count": 0}, {}),
    "openstack.windows.cluster": ({**_WINDOWS, "disks": (disk(shared_bus="2"),)}, {}),
    "openstack.disk.linked_clone": ({"unshared_mib": 2 * GIB}, {}),
    "openstack.change_rate.high": ({"cpu": CpuUse(2, 4000, 3000)}, {}),
    "openstack.resources.limited": ({"memory": MemoryUse(2, ballooned_mib=5)}, {}),
    "openstack.vm.too_large": ({"cpus": 128}, {"target": TargetFacts(largest_vcpus=64)}),
    "openstack.connection.lost": ({"connection": "orphaned"}, {}),
    "openstack.vm.platform": ({"name": "vCLS-1"}, {}),
    "openstack.note.password": ({"secrets": ("vInfo Annotation",)}, {}),
}  # fmt: skip
_UNSEEN = {
    "vmware.changed_block_tracking.disk.disabled", "vmware.cpu_affinity.detected", "vmware.numa_affinity.detected",
    "openstack.guest.windows_disks", "openstack.vm.encrypted",
}  # fmt: skip


def found_in(one: dict[str, Any], around: dict[str, Any]) -> dict[str, Any]:
    more = dict(around)
    target = more.pop("target", TargetFacts())
    others = [vm(**{"name": "other", "number": 2 + n, **also}) for n, also in enumerate(more.pop("also", ()))]
    made = estate([vm(**one), *others], metadata=(Metadata(2, "4.7", created=NOW),), **more)
    places = surroundings_of(made, target)
    return {finding.concern: finding.seen for finding in find(made.vms[0], places, checks(places))}


def test_there_are_29_and_14_and_24_of_them() -> None:
    assert Counter(one.origin for one in concerns().values()) == {"forklift": 29, "plan": 14, "openstack": 24}
    assert set(_CASES) | _UNSEEN == set(concerns())
    assert all(one.title and one.todo for one in concerns().values())
    weights = Counter(one.category for one in concerns().values() if one.origin == "forklift")
    assert weights == {"critical": 4, "warning": 19, "information": 6}


@pytest.mark.parametrize("concern", _CASES)
def test_it_is_found_with_its_place(concern: str) -> None:
    found = found_in(*_CASES[concern])
    assert concern in found
    seen = found[concern]
    assert seen.sheet and seen.row >= 2 and seen.column and seen.value


def test_a_vm_of_which_all_is_well_has_none() -> None:
    assert (
        found_in({}, {"target": TargetFacts(networks={"VLAN10": "n"}, datastores={"ds1": "t"}, largest_vcpus=8)}) == {}
    )


@pytest.mark.parametrize("concern", sorted(set(_CASES) - {"plan.critical_concern"}))
def test_it_is_not_checked_where_the_column_is_missing(concern: str) -> None:
    """Neither found nor said to be absent."""
    one, around = _CASES[concern]
    more = {key: value for key, value in around.items() if key not in ("also", "target")}
    report = ReadReport("x", (SheetReport("vInfo", "vInfo"),))
    made = Estate(report=report, vms=(vm(**one),), **more)
    places = surroundings_of(made)
    assert concern in not_checked(places)
    assert find(made.vms[0], places, checks(places)) == ()


def test_what_an_export_cannot_show_is_never_checked() -> None:
    assert set(not_checked(surroundings_of(estate([vm()])))) == _UNSEEN | {
        "plan.mapping.missing",
        "openstack.vm.too_large",
    }


def test_a_column_that_is_blank_throughout_says_nothing_but_a_flag_says_no() -> None:
    report = complete()
    sheets = tuple(
        replace(one, unfilled=("path", "raw"))
        if one.sheet == "vDisk"
        else replace(one, unfilled=("cbt",))
        if one.sheet == "vInfo"
        else one
        for one in report.sheets
    )
    places = surroundings_of(estate([vm()], report=replace(report, sheets=sheets)))
    assert "vmware.datastore.missing" in not_checked(places)
    assert "vmware.changed_block_tracking.disabled" not in not_checked(places)
    assert "vmware.disk.rdm.detected" not in not_checked(places)


def test_numbers_for_words_of_old_exports() -> None:
    assert "vmware.disk.shared.detected" in found_in({"disks": (disk(shared_bus="2"),)}, {})
    assert "vmware.disk.shared.detected" not in found_in({"disks": (disk(shared_bus="0"),)}, {})


def test_evidence_never_holds_a_secret() -> None:
    found = found_in({"secrets": ("vInfo Annotation", "vSnapshot Description")}, {})
    assert found["openstack.note.password"].value == "(not shown)"


def test_unshared_of_nothing_is_no_linked_clone() -> None:
    assert "openstack.disk.linked_clone" not in found_in({"unshared_mib": 0}, {})


def test_a_shared_path_is_shared_in_one_vcenter_only() -> None:
    both = (disk(path="[ds1] both/d.vmdk"),)
    one, other = vm(disks=both), vm("b", 2, "vc2", disks=both)
    places = surroundings_of(estate([one, other]))
    assert isinstance(one, Vm) and places.sharers == {}
