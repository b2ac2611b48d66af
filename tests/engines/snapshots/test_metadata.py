"""What metadata say, whoever wrote them; what cannot be read is told."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.snapshots.metadata import (
    LONGEST,
    for_snapshot,
    read_snapshot,
    read_volume,
    with_policy,
    without_policy,
)

_KEY = re.compile(r"[a-zA-Z0-9\-_:. ]{1,255}")  # what Cinder accepts


def test_the_reference_products_keys_are_read() -> None:
    said = read_volume({
        "auto_snapshot": "Yes", "snapshot_policies": "daily_5, monthly_1st", "retention_daily_5": "9",
        "snapshot_retention_monthly_1st": "2", "retention": "4", "sla_days": "3",
    })  # fmt: skip
    assert said.policies == ("daily_5", "monthly_1st") and not said.off and not said.problems
    assert [said.keeps(name) for name in ("daily_5", "monthly_1st", "weekly_4")] == [9, 2, 4]
    assert said.sla_days == 3


def test_the_old_single_policy_counts_only_when_the_list_is_empty() -> None:
    assert read_volume({"auto_snapshot": "1", "snapshot_policy": "daily_5"}).policies == ("daily_5",)
    both = {"auto_snapshot": "1", "snapshot_policy": "daily_5", "snapshot_policies": "weekly_4"}
    assert read_volume(both).policies == ("weekly_4",)


@pytest.mark.parametrize("value", ["false", "No", "0", "OFF"])
def test_switched_off_is_off(value: str) -> None:
    assert read_volume({"auto_snapshot": value, "stackhand_policies": "daily_5"}).off


@pytest.mark.parametrize("key", ["stackhand_policies", "stackhand:policies"])
def test_our_own_keys_need_no_switch(key: str) -> None:
    assert read_volume({key: "daily_5", "stackhand_retention_daily_5": "7"}).keeps("daily_5") == 7
    assert read_volume({"stackhand_opt_out": "true", key: "daily_5"}).off


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"auto_snapshot": "ture", "snapshot_policies": "daily_5"}, "auto_snapshot is 'ture'"),
        ({"auto_snapshot": "1", "snapshot_policies": "daily_5", "retention_daily_5": "many"}, "retention_daily_5"),
        ({"retention": "-3"}, "retention is '-3'"),
        ({"retention": "9" * 40}, "not a number from 1 to"),
        ({"sla_days": "٣"}, "sla_days"),
        ({"stackhand_policies": "daily_5,../../x"}, "not the name of a policy"),
        ({"snapshot_policies": "daily_5"}, "auto_snapshot is not set"),
    ],
)
def test_what_cannot_be_read_is_told_and_not_guessed(metadata: dict[str, str], told: str) -> None:
    said = read_volume(metadata)
    assert any(told in str(problem) for problem in said.problems)
    assert "retention_daily_5" not in metadata or said.keeps("daily_5") is None
    assert "ture" not in metadata.values() or not said.policies


@given(st.dictionaries(st.text(max_size=40), st.one_of(st.text(max_size=80), st.integers(), st.none()), max_size=8))
def test_nothing_that_a_cloud_holds_breaks_it(metadata: dict[str, object]) -> None:
    read_volume(metadata)
    read_snapshot(metadata)


def test_what_a_policy_writes_is_what_it_reads_and_takes_back() -> None:
    held = {"name": "x", "auto_snapshot": "true", "snapshot_policies": "daily_5,weekly_4", "retention_weekly_4": "2"}
    new = held | with_policy(held, "monthly_1st", 6)
    assert read_volume(new).policies == ("monthly_1st", "daily_5", "weekly_4")
    assert read_volume(new).keeps("monthly_1st") == 6
    values, gone = without_policy(new, "weekly_4")
    left = {key: value for key, value in (new | values).items() if key not in gone}
    assert read_volume(left).policies == ("monthly_1st", "daily_5") and "retention_weekly_4" not in left


def test_more_policies_than_a_value_can_hold_are_refused() -> None:
    held: dict[str, str] = {}
    with pytest.raises(ValueError, match="longer than 255"):
        for number in range(1, 40):
            held |= with_policy(held, f"daily_{number}", None)


@given(st.text(max_size=400), st.text(max_size=60))
def test_what_is_written_is_what_cinder_takes(by: str, volume: str) -> None:
    told = for_snapshot(key="k", policy="daily_5", run="JOB-1", volume_id=volume, project_id="p", by=by)
    assert all(_KEY.fullmatch(key) and len(value) <= LONGEST for key, value in told.items())
    made = read_snapshot(told)
    assert made.automatic and made.ours and made.policy == "daily_5"


def test_who_made_a_snapshot() -> None:
    assert read_snapshot({"created_by": "p9_auto_snapshots", "policy": "daily_5"}).automatic
    assert not read_snapshot({"created_by": "somebody", "policy": "daily_5"}).automatic
    assert not read_snapshot({"stackhand_key": "k"}).automatic
    assert not read_snapshot({}).automatic
