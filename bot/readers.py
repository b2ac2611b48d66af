"""Says that this process can still open what was sealed for it: a password that nobody could be shown is never set."""

import asyncio
import contextlib

import structlog

from storage import passwords
from storage.database import Database, StorageUnavailable

log = structlog.get_logger(__name__)
EVERY_S = 10.0


class Presence:
    """`key` is the public key of the process."""

    def __init__(self, database: Database, key: str, every_s: float = EVERY_S) -> None:
        self._database = database
        self._key = key
        self._every_s = every_s

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._say(here=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every_s)
        await self._say(here=False)

    async def _say(self, *, here: bool) -> None:
        try:
            async with self._database.begin() as conn:
                await (passwords.beat if here else passwords.leave)(conn, self._key)
        except StorageUnavailable as away:
            log.warning("passwords.no_database", what=away.what)
