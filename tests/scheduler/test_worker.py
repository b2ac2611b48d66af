"""The worker on a real database, with clouds in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text

from engines.clouds import CloudError
from engines.inventory.gather import Limits
from scheduler.worker import Worker
from storage import sync
from storage.database import Database
from tests.engines.inventory.small_cloud import SmallCloud

QUICK = Limits(kind_s=5)


@asynccontextmanager
async def working(
    database: Database, clouds: Sequence[SmallCloud], *, every_s: int = 900, **settings: Any
) -> AsyncIterator[Worker]:
    stop = asyncio.Event()
    worker = Worker(database, clouds, every_s, **{"poll_s": 0.05, "grace_s": 0.5, "limits": QUICK, **settings})
    task = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def runs(database: Database, source: str = "lab") -> list[tuple[str, str]]:
    async with database.connect() as conn:
        query = text("SELECT state, asked_by FROM sync_run WHERE source = :source ORDER BY id")
        return [(row[0], row[1]) for row in await conn.execute(query, {"source": source})]


async def until(done: Callable[[], Any], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await done():  # noqa: ASYNC110 - what is waited for happens in the database
            await asyncio.sleep(0.05)


def ended(database: Database, source: str = "lab", count: int = 1) -> Callable[[], Any]:
    async def check() -> bool:
        return sum(state in ("done", "partial", "failed") for state, _ in await runs(database, source)) >= count

    return check


async def test_a_source_that_was_never_synced_is_synced_at_the_start(database: Database) -> None:
    async with working(database, [SmallCloud()]):
        await until(ended(database))
    assert await runs(database) == [("done", "start")]


async def test_a_source_that_is_fresh_is_left_alone_at_the_start(database: Database) -> None:
    async with working(database, [SmallCloud()]):
        await until(ended(database))
    async with working(database, [SmallCloud()]):
        await asyncio.sleep(0.4)
    assert len(await runs(database)) == 1


async def test_what_is_asked_for_runs_soon(database: Database) -> None:
    async with working(database, [SmallCloud()]):
        await until(ended(database))
        async with database.begin() as conn:
            await sync.ask_run(conn, "lab", asked_by="ann")
        await until(ended(database, count=2))
    assert (await runs(database))[-1] == ("done", "ann")


async def test_a_bad_source_does_not_hold_the_others_up(database: Database) -> None:
    hung = SmallCloud(source="hung", held={"vm"})
    down = SmallCloud(source="down", errors=dict.fromkeys(("vm", "project"), CloudError("unreachable", "x", "y")))
    broken = SmallCloud(source="broken", errors=dict.fromkeys(("vm", "image"), RuntimeError("bug")))
    async with working(database, [hung, down, broken, SmallCloud()]):
        for source in ("lab", "down", "broken"):
            await until(ended(database, source))
        assert (await runs(database, "hung"))[0][0] == "running"
    assert (await runs(database, "hung"))[0][0] == "failed", "stopped with the worker, and said so"


async def test_two_workers_share_the_work_and_do_nothing_twice(database: Database) -> None:
    """Every two seconds both clocks ask; however slow the machine, a tick is run once and the start is asked once."""
    one, other = SmallCloud(delay_s=0.1), SmallCloud(delay_s=0.1)
    async with working(database, [one], every_s=2), working(database, [other], every_s=2):
        await until(ended(database, count=3), seconds=30)
    async with database.connect() as conn:
        ticks = list(await conn.scalars(text("SELECT tick FROM sync_run WHERE tick IS NOT NULL")))
    told = await runs(database)
    assert len(ticks) >= 2 and len(set(ticks)) == len(ticks)
    assert sum(asked_by == "start" for _, asked_by in told) <= 1, "a tick may be there first"
    assert one.most_at_once <= 6 and sum(state == "done" for state, _ in told) >= 3


async def test_the_run_of_a_process_that_died_is_closed_at_the_start(database: Database) -> None:
    async with database.begin() as conn:
        await conn.execute(text("INSERT INTO sync_run (source, state, started_at) VALUES ('lab', 'running', now())"))
    async with working(database, [SmallCloud()]):
        await until(ended(database, count=2))
    assert await runs(database) == [("failed", "clock"), ("done", "start")]


async def test_a_database_that_goes_away_and_comes_back(database: Database) -> None:
    cloud = SmallCloud(delay_s=0.2)
    async with working(database, [cloud], every_s=1):
        await until(ended(database))
        async with database.connect() as conn:
            name = await conn.scalar(text("SELECT current_database()"))
        admin = Database(str(database.engine.url.set(database="postgres").render_as_string(hide_password=False)))
        async with admin.begin() as conn:
            await conn.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
            await conn.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": name}
            )
        await asyncio.sleep(1.5)
        async with admin.begin() as conn:
            await conn.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
        await admin.close()
        before = len(await runs(database))
        await until(ended(database, count=before + 1), seconds=15)
    assert all(state != "running" for state, _ in await runs(database))


async def test_a_worker_without_sources_waits_quietly(database: Database) -> None:
    async with working(database, []):
        await asyncio.sleep(0.2)
