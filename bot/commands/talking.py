"""`ask` and `chat`: a message through the same pipeline that the chat platforms use."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.failures import FAILED, OK, Failure, say
from bot.commands.options import AsJson, Demo, StateDir, settings_for

if TYPE_CHECKING:
    from bot.messages import Message
    from bot.replies import Reply
    from bot.settings import Settings
    from bot.told import Told
    from storage.database import Database

_MOST_READ = 1_000_000  # characters of a pipe; the pipeline refuses far less, politely
Person = Annotated[str, typer.Option("--as", help="The person who asks, by the id that `stackhand people` shows.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write the files of answers into this directory.")]


def ask(
    text: Annotated[str, typer.Argument(help="What to say, in quotes; `-` reads it from the standard input.")],
    person: Person = "local",
    as_json: AsJson = False,
    conversation: Annotated[str, typer.Option(help="A name: messages that share it follow up on each other.")] = "",
    out: Out = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until what it began has ended, and print that.")] = False,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Ask one thing and print the answer. Exits with 0 only when it was answered; with --wait, when it ended well."""
    import asyncio

    settings = settings_for(state_dir, demo)
    message = _message(sys.stdin.read(_MOST_READ) if text == "-" else text, person, conversation)
    told, well = asyncio.run(_answered(settings, message, wait))
    replies = told.replies
    paths = _write_files(replies, out) if out else {}
    printed = _text(replies)
    typer.echo(_json(told, printed, paths) if as_json else printed)
    for path in () if as_json else paths.values():
        typer.echo(f"saved as {path}", err=True)
    return OK if well and replies and all(reply.outcome == "answered" for reply in replies) else FAILED


def chat(person: Person = "local", out: Out = None, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Talk to Stackhand in this terminal. Ctrl-D ends it."""
    import asyncio

    return asyncio.run(_chat(settings_for(state_dir, demo), person, out))


async def _chat(settings: "Settings", person: str, out: Path | None) -> int:
    from bot.adapters import console
    from bot.app import build_pipeline, open_storage, quiet_logs
    from bot.followed import Tellings

    quiet_logs(settings)
    async with open_storage(settings) as storage:
        pipeline, telling = build_pipeline(storage.database, settings), Tellings(storage.database)
        return await console.chat(pipeline, person=person, out=out, telling=telling)


def _message(text: str, person: str, conversation: str) -> "Message":
    from datetime import UTC, datetime
    from secrets import token_hex

    from bot.messages import Message

    id_ = token_hex(8)
    return Message(id_, person, conversation or f"cli-{id_}", text, datetime.now(UTC))


async def _answered(settings: "Settings", message: "Message", wait: bool) -> tuple["Told", bool]:
    """From a process that runs on this machine for the same database, if there is one; else by ourselves.

    And whether what was waited for ended well.
    """
    told = _asked_at_the_door(settings, message)
    if told is not None and not (wait and _follows(told)):
        return told, True
    from bot.app import build_pipeline, open_storage, quiet_logs
    from bot.telling import tell

    quiet_logs(settings)
    async with open_storage(settings, visit=True) as storage:
        if told is None:
            told = await tell(build_pipeline(storage.database, settings), storage.database, message)
        if not wait or not _follows(told):
            return told, True
        if storage.embedded is not None:  # started by this command alone, so that nothing else works on it
            say("it is asked for, but no Stackhand runs that would do it. Start `stackhand serve`, or the demo")
            return told, False
        return await _waited(told, storage.database)


def _asked_at_the_door(settings: "Settings", message: "Message") -> "Told | None":
    from bot.door import door_of, knock

    try:
        return knock(door_of(settings), message)
    except ConnectionError as error:
        raise Failure(f"the running Stackhand did not answer ({error})", "look at its log, then ask again") from None


def _follows(told: "Told") -> bool:
    return any(reply.follows for reply in told.replies)


async def _waited(told: "Told", database: "Database") -> tuple["Told", bool]:
    """Progress goes to stderr; stdout is for what came of it."""
    import asyncio
    from dataclasses import replace

    from rich.console import Console

    from bot.adapters.watching import Watch, in_place
    from bot.followed import Tellings

    watch = Watch(Tellings(database), told.replies)
    try:
        with in_place(Console(stderr=True, highlight=False), "Waiting … Ctrl-C ends only the waiting.") as show:
            await watch.run(show)
    except asyncio.CancelledError:
        say("not waited for any longer; what was begun goes on")
        raise
    return replace(told, replies=watch.replies), watch.ended and watch.well


def _text(replies: Sequence["Reply"]) -> str:
    from datetime import UTC, datetime
    from shutil import get_terminal_size

    from bot.adapters import text

    width, now, first, parts = max(get_terminal_size((110, 24)).columns, 40), datetime.now(UTC), 1, []
    for reply in replies:
        parts.append(text.render(reply, now, width=width, first_choice=first))
        first += len(text.choices_of([reply]))
    return "\n".join(parts).rstrip("\n")


def _json(told: "Told", printed: str, paths: Mapping[str, Path]) -> str:
    import json
    from datetime import UTC, datetime

    from bot.commands.contract import as_json

    return json.dumps(as_json(told, printed, paths, datetime.now(UTC)), ensure_ascii=False, default=str)


def _write_files(replies: Sequence["Reply"], out: Path) -> dict[str, Path]:
    from bot.adapters.console import save
    from bot.replies import File

    try:
        return {part.name: save(part, out) for reply in replies for part in reply.parts if isinstance(part, File)}
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise Failure(f"a file of the answer was not written to {out}: {reason}", "give another --out") from None
