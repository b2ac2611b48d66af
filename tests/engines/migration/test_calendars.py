"""Working hours, days off, and clocks that are changed."""

from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import pytest

from engines.migration.calendars import Calendar
from engines.migration.opening import Opening

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
_H = 3600.0


def first(calendar: Calendar, count: int) -> list[tuple[float, float]]:
    return [(begin / _H, end / _H) for begin, end in islice(calendar.windows(), count)]


def test_hours_of_a_working_week() -> None:
    calendar = Calendar(MONDAY, 8, 18, frozenset(range(5)))
    assert first(calendar, 6) == [(8, 18), (32, 42), (56, 66), (80, 90), (104, 114), (176, 186)]


def test_a_day_off_is_left_away() -> None:
    calendar = Calendar(MONDAY, 8, 18, blackout=frozenset({date(2026, 12, 1)}))
    assert first(calendar, 2) == [(8, 18), (56, 66)]


def test_days_that_are_worked_through_are_one_window() -> None:
    assert first(Calendar(MONDAY, weekdays=frozenset({0, 1, 3})), 2) == [(0, 48), (72, 96)]
    assert first(Calendar(MONDAY), 1)[0][0] == 0


def test_a_start_within_a_window_cuts_it() -> None:
    assert first(Calendar(MONDAY.replace(hour=10), 8, 18), 2) == [(0, 8), (22, 32)]
    assert first(Calendar(MONDAY.replace(hour=20), 8, 18), 1) == [(12, 22)]


def test_the_hours_are_those_of_the_zone_on_the_day_that_the_clock_is_changed() -> None:
    start = datetime(2027, 3, 27, tzinfo=UTC)  # on the 28th Berlin goes from +1 to +2
    calendar = Calendar(start, 8, 18, zone="Europe/Berlin")
    assert first(calendar, 2) == [(7, 17), (30, 40)]


@pytest.mark.parametrize(
    "more",
    [
        {"start": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"from_hour": 18, "to_hour": 8},
        {"from_hour": 8, "to_hour": 8},
        {"to_hour": 25},
        {"weekdays": frozenset()},
        {"weekdays": frozenset({7})},
        {"zone": "Nowhere/Else"},
    ],
)
def test_a_calendar_that_cannot_be(more: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError)):
        Calendar(**{"start": MONDAY, **more})


def test_an_opening_turns_at_its_edges() -> None:
    opening = Opening(Calendar(MONDAY, 8, 18), any_time=False)
    assert not opening.is_open and opening.next_change() == 8 * _H and opening.left(0) == 0
    assert opening.turn(8 * _H) and opening.is_open and opening.left(9 * _H) == 9 * _H
    assert not opening.turn(18 * _H) and not opening.is_open and opening.longest == 10 * _H
    assert Opening(Calendar(MONDAY, weekdays=frozenset({5, 6})), any_time=False).longest == 48 * _H
    assert Opening(Calendar(MONDAY, 8, 18), any_time=True).is_open


def test_a_calendar_without_a_day_leaves_no_time() -> None:
    every = frozenset(
        date.fromordinal(day) for day in range(date(2026, 1, 1).toordinal(), date(2048, 1, 1).toordinal())
    )
    with pytest.raises(ValueError, match="no time"):
        Opening(Calendar(MONDAY, blackout=every), any_time=False)
