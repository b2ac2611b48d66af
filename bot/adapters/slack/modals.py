"""Modals: a question in a window, what was wrong with an answer, and what is said when something fails in one.

What was typed comes back under block `words`, action `words`; `private_metadata` is carried through as it is given.
"""

from typing import Any

WORDS = "words"


def ask_modal(metadata: str, *, typed: str = "") -> dict[str, Any]:
    """A free question; `typed` stands in the field already."""
    return _form("ask", "Ask Stackhand", "Ask", metadata, "Your question", typed)


def feedback_modal(metadata: str, *, said: str = "") -> dict[str, Any]:
    """What was wrong with the answer to `said`."""
    return _form("feedback", "A wrong answer", "Send", metadata, f"What was wrong? {said[:100]}", "")


def error_view(what: str, fix: str) -> dict[str, Any]:
    """What went wrong and what to do now; it has nothing to send."""
    text = {"type": "plain_text", "text": f"{what}\n{fix}"[:3000]}
    return {
        "type": "modal",
        "callback_id": "error",
        "title": {"type": "plain_text", "text": "That did not work"},
        "blocks": [{"type": "section", "text": text}],
    }


def _form(purpose: str, title: str, send: str, metadata: str, label: str, typed: str) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": WORDS, "multiline": True, "max_length": 3000}
    return {
        "type": "modal",
        "callback_id": purpose,
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": send},
        "private_metadata": metadata,
        "blocks": [
            {
                "type": "input",
                "block_id": WORDS,
                "label": {"type": "plain_text", "text": label},
                "element": element | ({"initial_value": typed} if typed else {}),
            }
        ],
    }
