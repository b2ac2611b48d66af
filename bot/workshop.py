"""What durable work is made of, put together for a process: actions, clients that change clouds, what ticks do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bot.settings import Settings
from engines.actions import find_actions
from engines.changes.sagas import Workshop
from engines.clouds.acting import ActError, Acting, ActingClouds
from scheduler.durable import DurableWorker, Pace
from scheduler.schedules import ScheduleClock
from scheduler.ticking import Ticks
from storage.claims import Limits
from storage.database import Database
from storage.embedded import default_state_dir

if TYPE_CHECKING:
    import asyncio

    from bot.service import Work

_GRACE_S = 3.0
_CONNECTIONS = 10


def durable_works(database: Database, settings: Settings) -> dict[str, "Work"]:
    """The worker of jobs and ticks, and the clock of the schedules."""

    async def durable(stop: "asyncio.Event") -> None:
        async with _beside(database) as own:
            state = (settings.state_dir or default_state_dir()) / "workers"
            worker = DurableWorker(
                build_workshop(own, settings), ticks(own), state_dir=state, pace=Pace(grace_s=_GRACE_S)
            )
            await worker.run(stop)

    return {"durable": durable, "schedules": ScheduleClock(database).run}


def build_workshop(database: Database, settings: Settings) -> Workshop:
    """The one place beside the saga runner that holds clients which change clouds; it only hands them on."""
    limits = Limits(settings.jobs_per_cloud, settings.jobs_per_project)
    return Workshop(database, find_actions(), acting_clouds(settings), limits=limits)


def acting_clouds(settings: Settings) -> ActingClouds:
    return _NotSetUp()


def ticks(database: Database) -> Ticks:
    """What the ticks of a schedule do, by its kind."""
    return {}


class _NotSetUp:
    """Where no cloud may be changed."""

    async def open(self, source: str) -> Acting:
        raise ActError("refused", f"changing {source} was not set up", "see docs/operations.md")


@asynccontextmanager
async def _beside(database: Database) -> AsyncIterator[Database]:
    """A pool of its own: work must not wait for connections that answers hold, nor answers for those of work."""
    own = database.beside(_CONNECTIONS)
    try:
        yield own
    finally:
        await own.close()
