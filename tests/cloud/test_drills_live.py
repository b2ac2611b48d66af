"""A drill on a real OpenStack, counted before and after with openstacksdk. Settings as in test_acting_live.py."""

import asyncio
import os
import time
from typing import Any

import pytest

from engines.changes.sagas import Workshop, run_job
from engines.changes.steps import Patience
from engines.clouds.acting import Acting
from engines.drills.actions import actions_of
from engines.drills.planning import plan_drill
from engines.drills.wishes import Wish
from engines.drills.working import DrillPace
from engines.plans import Plan
from storage import drills, jobs
from storage.database import Database
from storage.drills import Drilled, Window
from storage.scopes import EVERYTHING
from tests.cloud.test_restore_live import ON, PACE, Bed, Opened, acting, bed, direct, synced
from tests.engines.changes.bed import add_job

pytestmark = pytest.mark.cloud
__all__ = ["acting", "bed", "direct"]  # fixtures
ALL = bool(os.environ.get("STACKHAND_TEST_LONG"))


class Waiting:
    """An engine that waits as long as it is told to."""

    def check(self) -> None: ...

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.7))


def small_vm(bed: Bed, name: str, *, snapshot: bool = True, **metadata: str) -> str:
    """One volume, one port; a snapshot of it."""
    cinder, nova, neutron = bed.inside.block_storage, bed.inside.compute, bed.inside.network
    volume = cinder.create_volume(size=1, name=f"{name}-root", metadata={"part": "root"})
    port = neutron.create_port(network_id=bed.nets[0], name=f"{name}-front", security_groups=[bed.groups[1]])
    bed.wait("volume", volume.id, "available")
    cinder.set_volume_bootable_status(volume.id, True)
    flavor = nova.find_flavor("m1.tiny") or nova.find_flavor("m1.nano")
    server = nova.create_server(
        name=name, flavor_id=flavor.id, networks=[{"port": port.id}], metadata=metadata,
        block_device_mapping_v2=[{"uuid": volume.id, "source_type": "volume", "destination_type": "volume",
                                  "boot_index": 0, "delete_on_termination": False}],
    )  # fmt: skip
    bed.wait("server", server.id, "ACTIVE")
    if snapshot:
        taken = cinder.create_snapshot(volume_id=volume.id, name=f"{name}-daily", is_forced=True, force=True)
        bed.wait("snapshot", taken.id, "available")
    return str(server.id)


def counted(bed: Bed) -> dict[str, Any]:
    """All that the project has, its networks, subnets and every port too."""
    neutron, mine = bed.inside.network, {"project_id": bed.project}
    return {
        **bed.shape(),
        "networks": sorted(one.id for one in neutron.networks(**mine)),
        "subnets": sorted((one.cidr, one.network_id) for one in neutron.subnets(**mine)),
        "all_ports": sorted(one.id for one in neutron.ports(**mine)),
        "routers": sorted(one.id for one in neutron.routers(**mine)),
    }


async def planned(database: Database, source: str, project: str, *names: str) -> Plan:
    from datetime import UTC, datetime

    async with database.connect() as conn:
        plan = await plan_drill(conn, EVERYTHING, Wish(source, project, names), datetime.now(UTC), ON)
    assert plan.failed == (), plan.failed
    return plan


async def drilled(database: Database, acting: Acting, plan: Plan) -> tuple[Any, list[Drilled]]:
    actions = {one.name: one for one in actions_of(DrillPace(PACE, faults_s=10.0))}
    shop = Workshop(database, actions, Opened(acting), patience=Patience(faults=5, backoff_s=0.5))  # type: ignore[arg-type]
    id_ = await add_job(database, plan)
    began = time.monotonic()
    await run_job(shop, id_, "w1", Waiting())
    async with database.connect() as conn:
        (state,) = await jobs.states(conn, [id_])
        rows = await drills.history(conn, EVERYTHING, Window(jobs=(id_,)))
        for one in rows:
            steps = ", ".join(f"{name} {took:.1f}" for name, took in await drills.steps_of(conn, id_, one.number))
            print(f"{one.vm}: {one.outcome} {one.reason} in {one.restored_s} s, data {one.age_s} s old: {steps}")
    print(f"{state.state} in {time.monotonic() - began:.1f} s: {state.outcome} {state.error}")
    return state, rows


async def test_a_drill_leaves_nothing(database: Database, bed: Bed, acting: Acting) -> None:
    """One VM that comes back, and one that the cloud cannot start."""
    for name, more in (("web-01", {}), ("web-02", {"testbed_fault": "spawn"} if ALL else None)):
        if more is not None:
            vm_id = await asyncio.to_thread(small_vm, bed, name)
            if more:
                bed.inside.compute.set_server_metadata(vm_id, **more)
    source = await synced(database)
    plan = await planned(database, source, bed.project)
    before = await asyncio.to_thread(counted, bed)
    state, rows = await drilled(database, acting, plan)
    assert state.state == "done" and state.outcome["left"] == [], (state.error, state.outcome)
    assert await asyncio.to_thread(counted, bed) == before
    assert rows[0].outcome == "passed" and rows[0].restored_s and rows[0].left == ()
    assert all(one["well"] for one in rows[0].checks), rows[0].checks
    if ALL:
        assert rows[1].outcome == "failed" and "could not start it" in rows[1].reason


@pytest.mark.skipif(not ALL, reason="takes minutes: set STACKHAND_TEST_LONG")
async def test_a_drill_of_two_large_vms(database: Database, bed: Bed, acting: Acting) -> None:
    """Three volumes, two NICs, IPv4 and IPv6; then the same with a fault of the volumes' backend."""
    for name in ("db-01", "db-02"):
        await asyncio.to_thread(bed.vm, name)
    source = await synced(database)
    plan = await planned(database, source, bed.project)
    before = await asyncio.to_thread(counted, bed)
    state, rows = await drilled(database, acting, plan)
    assert state.state == "done" and [one.outcome for one in rows] == ["passed", "passed"], state.error
    assert await asyncio.to_thread(counted, bed) == before
    root = next(v for v in bed.inside.block_storage.volumes() if v.name == "db-01-alfa")
    bed.inside.block_storage.set_volume_metadata(root, testbed_fault="clone")
    await synced(database)
    plan = await planned(database, source, bed.project)
    before = await asyncio.to_thread(counted, bed)
    state, rows = await drilled(database, acting, plan)
    assert state.state == "done" and sorted(one.outcome for one in rows) == ["failed", "passed"], state.error
    assert await asyncio.to_thread(counted, bed) == before
