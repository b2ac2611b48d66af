"""Who is at the page: a link is good once and gives a session, a session is a cookie. Only hashes are kept."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

LINK_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(days=7)
_MOST_SESSIONS = 1000


def _now() -> datetime:
    return datetime.now(UTC)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Session:
    """`id` is safe to log and to key by: it is the hash of what the cookie holds."""

    id: str
    person: str
    expires: datetime


class Sessions:
    """Links and sessions of one process, in memory: a restart ends them all."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self._now = now
        self._links: dict[str, tuple[str, datetime]] = {}
        self._sessions: dict[str, Session] = {}

    def mint(self, person: str = "local") -> str:
        """A token for one link, good once and for a day, that lets whoever opens it speak as `person`."""
        token = secrets.token_urlsafe(32)
        self._forget()
        self._links[_hash(token)] = (person, self._now() + LINK_LIFETIME)
        return token

    def redeem(self, token: str) -> str | None:
        """The secret of a new session for a link's token; None if it was used, has expired or never was."""
        person, expires = self._links.pop(_hash(token), ("", self._now()))
        if expires <= self._now():
            return None
        self._forget()
        secret = secrets.token_urlsafe(32)
        key = _hash(secret)
        self._sessions[key] = Session(key, person, self._now() + SESSION_LIFETIME)
        return secret

    def find(self, secret: str | None) -> Session | None:
        session = self._sessions.get(_hash(secret)) if secret else None
        return session if session and session.expires > self._now() else None

    def speak_as(self, session: Session, person: str) -> None:
        """From now on it is another person's. Whether it may be is for the caller to know."""
        if session.id in self._sessions:
            self._sessions[session.id] = replace(self._sessions[session.id], person=person)

    def _forget(self) -> None:
        """Drops what has expired, and the oldest beyond a bound, so that nothing grows without end."""
        now = self._now()
        self._links = {k: v for k, v in self._links.items() if v[1] > now}
        living = [s for s in self._sessions.values() if s.expires > now]
        self._sessions = {s.id: s for s in living[-_MOST_SESSIONS + 1 :]}
