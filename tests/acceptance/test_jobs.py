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


async def gone(process: "subprocess.Popen[bytes]", seconds: float = 25) -> int:
    return await asyncio.wait_for(asyncio.to_thread(process.wait), seconds)


async def ended(database: Database, *ids: int, seconds: float = 25) -> list[JobState]:
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


async def running(database: Database, *, over: int = 0, seconds: float = 20) -> None:
    """Until so many effects are there."""
    async with asyncio.timeout(seconds):
        while True:
            if len((await effects(database))[0]) > over:
                return
            await asyncio.sleep(0.02)


async def alive(database: Database, count: int) -> None:
    async with asyncio.timeout(20):
        while True:
            async with database.connect() as conn:
                query = text("SELECT count(*) FROM worker WHERE beat > clock_timestamp() - interval '1 s'")
                if (await conn.execute(query)).scalar_one() >= count:
                    return
            await asyncio.sleep(0.05)


async def test_killed_before_and_after_every_step_and_started_again(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """One worker, one name: after each kill the same machine goes on. All points are taken one after the other."""
    await make_tables(database)
    for point in _POINTS:
        state = tmp_path / point.replace(":", "-")
        id_ = await add_job(database, plan(*map(step, _STEPS), targets=(target(point),)))
        with worker(database_url, state, "--die", point) as first:
            assert await gone(first) == -signal.SIGKILL, point
        with worker(database_url, state, "--die", point):
            (job,) = await ended(database, id_)
        assert (job.state, job.outcome["counts"]) == ("done", {"made": 3}), point
    made, calls = await effects(database)
    assert len(made) == 3 * len(_POINTS) and len(calls) == len(made), "each effect once, by a unique key"
    async with database.connect() as conn:
        ends = (await conn.execute(text("SELECT count(*) FROM audit WHERE action = 'job.end'"))).scalar()
    assert ends == len(_POINTS)


async def test_another_worker_takes_over_within_the_lease(
    database: Database, database_url: str, tmp_path: Path
) -> None:
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
    assert took < 2.0 + 3.0 + 4.0, f"lease, the step itself, and a little more; it took {took:.1f} s"
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
        await running(database)
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
                (job,) = await ended(database, id_, seconds=40)
            assert (job.state, job.outcome["counts"]) == ("done", {"made": 12})
            made, calls = await effects(database)
            assert len(made) == len(calls) == 12
        finally:
            await database.close()
            await asyncio.to_thread(server.stop)


async def test_two_clocks_five_minutes_apart_run_each_tick_once(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """Both are due within the test: the clock of one shows five minutes more, and its tick comes that much sooner."""
    await make_tables(database)
    due = datetime.now(UTC) + timedelta(seconds=75)
    due = due.replace(second=0, microsecond=0)
    ahead = due + timedelta(minutes=5)
    async with database.begin() as conn:
        for name, at in (("true", due), ("ahead", ahead)):
            cron = f"{at.minute} {at.hour} {at.day} {at.month} *"
            await schedules.save(conn, Schedule(name, "snapshot_run", cron, "ada"), "ada")
    offset = (due - datetime.now(UTC)).total_seconds()
    jump = 300.0 + max(0.0, offset - 9)  # the ahead one is nine seconds before its minute, whatever the second now
    with (
        worker(database_url, tmp_path / "one", "--clock"),
        worker(database_url, tmp_path / "two", "--clock", "--ahead", str(jump)),
    ):
        await running(database, over=1, seconds=40)
        await asyncio.sleep(1)
    async with database.connect() as conn:
        rows = (await conn.execute(text("SELECT schedule, count(*) FROM schedule_tick GROUP BY 1 ORDER BY 1"))).all()
    assert [tuple(row) for row in rows] == [("ahead", 1), ("true", 1)]
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
