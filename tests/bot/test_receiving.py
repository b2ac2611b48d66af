"""Deliveries are worked off once, again when they may succeed later, and never silently lost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import text

from bot.metrics import Metrics
from bot.receiving import Handling, Receiver, TryAgain
from bot.rounds import Rounds
from storage import inbox
from storage.database import Database
from storage.inbox import Incoming, Taken
from storage.outbox import Draft

Handle = Callable[[Taken], Awaitable[Sequence[Draft]]]


async def keep(database: Database, *keys: str, where: str = "") -> None:
    async with database.begin() as conn:
        for key in keys:
            await inbox.keep(conn, "page", Incoming(key, where or key, "T/U", {"text": key}))


def said(taken: Taken) -> Draft:
    return Draft(taken.conversation, f"{taken.key}#0", {"said": taken.body["text"]})


def rounds(database: Database, handle: Handle, owner: str = "me", most: int = 4) -> Rounds[Taken]:
    handling = Handling(handle, lambda taken: [Draft(taken.conversation, f"{taken.key}:failed", {})])
    receiver = Receiver(database, "page", owner, handling, Metrics(), lambda: None)
    return Rounds("receiving", receiver, most, 5.0)


async def work(database: Database, *running: Rounds[Taken], seconds: float = 10, until: str = "") -> None:
    """Until nothing waits; waiting times pass at once."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(one.run(stop)) for one in running]
    query = text(until or "SELECT count(*) = 0 FROM inbox WHERE state = 'waiting'")
    end = asyncio.get_running_loop().time() + seconds
    done = False
    while not done:
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.03)
        async with database.begin() as conn:
            await conn.execute(text("UPDATE inbox SET not_before = now() WHERE not_before > now()"))
            done = (await conn.execute(query)).scalar_one()
        for one in running:
            one.nudge()
    stop.set()
    await asyncio.gather(*tasks)


async def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    async with database.connect() as conn:
        return [tuple(row) for row in await conn.execute(text(query))]


async def test_what_is_said_and_the_end_of_the_delivery_are_one(database: Database) -> None:
    async def handle(taken: Taken) -> Sequence[Draft]:
        return [said(taken)]

    await keep(database, "a", "b")
    await work(database, rounds(database, handle), rounds(database, handle, "other"))
    assert await rows(database, "SELECT key FROM outbox ORDER BY key") == [("a#0",), ("b#0",)]
    assert await rows(database, "SELECT DISTINCT state, body IS NULL, error FROM inbox") == [("done", True, "")]


async def test_it_is_tried_again_and_then_given_up_with_an_excuse(database: Database) -> None:
    tries: list[str] = []

    async def handle(taken: Taken) -> Sequence[Draft]:
        tries.append(taken.key)
        if taken.key == "never" or tries.count(taken.key) < 3:
            raise TryAgain("it does not answer")
        return [said(taken)]

    await keep(database, "late", "never")
    await work(database, rounds(database, handle))
    assert (tries.count("late"), tries.count("never")) == (3, 4)
    assert await rows(database, "SELECT key FROM outbox ORDER BY key") == [("late#0",), ("never:failed",)]
    assert await rows(database, "SELECT state, error FROM inbox WHERE key = 'never'") == [
        ("failed", "it does not answer")
    ]


async def test_a_fault_is_excused_and_holds_nobody_up(database: Database) -> None:
    async def handle(taken: Taken) -> Sequence[Draft]:
        if taken.key == "a1":
            raise ZeroDivisionError("secret words")
        return [said(taken)]

    await keep(database, "a1", "a2", where="a")
    await work(database, rounds(database, handle))
    assert await rows(database, "SELECT key FROM outbox ORDER BY id") == [("a1:failed",), ("a2#0",)]
    assert await rows(database, "SELECT error FROM inbox ORDER BY id") == [("ZeroDivisionError",), ("",)]


async def test_no_more_than_so_many_at_once_and_one_of_a_conversation(database: Database) -> None:
    now: list[str] = []
    most: list[int] = []

    async def handle(taken: Taken) -> Sequence[Draft]:
        assert taken.conversation not in now
        now.append(taken.conversation)
        most.append(len(now))
        await asyncio.sleep(0.02)
        now.remove(taken.conversation)
        return [said(taken)]

    for number in range(20):
        await keep(database, f"k{number:02}", where=f"c{number % 5}")
    await work(database, rounds(database, handle, most=3))
    assert max(most) == 3
    found = [key for (key,) in await rows(database, "SELECT key FROM outbox ORDER BY id")]
    for number in range(5):
        mine = [key for key in found if int(key[1:3]) % 5 == number]
        assert mine == sorted(mine)


async def test_what_is_cut_off_at_the_end_is_taken_up_by_another(database: Database) -> None:
    begun = asyncio.Event()

    async def stuck(taken: Taken) -> Sequence[Draft]:
        begun.set()
        await asyncio.sleep(60)
        return []

    async def handle(taken: Taken) -> Sequence[Draft]:
        return [said(taken)]

    await keep(database, "k")
    stop = asyncio.Event()
    running = asyncio.create_task(rounds(database, stuck).run(stop))
    await asyncio.wait_for(begun.wait(), 5)
    stop.set()
    await asyncio.wait_for(running, 10)
    async with database.begin() as conn:
        await conn.execute(text("UPDATE inbox SET claimed_until = now() - interval '1 s'"))
    await work(database, rounds(database, handle, "heir"))
    assert await rows(database, "SELECT key FROM outbox") == [("k#0",)]


@pytest.mark.parametrize("attempts", [4, 9])
async def test_what_kills_every_process_ends(database: Database, attempts: int) -> None:
    async def handle(taken: Taken) -> Sequence[Draft]:
        raise AssertionError("it is not begun once more")

    await keep(database, "k")
    async with database.begin() as conn:
        await conn.execute(text("UPDATE inbox SET attempts = :n"), {"n": attempts})
    await work(database, rounds(database, handle))
    assert await rows(database, "SELECT key FROM outbox") == [("k:failed",)]
