"""`people`: who may talk to Stackhand, and what they may see. Every change is in the audit record."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands import people_channels, people_links
from bot.commands.failures import OK, USAGE, Failure
from bot.commands.options import AsJson, Demo, StateDir, settings_for
from bot.commands.people_changes import (
    Domain,
    Id,
    Project,
    Role,
    Source,
    change,
    check_id,
    check_place,
    known,
    place,
    read,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.people import Grant, Person

RoleName = Annotated[Role, typer.Argument(help="The role.")]
OnSurface = Annotated[str | None, typer.Option("--surface", help="Only in one channel of this way in.")]
Channel = Annotated[str | None, typer.Option("--channel", help="The channel's id there; needs --surface.")]


def build() -> typer.Typer:
    app = typer.Typer()
    app.callback()(_people)
    for command in (add, show, grant, revoke, disable, enable):
        app.command()(command)
    app.command("list")(list_all)
    app.command()(people_links.invite)
    app.command()(people_links.link)
    app.command()(people_links.unlink)
    app.command("page-link")(people_links.page_link)
    app.command()(sync)
    app.add_typer(people_channels.build(), name="channel", help="Channels that are about a domain or a project.")
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

    check_id("person", person)

    async def work(conn: "AsyncConnection") -> str:
        if not await add_person(conn, person, name.strip(), email):
            raise Failure(f"there is a person {person!r} already", "choose another id, or grant them a role")
        return f"{person} is known now"

    return change(state_dir, demo, work, "people.add", person)


def grant(
    person: Id,
    role: RoleName,
    source: Source = None,
    domain: Domain = None,
    project: Project = None,
    surface: OnSurface = None,
    channel: Channel = None,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Give a role: everywhere, on a domain of a source, or on a project of a source."""
    from storage.people import grant as give

    _check(source, domain, project, surface, channel)

    async def work(conn: "AsyncConnection") -> str:
        await known(conn, person)
        wanted = await _grant(conn, role, source, domain, project, surface, channel)
        if not await give(conn, person, wanted, "local"):
            raise Failure(f"{person} is {await _told(conn, wanted)} already", "nothing is to be done")
        return f"{person} is {await _told(conn, wanted)} now"

    return change(state_dir, demo, work, "role.grant", person, detail={"role": role})


def revoke(
    person: Id,
    role: RoleName,
    source: Source = None,
    domain: Domain = None,
    project: Project = None,
    surface: OnSurface = None,
    channel: Channel = None,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Take a role away. It counts at once."""
    from storage.people import revoke as take

    _check(source, domain, project, surface, channel)

    async def work(conn: "AsyncConnection") -> str:
        held = (await known(conn, person)).grants
        wanted = await _grant(conn, role, source, domain, project, surface, channel)
        if not await take(conn, person, wanted):
            given = any(one.role == role and one.place == wanted.place and one.via == "directory" for one in held)
            fix = "the directory gave it: take them out of the group there" if given else "`people show` lists all"
            raise Failure(f"{person} is not {await _told(conn, wanted)} by hand", fix)
        return f"{person} is not {await _told(conn, wanted)} any more"

    return change(state_dir, demo, work, "role.revoke", person, detail={"role": role})


async def _told(conn: "AsyncConnection", grant: "Grant") -> str:
    from bot.people import grants_told
    from storage.scopes import EVERYTHING

    return (await grants_told(conn, EVERYTHING, [grant]))[0]


def disable(person: Id, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Refuse a person from now on, also in conversations that are open. Roles and accounts are kept."""
    return _set_active(person, False, state_dir, demo)


def enable(person: Id, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Let a disabled person in again."""
    return _set_active(person, True, state_dir, demo)


def show(person: Id, state_dir: StateDir = None, demo: Demo = False, as_json: AsJson = False) -> int:
    """One person: roles, accounts, and where they come from."""
    import json
    from dataclasses import asdict

    from bot.people import grants_told
    from storage.people import accounts_of
    from storage.scopes import EVERYTHING

    async def look(conn: "AsyncConnection") -> "tuple[Person, list[str], list[tuple[str, str]]]":
        found = await known(conn, person)
        told = await grants_told(conn, EVERYTHING, found.grants)
        return found, told, (await accounts_of(conn, [person])).get(person, [])

    found, told, accounts = read(state_dir, demo, look)
    if as_json:
        typer.echo(json.dumps(asdict(found) | {"accounts": accounts}, ensure_ascii=False))
        return OK
    state = "active" if found.active else "disabled"
    typer.echo(f"{found.id}: {found.name}, {found.email or 'no e-mail'}, {state}, made known by {found.via}")
    for words in told:
        typer.echo(f"  role     {words}")
    for surface, account in accounts:
        typer.echo(f"  account  {surface} {account}")
    return OK


def list_all(state_dir: StateDir = None, demo: Demo = False, as_json: AsJson = False) -> int:
    """Everybody, with their roles."""
    import json
    from dataclasses import asdict

    from bot.people import grants_told
    from storage.people import everybody
    from storage.scopes import EVERYTHING

    async def look(conn: "AsyncConnection") -> "list[tuple[Person, str]]":
        found = await everybody(conn)
        return [(one, "; ".join(await grants_told(conn, EVERYTHING, one.grants)) or "no role") for one in found]

    for person, roles in read(state_dir, demo, look):
        if as_json:
            typer.echo(json.dumps(asdict(person), ensure_ascii=False))
            continue
        typer.echo(f"{person.id:20} {person.name:30} {roles}" + ("" if person.active else " (disabled)"))
    return OK


def sync(
    accept: Annotated[
        bool, typer.Option("--accept", help="Also when more than half of the people would lose their rights.")
    ] = False,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Take people and roles from the directory (LDAP) now."""
    import asyncio

    from bot.commands.people_directory import sync_now

    typer.echo(asyncio.run(sync_now(settings_for(state_dir, demo), accept)))
    return OK


def _set_active(person: str, active: bool, state_dir: StateDir, demo: bool) -> int:
    from storage.people import set_active

    word = "enabled" if active else "disabled"

    async def work(conn: "AsyncConnection") -> str:
        if (await known(conn, person)).active == active:
            raise Failure(f"{person} is {word} already", "nothing is to be done")
        await set_active(conn, person, active)
        return f"{person} is {word} now"

    return change(state_dir, demo, work, f"people.{word.removesuffix('d')}", person)


def _check(
    source: str | None, domain: str | None, project: str | None, surface: str | None, channel: str | None
) -> None:
    check_place(source, domain, project)
    if (surface is None) != (channel is None):
        raise Failure("--surface and --channel belong together", "give both, or none for every channel", USAGE)


async def _grant(
    conn: "AsyncConnection",
    role: Role,
    source: str | None,
    domain: str | None,
    project: str | None,
    surface: str | None,
    channel: str | None,
) -> "Grant":
    from storage.people import Grant

    at = await place(conn, source, domain, project)
    return Grant(role, at.source, at.project_id, at.domain_id, surface, channel)
