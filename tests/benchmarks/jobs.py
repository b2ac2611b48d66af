"""Measures how soon a job begins, and many jobs on two workers, each proved to be done once by a unique key."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from scheduler.durable import prepare
from storage.database import Database
from tests.benchmarks.figures import Figure, percentile, say
from tests.engines.changes.bed import add_job, add_job_in, make_tables, plan, step, target

_LATENCIES = 100
_EVERY_S = 0.05
_BATCH = 500
_LATENCY = text("SELECT extract(epoch FROM started_at - created_at)::float FROM job WHERE started_at IS NOT NULL")
_LEFT = text("SELECT count(*) FROM job WHERE state IN ('waiting', 'running')")
_EFFECTS = text("SELECT count(*), count(DISTINCT key) FROM act_call")
_STATES = text("SELECT count(*) FROM job WHERE state = 'done'")
_ALIVE = text("SELECT count(*) FROM worker WHERE beat > clock_timestamp() - interval '1 s'")


async def measure(database: Database, jobs: int) -> None:
    await prepare(database.url)
    await make_tables(database)
    with (
        tempfile.TemporaryDirectory() as state,
        _worker(database.url, Path(state, "one")),
        _worker(database.url, Path(state, "two")),
    ):
        await _until(database, _ALIVE, lambda alive: alive == 2)
        await asyncio.sleep(2)  # idle
        await _latency(database)
        await _throughput(database, jobs)


async def _latency(database: Database) -> None:
    for number in range(_LATENCIES):
        await add_job(database, plan(step("a"), targets=(target(f"vm-{number}"),)))
        await asyncio.sleep(_EVERY_S)
    await _until(database, _LEFT, lambda left: left == 0)
    async with database.connect() as conn:
        found = [float(one) * 1000 for one in await conn.scalars(_LATENCY)]
    say(Figure("jobs", "asked for to begun, p50", percentile(found, 0.5), "ms"))
    say(Figure("jobs", "asked for to begun, p95", percentile(found, 0.95), "ms", 250.0, note=f"{len(found)} jobs"))


async def _throughput(database: Database, jobs: int) -> None:
    begun = time.perf_counter()
    for first in range(0, jobs, _BATCH):
        async with database.begin() as conn:
            for number in range(first, min(jobs, first + _BATCH)):
                await add_job_in(conn, plan(step("a"), targets=(target(f"many-{number}"),)))
    asked = time.perf_counter()
    await _until(database, _LEFT, lambda left: left == 0)
    ended = time.perf_counter()
    async with database.connect() as conn:
        calls, keys = (await conn.execute(_EFFECTS)).one()
        done = (await conn.execute(_STATES)).scalar_one()
    wanted = jobs + _LATENCIES
    say(Figure("jobs", "asked for, a second", jobs / (asked - begun), "jobs/s"))
    say(Figure("jobs", "done on two workers, a second", jobs / (ended - begun), "jobs/s", note=f"{jobs} jobs"))
    say(Figure("jobs", "not done, or done twice", (wanted - done) + (calls - keys) + (wanted - keys), "jobs", 0.0))


async def _until(database: Database, query: object, enough: object) -> None:
    while True:
        async with database.connect() as conn:
            found = (await conn.execute(query)).scalar_one()  # type: ignore[call-overload]
        if enough(found):  # type: ignore[operator]
            return
        await asyncio.sleep(0.2)


@contextmanager
def _worker(url: str, state: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.acceptance.job_worker", url, str(state), "--poll", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
