"""`restore drill`, `drills`, `targets`: asked for, run, proven, each for whom it is about; errors in one line."""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from storage.database import Database
from storage.people import Grant, add_person, grant
from tests.bot.commands.test_database_commands import on
from tests.bot.conftest import Run, is_one_line
from tests.engines.drills.drill_cloud import DrillCloud, drill_place
from tests.engines.drills.running import ran
from tests.engines.restore.places import store

__all__ = ["on"]
PEOPLE = {"tom": Grant("technical", "one", "pa"), "gus": Grant("technical", "one", "pb"),
          "vic": Grant("viewer", "one", "pa")}  # fmt: skip


def within(url: str, work: Any) -> Any:
    async def working() -> Any:
        database = Database(url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(working())


@pytest.fixture
def cloud(database_url: str, monkeypatch: pytest.MonkeyPatch) -> DrillCloud:
    made = drill_place()

    async def fill(database: Database) -> None:
        await store(database, made)
        async with database.begin() as conn:
            for person, right in PEOPLE.items():
                await add_person(conn, person, person.capitalize())
                await grant(conn, person, right, "test")

    within(database_url, fill)
    return made


@pytest.fixture
def able(on: Run, cloud: DrillCloud, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("STACKHAND_RESTORE_EXECUTE", "*")
    return on


def test_a_drill_from_asking_to_its_proof(able: Run, cloud: DrillCloud, database_url: str, tmp_path: Path) -> None:
    code, out, err = able("restore", "drill", "acme-prod", "--vm", "db-02", "--dry-run")
    assert code == 0 and "a dry run, nothing is changed" in out and "without a router" in out, err
    code, out, err = able("restore", "drill", "acme-prod", "--vm", "db-02", "--as", "tom")
    assert code == 0 and "stackhand approvals approve REQ-1" in out, err
    code, out, err = able("approvals", "approve", "REQ-1", "--as", "tom")
    assert code == 0, (out, err)
    assert within(database_url, lambda database: ran(database, cloud, 1)).state == "done"
    assert able("restore", "targets", "set", "--rto-minutes", "60", "--rpo-hours", "24")[0] == 0
    code, out, _ = able("restore", "drills", "--out", str(tmp_path))
    assert code == 1 and "1 missed" in out and "RPO: " in out and "1 never drilled" in out
    (pdf,), (table,) = tmp_path.glob("*.pdf"), tmp_path.glob("*.csv")
    assert pdf.read_bytes().startswith(b"%PDF") and len(pdf.read_bytes()) > 2000
    first, second = csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig")))
    assert (first["VM"], first["verdict"], first["outcome"]) == ("db-02", "missed", "passed")
    assert "console: well (shows output)" in first["checks"] and "volume 3" in first["steps"]
    assert (second["VM"], second["verdict"]) == ("web-01", "never drilled")
    told = able("restore", "targets", "set", "--rpo-hours", "9000", "--project", "acme-prod")
    assert told[1].strip() == "one/pa: RPO 9000 h"
    assert "RPO 9000 h" in able("restore", "targets", "list")[1]
    shown = json.loads(able("restore", "drills", "--json", "--as", "tom")[1])
    assert shown["table"]["rows"][-1][2] == "met" and "RTO 1 h" in shown["fields"]["acme-prod"]
    assert "Restore drills" in able("ask", "restore history", "--as", "tom")[1]
    assert able("restore", "targets", "remove", "--project", "pa")[0] == 0
    foreign = able("restore", "drills", "--as", "gus")
    assert foreign[0] == 1 and "db-02" not in foreign[1] and "no VM" in foreign[1]
    assert "db-02" not in able("ask", "restore history", "--as", "gus")[1]


def test_a_schedule_asks_for_it_with_its_owners_rights(able: Run, cloud: DrillCloud, database_url: str) -> None:
    from datetime import UTC, datetime

    from bot.ticking import ticks
    from engines.restore.wishes import House
    from scheduler.ticking import do_tick

    def add(name: str, owner: str, *arguments: str) -> None:
        given = [one for argument in arguments for one in ("--argument", argument)]
        code, _, err = able("schedules", "add", name, "restore_drill", "--cron", "0 3 * * 6", "--owner", owner, *given)
        assert code == 0, err

    add("weekly", "tom", "project=acme-prod", "vms=db-02")
    add("foreign", "gus", "project=acme-prod")
    add("nowhere", "tom", "project=nothing")
    add("many", "tom", "project=acme-prod", "most=999")

    async def tick(database: Database) -> dict[str, str]:
        at = datetime.now(UTC)
        for name in ("weekly", "foreign", "nowhere", "many"):
            async with database.begin() as conn:
                await conn.execute(
                    text("INSERT INTO schedule_tick (schedule, tick) VALUES (:n, :t)"), {"n": name, "t": at}
                )
            await do_tick(database, ticks(House(frozenset({"*"}))), name, at)
        async with database.connect() as conn:
            rows = await conn.execute(text("SELECT schedule, outcome FROM schedule_tick"))
            return {str(row.schedule): str(row.outcome) for row in rows}

    told = within(database_url, tick)
    assert told["weekly"] == "Restore drill of 1 VM of acme-prod: REQ-1"
    assert "You need the role operator" in told["foreign"]
    assert "There is no project nothing" in told["nowhere"] and "no number from 1 to 10" in told["many"]
    assert within(database_url, lambda database: ran(database, cloud, 1)).state == "done"
    rows = json.loads(able("restore", "drills", "--json")[1])["table"]["rows"]
    assert rows[-1][0] == "db-02" and rows[-1][2] == "no target"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("drill", "nothing"), "There is no project nothing"),
        (("drill", "acme-prod", "--most", "11"), "no number from 1 to 10"),
        (("drill", "acme-prod", "--vm", "=cmd|' /C calc'"), "has no VM =cmd"),
        (("drill", "acme-prod", "--as", "gus"), "There is no project acme-prod"),
        (("drill", "acme-prod", "--as", "nobody"), "there is no person"),
        (("targets", "set"), "no target was given"),
        (("targets", "set", "--rto-minutes", "0"), "cannot be"),
        (("targets", "set", "--rpo-hours", "nan"), "cannot be"),
        (("targets", "set", "--rpo-hours", "5", "--project", "x"), "There is no project x"),
        (("targets", "remove"), "no target is set for everywhere"),
    ],
)
def test_what_cannot_be_is_said(able: Run, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = able("restore", *arguments)
    assert code != 0 and said in err and is_one_line(err), err


def test_who_may_not_and_where_it_is_off(on: Run, cloud: DrillCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = on("restore", "drill", "acme-prod")
    assert code == 1 and "STACKHAND_RESTORE_EXECUTE=one" in out
    monkeypatch.setenv("STACKHAND_RESTORE_EXECUTE", "one")
    code, out, _ = on("restore", "drill", "acme-prod", "--as", "vic")
    assert code == 1 and "You need the role operator" in out
