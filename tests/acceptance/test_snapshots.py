"""A run of 60 volumes on a cloud that fails in every way, by workers that are killed: none lost, doubled, deleted
wrongly; counted in the cloud's own rows."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from scheduler.durable import prepare
from storage.database import Database, migrate
from storage.embedded import start
from tests.acceptance.conftest import new_state_dir
from tests.acceptance.processes import ROOT, environment
from tests.acceptance.snapshot_cloud import EACH, PROJECTS, begin, counted, furnish, planned
from tests.acceptance.test_jobs import ended

_ALL = EACH * PROJECTS
_STATES = text("SELECT state, count(*) FROM snapshot_record GROUP BY 1 ORDER BY 1")


@contextmanager
def worker(url: str, state: Path, *more: str) -> Iterator[None]:
    state.mkdir(parents=True, exist_ok=True)
    with (state / "output").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.snapshot_worker", url, str(state), *more],
            cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


async def states(database: Database) -> dict[str, int]:
    async with database.connect() as conn:
        return {row[0]: row[1] for row in await conn.execute(_STATES)}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_two_workers_killed_at_random_on_a_cloud_that_fails(
    database: Database, database_url: str, tmp_path: Path, seed: int
) -> None:
    await furnish(database)
    plan = await planned(database)
    more = ("--trouble", str(seed), "--kills", "4")
    with worker(database_url, tmp_path / "one", *more), worker(database_url, tmp_path / "two", *more):
        job_id = await begin(database, plan)
        (job,) = await ended(database, job_id, seconds=120)
    told, after = await states(database), await counted(database)
    print(f"\nseed {seed}: {job.state} {job.outcome['counts']}; rows {told}; in the cloud {sum(after.made.values())} of"
          f" {len(after.made)} volumes, {after.twice} twice, deleted {dict(after.deleted)}")  # fmt: skip
    assert job.state == "done" and sum(told.values()) == _ALL
    assert after.twice == 0 and set(after.made.values()) <= {1}
    assert told.get("made", 0) <= sum(after.made.values()) <= told.get("made", 0) + told.get("unsure", 0)
    assert set(after.deleted) <= {"old"} and after.deleted["old"] <= told["made"]
    await _the_rest(database, database_url, tmp_path)


async def _the_rest(database: Database, url: str, tmp_path: Path) -> None:
    """What did not work is taken by asking again, and nothing else."""
    plan = await planned(database)
    if not plan.steps:
        print("nothing was left to do")
        return
    with worker(url, tmp_path / "calm"):
        job_id = await begin(database, plan)
        (job,) = await ended(database, job_id, seconds=60)
    after = await counted(database)
    print(f"asked again: {job.state} {job.outcome['counts']}; in the cloud {sum(after.made.values())} of"
          f" {len(after.made)} volumes, {after.twice} twice, deleted {dict(after.deleted)}")  # fmt: skip
    assert job.state == "done" and after.twice == 0
    assert len(after.made) == _ALL and set(after.made.values()) == {1}
    assert set(after.deleted) == {"old"}, "the oldest of three; where that failed it waits for the next copy"


async def test_the_database_restarts_in_the_middle_of_a_run(tmp_path: Path) -> None:
    with new_state_dir() as state:
        server = start(state)
        database = Database(server.url)
        try:
            await migrate(database)
            await prepare(server.url)
            await furnish(database)
            plan = await planned(database)
            with worker(server.url, tmp_path / "one"):
                job_id = await begin(database, plan)
                await _some_made(database)
                await asyncio.to_thread(server.stop)
                await asyncio.sleep(1)
                server = await asyncio.to_thread(start, state)
                (job,) = await ended(database, job_id, seconds=60)
            after = await counted(database)
            print(f"\n{job.state} {job.outcome['counts']}; in the cloud {sum(after.made.values())} of"
                  f" {len(after.made)} volumes, {after.twice} twice, deleted {dict(after.deleted)}")  # fmt: skip
            assert (job.state, await states(database)) == ("done", {"made": _ALL})
            assert after.twice == 0 and after.deleted == Counter(old=_ALL)
            assert len(after.made) == _ALL and set(after.made.values()) == {1}
        finally:
            await database.close()
            await asyncio.to_thread(server.stop)


async def _some_made(database: Database) -> None:
    async with asyncio.timeout(60):
        while True:
            if sum((await counted(database)).made.values()) >= 5:
                return
            await asyncio.sleep(0.02)
