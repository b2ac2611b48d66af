"""When cron expressions are due, also in both nights of the clock change, and what is no expression."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.crons import Cron, CronError, read_cron

BERLIN = "Europe/Berlin"


def at(day: str, time: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{time}:00+00:00")


def upcoming(cron: Cron, instant: datetime, count: int) -> list[datetime]:
    return list(itertools.islice(cron.ticks(instant), count))


@pytest.mark.parametrize(
    ("zone", "day_before", "fires"),
    [
        (BERLIN, "2026-03-27", ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]),  # 03:30 in the night
        (BERLIN, "2026-10-23", ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),  # the first 02:30
        ("America/New_York", "2026-03-07", ["2026-03-07T07:30", "2026-03-08T07:30", "2026-03-09T06:30"]),
        ("UTC", "2026-03-28", ["2026-03-28T02:30", "2026-03-29T02:30", "2026-03-30T02:30"]),
    ],
)
def test_half_past_two_is_due_once_in_each_night(zone: str, day_before: str, fires: list[str]) -> None:
    found = upcoming(read_cron("30 2 * * *", zone), at(day_before, "05:00"), 3)
    if zone != BERLIN and day_before == "2026-03-28":
        found = upcoming(read_cron("30 2 * * *", zone), at(day_before, "00:00"), 3)
    assert [f"{due:%Y-%m-%dT%H:%M}" for due in found] == fires


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_what_is_due_every_hour_pauses_and_doubles_in_no_night(day: str) -> None:
    found = upcoming(read_cron("0 * * * *", BERLIN), at(day, "00:00") - timedelta(hours=3), 12)
    assert {later - due for due, later in itertools.pairwise(found)} == {timedelta(hours=1)}


def test_two_times_that_fall_together_in_spring_are_one_tick() -> None:
    found = upcoming(read_cron("30 2,3 * * *", BERLIN), at("2026-03-28", "23:00"), 2)
    assert [f"{due:%d %H:%M}" for due in found] == ["29 01:30", "30 00:30"]


@given(
    st.integers(0, 700 * 1440).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
    st.sampled_from(["30 2 * * *", "*/20 * * * *", "0 2-3 * * 0", "59 1 25 10 *", "0 0 1 * *"]),
    st.sampled_from([BERLIN, "Australia/Lord_Howe", "America/Sao_Paulo", "UTC", "Asia/Kathmandu"]),
)
@settings(max_examples=80, deadline=None)
def test_ticks_come_in_order_whatever_the_start_and_do_not_depend_on_it(start: datetime, cron: str, zone: str) -> None:
    read = read_cron(cron, zone)
    found = upcoming(read, start, 6)
    assert found == sorted(set(found)) and found[0] > start
    assert upcoming(read, found[2], 3) == found[3:]
    assert read.between(start, found[-1], 6) == found


def test_the_latest_of_a_year_of_minutes_is_found_at_once() -> None:
    read, end = read_cron("* * * * *", BERLIN), at("2026-11-30", "12:00")
    assert read.between(end - timedelta(days=365), end, 1) == [end]
    assert len(read.between(end - timedelta(days=365), end, 100)) == 100


@pytest.mark.parametrize(
    ("cron", "zone", "why"),
    [
        ("", "UTC", "five fields"),
        ("* * * *", "UTC", "five fields"),
        ("* * * * * *", "UTC", "five fields"),
        ("@daily", "UTC", "five fields"),
        ("61 * * * *", "UTC", "cannot be read"),
        ("*/0 * * * *", "UTC", "cannot be read"),
        ("0 0 30 2 *", "UTC", "never due"),
        ("R * * * *", "UTC", "cannot be read"),
        ("H H * * *", "UTC", "cannot be read"),
        ("'; DROP TABLE x", "UTC", "five fields"),
        ("$(rm) * * * *", "UTC", "cannot be read"),
        ("1 " * 9999, "UTC", "five fields"),
        ("* * * * *", "Mars/Olympus", "no time zone"),
        ("* * * * *", "", "no time zone"),
        ("* * * * *", "../../etc/passwd", "no time zone"),
        ("* * * * *", "x" * 5000, "no time zone"),
    ],
)
def test_what_is_no_schedule_is_said(cron: str, zone: str, why: str) -> None:
    with pytest.raises(CronError, match=why) as caught:
        read_cron(cron, zone)
    assert len(str(caught.value)) < 300 and caught.value.fix


def test_sunday_is_0_and_7_as_everywhere() -> None:
    for sunday in ("0", "7", "sun"):
        (due,) = upcoming(read_cron(f"0 4 * * {sunday}", "UTC"), at("2026-11-30", "00:00"), 1)
        assert due.weekday() == 6
