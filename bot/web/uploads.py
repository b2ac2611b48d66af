"""Files that were dropped on the page and wait for the message that they belong to."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from bot.messages import Upload
from bot.stored_files import MOST_BYTES, MOST_EXPORT_BYTES, TOO_LARGE, is_export_name

MOST_FILES = 10
LIFETIME_S = 900.0
_MOST_WAITING = 4 * MOST_EXPORT_BYTES  # of all sessions: what waits lies on disk


class UploadError(Exception):
    """A file that is not taken; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    session: str
    upload: Upload
    until: float


class Uploads:
    """Waiting files of all sessions: a session holds at most MOST_FILES with MOST_BYTES in all, and exports with
    MOST_EXPORT_BYTES, for a quarter hour."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._waiting: dict[str, _Waiting] = {}

    def room(self, session: str, name: str = "") -> int:
        """How many bytes the session may still upload as a file of this name; raises UploadError when it has too many
        files."""
        self._waiting = {k: w for k, w in self._waiting.items() if w.until > self._clock()}
        own = [w for w in self._waiting.values() if w.session == session]
        if len(own) >= MOST_FILES:
            raise UploadError(f"{MOST_FILES} files are waiting already: send the message first.")
        is_export = is_export_name(name)
        waiting = sum(w.upload.size for w in own if is_export_name(w.upload.name) == is_export)
        if not is_export:
            return MOST_BYTES - waiting
        everybody = sum(w.upload.size for w in self._waiting.values())
        return max(0, min(MOST_EXPORT_BYTES - waiting, _MOST_WAITING - everybody))

    def keep(self, session: str, upload: Upload) -> str:
        """Where the file waits; raises UploadError when others took the room while it was read."""
        if upload.size > self.room(session, upload.name):
            raise UploadError(f"With the files that wait already {TOO_LARGE}: send the message first.")
        key = secrets.token_urlsafe(16)
        self._waiting[key] = _Waiting(session, upload, self._clock() + LIFETIME_S)
        return key

    def drop(self, session: str, key: str) -> None:
        if key in self._waiting and self._waiting[key].session == session:
            del self._waiting[key]

    def take(self, session: str, keys: list[str]) -> tuple[Upload, ...] | None:
        """The files of a message, once; None if one of them is not there any more."""
        found = [self._waiting.get(key) for key in keys]
        if any(w is None or w.session != session or w.until <= self._clock() for w in found):
            return None
        for key in keys:
            self._waiting.pop(key, None)
        return tuple(w.upload for w in found if w is not None)
