"""Concerns of disks, controllers and file systems."""

from collections.abc import Callable, Iterable, Iterator

from engines.migration.concerns.concern import Concern, Seen, on_info
from engines.migration.concerns.surroundings import Surroundings, sharers_of
from engines.migration.guests import guest_of
from engines.migration.records import Disk, Partition, Vm

MANY_DISKS = 25  # beyond it virtio-blk runs out of PCI slots
MOST_DISKS = 165  # the limit that the migration toolkit has at its target
BIOS_LIMIT_MIB = 2 * 1024 * 1024
WARM_LIMIT_MIB = 6 * 1024 * 1024  # the largest disk that warm copies were tested with
_LINKED = 0.5  # an unshared part below it: the rest belongs to a base that others use too
_LINKED_FROM_MIB = 4 * 1024

_SHARED_WORDS = frozenset({"1", "2", "virtualsharing", "physicalsharing"})
_SHARING_WORDS = frozenset({"sharingmultiwriter"})


def is_raw(disk: Disk) -> bool:
    return disk.raw is True or bool(disk.lun) or bool(disk.raw_mode)


def is_physical_raw(disk: Disk) -> bool:
    """Raw in physical mode: no snapshot, hence no warm copy. A raw disk that does not say is taken for one."""
    return is_raw(disk) and (disk.raw_mode or "physicalmode").casefold() == "physicalmode"


def is_independent(disk: Disk) -> bool:
    return (disk.mode or "").casefold().startswith("independent")


def is_shared(disk: Disk) -> bool:
    """By its own flags; two VMs with one path are seen by `sharers_of`."""
    return (disk.sharing or "").casefold() in _SHARING_WORDS or has_shared_bus(disk)


def has_shared_bus(disk: Disk) -> bool:
    return (disk.shared_bus or "").casefold() in _SHARED_WORDS


def shared_disks(vm: Vm, around: Surroundings) -> list[Disk]:
    return [disk for disk in vm.disks if is_shared(disk) or sharers_of(around, vm, disk.path)]


def is_linked_clone(vm: Vm) -> bool:
    """Zero unshared is no answer: a VM's own configuration is never shared, but some storage does not say."""
    if not vm.unshared_mib or vm.in_use_mib is None or vm.in_use_mib < _LINKED_FROM_MIB:
        return False
    return vm.unshared_mib < vm.in_use_mib * _LINKED and any(disk.capacity_mib for disk in vm.disks)


def _each(test: Callable[[Disk], object], column: str) -> Callable[[Vm, Surroundings], Iterable[Seen]]:
    """A finding for each disk for which `test` gives what to show; None, False and "" are no finding."""

    def find(vm: Vm, around: Surroundings) -> Iterator[Seen]:
        for disk in vm.disks:
            if shown := test(disk):
                yield Seen("vDisk", disk.row, column, f"{disk.label or 'disk'}: {shown}")

    return find


def _no_datastore(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    for disk in vm.disks:
        if disk.datastore is None and not is_raw(disk):
            yield Seen("vDisk", disk.row, "Path", f"{disk.label or 'disk'}: {disk.path or 'blank'}")


def _capacity(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    for disk in vm.disks:
        if disk.capacity_mib is not None and disk.capacity_mib <= 0:
            yield Seen("vDisk", disk.row, "Capacity MiB", f"{disk.label or 'disk'}: {disk.capacity_mib}")


def free_needed_mib(partition: Partition) -> int:
    """What a conversion needs on a file system."""
    mount = (partition.mount or "").casefold().rstrip("\\")
    return 100 if mount in ("/", "c:") else 50 if mount == "/boot" else 10


def _free_space(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    for part in vm.partitions:
        if part.free_mib is not None and part.free_mib < free_needed_mib(part):
            yield Seen("vPartition", part.row, "Free MiB", f"{part.mount}: {part.free_mib} MiB free")


def _key_missing(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    if guest_of(vm.os_tools, vm.os_config).is_windows:
        for part in vm.partitions:
            if not part.key:
                yield Seen("vPartition", part.row, "Disk Key", f"{part.mount}: blank")


def _too_many(most: int) -> Callable[[Vm, Surroundings], Iterable[Seen]]:
    def find(vm: Vm, around: Surroundings) -> Iterable[Seen]:
        count = max(len(vm.disks), vm.disk_count or 0)
        return (on_info(vm, "Disks", count),) if count > most else ()

    return find


def _shared(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    for disk in shared_disks(vm, around):
        how = disk.sharing if (disk.sharing or "").casefold() in _SHARING_WORDS else disk.shared_bus
        sharers = sharers_of(around, vm, disk.path)
        shown = f"one path under {len(sharers)} VMs" if sharers else str(how)
        yield Seen("vDisk", disk.row, "Path" if sharers else "Sharing mode", f"{disk.label or 'disk'}: {shown}")


def _shared_running(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    return _shared(vm, around) if vm.is_on else iter(())


def _copied_twice(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    for disk in vm.disks:
        if sharers := sharers_of(around, vm, disk.path):
            yield Seen("vDisk", disk.row, "Path", f"{disk.label or 'disk'}: under {len(sharers)} VMs")


def _no_offload(disk: Disk) -> str:
    return disk.raw_mode or "raw" if is_raw(disk) else (disk.mode or "") if is_independent(disk) else ""


def _serials(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    if vm.enable_uuid and any("scsi" in (disk.controller or disk.bus or "").casefold() or
                              "lsi" in (disk.controller or "").casefold() for disk in vm.disks):  # fmt: skip
        return (on_info(vm, "EnableUUID", "True"),)
    return ()


def _size(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    bios = (vm.firmware or "").casefold() == "bios"
    most = around.target.largest_volume_mib
    for number, disk in enumerate(vm.disks):
        size = disk.capacity_mib or 0
        why = ""
        if most is not None and size > most:
            why = f"more than the volume type's {most:,}"
        elif bios and number == 0 and size > BIOS_LIMIT_MIB:
            why = "more than 2 TiB to boot from by BIOS"
        elif size > WARM_LIMIT_MIB:
            why = "more than 6 TiB, beyond what warm copies were tested with"
        if why:
            yield Seen("vDisk", disk.row, "Capacity MiB", f"{disk.label or 'disk'}: {size:,} MiB, {why}")


def _windows_cluster(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    if guest_of(vm.os_tools, vm.os_config).is_windows:
        for disk in vm.disks:
            if has_shared_bus(disk):
                yield Seen("vDisk", disk.row, "Shared Bus", f"{disk.label or 'disk'}: {disk.shared_bus}")


def _linked(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    if is_linked_clone(vm):
        return (on_info(vm, "Unshared MiB", f"{vm.unshared_mib:,} of {vm.in_use_mib:,} in use"),)
    return ()


CONCERNS: tuple[Concern, ...] = (
    Concern(
        "vmware.datastore.missing",
        "critical",
        "forklift",
        "a disk sits on no datastore",
        "find out where the disk is, or remove it from the VM",
        _no_datastore,
        ("vDisk.path",),
    ),
    Concern(
        "vmware.disk.capacity.invalid",
        "critical",
        "forklift",
        "a disk of no size",
        "remove the disk, or repair its descriptor",
        _capacity,
        ("vDisk.capacity_mib",),
    ),
    Concern(
        "vmware.guestDisks.freespace",
        "critical",
        "forklift",
        "too little room on a file system for the conversion",
        "free some space: 100 MB on / and C:, 50 MB on /boot, 10 MB elsewhere",
        _free_space,
        ("vPartition.free_mib",),
    ),
    Concern(
        "vmware.disk.count.exceeds.limit",
        "warning",
        "forklift",
        "more disks than the target allows",
        "merge disks, or split the VM",
        _too_many(MOST_DISKS),
        ("vDisk|vInfo.disk_count",),
    ),
    Concern(
        "vmware.disk_mode.independent",
        "warning",
        "forklift",
        "an independent disk: snapshots skip it",
        "set it to dependent, or copy it cold",
        _each(lambda d: is_independent(d) and d.mode, "Disk Mode"),
        ("vDisk.mode",),
    ),
    Concern(
        "vmware.disk.rdm.detected",
        "warning",
        "forklift",
        "a raw device mapping",
        "convert it to a virtual disk, or hand the LUN over",
        _each(lambda d: is_raw(d) and (d.raw_mode or "raw"), "Raw"),
        ("vDisk.raw|vDisk.lun|vDisk.raw_mode",),
    ),
    Concern(
        "vmware.disk.shared.detected",
        "warning",
        "forklift",
        "a disk shared with another VM",
        "move all sharers together, off",
        _shared,
        ("vDisk.sharing|vDisk.shared_bus|vDisk.path",),
    ),
    Concern(
        "vmware.disk_serial.truncated",
        "information",
        "forklift",
        "disk serials will be cut",
        "look whether anything in the guest names disks by serial",
        _serials,
        ("vInfo.enable_uuid", "vDisk.controller|vDisk.bus"),
    ),
    Concern(
        "vmware.guestDisks.key.not_found",
        "information",
        "forklift",
        "a Windows drive cannot be tied to a disk",
        "check drive letters after the move",
        _key_missing,
        ("vPartition.key",),
    ),
    Concern(
        "plan.warm.shared_disk",
        "critical",
        "plan",
        "a warm move and a shared disk",
        "move it cold",
        _shared,
        ("vDisk.sharing|vDisk.shared_bus|vDisk.path",),
        of_mode="warm",
    ),
    Concern(
        "plan.shared_disk.running",
        "critical",
        "plan",
        "a shared disk and a VM that runs",
        "shut all its VMs down first",
        _shared_running,
        ("vDisk.sharing|vDisk.shared_bus|vDisk.path", "vInfo.power"),
        of_mode="cold",
    ),
    Concern(
        "plan.shared_disk.copied_twice",
        "warning",
        "plan",
        "a shared disk is copied once for each of its VMs",
        "detach it from all but one before the copy",
        _copied_twice,
        ("vDisk.path",),
    ),
    Concern(
        "plan.disk.no_offload",
        "warning",
        "plan",
        "a raw or independent disk, without array offload",
        "copy it by the array, or convert it",
        _each(_no_offload, "Disk Mode"),
        ("vDisk.raw|vDisk.mode",),
    ),
    Concern(
        "openstack.disk.nvme",
        "information",
        "openstack",
        "an NVMe controller becomes virtio or SCSI: device names change",
        "mount by UUID, not by device name",
        _each(lambda d: "nvme" in (d.controller or d.bus or "").casefold() and d.controller, "Controller"),
        ("vDisk.controller",),
    ),
    Concern(
        "openstack.disk.many",
        "warning",
        "openstack",
        "more disks than virtio-blk has slots for",
        "use an image with virtio-scsi",
        _too_many(MANY_DISKS),
        ("vDisk|vInfo.disk_count",),
    ),
    Concern(
        "openstack.disk.size",
        "warning",
        "openstack",
        "a very large disk",
        "check the volume type's limit; convert the boot disk to GPT and UEFI; copy very large disks cold",
        _size,
        ("vDisk.capacity_mib",),
    ),
    Concern(
        "openstack.windows.cluster",
        "warning",
        "openstack",
        "Windows on a shared bus: a cluster that loses its adapter",
        "plan the cluster's move with its owner",
        _windows_cluster,
        ("vDisk.shared_bus",),
    ),
    Concern(
        "openstack.disk.linked_clone",
        "warning",
        "openstack",
        "a linked clone: its copy grows to full size",
        "count its full capacity at the target",
        _linked,
        ("vInfo.unshared_mib", "vInfo.in_use_mib"),
    ),
)
