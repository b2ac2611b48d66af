"""People, their chat accounts and their roles."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text
from storage.people_tables import account, person, role_grant
from storage.scopes import Place

Via = Literal["hand", "directory"]
_LONGEST_ID = 100
_RIGHTS_LOCK = 7_203_006
_NOBODY = frozenset({"local", "directory"})  # who acts in the audit record without being a person


def is_person_id(id_: str) -> bool:
    """Short, without blanks and without what a terminal would act on; and nobody else's in the audit record."""
    plain = id_.isprintable() and id_ == "".join(id_.split())
    return plain and 0 < len(id_) <= _LONGEST_ID and id_.casefold() not in _NOBODY


@dataclass(frozen=True, slots=True)
class Grant:
    """A role everywhere (no source), on a domain or on a project of a source; with `surface` and `channel` only for
    what is asked there. `via` tells who gave it: the directory takes back only its own."""

    role: str
    source: str | None = None
    project_id: str | None = None
    domain_id: str | None = None
    surface: str | None = None
    channel: str | None = None
    via: Via = "hand"

    @property
    def place(self) -> Place:
        return Place(self.source, self.domain_id, self.project_id)


@dataclass(frozen=True, slots=True)
class Person:
    """`directory_id` is the id of their entry in the directory, if they have one; `via` who made them known."""

    id: str
    name: str
    email: str | None
    active: bool
    grants: tuple[Grant, ...] = ()
    via: Via = "hand"
    directory_id: str | None = None
    disabled_by: Via | None = None


async def person_by_id(conn: AsyncConnection, person_id: str) -> Person | None:
    return next(iter(await _people(conn, person.c.id == clean_text(person_id))), None)


async def person_by_account(conn: AsyncConnection, surface: str, external_id: str) -> Person | None:
    """The one person that a chat account belongs to; None for an account that is not linked."""
    query = select(account.c.person_id).where(
        account.c.surface == clean_text(surface), account.c.external_id == clean_text(external_id)
    )
    found = (await conn.execute(query)).scalar_one_or_none()
    return await person_by_id(conn, found) if found else None


async def people_by_email(conn: AsyncConnection, email: str) -> list[Person]:
    """Everybody, active or not, whose address is this one but for capitals."""
    wanted = clean_text(email).strip()
    found = await _people(conn, func.lower(person.c.email) == func.lower(wanted))
    # Other letters than the plain ones may become plain ones when they are folded, in another mailbox.
    return [p for p in found if p.email and _same(p.email.strip(), wanted)]


def _same(one: str, other: str) -> bool:
    return one.isascii() == other.isascii() and one.casefold() == other.casefold()


async def people_called(conn: AsyncConnection, spans: Collection[str]) -> list[tuple[str, Person]]:
    """(span, person) for everybody whose id, whole name, e-mail or account is one of these folded texts."""
    wanted = [clean_text(span) for span in spans]
    linked = select(account.c.person_id).where(func.lower(account.c.external_id).in_(wanted))
    columns = (func.lower(person.c.id), func.lower(person.c.name), func.lower(person.c.email))
    found = await _people(conn, or_(*(column.in_(wanted) for column in columns), person.c.id.in_(linked)))
    accounts = await accounts_of(conn, [one.id for one in found])
    hits: list[tuple[str, Person]] = []
    for one in found:
        called = {one.id.lower(), one.name.lower(), (one.email or "").lower()}
        called |= {external_id.lower() for _, external_id in accounts.get(one.id, ())}
        hits += [(span, one) for span in dict.fromkeys(wanted) if span in called]
    return hits


async def accounts_of(conn: AsyncConnection, ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """The accounts of these people, as (surface, external id)."""
    query = select(account).where(account.c.person_id.in_(ids)).order_by(account.c.surface, account.c.external_id)
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in await conn.execute(query):
        found[row.person_id].append((row.surface, row.external_id))
    return found


async def everybody(conn: AsyncConnection) -> list[Person]:
    return await _people(conn, None)


async def _people(conn: AsyncConnection, kept: ColumnElement[bool] | None) -> list[Person]:
    query = select(person).order_by(person.c.id)
    held = select(role_grant).order_by(role_grant.c.id)
    if kept is not None:
        query = query.where(kept)
        held = held.where(role_grant.c.person_id.in_(select(person.c.id).where(kept)))
    grants: dict[str, list[Grant]] = defaultdict(list)
    for row in (await conn.execute(held)).mappings():
        grants[row["person_id"]].append(Grant(**{name: row[name] for name in Grant.__slots__}))
    rows = await conn.execute(query)
    return [
        Person(
            row.id, row.name, row.email, row.active, tuple(grants[row.id]), row.via, row.directory_id, row.disabled_by
        )
        for row in rows
    ]


async def add_person(
    conn: AsyncConnection,
    person_id: str,
    name: str,
    email: str | None = None,
    *,
    via: Via = "hand",
    directory_id: str | None = None,
) -> bool:
    """False when somebody has this id already."""
    values = {"id": person_id, "name": clean_text(name), "email": email, "via": via, "directory_id": directory_id}
    return (await conn.execute(upsert(person).values(**values).on_conflict_do_nothing())).rowcount == 1


async def change_person(
    conn: AsyncConnection, person_id: str, *, name: str, email: str | None, directory_id: str
) -> None:
    """What the directory says of somebody who is known already."""
    values = {"name": clean_text(name), "email": email, "directory_id": directory_id}
    await conn.execute(update(person).where(person.c.id == person_id).values(**values))


async def set_active(conn: AsyncConnection, person_id: str, active: bool, by: Via = "hand") -> bool:
    """False when there is no such person."""
    query = update(person).where(person.c.id == person_id).values(active=active, disabled_by=None if active else by)
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
    values = {name: getattr(given, name) for name in Grant.__slots__}
    query = upsert(role_grant).values(person_id=person_id, granted_by=granted_by, **values)
    return (await conn.execute(query.on_conflict_do_nothing())).rowcount == 1


async def revoke(conn: AsyncConnection, person_id: str, taken: Grant) -> bool:
    """False when the person does not hold this grant."""
    exactly = (role_grant.c[name].is_not_distinct_from(getattr(taken, name)) for name in Grant.__slots__)
    return (await conn.execute(delete(role_grant).where(role_grant.c.person_id == person_id, *exactly))).rowcount == 1


async def lock_rights(conn: AsyncConnection) -> None:
    """Until the end of the transaction: of two who take each other's rights, the second sees what the first did."""
    await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _RIGHTS_LOCK})


async def others_hold_everything(conn: AsyncConnection, but: str) -> bool:
    """Whether an active person other than this one is superadmin everywhere, in every channel."""
    query = (
        select(role_grant.c.id)
        .join(person, person.c.id == role_grant.c.person_id)
        .where(
            role_grant.c.role == "superadmin",
            role_grant.c.source.is_(None),
            role_grant.c.surface.is_(None),
            role_grant.c.person_id != but,
            person.c.active,
        )
    )
    return (await conn.execute(query.limit(1))).first() is not None
