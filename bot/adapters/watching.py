"""Replies that follow something, watched in a terminal: in place, or as repeated lines where there is none."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

import structlog
from rich.console import Console
from rich.live import Live
from rich.text import Text as Styled

from bot import formats
from bot.adapters import Telling, text
from bot.followed import patience
from bot.replies import Progress, Reply, Text

if TYPE_CHECKING:
    from bot.followed import Told

log = structlog.get_logger(__name__)

PAUSE_S = 1.0
_MOST_FAULTS = 30  # rounds in a row without an answer

Show = Callable[[Sequence[Reply]], None]
STYLES: Mapping[text.Tone, str] = {
    "heading": "bold",
    "note": "dim",
    "warning": "yellow",
    "label": "bold dim",
    "choice": "cyan",
    "bar": "green",
    "near": "yellow",
    "over": "red",
}


class Watch:
    """`replies` are in their newest state, whenever it is left; `well`: all that was followed has ended well."""

    def __init__(self, telling: Telling, replies: Sequence[Reply], pause_s: float | None = None) -> None:
        self._telling = telling
        self._pause_s = PAUSE_S if pause_s is None else pause_s
        self.replies = tuple(replies)
        self._open = [at for at, reply in enumerate(replies) if reply.follows]
        self._follows = {at: replies[at].follows for at in self._open}
        self.well = True

    @property
    def ended(self) -> bool:
        return not self._open

    async def run(self, show: Show) -> None:
        """Until all has ended, or nothing can be told of it any longer."""
        begun, faults = monotonic(), 0
        show(self.replies)
        while self._open:
            try:
                await self._look(monotonic() - begun)
                faults = 0
            except Exception:
                log.exception("telling_failed", again_in_s=self._pause_s)
                faults += 1
                if faults >= _MOST_FAULTS:
                    return
            show(self.replies)
            if self._open:
                await asyncio.sleep(self._pause_s)

    async def _look(self, since_s: float) -> None:
        for at in tuple(self._open):
            late = since_s > patience(self._follows[at]).total_seconds()
            told = await self._telling.told(self._follows[at], late=late)
            self.replies = (*self.replies[:at], _newest(self.replies[at], told), *self.replies[at + 1 :])
            if told.ended:
                self._open.remove(at)
                self.well = self.well and told.well


def _newest(reply: Reply, told: "Told") -> Reply:
    """What is said now, under what was understood."""
    if told.reply is None:
        return reply
    return replace(told.reply, intent=reply.intent, slots=reply.slots, demo=reply.demo or told.reply.demo)


@contextmanager
def in_place(console: Console, hint: str = "") -> Iterator[Show]:
    """Where the replies that are watched are shown; a terminal is left without them, for what is printed next.

    `hint` stands below them in a terminal: how to leave.
    """
    if not console.is_terminal or console.is_dumb_terminal:
        yield _line_by_line(console)
        return
    with Live("", console=console, transient=True, auto_refresh=False, vertical_overflow="ellipsis") as display:

        def show(replies: Sequence[Reply]) -> None:
            display.update(_picture(replies, console.width, hint), refresh=True)

        yield show


def _picture(replies: Sequence[Reply], width: int, hint: str) -> Styled:
    number, drawn = 1, Styled(no_wrap=True, overflow="ellipsis")
    for reply in replies:
        for line in text.lines(reply, datetime.now(UTC), width=max(width, 40), first_choice=number):
            drawn.append(line.text + "\n", STYLES.get(line.tone, ""))
        number += len(text.choices_of([reply]))
    drawn.append(hint, "dim italic")
    return drawn


def _line_by_line(console: Console) -> Show:
    said: list[str] = []

    def show(replies: Sequence[Reply]) -> None:
        lines = [brief(reply) for reply in replies if reply.parts]
        for line in lines:
            if line not in said:
                console.print(Styled(line), soft_wrap=True)
        said[:] = lines

    return show


def brief(reply: Reply) -> str:
    """One line: what it says first, and how far it is."""
    head = next((part.text for part in reply.parts if isinstance(part, Text)), "")
    bars = [f"{bar.label} {bar.done} of {bar.of}" for bar in reply.parts if isinstance(bar, Progress)]
    return formats.clean(" · ".join([head, *bars]))
