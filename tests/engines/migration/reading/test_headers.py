"""Columns are found under every name that RVTools, its versions and its users give them."""

import pytest

from engines.migration.reading.columns import sheet_specs
from engines.migration.reading.headers import find_header, is_other, sheet_name, spec_of


@pytest.mark.parametrize(
    "title",
    ["vInfo", "vInfo ", "VINFO", "tabvInfo", "RVTools_tabvInfo", "RVTools_tabvInfo.csv", " rvtools_tabvinfo.CSV"],
)
def test_a_sheet_is_known_by_any_of_its_names(title: str) -> None:
    assert sheet_name(title) == "vinfo"
    found = spec_of(title)
    assert found is not None and found.name == "vInfo"


def test_other_sheets() -> None:
    assert is_other("vHealth") and is_other("tabvLicense") and not is_other("Summary") and spec_of("Summary") is None


@pytest.mark.parametrize(
    ("sheet", "title", "field"),
    [
        ("vinfo", "In Use MiB", "in_use_mib"),
        ("vinfo", "In use MB", "in_use_mib"),
        ("vinfo", "IN USE  MIB", "in_use_mib"),
        ("vinfo", "In\u00a0Use MiB", "in_use_mib"),
        ("vinfo", "In\nUse MiB", "in_use_mib"),
        ("vinfo", " In Use (MB) ", "in_use_mib"),
        ("vinfo", "vInfoInUse", "in_use_mib"),
        ("vinfo", "vInfoProvisioned", "provisioned_mib"),
        ("vinfo", "vInfoVMName", "vm"),
        ("vinfo", "vInfoUUID", "vm_uuid"),
        ("vinfo", "vInfoGuestHostName", "dns_name"),
        ("vinfo", "vInfoOSTools", "os_tools"),
        ("vinfo", "vInfoOS", "os_config"),
        ("vinfo", "vInfoSRMPlaceHolder", "srm"),
        ("vinfo", "vInfoDataCenter", "datacenter"),
        ("vinfo", "vInfoNetwork3", "network_3"),
        ("vinfo", "vInfoNumVirtualDisks", "disk_count"),
        ("vinfo", "vInfoNICs", "nic_count"),
        ("vinfo", "vInfoCreateDate", "created"),
        ("vinfo", "vInfoResourcepool", "pool"),
        ("vinfo", "disk.EnableUUID", "enable_uuid"),
        ("vinfo", "vCenter UUID", "server_uuid"),
        ("vinfo", "vInfoPrimaryIPAddress", "primary_ip"),
        ("vpartition", "vPartitionConsumedMiB", "consumed_mib"),
        ("vpartition", "vPartitionCapacityMiB", "capacity_mib"),
        ("vpartition", "vPartitionUUID", "vm_uuid"),
        ("vpartition", "vPartitionDisk", "mount"),
        ("vpartition", "Free MB", "free_mib"),
        ("vmemory", "vMemoryReservation", "reservation_mib"),
        ("vhost", "# Memory", "memory_mib"),
        ("vhost", "# Cores", "cores"),
        ("vhost", "Speed", "speed_mhz"),
        ("vhost", "vHostName", "name"),
        ("vhost", "vHostNumCpuCores", "cores"),
        ("vcluster", "TotalMemory", "memory_mib"),
        ("vcluster", "Cluster", "name"),
        ("vnetwork", "IP Address", "ipv4"),
        ("vnetwork", "Mac Address", "mac"),
        ("vsnapshot", "Size MB (total)", "size_mib"),
        ("vsnapshot", "Snapshot", "name"),
        ("vrp", "Resource pool", "name"),
        ("vmetadata", "xlsx creation datetime", "created"),
    ],
)
def test_a_column_is_known_by_any_of_its_names(sheet: str, title: str, field: str) -> None:
    header = find_header(sheet_specs()[sheet], [[title]])
    assert header is not None and header.columns == {field: 0}


def test_free_percent_is_not_taken_for_free_space() -> None:
    header = find_header(sheet_specs()["vpartition"], [["VM", "Free % ", "Free MiB"]])
    assert header is not None and header.columns["free_mib"] == 2


def test_the_header_may_stand_below_a_title() -> None:
    rows = [
        ["Export of production, do not forward"],
        [],
        ["VM", "Powerstate", "CPUs", "my own"],
        ["a", "poweredOn", 1, 2],
    ]
    header = find_header(sheet_specs()["vinfo"], rows)
    assert header is not None and header.row == 2 and header.attributes == {"my own": 3}


def test_of_a_column_that_is_there_twice_the_first_counts() -> None:
    header = find_header(sheet_specs()["vinfo"], [["VM", "CPUs", "VM", "", "CPUs"]])
    assert header is not None and header.columns == {"vm": 0, "cpus": 1} and header.repeated == ("VM", "CPUs")


def test_what_is_rvtools_own_and_not_read_is_no_attribute() -> None:
    header = find_header(sheet_specs()["vinfo"], [["VM", "CPUs", "Heartbeat", "Video Ram KB", "Owner"]])
    assert (
        header is not None and list(header.attributes) == ["Owner"] and header.unread == ("Heartbeat", "Video Ram KB")
    )


def test_no_header_is_none() -> None:
    assert find_header(sheet_specs()["vinfo"], [["a", "b"], [1.0, 2.0]]) is None
    assert find_header(sheet_specs()["vinfo"], []) is None
