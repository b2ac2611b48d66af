"""The sizes of a VM, kept apart: what its volumes will hold, what lies on the datastores, what the guest has used.

They differ by a factor of two and more, and each is for something else: capacity for volumes and quotas, what must move
for times, what the guest uses for judging the others. Provisioned is none of them: it holds swap and snapshots.
"""

from dataclasses import dataclass
from typing import Literal

from engines.migration.concerns.disks import is_linked_clone, is_raw
from engines.migration.records import Vm

Origin = Literal["in use", "guest", "linked clone: capacity", "disks", "vInfo", "provisioned", "unknown"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """All MiB; None is unknown. `move_mib` is what a copy must read, and `move_by` where that is from."""

    capacity_mib: int | None
    in_use_mib: int | None
    consumed_mib: int | None
    move_mib: int
    move_by: Origin


def sizes_of(vm: Vm) -> Sizes:
    capacity = _capacity(vm)
    consumed = [part.consumed_mib for part in vm.partitions if part.consumed_mib is not None]
    guest = sum(consumed) if consumed else None
    move, origin = _move(vm, capacity, guest)
    return Sizes(capacity, vm.in_use_mib, guest, move, origin)


def _capacity(vm: Vm) -> int | None:
    """What the volumes need: the disks' sum, raw ones too."""
    known = [disk.capacity_mib for disk in vm.disks if disk.capacity_mib is not None]
    if known:
        return sum(max(0, size) for size in known)
    return vm.total_disk_mib


def _move(vm: Vm, capacity: int | None, guest: int | None) -> tuple[int, Origin]:
    """Blocks in use, never more than the disks hold; raw disks are not in that figure, and are copied whole."""
    raw = sum(disk.capacity_mib or 0 for disk in vm.disks if is_raw(disk))
    if capacity is not None and is_linked_clone(vm):
        return capacity, "linked clone: capacity"
    if vm.in_use_mib is not None:
        return _at_most(max(0, vm.in_use_mib) + raw, capacity), "in use"
    if guest is not None:
        return _at_most(guest + raw, capacity), "guest"
    if capacity is not None:
        return capacity, "disks" if vm.disks else "vInfo"
    return (max(0, vm.provisioned_mib), "provisioned") if vm.provisioned_mib is not None else (0, "unknown")


def _at_most(size: int, capacity: int | None) -> int:
    return size if capacity is None else min(size, capacity)
