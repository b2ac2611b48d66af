"""A sync end to end: from a cloud in memory into a real database."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from engines.clouds import CloudError
from engines.inventory.collect import SyncBusyError, SyncReport, recover, source_lock, sync_source
from engines.inventory.gather import Limits
from storage.database import Database
from tests.engines.inventory.small_cloud import SmallCloud, cut_off, vm

AT = datetime(2026, 1, 25, 12, 0, tzinfo=UTC)


async def rows_of(database: Database, query: str) -> list[Mapping[str, Any]]:
    async with database.connect() as conn:
        return [dict(row) for row in (await conn.execute(text(query))).mappings()]


async def living(database: Database, kind: str = "vm") -> list[str]:
    query = f"SELECT external_id FROM resource WHERE kind = '{kind}' AND deleted_at IS NULL ORDER BY 1"
    return [row["external_id"] for row in await rows_of(database, query)]


async def test_a_first_sync_brings_everything_with_its_names(database: Database) -> None:
    report = await sync_source(database, SmallCloud(), at=AT)
    assert report.state == "done" and report.detail == ""
    assert {kind: (r.outcome, r.rows) for kind, r in report.kinds.items()} == {
        "domain": ("complete", 1),
        "project": ("complete", 1),
        "image": ("complete", 1),
        "vm": ("complete", 4),
    }
    (row,) = await rows_of(database, "SELECT attrs, derived FROM resource WHERE external_id = 'vm-1'")
    assert row["derived"] == {"project": "production", "domain": "acme", "image": "debian-12"}
    assert row["attrs"]["os"] == "debian"


async def test_the_run_and_its_audit_row_are_kept(database: Database) -> None:
    report = await sync_source(database, SmallCloud(), asked_by="ann")
    (run,) = await rows_of(database, "SELECT * FROM sync_run")
    assert (run["id"], run["state"], run["asked_by"]) == (report.run_id, "done", "ann")
    assert run["finished_at"] and run["kinds"]["vm"]["outcome"] == "complete" and run["kinds"]["vm"]["rows"] == 4
    (entry,) = await rows_of(database, "SELECT * FROM audit WHERE action = 'sync.run'")
    assert (entry["person"], entry["target"], entry["outcome"]) == ("ann", "lab", "done")


@pytest.mark.parametrize("reason", ["refused", "unreachable", "timeout", "unexpected"])
async def test_a_kind_that_fails_keeps_its_rows_and_is_named(database: Database, reason: Any) -> None:
    cloud = SmallCloud()
    await sync_source(database, cloud, at=AT)
    cloud.errors["vm"] = CloudError(reason, "Nova said no", "give it a role")
    report = await sync_source(database, cloud)
    assert report.state == "partial" and "vm" in report.detail
    assert report.kinds["vm"].outcome == reason and report.kinds["vm"].rows == 4
    assert await living(database) == ["vm-1", "vm-2", "vm-3", "vm-4"]
    (told,) = await rows_of(database, "SELECT * FROM listing WHERE kind = 'vm'")
    assert (told["outcome"], told["detail"], told["fix"]) == (reason, "Nova said no", "give it a role")
    assert told["complete_at"] == AT and told["attempted_at"] > AT


async def test_a_kind_that_hangs_does_not_hold_the_others(database: Database) -> None:
    cloud = SmallCloud(held={"vm"})
    report = await sync_source(database, cloud, limits=Limits(kind_s=0.2))
    assert report.kinds["vm"].outcome == "timeout" and "0.2 s" in report.kinds["vm"].detail
    assert report.state == "partial" and await living(database, "project") == ["p1"]


async def test_a_fault_in_a_platforms_module_stays_in_its_kind(database: Database) -> None:
    report = await sync_source(database, SmallCloud(errors={"vm": KeyError("secret-value")}))
    assert report.kinds["vm"].outcome == "unexpected" and "secret-value" not in report.kinds["vm"].detail
    assert report.kinds["project"].outcome == "complete"


async def test_rows_of_a_cut_listing_are_shown_and_nothing_is_deleted(database: Database) -> None:
    cloud = SmallCloud()
    await sync_source(database, cloud)
    cloud.errors["vm"] = cut_off(vm(1, state="off"), vm(9))
    report = await sync_source(database, cloud)
    assert report.kinds["vm"].outcome == "cut_off"
    assert await living(database) == ["vm-1", "vm-2", "vm-3", "vm-4", "vm-9"]
    (row,) = await rows_of(database, "SELECT state FROM resource WHERE external_id = 'vm-1'")
    assert row["state"] == "off"


async def test_an_account_that_lost_its_role_does_not_replace_better_facts(database: Database) -> None:
    cloud = SmallCloud()
    narrow = CloudError("refused", "only its own project", "give it a role", [vm(1, memory_mib=None), vm(9)])
    cloud.errors["vm"] = narrow
    await sync_source(database, cloud)
    assert await living(database) == ["vm-1", "vm-9"], "better than nothing, as long as nothing better is known"
    cloud.errors.clear()
    await sync_source(database, cloud)
    before = await rows_of(database, "SELECT external_id, attrs FROM resource WHERE kind = 'vm' ORDER BY 1")
    cloud.errors["vm"] = narrow
    report = await sync_source(database, cloud)
    assert report.kinds["vm"].outcome == "refused"
    assert await rows_of(database, "SELECT external_id, attrs FROM resource WHERE kind = 'vm' ORDER BY 1") == before


async def test_what_a_complete_listing_lacks_is_deleted_and_its_names_survive(database: Database) -> None:
    cloud = SmallCloud()
    await sync_source(database, cloud)
    cloud.rows["vm"] = cloud.rows["vm"][:3]
    cloud.rows["image"] = []
    report = await sync_source(database, cloud)
    assert report.kinds["vm"].deleted == 1 and await living(database) == ["vm-1", "vm-2", "vm-3"]
    await sync_source(database, cloud)
    assert await living(database, "image") == []
    (row,) = await rows_of(database, "SELECT derived FROM resource WHERE external_id = 'vm-1'")
    assert row["derived"]["image"] == "debian-12", "the name of the deleted image is remembered"


async def test_a_kind_that_halves_needs_a_second_sighting(database: Database) -> None:
    cloud = SmallCloud()
    cloud.rows["vm"] = [vm(n) for n in range(100)]
    await sync_source(database, cloud)
    cloud.rows["vm"] = cloud.rows["vm"][:10]
    first = await sync_source(database, cloud)
    assert first.kinds["vm"].outcome == "shrunk" and first.state == "partial"
    assert len(await living(database)) == 100
    second = await sync_source(database, cloud)
    assert second.kinds["vm"].outcome == "complete" and len(await living(database)) == 10


async def test_names_survive_when_the_kind_behind_them_fails(database: Database) -> None:
    cloud = SmallCloud()
    await sync_source(database, cloud)
    before = await rows_of(database, "SELECT attrs, derived FROM resource WHERE kind = 'vm' ORDER BY external_id")
    cloud.errors.update(dict.fromkeys(("project", "image", "domain"), CloudError("unreachable", "down", "wait")))
    await sync_source(database, cloud)
    after = await rows_of(database, "SELECT attrs, derived FROM resource WHERE kind = 'vm' ORDER BY external_id")
    assert after == before
    changes = await rows_of(database, "SELECT * FROM history WHERE op = 'change'")
    assert changes == []


async def test_a_service_that_is_not_there_is_named_and_no_failure(database: Database) -> None:
    cloud = SmallCloud()
    cloud.rows["volume"] = []
    cloud.errors["volume"] = CloudError("unsupported", "Cinder is not in the catalogue", "nothing")
    report = await sync_source(database, cloud)
    assert report.state == "done" and report.kinds["volume"].outcome == "unsupported" and "volume" in report.detail


async def test_a_cloud_that_is_down_is_a_failed_run(database: Database) -> None:
    cloud = SmallCloud()
    await sync_source(database, cloud)
    cloud.errors = dict.fromkeys(cloud.rows, CloudError("unreachable", "no connection", "check it"))
    report = await sync_source(database, cloud)
    assert report.state == "failed" and len(await living(database)) == 4


async def test_two_syncs_of_one_source_never_run_together(database: Database) -> None:
    cloud = SmallCloud(delay_s=0.3)
    first = asyncio.create_task(sync_source(database, cloud))
    await asyncio.sleep(0.15)
    with pytest.raises(SyncBusyError, match="being synced already"):
        await sync_source(database, cloud)
    waiting: SyncReport = await sync_source(database, cloud, wait=True)
    assert (await first).state == waiting.state == "done"
    other = await sync_source(database, SmallCloud(source="other"))
    assert other.state == "done"


async def test_an_abandoned_run_is_found_and_said(database: Database) -> None:
    async with database.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO sync_run (source, state, started_at) VALUES ('lab', 'running', now() - interval '1 hour')"
            )
        )
    await sync_source(database, SmallCloud())
    old, new = await rows_of(database, "SELECT state, detail, finished_at FROM sync_run ORDER BY id")
    assert old["state"] == "failed" and old["detail"] and old["finished_at"] and new["state"] == "done"


async def test_a_run_that_is_stopped_says_so_and_frees_the_source(database: Database) -> None:
    cloud = SmallCloud(held={"vm"})
    task = asyncio.create_task(sync_source(database, cloud))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (run,) = await rows_of(database, "SELECT state, detail FROM sync_run")
    assert run["state"] == "failed" and "stopped" in run["detail"]
    cloud.held.clear()
    assert (await sync_source(database, cloud)).state == "done"


async def test_the_lock_is_freed_when_its_holder_dies(database: Database) -> None:
    async with database.connect() as conn:
        holder = source_lock(conn, "lab", wait=False)
        await holder.__aenter__()
        with pytest.raises(SyncBusyError):
            await sync_source(database, SmallCloud())
        await conn.invalidate()
    assert (await sync_source(database, SmallCloud(), wait=True)).state == "done"


_DYING = """
import asyncio, os, signal, sys
from engines.inventory.collect import sync_source
from storage import sync
from storage.database import Database
from tests.engines.inventory.small_cloud import SmallCloud, vm

write = sync.write_listing

async def die_in_the_middle(*args, **settings):
    written = await write(*args, **settings)
    if "vm" in (*args, settings.get("kind")):
        os.kill(os.getpid(), signal.SIGKILL)
    return written

sync.write_listing = die_in_the_middle
cloud = SmallCloud()
cloud.rows["project"][0] = cloud.rows["project"][0].__class__("project", "p1", "renamed", "p1", {"state": "enabled"})
cloud.rows["vm"] = [vm(n, state="off") for n in range(1, 500)]
asyncio.run(sync_source(Database(sys.argv[1]), cloud))
"""


async def test_a_process_killed_in_the_middle_leaves_whole_kinds(database: Database, database_url: str) -> None:
    await sync_source(database, SmallCloud())
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", _DYING, database_url)
    assert await asyncio.wait_for(child.wait(), 60) == -signal.SIGKILL
    assert await living(database) == ["vm-1", "vm-2", "vm-3", "vm-4"]
    rows = await rows_of(database, "SELECT name, state FROM resource WHERE kind IN ('project', 'vm') ORDER BY name")
    assert [row["name"] for row in rows] == ["renamed", "web-1", "web-2", "web-3", "web-4"]
    assert {row["state"] for row in rows} == {"enabled", "on"}, "the kinds before are new, the one in the middle is old"
    assert await recover(database, "lab") == 1
    runs = await rows_of(database, "SELECT state, detail FROM sync_run ORDER BY id")
    assert [run["state"] for run in runs] == ["done", "failed"] and "ended in the middle" in runs[1]["detail"]


async def test_kinds_are_listed_side_by_side_but_bounded(database: Database) -> None:
    cloud = SmallCloud(delay_s=0.1)
    await sync_source(database, cloud, limits=Limits(kinds_at_once=2))
    assert cloud.most_at_once == 2


async def test_hostile_names_are_kept_as_they_are(database: Database) -> None:
    cloud = SmallCloud()
    names = [
        "<!channel>",
        "=cmd()|' /C calc'!A0",
        "<b>",
        "\u202egnp.exe",
        "x" * 255,
        "🙂",
        "'; DROP TABLE resource; --",
    ]
    cloud.rows["vm"] = [vm(n, description=name) for n, name in enumerate(names)]
    await sync_source(database, cloud)
    rows = await rows_of(
        database, "SELECT attrs ->> 'description' AS d FROM resource WHERE kind = 'vm' ORDER BY external_id"
    )
    assert [row["d"] for row in rows] == names
