"""What runs out by the clock, in every process that stays; whichever comes first does it: requests, which are reminded
of before, passwords that nobody looked at, links to the page and its sessions."""

import asyncio
import contextlib
from datetime import UTC, datetime

import structlog

from engines.changes import requests as changes
from storage import page_sessions, passwords
from storage.database import Database, StorageUnavailable

log = structlog.get_logger(__name__)
EVERY_S = 5.0


class Sweeper:
    def __init__(self, database: Database, every_s: float = EVERY_S) -> None:
        self._database = database
        self._every_s = every_s

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.once()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every_s)

    async def once(self) -> None:
        try:
            ended = await changes.expire(self._database)
            reminded = await changes.remind(self._database)
            async with self._database.begin() as conn:
                lapsed = await passwords.lapse(conn)
                left = await page_sessions.sweep(conn, datetime.now(UTC))
        except StorageUnavailable as away:
            log.warning("requests.no_database", what=away.what)
            return
        if ended or reminded or lapsed or left:
            log.info("requests.swept", expired=ended, reminded=len(reminded), lapsed=lapsed, page_over=left)
