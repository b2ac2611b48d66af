"""What changes need: every kind of the catalogue, every role, the first rule that fits, and files with mistakes."""

from datetime import datetime
from typing import Any

import pytest

from engines.changes import rules
from engines.changes.rule_files import RuleFileError, parse, write
from engines.changes.rules import DEFAULTS, RISKS, Need, Quiet, Rule, Site, from_json, needed
from engines.policy import ROLES
from intents.registry import load_catalogue

PROD = Site("pcd-1", "p-1", "acme-prod", "d-1", "acme", frozenset({"operator"}))
DEV = Site("pcd-1", "p-2", "acme-dev", "d-1", "acme", frozenset({"admin"}))
OWN_DATA = frozenset({"approve", "deny"})
"""Intents that decide on requests: no changes of their own."""


def test_every_intent_that_acts_on_clouds_or_rights_has_a_need() -> None:
    for intent in load_catalogue().intents.values():
        if intent.risk in ("confirm", "approve") and intent.name not in OWN_DATA:
            assert RISKS[intent.name] == intent.risk, intent.name
            assert needed(DEFAULTS, intent.name, [PROD]).mode in ("confirm", "approve"), intent.name


@pytest.mark.parametrize("kind", ["", "*", "format_disks", "count", "sync", "approve", "VM_STOP"])
@pytest.mark.parametrize("mode", ["at_once", "confirm", "approve"])
def test_what_no_rule_names_is_forbidden_even_by_a_star(kind: str, mode: Any) -> None:
    assert needed(DEFAULTS, kind, [PROD]) == Need("forbid")
    assert needed((Rule(("*",), mode),), kind, [PROD]).mode == ("forbid" if kind != "*" else mode)


@pytest.mark.parametrize("kind", sorted(RISKS))
@pytest.mark.parametrize("role", ROLES)
def test_who_asks_changes_nothing_unless_a_rule_says_so(kind: str, role: str) -> None:
    site = Site("pcd-1", "p-1", "acme-prod", "d-1", "acme", frozenset({role}))
    plain = needed(DEFAULTS, kind, [site])
    assert plain == needed(DEFAULTS, kind, [PROD]) and plain.mode in ("confirm", "approve")
    eased = needed((Rule((kind,), "at_once", asker="admin"), *DEFAULTS), kind, [site])
    assert eased.mode == ("at_once" if role in ("admin", "superadmin") else plain.mode)


def test_risk_approve_has_other_people_and_risk_confirm_has_none() -> None:
    kinds = {kind: needed(DEFAULTS, kind, [PROD]) for kind in RISKS}
    assert all(need.mode == "confirm" and not need.approvers for k, need in kinds.items() if RISKS[k] == "confirm")
    acting = {
        k: n for k, n in kinds.items() if RISKS[k] == "approve" and k not in ("freeze", "role_grant", "role_revoke")
    }
    assert all(need.mode == "approve" and need.approvers == 1 for need in acting.values())
    assert kinds["quota_set"].approver_role == "admin" and kinds["vm_stop"].approver_role == "technical"
    assert {need.approve_minutes for need in acting.values()} == {60}
    assert {need.run_minutes for need in acting.values()} == {15}


def test_rules_of_a_project_come_before_those_of_everything() -> None:
    told = (Rule(("*",), "at_once"), Rule(("*",), "confirm", source="pcd-1"), Rule(("*",), "approve", domain="acme"),
            Rule(("*",), "forbid", project="acme-prod"))  # fmt: skip
    assert needed(told, "vm_stop", [PROD]).mode == "forbid"
    assert needed(told, "vm_stop", [DEV]).mode == "approve"
    assert needed(told, "vm_stop", [Site("pcd-1", "p-9")]).mode == "confirm"
    assert needed(told, "vm_stop", [Site("lab")]).mode == "at_once"
    assert needed(told, "vm_stop", []).mode == "at_once"


def test_of_several_places_the_strictest_counts() -> None:
    told = (
        Rule(("vm_stop",), "approve", project="p-1", approvers=2, approver_role="technical", break_glass="admin",
             approve_minutes=30, daily_cap=9),
        Rule(("vm_stop",), "approve", project="p-2", approver_role="admin", second_factor=True, daily_cap=3),
    )  # fmt: skip
    need = needed(told, "vm_stop", [PROD, DEV])
    assert (need.approvers, need.approver_role, need.approve_minutes, need.daily_cap) == (2, "admin", 30, 3)
    assert need.second_factor and not need.break_glass
    assert needed((*told, Rule(("vm_stop",), "forbid", project="p-3")), "vm_stop",
                  [PROD, Site("pcd-1", "p-3")]).mode == "forbid"  # fmt: skip


def test_a_schedule_has_rules_of_its_own() -> None:
    assert needed(DEFAULTS, "snapshot_run", [PROD], by="schedule").mode == "at_once"
    assert needed(DEFAULTS, "snapshot_run", [PROD]).mode == "confirm"
    assert needed(DEFAULTS, "vm_stop", [PROD], by="schedule").mode == "approve"


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-11-30T21:59:00+01:00", False),  # a Monday in Berlin
        ("2026-11-30T22:00:00+01:00", True),
        ("2026-12-01T05:59:00+01:00", True),
        ("2026-12-01T06:00:00+01:00", False),
        ("2026-11-30T05:00:00+01:00", False),  # begun on Sunday, which is none of its days
        ("2026-11-30T21:00:00+00:00", True),
        ("2026-07-06T20:30:00+00:00", True),  # summer time
    ],
)
def test_quiet_hours_go_over_midnight_in_their_zone(at: str, holds: bool) -> None:
    quiet = Quiet(("mon",), "22:00", "06:00", "Europe/Berlin")
    assert quiet.holds(datetime.fromisoformat(at)) == holds


def test_quiet_hours_within_a_day() -> None:
    quiet = Quiet(("mon", "fri"), "08:00", "18:00")
    assert quiet.holds(datetime.fromisoformat("2026-11-30T08:00:00+00:00"))
    assert not quiet.holds(datetime.fromisoformat("2026-11-30T18:00:00+00:00"))
    assert not quiet.holds(datetime.fromisoformat("2026-12-01T12:00:00+00:00"))


def test_rules_survive_json_and_their_own_file() -> None:
    told = (
        *DEFAULTS,
        Rule(("restore",), "approve", "approve", "pcd-1", "acme-prod", "acme", "operator", "person", 2, "admin", 30,
             5, 4, Quiet(("sat", "sun"), "00:00", "23:59", "Asia/Tokyo"), True, "superadmin"),
    )  # fmt: skip
    assert tuple(from_json(rule.to_json()) for rule in told) == told
    assert parse(write(told)) == told


GOOD = """
rules:
  - kind: [vm_stop, vm_reboot]
    project: acme-prod
    mode: approve
    approvers: 2
    quiet: {days: [mon, tue], from: "22:00", to: "06:00", zone: Europe/Berlin}
"""


def test_a_file_as_people_write_it() -> None:
    (rule,) = parse(GOOD)
    assert rule.kinds == ("vm_stop", "vm_reboot") and rule.approvers == 2 and rule.quiet is not None
    assert rule.quiet.zone == "Europe/Berlin" and rule.approver_role == "admin"


@pytest.mark.parametrize(
    ("file", "line", "told"),
    [
        ("", 1, "rules"),
        ("[]", 1, "keys"),
        ("rules: 5", 1, "list"),
        ("rule: []", 1, "`rule` is no key"),
        ("rules:\n- kind: vm_stop", 2, "needs `mode`"),
        ("rules:\n- mode: forbid", 2, "needs `kind`"),
        ("rules:\n- kind: vm_stop\n  mode: sometimes", 3, "`mode: sometimes`"),
        ("rules:\n- kind: vm_explode\n  mode: forbid", 2, "vm_explode"),
        ("rules:\n- kind: vm_stop\n  mode: approve\n  approvers: 0", 4, "from 1 to 20"),
        ("rules:\n- kind: vm_stop\n  mode: approve\n  approvers: many", 4, "number"),
        ("rules:\n- kind: vm_stop\n  mode: approve\n  approvers: ²", 4, "number"),
        ("rules:\n- kind: vm_stop\n  mode: approve\n  approver_role: boss", 4, "boss"),
        ("rules:\n- kind: vm_stop\n  mode: approve\n  approver: carol", 4, "`approver` is no key"),
        ("rules:\n- kind: vm_stop\n  kind: vm_start\n  mode: forbid", 3, "twice"),
        ("rules:\n- kind: vm_stop\n  mode: confirm\n  quiet: {days: [caturday], from: '1', to: '2'}", 4, "caturday"),
        ("rules:\n- kind: vm_stop\n  mode: confirm\n  quiet: {days: mon, from: '25:00', to: '02:00'}", 4, "25:00"),
        (
            "rules:\n- kind: vm_stop\n  mode: confirm\n  quiet: {days: mon, from: 22:00, to: '02:00', zone: X/Y}",
            4,
            "X/Y",
        ),
        ("rules:\n- kind: vm_stop\n  mode: confirm\n  second_factor: maybe", 4, "true or false"),
        ("rules:\n- kind: *x\n  mode: confirm", 2, "alias"),
        ("rules: [\n", 2, ""),
        ("rules:\n- !!python/object/apply:os.system ['true']", 2, "keys"),
        ("a: &a [x,x]\nrules: [*a]", 1, "`a` is no key"),
        ("\x00", 1, ""),
    ],
)
def test_a_mistake_is_told_with_its_line(file: str, line: int, told: str) -> None:
    with pytest.raises(RuleFileError, match=f"line {line}") as found:
        parse(file)
    assert told in str(found.value) and len(str(found.value)) < 800


def test_a_huge_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(RuleFileError, match="bytes"):
        parse("rules:\n" + "- {kind: vm_stop, mode: forbid}\n" * 20_000)
    with pytest.raises(RuleFileError, match="more than"):
        parse("rules:\n" + "- {kind: vm_stop, mode: forbid}\n" * 501)
    with pytest.raises(RuleFileError):
        parse("rules: " + "[" * 50_000)


def test_the_house_is_not_frozen_with_everything_else() -> None:
    assert {"freeze", "freeze_end", "change_rules"} <= rules.HOUSE
