"""The score is the sum of the rules that are shown; what blocks is RED whatever the sum."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.migration.assessment import assess
from engines.migration.risks import DEFAULT_RULES, RulesRefused, rules_from
from tests.engines.migration.estates import GIB, assessed, disk, estate, vm


def test_a_vm_of_which_all_is_well_is_green_with_nothing() -> None:
    risk = assessed().risk
    assert (risk.colour, risk.score, risk.points, risk.blockers) == ("GREEN", 0, (), ())


def test_every_point_is_shown() -> None:
    risk = assessed(name="erp-db-01", os_tools="CentOS 7 (64-bit)", memory_mib=128 * GIB).risk
    assert {point.rule: point.weight for point in risk.points} == {
        "guest.out_of_support": 15, "memory.large": 10, "database": 10,
    }  # fmt: skip
    assert (risk.score, risk.colour) == (35, "YELLOW")


@pytest.mark.parametrize(
    "more",
    [
        {"disks": (disk(size_gib=0),)},
        {"os_tools": "Oracle Solaris 11 (64-bit)"},
        {"power": "suspended"},
        {"connection": "orphaned"},
    ],
)
def test_a_blocker_is_red_whatever_the_score(more: dict[str, Any]) -> None:
    risk = assessed(**more).risk
    assert risk.colour == "RED" and risk.blockers and risk.score <= 50


def test_a_hint_alone_does_not_block() -> None:
    risk = assessed(name="ml-gpu-01").risk
    assert (risk.colour, risk.blockers) == ("YELLOW", ())


def test_of_two_limits_the_heavier_counts() -> None:
    rules = {point.rule for point in assessed(disks=(disk(size_gib=6 * 1024),), firmware="efi").risk.points}
    assert "disk.very_large" in rules and "disk.large" not in rules


@pytest.mark.parametrize("name", ["sqlserver", "erp-db-01", "mongo7", "ora-prd"])
def test_names_that_speak_of_databases(name: str) -> None:
    assert "database" in {point.rule for point in assessed(name=name).risk.points}


@pytest.mark.parametrize("name", ["feedback-01", "adbc", "oracular", "web-01"])
def test_names_that_only_look_like_it(name: str) -> None:
    found = {point.rule for point in assessed(name=name).risk.points}
    assert ("database" in found) is (name == "never")


def test_rules_are_changed_by_whoever_plans() -> None:
    rules = rules_from({"weights": {"uefi": 60, "database": 0}, "green_up_to": 10, "yellow_up_to": 40})
    risk = assess(estate([vm(name="db", firmware="efi")]), rules=rules).vms[0].risk
    assert (risk.score, risk.colour, [point.rule for point in risk.points]) == (60, "RED", ["uefi"])
    assert rules_from({"blockers": []}).blockers == frozenset()


@pytest.mark.parametrize(
    "given_rules",
    [
        {"weight": {}},
        {"weights": {"nothing": 5}},
        {"weights": {"uefi": -1}},
        {"weights": {"uefi": 1.5}},
        {"weights": {"uefi": True}},
        {"weights": 5},
        {"blockers": ["nothing"]},
        {"blockers": 5},
        {"green_up_to": 60},
        {"green_up_to": "20"},
    ],
)
def test_rules_that_make_no_sense_are_refused(given_rules: dict[str, Any]) -> None:
    with pytest.raises(RulesRefused) as caught:
        rules_from(given_rules)
    assert caught.value.what and caught.value.fix


@given(st.lists(st.sampled_from(["uefi", "tools", "database", "memory.large"]), unique=True), st.integers(0, 100))
def test_the_score_is_the_sum_at_most_100(ids: list[str], weight: int) -> None:
    rules = rules_from({"weights": dict.fromkeys(ids, weight)})
    one = vm(name="db-1", firmware="efi", memory_mib=200 * GIB)
    risk = assess(estate([one]), rules=rules).vms[0].risk
    assert risk.score == min(100, sum(point.weight for point in risk.points))


def test_every_rule_has_a_name_of_its_own_and_knows_its_concerns() -> None:
    from engines.migration.concerns.catalogue import concerns

    ids = [rule.id for rule in DEFAULT_RULES.rules]
    assert len(ids) == len(set(ids))
    assert {id_ for rule in DEFAULT_RULES.rules for id_ in rule.concerns} | DEFAULT_RULES.blockers <= set(concerns())
