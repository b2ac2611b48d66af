"""Links and sessions as they are kept: in the database, for whoever may come, once, and not for long."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from bot.sweeping import Sweeper
from bot.web.sessions import LINK_LIFETIME, SESSION_LIFETIME, KeptSessions, Session
from storage import page_sessions, people
from storage.database import Database
from storage.page_sessions import MOST_LINKS, MOST_SESSIONS
from tests.storage.everything import found_in

WRONG = ("", "x", "\ud800", "\0", "ü" * 43, "a" * 43, "A" * 10_000, "' OR true --", "../../etc/passwd")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class House:
    """Ann and Bob, and the page's sessions at a time of one's own."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, Clock()
        self.sessions = KeptSessions(database, self.clock)

    async def link(self, person: str = "ann", minutes: int = 15, opens: str = "/migrations/7") -> str:
        """As another process makes one, for a chat."""
        async with self.database.begin() as conn:
            valid = timedelta(minutes=minutes)
            return await page_sessions.make_link(conn, person, now=self.clock.now, valid=valid, opens=opens)

    async def come(self, person: str = "ann") -> tuple[str, Session]:
        entered = await self.sessions.enter(await self.link(person), None)
        assert entered is not None
        found = await self.sessions.find(entered.secret)
        assert found is not None and found.person == person
        return entered.secret, found

    async def set_active(self, person: str, active: bool) -> None:
        async with self.database.begin() as conn:
            await people.set_active(conn, person, active)

    async def count(self, table: str) -> int:
        async with self.database.connect() as conn:
            return int((await conn.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


@pytest.fixture
async def house(database: Database) -> House:
    async with database.begin() as conn:
        await people.add_person(conn, "ann", "Ann Example")
        await people.add_person(conn, "bob", "Bob")
    return House(database)


async def test_a_link_is_good_once_whoever_races_for_it(house: House) -> None:
    token = await house.link()
    entered = await asyncio.gather(*(house.sessions.enter(token, None) for _ in range(8)))
    (one,) = [won for won in entered if won is not None]
    assert one.opens == "/migrations/7" and one.secret != token
    found = await house.sessions.find(one.secret)
    assert found is not None and (found.person, found.name) == ("ann", "Ann Example")
    assert await house.sessions.enter(token, None) is None and await house.count("page_session") == 1


async def test_neither_tokens_nor_cookies_are_in_the_database(house: House) -> None:
    token, first = await house.link(), await house.sessions.mint()
    secret, session = await house.come()
    for kept in (token, first, secret):
        assert await found_in(house.database, kept) == []
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", kept), "256 random bits: nobody guesses one"
    assert await found_in(house.database, session.id) == ["public.page_session"], "it would be found"


async def test_what_is_guessed_opens_nothing_and_locks_nobody_out(house: House) -> None:
    token = await house.link()
    near = [token[:-1] + ("A" if token[-1] != "A" else "B"), token[:-1], token + "A", token.swapcase(), token + " "]
    for bad in (*WRONG, *near):
        assert await house.sessions.enter(bad, None) is None
        assert await house.sessions.follow(bad) is None and await house.sessions.find(bad) is None
    assert await house.sessions.find(None) is None and await house.sessions.find(token) is None
    assert await house.sessions.enter(token, None) is not None


async def test_links_and_sessions_expire_on_the_second(house: House) -> None:
    late, just = await house.link(), await house.link()
    house.clock.now += timedelta(minutes=15) - timedelta(seconds=1)
    entered = await house.sessions.enter(just, None)
    assert entered is not None
    house.clock.now += timedelta(seconds=1)
    assert await house.sessions.enter(late, None) is None
    house.clock.now += SESSION_LIFETIME - timedelta(seconds=2)
    assert await house.sessions.find(entered.secret) is not None
    house.clock.now += timedelta(seconds=1)
    assert await house.sessions.find(entered.secret) is None


async def test_the_first_link_is_followed_and_links_of_a_chat_are_not(house: House) -> None:
    first, of_chat = await house.sessions.mint(), await house.link()
    assert await house.sessions.follow(of_chat) is None, "a robot that follows it uses nothing up"
    assert await house.sessions.enter(of_chat, None) is not None
    secret = await house.sessions.follow(first)
    found = await house.sessions.find(secret)
    assert found is not None and (found.person, found.name) == ("local", "whoever works on this machine")
    assert await house.sessions.follow(first) is None
    late = await house.sessions.mint()
    house.clock.now += LINK_LIFETIME
    assert await house.sessions.follow(late) is None


async def test_a_restart_ends_no_session_and_another_process_makes_links(house: House) -> None:
    secret, _ = await house.come()
    after = KeptSessions(house.database, house.clock)
    assert await after.find(secret) is not None
    assert await after.enter(await house.link("bob"), None) is not None


async def test_whoever_is_disabled_is_out_at_once_and_not_back_in_with_what_they_had(house: House) -> None:
    house.clock.now = datetime.now(UTC)  # the sweeper's
    secret, session = await house.come()
    _, bobs = await house.come("bob")
    unused = await house.link()
    ids = [session.id, bobs.id]
    await house.set_active("ann", False)
    assert await house.sessions.find(secret) is None and await house.sessions.enter(unused, None) is None
    assert await house.sessions.living(ids) == {bobs.id}
    await Sweeper(house.database).once()
    await house.set_active("ann", True)
    assert await house.sessions.find(secret) is None and await house.sessions.enter(unused, None) is None


async def test_whoever_is_removed_has_no_session(house: House) -> None:
    secret, _ = await house.come()
    async with house.database.begin() as conn:
        await conn.execute(text("DELETE FROM person WHERE id = 'ann'"))
    assert await house.sessions.find(secret) is None
    assert await house.sessions.enter(await house.link("nobody"), None) is None


async def test_the_session_of_before_ends_with_a_new_one_and_another_person_is_asked_first(house: House) -> None:
    secret, held = await house.come()
    own = await house.sessions.enter(await house.link(opens="/migrations/8"), held)
    assert own is not None and (own.opens, own.secret) == ("/migrations/8", ""), "they are in already"
    token = await house.link("bob")
    asked = await house.sessions.enter(token, held)
    assert asked is not None and asked.other == "Bob" and not asked.secret
    assert await house.sessions.find(secret) is not None
    sure = await house.sessions.enter(token, held, sure=True)
    assert sure is not None and sure.secret and await house.sessions.find(secret) is None
    again = await house.sessions.enter(token, replace(held, person="bob"))
    assert again is not None and not again.secret, "a used link leads the one who used it to the page"


async def test_nothing_grows_without_end(house: House) -> None:
    first = await house.link()
    for _ in range(MOST_LINKS):
        house.clock.now += timedelta(seconds=1)
        newest = await house.link()
    assert await house.sessions.enter(first, None) is None and await house.count("page_link") == MOST_LINKS
    assert await house.sessions.enter(newest, None) is not None
    secret, _ = await house.come()
    async with house.database.begin() as conn:
        for _ in range(MOST_SESSIONS):
            house.clock.now += timedelta(seconds=1)
            await page_sessions.begin(conn, "ann", now=house.clock.now, valid=SESSION_LIFETIME)
    assert await house.sessions.find(secret) is None and await house.count("page_session") == MOST_SESSIONS
    house.clock.now += SESSION_LIFETIME
    async with house.database.begin() as conn:
        assert await page_sessions.sweep(conn, house.clock.now) > MOST_SESSIONS
    assert (await house.count("page_link"), await house.count("page_session")) == (0, 0)


async def test_who_came_and_went_is_in_the_audit_record(house: House) -> None:
    _, session = await house.come()
    await house.sessions.end(session)
    async with house.database.connect() as conn:
        told = [tuple(row) for row in await conn.execute(text("SELECT person, action FROM audit ORDER BY id"))]
    assert told == [("ann", "page.enter"), ("ann", "page.leave")]
