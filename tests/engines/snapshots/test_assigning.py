"""Who puts a volume under a policy, and what stands above it; rules that are read from files."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engines.snapshots.assigning import Assignment, Book, Exclusion, compare, decide
from engines.snapshots.policies import Policies, of_custom
from engines.snapshots.rules import Facts, RuleError, from_json, read_rules, to_json

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
VOLUME = Facts("pcd-1", "v1", "web-data", 40, "ssd", "lab", "p1", "acme", False, ("vm1",), ("web-01",),
               frozenset({"gold"}), {})  # fmt: skip
ALL: dict[str, Any] = {"name": "all", "allow": ["daily_5"], "match": {}}


def book(*rules: dict[str, Any], **more: Any) -> Book:
    return Book(Policies(), read_rules(list(rules), Policies()), **more)


def names(volume: Facts, by: Book) -> list[str]:
    return [one.policy.name for one in decide(volume, by, NOW).under]


def assigned(kind: str, id_: str, policy: str = "daily_5", on: bool = True, **more: Any) -> Any:
    one = Assignment("pcd-1", kind, id_, policy, on, by="ann", **more)
    return {("pcd-1", kind, id_): (one,)}


@pytest.mark.parametrize("priority", [0, 10, 1000, 9999])
def test_trap_1_a_deny_survives_a_later_match_all_allow(priority: int) -> None:
    deny = {"name": "no labs", "deny": True, "priority": priority, "match": {"project": ["lab", "playground"]}}
    verdict = decide(VOLUME, book(deny, ALL | {"priority": 20}), NOW)
    assert verdict.under == () and "no labs" in verdict.excluded
    assert "would allow it" in verdict.denied[0][1]


def test_a_deny_of_one_policy_leaves_the_others() -> None:
    deny = {"name": "no dailies", "deny": ["daily_5"], "match": {"type": "SSD"}}
    assert names(VOLUME, book(deny, ALL | {"allow": ["daily_5", "weekly_4"]})) == ["weekly_4"]


def test_the_owners_no_stands_above_everything() -> None:
    off = replace(VOLUME, metadata={"auto_snapshot": "false", "snapshot_policies": "daily_5"})
    verdict = decide(off, book(ALL, assignments=assigned("volume", "v1")), NOW)
    assert verdict.under == () and "its owner" in verdict.excluded


@pytest.mark.parametrize("kind", ["volume", "vm", "project"])
def test_an_exclusion_stands_until_it_runs_out(kind: str) -> None:
    place = ("pcd-1", kind, {"volume": "v1", "vm": "vm1", "project": "p1"}[kind])
    for until, expected in ((NOW + timedelta(days=1), []), (None, []), (NOW - timedelta(seconds=1), ["daily_5"])):
        held = book(ALL, exclusions={place: (Exclusion(*place, "is moved", until),)})
        assert names(VOLUME, held) == expected


def test_the_nearest_word_of_a_person_counts() -> None:
    project, volume = assigned("project", "p1"), assigned("volume", "v1", on=False)
    assert names(VOLUME, book(assignments=project)) == ["daily_5"]
    assert names(VOLUME, book(assignments=project | volume)) == []
    assert names(VOLUME, book(ALL, assignments=volume)) == []


def test_what_an_owner_took_off_by_hand_stays_off() -> None:
    written = assigned("volume", "v1", written_at=NOW - timedelta(hours=2))
    before = book(assignments=written, listed={"pcd-1": NOW - timedelta(hours=3)})
    after = book(ALL, assignments=written, listed={"pcd-1": NOW - timedelta(hours=1)})
    still = replace(VOLUME, metadata={"stackhand_policies": "daily_5"})
    assert names(VOLUME, before) == ["daily_5"] and names(VOLUME, after) == [] and names(still, after) == ["daily_5"]


def test_retention_by_the_nearest_word() -> None:
    rule = ALL | {"retention": {"daily_5": 3}}
    assert decide(VOLUME, book(rule), NOW).under[0].retention == 3
    assert decide(VOLUME, book(ALL), NOW).under[0].retention == 5
    said = replace(VOLUME, metadata={"retention_daily_5": "8"})
    assert decide(said, book(rule), NOW).under[0].retention == 8
    assert decide(said, book(rule, assignments=assigned("volume", "v1", retention=2)), NOW).under[0].retention == 2


def test_why_names_the_winning_rule_and_problems_are_told() -> None:
    first, second = ALL | {"name": "first", "priority": 1}, ALL | {"name": "second", "priority": 2}
    assert decide(VOLUME, book(second, first), NOW).under[0].why == "rule “first”"
    odd = replace(VOLUME, metadata={"stackhand_policies": "gold_plan"})
    assert "is no policy" in decide(odd, book(), NOW).problems[0]


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"name_prefix": "WEB"}, True), ({"name_prefix": ["x", "web-"]}, True), ({"name_prefix": "data"}, False),
        ({"name_contains": "b-d"}, True), ({"name_glob": "*-data"}, True), ({"name_glob": "data*"}, False),
        ({"min_size_gib": 40, "max_size_gib": 40}, True), ({"min_size_gib": 41}, False),
        ({"type": "ssd", "domain": "ACME"}, True), ({"bootable": True}, False), ({"bootable": False}, True),
        ({"vm": "web-*"}, True), ({"vm": "db-*"}, False), ({"tags": ["silver", "GOLD"]}, True),
        ({"attached": True}, True), ({"metadata": {"tier": "1"}}, False), ({"source": "pcd-1", "project": "p1"}, True),
    ],
)  # fmt: skip
def test_what_a_rule_matches(match: dict[str, Any], fits: bool) -> None:
    assert bool(names(VOLUME, book(ALL | {"match": match}))) == fits


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ({"name": "x", "allow": ["daily_5"], "match": {"typ": "ssd"}}, r"rules\[1\]\.match\.typ"),
        ({"name": "x", "allow": ["dayly_5"], "match": {}}, r"rules\[1\]\.allow"),
        ({"name": "x", "allow": ["daily_5"]}, r"rules\[1\]\.match: is missing"),
        ({"name": "x", "match": {}}, r"rules\[1\]: must have either"),
        ({"name": "x", "allow": ["daily_5"], "deny": True, "match": {}}, r"rules\[1\]: must have either"),
        ({"name": "x", "allow": ["daily_5"], "retention": {"weekly_4": 3}, "match": {}}, r"retention\.weekly_4"),
        ({"name": "x", "allow": ["daily_5"], "retention": {"daily_5": 0}, "match": {}}, r"retention\.daily_5"),
        ({"name": "x", "allow": ["daily_5"], "match": {"min_size_gib": "10"}}, r"min_size_gib"),
        ({"name": "", "allow": ["daily_5"], "match": {}}, r"rules\[1\]\.name"),
        ({"name": "x", "allow": "daily_5", "match": [], }, r"rules\[1\]\.match"),
        ("nonsense", r"rules\[1\]"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_used_names_its_key(rule: Any, key: str) -> None:
    with pytest.raises(RuleError, match=key):
        read_rules([rule], Policies())


def test_two_rules_of_one_name_and_no_list_are_errors() -> None:
    for data in ([ALL, ALL], {"rules": []}, None, [ALL] * 1001):
        with pytest.raises(RuleError):
            read_rules(data, Policies())


def test_rules_are_kept_as_they_were() -> None:
    policies = of_custom([("gold", "0 1 * * *", "UTC", 9)])
    rules = read_rules([ALL | {"allow": ["gold"], "match": {"metadata": {"a": "b"}, "tags": ["x"]}}], policies)
    assert tuple(from_json(to_json(rule)) for rule in rules) == rules


def test_a_dry_run_of_rules_tells_only_what_changes() -> None:
    other = replace(VOLUME, id="v2", project="prod")
    after = book({"name": "prod", "allow": ["daily_5"], "match": {"project": "prod"}})
    changes = compare([VOLUME, other], book(ALL), after, NOW)
    assert [(one.volume.id, one.gains, one.loses) for one in changes] == [("v1", (), ("daily_5",))]
    fewer = book(ALL | {"retention": {"daily_5": 2}})
    assert compare([VOLUME], book(ALL), fewer, NOW)[0].keeps == ("daily_5 5 → 2",)
