"""Modals: a question in a window, what was wrong with an answer, and what is said when something fails in one.

What was typed comes back under block `words`, action `words`; `private_metadata` is carried through as it is given.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from bot import formats
from bot.adapters.slack import elements, escaping, limits
from bot.adapters.slack.limits import Block
from bot.deciding import BY_NAME, RENAME
from bot.replies import Reply, Secret, Text

WORDS = "words"
Purpose = Literal["ask", "feedback", "reason"]


def ask_modal(metadata: str, *, typed: str = "") -> dict[str, Any]:
    """A free question; `typed` stands in the field already. Raises ValueError for metadata over METADATA units."""
    field = _field("Your question", "which volumes have no snapshot?", typed)
    return _form("ask", "Ask Stackhand", "Ask", metadata, [field])


def feedback_modal(metadata: str, *, said: str = "") -> dict[str, Any]:
    """What was wrong with the answer to `said`. Raises ValueError for metadata over METADATA units."""
    about = elements.context(
        f"About: {limits.cut(formats.clean(said), limits.FIELD_TEXT // 2)}" if said.strip() else ""
    )
    field = _field("What was wrong with the answer?", "db-02 is not in it", "")
    return _form("feedback", "A wrong answer", "Send", metadata, [*about, field])


_DECISIONS: Mapping[str, tuple[str, str, str, str, str]] = MappingProxyType(
    {
        "deny": ("Deny the request", "Deny", "Others are told the reason.", "Why?",
                 "the change freeze holds until Monday"),
        "break_glass": ("Decide alone", "Decide", "It is recorded, and posted to those who could approve.", "Why?",
                        "nobody else can be reached, and the shop is down"),
        BY_NAME: ("Approve it by its name", "Approve", "Look at the card again: it has a reason to ask.",
                  "The name, letter by letter as the card shows it", "db-02"),
        RENAME: ("Another name", "Show the plan", "Nothing is asked for yet.", "Name of the new VM", "db-02-test"),
    }
)  # fmt: skip
"""By the verb of a button: title, what sends it, a note, the question, an example."""


def decision_modal(metadata: str, *, verb: str) -> dict[str, Any]:
    """What a button asks before it counts: a reason, or a name. Raises ValueError for metadata over METADATA units."""
    title, send, note, question, example = _DECISIONS[verb]
    field = _field(question, example, "", multiline=verb in ("deny", "break_glass"))
    return _form("reason", title, send, metadata, [*elements.context(note), field])


def error_view(what: str, fix: str) -> dict[str, Any]:
    """What went wrong and what to do now; it has nothing to send."""
    blocks = [*elements.told(limits.cut(formats.clean(fix, lines=True), limits.FIELD_TEXT), lead="⚠️ " + _short(what))]
    return {
        "type": "modal",
        "callback_id": "error",
        "title": escaping.plain("That did not work", limits.MODAL_TITLE),
        "close": escaping.plain("Close", limits.MODAL_TITLE),
        "blocks": blocks,
    }


def waiting_view() -> dict[str, Any]:
    """What is seen until there is something to show."""
    return _shown([*elements.context("A moment …")])


def secret_view(reply: Reply) -> dict[str, Any]:
    """A reply with a secret, for the one person who has the window open: it is no message, and nothing keeps it."""
    blocks: list[Block] = []
    for part in reply.parts:
        if isinstance(part, Secret):
            value = formats.secret(part)
            shown = elements.link("Open the page", value) or [elements.preformatted(value)]
            blocks += [*elements.context(part.label), *shown]
        elif isinstance(part, Text):
            blocks += elements.told(limits.cut(formats.clean(part.text, lines=True), limits.FIELD_TEXT))
    return _shown(blocks or elements.context("There is nothing to show."))


def _shown(blocks: list[Block]) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "shown",
        "title": escaping.plain("For you alone", limits.MODAL_TITLE),
        "close": escaping.plain("Close", limits.MODAL_TITLE),
        "blocks": blocks,
    }


def _short(text: str) -> str:
    return limits.cut(formats.clean(text), limits.FIELD_TEXT // 4)


def _form(purpose: Purpose, title: str, send: str, metadata: str, blocks: list[Block]) -> dict[str, Any]:
    if limits.length(metadata) > limits.METADATA:
        raise ValueError(f"metadata of {limits.length(metadata)} units, Slack takes {limits.METADATA}")
    return {
        "type": "modal",
        "callback_id": purpose,
        "title": escaping.plain(title, limits.MODAL_TITLE),
        "submit": escaping.plain(send, limits.MODAL_TITLE),
        "close": escaping.plain("Cancel", limits.MODAL_TITLE),
        "private_metadata": metadata,
        "blocks": blocks,
    }


def _field(label: str, example: str, typed: str, *, multiline: bool = True) -> Block:
    element = {
        "type": "plain_text_input",
        "action_id": WORDS,
        "multiline": multiline,
        "max_length": limits.INPUT_TEXT,
        "focus_on_load": True,
        "placeholder": escaping.plain(f"For example: {example}", limits.PLACEHOLDER),
    }
    initial = limits.cut(formats.clean(typed, lines=True), limits.INPUT_TEXT)
    return {
        "type": "input",
        "block_id": WORDS,
        "label": escaping.plain(label, limits.INPUT_LABEL),
        "element": element | ({"initial_value": initial} if initial else {}),
    }
