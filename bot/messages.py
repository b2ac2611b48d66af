"""What comes in, the same from every way in."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a person dropped into a conversation."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One thing a person said. `conversation` is the thread that follow-ups belong to; `at` is UTC with zone."""

    id: str
    person: str
    conversation: str
    text: str
    at: datetime
    files: tuple[Upload, ...] = ()
