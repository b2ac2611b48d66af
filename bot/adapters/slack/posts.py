"""What is sent for one reply: messages and files, and how blocks are spread over few messages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.adapters.slack import limits
from bot.adapters.slack.limits import Block

END_BLOCKS = 3


@dataclass(frozen=True, slots=True)
class Post:
    """One `chat.postMessage`. `text` is for notifications; send it with `mrkdwn`, unfurling and `link_names` off."""

    text: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to upload beside the posts. `id` names it in `stored_file` and is empty for what only Slack gets.

    A stored file may come without its content: it is read by its id then. `alt` tells a picture in words.
    """

    name: str
    mime: str
    content: bytes = field(repr=False)
    id: str = ""
    title: str = ""
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    posts: tuple[Post, ...]
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Blocks that stand together in one message."""

    blocks: tuple[Block, ...]

    @property
    def weight(self) -> int:
        return limits.weigh(self.blocks)


def pieces(blocks: Iterable[Block]) -> list[Piece]:
    """Each block by itself."""
    return [Piece((block,)) for block in blocks]


def pack(body: Sequence[Piece], end_weight: int) -> tuple[list[list[Block]], int]:
    """The messages, and how many pieces of `body` found no room in the most that one reply may take.

    In the last message that there may be, room is kept for `end_weight` and END_BLOCKS blocks.
    """
    messages: list[list[Block]] = [[]]
    weight = 0
    for at, piece in enumerate(body):
        if not _fits(messages, piece, weight, end_weight):
            if len(messages) == limits.MOST_POSTS:
                return messages, len(body) - at
            messages.append([])
            weight = 0
            if not _fits(messages, piece, weight, end_weight):
                return messages, len(body) - at
        messages[-1] += piece.blocks
        weight += piece.weight
    return messages, 0


def _fits(messages: list[list[Block]], piece: Piece, weight: int, end_weight: int) -> bool:
    last = len(messages) == limits.MOST_POSTS
    room = limits.POST - (end_weight if last else 0)
    places = limits.BLOCKS - (END_BLOCKS if last else 0)
    return weight + piece.weight <= room and len(messages[-1]) + len(piece.blocks) <= places


def close(messages: list[list[Block]], end: Sequence[Block]) -> list[tuple[Block, ...]]:
    """The messages with `end` below the last; a message of its own only where there is no room."""
    if limits.weigh([*messages[-1], *end]) > limits.POST or len(messages[-1]) + len(end) > limits.BLOCKS:
        messages = [*messages, []]
    messages = [*messages[:-1], [*messages[-1], *end]]
    return [tuple(message) for message in messages if message]
