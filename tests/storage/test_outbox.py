"""Messages on their way out: none lost, none twice, in order within a conversation."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from storage import outbox
from storage.database import Database


async def _put(database: Database, *messages: tuple[str, str], surface: str = "page") -> list[bool]:
    async with database.begin() as conn:
        return [
            await outbox.enqueue(conn, surface=surface, conversation=conversation, key=key, body={"text": key})
            for conversation, key in messages
        ]


async def _sent(database: Database, surface: str = "page", limit: int = 20) -> list[str]:
    """One round of a sender."""
    async with database.begin() as conn:
        claimed = await outbox.claim(conn, surface, limit)
        for message in claimed:
            await outbox.sent(conn, message.id)
        return [message.key for message in claimed]


async def _pending(database: Database) -> int:
    async with database.connect() as conn:
        return await outbox.pending(conn)


async def test_the_first_of_each_conversation_in_order(database: Database) -> None:
    assert await _put(database, ("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")) == [True] * 4
    await _put(database, ("a", "x1"), surface="console")
    assert [await _sent(database) for _ in range(4)] == [["a1", "b1"], ["a2"], ["a3"], []]
    assert await _pending(database) == 1
    assert await _sent(database, "console") == ["x1"]


async def test_a_key_is_said_once_on_a_surface(database: Database) -> None:
    assert await _put(database, ("a", "k"), ("a", "k"), ("b", "k")) == [True, False, False]
    assert await _put(database, ("a", "k"), surface="console") == [True]
    assert await _sent(database) == ["k"]
    assert await _put(database, ("a", "k")) == [False]


async def test_a_message_of_an_act_that_fails_is_not_sent(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.begin() as conn:
            await outbox.enqueue(conn, surface="page", conversation="a", key="k", body={})
            raise RuntimeError("the act failed")
    assert await _sent(database) == [] and await _pending(database) == 0


async def test_two_senders_never_hold_the_same_and_keep_the_order(database: Database) -> None:
    await _put(database, ("a", "a1"), ("a", "a2"), ("b", "b1"))
    async with database.begin() as first, database.begin() as second:
        (one,) = await outbox.claim(first, "page", 1)
        (two,) = await outbox.claim(second, "page")
        assert (one.key, two.key) == ("a1", "b1")
        assert await outbox.claim(second, "page") == [two]  # a2 waits for a1
        await outbox.sent(first, one.id)
        await outbox.sent(second, two.id)
    assert await _sent(database) == ["a2"]


async def test_a_crash_before_the_commit_neither_loses_nor_doubles(database: Database) -> None:
    await _put(database, ("a", "a1"), ("a", "a2"))
    with pytest.raises(RuntimeError):
        async with database.begin() as conn:
            (message,) = await outbox.claim(conn, "page")
            await outbox.sent(conn, message.id)
            raise RuntimeError("killed")
    assert [await _sent(database) for _ in range(3)] == [["a1"], ["a2"], []]


async def test_a_retry_holds_the_rest_of_its_conversation_back(database: Database) -> None:
    await _put(database, ("a", "a1"), ("a", "a2"), ("b", "b1"))
    async with database.begin() as conn:
        first = (await outbox.claim(conn, "page"))[0]
        await outbox.retry(conn, first.id, datetime.now(UTC) + timedelta(hours=1), "429 " * 900)
    assert await _sent(database) == ["b1"]
    assert await _sent(database) == []
    async with database.begin() as conn:
        await outbox.retry(conn, first.id, datetime.now(UTC) - timedelta(seconds=1), "again")
        (due,) = await outbox.claim(conn, "page")
        assert (due.key, due.attempts, due.body) == ("a1", 2, {"text": "a1"})
    assert [await _sent(database), await _sent(database)] == [["a1"], ["a2"]]


async def test_five_hundred_messages_and_four_senders(database: Database) -> None:
    await _put(database, *((f"c{n % 10}", f"{n:03}") for n in range(500)))
    log: list[tuple[str, str]] = []

    async def sender() -> None:
        while await _pending(database):
            async with database.begin() as conn:
                for message in await outbox.claim(conn, "page", 3):
                    log.append((message.conversation, message.key))
                    await outbox.sent(conn, message.id)

    await asyncio.gather(*(sender() for _ in range(4)))
    assert len(log) == len(set(log)) == 500
    for number in range(10):
        keys = [key for conversation, key in log if conversation == f"c{number}"]
        assert keys == sorted(keys)


async def test_any_body_error_and_key_are_kept(database: Database) -> None:
    odd = "\x00\ud800\\u0000'; --"
    async with database.begin() as conn:
        assert await outbox.enqueue(conn, surface="page", conversation=odd, key=odd, body={odd: [odd, float("nan")]})
        (message,) = await outbox.claim(conn, "page")
        await outbox.retry(conn, message.id, datetime.now(UTC), odd)
