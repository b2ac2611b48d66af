"""The sums of an export. Templates are in none of them; a sum whose sheet or column is absent is None, not 0."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from engines.migration.estate import Estate
from engines.migration.guests import guest_of
from engines.migration.records import Vm


def totals(estate: Estate) -> dict[str, Any]:
    """The keys are part of a contract with scripts: they are added to, never renamed."""
    vms = [vm for vm in estate.vms if not vm.template]
    power = Counter((vm.power or "").casefold() for vm in vms)
    return {
        "vms": len(vms),
        "templates": len(estate.vms) - len(vms),
        "powered_on": _known(estate, "vInfo", "power", power["poweredon"]),
        "powered_off": _known(estate, "vInfo", "power", power["poweredoff"]),
        "suspended": _known(estate, "vInfo", "power", power["suspended"]),
        "vcpus": _sum(estate, "cpus", vms, lambda vm: vm.cpus),
        "memory_mib": _sum(estate, "memory_mib", vms, lambda vm: vm.memory_mib),
        "provisioned_mib": _sum(estate, "provisioned_mib", vms, lambda vm: vm.provisioned_mib),
        "in_use_mib": _sum(estate, "in_use_mib", vms, lambda vm: vm.in_use_mib),
        **_of_sheets(estate, vms),
        "clusters": places(vms, lambda vm: vm.cluster),
        "hosts": places(vms, lambda vm: vm.host),
        **_systems(vms),
    }


def _of_sheets(estate: Estate, vms: list[Vm]) -> dict[str, int | None]:
    disks = [disk for vm in vms for disk in vm.disks]
    parts = [part for vm in vms for part in vm.partitions]
    capacity = sum(disk.capacity_mib or 0 for disk in disks)
    consumed = sum(part.consumed_mib or 0 for part in parts)
    snapshots = [shot for vm in vms for shot in vm.snapshots]
    return {
        "disk_capacity_mib": _known(estate, "vDisk", "capacity_mib", capacity),
        "disks": _known(estate, "vDisk", None, len(disks)),
        "partition_consumed_mib": _known(estate, "vPartition", "consumed_mib", consumed),
        "partition_capacity_mib": _known(
            estate, "vPartition", "capacity_mib", sum(part.capacity_mib or 0 for part in parts)
        ),
        "partitions": _known(estate, "vPartition", None, len(parts)),
        "vms_with_partitions": _known(estate, "vPartition", None, sum(bool(vm.partitions) for vm in vms)),
        "nics": _known(estate, "vNetwork", None, sum(len(vm.nics) for vm in vms)),
        "nics_by_vinfo": _sum(estate, "nic_count", vms, lambda vm: vm.nic_count),
        "disks_by_vinfo": _sum(estate, "disk_count", vms, lambda vm: vm.disk_count),
        "snapshots": _known(estate, "vSnapshot", None, len(snapshots)),
        "vms_with_snapshots": _known(estate, "vSnapshot", None, sum(bool(vm.snapshots) for vm in vms)),
    }


def _known(estate: Estate, sheet: str, column: str | None, value: int) -> int | None:
    return value if estate.has(sheet, column) else None


def _sum(estate: Estate, column: str, vms: Iterable[Vm], read: Callable[[Vm], int | None]) -> int | None:
    return sum(read(vm) or 0 for vm in vms) if estate.has("vInfo", column) else None


def places(vms: Iterable[Vm], read: Callable[[Vm], str | None]) -> list[str]:
    """Names of clusters or hosts, each once whatever its case; with the vCenter before it when there are several."""
    found = list(vms)
    several = len({vm.server.casefold() for vm in found if vm.server}) > 1
    spelled: dict[tuple[str, str], Counter[str]] = {}
    for vm in found:
        if name := read(vm):
            server = vm.server or ""
            shown = f"{server} / {name}" if several and server else name
            spelled.setdefault((server.casefold() if several else "", name.casefold()), Counter())[shown] += 1
    return sorted(min(counts, key=lambda one: (-counts[one], one)) for counts in spelled.values())


def _systems(vms: Iterable[Vm]) -> dict[str, Any]:
    """`os_families` is what the configuration files say, and Tools where those are silent: the figure that other tools
    count. `os_families_running` is what Tools say first, which is what the assessment goes by."""
    configured: Counter[str] = Counter()
    running: Counter[str] = Counter()
    for vm in vms:
        running[guest_of(vm.os_tools, vm.os_config).family] += 1
        configured[guest_of(None, vm.os_config or vm.os_tools).family] += 1
    unknown = configured.pop("unknown", 0)
    running.pop("unknown", 0)
    return {"os_families": _by_count(configured), "os_families_running": _by_count(running), "os_unknown": unknown}


def _by_count(found: Counter[str]) -> dict[str, int]:
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))
