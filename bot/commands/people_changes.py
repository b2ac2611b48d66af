"""What the commands about people share: options, ids that are what they seem, and a change with its audit row."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from bot.commands.failures import OK, USAGE, Failure
from bot.commands.options import settings_for

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.people import Person
    from storage.scopes import Place

    Work = Callable[[AsyncConnection], Awaitable[str]]

T = TypeVar("T")
Role = Literal["viewer", "operator", "technical", "admin", "superadmin"]
Id = Annotated[str, typer.Argument(help="The person's id: short, without blanks.", metavar="PERSON")]
Surface = Annotated[str, typer.Argument(help="The way in that it is of, such as slack.")]
Source = Annotated[str | None, typer.Option("--source", help="Only on this source; needs --domain or --project.")]
Domain = Annotated[str | None, typer.Option("--domain", help="Only on this domain, with all projects it has or gets.")]
Project = Annotated[str | None, typer.Option("--project", help="Only on this project.")]


def change(
    state_dir: Path | None,
    demo: bool,
    work: "Work",
    action: str,
    target: str,
    *,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """The change and its row in the audit record, in one transaction. `work` gives the line to print."""
    import asyncio

    from bot.app import open_storage, quiet_logs
    from storage.audit import record

    settings = settings_for(state_dir, demo)
    quiet_logs(settings)

    async def changing() -> str:
        async with open_storage(settings, visit=True) as storage, storage.database.begin() as conn:
            said = await work(conn)
            told = {"said": said} | dict(detail or {})
            await record(conn, person="local", action=action, target=target, outcome="done", detail=told)
            return said

    typer.echo(asyncio.run(changing()))
    return OK


def read(state_dir: Path | None, demo: bool, look: "Callable[[AsyncConnection], Awaitable[T]]") -> T:
    """What `look` finds in the database."""
    import asyncio

    from bot.app import open_storage, quiet_logs

    settings = settings_for(state_dir, demo)
    quiet_logs(settings)

    async def reading() -> T:
        async with open_storage(settings, visit=True) as storage, storage.database.connect() as conn:
            return await look(conn)

    return asyncio.run(reading())


async def known(conn: "AsyncConnection", person: str) -> "Person":
    from storage.people import person_by_id

    found = await person_by_id(conn, person)
    if found is None:
        raise Failure(f"there is no person {person!r}", f"make them known first: stackhand people add {person} NAME")
    return found


def check_id(what: str, id_: str) -> None:
    """For ids of people and of what a chat platform names."""
    from storage.people import is_person_id

    if not is_person_id(id_):
        fix = "use up to 100 characters without blanks; `local` is whoever runs Stackhand on this machine"
        raise Failure(f"{id_[:100]!r} cannot be the id of a {what}", fix, USAGE)


def check_place(source: str | None, domain: str | None, project: str | None) -> None:
    """A place is whole, or nothing of it is said: everywhere."""
    if domain is not None and project is not None:
        raise Failure("--domain and --project exclude each other", "a domain covers its projects; give one", USAGE)
    if (source is None) != (domain is None and project is None):
        fix = "give both, or none for everywhere"
        raise Failure("--source and --domain or --project belong together", fix, USAGE)


async def place(conn: "AsyncConnection", source: str | None, domain: str | None, project: str | None) -> "Place":
    """The place with ids: a name will do where the inventory knows just one of that name in the source."""
    from storage.scopes import Place

    if source is None:
        return Place()
    if domain is not None:
        return Place(source, domain_id=await _id_of(conn, source, "domain", domain))
    return Place(source, project_id=await _id_of(conn, source, "project", str(project)))


async def _id_of(conn: "AsyncConnection", source: str, kind: str, said: str) -> str:
    from sqlalchemy import or_, select

    from storage.tables import resource

    c = resource.c
    query = select(c.external_id, c.name).where(
        c.source == source, c.kind == kind, c.deleted_at.is_(None), or_(c.external_id == said, c.name == said)
    )
    found = (await conn.execute(query)).all()
    if any(row.external_id == said for row in found) or len(found) == 1:
        return said if any(row.external_id == said for row in found) else str(found[0].external_id)
    if found:
        ids = ", ".join(sorted(row.external_id for row in found))
        raise Failure(f"{source} has {len(found)} {kind}s named {said!r}", f"give the id of the one: {ids}")
    typer.echo(f"note: the inventory knows no {kind} {said} of {source} yet; it is taken as an id", err=True)
    return said
