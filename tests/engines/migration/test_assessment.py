"""All VMs graded: counts that add up, decisions that are kept, and the same answer each time."""

from collections.abc import Callable
from pathlib import Path

from engines.migration.assessment import Override, assess, families, named
from engines.migration.comparing import compare
from engines.migration.reading.reader import read_export
from tests.engines.migration.estates import GIB, disk, estate, vm


def test_counts_add_up_on_a_real_shape(generated: Callable[..., Path]) -> None:
    found = assess(read_export(generated("e.xlsx", "--vms", "300", "--seed", "5")))
    inside = len(found.in_scope)
    assert inside + sum(found.count_left_out().values()) == len(found.vms) == 300
    assert sum(found.count_risk().values()) == sum(found.count_modes().values()) == inside
    assert sum(families(found.in_scope).values()) == inside
    assert max(found.count_concerns().values()) <= inside


def test_the_same_export_gives_the_same_assessment(generated: Callable[..., Path]) -> None:
    path = generated("e.xlsx", "--vms", "120", "--seed", "6")
    assert assess(read_export(path)).vms == assess(read_export(path)).vms


def test_decisions_are_kept_over_a_newer_export() -> None:
    one, two, gone = vm("a", 1), vm("b", 2), vm("c", 3)
    decided = {
        one.key: Override(priority=1, reason="first"),
        two.key: Override(exclude=True),
        gone.key: Override(mode="cold"),
    }
    before = assess(estate([one, two, gone]), decided)
    assert before.count_left_out() == {"by_hand": 1}
    renamed = vm("a-new", 1, disks=(disk(size_gib=80),), in_use_mib=30 * GIB)
    after = assess(estate([renamed, two, vm("d", 4)]), decided)
    assert after.vms[0].override.priority == 1 and after.orphaned_overrides == (gone.key,)
    difference = compare(before, after)
    assert [x.vm.name for x in difference.came] == ["d"] and [x.vm.name for x in difference.went] == ["c"]
    assert {(c.what, c.before, c.after) for c in difference.changes} == {
        ("name", "a", "a-new"), ("capacity", "40,960", "81,920"), ("in use", "20,480", "30,720"),
    }  # fmt: skip
    assert list(difference.lost_decisions) == [gone.key]
    assert compare(after, after).is_none and not difference.is_none


def test_a_vm_that_rules_leave_out_can_be_taken_in() -> None:
    lost = vm(connection="disconnected")
    assert not assess(estate([lost])).vms[0].in_scope
    assert assess(estate([lost]), {lost.key: Override(exclude=False)}).vms[0].in_scope


def test_all_vms_of_a_name_are_found() -> None:
    found = named(assess(estate([vm("web", 1, "vc1"), vm("WEB", 1, "vc2"), vm("db", 2)])), " web ")
    assert [one.key[0] for one in found] == ["vc1", "vc2"]


def test_an_empty_estate_is_assessed() -> None:
    found = assess(estate([]))
    assert found.vms == () and found.count_concerns() == {}
