"""What a replace keeps: marked when it is done, unmarked when it is undone, deleted only after another look."""

from collections.abc import Callable

from engines.clouds.acting_servers import KEPT
from engines.plans import Plan, Step
from engines.restore.probing import answers, may_be_tried
from engines.restore.wishes import Wish
from storage.database import Database
from tests.engines.restore.places import planned, small_place, store
from tests.engines.restore.runs import Run
from tests.engines.restore.small_cloud import Server, SmallCloud, lost

Change = Callable[[SmallCloud], None]


def deleting(kept: str, mark: str, new_id: str) -> Plan:
    told = {"source": "one", "project_id": "pa", "vm_id": "vm-db", "kept": kept, "mark": mark, "new_id": new_id}
    return Plan("original_delete", "Delete", (), (Step("delete original", "restore.delete_kept", "delete it", told),))


async def test_from_the_replace_to_the_end_of_its_original(database: Database) -> None:
    cloud = small_place()
    await store(database, cloud)
    plan = await planned(database, Wish(mode="replace", stopped=True))
    run = Run(database, cloud, plan)
    assert await run.to_the_end() == "done", run.record.error
    old, (new,) = cloud.state.servers["vm-db"], [s for s in cloud.state.servers.values() if s.name == "db-02"]
    mark = str(run.record.results["mark original"]["mark"])
    assert (old.status, old.metadata[KEPT], new.status, KEPT in new.metadata) == ("SHUTOFF", mark, "SHUTOFF", False)
    whole = cloud.snapshot_of_state()

    def spoilt(change: Change) -> SmallCloud:
        cloud.state = cloud.snapshot_of_state()
        change(cloud)
        return cloud

    def shares(one: SmallCloud) -> None:
        one.state.servers["vm-x"] = Server("vm-x", "x")
        one.state.volumes["v-data"].attached["vm-x"] = "/dev/vdb"

    wrong: list[tuple[str, Change]] = [
        ("it is ACTIVE, not stopped", lambda c: setattr(c.state.servers["vm-db"], "status", "ACTIVE")),
        ("does not bear the mark", lambda c: c.state.servers["vm-db"].metadata.clear()),
        ("does not bear the mark", lambda c: c.state.servers["vm-db"].metadata.update({KEPT: "JOB-1-x"})),
        ("somebody uses it", lambda c: setattr(c.state.servers["vm-db"], "name", "db-03")),
        ("it is locked", lambda c: setattr(c.state.servers["vm-db"], "locked", True)),
        ("all that is left", lambda c: c.state.servers.pop(new.id) and None),
        ("is used by another VM too", shares),
    ]  # fmt: skip
    for told, change in wrong:
        again = Run(database, spoilt(change), deleting(old.name, mark, new.id))
        before = cloud.state.shape()
        assert await again.to_the_end() == "failed" and told in again.record.error, (told, again.record.error)
        assert cloud.state.shape() == before and "delete_kept_server" not in cloud.calls
        cloud.state = whole
        whole = cloud.snapshot_of_state()
    cloud.fault = lambda name, number: lost() if name == "delete_kept_server" else None  # done, and its answer lost
    done = Run(database, cloud, deleting(old.name, mark, new.id))
    assert await done.to_the_end() == "done" and "vm-db" not in cloud.state.servers and new.id in cloud.state.servers
    assert await Run(database, cloud, deleting(old.name, mark, new.id)).to_the_end() == "done", "gone is gone"


async def test_an_undone_replace_leaves_no_mark(database: Database) -> None:
    cloud = small_place()
    await store(database, cloud)
    before, cloud.broken_servers = cloud.state.shape(), True
    run = Run(database, cloud, await planned(database, Wish(mode="replace")))
    assert await run.to_the_end() == "failed" and "keep_server" in cloud.calls
    assert cloud.state.shape() == before and KEPT not in cloud.state.servers["vm-db"].metadata


async def test_probes_go_to_machines_alone_and_tell_what_answers() -> None:
    import asyncio

    assert not any(map(may_be_tried, ("127.0.0.1", "::1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "db-02", "")))
    assert may_be_tried("10.20.0.22") and may_be_tried("2001:db8::22")
    assert await answers(["127.0.0.1", "nonsense"], (22,)) == []
    asked = [f"10.0.0.{n}" for n in range(1, 200)]
    assert await asyncio.wait_for(answers(asked, (), 0.01), 1) == []
