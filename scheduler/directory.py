"""The directory on a schedule: every process that works has the clock, and each tick is run once."""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from engines.directory import Directory, DirectoryError, GroupRole
from engines.directory.sync import sync_directory
from scheduler.clock import make_clock
from storage.database import Database, StorageUnavailable
from storage.directory_runs import last_run

log = structlog.get_logger(__name__)
_AWAY = (StorageUnavailable, SQLAlchemyError, OSError)
_NAME = "directory"


class DirectoryWorker:
    """Serves one directory. Any number of processes may."""

    def __init__(self, database: Database, directory: Directory, mapping: Sequence[GroupRole], every_s: int) -> None:
        self._database = database
        self._directory = directory
        self._mapping = tuple(mapping)
        self._every_s = every_s
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. It begins with a sync where none has worked within the interval."""
        clock = make_clock((_NAME,), self._every_s, self._tick, self._spawn)
        clock.start()
        try:
            if await self._is_due():
                await self._sync("start", None)
            await stop.wait()
        finally:
            clock.shutdown()
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _is_due(self) -> bool:
        async with self._database.connect() as conn:
            last = await last_run(conn)
        since = datetime.now(UTC) - timedelta(seconds=self._every_s)
        return last is None or last.state != "done" or last.started_at < since

    async def _tick(self, _: str, scheduled: datetime) -> None:
        await self._sync("clock", scheduled)

    async def _sync(self, asked_by: str, tick: datetime | None) -> None:
        """Whatever happens stays here: the next tick tries again."""
        try:
            await sync_directory(self._database, self._directory, self._mapping, asked_by=asked_by, tick=tick)
        except DirectoryError:
            return  # logged and on record
        except _AWAY as error:
            log.error("directory.lost_database", error=type(error).__name__)
        except Exception:
            log.exception("directory.fault")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
