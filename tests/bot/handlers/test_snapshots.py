"""Answers about snapshots where there are some: numbers, reasons, runs, and who sees what."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from engines.clouds import Resource
from engines.inventory.collect import sync_source
from storage import snapshot_runs, snapshots
from storage.database import Database
from storage.snapshot_coverage import remember
from tests.bot.world import NOW, World, build, column, heading, said_by, shown, table
from tests.bot.world_base import PCD, own, project_id, uid

PROD, GLOBEX = project_id("acme-prod"), project_id("globex-prod")
WEB, PG = uid("volume acme-prod web-data"), uid("volume acme-prod pg-data-01")
GX = uid("volume globex-prod gx-data")


def copy(name: str, project: str, volume: str, hours: float, policy: str) -> Resource:
    created = (NOW - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {"stackhand_key": name, "stackhand_policy": policy}
    return own(
        "snapshot", name, project, state="available", size_gib=40, parent_id=volume, created=created, metadata=told
    )


async def assign(database: Database, kind: str, id_: str, project: str, policy: str = "daily_2") -> None:
    async with database.begin() as conn:
        row = {"source": PCD, "kind": kind, "external_id": id_, "policy": policy, "project_id": project, "state": "on",
               "retention": None, "by": "root", "at": NOW, "key": "JOB-1-1"}  # fmt: skip
        await snapshots.assign(conn, row)


async def record(database: Database, volume: str, project: str, state: str, detail: str = "", short: int = 0) -> None:
    async with database.begin() as conn:
        await snapshot_runs.open_run(conn, {
            "key": "daily_2@x", "policy": "daily_2", "tick": NOW, "job_id": 1, "asked_by": "root", "planned": 3,
            "started_at": NOW - timedelta(hours=10)})  # fmt: skip
        await snapshot_runs.intend(conn, [{
            "run": "daily_2@x", "source": PCD, "volume_id": volume, "policy": "daily_2", "project_id": project,
            "volume_name": f"vol-{volume[:4]}", "size_gib": 40, "key": volume, "name": "", "state": state,
            "detail": detail, "short_gib": short, "begun_at": NOW - timedelta(hours=10),
            "ended_at": NOW - timedelta(hours=9)}])  # fmt: skip


@pytest.fixture
async def protected(database: Database) -> AsyncIterator[World]:
    """acme-prod under daily_2: web-data is well, pg-data-01 was blocked; gx-data failed. All data are fresh."""
    world = await build(database)
    pcd = world.clouds[0]
    pcd.errors.clear()
    pcd.rows["snapshot"] = [copy("one", "acme-prod", WEB, 10, "daily_2"), copy("two", "acme-prod", WEB, 34, "daily_2")]
    await sync_source(database, pcd, at=NOW - timedelta(minutes=5))
    await assign(database, "project", PROD, PROD)
    await assign(database, "volume", GX, GLOBEX)
    await record(database, PG, PROD, "quota_blocked", "needs 140 GiB more (quota of the project)", 140)
    await record(database, GX, GLOBEX, "failed", "HTTP 500: gx backend away")
    yield world


async def test_coverage_has_reasons_and_was_a_week_ago(protected: World) -> None:
    async with protected.database.begin() as conn:
        day = (NOW - timedelta(days=7)).date()
        await remember(conn, [{"day": day, "source": PCD, "project_id": PROD, "policy": "", "domain_id": None,
                               "states": {"never": 31, "compliant": 1}, "at": NOW}])  # fmt: skip
    reply = await protected.ask("which volumes have no snapshot")
    assert heading(reply) == "6 of 7 volumes are not protected (85.7 %, was 31 a week ago)"
    text = shown(reply)
    assert "14.3 % compliant; not protected: no policy 4, never succeeded 1, quota blocked 1" in text
    assert "needs 140 GiB more" in text and "gx backend away" in text
    assert "snapshot quota forecast" in said_by(reply)


async def test_what_is_not_seen_is_not_counted(protected: World) -> None:
    reply = await protected.ask("which volumes have no snapshot", by="ann")
    assert heading(reply).startswith("3 of 4 volumes are not protected")
    for said in ("which volumes have no snapshot", "how did last night's snapshots go", "snapshot policies",
                 "will tonight's snapshots fit the quota", "what does daily_2 cover"):  # fmt: skip
        text = shown(await protected.ask(said, by="ann"))
        assert "gx" not in text and "globex" not in text, said


async def test_a_policy_tells_what_it_covers_and_why(protected: World) -> None:
    reply = await protected.ask("what does daily_2 cover")
    assert "3 volumes are under it" in shown(reply) and "assigned to its project by root" in shown(reply)
    reply = await protected.ask("which policy does web-data have")
    assert heading(reply) == "web-data is under daily_2"
    assert column(table(reply), "state") == ["compliant"] and column(table(reply), "copies") == [2]
    assert "Snapshot policies: daily_2 (compliant)" in shown(await protected.ask("show web-01"))
    reply = await protected.ask("snapshot policies")
    assert heading(reply) == "1 snapshot policy in use; 4 volumes are under none"


async def test_a_run_tells_what_failed_in_the_clouds_own_words(protected: World) -> None:
    reply = await protected.ask("how did last night's snapshots go")
    assert heading(reply) == "daily_2 of 2026-11-24 02:00 UTC: 1 failed, 1 quota-blocked"
    assert "HTTP 500: gx backend away" in shown(reply)
    assert said_by(reply) == ["run daily_2 snapshots"]
    mine = await protected.ask("how did last night's snapshots go", by="ann")
    assert heading(mine) == "daily_2 of 2026-11-24 02:00 UTC: 1 quota-blocked"


async def test_the_forecast_names_what_is_lacking(protected: World) -> None:
    reply = await protected.ask("will tonight's snapshots fit the quota")
    assert heading(reply) == "No: 1 of 3 snapshots would not fit: acme-prod +140 GiB"
    assert column(table(reply), "replaced") == [1, 0]


async def test_a_dry_run_shows_everything_and_asks_for_nothing(protected: World) -> None:
    reply = await protected.ask("dry run of daily_2 for acme-prod")
    assert reply.outcome == "answered" and not reply.follows
    assert heading(reply) == ("Dry run of daily_2 in acme-prod: 0 would be made, 1 skipped, 1 blocked by the quota")
    assert column(table(reply), "why")[1] == "copied 11-24 02:00"


async def test_a_run_is_planned_for_all_that_the_asker_may(protected: World) -> None:
    reply = await protected.ask("run daily_2 snapshots")
    assert heading(reply) == "Run daily_2: 2 volumes in 2 projects"
    assert (await protected.ask("run daily_2 snapshots", by="ann")).outcome == "failed", (
        "only acme-lab is hers to change"
    )
    assert (await protected.ask("run daily_2 snapshots", by="vic")).outcome == "not_allowed"


async def test_an_export_has_every_volume_with_every_policy(protected: World) -> None:
    await protected.ask("which volumes have no snapshot", where="x")
    reply = await protected.ask("export that as xlsx", where="x")
    assert reply.outcome == "answered" and "7 rows" in shown(reply)


@pytest.mark.parametrize("said", ["run daily_0 snapshots", "assign dayly_5 to web-data", "coverage of nothing_9"])
async def test_a_policy_that_is_none_is_never_guessed(protected: World, said: str) -> None:
    reply: Any = await protected.ask(said)
    assert reply.outcome != "answered" and "Put web-data" not in shown(reply)
