"""Sums: absent is None and not zero; names are spelled as most write them."""

from engines.migration.estate import ReadReport, SheetReport
from engines.migration.totals import places, totals
from tests.engines.migration.estates import estate, vm


def test_what_is_absent_is_none() -> None:
    found = totals(estate([vm()], report=ReadReport("x", (SheetReport("vInfo", "vInfo", found=("vm",)),))))
    assert (found["vms"], found["vcpus"], found["disks"], found["powered_on"]) == (1, None, None, None)


def test_templates_are_in_no_sum() -> None:
    found = totals(estate([vm(), vm("t", 2, template=True, cluster="C9")]))
    assert (found["vms"], found["templates"], found["vcpus"], found["disks"]) == (1, 1, 2, 1)
    assert found["clusters"] == ["C1"]


def test_a_place_is_counted_once_whatever_its_case() -> None:
    vms = [vm("a", 1, cluster="Prod"), vm("b", 2, cluster="Prod"), vm("c", 3, cluster="PROD")]
    assert places(vms, lambda one: one.cluster) == ["Prod"]


def test_the_vcenter_stands_before_it_when_there_are_several() -> None:
    assert places([vm("a", 1, "vc1"), vm("b", 1, "vc2")], lambda one: one.cluster) == ["vc1 / C1", "vc2 / C1"]


def test_two_views_of_the_systems() -> None:
    one = vm(os_tools="FreeBSD (64-bit)", os_config="Oracle Solaris 10 (64-bit)")
    found = totals(estate([one, vm("b", 2, os_tools=None, os_config=None)]))
    assert (found["os_families"], found["os_families_running"], found["os_unknown"]) == (
        {"solaris": 1},
        {"freebsd": 1},
        1,
    )
