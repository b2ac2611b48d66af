"""Forms."""

from collections.abc import Mapping
from typing import Any

FEEDBACK = "feedback"


def feedback_view(conversation: str) -> dict[str, Any]:
    """What was thought of an answer; the conversation travels in the form."""
    options = [
        {"text": {"type": "plain_text", "text": text}, "value": value}
        for text, value in (("It was wrong", "wrong"), ("It was right", "right"))
    ]
    return {
        "type": "modal",
        "callback_id": FEEDBACK,
        "private_metadata": conversation[:3000],
        "title": {"type": "plain_text", "text": "Feedback"},
        "submit": {"type": "plain_text", "text": "Send"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [
            {
                "type": "input",
                "block_id": "verdict",
                "label": {"type": "plain_text", "text": "The last answer to you in this thread"},
                "element": {
                    "type": "radio_buttons",
                    "action_id": "verdict",
                    "options": options,
                    "initial_option": options[0],
                },
            },
            {
                "type": "input",
                "block_id": "remark",
                "optional": True,
                "label": {"type": "plain_text", "text": "What did you expect?"},
                "element": {"type": "plain_text_input", "action_id": "remark", "multiline": True, "max_length": 1000},
            },
        ],
    }


def feedback_of(view: Any) -> tuple[str, bool, str] | None:
    """Conversation, whether it was right, and the remark; None when it is no such form."""
    values = view.get("state", {}).get("values", {}) if isinstance(view, Mapping) else {}
    verdict, remark = _value(values, "verdict", "selected_option"), _value(values, "remark", "value")
    chosen = verdict.get("value") if isinstance(verdict, Mapping) else verdict
    conversation = view.get("private_metadata") if isinstance(view, Mapping) else None
    if chosen not in ("right", "wrong") or not isinstance(conversation, str):
        return None
    return conversation, chosen == "right", remark[:1000] if isinstance(remark, str) else ""


def _value(values: Any, block: str, name: str) -> Any:
    held = values.get(block) if isinstance(values, Mapping) else None
    element = held.get(block) if isinstance(held, Mapping) else None
    return element.get(name) if isinstance(element, Mapping) else None
