"""A drill on a real OpenStack, counted before and after with openstacksdk. Settings as in test_acting_live.py."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engines.drills.actions import actions_of
from engines.drills.planning import plan_drill
from engines.drills.wishes import Wish
from engines.drills.working import DrillPace
from storage import drills
from storage.database import Database
from storage.drills import Window
from storage.scopes import EVERYTHING
from tests.cloud.restore_bed import Bed, administrator, bed_of
from tests.cloud.restore_runs import ON, PACE, Runner, clients

pytestmark = pytest.mark.cloud
_PATIENT = DrillPace(replace(PACE, console_s=30.0), faults_s=30.0)  # a busy machine is no finding


@pytest.fixture
def bed() -> Iterator[Bed]:
    with bed_of(administrator()) as made:
        yield made


def counted(bed: Bed) -> dict[str, Any]:
    """All that the project has, its networks, subnets and every port too."""
    neutron, mine = bed.inside.network, {"project_id": bed.project}
    return {
        **bed.shape(),
        "networks": sorted(one.id for one in neutron.networks(**mine)),
        "subnets": sorted((one.cidr, one.network_id) for one in neutron.subnets(**mine)),
        "all ports": sorted(one.id for one in neutron.ports(**mine)),
        "routers": sorted(one.id for one in neutron.routers(**mine)),
    }


async def test_a_drill_measures_what_comes_back_and_leaves_nothing(database: Database, bed: Bed) -> None:
    """A VM that comes back, and one that the cloud cannot start: that is found out, and the drill goes on."""
    await asyncio.to_thread(bed.vm, "db-01")
    faulty = await asyncio.to_thread(bed.vm, "db-02")
    bed.inside.compute.set_server_metadata(faulty, testbed_fault="spawn")
    runner = Runner(database, clients(), bed, actions=actions_of(_PATIENT))
    await runner.sync()
    async with database.connect() as conn:
        wish = Wish(runner.source, bed.project, ("db-01", "db-02"))
        plan = await plan_drill(conn, EVERYTHING, wish, datetime.now(UTC), ON)
    before = await asyncio.to_thread(counted, bed)
    ended = await runner.run(plan)
    assert (ended.state, list(ended.left)) == ("done", []), ended.error
    assert await asyncio.to_thread(counted, bed) == before
    async with database.connect() as conn:
        rows = {one.vm: one for one in await drills.history(conn, EVERYTHING, Window(jobs=(ended.id,)))}
    back, broken = rows["db-01"], rows["db-02"]
    assert back.outcome == "passed" and back.restored_s and back.left == (), back
    assert back.checks and all(one["well"] for one in back.checks), back.checks
    assert broken.outcome == "failed" and "could not start it" in broken.reason, broken
    print(f"drill in {ended.took_s:.0f} s, db-01 back in {back.restored_s:.1f} s")
    await runner.clouds.close()
