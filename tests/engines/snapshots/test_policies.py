"""Policies told by their names, custom ones, and their calendars."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.snapshots.calendars import Calendar, CalendarError, checked
from engines.snapshots.policies import of_custom, told_by_name

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def at(day: int, hour: int = 2, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "keep", "last", "following", "period"),
    [
        ("daily_5", 5, at(24), at(25), timedelta(days=1)),
        ("hourly_24", 24, at(24, 12), at(24, 13), timedelta(hours=1)),
        ("monthly_1st", 3, at(1, 4), at(1, 4, 12), timedelta(days=31)),
        ("monthly_15th", 3, at(15, 4), at(15, 4, 12), timedelta(days=31)),
        ("weekly_4", 4, at(22, 3), at(29, 3), timedelta(days=7)),
        ("weekly_wed", 4, at(18, 3), at(25, 3), timedelta(days=7)),
        ("weekly", 4, at(22, 3), at(29, 3), timedelta(days=7)),
        ("weekly_sunday", 4, at(22, 3), at(29, 3), timedelta(days=7)),
    ],
)
def test_a_name_tells_its_policy(name: str, keep: int, last: datetime, following: datetime, period: timedelta) -> None:
    policy = told_by_name(name)
    assert policy is not None and policy.retention == keep
    assert (policy.last_due(NOW), policy.calendar.next(NOW)) == (last, following)
    assert policy.period(NOW) == period


@pytest.mark.parametrize("name", ["daily", "daily_0", "daily_1001", "daily_-1", "weekly_xyz", "monthly_2nd", ""])
def test_other_names_tell_none(name: str) -> None:
    assert told_by_name(name) is None


def test_policies_are_found_by_what_people_say() -> None:
    policies = of_custom([("nightly_gold", "30 1 * * *", "Europe/Berlin", 14)])
    for said in ("nightly_gold", "Nightly Gold", "nightly-gold"):
        found = policies.find(said)
        assert found is not None and found.name == "nightly_gold" and found.custom
    assert policies.find("Daily 5") == told_by_name("daily_5")
    assert policies.find("nothing") is None


def test_a_custom_policy_is_due_in_its_own_zone_in_both_nights_of_the_clock_change() -> None:
    calendar = Calendar("30 1 * * *", "Europe/Berlin")
    assert calendar.next(datetime(2026, 7, 1, tzinfo=UTC)) == datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert calendar.next(datetime(2026, 11, 1, tzinfo=UTC)) == datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
    for night in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        fires = [one for one, _ in zip(calendar.fires(night), range(2), strict=False)]
        assert timedelta(hours=22) <= fires[1] - fires[0] <= timedelta(hours=26)


def test_monthly_1st_is_due_only_on_the_1st_of_the_zone() -> None:
    policy = told_by_name("monthly_1st")
    assert policy is not None
    tick = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    assert not policy.due_on(tick) and policy.due_on(tick, "Europe/Berlin")


@pytest.mark.parametrize(
    ("cron", "zone", "words"),
    [
        ("0 2 * *", "UTC", "4 fields"),
        ("61 2 * * *", "UTC", "cannot be read"),
        ("0 2 * * *", "Mars/Base", "no time zone"),
        ("0 2 * * *", "../../etc", "cannot be read"),
        ("0 0 30 2 *", "UTC", "never due"),
        ("", "UTC", "0 fields"),
        ("a b c d e", "UTC", "cannot be read"),
    ],
)
def test_a_calendar_that_means_nothing_is_said(cron: str, zone: str, words: str) -> None:
    with pytest.raises(CalendarError, match=words):
        checked(cron, zone)


@pytest.mark.parametrize(("day", "name"), [("0", "sun"), ("7", "sun"), ("1", "mon"), ("1-5", "mon-fri"), ("*", "*")])
def test_weekdays_are_written_by_name_as_crontab_counts_them(day: str, name: str) -> None:
    assert checked(f"0 2 * * {day}").cron == f"0 2 * * {name}"


@given(st.sampled_from(["daily_5", "hourly_24", "weekly_4", "monthly_1st"]), st.integers(0, 6 * 365 * 24 * 60))
def test_last_and_next_lie_around_now_within_a_period(name: str, minutes: int) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    policy = told_by_name(name)
    assert policy is not None
    last, following = policy.last_due(now), policy.calendar.next(now)
    assert last is not None and following is not None
    assert last <= now < following and following - last <= policy.period(now)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 2 * * *", "every day at 02:00 UTC"), ("0 * * * *", "every hour at minute 0"),
        ("0 3 * * sun", "every Sunday at 03:00 UTC"), ("30 4 15 * *", "on day 15 of the month at 04:30 UTC"),
        ("*/5 2 * * *", "*/5 2 * * * UTC"), ("0 2 1 1 *", "0 2 1 1 * UTC"), ("0 2 1 * mon", "0 2 1 * mon UTC"),
        ("0 3 * * 1-5", "0 3 * * 1-5 UTC"), ("", " UTC"),
    ],
)  # fmt: skip
def test_a_calendar_in_words(cron: str, words: str) -> None:
    assert Calendar(cron).words == words
