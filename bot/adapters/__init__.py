"""One module a way in and out: parse what came in, render what goes out.

The Protocols here are all that an adapter knows of the rest: who answers, and where what was said is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bot.messages import Message
from bot.replies import File, Reply, Text

if TYPE_CHECKING:
    from bot.followed import Told


class Answerer(Protocol):
    async def answer(self, message: Message) -> tuple[Reply, ...]:
        """One reply for each thing asked in the message; what happened is in the reply, bad input raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message of the past, and what was answered."""

    said: str
    replies: tuple[Reply, ...]
    at: datetime


class Archive(Protocol):
    """What was said and answered before. Both ask for the person: nobody reads another person's."""

    async def recent(self, conversation: str, person: str, limit: int) -> Sequence[Exchange]:
        """The last `limit` exchanges, oldest first."""
        ...

    async def stored(self, id: str, person: str) -> File | None:  # noqa: A002
        """A file with its content; None if there is none, it has expired, or it is another person's."""
        ...


class Telling(Protocol):
    """How what a reply follows stands; it opens what it needs by itself, and may be asked at any time."""

    async def told(self, refs: Sequence[str], *, late: bool) -> "Told":
        """`refs` are those of one reply, all of one prefix. `late`: it is not waited for any longer."""
        ...


class Waiting(Protocol):
    async def __call__(self, person: str) -> int:
        """How many requests wait for a decision of this person."""
        ...


def failure(message_id: str) -> Reply:
    """What is said when answering failed in a way that nobody foresaw; the log has the rest under the id."""
    what = "Something failed on our side while answering; nothing was changed."
    todo = f"Try again; if it stays, look in Stackhand's log for message {message_id}."
    return Reply((Text(what, "heading"), Text(todo)), outcome="failed")
