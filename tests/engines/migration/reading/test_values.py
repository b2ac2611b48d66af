"""One cell, in every spelling that was met."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.migration.reading.values import UNREADABLE, count, flag, moment, text


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (" web-01 ", "web-01"),
        ("web-01\u00a0", "web-01"),
        ("two\nlines", "two lines"),
        ("\u202eevil\u202c", "evil"),
        ("", None),
        ("  ", None),
        ("N/A", None),
        ("-", None),
        ("n/a", None),
        ("null", None),
        (None, None),
        (12345.0, "12345"),
        (1.5, "1.5"),
        (True, "True"),
        ("NA-server", "NA-server"),
        ("a\x00b", "a b"),
    ],
)
def test_a_text_is_one_clean_line(cell: object, said: str | None) -> None:
    assert text(cell) == said  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (16384.0, 16384),
        ("16384", 16384),
        (" 16384 ", 16384),
        ("16,384", 16384),
        ("16.384", 16384),
        ("16'384", 16384),
        ("16’384", 16384),
        ("16\u00a0384", 16384),
        ("16\u202f384", 16384),
        ("16 384", 16384),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1,63,840", 163840),
        ("-1", -1),
        ("0", 0),
        ("0%", 0),
        ("49 %", 49),
        ("12.5", 12),
        ("1,234.56", 1235),
        ("", None),
        ("-", None),
        ("N/A", None),
        (None, None),
        (True, 1),
    ],
)
def test_a_number_in_any_grouping(cell: object, number: int | None) -> None:
    assert count(cell) == number  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cell",
    ["many", "1,2,3", "--5", "1.234,5.6", "1e9", "0x10", "1" * 50, float("nan"), float("inf"), 1e18, "١٢x", "--5x"],
)
def test_what_is_no_number_is_unreadable_and_not_nothing(cell: object) -> None:
    assert count(cell) is UNREADABLE  # type: ignore[arg-type]


@given(st.integers(-(10**14), 10**14), st.sampled_from([",", ".", "'", "’", " ", "\u00a0", "\u202f"]))
def test_grouping_never_changes_a_number(number: int, sign: str) -> None:
    assert count(f"{number:,}".replace(",", sign)) == number
    assert count(str(number)) == number
    assert count(float(number)) == number


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_error(cell: str) -> None:
    for parse in (text, count, flag, moment):
        parse(cell)
    assert isinstance(count(cell), int) or count(cell) in (None, UNREADABLE)


@pytest.mark.parametrize("cell", ["True", "TRUE", "true", True, 1.0, 1, "1", "Yes", " yes "])
def test_true(cell: object) -> None:
    assert flag(cell) is True  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ["False", "FALSE", "false", False, 0.0, 0, "0", "No"])
def test_false(cell: object) -> None:
    assert flag(cell) is False  # type: ignore[arg-type]


def test_a_blank_truth_value_is_a_state_of_its_own() -> None:
    assert flag("") is None and flag("N/A") is None and flag("perhaps") is UNREADABLE


@pytest.mark.parametrize(
    "cell",
    [
        datetime(2018, 3, 19, 14, 46, 51),  # noqa: DTZ001 - as the reader gives it
        "2018/03/19 14:46:51",
        "2018-03-19T14:46:51",
        "2018-03-19T14:46:51Z",
        "2018-03-19T15:46:51+01:00",
        "19.03.2018 14:46:51",
        "3/19/2018 2:46:51 PM",
        43178.61586805556,
    ],
)
def test_a_time_in_every_form(cell: object) -> None:
    assert moment(cell) == datetime(2018, 3, 19, 14, 46, 51, tzinfo=UTC)  # type: ignore[arg-type]


def test_days_serials_and_nonsense() -> None:
    assert moment(date(2020, 1, 2)) == datetime(2020, 1, 2, tzinfo=UTC)
    assert moment("14.09.2026 06:30") == datetime(2026, 9, 14, 6, 30, tzinfo=UTC)
    assert moment("46279.5") == datetime(2026, 9, 14, 12, tzinfo=UTC)
    assert moment("") is None and moment("N/A") is None
    assert moment("yesterday") is UNREADABLE and moment(-5.0) is UNREADABLE and moment("9" * 60) is UNREADABLE
