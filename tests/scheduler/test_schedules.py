"""Schedules: noted once whoever notices, loaded when they change, caught up by their policy, done once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduler.clock import Clock
from scheduler.crons import read_cron
from scheduler.schedules import ScheduleClock
from scheduler.ticking import Ticked, do_tick
from storage import schedules
from storage.database import Database, StorageUnavailable
from storage.schedules import Schedule

NIGHTLY = Schedule("nightly", "snapshot_run", "30 2 * * *", "ada", zone="Europe/Berlin")
TICK = datetime(2026, 11, 30, 1, 30, tzinfo=UTC)


async def saved(database: Database, given: Schedule, since: datetime | None = None) -> Schedule:
    async with database.begin() as conn:
        await schedules.save(conn, given, "ada")
        if since is not None:
            await conn.execute(text("UPDATE schedule SET changed_at = :at"), {"at": since})
        found = await schedules.one(conn, given.name)
    assert found is not None
    return found


async def ticks(database: Database) -> list[datetime]:
    async with database.connect() as conn:
        return list(await conn.scalars(text("SELECT tick FROM schedule_tick ORDER BY tick")))


async def queued(database: Database) -> list[str]:
    async with database.connect() as conn:
        return list(await conn.scalars(text("SELECT workflow_uuid FROM dbos.workflow_status ORDER BY 1")))


async def test_a_tick_is_noted_and_enqueued_once(database: Database) -> None:
    known = await saved(database, NIGHTLY)

    async def notice() -> bool:
        async with database.begin() as conn:
            return await schedules.note_tick(conn, known, TICK)

    assert sorted(await asyncio.gather(*(notice() for _ in range(8)))) == [False] * 7 + [True]
    assert await ticks(database) == [TICK]
    assert await queued(database) == ["sched:nightly:2026-11-30T01:30:00+00:00"]


async def test_a_tick_of_a_schedule_that_changed_or_is_far_ahead_is_not_noted(database: Database) -> None:
    known = await saved(database, NIGHTLY)
    async with database.begin() as conn:
        assert not await schedules.note_tick(conn, known, datetime.now(UTC) + timedelta(hours=1))
        assert await schedules.enable(conn, "nightly", False, "ada")
        assert not await schedules.enable(conn, "nightly", False, "ada")
        assert not await schedules.note_tick(conn, known, TICK)
        assert await schedules.remove(conn, "nightly", "ada")
        assert not await schedules.remove(conn, "nightly", "ada")
        assert not await schedules.note_tick(conn, known, TICK)
    async with database.connect() as conn:
        rows = (await conn.execute(text("SELECT action FROM audit ORDER BY id"))).scalars().all()
    assert rows == ["schedule.set", "schedule.pause", "schedule.remove"]


@pytest.mark.parametrize(
    ("policy", "expected"), [("skip", []), ("once", ["28 01:30"]), ("all", ["26 01:30", "27 01:30", "28 01:30"])]
)
async def test_what_was_missed_is_caught_up_by_the_policy(database: Database, policy: str, expected: list[str]) -> None:
    since = datetime(2026, 11, 25, 12, tzinfo=UTC)
    await saved(database, replace(NIGHTLY, catch_up=policy), since)
    for _ in range(2):  # a second process, or the same one after a restart
        clock = ScheduleClock(database, now=lambda: datetime(2026, 11, 28, 12, tzinfo=UTC))
        await clock.look(Clock(_ask, asyncio.ensure_future))
    assert [f"{tick:%d %H:%M}" for tick in await ticks(database)] == expected
    async with database.connect() as conn:
        found = await schedules.one(conn, "nightly")
    assert found is not None and found.last_tick == datetime(2026, 11, 28, 1, 30, tzinfo=UTC)


async def _ask(name: str, tick: datetime) -> None: ...


async def test_a_new_schedule_has_missed_nothing(database: Database) -> None:
    await saved(database, NIGHTLY)
    await ScheduleClock(database).look(Clock(_ask, asyncio.ensure_future))
    assert await ticks(database) == []


async def test_changes_are_seen_without_a_restart(database: Database) -> None:
    looked, clock = ScheduleClock(database), Clock(_ask, asyncio.ensure_future)
    clock.start()
    try:
        await looked.look(clock)
        assert clock.names == frozenset()
        await saved(database, NIGHTLY)
        await saved(database, replace(NIGHTLY, name="hourly", cron="0 * * * *"))
        await looked.look(clock)
        assert clock.names == {"nightly", "hourly"}
        async with database.begin() as conn:
            await schedules.enable(conn, "hourly", False, "ada")
        await looked.look(clock)
        assert clock.names == {"nightly"}
        async with database.begin() as conn:
            await schedules.remove(conn, "nightly", "ada")
        await looked.look(clock)
        assert clock.names == frozenset()
    finally:
        clock.shutdown()


async def test_a_schedule_that_another_hand_broke_does_not_stop_the_others(database: Database) -> None:
    await saved(database, NIGHTLY)
    await saved(database, replace(NIGHTLY, name="broken"))
    async with database.begin() as conn:
        await conn.execute(text("UPDATE schedule SET cron = 'x' WHERE name = 'broken'"))
    clock = Clock(_ask, asyncio.ensure_future)
    clock.start()
    try:
        await ScheduleClock(database).look(clock)
        assert clock.names == {"nightly"}
    finally:
        clock.shutdown()


class _Works:
    """What ticks do here: counted, and it may fail."""

    def __init__(self, fails: Sequence[Exception] = ()) -> None:
        self.fails = list(fails)
        self.done: list[str] = []

    async def __call__(self, conn: AsyncConnection, schedule: Schedule, tick: datetime) -> Ticked:
        await conn.execute(text("INSERT INTO person (id, name) VALUES (:i, 'made by a tick')"), {"i": tick.isoformat()})
        if self.fails:
            raise self.fails.pop(0)
        self.done.append(schedule.name)
        return Ticked("asked for JOB-7", 7)


async def _noted(database: Database) -> None:
    known = await saved(database, NIGHTLY)
    async with database.begin() as conn:
        await schedules.note_tick(conn, known, TICK)


async def outcome(database: Database) -> tuple[str, int | None]:
    async with database.connect() as conn:
        row = (await conn.execute(text("SELECT outcome, job_id FROM schedule_tick"))).one()
    return row[0], row[1]


async def test_the_work_of_a_tick_counts_once(database: Database) -> None:
    await _noted(database)
    works = _Works()
    await asyncio.gather(*(do_tick(database, {"snapshot_run": works}, "nightly", TICK) for _ in range(4)))
    assert works.done == ["nightly"]
    assert await outcome(database) == ("asked for JOB-7", 7)


async def test_work_that_fails_leaves_nothing_and_says_so(database: Database) -> None:
    await _noted(database)
    works = _Works([RuntimeError("password=canary")])
    for _ in range(2):
        await do_tick(database, {"snapshot_run": works}, "nightly", TICK)
    assert await outcome(database) == ("failed: RuntimeError", None)
    async with database.connect() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM person"))).scalar() == 0


async def test_an_outage_is_tried_again(database: Database) -> None:
    await _noted(database)
    works = _Works([StorageUnavailable("away", "wait")])
    with pytest.raises(StorageUnavailable):
        await do_tick(database, {"snapshot_run": works}, "nightly", TICK)
    await do_tick(database, {"snapshot_run": works}, "nightly", TICK)
    assert works.done == ["nightly"]


async def test_a_kind_that_is_not_known_is_said(database: Database) -> None:
    await _noted(database)
    await do_tick(database, {}, "nightly", TICK)
    assert "does not know how to do snapshot_run" in (await outcome(database))[0]
    async with database.connect() as conn:
        assert (await schedules.last_outcomes(conn, ["nightly"]))["nightly"][0] == TICK


async def test_two_clocks_five_minutes_apart_run_each_tick_of_a_day_once(database: Database) -> None:
    """Simulated minute by minute: both notice every tick, one of them five minutes before the other."""
    begin = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # the night in which Berlin's clocks go back
    known = await saved(database, replace(NIGHTLY, cron="*/30 * * * *"), begin)
    times = {"now": begin}
    clocks = {
        offset: ScheduleClock(database, now=lambda offset=offset: times["now"] + timedelta(minutes=offset))  # type: ignore[misc]
        for offset in (0, 5)
    }
    cron = read_cron(known.cron, known.zone)
    quiet = Clock(_ask, asyncio.ensure_future)
    for minute in range(0, 8 * 60, 5):
        times["now"] = begin + timedelta(minutes=minute)
        for offset, clock in clocks.items():
            await clock.look(quiet)
            end = times["now"] + timedelta(minutes=offset)
            for tick in cron.between(end - timedelta(minutes=5), end, 10):
                await clock._tick("nightly", tick)
    found = await ticks(database)
    assert len(found) == 17 and {b - a for a, b in pairwise(found)} == {timedelta(minutes=30)}
    assert len(await queued(database)) == 17
