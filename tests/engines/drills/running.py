"""Drills in the small cloud, run by the saga runner itself."""

from collections.abc import Mapping
from typing import Any

from engines.actions import Action
from engines.changes.sagas import Workshop, run_job
from engines.changes.steps import Engine, Patience
from engines.drills.actions import actions_of
from engines.drills.planning import plan_drill
from engines.drills.wishes import Wish
from engines.drills.working import DrillPace
from engines.plans import Plan
from engines.restore.wishes import House
from storage import drills, jobs
from storage.database import Database
from storage.drills import Drilled, Window
from storage.scopes import EVERYTHING, Scope
from tests.engines.changes.bed import Still, add_job
from tests.engines.drills.drill_cloud import PROJECT, DrillCloud
from tests.engines.restore.places import NOW, ON
from tests.engines.restore.runs import QUICK

PACE = DrillPace(QUICK, faults_s=0.05)


def actions() -> Mapping[str, Action]:
    return {one.name: one for one in actions_of(PACE)}


async def planned(database: Database, *names: str, scope: Scope = EVERYTHING, house: House = ON, **wish: Any) -> Plan:
    async with database.connect() as conn:
        return await plan_drill(conn, scope, Wish("one", PROJECT, names, **wish), NOW, house)


async def ran(database: Database, cloud: DrillCloud, id_: int, engine: Engine | None = None) -> Any:
    shop = Workshop(database, actions(), cloud, patience=Patience(faults=5, backoff_s=0.0), tell_every_s=0.0)
    await run_job(shop, id_, "w1", engine or Still())
    async with database.connect() as conn:
        (state,) = await jobs.states(conn, [id_])
    return state


async def drilled(database: Database, cloud: DrillCloud, plan: Plan) -> tuple[Any, list[Drilled]]:
    id_ = await add_job(database, plan)
    state = await ran(database, cloud, id_)
    return state, await rows_of(database, id_)


async def rows_of(database: Database, id_: int, scope: Scope = EVERYTHING) -> list[Drilled]:
    async with database.connect() as conn:
        return await drills.history(conn, scope, Window(jobs=(id_,)))
