"""`restore`: drills that prove that the backups work, and their targets."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.commands.failures import FAILED, OK, USAGE, Failure
from bot.commands.options import AsJson, Demo, StateDir, settings_for
from bot.commands.people_changes import read
from bot.commands.talking import Person

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from bot.people import Principal
    from bot.replies import Reply
    from engines.restore.wishes import House
    from storage.filters import Ref

T = TypeVar("T")
Project = Annotated[str, typer.Argument(help="The project, by name or id.")]
Source = Annotated[str, typer.Option("--source", help="Its source, where several have a project of that name.")]
OfProject = Annotated[str, typer.Option("--project", help="Only of this project, by name or id.")]
_MOST_MINUTES, _MOST_HOURS = 100_000.0, 10_000.0


def build() -> typer.Typer:
    app, targets = typer.Typer(), typer.Typer()
    app.callback()(_restore)
    targets.callback()(_targets)
    for command in (drill, drills):
        app.command()(command)
    targets.command("list")(list_targets)
    targets.command("set")(set_target)
    targets.command("remove")(remove_target)
    app.add_typer(targets, name="targets", help="How long a restore may take, how old its data may be.")
    return app


def _restore() -> None:
    """Drills that prove that the backups work."""


def _targets() -> None:
    """How long a restore may take (RTO), and how old its data may be (RPO)."""


def drill(
    project: Project,
    vm: Annotated[list[str] | None, typer.Option("--vm", help="A VM by name or id; several times.")] = None,
    tag: Annotated[str, typer.Option(help="Only VMs with this tag.")] = "",
    most: Annotated[int, typer.Option(help="So many VMs, those first whose drill is the oldest.")] = 10,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    source: Source = "",
    person: Person = "local",
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Ask for a drill: VMs come back from their newest snapshots without touching anything, are measured, and go."""
    from engines.drills.wishes import MOST_VMS
    from engines.restore.wishes import House

    if not 1 <= most <= MOST_VMS:
        raise Failure(f"--most {most} is no number from 1 to {MOST_VMS}", "one drill holds no more", USAGE)
    told = {"project": project, "source": source, "vms": ",".join(vm or []), "tag": tag, "most": str(most)}
    house = House(execute=settings_for(state_dir, demo).restore_sources)

    async def work(conn: "AsyncConnection", who: "Principal") -> "Reply":
        return await _asked(conn, who, told, house, dry_run)

    return _print(_within(state_dir, demo, person, work, write=True))


async def _asked(
    conn: "AsyncConnection", who: "Principal", told: dict[str, str], house: "House", dry_run: bool
) -> "Reply":
    from dataclasses import replace
    from datetime import UTC, datetime

    from bot import cards_of_changes as cards
    from bot.changing import said
    from bot.replies import Reply, Text
    from engines.changes import requests as changes
    from engines.drills.ticks import plan_asked
    from engines.restore.wishes import CannotPlanError

    now = datetime.now(UTC)
    try:
        plan = await plan_asked(conn, who.scope, told, now, house)
    except CannotPlanError as error:
        raise Failure(error.what.rstrip("."), error.fix or "nothing was asked for") from None
    if dry_run:
        return cards.dry_run(plan)
    asker = changes.Asker(who.id, f"stackhand restore drill {told['project']}")
    done = await changes.submit(conn, plan, asker, changes.Place("", ""), now)
    if done.request is None:
        why = done.refused
        return Reply((Text(f"{plan.title}: not asked for", "heading"), *(said(why) if why else ())), "not_allowed")
    shown = cards.card(await cards.load(conn, done.request), "asker", now)
    if done.request.state != "pending":
        return shown
    return replace(shown, parts=(*shown.parts, Text(f"To begin it: stackhand approvals approve {done.request.name}")))


def drills(
    project: OfProject = "",
    source: Source = "",
    out: Annotated[Path | None, typer.Option("--out", help="Write the PDF and the CSV into this directory.")] = None,
    as_json: AsJson = False,
    person: Person = "local",
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Each VM's last drill against the targets: met, missed or never drilled. Exits with 0 only when all are met."""
    from datetime import UTC, datetime

    async def work(conn: "AsyncConnection", who: "Principal") -> "Reply":
        from bot.drilling import proof

        refs = [await _project(conn, who, source, project)] if project else []
        return await proof(conn, who.scope, datetime.now(UTC), refs, rows=10_000)

    reply = _within(state_dir, demo, person, work)
    paths = _save(reply, out)
    if as_json:
        typer.echo(_json(reply, paths))
    else:
        _print(reply)
    return OK if reply.outcome == "answered" and _all_met(reply) else FAILED


def _all_met(reply: "Reply") -> bool:
    from bot.replies import Table

    tables = [part for part in reply.parts if isinstance(part, Table)]
    return all(row[2] in ("met", "no target") for table in tables for row in table.rows)


def list_targets(state_dir: StateDir = None, demo: Demo = False) -> int:
    """The targets, everywhere and of single projects."""
    from storage.drills import targets

    found = read(state_dir, demo, targets)
    from engines.drills.records import target_words

    for place, target in found.by_place.items():
        typer.echo(f"{'/'.join(filter(None, place)) or 'everywhere'}: {target_words(target)}")
    if not found.by_place:
        typer.echo("no target is set; `stackhand restore targets set --rto-minutes 60 --rpo-hours 24` sets one")
    return OK


def set_target(
    rto_minutes: Annotated[float | None, typer.Option(help="A restore may take so long.")] = None,
    rpo_hours: Annotated[float | None, typer.Option(help="Its data may be so old.")] = None,
    project: OfProject = "",
    source: Source = "",
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Set the targets of everything, or of one project; what is not given there holds as everywhere."""
    if rto_minutes is None and rpo_hours is None:
        raise Failure("no target was given", "say --rto-minutes, --rpo-hours, or both", USAGE)
    for name, value, most in (("rto-minutes", rto_minutes, _MOST_MINUTES), ("rpo-hours", rpo_hours, _MOST_HOURS)):
        if value is not None and not 0 < value <= most:
            raise Failure(f"--{name} {value:g} cannot be", f"give a number above 0, up to {most:,.0f}", USAGE)

    async def work(conn: "AsyncConnection", who: "Principal") -> str:
        from engines.drills.records import target_words
        from storage.drills import Target
        from storage.drills import set_target as keep

        place = await _project(conn, who, source, project) if project else ("", "")
        target = Target(rto_minutes, rpo_hours, *place)
        await keep(conn, target, who.id)
        return f"{'/'.join(filter(None, place)) or 'everywhere'}: {target_words(target)}"

    typer.echo(_within(state_dir, demo, "local", work, write=True))
    return OK


def remove_target(project: OfProject = "", source: Source = "", state_dir: StateDir = None, demo: Demo = False) -> int:
    """Forget the targets of everything, or of one project."""

    async def work(conn: "AsyncConnection", who: "Principal") -> str:
        from storage.drills import remove_target as forget

        place = await _project(conn, who, source, project) if project else ("", "")
        where = "/".join(filter(None, place)) or "everywhere"
        if not await forget(conn, place, who.id):
            raise Failure(f"no target is set for {where}", "`stackhand restore targets list` shows them")
        return f"no target for {where} any more"

    typer.echo(_within(state_dir, demo, "local", work, write=True))
    return OK


async def _project(conn: "AsyncConnection", who: "Principal", source: str, said: str) -> "Ref":
    from engines.drills.ticks import project_named
    from engines.restore.wishes import CannotPlanError

    try:
        return await project_named(conn, who.scope, source, said)
    except CannotPlanError as error:
        raise Failure(error.what.rstrip("."), error.fix) from None


def _within(
    state_dir: Path | None,
    demo: bool,
    person: str,
    work: "Callable[[AsyncConnection, Principal], Awaitable[T]]",
    *,
    write: bool = False,
) -> T:
    """The work with the rights of a person; what it writes is committed as one."""
    import asyncio

    from bot.app import open_storage, quiet_logs

    settings = settings_for(state_dir, demo)
    quiet_logs(settings)

    async def working() -> T:
        async with open_storage(settings, visit=True) as storage:
            begun = storage.database.begin() if write else storage.database.connect()
            async with begun as conn:
                return await work(conn, await _who(conn, person))

    return asyncio.run(working())


async def _who(conn: "AsyncConnection", person: str) -> "Principal":
    from bot.people import principal

    found = await principal(conn, person)
    if found is None:
        raise Failure(
            f"there is no person {person[:100]!r}, or they were disabled", "`stackhand people list` shows all"
        )
    return found


def _print(reply: "Reply") -> int:
    from datetime import UTC, datetime
    from shutil import get_terminal_size

    from bot.adapters.text import render

    width = max(get_terminal_size((110, 24)).columns, 40)
    typer.echo(render(reply, datetime.now(UTC), width=width, first_choice=1).rstrip("\n"))
    return OK if reply.outcome in ("answered", "incomplete") else FAILED


def _save(reply: "Reply", out: Path | None) -> "dict[str, Path]":
    from bot.adapters.console import save
    from bot.replies import File

    if out is None:
        return {}
    try:
        paths = {part.name: save(part, out) for part in reply.parts if isinstance(part, File)}
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise Failure(f"a file was not written to {out}: {reason}", "give another --out") from None
    for path in paths.values():
        typer.echo(f"saved as {path}", err=True)
    return paths


def _json(reply: "Reply", paths: "dict[str, Path]") -> str:
    import json
    from datetime import UTC, datetime

    from bot.commands.contract import as_json
    from bot.told import Told

    return json.dumps(as_json(Told((reply,), (), 0), "", paths, datetime.now(UTC)), ensure_ascii=False, default=str)
