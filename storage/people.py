"""People, their chat accounts and their roles."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import account, person, role_grant


@dataclass(frozen=True, slots=True)
class Grant:
    """A role everywhere (source and project_id None), or on one project of one source."""

    role: str
    source: str | None = None
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    email: str | None
    active: bool
    grants: tuple[Grant, ...] = ()


async def person_by_id(conn: AsyncConnection, person_id: str) -> Person | None:
    return next(iter(await _people(conn, [person_id])), None)


async def person_by_account(conn: AsyncConnection, surface: str, external_id: str) -> Person | None:
    """The one person that a chat account belongs to; None for an account that is not linked."""
    query = select(account.c.person_id).where(account.c.surface == surface, account.c.external_id == external_id)
    found = (await conn.execute(query)).scalar_one_or_none()
    return await person_by_id(conn, found) if found else None


async def everybody(conn: AsyncConnection) -> list[Person]:
    return await _people(conn, None)


async def _people(conn: AsyncConnection, ids: Sequence[str] | None) -> list[Person]:
    query, held = select(person).order_by(person.c.id), select(role_grant).order_by(role_grant.c.id)
    if ids is not None:
        query, held = query.where(person.c.id.in_(ids)), held.where(role_grant.c.person_id.in_(ids))
    grants: dict[str, list[Grant]] = defaultdict(list)
    for row in await conn.execute(held):
        grants[row.person_id].append(Grant(row.role, row.source, row.project_id))
    rows = await conn.execute(query)
    return [Person(row.id, row.name, row.email, row.active, tuple(grants[row.id])) for row in rows]


async def add_person(conn: AsyncConnection, person_id: str, name: str, email: str | None = None) -> bool:
    """False when somebody has this id already."""
    query = upsert(person).values(id=person_id, name=name, email=email).on_conflict_do_nothing()
    return (await conn.execute(query)).rowcount == 1


async def set_active(conn: AsyncConnection, person_id: str, active: bool) -> bool:
    """False when there is no such person."""
    query = update(person).where(person.c.id == person_id).values(active=active)
    return (await conn.execute(query)).rowcount == 1


async def link_account(conn: AsyncConnection, surface: str, external_id: str, person_id: str) -> bool:
    """False when the account belongs to somebody already: an account is never moved silently."""
    values = {"surface": surface, "external_id": external_id, "person_id": person_id}
    return (await conn.execute(upsert(account).values(**values).on_conflict_do_nothing())).rowcount == 1


async def unlink_account(conn: AsyncConnection, surface: str, external_id: str) -> bool:
    query = delete(account).where(account.c.surface == surface, account.c.external_id == external_id)
    return (await conn.execute(query)).rowcount == 1


async def grant(conn: AsyncConnection, person_id: str, given: Grant, granted_by: str) -> bool:
    """False when the person holds this grant already."""
    query = upsert(role_grant).values(
        person_id=person_id,
        role=given.role,
        source=given.source,
        project_id=given.project_id,
        granted_by=granted_by,
    )
    return (await conn.execute(query.on_conflict_do_nothing())).rowcount == 1


async def revoke(conn: AsyncConnection, person_id: str, taken: Grant) -> bool:
    """False when the person does not hold this grant."""
    query = delete(role_grant).where(
        role_grant.c.person_id == person_id,
        role_grant.c.role == taken.role,
        role_grant.c.source.is_not_distinct_from(taken.source),
        role_grant.c.project_id.is_not_distinct_from(taken.project_id),
    )
    return (await conn.execute(query)).rowcount == 1
