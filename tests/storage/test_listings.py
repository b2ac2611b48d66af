"""The age of the record, and the runs."""

from storage.database import Database
from storage.listings import last_runs, listings, waiting_runs
from storage.sync import ask_run, claim_run, close_run
from tests.storage.listed import T0, day, row, write


async def test_listings_by_kind_platform_and_source(database: Database) -> None:
    await write(database, "vm", [row("a"), row("b")])
    await write(database, "volume", [row("v")], complete=False, at=day(1))
    await write(database, "vm", [], source="two", platform="vsphere")
    async with database.connect() as conn:
        everything = await listings(conn)
        assert [(one.source, one.kind) for one in everything] == [("one", "vm"), ("one", "volume"), ("two", "vm")]
        assert len(await listings(conn, kinds=["vm"])) == 2
        assert len(await listings(conn, kinds={"vm", "volume"}, sources={"one"})) == 2
        assert [one.source for one in await listings(conn, platform="vsphere")] == ["two"]
        assert await listings(conn, kinds=["'; --"]) == []
    vm, volume, _ = everything
    assert (vm.outcome, vm.complete_at, vm.failing_since, vm.rows) == ("complete", T0, None, 2)
    assert (volume.outcome, volume.complete_at, volume.failing_since, volume.rows) == ("cut_off", None, day(1), 1)


async def test_runs_newest_of_each_source(database: Database) -> None:
    async with database.begin() as conn:
        assert await last_runs(conn) == [] and await waiting_runs(conn) == 0
        for number, source in enumerate(("one", "one", "two")):
            await ask_run(conn, source, asked_by=f"p{number}")
        assert await waiting_runs(conn) == 2  # the second wish of a source joins the first
        assert await last_runs(conn) == []
        claimed = await claim_run(conn, ["one"])
        assert claimed is not None
        await close_run(conn, claimed.run_id, state="failed", detail="refused", kinds={})
        await ask_run(conn, "one", asked_by="later")
        assert await waiting_runs(conn) == 2
        (run,) = await last_runs(conn)
    assert (run.source, run.state, run.detail, run.asked_by) == ("one", "failed", "refused", "p0")
    assert run.started_at is not None and run.finished_at is not None and run.finished_at >= run.started_at
