"""Restores run by the saga runner itself, on the small cloud."""

from typing import Any

import pytest

from engines.changes.sagas import Workshop, run_job
from engines.changes.steps import Patience
from engines.restore.actions import actions_of
from engines.restore.wishes import Wish
from storage import jobs, restores
from storage.database import Database
from storage.scopes import EVERYTHING
from tests.engines.changes.bed import Still, add_job
from tests.engines.restore.places import planned, small_place, store
from tests.engines.restore.runs import QUICK
from tests.engines.restore.small_cloud import SmallCloud, lost


async def ran(database: Database, cloud: SmallCloud, wish: Wish) -> tuple[int, Any]:
    await store(database, cloud)
    id_ = await add_job(database, await planned(database, wish))
    actions = {one.name: one for one in actions_of(QUICK)}
    shop = Workshop(database, actions, cloud, patience=Patience(faults=5, backoff_s=0.0), tell_every_s=0.0)
    await run_job(shop, id_, "w1", Still())
    async with database.connect() as conn:
        (state,) = await jobs.states(conn, [id_])
    return id_, state


@pytest.mark.parametrize("wish", [Wish(), Wish(mode="replace", safety=True), Wish(mode="attach", volumes=("v-data",))])
async def test_the_saga_runner_brings_it_to_its_end(database: Database, wish: Wish) -> None:
    cloud = small_place(ready_after=2)
    number = iter(range(10**6))
    cloud.fault = lambda name, at: lost() if next(number) % 9 == 3 and name.startswith(("create", "plug")) else None
    id_, state = await ran(database, cloud, wish)
    assert state.state == "done", (state.error, state.outcome)
    async with database.connect() as conn:
        (found,), _ = await restores.restores(conn, EVERYTHING, restores.Window(ids=(id_,)))
        steps = await restores.steps_of(conn, id_)
        assert await restores.waited_s(conn, id_, "check") > 0
    assert found.state == "done" and found.options["mode"] == wish.mode and {s.state for s in steps} == {"done"}


@pytest.mark.parametrize("wish", [Wish(), Wish(mode="replace")])
async def test_the_saga_runner_takes_it_back(database: Database, wish: Wish) -> None:
    cloud = small_place()
    before = cloud.state.shape()
    cloud.broken_servers = True
    _, state = await ran(database, cloud, wish)
    assert state.state == "failed" and "No valid host" in state.error and state.outcome["left"] == []
    assert cloud.state.shape() == before
