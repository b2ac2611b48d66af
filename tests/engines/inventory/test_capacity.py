"""Room on hosts, computed by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engines.inventory.capacity import Fit, Size, fit, fullest, room, totals
from storage.inventory import Found

_AT = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = Size(2, 4096)


def host(name: str, *, vcpus: Any = 16, memory: Any = 65536, used: tuple[Any, Any] = (0, 0), **attrs: Any) -> Found:
    """16 cores and 64 GiB, all free, without overcommit, unless said otherwise."""
    told = {"state": "up", "enabled": True, "vcpus": vcpus, "memory_mib": memory, **attrs}
    derived = {"vcpus_used": used[0], "memory_used_mib": used[1]}
    return Found(1, "lab", "openstack", "host", name, name, None, told, derived, _AT, _AT, None)


@pytest.mark.parametrize(
    ("attrs", "vcpus", "memory_mib"),
    [
        ({}, 16, 65536),
        ({"cpu_ratio": 4.0}, 64, 65536),
        ({"cpu_ratio": 1.5, "memory_ratio": 1.5}, 24, 98304),
        ({"cpu_ratio": 4.0, "vcpus_reserved": 4}, 60, 65536),  # total x ratio - reserved, in this order
        ({"memory_ratio": 2.0, "memory_reserved_mib": 4096}, 16, 126976),
        ({"cpu_ratio": None, "vcpus_reserved": None}, 16, 65536),
        ({"vcpus": None}, None, 65536),
        ({"memory_mib": None}, 16, None),
        ({"vcpus": 0}, 0, 65536),
        ({"vcpus": 3, "cpu_ratio": 1.5}, 4, 65536),  # half a core cannot be given away
    ],
)
def test_what_may_be_given_away(attrs: dict[str, Any], vcpus: int | None, memory_mib: int | None) -> None:
    one = room(host("h", **{"vcpus": 16, "memory": attrs.pop("memory_mib", 65536), **attrs}))
    assert (one.vcpus, one.memory_mib) == (vcpus, memory_mib)


@pytest.mark.parametrize(
    ("size", "used", "slots"),
    [
        (SMALL, (0, 0), 8),  # by cores
        (Size(1, 16384), (0, 0), 4),  # by memory
        (SMALL, (15, 0), 0),
        (SMALL, (14, 61440), 1),
        (SMALL, (20, 0), 0),  # more given away than there is
        (Size(17, 1), (0, 0), 0),
        (Size(0, 0), (0, 0), 16),  # a size of nothing is counted as one of each
        (Size(-4, -4096), (0, 0), 16),
        (Size(10**12, 10**12), (0, 0), 0),
    ],
)
def test_how_many_a_host_still_takes(size: Size, used: tuple[int, int], slots: int) -> None:
    assert room(host("h", used=used)).slots(size) == slots


@pytest.mark.parametrize("attrs", [{"state": "down"}, {"state": "unknown"}, {"enabled": False}, {"state": None}])
def test_a_host_that_is_down_or_disabled_takes_nothing(attrs: dict[str, Any]) -> None:
    assert room(host("h", **attrs)).slots(SMALL) == 0
    assert fit([host("h", **attrs)], SMALL, []) == Fit(0, None, "", 0, ())


def test_a_host_whose_switch_is_not_known_counts_as_enabled() -> None:
    assert room(host("h", enabled=None)).slots(SMALL) == 8


def test_no_hosts_have_no_room() -> None:
    assert fit([], SMALL, []) == Fit(0, None, "", 0, ())
    assert fullest([]) is None
    none = totals([])
    assert (none.hosts, none.usable_hosts, none.vcpus_offered, none.memory_used_mib) == (0, 0, 0, 0)


def test_room_in_pieces_is_no_room_for_one_big_vm() -> None:
    """Three hosts with 16 GiB free each: 48 GiB free, and none takes a VM of 20 GiB."""
    hosts = [host(f"h{n}", used=(0, 49152)) for n in range(3)]
    assert fit(hosts, Size(1, 20480), []).now == 0
    assert fit(hosts, Size(1, 16384), []).now == 3


def test_with_the_fullest_host_down_its_vms_are_moved_first() -> None:
    """b is fullest: two VMs of 16 GiB. a has 64 GiB: 32 stay for new ones of 8 GiB: 4; now there are 8 + 4."""
    hosts = [host("a"), host("b", used=(4, 32768))]
    found = fit(hosts, Size(1, 8192), [Size(2, 16384), Size(2, 16384)])
    assert found == Fit(now=12, one_down=4, worst="b", hosts=2, unknown=())


def test_vms_that_find_no_room_elsewhere_make_no_number() -> None:
    hosts = [host("a", used=(0, 40960)), host("b", used=(4, 49152))]
    assert fit(hosts, SMALL, [Size(1, 32768), Size(1, 16384)]).one_down is None


def test_the_biggest_are_moved_first() -> None:
    """One after the other in the order given, 8 GiB would take the room that 16 GiB need."""
    hosts = [host("a", used=(0, 49152)), host("b", used=(0, 57344)), host("c", used=(3, 61440))]
    moved = fit(hosts, Size(1, 1024), [Size(1, 8192), Size(1, 16384)])
    assert moved.worst == "c" and moved.one_down == 0


def test_the_only_host_has_no_second() -> None:
    found = fit([host("a", used=(2, 4096))], SMALL, [SMALL])
    assert (found.now, found.one_down, found.worst, found.hosts) == (7, None, "a", 1)


def test_hosts_of_unknown_size_are_named_and_never_counted() -> None:
    hosts = [host("a"), host("b", vcpus=None, used=(1, 1024)), host("c", memory=None)]
    found = fit(hosts, SMALL, [])
    assert found.now == 8 and found.unknown == ("b", "c") and found.hosts == 3


def test_two_hosts_of_one_name_in_two_sources_stay_two() -> None:
    hosts = [host("a", used=(1, 2048)), replace(host("a"), source="lab-2")]
    found = fit(hosts, SMALL, [SMALL])
    assert found.now == 7 + 8 and found.one_down == 7


def test_totals_add_up_and_count_only_what_can_be_given_away() -> None:
    """The VMs of a host that is down use nothing of what the others offer."""
    hosts = [
        host("a", used=(4, 8192), cpu_ratio=2.0, memory_reserved_mib=4096, disk_gib=100),
        host("b", used=(2, 4096)),
        host("down", state="down", used=(8, 32768)),
        host("off", enabled=False),
    ]
    all_ = totals(hosts)
    assert (all_.hosts, all_.usable_hosts) == (4, 2)
    assert (all_.vcpus, all_.vcpus_offered, all_.vcpus_used) == (64, 48, 6)
    assert (all_.memory_mib, all_.memory_offered_mib, all_.memory_used_mib) == (262144, 126976, 12288)
    free = sum((r.memory_mib or 0) - r.memory_used_mib for r in map(room, hosts) if r.usable)
    assert all_.memory_offered_mib - all_.memory_used_mib == free


def test_what_is_used_of_an_unknown_size_is_not_taken_off_the_others() -> None:
    all_ = totals([host("a"), host("b", memory=None, used=(4, 49152))])
    assert all_.memory_offered_mib - all_.memory_used_mib == 65536


@pytest.mark.parametrize("used", [(None, 0), (0, None), (None, None)])
def test_a_host_whose_use_is_not_known_is_not_taken_for_empty(used: tuple[int | None, int | None]) -> None:
    found = fit([host("a"), host("b", used=used)], SMALL, [])
    assert found.now == 8 and found.unknown == ("b",)


def test_local_disks_count_where_size_and_use_are_known() -> None:
    disk: dict[str, Any] = {"disk_gib": 100, "disk_ratio": 2.0, "disk_reserved_gib": 10}
    known = host("a", **disk)
    used = replace(known, derived={**known.derived, "disk_used_gib": 50})
    all_ = totals([used, known, host("c")])
    assert (all_.disk_gib, all_.disk_offered_gib, all_.disk_used_gib) == (200, 190, 50)
