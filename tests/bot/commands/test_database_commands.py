"""Commands that work on a database: people, the audit record, migrations, the doctor."""

import asyncio
import json

import pytest
from sqlalchemy import text

from storage.database import Database
from tests.bot.conftest import Run, is_one_line


@pytest.fixture
def on(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line with a database of its own."""
    monkeypatch.setenv("STACKHAND_DATABASE_URL", database_url)
    monkeypatch.setenv("STACKHAND_PAGE_PORT", "0")
    return run


def execute(url: str, *statements: str) -> None:
    async def work() -> None:
        database = Database(url)
        async with database.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))
        await database.close()

    asyncio.run(work())


def test_a_person_is_added_given_a_role_and_loses_it(on: Run) -> None:
    assert on("people", "add", "ann", "Ann Example", "--email", "ann@example.org")[0] == 0
    assert on("people", "grant", "ann", "viewer", "--source", "pcd-1", "--project", "p-1")[0] == 0
    assert on("people", "grant", "ann", "operator")[0] == 0
    assert on("people", "link", "ann", "page", "U123")[0] == 0
    (ann,) = [json.loads(line) for line in on("people", "list", "--json")[1].splitlines()]
    assert (ann["id"], ann["name"], ann["email"], ann["active"]) == ("ann", "Ann Example", "ann@example.org", True)
    assert [(grant["role"], grant["source"], grant["project_id"]) for grant in ann["grants"]] == [
        ("viewer", "pcd-1", "p-1"),
        ("operator", None, None),
    ]
    assert on("people", "revoke", "ann", "operator")[0] == 0
    assert "operator" not in on("people", "list")[1]
    record = json.loads(on("audit", "verify", "--json")[1])
    assert (record["ok"], record["rows"]) == (True, 5), "each change is in the audit record"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "ann", "Ann again"], "already"),
        (["grant", "ann", "viewer"], "already"),
        (["revoke", "ann", "admin"], "is not admin"),
        (["grant", "bob", "viewer"], "no person 'bob'"),
        (["link", "bob", "page", "U9"], "no person 'bob'"),
        (["link", "ann", "page", "U123"], "belongs to somebody"),
    ],
)
def test_what_cannot_be_is_said_and_leaves_no_trace(on: Run, arguments: list[str], said: str) -> None:
    for prepared in (["add", "ann", "Ann"], ["grant", "ann", "viewer"], ["link", "ann", "page", "U123"]):
        assert on("people", *prepared)[0] == 0
    code, out, err = on("people", *arguments)
    assert (code, out) == (1, "")
    assert is_one_line(err)
    assert said in err
    assert json.loads(on("audit", "verify", "--json")[1])["rows"] == 3


@pytest.mark.parametrize("id_", ["", " ", "a b", "local", "x" * 101, "a\x1b[2J", "a\nb"])
def test_an_id_that_could_fool_somebody_is_refused(on: Run, id_: str) -> None:
    code, _, err = on("people", "add", id_, "Ann")
    assert code == 2
    assert is_one_line(err)
    assert "\x1b" not in err


def test_half_a_place_for_a_role_is_refused(on: Run) -> None:
    code, _, err = on("people", "grant", "ann", "viewer", "--source", "pcd-1")
    assert (code, is_one_line(err)) == (2, True)


def test_the_record_shows_what_was_tampered_with(on: Run, database_url: str) -> None:
    for person in ("a", "b", "c"):
        on("people", "add", person, person)
    end = json.loads(on("audit", "verify", "--json")[1])["head"]
    assert on("audit", "verify", "--known", end)[0] == 0
    execute(
        database_url,
        "ALTER TABLE audit DISABLE TRIGGER USER",
        "UPDATE audit SET target = 'nobody' WHERE id = 2",
    )
    code, _, err = on("audit", "verify")
    assert (code, is_one_line(err)) == (1, True)
    assert "row 2" in err
    execute(database_url, "DELETE FROM audit WHERE id > 1")
    assert on("audit", "verify")[0] == 0, "a cut tail is not to be seen without a known end"
    code, _, err = on("audit", "verify", "--known", end)
    assert (code, is_one_line(err)) == (1, True)
    assert on("audit", "verify", "--known", "nonsense")[0] == 1


def test_tables_are_brought_up_to_date(on: Run, database_url: str) -> None:
    execute(database_url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    assert on("migrate-db")[0] == 0
    assert on("people", "list") == (0, "", "")


def checks(run: Run) -> dict[str, dict[str, str]]:
    code, out, _ = run("doctor", "--json")
    found = json.loads(out)
    assert found["ok"] == (code == 0)
    return {check["name"]: check for check in found["checks"]}


def test_the_doctor_on_a_database_that_is_well_but_empty(on: Run) -> None:
    found = checks(on)
    for name in ("database", "extension", "migrations", "clock", "queue", "port"):
        assert found[name]["state"] == "ok", found[name]
    assert found["sync"]["state"] == "warning"
    assert "stackhand sync" in found["sync"]["fix"]


def test_the_doctor_sees_old_tables_failed_runs_and_what_waits(on: Run, database_url: str) -> None:
    execute(
        database_url,
        "INSERT INTO sync_run (source, state, started_at, finished_at, detail)"
        " VALUES ('pcd-1', 'failed', now(), now(), 'Keystone refused the login (401)')",
        "INSERT INTO sync_run (source, state, started_at, finished_at)"
        " VALUES ('pcd-2', 'done', now() - interval '9 h', now() - interval '9 h')",
        "INSERT INTO listing (source, kind, platform, outcome, detail, fix, attempted_at)"
        " VALUES ('pcd-1', 'vm', 'openstack', 'refused', 'no', 'log in', now()),"
        "        ('pcd-1', 'volume', 'openstack', 'refused', 'no', 'log in', now())",
        "INSERT INTO outbox (surface, conversation, key, body, created_at)"
        " VALUES ('page', 'c', 'k', '{}', now() - interval '9 h')",
    )
    found = checks(on)
    assert found["sync pcd-1"]["state"] == "failed" and "401" in found["sync pcd-1"]["detail"]
    assert found["sync pcd-2"]["state"] == "warning" and "worker" in found["sync pcd-2"]["fix"]
    assert found["listing pcd-1"]["state"] == "warning" and "vm, volume" in found["listing pcd-1"]["detail"]
    assert found["queue"]["state"] == "failed"
    execute(database_url, "UPDATE alembic_version SET version_num = 'old'")
    found = checks(on)
    assert found["migrations"]["state"] == "failed" and "migrate-db" in found["migrations"]["fix"]
    assert "queue" not in found
