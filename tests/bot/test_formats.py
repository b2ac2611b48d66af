from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import formats
from bot.replies import CellType, Freshness, Reply

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "type_", "shown"),
    [
        (None, "text", "—"),
        (None, "int", "—"),
        (0, "int", "0"),
        (8080, "int", "8080"),
        (1234567, "int", "1,234,567"),
        (2.5, "float", "2.5"),
        (float("nan"), "float", "—"),
        (float("inf"), "percent", "—"),
        (12.5, "percent", "12.5 %"),
        (100.0, "percent", "100 %"),
        (65536, "mib", "64 GiB"),
        (1536, "mib", "1.5 GiB"),
        (512, "mib", "512 MiB"),
        (0, "gib", "0 B"),
        (1536, "gib", "1.5 TiB"),
        (1023, "bytes", "1023 B"),
        (1024, "bytes", "1 KiB"),
        (2**80, "bytes", "1,048,576 EiB"),
        (True, "flag", "yes"),
        (False, "flag", "no"),
        (["a", "b"], "list", "a, b"),
        ([], "list", "none"),
        ("2026-11-22T09:00:00Z", "time", "2026-11-22 09:00 UTC (3 days ago)"),
        ("2026-11-22T11:00:00+02:00", "time", "2026-11-22 09:00 UTC (3 days ago)"),
        ("2026-11-25T12:00:00", "time", "2026-11-25 12:00 UTC (in 3 h)"),
        ("0001-01-01T00:00:00+14:00", "time", "0001-01-01T00:00:00+14:00"),
        ("yesterday", "time", "yesterday"),
        ("many", "int", "many"),
        (True, "int", "True"),
        ({"a": 1}, "text", "{'a': 1}"),
    ],
)
def test_cells(value: Any, type_: CellType, shown: str) -> None:
    assert formats.format_cell(value, type_, NOW) == shown


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=3, seconds=59), "3 min"),
        (timedelta(hours=4, minutes=12), "4 h 12 min"),
        (timedelta(hours=4), "4 h"),
        (timedelta(hours=31), "31 h"),
        (timedelta(days=2), "2 days"),
        (timedelta(days=59), "59 days"),
        (timedelta(days=365), "12 months"),
        (timedelta(days=800), "2 years"),
    ],
)
def test_ages(span: timedelta, words: str) -> None:
    assert formats.age(span) == words


@given(st.text())
def test_cleaned_text_holds_no_command_and_can_be_written(text: str) -> None:
    cleaned = formats.clean(text)
    cleaned.encode("utf-8")
    assert not set(cleaned) & set("\x00\x07\x1b\n\r\t\x7f\x9b\u200e\u200f\u202a\u202b\u202d\u202e\u2066\u2069\ufeff")
    assert formats.clean(cleaned) == cleaned


@pytest.mark.parametrize("text", ["résumé", "日本語", "👩‍👩‍👧", "שלום", "a  b", "می‌خواهم"])
def test_honest_text_is_left_alone(text: str) -> None:
    assert formats.clean(text) == text


@given(st.text(max_size=400))
def test_file_names_are_one_part_of_a_path(name: str) -> None:
    kept = formats.file_name(name)
    assert kept and not set(kept) & set('/\\\0\n:*?"<>|') and kept[0] != "." and len(kept) <= 141


@pytest.mark.parametrize(
    ("fresh", "scope", "words"),
    [
        (None, "", ""),
        (None, "pcd-1", "pcd-1"),
        (Freshness(NOW - timedelta(minutes=3)), "pcd-1", "pcd-1 · 3 min old"),
        (Freshness(None), "pcd-1", "pcd-1 · age of the data unknown"),
    ],
)
def test_footing(fresh: Freshness | None, scope: str, words: str) -> None:
    assert formats.footing(Reply((), scope=scope, freshness=fresh), NOW) == words


@pytest.mark.parametrize(
    ("value", "limit", "full"),
    [
        (1, None, "fine"),
        (84, 100, "fine"),
        (85, 100, "near"),
        (100, 100, "over"),
        (101, 100, "over"),
        (0, 0, "fine"),
        (1, 0, "over"),
    ],
)
def test_fullness(value: float, limit: float | None, full: str) -> None:
    assert formats.fullness(value, limit) == full


def test_sorting_puts_times_by_moment_and_text_without_case() -> None:
    later, sooner = "2026-11-22T10:00:00Z", "2026-11-22T11:00:00+02:00"
    assert float(formats.sort_value(later, "time")) > float(formats.sort_value(sooner, "time"))
    assert formats.sort_value("WEB", "text") == formats.sort_value("web", "text")
    assert formats.sort_value(None, "int") == formats.sort_value("many", "int") == ""
