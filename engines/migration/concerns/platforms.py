"""Concerns of what a VM runs on, of its snapshots, devices and settings."""

from collections.abc import Iterable, Iterator

from engines.migration.concerns.concern import Concern, Seen, on_info
from engines.migration.concerns.surroundings import Surroundings, is_in
from engines.migration.records import Vm
from engines.migration.scope import left_out

MOST_SNAPSHOTS = 28  # more than that with changed block tracking break a warm copy
LONG_CHAIN = 3
OLD_SNAPSHOT_DAYS = 30
FAST_GROWTH_MIB_A_DAY = 20 * 1024
BUSY_CPU_PERCENT = 60


def _consolidation(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return (on_info(vm, "Consolidation Needed", "True"),) if vm.consolidation else ()


def _hot_add(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    if vm.cpu is not None and (vm.cpu.hot_add or vm.cpu.hot_remove):
        yield Seen("vCPU", vm.cpu.row, "Hot Add", "True")
    if vm.memory is not None and vm.memory.hot_add:
        yield Seen("vMemory", vm.memory.row, "Hot Add", "True")


def _host_affinity(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    rule = vm.rule or ""
    return (on_info(vm, "Cluster rule(s)", rule),) if "host" in rule.casefold() else ()


def _usb(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    for device in vm.devices:
        if device.sheet == "vUSB":
            yield Seen("vUSB", device.row, "Device Type", device.type or device.node or "USB device")


def _cd(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    for device in vm.devices:
        if device.sheet in ("vCD", "vFloppy") and device.connected:
            yield Seen(device.sheet, device.row, "Connected", device.type or device.node or "drive")


def _drs(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return (on_info(vm, "Cluster", vm.cluster),) if is_in(around.drs_clusters, vm, vm.cluster) else ()


def _dpm(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return (on_info(vm, "Cluster", vm.cluster),) if is_in(around.dpm_clusters, vm, vm.cluster) else ()


def has_fault_tolerance(vm: Vm) -> bool:
    return (vm.ft_state or "").casefold() not in ("", "notconfigured")


def _fault_tolerance(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return (on_info(vm, "FT State", vm.ft_state),) if has_fault_tolerance(vm) else ()


def _snapshots(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    if not vm.snapshots:
        return ()
    return (Seen("vSnapshot", vm.snapshots[0].row, "Name", f"{len(vm.snapshots)} snapshots"),)


def _maintenance(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return (on_info(vm, "Host", vm.host),) if is_in(around.maintenance_hosts, vm, vm.host) else ()


def _name_twice(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    count = around.names.get(vm.name.casefold(), 0)
    return (on_info(vm, "VM", f"{count} VMs have this name"),) if count > 1 else ()


def _snapshot_trouble(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    count = len(vm.snapshots)
    if count > MOST_SNAPSHOTS or count >= LONG_CHAIN:
        yield Seen("vSnapshot", vm.snapshots[0].row, "Name", f"a chain of {count}")
    for shot in vm.snapshots:
        days = (around.as_of - shot.taken_at).days if around.as_of and shot.taken_at else 0
        if days > OLD_SNAPSHOT_DAYS:
            yield Seen("vSnapshot", shot.row, "Date / time", f"{days} days old")
            return


def _change_rate(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    """Growth of snapshots a day, and busy CPUs: hints, there is no figure of it in an export."""
    for shot in vm.snapshots:
        days = (around.as_of - shot.taken_at).total_seconds() / 86_400 if around.as_of and shot.taken_at else 0.0
        if days >= 1 and (shot.size_mib or 0) / days > FAST_GROWTH_MIB_A_DAY:
            yield Seen(
                "vSnapshot", shot.row, "Size MiB (total)", f"grows by {(shot.size_mib or 0) / days:,.0f} MiB a day"
            )
    use = vm.cpu
    if use is not None and use.max_mhz and (use.overall_mhz or 0) * 100 > use.max_mhz * BUSY_CPU_PERCENT:
        yield Seen("vCPU", use.row, "Overall", f"{(use.overall_mhz or 0) * 100 // use.max_mhz} % of its CPUs")


def _resources(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    memory, cpu = vm.memory, vm.cpu
    if memory is not None:
        for column, value in (("Ballooned", memory.ballooned_mib), ("Swapped", memory.swapped_mib),
                              ("Reservation", memory.reservation_mib)):  # fmt: skip
            if value:
                yield Seen("vMemory", memory.row, column, f"{value:,} MiB")
        if memory.limit_mib is not None and memory.limit_mib >= 0:
            yield Seen("vMemory", memory.row, "Limit", f"{memory.limit_mib:,} MiB")
    if cpu is not None and cpu.limit_mhz is not None and cpu.limit_mhz >= 0:
        yield Seen("vCPU", cpu.row, "Limit", f"{cpu.limit_mhz:,} MHz")


def _too_large(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    target = around.target
    if target.largest_vcpus is not None and (vm.cpus or 0) > target.largest_vcpus:
        yield on_info(vm, "CPUs", f"{vm.cpus}, the largest at the target is {target.largest_vcpus}")
    if target.largest_memory_mib is not None and (vm.memory_mib or 0) > target.largest_memory_mib:
        yield on_info(vm, "Memory", f"{vm.memory_mib:,} MiB, the largest is {target.largest_memory_mib:,}")


def _connection(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    lost = vm.connection and vm.connection.casefold() != "connected"
    return (on_info(vm, "Connection state", vm.connection),) if lost else ()


def _left_out(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    reason = left_out(vm)
    return (on_info(vm, "VM", reason),) if reason in ("vcls", "vmware_appliance", "backup_proxy") else ()


CONCERNS: tuple[Concern, ...] = (
    Concern(
        "vmware.consolidation_needed",
        "warning",
        "forklift",
        "snapshots wait for consolidation",
        "consolidate first",
        _consolidation,
        ("vInfo.consolidation",),
    ),
    Concern(
        "vmware.cpu_affinity.detected",
        "warning",
        "forklift",
        "pinned to CPUs",
        "look at the VM's settings: an export does not say",
        None,
    ),
    Concern(
        "vmware.cpu_memory.hotplug.enabled",
        "warning",
        "forklift",
        "hot-add of CPUs or memory is on, and not kept",
        "size it for what it needs",
        _hot_add,
        ("vCPU.hot_add|vMemory.hot_add",),
    ),
    Concern(
        "vmware.host_affinity.detected",
        "warning",
        "forklift",
        "tied to hosts by a rule",
        "make it a server group or an aggregate",
        _host_affinity,
        ("vInfo.rule",),
    ),
    Concern(
        "vmware.numa_affinity.detected",
        "warning",
        "forklift",
        "pinned to a NUMA node",
        "look at the VM's settings: an export does not say",
        None,
    ),
    Concern(
        "vmware.usb_controller.detected",
        "warning",
        "forklift",
        "a USB device is connected",
        "put it on a USB-over-network server, or leave the VM out",
        _usb,
        ("vUSB",),
    ),
    Concern(
        "vmware.dpm.enabled",
        "information",
        "forklift",
        "the cluster powers hosts down",
        "turn DPM off while VMs move",
        _dpm,
        ("vCluster.dpm", "vInfo.cluster"),
    ),
    Concern(
        "vmware.drs.enabled",
        "information",
        "forklift",
        "the cluster balances by itself",
        "nothing, or set it to manual while VMs move",
        _drs,
        ("vCluster.drs", "vInfo.cluster"),
    ),
    Concern(
        "vmware.fault_tolerance.enabled",
        "information",
        "forklift",
        "fault tolerance is on",
        "turn it off before the move; plan its replacement",
        _fault_tolerance,
        ("vInfo.ft_state",),
    ),
    Concern(
        "vmware.snapshot.detected",
        "information",
        "forklift",
        "has snapshots",
        "delete what is not needed before the move",
        _snapshots,
        ("vSnapshot",),
    ),
    Concern(
        "plan.warm.snapshots",
        "critical",
        "plan",
        "a warm move and snapshots already there",
        "delete them first, or move it cold",
        _snapshots,
        ("vSnapshot",),
        of_mode="warm",
    ),
    Concern(
        "plan.name.duplicate",
        "critical",
        "plan",
        "two VMs of one name",
        "give each a target name of its own",
        _name_twice,
        ("vInfo.vm",),
    ),
    Concern(
        "plan.host.maintenance",
        "warning",
        "plan",
        "its host is in maintenance mode",
        "wait, or move it to another host",
        _maintenance,
        ("vHost.maintenance", "vInfo.host"),
    ),
    Concern(
        "plan.consolidation_needed",
        "warning",
        "plan",
        "consolidation is needed before the plan runs",
        "consolidate first",
        _consolidation,
        ("vInfo.consolidation",),
    ),
    Concern(
        "openstack.snapshots.many",
        "warning",
        "openstack",
        "a long chain of snapshots, or old ones",
        "consolidate; copies of long chains are slow",
        _snapshot_trouble,
        ("vSnapshot",),
    ),
    Concern(
        "openstack.cd.connected",
        "warning",
        "openstack",
        "a CD, an image or a floppy is connected",
        "disconnect it",
        _cd,
        ("vCD.connected|vFloppy.connected",),
    ),
    Concern(
        "openstack.change_rate.high",
        "warning",
        "openstack",
        "changes fast: warm copies repeat",
        "move it in a quiet hour, or cold",
        _change_rate,
        ("vSnapshot.size_mib|vCPU.overall_mhz",),
        hint=True,
    ),
    Concern(
        "openstack.resources.limited",
        "information",
        "openstack",
        "memory or CPU is limited, reserved, swapped or ballooned",
        "take it into account when its flavor is chosen",
        _resources,
        ("vMemory|vCPU",),
    ),
    Concern(
        "openstack.vm.too_large",
        "critical",
        "openstack",
        "larger than the largest host or flavor of the target",
        "make a flavor for it, or make it smaller",
        _too_large,
        ("target.largest_vcpus|target.largest_memory_mib",),
    ),
    Concern(
        "openstack.connection.lost",
        "critical",
        "openstack",
        "orphaned, inaccessible, invalid or disconnected",
        "repair or remove it in vCenter",
        _connection,
        ("vInfo.connection",),
    ),
    Concern(
        "openstack.vm.platform",
        "excluded",
        "openstack",
        "part of the old platform: not moved",
        "nothing",
        _left_out,
        ("vInfo.vm",),
    ),
)
