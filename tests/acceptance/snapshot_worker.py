"""A worker of its own that changes a demo cloud: `python -m tests.acceptance.snapshot_worker URL STATE …`.

--trouble SEED lets the cloud answer with 500, 429, late, or not at all although it did what was asked. --kills N lets
the worker kill itself so often, each time a moment after a random call, and begin again.
"""

import argparse
import asyncio
import os
import random
import signal
from pathlib import Path

import dbos  # noqa: F401 - loaded before the fork

from engines.changes import requests as changes
from engines.changes.sagas import Workshop
from engines.changes.steps import Patience
from engines.clouds.acting import ActError
from engines.clouds.demo_acting import Call, DemoActing, DemoApi, Trouble
from engines.clouds.opened import OpenedClouds
from engines.snapshots.actions import actions
from engines.snapshots.pacing import Tempo
from scheduler.durable import DurableWorker, Pace
from storage.claims import Limits
from storage.database import Database
from tests.acceptance.snapshot_cloud import invented
from tests.engines.clouds.demo_rows import SOURCE

TEMPO = Tempo(per_s=200.0, burst=200, poll_s=0.1, poll_for_s=2.0, again_s=0.3, settle_s=1.5)
_CHANGES: tuple[tuple[float, Trouble], ...] = ((0.06, "error"), (0.08, "throttled"), (0.05, "slow"), (0.12, "lost"))
_READS: tuple[tuple[float, Trouble], ...] = ((0.01, "error"), (0.04, "throttled"), (0.02, "slow"))


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("url")
    given.add_argument("state", type=Path)
    given.add_argument("--trouble", type=int, default=0)
    given.add_argument("--kills", type=int, default=0)
    options = given.parse_args()
    options.state.mkdir(parents=True, exist_ok=True)
    for left in range(options.kills, -1, -1):
        if not _died(options, left):
            return


def _died(options: argparse.Namespace, left: int) -> bool:
    """Whether the child killed itself; one that was told to stop ends it all."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        asyncio.run(_work(options, left))
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


async def _work(options: argparse.Namespace, left: int) -> None:
    stop, database = asyncio.Event(), Database(options.url, pool_size=10)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    dice = random.Random(f"{options.trouble} {options.state.name} {left}")
    calls = iter(range(dice.randrange(10, 60), -1, -1))

    def trouble(call: Call) -> Trouble | None:
        if left and next(calls, 1) == 0:
            asyncio.get_running_loop().call_later(dice.uniform(0, 0.1), os.kill, os.getpid(), signal.SIGKILL)
        return _trouble(call, dice) if options.trouble else None

    api = DemoApi(latency_s=0.02, takes_s=0.6, slow_s=0.5, trouble=trouble)
    clouds = OpenedClouds({SOURCE: lambda: DemoActing(SOURCE, invented(), database, api)}, _refused)
    does = {action.name: action for action in actions(TEMPO)}
    shop = Workshop(database, does, clouds, changes.ended, Limits(1000, 1000), Patience(5, 0.2))
    pace = Pace(beat_s=0.5, ttl_s=6.0, poll_s=0.05, grace_s=2.0)
    await DurableWorker(shop, {}, state_dir=options.state, pace=pace).run(stop)
    await database.close()


def _trouble(call: Call, dice: random.Random) -> Trouble | None:
    roll = dice.random()
    changes_it = call.name in ("create_snapshot", "delete_snapshot")
    for chance, what in _CHANGES if changes_it else _READS:
        roll -= chance
        if roll < 0:
            return what
    return None


def _refused(source: str) -> ActError:
    return ActError("refused", f"{source} is not there", "")


if __name__ == "__main__":
    main()
