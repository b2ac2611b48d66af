"""What a real OpenStack did that the plans of restores did not expect, on the small cloud."""

import pytest

from engines.restore.wishes import Wish
from storage.database import Database
from tests.engines.restore.places import planned, small_place, store
from tests.engines.restore.runs import Run
from tests.engines.restore.test_actions import marked, new_vms, ready


@pytest.mark.parametrize("stopped", [False, True])
async def test_floating_ips_move_in_a_replace_with_new_addresses(database: Database, stopped: bool) -> None:
    """The original keeps its ports; what fails after the move leads the floating IP back to it."""
    run = await ready(database, Wish(mode="replace", strategy="new_ips"))
    state, before = run.cloud.state, run.cloud.state.shape()
    if stopped:
        run.cancel_at = ("verify", 0)
        assert await run.to_the_end() == "cancelled" and state.shape() == before and run.record.left == []
        return
    assert await run.to_the_end() == "done", run.record.error
    (id_,) = new_vms(run.cloud)
    assert state.floating["fip-1"].port_id == state.servers[id_].nics[0]
    assert state.servers["vm-db"].nics == ["p-db", "p-mgmt"]


@pytest.mark.parametrize("taken", ["", "before it began", "just then"])
async def test_a_port_that_outlived_its_vm(database: Database, taken: str) -> None:
    """Taken over; stays where the restore is undone; whoever takes it first has it."""
    cloud = small_place()
    await store(database, cloud)
    del cloud.state.servers["vm-db"], cloud.state.ports["p-mgmt"]
    cloud.state.ports["p-db"].server = ""
    cloud.state.floating.clear()
    for volume in ("v-root", "v-data", "v-log"):
        cloud.state.volumes[volume].attached.clear()
    await store(database, cloud, 1)
    run = Run(database, cloud, await planned(database, Wish(strategy="same_ips_or_fail")))
    assert run.plan.failed == ()
    before = cloud.state.shape()

    def take(name: str, at: int) -> None:
        if name == "create_volume":
            cloud.state.ports["p-db"].server = "vm-web"

    if taken == "before it began":
        cloud.state.ports["p-db"].server = "vm-web"
        assert await run.to_the_end() == "failed" and "port p-db is not free any more" in run.record.error
        return
    cloud.fault = take if taken else cloud.fault
    if taken:
        assert await run.to_the_end() == "failed" and marked(cloud) == []
        return
    cloud.broken_servers = True
    assert await run.to_the_end() == "failed" and cloud.state.shape() == before and run.record.left == []
    cloud.broken_servers = False
    again = Run(database, cloud, run.plan, job_id=8)
    assert await again.to_the_end() == "done", again.record.error
    assert "p-db" in cloud.state.servers[new_vms(cloud)[0]].nics


async def test_a_volume_that_the_cloud_does_not_delete_is_told_with_the_command(database: Database) -> None:
    run = await ready(database, Wish())
    run.cloud.broken_servers, run.cloud.sticky_volumes = True, {"s1"}
    assert await run.to_the_end() == "failed"
    (left,) = marked(run.cloud)
    ((step, what, command),) = run.record.left
    assert step == "volume 2" and left in what
    assert command == f"openstack volume set --state error {left} && openstack volume delete {left}"
