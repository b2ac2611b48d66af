"""`people`: who may talk to Stackhand, and what they may see. Every change is in the audit record."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.commands.failures import OK, USAGE, Failure
from bot.commands.options import AsJson, Demo, StateDir, settings_for

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.people import Grant

Role = Literal["viewer", "operator", "technical", "admin", "superadmin"]
Id = Annotated[str, typer.Argument(help="The person's id: short, without blanks.", metavar="PERSON")]
RoleName = Annotated[Role, typer.Argument(help="The role.")]
Source = Annotated[str | None, typer.Option("--source", help="Only on this source; needs --project.")]
Project = Annotated[str | None, typer.Option("--project", help="Only on the project with this id; needs --source.")]
_LONGEST = 100


def build() -> typer.Typer:
    app = typer.Typer()
    app.callback()(_people)
    app.command("add")(add)
    app.command("link")(link)
    app.command("grant")(grant)
    app.command("revoke")(revoke)
    app.command("list")(list_all)
    return app


def _people() -> None:
    """Who may talk to Stackhand, and what they may see."""


def add(
    person: Id,
    name: Annotated[str, typer.Argument(help="The name to show.")],
    email: Annotated[str | None, typer.Option(help="A mail address.")] = None,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Make a person known. They may do nothing until a role is granted."""
    from storage.people import add_person

    _check("person", person)

    async def work(conn: "AsyncConnection") -> None:
        if not await add_person(conn, person, name.strip(), email):
            raise Failure(f"there is a person {person!r} already", "choose another id, or grant them a role")

    return _change(state_dir, demo, work, "people.add", person, f"{person} is known now")


def link(
    person: Id,
    surface: Annotated[str, typer.Argument(help="The way in that the account is of.")],
    account: Annotated[str, typer.Argument(help="The account's id there, which is not its display name.")],
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Say that a chat account is a person's."""
    from storage.people import link_account

    _check("account", account)

    async def work(conn: "AsyncConnection") -> None:
        await _known(conn, person)
        if not await link_account(conn, surface, account, person):
            raise Failure(f"{surface} account {account} belongs to somebody already", "an account is never moved")

    return _change(state_dir, demo, work, "people.link", person, f"{surface} account {account} is {person}'s now")


def grant(
    person: Id,
    role: RoleName,
    source: Source = None,
    project: Project = None,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Give a role: everywhere, or on one project of one source."""
    from storage.people import grant as give

    wanted = _grant(role, source, project)

    async def work(conn: "AsyncConnection") -> None:
        await _known(conn, person)
        if not await give(conn, person, wanted, "local"):
            raise Failure(f"{person} is {role} there already", "nothing is to be done")

    return _change(state_dir, demo, work, "role.grant", person, f"{person} is {role} {_where(wanted)} now", role)


def revoke(
    person: Id,
    role: RoleName,
    source: Source = None,
    project: Project = None,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Take a role away. It counts at once."""
    from storage.people import revoke as take

    wanted = _grant(role, source, project)

    async def work(conn: "AsyncConnection") -> None:
        await _known(conn, person)
        if not await take(conn, person, wanted):
            raise Failure(f"{person} is not {role} {_where(wanted)}", "`stackhand people list` shows who is what")

    return _change(
        state_dir, demo, work, "role.revoke", person, f"{person} is not {role} {_where(wanted)} any more", role
    )


def list_all(state_dir: StateDir = None, demo: Demo = False, as_json: AsJson = False) -> int:
    """Everybody, with their roles."""
    import asyncio
    import json
    from dataclasses import asdict

    from bot.app import open_storage, quiet_logs
    from storage.people import Person, everybody

    settings = settings_for(state_dir, demo)
    quiet_logs(settings)

    async def read() -> list[Person]:
        async with (
            open_storage(settings, visit=True) as storage,
            storage.database.connect() as conn,
        ):
            return await everybody(conn)

    for person in asyncio.run(read()):
        if as_json:
            typer.echo(json.dumps(asdict(person), ensure_ascii=False))
            continue
        roles = ", ".join(f"{one.role} {_where(one)}" for one in person.grants) or "no role"
        typer.echo(f"{person.id:20} {person.name:30} {roles}" + ("" if person.active else " (disabled)"))
    return OK


def _change(
    state_dir: "Path | None",
    demo: bool,
    work: "Callable[[AsyncConnection], Awaitable[None]]",
    action: str,
    person: str,
    said: str,
    role: str = "",
) -> int:
    """The change and its row in the audit record, in one transaction."""
    import asyncio

    from bot.app import open_storage, quiet_logs
    from storage.audit import record

    settings = settings_for(state_dir, demo)
    quiet_logs(settings)

    async def change() -> None:
        async with open_storage(settings, visit=True) as storage, storage.database.begin() as conn:
            await work(conn)
            detail = {"said": said} | ({"role": role} if role else {})
            await record(conn, person="local", action=action, target=person, outcome="done", detail=detail)

    asyncio.run(change())
    typer.echo(said)
    return OK


async def _known(conn: "AsyncConnection", person: str) -> None:
    from storage.people import person_by_id

    if await person_by_id(conn, person) is None:
        raise Failure(f"there is no person {person!r}", f"make them known first: stackhand people add {person} NAME")


def _check(what: str, id_: str) -> None:
    if not id_.isprintable() or not id_.strip() or id_ != "".join(id_.split()) or len(id_) > _LONGEST or id_ == "local":
        fix = f"use up to {_LONGEST} characters without blanks; `local` is whoever runs Stackhand on this machine"
        raise Failure(f"{id_[:_LONGEST]!r} cannot be the id of a {what}", fix, USAGE)


def _grant(role: Role, source: str | None, project: str | None) -> "Grant":
    from storage.people import Grant

    if (source is None) != (project is None):
        raise Failure("--source and --project belong together", "give both, or none for everywhere", USAGE)
    return Grant(role, source, project)


def _where(grant: "Grant") -> str:
    return "everywhere" if grant.source is None else f"on project {grant.project_id} of {grant.source}"
