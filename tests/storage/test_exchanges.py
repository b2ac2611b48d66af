"""What was said, remembered for its person; files for the one who asked."""

from typing import Any

import pytest
from sqlalchemy import text

from storage import exchanges
from storage.database import Database
from tests.storage.listed import T0


async def _append(database: Database, said: str, person: str = "ada", minutes: float = 0, **more: Any) -> int:
    async with database.begin() as conn:
        return await exchanges.append(
            conn,
            conversation=more.get("conversation", "c"),
            person=person,
            at=T0 + exchanges.MEMORY * minutes / 15,
            said=said,
            intent=more.get("intent"),
            reading=more.get("reading", {}),
            reply=more.get("reply", {}),
            took_ms=5,
        )


async def test_the_recent_ones_of_a_person_in_a_conversation(database: Database) -> None:
    for number in range(4):
        await _append(database, f"q{number}", minutes=number)
    await _append(database, "of another", person="bob")
    await _append(database, "elsewhere", conversation="d")
    async with database.connect() as conn:
        assert [one.said for one in await exchanges.recent(conn, "c", "ada", 3)] == ["q1", "q2", "q3"]
        assert [one.said for one in await exchanges.recent(conn, "c", "bob", 3)] == ["of another"]
        assert await exchanges.recent(conn, "d", "bob", 3) == []


async def test_a_follow_up_is_remembered_for_a_quarter_of_an_hour(database: Database) -> None:
    await _append(database, "old", minutes=0)
    await _append(database, "new", minutes=10)
    async with database.connect() as conn:
        for minutes, seen in ((14, ["new", "old"]), (15, ["new"]), (24, ["new"]), (25, [])):
            now = T0 + exchanges.MEMORY * minutes / 15
            assert [one.said for one in await exchanges.last(conn, "c", "ada", now)] == seen
        assert len(await exchanges.last(conn, "c", "ada", T0, limit=1)) == 1


async def test_a_judgement_is_kept(database: Database) -> None:
    first, second = await _append(database, "q"), await _append(database, "r")
    async with database.begin() as conn:
        await exchanges.judge(conn, first, False)
        assert [one.good for one in await exchanges.recent(conn, "c", "ada", 5)] == [False, None]
        await exchanges.judge(conn, first, True)
        await exchanges.judge(conn, second + 100, True)
        assert [one.good for one in await exchanges.recent(conn, "c", "ada", 5)] == [True, None]


_HOSTILE = ["\x00", "\ud800", "\\u0000", "'; --", "x" * 10_000, "\u202e👩‍👩‍👧", float("nan"), {"a\x00": ["\udfff"]}]


@pytest.mark.parametrize("odd", _HOSTILE, ids=range(len(_HOSTILE)))
async def test_anything_can_be_said_and_answered(database: Database, odd: object) -> None:
    said = str(odd)
    await _append(database, said, reading={"spans": [odd]}, reply={"text": odd}, intent="find")
    async with database.connect() as conn:
        (kept,) = await exchanges.recent(conn, "c", "ada", 1)
    assert kept.intent == "find" and kept.took_ms == 5
    if said.isprintable() and isinstance(odd, str):
        assert kept.said == odd and kept.reply == {"text": odd}


async def test_a_file_is_for_the_one_who_asked(database: Database) -> None:
    async with database.begin() as conn:
        mine = await exchanges.store_file(conn, "ada", "vms.csv", "text/csv", b"a;b\x00\xff")
        again = await exchanges.store_file(conn, "ada", "vms.csv", "text/csv", b"")
        found = await exchanges.load_file(conn, mine, "ada")
        assert found == exchanges.Stored("vms.csv", "text/csv", b"a;b\x00\xff")
        assert await exchanges.load_file(conn, again, "ada") == exchanges.Stored("vms.csv", "text/csv", b"")
        assert mine != again and len(mine) >= 24
        for file_id, person in ((mine, "bob"), (mine, ""), ("nothing", "ada"), ("", "ada"), ("%", "ada")):
            assert await exchanges.load_file(conn, file_id, person) is None


async def test_an_expired_file_is_not_given_and_goes_with_the_next(database: Database) -> None:
    async with database.begin() as conn:
        old = await exchanges.store_file(conn, "ada", "old.csv", "text/csv", b"old")
        await conn.execute(text("UPDATE stored_file SET expires_at = now() - interval '1 second'"))
        assert await exchanges.load_file(conn, old, "ada") is None
        await exchanges.store_file(conn, "bob", "new\x00\ud800.csv", "text/csv", b"new")
        assert (await conn.execute(text("SELECT count(*) FROM stored_file"))).scalar() == 1
