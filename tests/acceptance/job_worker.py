"""A worker in a process of its own, with the tests' action: `python -m tests.acceptance.job_worker URL STATE …`.

--die 1=a:before,2=a:begun lets it kill itself at that point of that job, once for each, and begin again: the parent,
which has everything loaded, only forks. --ahead moves its clock.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import apscheduler.schedulers.base
import dbos  # noqa: F401 - loaded before the fork
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.changes.sagas import Workshop
from engines.changes.steps import Patience
from scheduler.durable import DurableWorker, Pace
from scheduler.schedules import ScheduleClock
from scheduler.ticking import Ticked
from storage import claims
from storage.claims import Limits
from storage.database import Database
from storage.schedules import Schedule
from tests.engines.changes.bed import Making, NoClouds


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("url")
    given.add_argument("state", type=Path)
    given.add_argument("--die", default="")
    given.add_argument("--ahead", type=float, default=0.0)
    given.add_argument("--clock", action="store_true")
    given.add_argument("--poll", type=float, default=0.05)
    options = given.parse_args()
    if options.ahead:
        _move_clock(options.ahead)
    options.state.mkdir(parents=True, exist_ok=True)
    if options.die:
        _again_and_again(options)
    else:
        asyncio.run(_work(options))


def _again_and_again(options: argparse.Namespace) -> None:
    """Until a child ends by itself, or is told to."""
    child = 0
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    while True:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            asyncio.run(_work(options))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            return


async def _work(options: argparse.Namespace) -> None:
    stop, database = asyncio.Event(), Database(options.url, pool_size=10)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    die = _killer(options)
    _watch_records(die)
    shop = Workshop(
        database, {"test.make": Making(before=die)}, NoClouds(),
        limits=Limits(1000, 1000), patience=Patience(5, 0.2),
    )  # fmt: skip
    pace = Pace(beat_s=0.3, ttl_s=2.0, poll_s=options.poll, grace_s=2.0)
    worker = DurableWorker(shop, {"snapshot_run": _tick}, state_dir=options.state, pace=pace)
    works = [worker.run(stop)]
    if options.clock:
        now = timedelta(seconds=options.ahead)
        works.append(ScheduleClock(database, look_every_s=0.3, now=lambda: datetime.now(UTC) + now).run(stop))
    print("begun", flush=True)
    await asyncio.gather(*works)
    await database.close()


def _killer(options: argparse.Namespace) -> Callable[[int, str], None]:
    wanted = dict(pair.split("=", 1) for pair in options.die.split(",") if pair)

    def at(job_id: int, point: str) -> None:
        died = options.state / f"died-{job_id}"
        if wanted.get(str(job_id)) == point and not died.exists():
            died.write_text(point)
            os.kill(os.getpid(), signal.SIGKILL)

    return at


def _watch_records(die: Callable[[int, str], None]) -> None:
    """The points around the records, which the runner itself writes."""
    begin, end_step, end = claims.begin_step, claims.end_step, claims.end

    async def begun(conn: AsyncConnection, job_id: int, runner: str, number: int, name: str) -> None:
        die(job_id, f"{name}:before")
        await begin(conn, job_id, runner, number, name)

    async def step_ended(conn: AsyncConnection, job_id: int, runner: str, number: int, *rest: object) -> None:
        await end_step(conn, job_id, runner, number, *rest)  # type: ignore[arg-type]
        die(job_id, f"{number}:recording")

    async def ended(conn: AsyncConnection, job_id: int, *rest: object) -> None:
        die(job_id, "end:before")
        await end(conn, job_id, *rest)  # type: ignore[arg-type]
        die(job_id, "end:recording")

    claims.begin_step, claims.end_step, claims.end = begun, step_ended, ended  # type: ignore[assignment]


async def _tick(conn: AsyncConnection, schedule: Schedule, tick: datetime) -> Ticked:
    await conn.execute(text("INSERT INTO effect (key) VALUES (:k)"), {"k": f"{schedule.name} {tick.isoformat()}"})
    return Ticked("made")


def _move_clock(ahead_s: float) -> None:
    """For APScheduler, which asks the machine for the time."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=ahead_s)

    apscheduler.schedulers.base.datetime = Ahead


if __name__ == "__main__":
    main()
