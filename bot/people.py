"""Who is asking: a person with roles, and what they may see."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.people import person_by_id
from storage.scopes import EVERYTHING, Scope

LOCAL = "local"
"""Whoever runs Stackhand on this machine: the console, the command line and the page of one's own. They hold the
database's password already, so they may do everything. Adapters of chat platforms never use it."""


@dataclass(frozen=True, slots=True)
class Principal:
    """`everywhere` are the roles that are not bound to a project; `grants` are lines such as "admin everywhere" or
    "viewer on acme-prod (pcd-1)", for `whoami`."""

    id: str
    name: str
    roles: frozenset[str]
    scope: Scope
    grants: tuple[str, ...] = ()
    everywhere: frozenset[str] = frozenset()


async def principal(conn: AsyncConnection, person_id: str) -> Principal | None:
    """The person with their rights as they are now; None for nobody, or one who was disabled."""
    if person_id == LOCAL:
        return Principal(
            LOCAL,
            "whoever works on this machine",
            frozenset({"superadmin"}),
            EVERYTHING,
            ("superadmin everywhere (this machine)",),
            frozenset({"superadmin"}),
        )
    person = await person_by_id(conn, person_id)
    if person is None or not person.active:
        return None
    everywhere = frozenset(grant.role for grant in person.grants if grant.source is None)
    projects = frozenset(
        (grant.source, grant.project_id) for grant in person.grants if grant.source and grant.project_id
    )
    return Principal(
        person.id,
        person.name,
        frozenset(grant.role for grant in person.grants),
        EVERYTHING if everywhere else Scope(projects=projects),
        tuple(_line(grant.role, grant.source, grant.project_id) for grant in person.grants),
        everywhere,
    )


def _line(role: str, source: str | None, project_id: str | None) -> str:
    return f"{role} everywhere" if source is None else f"{role} on project {project_id} ({source})"
