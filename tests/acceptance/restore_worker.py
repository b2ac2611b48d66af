"""A worker of its own that restores on the demo cloud: `python -m tests.acceptance.restore_worker URL STATE …`.

--orders is a file of JSON, {job: {"die": point, "cancel": step}}: at that point of that job the worker kills itself,
once, and begins again: the parent, which has everything loaded, only forks. At that step somebody asks to stop.
--bare runs the jobs of --orders without the queue around them, as many points take too long with it: what is killed
begins again at once, and goes on from what is on record.
--trouble SEED lets the cloud answer with 500, 429, late, not at all, or not although it did what was asked.
"""

import argparse
import asyncio
import json
import os
import random
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dbos  # noqa: F401 - loaded before the fork
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.actions import Action, Doing, Result
from engines.changes import requests as changes
from engines.changes.sagas import Workshop, run_job
from engines.changes.steps import Patience
from engines.clouds.acting import ActError
from engines.clouds.demo_acting import Call, DemoActing, DemoApi, Trouble
from engines.clouds.opened import OpenedClouds
from engines.restore.actions import actions_of
from engines.restore.working import Pace as Looks
from scheduler.durable import DurableWorker, Pace
from storage import claims, jobs
from storage.claims import Limits
from storage.database import Database
from tests.engines.clouds.demo_place import Place
from tests.engines.clouds.demo_rows import SOURCE

LOOKS = Looks(poll_s=0.3, tries=60, console_s=2.0)
_CHANGES: tuple[tuple[float, Trouble], ...] = (
    (0.06, "error"), (0.03, "throttled"), (0.03, "silent"), (0.03, "slow"), (0.12, "lost"),
)  # fmt: skip
_READS: tuple[tuple[float, Trouble], ...] = ((0.01, "error"), (0.01, "throttled"), (0.01, "silent"))
_CHANGING = ("create", "delete", "stop", "start", "rename", "attach", "detach", "plug", "unplug", "lead", "set_")


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("url")
    given.add_argument("state", type=Path)
    given.add_argument("--projects", type=int, default=1)
    given.add_argument("--orders", type=Path)
    given.add_argument("--trouble", type=int, default=0)
    given.add_argument("--bare", action="store_true")
    options = given.parse_args()
    options.state.mkdir(parents=True, exist_ok=True)
    life = 0
    while _died(options, life):
        life += 1


def _died(options: argparse.Namespace, life: int) -> bool:
    """Whether the child killed itself; one that was told to stop ends it all."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        asyncio.run(_work(options, life))
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


async def _work(options: argparse.Namespace, life: int) -> None:
    stop, database = asyncio.Event(), Database(options.url, pool_size=10)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    dice = random.Random(f"{options.trouble} {options.state.name} {life}")

    def trouble(call: Call) -> Trouble | None:
        return _trouble(call, dice) if options.trouble else None

    api, place = DemoApi(latency_s=0.005, takes_s=0.5, slow_s=0.5, trouble=trouble), Place(options.projects)
    clouds = OpenedClouds({SOURCE: lambda: DemoActing(SOURCE, place, database, api)}, _refused)
    orders = Orders(options.state, json.loads(options.orders.read_text()) if options.orders else {})
    _watch_records(orders, database)
    does = {action.name: Watched(action, orders) for action in actions_of(LOOKS)}
    shop = Workshop(database, does, clouds, changes.ended, Limits(1000, 1000, 1000), Patience(8, 0.1))
    if options.bare:
        await _run_all(shop, [int(id_) for id_ in orders.of_jobs])
    else:
        pace = Pace(beat_s=0.5, ttl_s=6.0, poll_s=0.1, grace_s=2.0)
        await DurableWorker(shop, {}, state_dir=options.state, pace=pace).run(stop)
    await database.close()


class Calm:
    """An engine that is never told to stop."""

    def check(self) -> None: ...

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _run_all(shop: Workshop, ids: Sequence[int]) -> None:
    side_by_side = asyncio.Semaphore(12)

    async def one(id_: int) -> None:
        async with side_by_side:
            await run_job(shop, id_, f"bare:{id_}", Calm())

    await asyncio.gather(*map(one, ids))


def _trouble(call: Call, dice: random.Random) -> Trouble | None:
    roll = dice.random()
    for chance, what in _CHANGES if call.name.startswith(_CHANGING) else _READS:
        roll -= chance
        if roll < 0:
            return what
    return None


def _refused(source: str) -> ActError:
    return ActError("refused", f"{source} is not there", "")


@dataclass(frozen=True)
class Orders:
    state: Path
    of_jobs: Mapping[str, Mapping[str, str]]

    def die(self, job_id: int, point: str) -> None:
        died = self.state / f"died-{job_id}"
        if self.of_jobs.get(str(job_id), {}).get("die") == point and not died.exists():
            died.write_text(point)
            os.kill(os.getpid(), signal.SIGKILL)

    def stops_at(self, job_id: int) -> str:
        return self.of_jobs.get(str(job_id), {}).get("cancel", "")


@dataclass(frozen=True)
class Watched:
    """An action with its points: the step's name with begun and effect, undo and undone."""

    action: Action
    orders: Orders

    @property
    def name(self) -> str:
        return self.action.name

    async def look(self, doing: Doing) -> Result | None:
        return await self.action.look(doing)

    async def act(self, doing: Doing) -> Result:
        self.orders.die(doing.job_id, f"{doing.step.name}:begun")
        try:
            return await self.action.act(doing)
        finally:
            self.orders.die(doing.job_id, f"{doing.step.name}:effect")

    async def undo(self, doing: Doing, result: Result) -> None:
        self.orders.die(doing.job_id, f"{doing.step.name}:undo")
        await self.action.undo(doing, result)
        self.orders.die(doing.job_id, f"{doing.step.name}:undone")


def _watch_records(orders: Orders, database: Database) -> None:
    """The points around the records, which the runner itself writes."""
    begin, end_step, end = claims.begin_step, claims.end_step, claims.end

    async def begun(conn: AsyncConnection, job_id: int, runner: str, number: int, name: str) -> None:
        orders.die(job_id, f"{name}:before")
        await begin(conn, job_id, runner, number, name)
        if orders.stops_at(job_id) == name:
            await jobs.ask_cancel(conn, job_id, "carol")

    async def step_ended(conn: AsyncConnection, job_id: int, runner: str, number: int, *rest: object) -> None:
        await end_step(conn, job_id, runner, number, *rest)  # type: ignore[arg-type]
        orders.die(job_id, f"{number}:recording")

    async def ended(conn: AsyncConnection, job_id: int, *rest: object) -> None:
        orders.die(job_id, "end:before")
        await end(conn, job_id, *rest)  # type: ignore[arg-type]
        orders.die(job_id, "end:recording")

    claims.begin_step, claims.end_step, claims.end = begun, step_ended, ended  # type: ignore[assignment]


if __name__ == "__main__":
    main()
