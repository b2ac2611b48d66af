"""The home tab."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.adapters.slack.blocks import render
from bot.replies import Reply

_MOST_BLOCKS = 100


def home_view(replies: Sequence[Reply], *, now: datetime) -> dict[str, Any]:
    """The replies one below the other."""
    blocks = [block for reply in replies for post in render(reply, now=now).posts for block in post.blocks]
    return {"type": "home", "blocks": blocks[:_MOST_BLOCKS]}
