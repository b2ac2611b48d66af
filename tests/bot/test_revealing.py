"""A new password reaches whoever asked, once, in private, and nobody and nothing else."""

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from sqlalchemy import func, select, update

from bot.door import _packed, _unpacked
from bot.logs import configure
from bot.messages import Channel, Message
from bot.pipeline import Pipeline
from bot.readers import Presence
from bot.replies import Choices, Fields, Reply, Secret, from_json, to_json
from bot.sweeping import Sweeper
from engines.changes.sagas import Workshop, run_job
from engines.changes.steps import Patience
from engines.restore.actions import actions_of
from engines.sealing import Reader
from storage import passwords
from storage.change_tables import job, request
from storage.database import Database
from storage.people import Grant, add_person, grant
from tests.bot.world import CATALOGUE, heading, shown
from tests.engines.changes.bed import Still
from tests.engines.restore.places import NOW, ON, small_place, store
from tests.engines.restore.runs import QUICK
from tests.storage.everything import found_in

PEOPLE = {"ann": "technical", "tom": "superadmin", "eve": "superadmin"}
ASK = "restore db-02 from yesterday and reset the password"
Say = Callable[..., Awaitable[Reply]]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, stream = (root.handlers[:], root.level), io.StringIO()
    configure("debug", stream=stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    structlog.reset_defaults()


class House:
    """The bot, its people, and a worker."""

    def __init__(self, database: Database) -> None:
        self.database, self.cloud, self.number = database, small_place(), iter(range(10**6))
        self.ended: Callable[..., Awaitable[None]] | None = None
        self.now = NOW
        self.starts()

    def starts(self) -> None:
        """The process begins, also anew: what it held in memory is gone."""
        self.reader = Reader()
        self.pipeline = Pipeline(
            self.database, catalogue=CATALOGUE, clock=lambda: self.now, house=ON, reader=self.reader
        )

    async def say(self, said: str, by: str = "ann", *, unseen: bool = True, channel: Channel | None = None) -> Reply:
        message = Message(f"m{next(self.number)}", by, f"c-{by}", said, self.now, channel=channel, unseen=unseen)
        return (await self.pipeline.answer(message))[0]

    async def runs(self) -> None:
        """What was approved, to its end; the clock of the house stands there then."""
        from engines.changes import requests as changes

        actions = {one.name: one for one in actions_of(QUICK)}
        shop = Workshop(self.database, actions, self.cloud, changes.ended, patience=Patience(5, 0.0), tell_every_s=0.0)
        async with self.database.connect() as conn:
            ids = list(await conn.scalars(select(job.c.id).where(job.c.state == "waiting")))
        for id_ in ids:
            await run_job(shop, id_, "w1", Still())
        self.now = datetime.now(UTC)

    async def restored(self) -> Reply:
        """Asked for by ann, approved by tom, done; ann's card."""
        card = await self.say(ASK)
        assert card.outcome == "answered", shown(card)
        await self.say("approve REQ-1", "tom")
        await self.runs()
        return await self.say("show REQ-1")


@pytest.fixture
async def house(database: Database) -> House:
    made = House(database)
    await store(database, made.cloud)
    async with database.begin() as conn:
        for person, role in PEOPLE.items():
            await add_person(conn, person, person.capitalize())
            await grant(conn, person, Grant(role), "test")
        await passwords.beat(conn, made.reader.key)
    return made


def secrets_of(reply: Reply) -> list[str]:
    return [part.value for part in reply.parts if isinstance(part, Secret) and part.value]


def press(reply: Reply) -> str:
    (said,) = (c.said for part in reply.parts if isinstance(part, Choices) for c in part.choices
               if c.label == "show the password once")  # fmt: skip
    return said


def fields(reply: Reply) -> dict[str, str]:
    return {label: value for part in reply.parts if isinstance(part, Fields) for label, value in part.pairs}


def labels(reply: Reply) -> list[str]:
    return [c.label for part in reply.parts if isinstance(part, Choices) for c in part.choices]


async def test_it_is_shown_once_to_the_asker(house: House, lines: io.StringIO) -> None:
    card = await house.restored()
    assert fields(card)["password reset"] == "yes, not shown"
    said = press(card)
    once = await house.say(said)
    (secret,) = house.cloud.tried
    assert secrets_of(once) == [secret] and once.private and once.outcome == "answered"
    again = await house.say(said)
    assert secrets_of(again) == [] and "shown once" in heading(again) and "server set --password" in shown(again)
    card = await house.say("show REQ-1")
    assert "shown to Ann at" in fields(card)["password reset"] and "show the password once" not in labels(card)
    told = await house.say("restore status of JOB-1")
    assert "shown to ann at" in fields(told)["password reset"]
    papers = [part.content for part in told.parts if hasattr(part, "content")]
    assert len(papers) == 2 and b"password reset" in papers[1]
    kept = await house.pipeline.recent("c-ann", "ann", 50)
    assert not any(secret in repr(one) or secret in str(to_json(reply)) for one in kept for reply in one.replies)
    assert await found_in(house.database, secret) == [] and secret not in lines.getvalue()
    assert not any(secret.encode() in one for one in papers) and secret not in repr(once)


async def test_nobody_else_is_shown_it(house: House) -> None:
    card = await house.restored()
    for person in ("tom", "eve"):
        seen = await house.say("show REQ-1", person)
        assert "show the password once" not in labels(seen) and fields(seen)["password reset"] == "yes, not shown"
        refused = await house.say(press(card), person)
        assert (refused.outcome, secrets_of(refused)) == ("not_allowed", []) and refused.private
    refused = await house.say("show the password #request/" + "0" * 32)
    assert refused.outcome == "not_allowed" and secrets_of(refused) == []
    # in a message of a chat platform, or for a command on the machine, there is only the button, and nothing is used
    for channel in (None, Channel("slack", "C1", "members")):
        asked = await house.say(press(card), unseen=False, channel=channel)
        assert asked.private and secrets_of(asked) == [] and press(asked) == press(card)
    shown_ = await house.say(press(card))
    assert len(secrets_of(shown_)) == 1
    assert secrets_of(_unpacked(_packed(shown_))) == [] == secrets_of(from_json(to_json(shown_)))


async def test_twenty_presses_at_once_show_it_once(house: House) -> None:
    said = press(await house.restored())
    answers = await asyncio.gather(*(house.say(said) for _ in range(20)))
    assert sum(len(secrets_of(one)) for one in answers) == 1
    assert sum("shown once" in heading(one) for one in answers) == 19


async def test_a_restart_is_told_and_what_to_do(house: House) -> None:
    said = press(await house.restored())
    before = house.reader
    house.starts()
    held = await house.say(said)
    assert "Another process" in heading(held)  # the old one was seen a moment ago
    stop = asyncio.Event()
    stop.set()
    await Presence(house.database, before.key).run(stop)  # ends as a process that stops
    gone = await house.say(said)
    assert "restarted" in heading(gone) and "server set --password" in shown(gone) and secrets_of(gone) == []


@pytest.mark.parametrize("late", [14.9, 15.1])
async def test_it_is_deleted_a_quarter_of_an_hour_later(house: House, late: float) -> None:
    said = press(await house.restored())
    async with house.database.begin() as conn:
        await conn.execute(update(job).values(ended_at=func.clock_timestamp() - timedelta(minutes=late)))
    house.now = datetime.now(UTC)
    await Sweeper(house.database).once()
    answer = await house.say(said)
    if late < 15:
        assert len(secrets_of(answer)) == 1
    else:
        assert secrets_of(answer) == [] and "within 15 minutes" in heading(answer)
        card = await house.say("show REQ-1")
        assert fields(card)["password reset"] == "yes, not shown" and "show the password once" not in labels(card)


async def test_before_it_is_done_and_without_one(house: House) -> None:
    await house.say("restore db-02 from yesterday")
    await house.say(ASK + " as db-99")
    async with house.database.connect() as conn:
        tokens = list(await conn.scalars(select(request.c.token).order_by(request.c.id)))
    for token in tokens:
        answer = await house.say(f"show the password #request/{token}")
        assert secrets_of(answer) == [] and "has set no password" in heading(answer)


async def test_a_refusal_by_the_cloud_is_on_the_card_and_in_the_record(house: House) -> None:
    from engines.clouds.acting import ActError

    no = ActError("refused", "Nova answered 409: no agent", "x")
    house.cloud.fault = lambda name, _: no if name == "change_password" else None
    card = await house.restored()
    assert fields(card)["password reset"] == "no" and "No new password was set" in shown(card)
    assert "show the password once" not in labels(card)


async def test_a_process_that_shows_nothing_cannot_ask_for_one(house: House) -> None:
    house.pipeline = Pipeline(house.database, catalogue=CATALOGUE, clock=lambda: NOW, house=ON)
    answer = await house.say(ASK)
    assert answer.outcome == "failed" and "ask on the page" in shown(answer)


async def test_words_and_buttons_of_the_wish(house: House) -> None:
    said = {
        ASK: True, "restore db-02 with a new admin password": True, "restore db-02": False,
        "restore db-02 but don't reset the password": False, "restore db-02 and keep the password": False,
    }  # fmt: skip
    for number, (words, wanted) in enumerate(said.items(), 1):
        assert (await house.say(words)).outcome == "answered", words
        async with house.database.connect() as conn:
            plan: dict[str, Any] = await conn.scalar(select(request.c.plan).where(request.c.id == number)) or {}
        assert any(step["action"] == "restore.password" for step in plan["steps"]) == wanted, words
    changed = await house.say("change REQ-3 to with a new password")
    assert "REQ-3 is withdrawn" in shown(changed) and "a new one is set by the cloud" in shown(changed)
    form = await house.say("change REQ-6")
    assert "keep the passwords" in labels(form)
