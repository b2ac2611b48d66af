"""Sessions of a page that stands without a database: the same promises, kept in memory."""

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from bot.web.sessions import SESSION_LIFETIME, Entered, Session
from storage.page_sessions import hash_of


class RememberedSessions:
    """A restart ends them all. `away` are people who were disabled."""

    def __init__(self) -> None:
        self.links: dict[str, tuple[str, str, bool]] = {}
        self.sessions: dict[str, Session] = {}
        self.away: set[str] = set()

    def mint(self, person: str = "local", opens: str = "/", *, at_once: bool = True) -> str:
        token = secrets.token_urlsafe(32)
        self.links[token] = (person, opens, at_once)
        return token

    async def follow(self, token: str) -> str | None:
        if not self.links.get(token, ("", "", False))[2]:
            return None
        return self._begin(self.links.pop(token)[0])

    async def enter(self, token: str, held: Session | None, *, sure: bool = False) -> Entered | None:
        person, opens, _ = self.links.get(token, ("", "", False))
        if not person or person in self.away:
            return None
        if held is not None and person != held.person and not sure:
            return Entered(opens, other=person.capitalize())
        del self.links[token]
        if held is not None and person == held.person:
            return Entered(opens)
        return Entered(opens, self._begin(person))

    async def find(self, secret: str | None) -> Session | None:
        found = self.sessions.get(hash_of(secret).hex()) if secret else None
        return found if found and found.person not in self.away else None

    async def speak_as(self, session: Session, person: str) -> None:
        self.sessions[session.id] = replace(session, person=person, name=person.capitalize())

    async def end(self, session: Session) -> None:
        self.sessions.pop(session.id, None)

    async def living(self, ids: Collection[str]) -> set[str]:
        return {id_ for id_ in ids if id_ in self.sessions and self.sessions[id_].person not in self.away}

    def _begin(self, person: str) -> str:
        secret = secrets.token_urlsafe(32)
        id_ = hash_of(secret).hex()
        self.sessions[id_] = Session(id_, person, datetime.now(UTC) + SESSION_LIFETIME, person.capitalize())
        return secret
