"""Deliveries: kept once, taken in order, taken up again after a death, emptied when done."""

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from storage import inbox
from storage.database import Database
from storage.inbox import Incoming, Taken

LEASE = timedelta(seconds=30)


async def _keep(database: Database, key: str, where: str = "a", *, by: str = "T/U", **more: Any) -> bool:
    async with database.begin() as conn:
        return await inbox.keep(conn, "page", Incoming(key, where, by, {"text": key}, **more))


async def _take(database: Database, owner: str = "me", limit: int = 20) -> list[Taken]:
    async with database.begin() as conn:
        return await inbox.take(conn, "page", owner, lease=LEASE, limit=limit)


async def _finish(database: Database, taken: Taken, owner: str = "me", error: str = "") -> bool:
    async with database.begin() as conn:
        return await inbox.finish(conn, taken, owner, error=error)


async def _run(database: Database, statement: str) -> list[Any]:
    async with database.begin() as conn:
        result = await conn.execute(text(statement))
        return list(result.all()) if result.returns_rows else []


async def test_twenty_deliveries_of_one_key_are_one(database: Database) -> None:
    kept = await asyncio.gather(*(_keep(database, "k") for _ in range(20)))
    assert sorted(kept) == [False] * 19 + [True]
    (taken,) = await _take(database)
    assert await _finish(database, taken)
    assert not await _keep(database, "k")
    assert await _take(database) == []


async def test_one_of_a_conversation_at_a_time_in_order(database: Database) -> None:
    for key, where in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        await _keep(database, key, where)
    one, two = await _take(database)
    assert [one.key, two.key] == ["a1", "b1"]
    assert await _take(database, "another") == []
    assert await _finish(database, one)
    assert [taken.key for taken in await _take(database, "another")] == ["a2"]


async def test_the_work_of_a_dead_process_is_taken_up_again(database: Database) -> None:
    await _keep(database, "k")
    (first,) = await _take(database, "dead")
    await _run(database, "UPDATE inbox SET claimed_until = claimed_until - interval '31 s'")
    (second,) = await _take(database, "heir")
    assert (second.key, second.attempts, second.body) == ("k", 2, {"text": "k"})
    assert not await _finish(database, first, "dead")
    assert await _finish(database, second, "heir")


async def test_a_renewed_claim_is_kept(database: Database) -> None:
    await _keep(database, "k")
    (taken,) = await _take(database)
    await _run(database, "UPDATE inbox SET claimed_until = claimed_until - interval '31 s'")
    async with database.begin() as conn:
        await inbox.renew(conn, [taken.id], "me", LEASE)
    assert await _take(database, "heir") == []


async def test_no_body_is_kept_beyond_its_processing(database: Database) -> None:
    await _keep(database, "good", "a")
    await _keep(database, "bad", "b")
    for taken in await _take(database):
        assert await _finish(database, taken, error="it failed" if taken.key == "bad" else "")
    rows = await _run(database, "SELECT key, state, body IS NULL, error FROM inbox ORDER BY id")
    assert [tuple(row) for row in rows] == [("good", "done", True, ""), ("bad", "failed", True, "it failed")]


async def test_later_is_later_and_holds_the_conversation(database: Database) -> None:
    await _keep(database, "k1")
    await _keep(database, "k2")
    (taken,) = await _take(database)
    async with database.begin() as conn:
        await inbox.later(conn, taken, "me", timedelta(hours=1), "Slack is away")
    assert await _take(database) == []
    await _run(database, "UPDATE inbox SET not_before = now()")
    assert [one.key for one in await _take(database)] == ["k1"]


async def test_a_follow_up_counts_only_for_who_was_heard_there(database: Database) -> None:
    assert not await _keep(database, "early", follow_up=True)
    assert await _keep(database, "asked", by="T/U1")
    assert await _keep(database, "mine", by="T/U1", follow_up=True)
    assert not await _keep(database, "other", by="T/U2", follow_up=True)
    assert not await _keep(database, "elsewhere", "b", by="T/U1", follow_up=True)


async def test_what_is_old_is_given_up_and_forgotten(database: Database) -> None:
    for key in ("waits", "old", "done"):
        await _keep(database, key, key)
    done = next(taken for taken in await _take(database) if taken.key == "done")
    assert await _finish(database, done)
    await _run(database, "UPDATE inbox SET claimed_until = NULL")
    await _run(database, "UPDATE inbox SET received_at = now() - interval '16 min' WHERE key = 'old'")
    await _run(database, "UPDATE inbox SET received_at = now() - interval '25 h' WHERE key = 'done'")
    async with database.begin() as conn:
        assert await inbox.prune(conn, "page") == 1
    rows = await _run(database, "SELECT key, state, body IS NULL FROM inbox ORDER BY key")
    assert [tuple(row) for row in rows] == [("old", "failed", True), ("waits", "waiting", False)]


async def test_any_key_and_body_are_kept(database: Database) -> None:
    odd = "\x00\ud800\\u0000'; --"
    async with database.begin() as conn:
        assert await inbox.keep(conn, "page", Incoming(odd, odd, odd, {odd: odd}))
        assert not await inbox.keep(conn, "page", Incoming(odd, odd, odd, {}))
    assert len(await _take(database)) == 1
