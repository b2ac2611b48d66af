"""/healthz, /readyz and /metrics over HTTP, with the database there, empty, old, and gone."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import text

from bot.health import Health, add_health, summary
from bot.metrics import Metrics
from storage.database import Database

Client = TestClient[web.Request, web.Application]


def client(database: Database, metrics: Metrics | None = None, age_s: float = 0.0) -> Client:
    times = iter([0.0])
    app = web.Application()
    add_health(app, Health(database, metrics or Metrics(), clock=lambda: next(times, age_s)))
    return TestClient(TestServer(app))


async def ready(database: Database, age_s: float = 0.0) -> tuple[int, dict[str, Any]]:
    async with client(database, age_s=age_s) as http:
        answer = await http.get("/readyz")
        body = await answer.json()
        return answer.status, {check["name"]: check for check in body["checks"]}


async def execute(database: Database, *statements: str) -> None:
    async with database.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


LISTED = (
    "INSERT INTO listing (source, kind, platform, outcome, attempted_at, complete_at, rows)"
    " VALUES ('pcd-1', 'vm', 'openstack', 'complete', now(), now() - interval '90 s', 36)"
)


async def test_it_lives_whatever_the_database_does() -> None:
    gone = Database("postgresql://u:canary-4711@127.0.0.1:1/x")
    async with client(gone) as http:
        answer = await http.get("/healthz")
        assert (answer.status, await answer.json()) == (200, {"alive": True})
    await gone.close()


async def test_ready_with_a_complete_listing(database: Database) -> None:
    await execute(database, LISTED)
    status, checks = await ready(database, age_s=1e6)
    assert status == 200
    assert {name: check["state"] for name, check in checks.items()} == {
        "database": "ok",
        "migrations": "ok",
        "inventory": "ok",
    }


async def test_without_a_listing_it_is_starting_for_a_while_and_then_not_ready(database: Database) -> None:
    status, checks = await ready(database)
    assert (status, checks["inventory"]["state"]) == (200, "starting")
    status, checks = await ready(database, age_s=1e6)
    assert (status, checks["inventory"]["state"]) == (503, "failing")
    assert "doctor" in checks["inventory"]["fix"]


async def test_a_directory_that_fails_is_a_warning_and_no_reason_to_be_away(database: Database) -> None:
    run = "INSERT INTO directory_run (asked_by, state, started_at, finished_at, people, detail) VALUES ('clock', "
    await execute(database, LISTED, f"{run}'failed', now(), now(), 0, 'it cannot be reached; start it')")
    status, checks = await ready(database)
    assert (status, checks["directory"]["state"]) == (200, "warning")
    assert "cannot be reached" in checks["directory"]["detail"] and "doctor" in checks["directory"]["fix"]
    await execute(database, f"{run}'running', now(), NULL, 0, '')", f"{run}'done', now(), now(), 7, '')")
    status, checks = await ready(database)
    assert (status, checks["directory"]["state"]) == (200, "ok") and "7 people" in checks["directory"]["detail"]


async def test_a_first_sync_under_way_counts_as_starting(database: Database) -> None:
    await execute(database, "INSERT INTO sync_run (source, state, started_at) VALUES ('pcd-1', 'running', now())")
    status, checks = await ready(database, age_s=1e6)
    assert (status, checks["inventory"]["state"]) == (200, "starting")


@pytest.mark.parametrize("change", ["UPDATE alembic_version SET version_num = 'old'", "DROP TABLE alembic_version"])
async def test_tables_of_another_version_are_said(database: Database, change: str) -> None:
    await execute(database, change)
    status, checks = await ready(database)
    assert (status, checks["migrations"]["state"]) == (503, "failing")
    assert "migrate-db" in checks["migrations"]["fix"]


async def test_a_database_that_is_gone_is_said_without_its_password() -> None:
    gone = Database("postgresql://u:canary-4711@127.0.0.1:1/x")
    async with client(gone) as http:
        answer = await http.get("/readyz")
        said = await answer.text()
        assert answer.status == 503
        assert "does not answer" in said
        assert "canary" not in said
        assert "stackhand_database_up 0.0" in await (await http.get("/metrics")).text()
    await gone.close()


async def test_metrics_speak_of_this_process_and_of_the_record(database: Database) -> None:
    await execute(
        database,
        LISTED,
        "INSERT INTO sync_run (source, state) VALUES ('pcd-1', 'done'), ('pcd-1', 'done'), ('pcd-2', 'failed')",
        "INSERT INTO outbox (surface, conversation, key, body) VALUES ('page', 'c', 'k', '{}')",
    )
    metrics = Metrics()
    metrics.answered("count", "answered", 0.03)
    metrics.answered(None, "not_understood", 0.2)
    metrics.failed("worker")
    async with client(database, metrics) as http:
        answer = await http.get("/metrics")
        page = await answer.text()
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for line in (
        'stackhand_messages_total{intent="count",outcome="answered"} 1.0',
        'stackhand_messages_total{intent="none",outcome="not_understood"} 1.0',
        "stackhand_answer_seconds_count 2.0",
        'stackhand_errors_total{where="worker"} 1.0',
        'stackhand_sync_runs{outcome="done",source="pcd-1"} 2.0',
        'stackhand_sync_runs{outcome="failed",source="pcd-2"} 1.0',
        'stackhand_resources{kind="vm",source="pcd-1"} 36.0',
        'stackhand_outbox_pending{surface="page"} 1.0',
        "stackhand_database_up 1.0",
    ):
        assert line in page
    (age,) = [line for line in page.splitlines() if line.startswith('stackhand_data_age_seconds{source="pcd-1"}')]
    assert 90 <= float(age.split()[-1]) < 150


async def test_metrics_of_two_processes_do_not_mix() -> None:
    first, second = Metrics(), Metrics()
    first.failed("worker")
    assert b'where="worker"' not in await second.page(None)


async def test_a_hostile_source_name_stays_one_label(database: Database) -> None:
    await execute(
        database,
        "INSERT INTO listing (source, kind, platform, outcome, attempted_at)"
        " VALUES (E'a\"}\\nstackhand_database_up 5', 'vm', 'openstack', 'refused', now())",
    )
    async with client(database) as http:
        page = await (await http.get("/metrics")).text()
    assert [line for line in page.splitlines() if line.startswith("stackhand_database_up")] == [
        "stackhand_database_up 1.0"
    ]


async def test_the_summary_names_what_fails_first(database: Database) -> None:
    assert "inventory" in summary(await Health(database, Metrics()).findings())
