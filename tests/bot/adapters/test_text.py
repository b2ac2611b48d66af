from dataclasses import replace

import pytest
from rich.cells import cell_len

from bot.adapters.text import choices_of, render
from bot.replies import Bar, Chart, Choice, Choices, Column, Reply, Table
from tests.bot.adapters.samples import HOSTILE, NOW, SAMPLES, check_golden


@pytest.mark.parametrize("name", SAMPLES)
def test_a_reply_as_text_is_as_kept(name: str) -> None:
    check_golden(f"text/{name}.txt", render(SAMPLES[name], NOW))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_table_never_is_wider_than_the_terminal(width: int) -> None:
    text = render(SAMPLES["count"], NOW, width=width)
    rows = [line for line in text.splitlines() if line.startswith(("name", "db-02", "web-1", "new", "─"))]
    assert len(rows) == 5 and max(map(cell_len, rows)) <= width


def test_columns_that_do_not_fit_are_named() -> None:
    text = render(SAMPLES["count"], NOW, width=40)
    assert "4 more columns: disk, CPU, tags, locked" in text


@pytest.mark.parametrize(
    ("given", "total", "words"),
    [
        (0, 0, "no rows"),
        (1, 1, ""),
        (100, 100, ""),
        (101, 101, "1 more of 101"),
        (150, 10_000, "9900 more of 10,000"),
    ],
)
def test_no_row_is_left_out_silently(given: int, total: int, words: str) -> None:
    table = Table((Column("n", "n", "int"),), tuple((n,) for n in range(given)), total)
    text = render(Reply((table,)), NOW)
    assert words in text if words else "more" not in text


def test_nothing_in_hostile_data_reaches_the_terminal_as_a_command() -> None:
    text = render(SAMPLES["hostile"], NOW)
    assert not [c for c in text if (ord(c) < 32 and c != "\n") or c in "\x7f\x9b\u202e\u202c\u200e\u200f"]
    text.encode("utf-8")  # a lone surrogate would raise
    assert "\u0301" * 4 not in text


def test_choices_are_numbered_through_and_found_by_their_number() -> None:
    replies = [Reply((Choices((Choice("a", "say a"), Choice("b", "say b"))), Choices((Choice("c", "say c"),))))]
    assert "  3) c" in render(replies[0], NOW)
    assert "  7) c" in render(replies[0], NOW, first_choice=5)
    assert choices_of(replies * 2) == ["say a", "say b", "say c"] * 2


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5.0, 0.0, 1e300])
def test_strange_values_are_drawn(value: float) -> None:
    assert "odd" in render(Reply((Chart("odd", (Bar("a", value), Bar("b", 1, value))),)), NOW)


def test_demo_is_said_whatever_else_is_known() -> None:
    bare = replace(SAMPLES["hostile"], parts=(), scope="", freshness=None)
    assert render(bare, NOW).strip() == "DEMO"
    assert HOSTILE[0] in render(SAMPLES["hostile"], NOW)
