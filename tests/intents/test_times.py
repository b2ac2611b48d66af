"""Times: what people say, in both directions; and never a crash or an upside-down window."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intents.times import find_times, iso, merge
from intents.tokens import clean, tokenize, word_set

CLOCKS = st.integers(315_532_800, 3_700_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)  # a Sunday
WORDS = sorted(
    word_set(
        "since until from to between and in the last past 3 24 two hours days weeks months yesterday today monday "
        "friday on at 8 8:30 pm noon 3 nov november 2026-11-03 3.11. this next month week ago before after 31 feb 30.2."
    )
)


def window(said: str, future: bool = False, now: datetime = NOW) -> tuple[str | None, str | None]:
    since, until = merge(find_times(tokenize(clean(said)), now, future))
    return (iso(since) if since else None), (iso(until) if until else None)


@pytest.mark.parametrize(
    ("said", "since", "until"),
    [
        ("since monday", "2026-11-16T00:00:00Z", None),
        ("in the last 24 hours", "2026-11-21T09:00:00Z", None),
        ("past 24h", "2026-11-21T09:00:00Z", None),
        ("yesterday", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("from yesterday", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("yesterday at 14:30", "2026-11-21T14:30:00Z", "2026-11-21T14:30:00Z"),
        ("between 6 and 8", "2026-11-22T06:00:00Z", "2026-11-22T08:00:00Z"),
        ("between monday and wednesday", "2026-11-16T00:00:00Z", "2026-11-19T00:00:00Z"),
        ("on 3 nov", "2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z"),
        ("on the 3rd of november", "2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z"),
        ("since 24.12.", "2025-12-24T00:00:00Z", None),
        ("this month", "2026-11-01T00:00:00Z", None),
        ("last month", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("last week", "2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z"),
        ("in october", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("in december", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("last friday", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"),
        ("3 days ago", "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z"),
        ("14 days", "2026-11-08T09:00:00Z", None),
        ("since 2026-11-03 14:00", "2026-11-03T14:00:00Z", None),
        ("from 3 nov to 7 nov", "2026-11-03T00:00:00Z", "2026-11-07T00:00:00Z"),
        ("today", "2026-11-22T00:00:00Z", None),
        ("plugins updated 20.11", None, None),
        ("10 largest volumes", None, None),
        ("on 31 february", None, None),
    ],
)
def test_what_was(said: str, since: str | None, until: str | None) -> None:
    assert window(said) == (since, until)


@pytest.mark.parametrize(
    ("said", "since", "until"),
    [
        ("until monday 8:00", None, "2026-11-23T08:00:00Z"),
        ("till 1 december", None, "2026-12-01T00:00:00Z"),
        ("from friday 18:00 until monday 30.11. 6:00", "2026-11-27T18:00:00Z", "2026-11-30T06:00:00Z"),
        ("until tomorrow noon", None, "2026-11-23T12:00:00Z"),
        ("until 6 am", None, "2026-11-23T06:00:00Z"),
    ],
)
def test_what_will_be(said: str, since: str | None, until: str | None) -> None:
    assert window(said, future=True) == (since, until)


def test_months_end_where_they_end() -> None:
    assert window("in the last 1 month", now=datetime(2026, 3, 31, 9, tzinfo=UTC))[0] == "2026-02-28T09:00:00Z"
    assert window("last month", now=datetime(2026, 1, 15, tzinfo=UTC)) == (
        "2025-12-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
    )


@given(
    st.lists(st.sampled_from(WORDS), max_size=9),
    CLOCKS,
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_no_mixture_of_time_words_crashes(words: list[str], now: datetime, future: bool) -> None:
    tokens = tokenize(clean(" ".join(words)))
    spans = find_times(tokens, now, future)
    assert all(0 <= a.start < a.end <= len(tokens) for a in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))


@given(
    st.integers(1, 400),
    st.sampled_from(["hours", "days", "weeks"]),
    CLOCKS,
)
@settings(deadline=None)
def test_the_last_n_units_reach_back_n_units(count: int, unit: str, now: datetime) -> None:
    since, until = merge(find_times(tokenize(f"in the last {count} {unit}"), now))
    assert (since, until) == (now - timedelta(**{unit: count}), None)


@given(st.dates(date(2001, 1, 1), date(2026, 11, 21)))
@settings(deadline=None)
def test_an_iso_date_is_its_day(day: date) -> None:
    assert window(f"on {day}")[0] == f"{day}T00:00:00Z"


@pytest.mark.parametrize(
    ("said", "since", "until"),
    [
        ("since half past seven", "2026-11-22T07:30:00Z", None),
        ("since quarter to nine in the morning", "2026-11-22T08:45:00Z", None),
        ("since seven o'clock", "2026-11-22T07:00:00Z", None),
        ("since 8 in the evening", "2026-11-21T20:00:00Z", None),
        ("from july to september", "2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z"),
        ("from friday's snapshot", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"),
        ("yesterday between 14:00 and 16:00", "2026-11-21T14:00:00Z", "2026-11-21T16:00:00Z"),
    ],
)
def test_hours_as_they_are_spoken(said: str, since: str, until: str | None) -> None:
    spans = find_times(tokenize(said), datetime(2026, 11, 22, 9, tzinfo=UTC))
    found = merge(spans)
    assert (found[0] and iso(found[0]), found[1] and iso(found[1])) == (since, until)
