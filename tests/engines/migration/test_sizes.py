"""Three sizes kept apart, and which of them must move."""

from typing import Any

import pytest

from engines.migration.records import Partition
from engines.migration.sizes import sizes_of
from tests.engines.migration.estates import GIB, disk, vm


@pytest.mark.parametrize(
    ("more", "size_gib", "origin"),
    [
        ({}, 20, "in use"),
        ({"in_use_mib": 900 * GIB}, 40, "in use"),  # snapshots and swap lie beside the disks
        ({"in_use_mib": 20 * GIB, "disks": (disk(1, 40), disk(2, 100, raw=True))}, 120, "in use"),
        ({"in_use_mib": None, "partitions": (Partition(2, "1", "/", 30 * GIB, 12 * GIB, 18 * GIB),)}, 12, "guest"),
        ({"in_use_mib": None}, 40, "disks"),
        ({"in_use_mib": None, "disks": (), "total_disk_mib": 60 * GIB}, 60, "vInfo"),
        ({"in_use_mib": None, "disks": ()}, 50, "provisioned"),
        ({"in_use_mib": None, "disks": (), "provisioned_mib": None}, 0, "unknown"),
        ({"unshared_mib": 2 * GIB}, 40, "linked clone: capacity"),
        ({"unshared_mib": 0}, 20, "in use"),
        ({"in_use_mib": -5}, 0, "in use"),
    ],
)
def test_what_must_move(more: dict[str, Any], size_gib: int, origin: str) -> None:
    found = sizes_of(vm(**more))
    assert (found.move_mib, found.move_by) == (size_gib * GIB, origin)


def test_the_three_are_apart_and_unknown_is_not_zero() -> None:
    found = sizes_of(vm(partitions=(Partition(2, "1", "/", 39 * GIB, 30 * GIB, 9 * GIB),)))
    assert (found.capacity_mib, found.in_use_mib, found.consumed_mib) == (40 * GIB, 20 * GIB, 30 * GIB)
    bare = sizes_of(vm(disks=(), in_use_mib=None))
    assert (bare.capacity_mib, bare.in_use_mib, bare.consumed_mib) == (None, None, None)
