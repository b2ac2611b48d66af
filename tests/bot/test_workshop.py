"""What is done when a job has ended."""

from sqlalchemy import select

from bot.settings import Settings
from bot.workshop import build_workshop
from engines.changes.sagas import run_job
from engines.clouds.acting import ActError
from engines.clouds.opened import OpenedClouds
from storage.database import Database
from storage.tables import sync_run
from tests.engines.changes.bed import Still, add_job, plan, step


async def test_what_a_job_changed_is_listed_anew(database: Database) -> None:
    clouds = OpenedClouds({}, lambda source: ActError("refused", source))
    id_ = await add_job(database, plan(step("a", "no.such.action")))
    await run_job(build_workshop(database, Settings(), clouds), id_, "w", Still())
    async with database.connect() as conn:
        asked = (await conn.execute(select(sync_run.c.source, sync_run.c.state, sync_run.c.asked_by))).all()
    assert [tuple(row) for row in asked] == [("pcd", "waiting", f"JOB-{id_}")]
