"""The worker: runs the syncs that were asked for, one at a time for each source, the sources side by side."""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.clouds import Cloud
from engines.inventory.collect import SyncBusyError, recover, sync_source
from engines.inventory.gather import Limits
from scheduler.clock import make_clock
from storage import sync
from storage.database import Database, StorageUnavailable
from storage.tables import sync_run

log = structlog.get_logger(__name__)
_AWAY = (StorageUnavailable, SQLAlchemyError, OSError)
_LONGEST_PAUSE_S = 15.0


class Worker:
    """Serves the sources of one process. Any number of processes may serve the same sources.

    `at_once` bounds the sources that sync side by side: each needs one connection of the pool.
    """

    def __init__(
        self,
        database: Database,
        clouds: Sequence[Cloud],
        every_s: int,
        *,
        limits: Limits | None = None,
        poll_s: float = 1.0,
        grace_s: float = 10.0,
        at_once: int = 6,
    ) -> None:
        self._database = database
        self._clouds = {cloud.source: cloud for cloud in clouds}
        self._every_s = every_s
        self._limits = limits or Limits()
        self._poll_s = poll_s
        self._grace_s = grace_s
        self._at_once = at_once
        self._running: dict[str, asyncio.Task[None]] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._behind = True  # nothing is known yet of what is due

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then the syncs under way get `grace_s` to end, and are stopped after that."""
        clock = make_clock(tuple(self._clouds), self._every_s, self._ask, self._spawn)
        clock.start()
        log.info("worker.start", sources=sorted(self._clouds), every_s=self._every_s)
        try:
            await self._serve(stop)
        finally:
            clock.shutdown()
            await self._finish()
            log.info("worker.stop")

    async def _serve(self, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            try:
                await self._turn()
                if failures:
                    log.info("database.back")
                failures = 0
            except _AWAY as error:
                if not failures:
                    log.error(
                        "database.away",
                        error=str(error) if isinstance(error, StorageUnavailable) else type(error).__name__,
                    )
                failures += 1
                self._behind = True  # ticks may have been lost meanwhile
            await _pause(
                stop, min(_LONGEST_PAUSE_S, self._poll_s * 2 ** min(failures, 10)) if failures else self._poll_s
            )

    async def _turn(self) -> None:
        """Ask for what is overdue, once after a start or an outage, and begin what waits and can run."""
        if self._behind:
            await self._catch_up()
            self._behind = False
        while len(self._running) < self._at_once:
            free = [source for source in self._clouds if source not in self._running]
            if not free:
                return
            async with self._database.begin() as conn:
                claimed = await sync.claim_run(conn, free)
            if claimed is None:
                return
            self._begin(claimed)

    def _begin(self, claimed: sync.Claimed) -> None:
        task = asyncio.create_task(self._sync(claimed), name=f"sync {claimed.source}")
        self._running[claimed.source] = task
        task.add_done_callback(lambda _: self._running.pop(claimed.source, None))

    async def _sync(self, claimed: sync.Claimed) -> None:
        """One run. Whatever happens in it stays in it: the other sources go on."""
        cloud = self._clouds[claimed.source]
        try:
            await sync_source(
                self._database,
                cloud,
                asked_by=claimed.asked_by,
                run_id=claimed.run_id,
                limits=self._limits,
                wait=True,
            )
        except SyncBusyError as busy:
            log.warning("sync.busy", source=claimed.source, what=busy.what)
        except _AWAY as error:
            log.error("sync.lost_database", source=claimed.source, error=type(error).__name__)
            self._behind = True
        except Exception:
            log.exception("sync.fault", source=claimed.source)

    async def _catch_up(self) -> None:
        """Close what died, and ask for every source that was not synced within the interval, or never."""
        for source in self._clouds:
            if source not in self._running:
                await recover(self._database, source)
        async with self._database.begin() as conn:
            fresh = await self._fresh(conn)
            for source in self._clouds.keys() - fresh - self._running.keys():
                await sync.ask_run(conn, source, asked_by="start")

    async def _fresh(self, conn: AsyncConnection) -> set[str]:
        """The sources with a run that was asked for within the interval and did not fail."""
        since = datetime.now(UTC) - timedelta(seconds=self._every_s)
        query = select(sync_run.c.source).where(sync_run.c.asked_at >= since, sync_run.c.state != "failed")
        return {str(source) for source in await conn.scalars(query)}

    async def _ask(self, source: str, scheduled: datetime) -> None:
        try:
            async with self._database.begin() as conn:
                await sync.ask_run(conn, source, asked_by="clock", tick=scheduled)
        except _AWAY:
            self._behind = True  # asked for when the database is back

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _finish(self) -> None:
        tasks = [*self._running.values(), *self._asking]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._grace_s)
        for task in late:
            task.cancel()
        if late:
            log.warning("worker.stopped_syncs", sources=sorted(self._running))
            await asyncio.wait(late, timeout=self._grace_s)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
