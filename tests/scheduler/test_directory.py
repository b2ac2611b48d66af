"""The directory on a schedule: at the start when it is due, at every tick once, and past every failure."""

import asyncio
from collections.abc import Callable, Collection

from sqlalchemy import text

from engines.directory import DirectoryError, GroupRole, Member, Members
from scheduler.directory import DirectoryWorker
from storage import people
from storage.database import Database
from storage.directory_runs import last_run

ROLES = (GroupRole("ops", "operator"),)


class Told:
    """Counts how often it is read, and fails as often as it was told to."""

    def __init__(self, failing: int = 0) -> None:
        self.reads = 0
        self._failing = failing

    def members(self, groups: Collection[str]) -> Members:
        self.reads += 1
        if self.reads <= self._failing:
            raise RuntimeError("odd") if self.reads % 2 else DirectoryError("it is away", "wait")
        return Members((Member("ann", "entry-ann", "Ann", None, frozenset(groups)),))


async def work(
    database: Database, directory: Told, until: Callable[[], bool], *, workers: int = 1, every_s: int = 1
) -> None:
    stop = asyncio.Event()
    running = [
        asyncio.create_task(DirectoryWorker(database, directory, ROLES, every_s).run(stop)) for _ in range(workers)
    ]
    for _ in range(300):
        if until():
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
    stop.set()
    await asyncio.wait_for(asyncio.gather(*running), 10)


async def test_it_begins_with_a_sync_and_not_again_when_one_was_just_done(database: Database) -> None:
    first = Told()
    await work(database, first, lambda: first.reads > 0, every_s=3600)
    async with database.connect() as conn:
        assert [one.id for one in await people.everybody(conn)] == ["ann"]
    second = Told()
    await work(database, second, lambda: True, every_s=3600)
    assert (first.reads, second.reads) == (1, 0)


async def test_it_goes_on_after_failures(database: Database) -> None:
    directory = Told(failing=2)
    await work(database, directory, lambda: directory.reads > 2)
    async with database.connect() as conn:
        last = await last_run(conn)
        assert [one.id for one in await people.everybody(conn)] == ["ann"]
    assert last is not None and last.state == "done" and last.people == 1


async def test_two_workers_run_each_tick_once(database: Database) -> None:
    directory = Told()
    await work(database, directory, lambda: directory.reads >= 5, workers=2)
    async with database.connect() as conn:
        ticks = (await conn.execute(text("SELECT tick FROM directory_run WHERE tick IS NOT NULL"))).scalars().all()
        starts = await conn.scalar(text("SELECT count(*) FROM directory_run WHERE asked_by = 'start'"))
    assert len(ticks) == len(set(ticks)) and len(ticks) + int(starts or 0) >= directory.reads
