import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import formats
from bot.adapters.slack import escaping, limits
from tests.bot.adapters.slack.checker import units


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("@here", "@\u2060here"),
        ("#general", "#\u2060general"),
        ("*bold* move", "∗bold∗ move"),
        ("_it_", "＿it＿"),
        ("daily_5", "daily_5"),
        ("a*b", "a*b"),
        ("~x~", "∼x∼"),
        ("`rm`", "ˋrmˋ"),
        (":fire:", "꞉fire:"),
        ("10:04 UTC", "10:04 UTC"),
        ("> quote", "› quote"),
        ("http://e", "http:\u2060//e"),
        ("&lt;", "&amp;lt;"),
        ("two\nlines", "two lines"),
    ],
)
def test_a_look_alike_stands_where_mrkdwn_would_read(name: str, shown: str) -> None:
    assert escaping.literal(name) == shown


@pytest.mark.parametrize("value", ["db-02", "10.20.0.22\n203.0.113.9", "a < b & c", "daily_5", "2026-11-25 10:04 UTC"])
def test_a_usual_value_stands_beside_its_label_as_it_is(value: str) -> None:
    assert escaping.is_literal(value)
    text = escaping.pair("name", value)["text"]
    assert text.partition("\n")[2].replace("&lt;", "<").replace("&amp;", "&") == value


@pytest.mark.parametrize("value", ["*a*", "ann@example.com", "fe80::1:2:3", "x\n> quote", "see http://e", "`x`"])
def test_a_value_that_would_be_read_does_not(value: str) -> None:
    assert not escaping.is_literal(value)


@given(st.text(), st.integers(20, 80))
def test_nothing_is_longer_than_asked_or_ends_within_an_entity(text: str, most: int) -> None:
    clean = formats.clean(text * 9)
    for shown in (escaping.escaped(clean, most), escaping.notification(clean, most)):
        assert units(shown) <= most
        assert all(rest.startswith(("amp;", "lt;", "gt;")) for rest in shown.split("&")[1:])
    assert escaping.plain(text, most)["text"]


_ANY = st.one_of(st.text(), st.text(st.characters()), st.text("ab \n\t😀\ud800\u2028"))


@given(_ANY, st.integers(2, 40))
def test_a_split_text_is_whole_and_no_piece_too_long(text: str, most: int) -> None:
    pieces = limits.split(text, most)
    assert all(0 < units(piece) <= most for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(_ANY, st.integers(1, 30))
def test_a_cut_text_fits_and_says_that_it_is_cut(text: str, most: int) -> None:
    shown = limits.cut(text, most)
    assert units(shown) <= most
    assert shown == text or shown.endswith("…")
    assert limits.length(text) == units(text)


def test_a_split_keeps_lines_and_words_where_it_can() -> None:
    assert limits.split("one two\nthree four", 12) == ["one two", "three four"]
    assert limits.split("one two three", 9) == ["one two", "three"]
    assert limits.split("x" * 10, 4) == ["xxxx", "xxxx", "xx"]
    assert limits.split(" \n ", 4) == [] and limits.split("😀😀😀", 5) == ["😀😀", "😀"]
