"""`people page-link`: a link for one person, told once, recorded without it."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.web.sessions import KeptSessions
from storage.database import Database
from tests.bot.commands.test_database_commands import on
from tests.bot.conftest import Run, is_one_line
from tests.storage.everything import found_in

__all__ = ["on"]
PAGE = "https://stackhand.example.org"


@pytest.fixture
def known(on: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("STACKHAND_PAGE_URL", PAGE)
    assert on("people", "add", "ann", "Ann Example")[0] == 0
    return on


def used(url: str, token: str) -> list[str]:
    """Who comes in by the link, the first and the second time; it is in no table."""

    async def work() -> list[str]:
        database = Database(url)
        try:
            assert await found_in(database, token) == []
            sessions, told = KeptSessions(database), []
            for _ in range(2):
                entered = await sessions.enter(token, None)
                found = await sessions.find(entered.secret) if entered else None
                told.append(found.person if found else "nobody")
            return told
        finally:
            await database.close()

    return asyncio.run(work())


def recorded(url: str) -> tuple[str, str, int]:
    """Who made the last link, for whom, for how long."""

    async def work() -> tuple[str, str, int]:
        database = Database(url)
        query = (
            "SELECT person, target, (detail->>'minutes')::int FROM audit WHERE action = 'page.link' ORDER BY id DESC"
        )
        try:
            async with database.connect() as conn:
                first = (await conn.execute(text(query))).first()
                assert first is not None
                return (str(first[0]), str(first[1]), int(first[2]))
        finally:
            await database.close()

    return asyncio.run(work())


def test_a_link_is_told_once_and_its_making_is_on_record(known: Run, database_url: str) -> None:
    for person, minutes, options in (("ann", 15, []), ("ann", 480, ["--for", "8h"]), ("local", 1440, ["--for", "1d"])):
        code, out, err = known("people", "page-link", person, *options)
        assert (code, err) == (0, "")
        (token,) = re.findall(rf"(?m)^ +{PAGE}/enter#(\S{{43}})$", out)
        assert used(database_url, token) == [person, "nobody"]
        assert recorded(database_url) == ("local", person, minutes)
    record = json.loads(known("audit", "verify", "--json")[1])
    assert record["ok"] and record["rows"] == 7, "one who was made known, three links, three who came"


def test_times_that_are_none(known: Run) -> None:
    for time in ("0m", "25h", "2d", "15", "m", "-1h", "1.5h", "15 minutes", "١٥m", "99999d", ""):
        code, out, err = known("people", "page-link", "ann", "--for", time)
        assert code == 2 and out == "" and is_one_line(err) and "--for 15m" in err, time


def test_who_is_unknown_or_disabled_gets_none(known: Run) -> None:
    code, out, err = known("people", "page-link", "nobody")
    assert code == 1 and "/enter" not in out and is_one_line(err) and "people add nobody" in err
    known("people", "disable", "ann")
    code, out, err = known("people", "page-link", "ann")
    assert code == 1 and "/enter" not in out and is_one_line(err) and "people enable ann" in err


def test_without_an_address_it_says_what_to_do(on: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKHAND_STATE_DIR", str(tmp_path))
    code, out, err = on("people", "page-link", "local")
    assert code == 1 and out == "" and is_one_line(err) and "STACKHAND_PAGE_URL" in err and "stackhand serve" in err
