"""What comes in, the same from every way in."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bot.stored_files import StoredFile


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a person dropped into a conversation; a large one is `kept` on disk and has no `content` here."""

    name: str
    content: bytes = b""
    kept: "StoredFile | None" = None

    @property
    def size(self) -> int:
        """In bytes."""
        return self.kept.size if self.kept else len(self.content)


@dataclass(frozen=True, slots=True)
class Channel:
    """Where a message was said. `surface` is the adapter's name, `id` its own id of the place.

    `readers` are those who will read a reply there: the asker alone, members of the house, or guests among them.
    """

    surface: str
    id: str
    readers: Literal["asker", "members", "guests"] = "asker"


@dataclass(frozen=True, slots=True)
class Message:
    """One thing a person said. `conversation` is the thread that follow-ups belong to; `at` is UTC with zone.

    Without a `channel` nobody but the person reads the replies: the console, the command line, one's own page.
    `account` is the chat account that said it, for the record. `redraws`: cards that stand in the conversation already
    are drawn anew there when what they tell of changes. `unseen`: nobody but the person, who is known for sure, sees
    the answer, and it is kept nowhere on its way to them.
    """

    id: str
    person: str
    conversation: str
    text: str
    at: datetime
    files: tuple[Upload, ...] = ()
    channel: Channel | None = None
    account: str = ""
    redraws: bool = False
    unseen: bool = False
