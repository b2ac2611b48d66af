"""Networks of the invented cloud: made, found by their mark, counted in the quota, and gone again; a whole drill."""

import pytest

from engines.changes.sagas import Workshop, run_job
from engines.changes.steps import Patience
from engines.clouds.acting import ActError
from engines.clouds.acting_networks import networks_of
from engines.clouds.acting_servers import NewPort, servers_of
from engines.clouds.demo_acting import DemoActing, DemoApi
from engines.drills.actions import actions_of
from engines.drills.planning import plan_drill
from engines.drills.wishes import Wish
from engines.drills.working import DrillPace
from engines.restore.wishes import House
from engines.restore.working import Pace
from storage import drills, jobs
from storage.database import Database
from storage.drills import Window
from storage.scopes import EVERYTHING
from tests.engines.changes.bed import Still, add_job
from tests.engines.clouds.demo_place import Place
from tests.engines.clouds.demo_rows import SOURCE


async def test_a_network_from_its_making_to_its_end(database: Database) -> None:
    acting = DemoActing(SOURCE, Place(2, {"networks": 3, "subnets": 3}), database, DemoApi(latency_s=0.0))
    nets, servers = networks_of(acting), servers_of(acting)
    made = await nets.create_network("p0", "drill", "m-1")
    subnet = await nets.create_subnet("p0", made.id, "10.0.0.0/24", "drill-1", "m-2")
    await nets.create_subnet("p0", made.id, "fd00::/64", "drill-2", "m-3")
    with pytest.raises(ActError, match="overlaps"):
        await nets.create_subnet("p0", made.id, "10.0.0.128/25", "drill-3", "m-4")
    assert [one.id for one in await nets.marked_networks("p0", "m-1")] == [made.id]
    assert await nets.marked_networks("p1", "m-1") == [] and await nets.marked_networks("p0", "m-9") == []
    assert [one.cidr for one in await nets.marked_subnets("p0", "m-2")] == ["10.0.0.0/24"]
    port = await servers.create_port("p0", NewPort(made.id, "x", "m-5", (("10.0.0.50", subnet.id),)))
    assert port.ips == ("10.0.0.50",)
    with pytest.raises(ActError, match="still in use"):
        await nets.delete_network("p0", made.id, "m-1")
    await servers.delete_port("p0", port.id)
    for network_id, mark in ((made.id, "m-9"), (made.id, ""), ("net-0-0", "m-1")):
        with pytest.raises(ActError, match="not made here"):
            await nets.delete_network("p0", network_id, mark)
    await nets.delete_network("p0", made.id, "m-1")
    await nets.delete_network("p0", made.id, "m-1")
    assert await nets.marked_networks("p0", "m-1") == [] and await nets.marked_subnets("p0", "m-2") == []


async def test_a_drill_in_the_demo(database: Database) -> None:
    """The real clock: what is deleted takes two seconds to go."""
    from datetime import UTC, datetime

    place = Place(1)
    await place.sync(database)
    acting = DemoActing(SOURCE, place, database, DemoApi(latency_s=0.0, takes_s=0.0))
    async with database.connect() as conn:
        house = House(execute=frozenset({"*"}))
        plan = await plan_drill(conn, EVERYTHING, Wish(SOURCE, "p0"), datetime.now(UTC), house, demo=True)
    assert plan.failed == (), plan.failed

    class Clouds:
        async def open(self, source: str) -> DemoActing:
            return acting

    actions = {one.name: one for one in actions_of(DrillPace(Pace(poll_s=0.3, tries=20, console_s=0.0)))}
    id_ = await add_job(database, plan)
    shop = Workshop(database, actions, Clouds(), patience=Patience(backoff_s=0.0))
    await run_job(shop, id_, "w1", Still())
    async with database.connect() as conn:
        (state,) = await jobs.states(conn, [id_])
        (one,) = await drills.history(conn, EVERYTHING, Window(jobs=(id_,)))
    assert state.state == "done" and one.outcome == "passed", (state.error, one.reason, one.checks)
    left = [*await acting.volumes("p0"), *await acting.servers.ports_of("p0", "")]
    assert sorted(volume.id for volume in left) == ["v0-0", "v0-1"]
