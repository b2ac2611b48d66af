"""Whatever the reply, what is sent is what Slack takes, and nothing is missing without a word."""

import re
from typing import Any, get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import formats
from bot.adapters.slack.blocks import Rendered, render
from bot.replies import (
    CellType,
    Choice,
    Choices,
    Column,
    Fields,
    File,
    Freshness,
    Part,
    Progress,
    Reply,
    Table,
    Text,
)
from tests.bot.adapters.samples import HOSTILE, NOW
from tests.bot.adapters.slack.samples import PINGS
from tests.bot.adapters.slack.test_blocks import problems, words

_NASTY = st.sampled_from([*HOSTILE, *PINGS])
_SHORT = st.one_of(_NASTY, st.text(max_size=40), st.text(alphabet="*_~`<>&:@# \n\tab1", max_size=40))
_LONG = st.one_of(_SHORT, st.builds(lambda text, times: text * times, _SHORT, st.integers(1, 400)))
_CELL = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), _SHORT, st.lists(_SHORT, max_size=3), st.just("2026-11-25")
)
_COUNT = st.sampled_from([0, 1, 2, 7, 99, 100, 101, 130])


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width = draw(st.integers(0, 24))
    types = st.sampled_from(get_args(CellType))
    columns = tuple(draw(st.builds(Column, st.just("c"), _SHORT, types)) for _ in range(width))
    rows = draw(st.lists(st.lists(_CELL, min_size=width, max_size=width).map(tuple), max_size=4))
    rows *= draw(st.sampled_from([1, 1, 2, 25, 40]))
    return Table(columns, tuple(rows), len(rows) + draw(st.sampled_from([0, 0, 1, 9_900])), draw(_SHORT))


@st.composite
def many_choices(draw: st.DrawFn) -> Choices:
    some = draw(st.lists(st.builds(Choice, _LONG, _LONG, _SHORT), max_size=4))
    return Choices(tuple(some * draw(_COUNT)), draw(_LONG))


_PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, _LONG, st.sampled_from(["heading", "plain", "note", "warning"])),
    st.builds(Fields, st.lists(st.tuples(_LONG, _LONG), max_size=30).map(tuple), _SHORT),
    tables(),
    many_choices(),
    st.builds(File, _SHORT, st.just("text/csv"), st.sampled_from([b"", b"x"]), st.sampled_from(["", "file-1"])),
    st.builds(Progress, _LONG, st.integers(-5, 500), st.integers(-5, 400), _SHORT),
)
_REPLIES = st.builds(
    Reply,
    st.lists(_PARTS, max_size=8).map(tuple),
    scope=_LONG,
    freshness=st.one_of(st.none(), st.builds(Freshness, st.just(NOW), st.lists(_LONG, max_size=3).map(tuple))),
    demo=st.booleans(),
    private=st.booleans(),
)
_SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_SETTINGS
@given(_REPLIES)
def test_what_is_sent_is_what_slack_takes(reply: Reply) -> None:
    rendered = render(reply, now=NOW)
    assert problems(rendered) == []
    assert 1 <= len(rendered.posts) <= 3


@_SETTINGS
@given(_REPLIES)
def test_nothing_is_missing_without_a_word(reply: Reply) -> None:
    rendered = render(reply, now=NOW)
    read = _squeezed(words(rendered) + "".join(_texts_of(rendered)))
    for part in reply.parts:
        for text in _must_be_there(part):
            assert _squeezed(formats.clean(text, lines=True)) in read
    for table in (part for part in reply.parts if isinstance(part, Table)):
        assert _counted(table, rendered)


def _squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def _texts_of(rendered: Rendered) -> list[str]:
    return [file.content.decode() for file in rendered.files if file.mime.startswith("text/plain")]


def _must_be_there(part: Part) -> list[str]:
    match part:
        case Text(text=text):
            return [text]
        case Fields(pairs=pairs):
            return [value for _, value in pairs]
        case Choices(choices=choices):
            return [choice.label for choice in choices]
        case Progress(label=label, note=note):
            return [label, note]
    return []


def _counted(table: Table, rendered: Rendered) -> bool:
    """Whether the rows of a table that are shown, and those told as more, are its rows."""
    total = table.total
    if any(file.name.startswith("answer") and file.name.endswith(".txt") for file in rendered.files):
        return True  # the text file says how many more
    blocks = [block for post in rendered.posts for block in post.blocks]
    shown = [len(block["rows"]) - 1 for block in blocks if block["type"] == "data_table"]
    shown += [len(text.split("\n")) - 2 for text in _preformatted(rendered)] + [0]
    told = re.findall(rf"([\d,]+) more of {formats.count(total)}\b", words(rendered))
    more = [int(number.replace(",", "")) for number in told] + [0]
    return any(one + other == total for one in shown for other in more)


def _preformatted(rendered: Rendered) -> list[str]:
    blocks = [block for post in rendered.posts for block in post.blocks if block["type"] == "rich_text"]
    elements: list[dict[str, Any]] = [one for block in blocks for one in block["elements"]]
    return [one["elements"][0]["text"] for one in elements if one["type"] == "rich_text_preformatted"]
