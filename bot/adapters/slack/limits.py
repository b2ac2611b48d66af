"""What Slack takes: the numbers and where they come from, and how text is measured, cut and split by them.

Lengths are UTF-16 units, as Slack's own JavaScript counts them (an emoji is two), and of what is sent: `&lt;` is four.
Numbers without a source beside them stand in slack_sdk 3.48 (`models/blocks`) and in slackblocks 3.0 (`_limits.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

Block = dict[str, Any]

BLOCKS = 50  # docs.slack.dev/reference/block-kit/blocks
ALL_BLOCKS = 13_200  # characters of one message; undocumented, seen in github.com/slackapi/bolt-js/issues/2509
MESSAGE_TEXT = 4_000  # recommended; cut at 40,000
SECTION_TEXT = 3_000
SECTION_FIELDS = 10
FIELD_TEXT = 2_000
HEADER = 150
ACTIONS = 25
BUTTON_TEXT = 75
LINK = 3_000
BUTTON_VALUE = 2_000
OPTIONS = 100
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTION_HINT = 75
PLACEHOLDER = 150
TABLE_ROWS = 100  # without the header; docs.slack.dev/reference/block-kit/blocks/data-table-block
TABLE_COLUMNS = 20  # same page
TABLE_TEXT = 10_000  # all cells; the page of 2026-05, newer ones say 20,000
TABLE_JSON = 20_000  # all cells as JSON, the strictest way to count the newer number
MODAL_TITLE = 24
METADATA = 3_000
INPUT_LABEL = 2_000
INPUT_TEXT = 3_000

# Ours, below Slack's: a reply is one card where that can be, and the file has the rest.
POST = ALL_BLOCKS - 200
MOST_POSTS = 3
CELL = 200
FIELD_VALUE = 120  # a longer value goes over the whole width
CAPTION = 150

_NAMES = frozenset({"type", "action_id", "block_id", "style", "callback_id"})


def length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int) -> str:
    """At most `most` units, with an ellipsis where something is left out."""
    return text if length(text) <= most else _first(text, most - 1).rstrip() + "…"


def _first(text: str, most: int) -> str:
    """The start of a text; a character of two units is never halved."""
    head = text[: max(most, 0)]
    if not head.isascii():
        ends = accumulate(2 if ord(char) > 0xFFFF else 1 for char in head)
        head = head[: sum(end <= most for end in ends)]
    return head


def split(text: str, most: int) -> list[str]:
    """The whole text in pieces of at most `most` units: between lines, else between words, else anywhere."""
    pieces: list[str] = []
    begin = 0
    while begin < len(text):
        head = _first(text[begin : begin + most], most) or text[begin]
        ends_here = begin + len(head) == len(text)
        at = len(head) if ends_here else _break(head)
        pieces.append(head[:at])
        begin += at + (0 if ends_here or at == len(head) else 1)
    return [piece for piece in pieces if piece.strip()]


def _break(head: str) -> int:
    """Where to end a piece: at the last line's end if that is in its second half, else at the last space, if any."""
    line = head.rfind("\n")
    at = line if line >= len(head) // 2 else max(line, head.rfind(" "), head.rfind("\t"))
    return at if at > 0 else len(head)


def weigh(blocks: Iterable[Mapping[str, Any]]) -> int:
    """All that counts for ALL_BLOCKS: every text in the blocks, values too, though Slack may count less."""
    return sum(_weight(block) for block in blocks)


def _weight(value: object) -> int:
    if isinstance(value, str):
        return length(value)
    if isinstance(value, Mapping):
        return sum(_weight(one) for name, one in value.items() if name not in _NAMES)
    return sum(_weight(one) for one in value) if isinstance(value, Sequence) else 0
