"""Messages on their way out: none lost, none twice, in order within a conversation, paced on a lane."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from storage import outbox
from storage.database import Database
from storage.outbox import Draft, Outgoing

LEASE, NO_PAUSE = timedelta(seconds=30), timedelta(0)


async def _put(database: Database, *messages: tuple[str, str], surface: str = "page", lane: str = "") -> list[bool]:
    async with database.begin() as conn:
        return [
            await outbox.enqueue(conn, surface, Draft(conversation, key, {"text": key}, lane, "post"))
            for conversation, key in messages
        ]


async def _claim(database: Database, owner: str = "me", **more: Any) -> list[Outgoing]:
    options: dict[str, Any] = {"lease": LEASE, "pause": NO_PAUSE, "limit": 20, "surface": "page", **more}
    async with database.begin() as conn:
        return await outbox.claim(conn, options.pop("surface"), owner, **options)


async def _done(database: Database, message: Outgoing, owner: str = "me") -> bool:
    async with database.begin() as conn:
        return await outbox.sent(conn, message, owner, {"ts": message.key})


async def _sent(database: Database, owner: str = "me", **more: Any) -> list[str]:
    """One round of a sender."""
    claimed = await _claim(database, owner, **more)
    for message in claimed:
        assert await _done(database, message, owner)
    return [message.key for message in claimed]


async def _pending(database: Database) -> int:
    async with database.connect() as conn:
        return await outbox.pending(conn)


async def _pass(database: Database, seconds: float) -> None:
    """Time passes for what waits: for claims, and for lanes."""
    async with database.begin() as conn:
        for statement in (
            "UPDATE outbox SET not_before = not_before - CAST(:t AS interval),"
            " claimed_until = claimed_until - CAST(:t AS interval)",
            "UPDATE pace SET next_at = next_at - CAST(:t AS interval)",
        ):
            await conn.execute(text(statement), {"t": timedelta(seconds=seconds)})


async def test_the_first_of_each_conversation_in_order(database: Database) -> None:
    assert await _put(database, ("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")) == [True] * 4
    await _put(database, ("a", "x1"), surface="console")
    assert [await _sent(database) for _ in range(4)] == [["a1", "b1"], ["a2"], ["a3"], []]
    assert await _pending(database) == 1
    assert await _sent(database, surface="console") == ["x1"]


async def test_a_key_is_said_once_on_a_surface(database: Database) -> None:
    assert await _put(database, ("a", "k"), ("a", "k"), ("b", "k")) == [True, False, False]
    assert await _put(database, ("a", "k"), surface="console") == [True]
    assert await _sent(database) == ["k"]
    assert await _put(database, ("a", "k")) == [False]
    async with database.connect() as conn:
        assert await outbox.posted_as(conn, "page", "k") == {"ts": "k"}
        assert await outbox.posted_as(conn, "page", "other") is None
        assert await outbox.knows(conn, "page", "k") and not await outbox.knows(conn, "page", "other")


async def test_a_message_of_an_act_that_fails_is_not_sent(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.begin() as conn:
            await outbox.enqueue(conn, "page", Draft("a", "k", {}))
            raise RuntimeError("the act failed")
    assert await _sent(database) == [] and await _pending(database) == 0


async def test_two_senders_never_hold_the_same_and_keep_the_order(database: Database) -> None:
    await _put(database, ("a", "a1"), ("a", "a2"), ("b", "b1"))
    (one,) = await _claim(database, "first", limit=1)
    (two,) = await _claim(database, "second")
    assert (one.key, two.key) == ("a1", "b1")
    assert await _claim(database, "second") == []  # a2 waits for a1
    assert await _done(database, one, "first") and await _done(database, two, "second")
    assert await _sent(database) == ["a2"]


async def test_two_senders_at_the_very_same_time_never_hold_the_same(database: Database) -> None:
    await _put(database, ("a", "a1"), ("b", "b1"))
    async with database.begin() as first, database.begin() as second:
        one = await outbox.claim(first, "page", "first", lease=LEASE, pause=NO_PAUSE, limit=1)
        two = await outbox.claim(second, "page", "second", lease=LEASE, pause=NO_PAUSE, limit=20)
    assert [message.key for message in one] == ["a1"] and two == []  # what another looks at is passed over
    assert await _sent(database) == ["b1"]


async def test_what_a_dead_sender_began_is_told_to_be_unsure(database: Database) -> None:
    await _put(database, ("a", "a1"), ("a", "a2"))
    (message,) = await _claim(database, "dead")
    assert message.unsure_since is None
    assert await _claim(database, "heir") == []
    await _pass(database, 31)
    (again,) = await _claim(database, "heir")
    assert again.key == "a1" and again.unsure_since is not None
    assert not await _done(database, message, "dead")  # it was only slow: its claim is lost
    assert await _done(database, again, "heir")
    assert await _sent(database) == ["a2"]


async def test_a_claim_that_is_renewed_is_kept(database: Database) -> None:
    await _put(database, ("a", "a1"))
    (message,) = await _claim(database)
    await _pass(database, 31)
    async with database.begin() as conn:
        await outbox.renew(conn, [message.id], "me", LEASE)
        await outbox.renew(conn, [message.id], "another", timedelta(seconds=-99))
    assert await _claim(database, "heir") == []


async def test_a_retry_holds_the_rest_of_its_conversation_back(database: Database) -> None:
    await _put(database, ("a", "a1"), ("a", "a2"), ("b", "b1"))
    first, other = await _claim(database)
    async with database.begin() as conn:
        await outbox.later(conn, first, "me", delay=timedelta(hours=1), error="429 " * 900)
    assert await _done(database, other)
    assert await _sent(database) == []
    await _pass(database, 3601)
    (due,) = await _claim(database)
    assert (due.key, due.attempts, due.body, due.unsure_since) == ("a1", 1, {"text": "a1"}, None)


async def test_what_may_have_arrived_stays_unsure_since_the_first_attempt(database: Database) -> None:
    await _put(database, ("a", "a1"))
    for _ in range(3):
        (message,) = await _claim(database)
        async with database.begin() as conn:
            await outbox.later(conn, message, "me", delay=timedelta(0), error="lost", unsure=True)
    (last,) = await _claim(database)
    assert last.unsure_since == message.unsure_since is not None


async def test_a_lane_rests_after_each_message_whoever_sends(database: Database) -> None:
    await _put(database, ("a", "a1"), ("b", "b1"), ("c", "c1"), lane="C1")
    await _put(database, ("d", "d1"), lane="C2")
    second = timedelta(seconds=1)
    assert await _sent(database, "one", pause=second) == ["a1", "d1"]
    assert await _sent(database, "two", pause=second) == []
    await _pass(database, 1)
    assert await _sent(database, "two", pause=second) == ["b1"]


async def test_twenty_senders_at_once_take_one_message_of_a_lane(database: Database) -> None:
    await _put(database, *((f"c{n}", f"k{n}") for n in range(20)), lane="C1")
    hour = timedelta(hours=1)
    found = await asyncio.gather(*(_claim(database, f"s{n}", pause=hour) for n in range(20)))
    assert sum(map(len, found)) == 1


async def test_a_method_that_must_rest_holds_all_of_its_messages(database: Database) -> None:
    await _put(database, ("a", "a1"), ("b", "b1"))
    async with database.begin() as conn:
        await outbox.enqueue(conn, "page", Draft("c", "c1", {}, "", "upload"))
        await outbox.hold(conn, "page", "post", timedelta(seconds=30))
        await outbox.hold(conn, "page", "post", timedelta(seconds=5))  # the longer one counts
        wait = await outbox.wait(conn, "page")
        assert wait is not None and wait <= timedelta(0)
    assert await _sent(database) == ["c1"]
    async with database.begin() as conn:
        wait = await outbox.wait(conn, "page")
    assert wait is not None and timedelta(seconds=25) < wait <= timedelta(seconds=30)
    await _pass(database, 31)
    assert await _sent(database) == ["a1", "b1"]


async def test_what_is_given_up_does_not_hold_others_back(database: Database) -> None:
    await _put(database, ("a", "a1"), ("a", "a2"))
    (message,) = await _claim(database)
    async with database.begin() as conn:
        await outbox.give_up(conn, message, "me", "channel_not_found")
    assert await _sent(database) == ["a2"] and await _pending(database) == 0


async def test_only_the_newest_progress_waits_and_what_overtakes_a_sending_is_sent_again(database: Database) -> None:
    async def tell(done: int) -> None:
        async with database.begin() as conn:
            await outbox.replace(conn, "page", Draft("a", "progress", {"done": done}))

    await tell(1)
    await tell(2)
    (message,) = await _claim(database)
    assert message.body == {"done": 2}
    await tell(3)
    assert await _done(database, message)
    (newest,) = await _claim(database)
    assert newest.body == {"done": 3}
    assert await _done(database, newest)
    assert await _claim(database) == []
    await tell(4)
    (last,) = await _claim(database)
    assert last.body == {"done": 4} and last.posted == {"ts": "progress"}


async def test_five_hundred_messages_and_four_senders(database: Database) -> None:
    await _put(database, *((f"c{n % 10}", f"{n:03}") for n in range(500)))
    log: list[tuple[str, str]] = []

    async def sender(owner: str) -> None:
        while await _pending(database):
            for message in await _claim(database, owner, limit=3):
                log.append((message.conversation, message.key))
                assert await _done(database, message, owner)

    await asyncio.gather(*(sender(f"s{n}") for n in range(4)))
    assert len(log) == len(set(log)) == 500
    for number in range(10):
        keys = [key for conversation, key in log if conversation == f"c{number}"]
        assert keys == sorted(keys)


async def test_old_messages_are_forgotten_and_waiting_ones_are_not(database: Database) -> None:
    await _put(database, ("a", "a1"), ("b", "b1"), ("c", "c1"), lane="C")
    assert await _sent(database, limit=1) == ["a1"]
    await asyncio.sleep(0.01)
    async with database.begin() as conn:
        assert await outbox.prune(conn, "page", timedelta(hours=1)) == 0
        assert await outbox.prune(conn, "page", timedelta(0)) == 1
    assert await _pending(database) == 2


async def test_any_body_error_and_key_are_kept(database: Database) -> None:
    odd = "\x00\ud800\\u0000'; --"
    async with database.begin() as conn:
        assert await outbox.enqueue(conn, "page", Draft(odd, odd, {odd: [odd, float("nan")]}, odd, "post"))
    (message,) = await _claim(database)
    async with database.begin() as conn:
        await outbox.later(conn, message, "me", delay=timedelta(0), error=odd)
        assert await outbox.knows(conn, "page", odd)
