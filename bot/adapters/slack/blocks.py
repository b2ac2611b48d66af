"""A reply as Slack posts: plain text in sections."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.adapters.slack.escaping import escape
from bot.adapters.text import render as plain_text
from bot.replies import Choices, File, Reply

_MOST_SECTION = 2900


@dataclass(frozen=True, slots=True)
class Post:
    """One chat.postMessage."""

    text: str
    blocks: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to upload; `id` is that of the stored file, empty if it is not stored."""

    name: str
    mime: str
    content: bytes
    id: str = ""
    title: str = ""
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    posts: tuple[Post, ...]
    files: tuple[Attachment, ...]


def render(reply: Reply, *, now: datetime) -> Rendered:
    text = escape(plain_text(reply, now))[: _MOST_SECTION * 4]
    pieces = [text[at : at + _MOST_SECTION] for at in range(0, len(text), _MOST_SECTION)] or ["…"]
    blocks: list[dict[str, Any]] = [section(piece) for piece in pieces]
    said = [choice for part in reply.parts if isinstance(part, Choices) for choice in part.choices][:25]
    if said:
        buttons = [
            {
                "type": "button",
                "action_id": f"say:{number}",
                "text": {"type": "plain_text", "text": choice.label[:75]},
                "value": choice.said[:2000],
            }
            for number, choice in enumerate(said)
        ]
        blocks.append({"type": "actions", "elements": buttons})
    files = tuple(
        Attachment(part.name, part.mime, part.content, part.id, part.name, part.name)
        for part in reply.parts
        if isinstance(part, File)
    )
    return Rendered((Post(text[:3000] or "…", tuple(blocks)),), files)


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
