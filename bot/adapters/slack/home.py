"""App Home: what a person may, what waits for them, how Stackhand is, and what there is to ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.replies import Choice


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that is not over."""

    id: str
    what: str
    state: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Stackhand itself or one source in a line; `fix` is what to do where it is not well."""

    name: str
    well: bool
    line: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of help and questions that this person may ask."""

    name: str
    examples: tuple[Choice, ...]


def home_view(
    *,
    person: str,
    rights: Sequence[str],
    mine: Sequence[OpenRequest],
    waiting: Sequence[OpenRequest],
    health: Sequence[Health],
    topics: Sequence[Topic],
    now: datetime,
    demo: bool = False,
) -> dict[str, Any]:
    """The view for `views.publish`."""
    lines = [f"Hello {person}", *rights, *(f"{one.name}: {one.line}" for one in health)]
    requests = [f"{one.id} {one.what} {one.state}" for one in (*waiting, *mine)]
    buttons = [
        {
            "type": "button",
            "action_id": f"say:{number}",
            "text": {"type": "plain_text", "text": choice.label[:75]},
            "value": choice.said,
        }
        for number, choice in enumerate(one for topic in topics for one in topic.examples[:2])
    ]
    foot = f"{'DEMO ' if demo else ''}as of {now:%H:%M} UTC"
    blocks: list[dict[str, Any]] = [_line("\n".join([*lines, *requests, foot])[:3000])]
    blocks += [{"type": "actions", "elements": buttons[at : at + 25]} for at in range(0, len(buttons), 25)]
    return {"type": "home", "callback_id": "home", "blocks": blocks}


def unknown_view(how: str) -> dict[str, Any]:
    """The view of somebody who is not linked to a person: how to get linked."""
    return {"type": "home", "callback_id": "home", "blocks": [_line(how[:3000])]}


def _line(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "plain_text", "text": text}}
