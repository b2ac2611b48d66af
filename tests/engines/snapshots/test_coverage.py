"""How well volumes are protected, judged by each policy's own period."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engines.snapshots import coverage
from engines.snapshots.assigning import Under, Verdict
from engines.snapshots.coverage import Known
from engines.snapshots.gathering import Held
from engines.snapshots.policies import told_by_name
from engines.snapshots.rules import Facts
from storage.snapshot_coverage import Copies
from storage.snapshot_runs import Record

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FRESH = {"pcd-1": NOW - timedelta(minutes=5)}


def held(*policies: str, id_: str = "v1", since: datetime = NOW - timedelta(days=90), **more: Any) -> Held:
    under = tuple(Under(p, p.retention, "rule", "rule “all”") for name in policies if (p := told_by_name(name)))
    facts = Facts("pcd-1", id_, id_, 10, project="prod", project_id="p1", domain="acme", vms=("web-01",),
                  metadata=more.pop("metadata", {}))  # fmt: skip
    return Held(facts, "openstack", "attached", since, Verdict(under, **more))


def known(ages: dict[str, datetime | None] = FRESH, attempt: Record | None = None, **copies: timedelta) -> Known:
    told = {("pcd-1", "v1", policy): Copies(1, NOW - age) for policy, age in copies.items()}
    attempts = {("pcd-1", "v1", attempt.policy): attempt} if attempt else {}
    return Known(told, attempts, ages)


def state(of: Held, by: Known) -> str:
    return coverage.lines([of], by, NOW)[0].state


def attempt(state_: str, ago: timedelta, policy: str = "daily_5") -> Record:
    at = NOW - ago
    return Record(
        "r", "pcd-1", "v1", policy, "p1", "v1", 10, "k", "n", state_, None, "needs 200 GiB more", 200, at, at, at
    )


def test_trap_6_a_monthly_policy_is_compliant_on_day_20() -> None:
    assert state(held("monthly_1st"), known(monthly_1st=timedelta(days=19, hours=8))) == "compliant"


def test_what_is_not_in_openstack_is_left_out_and_says_so() -> None:
    (line,) = coverage.lines([replace(held(), platform="vmware")], known(), NOW)
    assert (line.state, line.why) == ("excluded", coverage.ELSEWHERE)
    assert state(held(), known()) == "unprotected"


@pytest.mark.parametrize(
    ("policy", "age", "expected"),
    [
        ("daily_5", timedelta(hours=26), "compliant"), ("daily_5", timedelta(hours=28), "late"),
        ("daily_5", timedelta(hours=49), "missing"), ("hourly_24", timedelta(minutes=74), "compliant"),
        ("hourly_24", timedelta(minutes=90), "late"), ("hourly_24", timedelta(hours=3), "missing"),
        ("weekly_4", timedelta(days=7, hours=20), "compliant"), ("monthly_1st", timedelta(days=34), "compliant"),
        ("monthly_1st", timedelta(days=40), "late"), ("monthly_1st", timedelta(days=63), "missing"),
    ],
)  # fmt: skip
def test_late_by_the_policys_own_period(policy: str, age: timedelta, expected: str) -> None:
    assert state(held(policy), known(**{policy: age})) == expected


def test_each_state_has_its_reason() -> None:
    assert state(held(), known()) == "unprotected"
    assert state(held(excluded="excluded: is moved"), known()) == "excluded"
    assert state(held("daily_5"), known()) == "never"
    blocked = known(attempt=attempt("quota_blocked", timedelta(hours=1)), daily_5=timedelta(hours=20))
    line = coverage.lines([held("daily_5")], blocked, NOW)[0]
    assert (line.state, line.why) == ("quota_blocked", "needs 200 GiB more")
    later = known(attempt=attempt("quota_blocked", timedelta(hours=30)), daily_5=timedelta(hours=20))
    assert state(held("daily_5"), later) == "compliant"
    new = coverage.lines([held("daily_5", since=NOW - timedelta(hours=1))], known(), NOW)[0]
    assert new.state == "never" and new.why.startswith("new: due 2026-11-21 02:00")


@pytest.mark.parametrize("ages", [{}, {"pcd-1": None}, {"pcd-1": NOW - timedelta(hours=3)}])
def test_old_data_are_unknown_and_never_missing(ages: dict[str, datetime | None]) -> None:
    assert state(held("daily_5"), known(ages, daily_5=timedelta(days=3))) == "unknown"
    assert state(held("daily_5"), known(ages)) == "unknown"
    assert state(held("daily_5"), known(ages, daily_5=timedelta(hours=20))) == "compliant"


def test_a_longer_time_that_the_volume_allows_counts_and_a_shorter_one_does_not() -> None:
    assert state(held("daily_5", metadata={"sla_days": "4"}), known(daily_5=timedelta(days=3))) == "compliant"
    assert state(held("monthly_1st", metadata={"sla_days": "2"}), known(monthly_1st=timedelta(days=20))) == "compliant"


def test_a_volume_counts_by_its_best_policy_and_a_vm_by_its_worst_volume() -> None:
    both = held("daily_5", "monthly_1st")
    lines = coverage.lines([both, held(id_="v2")], known(monthly_1st=timedelta(days=3)), NOW)
    count = coverage.count(lines)
    assert dict(count.states) == {"compliant": 1, "unprotected": 1} and count.bad == 1 and count.share == 0.5
    assert dict(coverage.rolled_up(lines, "vm")["web-01"].states) == {"unprotected": 1}
    assert set(coverage.rolled_up(lines, "policy")) == {"daily_5", "monthly_1st"}
    assert coverage.rolled_up(lines, "project")["prod"].all == coverage.rolled_up(lines, "domain")["acme"].all == 2


def test_what_is_left_out_does_not_count() -> None:
    count = coverage.count(coverage.lines([held(excluded="off"), held(id_="v2")], known(), NOW))
    assert count.counted == 1 and count.all == 2 and count.share == 0.0
    assert coverage.count([]).share is None
