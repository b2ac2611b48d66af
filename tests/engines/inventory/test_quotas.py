"""Quotas and their use."""

from datetime import UTC, datetime
from typing import Any

import pytest

from engines.inventory.kinds import QUOTA_METRICS
from engines.inventory.quotas import METRIC_FIELDS, NEAR, TITLES, Usage, near_limit, usages
from storage.inventory import Found

_AT = datetime(2026, 1, 1, tzinfo=UTC)


def quota(name: str, limits: Any, used: Any = None, source: str = "lab") -> Found:
    attrs = {"limits": limits}
    return Found(
        1, source, "openstack", "quota", name, name, name, attrs, {"used": used, "domain": "acme"}, _AT, _AT, None
    )


def usage(used: int | None, limit: int | None) -> Usage:
    return Usage("p", "d", "lab", "vms", used, limit)


def test_every_metric_that_a_cloud_may_tell_has_a_title() -> None:
    assert tuple(TITLES) == QUOTA_METRICS
    assert set(METRIC_FIELDS.values()) <= set(QUOTA_METRICS)


@pytest.mark.parametrize(
    ("used", "limit", "share"),
    [
        (5, 10, 0.5),
        (0, 10, 0.0),
        (12, 10, 1.2),  # over a limit that was lowered
        (0, 0, 0.0),
        (1, 0, 1.0),
        (None, 10, None),
        (5, None, None),
        (None, None, None),
        (10**15, 1, 1e15),
    ],
)
def test_the_share_of_a_limit(used: int | None, limit: int | None, share: float | None) -> None:
    assert usage(used, limit).share == share


def test_usages_keep_what_is_limited_in_the_order_of_the_titles() -> None:
    found = usages(quota("p1", {"memory_mib": 1024, "vms": 10, "unheard_of": 5, "cpu": -1}, {"vms": 3, "cpu": 7}))
    assert [(u.metric, u.used, u.limit) for u in found] == [
        ("vms", 3, 10),
        ("cpu", 7, None),  # -1 is no limit
        ("memory_mib", None, 1024),  # not told is not zero
    ]
    assert {(u.project, u.domain, u.source) for u in found} == {("p1", "acme", "lab")}


@pytest.mark.parametrize("limits", [None, {}, {"vms": None}])
def test_a_quota_without_limits_is_near_none(limits: Any) -> None:
    row = quota("p1", limits, {"vms": 5})
    assert near_limit([row]) == [] and [u.limit for u in usages(row)] in ([], [None])


@pytest.mark.parametrize("used", [None, {}])
def test_a_use_that_is_not_told_is_near_nothing(used: Any) -> None:
    assert near_limit([quota("p1", {"vms": 0, "cpu": 1}, used)]) == []


def test_near_is_from_four_fifths_on_nearest_first() -> None:
    rows = [
        quota("edge", {"vms": 10}, {"vms": 8}),
        quota("below", {"vms": 1000}, {"vms": 799}),
        quota("full", {"vms": 4, "cpu": 10}, {"vms": 4, "cpu": 9}),
        quota("empty", {"vms": 0}, {"vms": 0}),
    ]
    assert [(u.project, u.metric, u.share) for u in near_limit(rows)] == [
        ("full", "vms", 1.0),
        ("full", "cpu", 0.9),
        ("edge", "vms", NEAR),
    ]


@pytest.mark.parametrize(("metric", "found"), [("cpu", ["cpu"]), ("memory", ["memory_mib"]), ("vms", []), ("cost", [])])
def test_near_one_metric_only(metric: str, found: list[str]) -> None:
    row = quota("p", {"cpu": 10, "memory_mib": 10, "vms": 10}, {"cpu": 10, "memory_mib": 9, "vms": 1})
    assert [u.metric for u in near_limit([row], metric)] == found


def test_projects_of_one_name_in_two_sources_stay_two() -> None:
    rows = [quota("p", {"vms": 1}, {"vms": 1}), quota("p", {"vms": 1}, {"vms": 1}, "lab-2")]
    assert [u.source for u in near_limit(rows)] == ["lab", "lab-2"]
