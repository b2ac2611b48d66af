"""Real exports against facts that were counted independently, with two other readers."""

from pathlib import Path
from typing import Any

import pytest

from engines.migration.reading.reader import read_export
from engines.migration.totals import totals

_FACTS: dict[str, dict[str, Any]] = {
    "lab-3.10-full-27vm.xlsx": {
        "vms": 26,
        "templates": 1,
        "powered_on": 26,
        "powered_off": 0,
        "vcpus": 52,
        "memory_mib": 215_040,
        "provisioned_mib": 2_795_268,
        "in_use_mib": 707_537,
        "disks": 62,
        "disk_capacity_mib": 2_795_268,
        "partitions": 61,
        "partition_consumed_mib": 1_009_240,
        "vms_with_partitions": 26,
        "nics": 26,
        "nics_by_vinfo": 26,
        "vms_with_snapshots": 0,
        "clusters": ["Cluster1"],
        "os_families": {"windows": 25, "other-linux": 1},
    },
    "workshop-3.x-805vm.xlsx": {
        "vms": 795,
        "templates": 10,
        "powered_on": 763,
        "powered_off": 32,
        "vcpus": 2_721,
        "memory_mib": 10_733_908,
        "provisioned_mib": 233_556_214,
        "in_use_mib": 127_336_285,
        "disks": None,
        "disk_capacity_mib": None,
        "partitions": 1_617,
        "partition_consumed_mib": 101_104_892,
        "vms_with_partitions": 762,
        "nics": None,
        "nics_by_vinfo": 834,
        "vms_with_snapshots": None,
        "clusters": ["Cluster1", "Cluster2", "DMZ", "Mgmt"],
        "os_families": {"windows": 756, "rhel": 22, "suse": 9, "other-linux": 6, "centos": 1, "solaris": 1},
    },
    "small-complete-3vm.xlsx": {
        "vms": 3,
        "templates": 0,
        "powered_on": 2,
        "powered_off": 1,
        "vcpus": 8,
        "memory_mib": 28_672,
        "provisioned_mib": 532_480,
        "in_use_mib": None,
        "disks": 5,
        "disk_capacity_mib": 532_480,
        "partitions": 5,
        "partition_consumed_mib": 327_680,
        "vms_with_partitions": 3,
        "nics": 4,
        "nics_by_vinfo": None,
        "vms_with_snapshots": 1,
        "clusters": ["sample-cluster-a"],
        "os_families": {"ubuntu": 2, "windows": 1},
    },
    "vinfo-only-9vm.xlsx": {
        "vms": 8,
        "templates": 1,
        "powered_on": 7,
        "powered_off": 1,
        "vcpus": 34,
        "memory_mib": 135_168,
        "provisioned_mib": 983_040,
        "in_use_mib": 728_000,
        "disks": 0,
        "partitions": None,
        "nics": None,
        "vms_with_snapshots": None,
        "clusters": [],
        "os_families": {"windows": 4, "ubuntu": 3, "rhel": 1},
    },
}
_HOSTS = {"lab-3.10-full-27vm.xlsx": (4, 4), "workshop-3.x-805vm.xlsx": (38, 34), "small-complete-3vm.xlsx": (2, 2)}


@pytest.mark.parametrize("name", _FACTS)
def test_the_totals_are_the_facts(workbooks: Path, name: str) -> None:
    estate = read_export(workbooks / name)
    found = totals(estate)
    assert {key: found[key] for key in _FACTS[name]} == _FACTS[name]
    if name in _HOSTS:
        assert (len(found["hosts"]), len(estate.hosts)) == _HOSTS[name]
    assert estate.report.left_out == {} and estate.report.unreadable == ()


@pytest.mark.parametrize(
    ("cluster", "vms", "vcpus", "gib", "tib"),
    [("Cluster1", 47, 257, 1195.48, 17.506), ("DMZ", 41, 136, 447.53, 3.685), ("Mgmt", 22, 80, 233.40, 1.496)],
)
def test_the_published_answers_of_the_workshop(
    workbooks: Path, cluster: str, vms: int, vcpus: int, gib: float, tib: float
) -> None:
    """They count every row of vInfo, and what the guests have used."""
    found = [vm for vm in read_export(workbooks / "workshop-3.x-805vm.xlsx").vms if vm.cluster == cluster]
    assert (len(found), sum(vm.cpus or 0 for vm in found)) == (vms, vcpus)
    assert sum(vm.memory_mib or 0 for vm in found) / 1024 == pytest.approx(gib, abs=0.01)
    used = sum(part.consumed_mib or 0 for vm in found for part in vm.partitions)
    assert used / 1024**2 == pytest.approx(tib, abs=0.001)


def test_real_headers_fill_what_others_lose(workbooks: Path) -> None:
    estate = read_export(workbooks / "lab-3.10-full-27vm.xlsx")
    assert all(host.memory_mib and host.cores and host.speed_mhz for host in estate.hosts)
    assert estate.clusters[0].memory_mib and estate.clusters[0].cpu_mhz
    assert estate.metadata[0].version == "3.10.1.0" and estate.metadata[0].created is not None
    assert any(nic.ipv4 for vm in estate.vms for nic in vm.nics)
    assert all(vm.folder for vm in estate.vms if vm.name.startswith("SQLSvrTeam"))
    assert {disk.datastore for vm in estate.vms for disk in vm.disks} <= {store.name for store in estate.datastores}
