"""Who is at the page: a link is good once and gives a session, a session is a cookie."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from storage import audit, page_sessions
from storage.database import Database

LINK_LIFETIME = timedelta(hours=24)
"""Of the link that a start of Stackhand prints."""
SESSION_LIFETIME = timedelta(days=7)
_OF_THE_MACHINE = "whoever works on this machine"
_LONGEST = 200  # characters of a token or a cookie; ours have 43


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Session:
    """`id` is safe to log and to key by: it is the hash of what the cookie holds. `name` is for eyes."""

    id: str
    person: str
    expires: datetime
    name: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """What came of a link: a new session's `secret`, if there is one, and the path that it `opens`.

    `other` is the name of the person whom the link is for, where the browser is signed in as somebody else and nobody
    has said yet that this is meant: nothing was used up.
    """

    opens: str
    secret: str = ""
    other: str = ""


class Sessions(Protocol):
    """All times are UTC. Nothing here raises for a token or a cookie that is nonsense."""

    async def follow(self, token: str) -> str | None:
        """The secret of a new session for a link that was only followed; None if it is not one for that, was used, has
        expired or never was."""
        ...

    async def enter(self, token: str, held: Session | None, *, sure: bool = False) -> Entered | None:
        """Use a link up, by a button; `held` is the browser's session of before, which ends with it. A link that was
        used by this very person leads on without another session. None for what opens nothing."""
        ...

    async def find(self, secret: str | None) -> Session | None:
        """The session of a cookie, if it counts now."""
        ...

    async def speak_as(self, session: Session, person: str) -> None:
        """From now on it is another person's. Whether it may be is for the caller to know."""
        ...

    async def end(self, session: Session) -> None: ...

    async def living(self, ids: Collection[str]) -> set[str]:
        """Those of these sessions that count now."""
        ...


class KeptSessions:
    """In the database: a restart ends none, any process can make a link, and whoever is disabled is out at once."""

    def __init__(self, database: Database, now: Callable[[], datetime] = _now) -> None:
        self._database = database
        self._now = now

    async def mint(self, person: str = page_sessions.HERE) -> str:
        """A token for one link that is followed without a button: for the terminal of whoever starts Stackhand."""
        async with self._database.begin() as conn:
            return await page_sessions.make_link(conn, person, now=self._now(), valid=LINK_LIFETIME, at_once=True)

    async def follow(self, token: str) -> str | None:
        entered = await self._use(token, None, at_once=True)
        return entered.secret if entered else None

    async def enter(self, token: str, held: Session | None, *, sure: bool = False) -> Entered | None:
        if held is not None and _has_shape(token):
            async with self._database.connect() as conn:
                link = await page_sessions.look_at(conn, token, self._now())
            if link is not None and link.person == held.person:
                async with self._database.begin() as conn:
                    await page_sessions.use_link(conn, token, self._now())
                return Entered(link.opens)
            if link is not None and link.usable and not sure:
                other = link.name if link.person != page_sessions.HERE else _OF_THE_MACHINE
                return Entered(link.opens, other=other)
        return await self._use(token, held)

    async def _use(self, token: str, held: Session | None, *, at_once: bool = False) -> Entered | None:
        if not _has_shape(token):
            return None
        now = self._now()
        async with self._database.begin() as conn:
            used = await page_sessions.use_link(conn, token, now, at_once=at_once)
            if used is None:
                return None
            person, opens = used
            if held is not None:
                await page_sessions.end(conn, bytes.fromhex(held.id))
            secret = await page_sessions.begin(conn, person, now=now, valid=SESSION_LIFETIME)
            await audit.record(conn, person=person, action="page.enter", outcome="done", at=now)
        return Entered(opens, secret)

    async def find(self, secret: str | None) -> Session | None:
        if not secret or not _has_shape(secret):
            return None
        async with self._database.connect() as conn:
            found = await page_sessions.visitor(conn, secret, self._now())
        if found is None:
            return None
        name = found.name if found.person != page_sessions.HERE else _OF_THE_MACHINE
        return Session(page_sessions.hash_of(secret).hex(), found.person, found.expires, name)

    async def speak_as(self, session: Session, person: str) -> None:
        async with self._database.begin() as conn:
            await page_sessions.speak_as(conn, bytes.fromhex(session.id), person)

    async def end(self, session: Session) -> None:
        async with self._database.begin() as conn:
            await page_sessions.end(conn, bytes.fromhex(session.id))
            await audit.record(conn, person=session.person, action="page.leave", outcome="done", at=self._now())

    async def living(self, ids: Collection[str]) -> set[str]:
        async with self._database.connect() as conn:
            found = await page_sessions.living(conn, [bytes.fromhex(one) for one in ids], self._now())
        return {one.hex() for one in found}


def _has_shape(secret: str) -> bool:
    """Else it is not even looked up."""
    return 0 < len(secret) <= _LONGEST and secret.isascii()
