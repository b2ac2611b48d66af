"""The adapter of DBOS: what it relies on, and what comes of jobs and ticks that are enqueued."""

import asyncio
import inspect
import itertools
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.actions import Action
from engines.changes.sagas import Workshop
from scheduler.dbos_logs import Tamed
from scheduler.durable import DurableWorker, Pace
from scheduler.identities import identity
from scheduler.ticking import Ticked
from storage import jobs, queues, schedules, workers
from storage.database import Database
from storage.jobs import JobState
from storage.schedules import Schedule
from tests.engines.changes.bed import Making, NoClouds, add_job, effects, make_tables, plan, step, target

_PACE = Pace(beat_s=0.3, ttl_s=2.0, poll_s=0.05, grace_s=0.5)


@asynccontextmanager
async def working(database: Database, state: Path, actions: Mapping[str, Action] | None = None) -> AsyncIterator[None]:
    stop = asyncio.Event()
    shop = Workshop(database, actions or {"test.make": Making()}, NoClouds())
    worker = DurableWorker(shop, {"snapshot_run": _tick}, state_dir=state, pace=_PACE)
    task = asyncio.create_task(worker.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


async def _tick(conn: AsyncConnection, schedule: Schedule, tick: datetime) -> Ticked:
    await conn.execute(text("INSERT INTO effect (key) VALUES (:k)"), {"k": f"{schedule.name} {tick:%H:%M}"})
    return Ticked("made")


async def ended(database: Database, *ids: int, seconds: float = 15) -> list[JobState]:
    async with asyncio.timeout(seconds):
        while True:
            async with database.connect() as conn:
                found = await jobs.states(conn, ids)
            if all(job.ended for job in found):
                return found
            await asyncio.sleep(0.05)


async def first_effect(database: Database) -> None:
    async with asyncio.timeout(10):
        while True:
            if (await effects(database))[0]:
                return
            await asyncio.sleep(0.05)


async def test_a_job_is_done_and_one_enqueued_twice_is_done_once(database: Database, tmp_path: Path) -> None:
    await make_tables(database)
    async with working(database, tmp_path):
        id_ = await add_job(database, plan(step("a"), step("b")))
        async with database.begin() as conn:
            await queues.enqueue(conn, queues.JOBS, jobs.WORKFLOW, f"job:{id_}", id_)
            await queues.enqueue(conn, queues.JOBS, jobs.WORKFLOW, f"job:{id_}:again", id_)
        (job,) = await ended(database, id_)
        await asyncio.sleep(0.3)
    assert job.state == "done"
    assert (await effects(database))[1] == [f"made JOB-{id_}-1", f"made JOB-{id_}-2"]


async def test_jobs_on_one_object_wait_for_one_another_without_a_place(database: Database, tmp_path: Path) -> None:
    await make_tables(database)
    ids = [await add_job(database, plan(step("a", seconds=0.1), targets=(target("same"),))) for _ in range(5)]
    async with working(database, tmp_path):
        found = await ended(database, *ids)
    assert [job.state for job in found] == ["done"] * 5
    times = [(job.started_at, job.ended_at) for job in found]
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(times) if end and begin)


async def test_a_tick_is_done(database: Database, tmp_path: Path) -> None:
    await make_tables(database)
    tick = datetime(2026, 11, 30, 1, 30, tzinfo=UTC)
    async with working(database, tmp_path):
        async with database.begin() as conn:
            await schedules.save(conn, Schedule("nightly", "snapshot_run", "30 1 * * *", "ada"), "ada")
            known = await schedules.one(conn, "nightly")
            assert known is not None and await schedules.note_tick(conn, known, tick)
        await first_effect(database)
    assert (await effects(database))[0] == ["nightly 01:30"]


async def test_a_job_that_is_cut_off_stays_pending_and_goes_on_after_the_restart(
    database: Database, tmp_path: Path
) -> None:
    """Held by DBOS's inner workings: what does not come back stays pending, and is claimed again at launch."""
    await make_tables(database)
    async with working(database, tmp_path):
        id_ = await add_job(database, plan(step("a"), step("b", seconds=30)))
        await first_effect(database)
    async with database.connect() as conn:
        query = text("SELECT status, executor_id FROM dbos.workflow_status WHERE workflow_uuid = :i")
        status, executor = (await conn.execute(query, {"i": f"job:{id_}"})).one()
        assert status == "PENDING"
        assert executor == (tmp_path / "worker-0").read_text()
        assert await workers.alive(conn, timedelta(seconds=30)) == []
    quick = {"test.make": _Quick()}
    async with working(database, tmp_path, quick):
        (job,) = await ended(database, id_)
    assert job.state == "done"
    assert (await effects(database))[1] == [f"made JOB-{id_}-1", f"made JOB-{id_}-2"]


class _Quick(Making):
    async def _pause(self, doing: object) -> None: ...


async def test_a_dead_workers_job_is_taken_over(database: Database, tmp_path: Path) -> None:
    """Held by DBOS's `_recover_pending_workflows`, which is not public."""
    await make_tables(database)
    id_ = await add_job(database, plan(step("a")))
    async with database.begin() as conn:
        await conn.execute(text("INSERT INTO worker (id, beat) VALUES ('dead-1', now() - interval '1 min')"))
        await conn.execute(
            text(
                "UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = 'dead-1', owner_xid = 'x',"
                " started_at_epoch_ms = 1"
            )
        )
    async with working(database, tmp_path):
        (job,) = await ended(database, id_)
        async with database.connect() as conn:
            assert [id_ for id_, _ in await workers.alive(conn, timedelta(seconds=2))] != []
            assert (await conn.execute(text("SELECT count(*) FROM worker WHERE id = 'dead-1'"))).scalar() == 0
    assert job.state == "done"


def test_what_is_not_public_is_as_we_know_it() -> None:
    from dbos import DBOS
    from dbos._migration import get_dbos_migrations

    assert list(inspect.signature(DBOS._recover_pending_workflows).parameters) == ["executor_ids"]
    assert len(get_dbos_migrations("dbos", True, False)) == queues.SCHEMA_VERSION


async def test_the_schema_is_found_missing_or_old_by_a_query(database: Database) -> None:
    async with database.begin() as conn:
        assert await queues.are_current(conn)
        await conn.execute(text("UPDATE dbos.dbos_migrations SET version = version - 1"))
        assert not await queues.are_current(conn)
        await conn.execute(text("DROP SCHEMA dbos CASCADE"))
        assert not await queues.are_current(conn)


async def test_what_ended_long_ago_is_forgotten_and_what_waits_is_kept(database: Database) -> None:
    for _ in range(2):
        await add_job(database, plan(step("a")))
    async with database.begin() as conn:
        await conn.execute(text("UPDATE dbos.workflow_status SET updated_at = 1"))
        await conn.execute(text("UPDATE dbos.workflow_status SET status = 'SUCCESS' WHERE workflow_uuid = 'job:1'"))
        assert await queues.purge(conn, 30) == 1
        assert (await conn.execute(text("SELECT count(*) FROM dbos.workflow_input"))).scalar() == 1


def test_a_process_has_its_own_name_and_keeps_it(tmp_path: Path) -> None:
    with identity(tmp_path) as first, identity(tmp_path) as second:
        assert first != second
    with identity(tmp_path) as again:
        assert again == first
    (tmp_path / "worker-0").write_text("'; DROP TABLE worker; --\n" * 50)
    with identity(tmp_path) as fresh:
        assert fresh not in (first, second) and "DROP" not in fresh
    with identity(tmp_path / "worker-0" / "no-directory") as lost, identity(None) as none:
        assert lost and none and lost != none


def test_the_librarys_log_is_tamed() -> None:
    now = [0.0]
    tamed = Tamed(lambda: now[0])

    def shown(level: int, message: str, error: BaseException | None = None) -> bool:
        info = (type(error), error, None) if error else None
        return tamed.filter(logging.LogRecord("dbos", level, "x", 1, message, (), info))  # type: ignore[arg-type]

    assert not shown(logging.INFO, "To view and manage workflows, connect to Conductor")
    assert not shown(logging.ERROR, "Exception in workflow", asyncio.CancelledError())
    assert shown(logging.WARNING, "Exception in queue thread")
    assert not shown(logging.WARNING, "Exception in queue thread")
    now[0] = 31.0
    assert shown(logging.WARNING, "Exception in queue thread")


@pytest.mark.parametrize("state", ["waiting", "running"])
async def test_a_job_is_stopped_while_it_waits_or_runs(database: Database, tmp_path: Path, state: str) -> None:
    await make_tables(database)
    before = await add_job(database, plan(step("a", seconds=0.6), step("b", seconds=0.6)))
    id_ = await add_job(database, plan(step("a"))) if state == "waiting" else before
    async with working(database, tmp_path):
        async with asyncio.timeout(10):
            while True:
                async with database.connect() as conn:
                    (found,) = await jobs.states(conn, [before])
                if found.state == "running":
                    break
                await asyncio.sleep(0.02)
        async with database.begin() as conn:
            assert await jobs.ask_cancel(conn, id_, "bob")
        (job,) = await ended(database, id_)
        await ended(database, before)
    assert job.state == "cancelled"
