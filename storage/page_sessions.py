"""Who may be at the page: links that are good once, and the sessions that they give. Tokens and cookies are not kept,
only their hashes; whoever was disabled has neither."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text
from storage.page_tables import page_link, page_session
from storage.people_tables import person

HERE = "local"
"""Whoever runs Stackhand on this machine: no row of `person`, and never disabled."""
MOST_LINKS, MOST_SESSIONS = 5, 20
"""Of one person: links that were not used yet, and sessions. The oldest go when there are more."""
_BYTES = 32  # 256 random bits


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link is, or was, good for. `usable`: it could be used now. `name` is the person's."""

    person: str
    name: str
    opens: str
    usable: bool


@dataclass(frozen=True, slots=True)
class Visitor:
    """A session that counts now."""

    person: str
    name: str
    expires: datetime


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def make_link(
    conn: AsyncConnection, who: str, *, now: datetime, valid: timedelta, opens: str = "/", at_once: bool = False
) -> str:
    """The token of a new link. It is told once and kept nowhere; whether `who` may come in is asked when it is used."""
    token = secrets.token_urlsafe(_BYTES)
    values = {"hash": hash_of(token), "person": who, "opens": clean_text(opens), "at_once": at_once}
    await conn.execute(insert(page_link).values(**values, made_at=now, expires_at=now + valid))
    newest = (
        select(page_link.c.hash)
        .where(page_link.c.person == who, page_link.c.used_at.is_(None))
        .order_by(page_link.c.made_at.desc(), page_link.c.hash)
        .limit(MOST_LINKS)
    )
    unused = (page_link.c.person == who, page_link.c.used_at.is_(None))
    await conn.execute(delete(page_link).where(*unused, page_link.c.hash.not_in(newest)))
    return token


async def look_at(conn: AsyncConnection, token: str, now: datetime) -> Opened | None:
    """What is known of a link, also of a used or late one, without using it up."""
    c = page_link.c
    query = (
        select(c.person, func.coalesce(person.c.name, c.person).label("name"), c.opens)
        .add_columns(and_(*_usable(now), _may_come(c.person)).label("usable"))
        .outerjoin(person, person.c.id == c.person)
        .where(c.hash == hash_of(token))
    )
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else Opened(**row)


async def use_link(
    conn: AsyncConnection, token: str, now: datetime, *, at_once: bool = False
) -> tuple[str, str] | None:
    """(person, path): of any number of attempts at once one uses it. None for one that is unknown, used or late, or
    whose person was disabled. `at_once`: only one that is made for being followed."""
    c = page_link.c
    query = update(page_link).where(c.hash == hash_of(token), *_usable(now), _may_come(c.person))
    if at_once:
        query = query.where(c.at_once)
    row = (await conn.execute(query.values(used_at=now).returning(c.person, c.opens))).first()
    return None if row is None else (str(row.person), str(row.opens))


def _usable(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return page_link.c.used_at.is_(None), page_link.c.expires_at > now


def _may_come(who: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(who == HERE, who.in_(select(person.c.id).where(person.c.active)))


async def begin(conn: AsyncConnection, who: str, *, now: datetime, valid: timedelta) -> str:
    """The secret of a new session, which its cookie holds."""
    secret = secrets.token_urlsafe(_BYTES)
    c = page_session.c
    await conn.execute(
        insert(page_session).values(hash=hash_of(secret), person=who, made_at=now, expires_at=now + valid)
    )
    newest = select(c.hash).where(c.person == who).order_by(c.made_at.desc(), c.hash).limit(MOST_SESSIONS)
    await conn.execute(delete(page_session).where(c.person == who, c.hash.not_in(newest)))
    return secret


async def visitor(conn: AsyncConnection, secret: str, now: datetime) -> Visitor | None:
    """By one look at an index: it is asked at every request."""
    c = page_session.c
    query = (
        select(c.person, func.coalesce(person.c.name, c.person).label("name"), c.expires_at.label("expires"))
        .outerjoin(person, person.c.id == c.person)
        .where(c.hash == hash_of(secret), c.expires_at > now, or_(c.person == HERE, person.c.active))
    )
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else Visitor(**row)


async def living(conn: AsyncConnection, hashes: Collection[bytes], now: datetime) -> set[bytes]:
    """Those of them whose session counts now."""
    c = page_session.c
    query = select(c.hash).where(c.hash.in_(list(hashes)), c.expires_at > now, _may_come(c.person))
    return {bytes(found) for found in (await conn.execute(query)).scalars()}


async def speak_as(conn: AsyncConnection, hash_: bytes, who: str) -> None:
    await conn.execute(update(page_session).where(page_session.c.hash == hash_).values(person=who))


async def end(conn: AsyncConnection, hash_: bytes) -> None:
    await conn.execute(delete(page_session).where(page_session.c.hash == hash_))


async def sweep(conn: AsyncConnection, now: datetime) -> int:
    """Delete what is over, and what belongs to somebody who may not come any more: nothing of it is there again when
    they may. How many rows."""
    gone = 0
    for table in (page_link, page_session):
        over = or_(table.c.expires_at <= now, ~_may_come(table.c.person))
        gone += (await conn.execute(delete(table).where(over))).rowcount
    return gone
