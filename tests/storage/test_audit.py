"""The audit chain: whatever is done to it behind its back is found, and the act fails with its record."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.audit import Head, Verdict, entries, head, record, verify
from storage.database import Database
from tests.storage.listed import day, values


async def _written(database: Database, many: int = 6) -> Head:
    for number in range(many):
        async with database.begin() as conn:
            await record(
                conn,
                person="Ada" if number % 2 else "bob",
                action="show",
                target=f"vm-{number}",
                outcome="done",
                detail={"n": number},
                at=day(number),
            )
    async with database.connect() as conn:
        last = await head(conn)
    assert last is not None
    return last


async def _behind_its_back(database: Database, *statements: str) -> None:
    async with database.begin() as conn:
        await conn.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        for statement in statements:
            await conn.execute(text(statement))
        await conn.execute(text("ALTER TABLE audit ENABLE TRIGGER USER"))


async def _verdict(database: Database, known: Head | None = None) -> Verdict:
    async with database.connect() as conn:
        return await verify(conn, known=known)


async def test_an_untouched_chain_is_whole(database: Database) -> None:
    assert await _verdict(database) == Verdict(0)
    last = await _written(database)
    assert last.id == 6
    assert await _verdict(database, last) == Verdict(6)
    await _written(database, 2)
    assert await _verdict(database, last) == Verdict(8)


@pytest.mark.parametrize(
    ("statement", "bad", "why"),
    [
        ("UPDATE audit SET person = 'eve' WHERE id = 3", 3, "edited"),
        ("UPDATE audit SET at = at + interval '1 microsecond' WHERE id = 3", 3, "edited"),
        ("UPDATE audit SET detail = '{\"n\": 9}' WHERE id = 4", 4, "edited"),
        ("UPDATE audit SET hash = sha256('x') WHERE id = 2", 2, "edited"),
        ("UPDATE audit SET prev_hash = sha256('x') WHERE id = 5", 5, "does not follow"),
        ("DELETE FROM audit WHERE id = 3", 3, "missing"),
        ("DELETE FROM audit WHERE id < 3", 1, "missing"),
        ("INSERT INTO audit SELECT 0, at, person, action, target, outcome, detail, prev_hash, hash FROM audit"
         " WHERE id = 3", 1, "missing"),
        ("INSERT INTO audit SELECT 7, at, person, action, target, outcome, detail, prev_hash, hash FROM audit"
         " WHERE id = 3", 7, "does not follow"),
    ],
)  # fmt: skip
async def test_verify_names_the_first_bad_row(database: Database, statement: str, bad: int, why: str) -> None:
    await _written(database)
    await _behind_its_back(database, statement)
    found = await _verdict(database)
    assert found.bad == bad
    assert why in found.why


async def test_a_row_inserted_in_the_middle_is_found(database: Database) -> None:
    await _written(database)
    shift = [f"UPDATE audit SET id = {n + 1} WHERE id = {n}" for n in (6, 5, 4)]
    fields = "at, 'eve', action, target, outcome, detail, prev_hash, hash"
    copy = f"INSERT INTO audit SELECT 4, {fields} FROM audit WHERE id = 3"
    await _behind_its_back(database, *shift, copy)
    assert (await _verdict(database)).bad == 4


async def test_two_rows_that_changed_places_are_found(database: Database) -> None:
    await _written(database)
    swap = ("UPDATE audit SET id = -id WHERE id IN (2, 4)", "UPDATE audit SET id = 6 + id WHERE id < 0")
    await _behind_its_back(database, *swap)
    assert (await _verdict(database)).bad == 2


async def test_a_tail_that_was_cut_shows_against_a_known_head(database: Database) -> None:
    last = await _written(database)
    await _behind_its_back(database, "DELETE FROM audit WHERE id > 4")
    assert await _verdict(database) == Verdict(4)
    found = await _verdict(database, last)
    assert found.bad == 5 and "cut off" in found.why
    await _behind_its_back(database, "DELETE FROM audit")
    assert (await _verdict(database, last)).bad == 1


async def test_a_tail_that_was_written_anew_shows_against_a_known_head(database: Database) -> None:
    last = await _written(database)
    await _behind_its_back(database, "DELETE FROM audit WHERE id > 3")
    for number in range(4):
        async with database.begin() as conn:
            await record(conn, person="eve", action="show", target=f"vm-{number}", outcome="done")
    assert await _verdict(database) == Verdict(7)
    found = await _verdict(database, last)
    assert found.bad == last.id and "written anew" in found.why


async def test_twenty_writers_keep_one_chain(database: Database) -> None:
    async def act(number: int) -> int:
        async with database.begin() as conn:
            return await record(conn, person=f"p{number}", action="ask", outcome="done")

    given = await asyncio.gather(*(act(number) for number in range(20)))
    assert sorted(given) == list(range(1, 21))
    assert await _verdict(database) == Verdict(20)


async def test_a_record_that_fails_takes_the_act_back(database: Database) -> None:
    broken = "ALTER TABLE audit ADD CONSTRAINT never CHECK (action <> 'role.grant')"
    async with database.begin() as conn:
        await conn.execute(text(broken))
    with pytest.raises(DBAPIError):
        async with database.begin() as conn:
            await conn.execute(text("INSERT INTO person (id, name) VALUES ('a', 'Ada')"))
            await record(conn, person="root", action="role.grant", outcome="done")
    assert await values(database, "SELECT count(*) FROM person") == [(0,)]
    assert await _verdict(database) == Verdict(0)


async def test_an_act_that_fails_leaves_no_record_and_no_gap(database: Database) -> None:
    await _written(database, 2)
    with pytest.raises(RuntimeError):
        async with database.begin() as conn:
            await record(conn, person="ada", action="ask", outcome="done")
            raise RuntimeError("the act failed")
    assert (await _written(database, 1)).id == 3
    assert await _verdict(database) == Verdict(3)


@pytest.mark.parametrize("statement", ["UPDATE audit SET person = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_change_is_refused_and_the_chain_stays(database: Database, statement: str) -> None:
    last = await _written(database, 2)
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.begin() as conn:
            await conn.execute(text(statement))
    assert await _verdict(database, last) == Verdict(2)


@pytest.mark.parametrize(
    "detail",
    [
        {"a": 1e16, "b": 1e22, "c": 1e-7, "d": -0.0, "e": 1.0, "f": 0.1, "g": 10**40, "h": 1e300, "i": 123456789.125},
        {"nan": float("nan"), "inf": float("-inf"), "huge": 10**5000},
        {"nul": "a\x00b", "half": "\ud800", "literal": "\\u0000", "\x00": {"deep": ["\x00", "\udfff"]}},
        {"order": {"b": 1, "a": 2, "ü": 3, "10": 4, "9": 5}, "set": {1}, "tuple": (1, 2), "at": day(0), 7: "number"},
        {"text": "<!channel> '; DROP TABLE audit; --", "emoji": "👩‍👩‍👧\u202e", "long": "x" * 100_000},
        {"none": None, "true": True, "empty": [{}, [], ""]},
    ],
    ids=range(6),
)
async def test_any_detail_is_kept_and_verified(database: Database, detail: dict[Any, Any]) -> None:
    async with database.begin() as conn:
        await record(conn, person="a\x00\ud800", action="ask", target="\x00t", outcome="done", detail=detail)
        await record(conn, person="b", action="ask", outcome="done")
    assert await _verdict(database) == Verdict(2)


async def test_entries_by_person_and_time(database: Database) -> None:
    await _written(database)

    async def seen(**filters: Any) -> tuple[list[int], int]:
        async with database.connect() as conn:
            found, total = await entries(conn, **filters)
        return [entry.id for entry in found], total

    assert await seen() == ([6, 5, 4, 3, 2, 1], 6)
    assert await seen(limit=2) == ([6, 5], 6)
    assert await seen(person="ADA") == ([6, 4, 2], 3)
    assert await seen(person="nobody' OR ''='") == ([], 0)
    assert await seen(since=day(2), until=day(4)) == ([4, 3], 2)
    assert await seen(person="ada", until=day(3)) == ([2], 1)


async def test_a_long_chain_is_read_in_pieces(database: Database) -> None:
    async with database.begin() as conn:
        for _ in range(1200):
            await record(conn, person="ada", action="ask", outcome="done")
    assert await _verdict(database) == Verdict(1200)
    await _behind_its_back(database, "UPDATE audit SET target = 'x' WHERE id = 1100")
    assert (await _verdict(database)).bad == 1100
