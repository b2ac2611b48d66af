"""Workers that are killed, stopped and raced, as processes of their own: everything is done, and done once."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from scheduler.durable import prepare
from storage import jobs, queues, schedules
from storage.database import Database, migrate
from storage.embedded import start
from storage.jobs import JobState
from storage.schedules import Schedule
from tests.acceptance.conftest import new_state_dir
from tests.acceptance.processes import ROOT, environment
from tests.engines.changes.bed import add_job, effects, make_tables, plan, step, target

_PATIENCE_S = 60.0  # a loaded machine takes ten times as long to start a process
_STEPS = ("a", "b", "c")
_POINTS = [
    *(f"{name}:{when}" for name in _STEPS for when in ("before", "begun", "effect")),
    *(f"{number}:recording" for number in (1, 2, 3)),
    "end:before",
    "end:recording",
]


@contextmanager
def worker(url: str, state: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """It is up when this begins; ended, however it went, when this ends."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "output").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.job_worker", url, str(state), *more],
            cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(5)


async def gone(process: "subprocess.Popen[bytes]", seconds: float = _PATIENCE_S) -> int:
    return await asyncio.wait_for(asyncio.to_thread(process.wait), seconds)


async def ended(database: Database, *ids: int, seconds: float = _PATIENCE_S) -> list[JobState]:
    async with asyncio.timeout(seconds):
        while True:
            try:
                async with database.connect() as conn:
                    found = await jobs.states(conn, ids)
            except Exception:
                found = []
            if found and all(job.ended for job in found):
                return found
            await asyncio.sleep(0.05)


async def running(database: Database, *, over: int = 0, seconds: float = _PATIENCE_S) -> None:
    """Until so many effects are there."""
    async with asyncio.timeout(seconds):
        while True:
            if len((await effects(database))[0]) > over:
                return
            await asyncio.sleep(0.02)


async def step_begun(database: Database, number: int) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            async with database.connect() as conn:
                found = (await conn.execute(text("SELECT max(number) FROM job_step"))).scalar()
            if found == number:
                return
            await asyncio.sleep(0.02)


async def alive(database: Database, count: int) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            async with database.connect() as conn:
                query = text("SELECT count(*) FROM worker WHERE beat > clock_timestamp() - interval '1 s'")
                if (await conn.execute(query)).scalar_one() >= count:
                    return
            await asyncio.sleep(0.05)


def died(state: Path) -> list[str]:
    return sorted(one.read_text() for one in state.glob("died-*"))


async def test_killed_before_and_after_every_step(database: Database, database_url: str, tmp_path: Path) -> None:
    """A job for each point, all at once: each kills the worker once at its point, and the others wherever they are."""
    await make_tables(database)
    ids = [await add_job(database, plan(*map(step, _STEPS), targets=(target(point),))) for point in _POINTS]
    die = ",".join(f"{id_}={point}" for id_, point in zip(ids, _POINTS, strict=True))
    with worker(database_url, tmp_path, "--die", die):
        found = await ended(database, *ids, seconds=_PATIENCE_S * 2)
    assert {(job.state, job.outcome["counts"]["made"]) for job in found} == {("done", 3)}
    assert died(tmp_path) == sorted(_POINTS), "each point was died at"
    made, calls = await effects(database)
    assert len(made) == len(calls) == 3 * len(_POINTS), "each effect once, by a unique key"
    async with database.connect() as conn:
        ends = (await conn.execute(text("SELECT count(*) FROM audit WHERE action = 'job.end'"))).scalar()
    assert ends == len(_POINTS)


async def test_another_worker_takes_over(database: Database, database_url: str, tmp_path: Path) -> None:
    await make_tables(database)
    with worker(database_url, tmp_path / "one") as one:
        await alive(database, 1)
        ids = [await add_job(database, plan(step("a"), step("b", seconds=3), targets=(target(f"{n}"),))) for n in "xyz"]
        await running(database, over=2)
        with worker(database_url, tmp_path / "two"):
            await alive(database, 2)
            one.kill()
            killed = asyncio.get_running_loop().time()
            found = await ended(database, *ids)
            took = asyncio.get_running_loop().time() - killed
    assert [job.state for job in found] == ["done"] * 3
    print(f"lease of 2 s, a step of 3 s: done {took:.1f} s after the kill")
    made, calls = await effects(database)
    assert len(made) == len(calls) == 6


async def test_a_worker_that_was_thought_dead_does_not_go_on(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await make_tables(database)
    with worker(database_url, tmp_path / "one") as one:
        await alive(database, 1)
        id_ = await add_job(database, plan(step("a"), step("b", seconds=2), step("c")))
        await running(database)
        with worker(database_url, tmp_path / "two"):
            await alive(database, 2)
            os.kill(one.pid, signal.SIGSTOP)
            (job,) = await ended(database, id_)
            os.kill(one.pid, signal.SIGCONT)
            await asyncio.sleep(3)
    assert job.state == "done"
    made, calls = await effects(database)
    assert len(made) == len(calls) == 3


async def test_stopped_gracefully_no_new_step_begins_and_another_goes_on(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await make_tables(database)
    with worker(database_url, tmp_path / "one") as one:
        await alive(database, 1)
        id_ = await add_job(database, plan(step("a"), step("b", seconds=0.7), step("c")))
        await step_begun(database, 2)
        one.terminate()
        assert await gone(one) == 0
    assert len((await effects(database))[0]) == 2, "the step under way was finished, the next not begun"
    async with database.connect() as conn:
        (job,) = await jobs.states(conn, [id_])
    assert job.state == "running"
    with worker(database_url, tmp_path / "two"):
        (job,) = await ended(database, id_)
    assert job.state == "done"
    assert len((await effects(database))[1]) == 3


async def test_the_database_restarts_in_the_middle(tmp_path: Path) -> None:
    with new_state_dir() as state:
        server = start(state)
        database = Database(server.url)
        try:
            await migrate(database)
            await prepare(server.url)
            await make_tables(database)
            with worker(server.url, tmp_path / "one"):
                await alive(database, 1)
                names = [f"s{n}" for n in range(12)]
                id_ = await add_job(database, plan(*(step(name, seconds=0.2) for name in names)))
                await running(database, over=2)
                await asyncio.to_thread(server.stop)
                await asyncio.sleep(1)
                server = await asyncio.to_thread(start, state)
                (job,) = await ended(database, id_, seconds=_PATIENCE_S)
            assert (job.state, job.outcome["counts"]) == ("done", {"made": 12})
            made, calls = await effects(database)
            assert len(made) == len(calls) == 12
        finally:
            await database.close()
            await asyncio.to_thread(server.stop)


async def test_two_clocks_five_minutes_apart_run_each_tick_once(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """What lies behind for both, and what lies behind for one of them only; each starts twice."""
    await make_tables(database)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    async with database.begin() as conn:
        for name, at in (("behind", now - timedelta(minutes=2)), ("between", now + timedelta(minutes=3))):
            cron = f"{at.minute} {at.hour} {at.day} {at.month} *"
            await schedules.save(conn, Schedule(name, "snapshot_run", cron, "ada"), "ada")
        await conn.execute(text("UPDATE schedule SET changed_at = now() - interval '10 min'"))
    for round_ in ("first", "second"):
        with (
            worker(database_url, tmp_path / "true", "--clock"),
            worker(database_url, tmp_path / "ahead", "--clock", "--ahead", "300"),
        ):
            await alive(database, 2)
            await running(database, over=1)
            await asyncio.sleep(1)
        async with database.connect() as conn:
            query = text("SELECT schedule, count(*) FROM schedule_tick GROUP BY 1 ORDER BY 1")
            rows = (await conn.execute(query)).all()
        assert [tuple(row) for row in rows] == [("behind", 1), ("between", 1)], round_
    assert len((await effects(database))[0]) == 2


@pytest.mark.parametrize("many", [60])
async def test_two_workers_and_everything_enqueued_twice(
    database: Database, database_url: str, tmp_path: Path, many: int
) -> None:
    await make_tables(database)
    with worker(database_url, tmp_path / "one"), worker(database_url, tmp_path / "two"):
        await alive(database, 2)
        ids = [await add_job(database, plan(step("a"), targets=(target(f"vm-{n}"),))) for n in range(many)]
        async with database.begin() as conn:
            for id_ in ids:
                await queues.enqueue(conn, queues.JOBS, jobs.WORKFLOW, f"job:{id_}", id_)
                await queues.enqueue(conn, queues.JOBS, jobs.WORKFLOW, f"job:{id_}:twice", id_)
        found = await ended(database, *ids)
    assert {job.state for job in found} == {"done"}
    made, calls = await effects(database)
    assert len(made) == len(calls) == many
