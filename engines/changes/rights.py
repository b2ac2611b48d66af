"""Who holds which role where a change takes place, as it is now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.policy import ROLES
from storage import people
from storage.people import Grant, Person
from storage.scopes import projects_of

LOCAL = "local"
"""Whoever works on the machine that holds the database; may do everything, and is nobody who could be asked."""

Where = Collection[tuple[str, str | None]]
"""(source, project id) of what a change touches; empty: the house itself."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where somebody acts: a role that was given for one channel counts there alone."""

    surface: str = ""
    channel: str = ""


async def roles_at(
    conn: AsyncConnection, person_id: str, where: Where, spot: Spot
) -> Mapping[tuple[str, str | None], frozenset[str]] | None:
    """The roles that an active person holds at each place; None for nobody, and for who is disabled."""
    places = tuple(where) or (("", None),)
    if person_id == LOCAL:
        return dict.fromkeys(places, frozenset({"superadmin"}))
    person = await people.person_by_id(conn, person_id)
    if person is None or not person.active:
        return None
    domains = await _domains(conn, (person,))
    return {place: _held(person, place, domains, spot) for place in places}


async def holders(conn: AsyncConnection, role: str, where: Where) -> list[Person]:
    """The active people who hold at least this role at all these places, in any channel."""
    everybody = [person for person in await people.everybody(conn) if person.active]
    domains, places = await _domains(conn, everybody), tuple(where) or (("", None),)
    return [one for one in everybody if all(reaches(_held(one, at, domains, Spot()), role) for at in places)]


def reaches(roles: Collection[str], role: str) -> bool:
    """Whether one of the roles is at least `role`."""
    return any(held in ROLES and ROLES.index(held) >= ROLES.index(role) for held in roles)


async def _domains(conn: AsyncConnection, of: Collection[Person]) -> Mapping[tuple[str, str], str]:
    return await projects_of(conn, {(g.source, g.domain_id) for p in of for g in p.grants if g.source and g.domain_id})


def _held(
    person: Person, place: tuple[str, str | None], domains: Mapping[tuple[str, str], str], spot: Spot
) -> frozenset[str]:
    return frozenset(
        grant.role for grant in person.grants if _counts_here(grant, spot) and _covers(grant, place, domains)
    )


def _counts_here(grant: Grant, spot: Spot) -> bool:
    bound = grant.surface is not None or grant.channel is not None
    return not bound or (grant.surface, grant.channel) == (spot.surface, spot.channel)


def _covers(grant: Grant, place: tuple[str, str | None], domains: Mapping[tuple[str, str], str]) -> bool:
    source, project = place
    if grant.source is None:
        return True
    if grant.source != source or project is None:
        return False
    if grant.project_id is not None:
        return grant.project_id == project
    return grant.domain_id is not None and domains.get((source, project)) == grant.domain_id
