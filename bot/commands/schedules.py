"""`schedules`: what happens by the clock. Every change is in the audit record."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.commands.failures import OK, USAGE, Failure
from bot.commands.options import AsJson, Demo, StateDir
from bot.commands.people_changes import read

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.schedules import Schedule

Name = Annotated[str, typer.Argument(help="The schedule's name.")]
_MOST_NAME = 60


def build() -> typer.Typer:
    app = typer.Typer()
    app.callback()(_schedules)
    app.command("list")(list_all)
    for command in (add, pause, resume, remove):
        app.command()(command)
    return app


def _schedules() -> None:
    """What happens by the clock."""


def list_all(state_dir: StateDir = None, demo: Demo = False, as_json: AsJson = False) -> int:
    """The schedules, when each is due next, and what came of it last."""
    from datetime import UTC, datetime

    from bot.scheduling import next_run
    from storage import schedules

    async def look(conn: "AsyncConnection") -> list[dict[str, Any]]:
        found = await schedules.all_schedules(conn)
        last = await schedules.last_outcomes(conn, [one.name for one in found])
        now = datetime.now(UTC)
        return [_line(one, next_run(one, now), last.get(one.name)) for one in found]

    lines = read(state_dir, demo, look)
    if as_json:
        typer.echo(json.dumps({"schedules": lines}, ensure_ascii=False))
        return OK
    for line in lines:
        due = line["next"] or "paused"
        typer.echo(f"{line['name']}: {line['kind']}, {line['cron']} {line['zone']}, next {due}, owner {line['owner']}")
        if line["last"]:
            typer.echo(f"        last {line['last']}: {line['outcome'] or 'under way'}")
    if not lines:
        typer.echo("there is no schedule; `stackhand schedules add` makes one")
    return OK


def add(
    name: Name,
    kind: Annotated[str, typer.Argument(help="What it does, such as snapshot_run or restore_drill.")],
    cron: Annotated[str, typer.Option(help='Five fields, such as "30 2 * * 1-5".')],
    zone: Annotated[str, typer.Option(help="The time zone of the fields.")] = "UTC",
    catch_up: Annotated[str, typer.Option(help="What was missed: skip, once or all.")] = "once",
    owner: Annotated[str, typer.Option(help="The person with whose rights it runs.")] = "local",
    argument: Annotated[list[str] | None, typer.Option("--argument", help="NAME=VALUE, several times.")] = None,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Make a schedule, or put it in the place of the one with its name."""
    from scheduler.crons import CATCH_UP, CronError, read_cron
    from storage import schedules
    from storage.schedules import Schedule

    _check_names(name, kind)
    if catch_up not in CATCH_UP:
        raise Failure(f"{catch_up!r} is no way to catch up", f"choose one of {', '.join(CATCH_UP)}", USAGE)
    try:
        read_cron(cron, zone)
    except CronError as error:
        raise Failure(error.what, error.fix, USAGE) from None
    given = Schedule(
        name, kind, " ".join(cron.split()), owner, _arguments(argument or []), zone=zone, catch_up=catch_up
    )

    async def work(conn: "AsyncConnection") -> str:
        await _check_owner(conn, owner)
        await schedules.save(conn, given, "local")
        return f"{name} does {kind} at {given.cron} {zone}"

    return _write(state_dir, demo, work)


def pause(name: Name, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Let it rest. What it misses meanwhile stays missed."""
    return _edit(name, "pause", state_dir, demo)


def resume(name: Name, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Let it run again, from its next time on."""
    return _edit(name, "resume", state_dir, demo)


def remove(name: Name, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Forget it. What it did stays on record."""
    return _edit(name, "remove", state_dir, demo)


def _edit(name: str, verb: Any, state_dir: Any, demo: bool) -> int:
    from storage import schedules

    async def work(conn: "AsyncConnection") -> str:
        if await schedules.one(conn, name) is None:
            raise Failure(f"there is no schedule {name[:_MOST_NAME]!r}", "`stackhand schedules list` shows them")
        if verb == "remove":
            await schedules.remove(conn, name, "local")
        elif not await schedules.enable(conn, name, verb == "resume", "local"):
            raise Failure(f"{name} is {verb}d already", "nothing is to be done")
        return f"{name} is {verb}d"

    return _write(state_dir, demo, work)


def _write(state_dir: Any, demo: bool, work: Any) -> int:
    """The storage functions write the audit rows themselves."""
    import asyncio

    from bot.app import open_storage, quiet_logs
    from bot.commands.options import settings_for

    settings = settings_for(state_dir, demo)
    quiet_logs(settings)

    async def writing() -> str:
        async with open_storage(settings, visit=True) as storage, storage.database.begin() as conn:
            return str(await work(conn))

    typer.echo(asyncio.run(writing()))
    return OK


def _check_names(name: str, kind: str) -> None:
    import re

    from bot.ticking import ticks
    from engines.restore.wishes import House
    from intents.registry import load_catalogue

    if not re.fullmatch(r"[\w.-]{1,60}", name):
        raise Failure(f"{name[:_MOST_NAME]!r} is no name", "use up to 60 letters, digits, dots, - and _", USAGE)
    if kind not in load_catalogue().intents and kind not in ticks(House()):
        raise Failure(f"nothing is called {kind[:_MOST_NAME]!r}", "`stackhand intents list` shows what there is", USAGE)


async def _check_owner(conn: "AsyncConnection", owner: str) -> None:
    from bot.commands.people_changes import known

    if owner != "local":
        await known(conn, owner)


def _arguments(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name:
            raise Failure(f"{one[:_MOST_NAME]!r} is no argument", "write it as NAME=VALUE", USAGE)
        found[name] = value
    return found


def _line(one: "Schedule", due: str | None, last: tuple[Any, str] | None) -> dict[str, Any]:
    tick, outcome = last or (None, "")
    return {
        "name": one.name, "kind": one.kind, "cron": one.cron, "zone": one.zone, "catch_up": one.catch_up,
        "enabled": one.enabled, "owner": one.owner, "arguments": dict(one.arguments), "next": due,
        "last": tick.isoformat() if tick else None, "outcome": outcome,
    }  # fmt: skip
