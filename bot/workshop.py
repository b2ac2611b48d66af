"""What durable work is made of, put together for a process: actions, clients that change clouds, what ticks do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.settings import Settings
from bot.ticking import Schedules, ticks
from engines.actions import find_actions
from engines.changes import requests as changes
from engines.changes.sagas import Workshop
from engines.clouds.acting import ActingClouds
from engines.restore.switches import shut
from engines.restore.wishes import House
from scheduler.durable import DurableWorker, Pace
from scheduler.schedules import ScheduleClock
from storage import jobs, sync
from storage.claims import Limits
from storage.database import Database
from storage.embedded import default_state_dir

if TYPE_CHECKING:
    import asyncio

    from bot.service import Work

_GRACE_S = 3.0
_CONNECTIONS = 10
_TOGETHER = 24  # projects of one run side by side: what keeps a run of 5,000 volumes under an eighth of the calls


def durable_works(database: Database, settings: Settings, clouds: ActingClouds) -> dict[str, "Work"]:
    """The worker of jobs and ticks, the clock of the schedules, and who keeps these."""

    async def durable(stop: "asyncio.Event") -> None:
        async with _beside(database) as own:
            state = (settings.state_dir or default_state_dir()) / "workers"
            workshop = build_workshop(own, settings, clouds)
            house = House(execute=settings.restore_sources)
            worker = DurableWorker(workshop, ticks(house), state_dir=state, pace=Pace(grace_s=_GRACE_S))
            await worker.run(stop)

    return {"durable": durable, "clock": ScheduleClock(database).run, "schedules": Schedules(database).run}


def build_workshop(database: Database, settings: Settings, clouds: ActingClouds) -> Workshop:
    """The one place beside the saga runner that holds clients which change clouds; it only hands them on."""
    limits = Limits(settings.jobs_per_cloud, settings.jobs_per_project, settings.restores_per_cloud)
    gate = partial(shut, House(execute=settings.restore_sources))
    return Workshop(database, find_actions(), clouds, _ended, limits, together=_TOGETHER, gate=gate)


async def _ended(conn: AsyncConnection, job_id: int, state: str) -> None:
    """The request is told; what was changed is listed anew, so that the next question knows of it."""
    await changes.ended(conn, job_id, state)
    for source in await jobs.sources_of(conn, job_id):
        await sync.ask_run(conn, source, asked_by=f"JOB-{job_id}")


@asynccontextmanager
async def _beside(database: Database) -> AsyncIterator[Database]:
    """A pool of its own: work must not wait for connections that answers hold, nor answers for those of work."""
    own = database.beside(_CONNECTIONS)
    try:
        yield own
    finally:
        await own.close()
