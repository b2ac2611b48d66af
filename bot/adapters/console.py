"""The console: a conversation in a terminal, or line by line from a pipe."""

import asyncio
import importlib.util
import io
import secrets
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import structlog
from rich.console import Console
from rich.text import Text as Styled

from bot import formats
from bot.adapters import Answerer, Telling, failure, text
from bot.adapters.watching import STYLES, Watch, in_place
from bot.messages import Message
from bot.replies import File, Reply

log = structlog.get_logger(__name__)

_LEAVING = frozenset({"quit", "exit", "bye", ":q"})
_PROMPT = "you › "
_LONGEST_LINE = 100_000  # characters of a pipe; the pipeline refuses far less, politely

_T = TypeVar("_T")

Ask = Callable[[str], Awaitable[str | None]]
"""Shows a prompt and gives the line that was entered; None at the end of the input, or when Ctrl-C was pressed."""


async def chat(
    answerer: Answerer, *, person: str = "local", out: Path | None = None, telling: Telling | None = None
) -> int:
    """Talks until `quit`, Ctrl-D or Ctrl-C. Files of answers go to `out`, or are asked about. The exit code is 0.

    With `telling`, what an answer began is watched in a terminal until it has ended or a key is pressed.
    """
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):  # bytes that are no text, and terminals that lack a character
            stream.reconfigure(errors="replace")
    console = Console(highlight=False, soft_wrap=True)
    with _terminal_as_it_was():
        lines = Lines(interactive)
        with _on_interrupt(lines.interrupt):
            await Conversation(
                answerer, console, lines.ask, person, interactive, out, lines.or_interrupted, telling, lines.or_typed
            ).run()
    return 0


class Conversation:
    """The loop. Input comes through `ask`, so that a test can hold the other end."""

    def __init__(
        self,
        answerer: Answerer,
        console: Console,
        ask: Ask,
        person: str,
        interactive: bool,
        out: Path | None = None,
        stoppable: Callable[[Awaitable[tuple[Reply, ...]]], Awaitable[tuple[Reply, ...] | None]] | None = None,
        telling: Telling | None = None,
        until_typed: Callable[[Awaitable[None]], Awaitable[object]] | None = None,
    ) -> None:
        self._answerer = answerer
        self._console = console
        self._ask = ask
        self._person = person
        self._interactive = interactive
        self._out = out
        self._stoppable = stoppable
        self._telling = telling
        self._until_typed = until_typed
        self._id = f"console-{secrets.token_hex(8)}"
        self._choices: list[str] = []

    async def run(self) -> None:
        if self._interactive:
            self._say("Ask about your cloud in your own words. help shows what I know, quit leaves.", "note")
        while (line := await self._ask(_PROMPT)) is not None:
            said = line.strip()
            if said.casefold() in _LEAVING:
                break
            if said:
                await self._turn(self._meant(said))
        if self._interactive:
            self._say("Bye.", "note")

    def _meant(self, said: str) -> str:
        """What a number picks from the last answer's choices; anything else is itself."""
        picked = int(said) if said.isascii() and said.isdigit() and len(said) < 4 else 0
        if not 1 <= picked <= len(self._choices):
            return said
        chosen = self._choices[picked - 1]
        self._say(f"› {formats.clean(chosen)}", "choice")
        return chosen

    async def _turn(self, said: str) -> None:
        message = Message(secrets.token_hex(8), self._person, self._id, said, datetime.now(UTC))
        answer = self._answered(message)
        replies = await (self._stoppable(answer) if self._stoppable else answer)
        if replies is None:
            self._say("Stopped.", "note")
            return
        replies = await self._watched(replies)
        self._choices = text.choices_of(replies)
        await self._show(list(self._lines(replies)))
        for file in (part for reply in replies for part in reply.parts if isinstance(part, File)):
            await self._offer(file)

    async def _watched(self, replies: tuple[Reply, ...]) -> tuple[Reply, ...]:
        """The replies as they are when what they follow has ended, or the person goes on. A pipe does not wait."""
        if self._telling is None or not self._interactive or not any(reply.follows for reply in replies):
            return replies
        watch = Watch(self._telling, replies)
        with in_place(self._console, "It goes on … any key leaves it to itself.") as show:
            running = watch.run(show)
            await (self._until_typed(running) if self._until_typed else running)
        if not watch.ended:
            self._say("Not watched any longer; it goes on. As it is now:", "note")
        return watch.replies

    async def _answered(self, message: Message) -> tuple[Reply, ...]:
        """The replies. Whatever fails is said in words that name the entry in the log, and the talk goes on."""
        try:
            return await self._answerer.answer(message)
        except Exception:
            log.exception("answer_failed", message=message.id, person=message.person)
            return (failure(message.id),)

    def _lines(self, replies: Sequence[Reply]) -> Iterator[text.Line]:
        number, now = 1, datetime.now(UTC)
        for reply in replies:
            yield from text.lines(reply, now, width=max(self._console.width, 40), first_choice=number)
            yield text.Line("")
            number += len(text.choices_of([reply]))

    async def _show(self, lines: list[text.Line]) -> None:
        """All at once into a pipe; a screenful at a time in a terminal."""
        screen = max(self._console.height - 3, 10) if self._interactive else len(lines)
        while lines:
            for line in lines[:screen]:
                self._say(line.text, line.tone)
            lines = lines[screen:]
            if lines and await self._ask(f"… {len(lines)} more lines: Enter goes on, q ends › ") not in ("", " "):
                return

    async def _offer(self, file: File) -> None:
        folder = self._out
        if folder is None and self._interactive:
            answer = await self._ask(f"Save {formats.clean(file.name)} in this directory? y/N › ")
            folder = Path() if (answer or "").strip().casefold() in ("y", "yes") else None
        if folder is None:
            self._say("Not saved." if self._interactive else "Not saved: name a directory with --out.", "note")
            return
        try:
            self._say(f"Saved as {save(file, folder)}", "note")
        except OSError as e:
            self._say(
                f"{formats.clean(file.name)} was not saved in {folder}: {e.strerror}. Try another --out.", "warning"
            )

    def _say(self, line: str, tone: text.Tone) -> None:
        self._console.print(Styled(line, style=STYLES.get(tone, "")))


def save(file: File, folder: Path) -> Path:
    """Writes a file under a name that is not taken yet, never outside `folder`; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    name = Path(formats.file_name(file.name))
    for number in range(1, 1000):
        path = folder / (f"{name.stem}-{number}{name.suffix}" if number > 1 else name.name)
        with suppress(FileExistsError), path.open("xb") as target:
            target.write(file.content)
            return path
    raise FileExistsError(17, "a thousand files have this name", str(folder / name))


class Lines:
    """Lines of the standard input, read in threads that do not hold up the end of the process."""

    def __init__(self, interactive: bool) -> None:
        self._interactive = interactive
        self._interrupted = asyncio.Event()
        if interactive:
            with suppress(ImportError):
                import readline  # noqa: F401  # importing it gives input() its history and editing

    def interrupt(self) -> None:
        self._interrupted.set()

    async def ask(self, prompt: str) -> str | None:
        loop = asyncio.get_running_loop()
        line: asyncio.Future[str | None] = loop.create_future()

        def deliver(value: str | None) -> None:
            if not line.done():
                line.set_result(value)

        def read() -> None:
            value = self._read(prompt)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(deliver, value)

        threading.Thread(target=read, daemon=True).start()
        return await self.or_interrupted(line)

    async def or_interrupted(self, work: Awaitable[_T]) -> _T | None:
        """The result of the work, or None as soon as Ctrl-C is pressed; the work is then cancelled."""
        return await self._or(work, self._interrupted)

    async def or_typed(self, work: Awaitable[_T]) -> _T | None:
        """The same, also when a key is pressed; what was typed is for the next prompt."""
        typed = asyncio.Event()
        with _keys_seen(typed.set):
            return await self._or(work, self._interrupted, typed)

    async def _or(self, work: Awaitable[_T], *events: asyncio.Event) -> _T | None:
        task, stops = asyncio.ensure_future(work), {asyncio.ensure_future(event.wait()) for event in events}
        try:
            await asyncio.wait({task, *stops}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            self._interrupted.clear()
            for left in (task, *stops):
                left.cancel()

    def _read(self, prompt: str) -> str | None:
        try:
            if self._interactive:
                return input(prompt)
            line = sys.stdin.readline(_LONGEST_LINE)
            return line.removesuffix("\n") if line else None
        except (EOFError, KeyboardInterrupt, ValueError):
            return None


@contextmanager
def _terminal_as_it_was() -> Iterator[None]:
    """Gives the terminal its echo back when a line was still being read at the end."""
    if not sys.stdin.isatty() or importlib.util.find_spec("termios") is None:
        yield
        return
    import termios

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def _keys_seen(act: Callable[[], None]) -> Iterator[None]:
    """Acts on the first key, not only on Enter, and leaves it unread; nothing that is typed is shown meanwhile."""
    if not sys.stdin.isatty() or importlib.util.find_spec("termios") is None:
        yield
        return
    import termios

    terminal, loop = sys.stdin.fileno(), asyncio.get_running_loop()
    before = termios.tcgetattr(terminal)
    keyed = [*before[:3], before[3] & ~(termios.ICANON | termios.ECHO), *before[4:]]

    def seen() -> None:
        loop.remove_reader(terminal)
        act()

    termios.tcsetattr(terminal, termios.TCSADRAIN, keyed)
    loop.add_reader(terminal, seen)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def _on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C acts, instead of ending the process, where the platform lets a loop handle signals."""
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGINT, act)
    try:
        yield
    finally:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(signal.SIGINT)
