"""Durable work: the one adapter of DBOS, which claims what is enqueued once and hands it out again when a worker dies.

Only claims and recovery are DBOS's: how far a job is stands in our own tables, and whoever goes on reads it there.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from engines.changes.sagas import Workshop, run_job
from engines.changes.steps import Stopping
from scheduler.dbos_logs import tame
from scheduler.identities import identity
from scheduler.ticking import Ticks, do_tick
from storage import claims, jobs, queues, schedules, workers
from storage.database import StorageUnavailable

log = structlog.get_logger(__name__)
_AWAY = (StorageUnavailable, SQLAlchemyError, OSError)
_LONGEST_PAUSE_S = 15.0
_KEEP_DAYS = 30
_PURGE_EVERY_S = 6 * 3600.0


async def prepare(url: str) -> None:
    """Make DBOS's tables in our database, or bring them up to date. Takes seconds; raises StorageUnavailable."""
    try:
        await asyncio.to_thread(_prepare, url)
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable(
            f"the tables of durable jobs could not be made ({type(error).__name__})",
            "the database role needs the right to create a schema in this database",
        ) from error


def _prepare(url: str) -> None:
    tame()
    from dbos import DBOS

    DBOS.migrate(url)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. A worker that did not beat for `ttl_s` is dead; `poll_s` bounds how soon new work is seen; what runs
    at the end of the process gets `grace_s`."""

    beat_s: float = 5.0
    ttl_s: float = 30.0
    poll_s: float = 0.1
    grace_s: float = 10.0


class DurableWorker:
    """Runs jobs and ticks. One at a time in a process; any number of processes on any number of machines.

    `state_dir` keeps the worker's name over restarts. `at_once` bounds the jobs that run in this process.
    """

    def __init__(
        self,
        workshop: Workshop,
        ticks: Ticks,
        *,
        state_dir: Path | None = None,
        pace: Pace | None = None,
        at_once: int = 40,
    ) -> None:
        self._database = workshop.database
        self._workshop = workshop
        self._ticks = ticks
        self._state_dir = state_dir
        self._pace = pace or Pace()
        self._at_once = at_once
        self._stop = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._jobs: dict[int, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: then no step is begun any more, those under way get their grace, and the rest goes on
        elsewhere, or here after the restart."""
        self._stop = stop
        with identity(self._state_dir) as name:
            await self._beat(name)
            runtime = _Runtime(asyncio.get_running_loop(), self._take)
            try:
                await asyncio.to_thread(runtime.launch, self._database.url, name, self._pace.poll_s, self._at_once)
                log.info("durable.start", worker=name)
                await self._keep_alive(name, runtime)
            finally:
                await self._finish(name, runtime)

    async def _keep_alive(self, name: str, runtime: "_Runtime") -> None:
        away, purge_at = False, time.monotonic()
        while not await _stopped(self._stop, self._pace.beat_s):
            try:
                await self._beat(name)
                await self._reap(runtime)
                async with self._database.begin() as conn:
                    await claims.sweep(conn)
                if time.monotonic() >= purge_at:
                    purge_at = time.monotonic() + _PURGE_EVERY_S
                    async with self._database.begin() as conn:
                        await queues.purge(conn, _KEEP_DAYS)
                away = False
            except _AWAY as error:
                if not away:
                    log.error("durable.away", error=type(error).__name__)
                away = True

    async def _beat(self, name: str) -> None:
        async with self._database.begin() as conn:
            await workers.beat(conn, name)

    async def _reap(self, runtime: "_Runtime") -> None:
        """Hand out again what dead workers held. They are forgotten after it: a crash between repeats it."""
        async with self._database.begin() as conn:
            dead = await workers.dead(conn, timedelta(seconds=self._pace.ttl_s))
            if dead:
                await asyncio.to_thread(runtime.recover, dead)
                await workers.forget(conn, dead)
                log.warning("durable.took_over", workers=dead)

    async def _take(self, workflow: str, id_: str, argument: Any) -> None:
        """One workflow, in our own loop. Raises Stopping, or is cancelled, when the process ends before the work."""
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            if workflow == jobs.WORKFLOW:
                await self._job(task, int(argument), id_)
            else:
                await self._tick(argument)
        finally:
            self._running.discard(task)

    async def _job(self, task: asyncio.Task[None], job_id: int, id_: str) -> None:
        """Two runs of one job in this process, after it was thought dead, wait for one another."""
        while (other := self._jobs.get(job_id)) is not None:
            await asyncio.wait([other])
        self._jobs[job_id] = task
        try:
            await self._until_it_works(lambda: run_job(self._workshop, job_id, id_, self), f"JOB-{job_id}")
        finally:
            del self._jobs[job_id]

    async def _tick(self, argument: Mapping[str, str]) -> None:
        name, tick = argument["schedule"], datetime.fromisoformat(argument["tick"])
        await self._until_it_works(lambda: do_tick(self._database, self._ticks, name, tick), f"tick of {name}")

    async def _until_it_works(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        """Whatever happens is looked at again later: what was done is on record."""
        failures = 0
        while True:
            try:
                self.check()
                return await work()
            except Stopping:
                raise
            except _AWAY as error:
                log.warning("durable.interrupted", what=what, error=type(error).__name__)
            except Exception:
                log.exception("durable.fault", what=what)
            failures += 1
            await self.sleep(min(_LONGEST_PAUSE_S, 0.5 * 2 ** min(failures, 8)))

    def check(self) -> None:
        if self._stop.is_set():
            raise Stopping

    async def sleep(self, seconds: float) -> None:
        if await _stopped(self._stop, seconds):
            raise Stopping

    async def _finish(self, name: str, runtime: "_Runtime") -> None:
        """What is left to others is left last: nobody takes over what still runs here."""
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=self._pace.grace_s)
            for task in late:
                task.cancel()
            if late:
                log.warning("durable.cut_off", jobs=len(late))
                await asyncio.wait(late, timeout=self._pace.grace_s)
        await asyncio.to_thread(runtime.destroy)
        with contextlib.suppress(*_AWAY):
            async with self._database.begin() as conn:
                await workers.leave(conn, name)
        log.info("durable.stop", worker=name)


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


Take = Callable[[str, str, Any], Coroutine[Any, Any, None]]


class _Runtime:
    """DBOS as it is used here; its calls block, and are made in threads. It is one for the process.

    Not public, and held by a contract test: `_recover_pending_workflows`, and that a workflow which is cut off stays
    pending.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Take) -> None:
        self._loop = loop
        self._take = take

    def launch(self, url: str, name: str, poll_s: float, at_once: int) -> None:
        tame()
        from dbos import DBOS

        DBOS(
            config={
                "name": queues.APPLICATION,
                "system_database_url": url,
                "application_version": queues.VERSION,
                "executor_id": name,
                "log_level": "WARNING",
                "enable_otlp": False,
                "sys_db_pool_size": 5,
                "scheduler_polling_interval_sec": 3600.0,  # our clock is another one
            }
        )
        for workflow in (jobs.WORKFLOW, schedules.WORKFLOW):
            DBOS.workflow(name=workflow, max_recovery_attempts=None)(self._body(workflow))
        DBOS.launch()
        for queue in (queues.JOBS, queues.TICKS):
            DBOS.register_queue(queue, worker_concurrency=at_once, polling_interval_sec=poll_s)

    def _body(self, workflow: str) -> Callable[[Any], Coroutine[Any, Any, None]]:
        """It runs in DBOS's loop and waits for the work, which runs in ours."""
        from dbos import DBOS

        async def body(argument: Any) -> None:
            id_ = DBOS.workflow_id or ""
            work = asyncio.run_coroutine_threadsafe(self._take(workflow, id_, argument), self._loop)
            ended = asyncio.wrap_future(work)
            await asyncio.wait([ended])
            if ended.cancelled() or isinstance(ended.exception(), Stopping):
                await asyncio.Event().wait()  # until DBOS ends: what does not come back stays pending
            await ended

        return body

    def recover(self, names: list[str]) -> None:
        from dbos import DBOS

        DBOS._recover_pending_workflows(names)

    def destroy(self) -> None:
        from dbos import DBOS

        DBOS.destroy(destroy_registry=True)
