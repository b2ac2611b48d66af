"""From what was heard to what is said: who it was, who reads along, what is for one person alone."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import text

from bot.adapters.slack import drafts
from bot.adapters.slack.answering import Answering, Parts
from bot.adapters.slack.calls import client
from bot.adapters.slack.directory import Directory
from bot.adapters.slack.downloads import Downloads
from bot.adapters.slack.files import Files
from bot.adapters.slack.hearing import Heard
from bot.adapters.slack.listeners import Listeners
from bot.messages import Message
from bot.receiving import TryAgain
from bot.replies import Chart, Column, File, Reply, Table, Text
from storage import outbox
from storage.database import Database
from storage.inbox import Taken
from storage.outbox import Draft
from storage.people import Grant, add_person, grant, link_account
from tests.bot.adapters.slack.small_slack import APP, BOT, TEAM, TOKEN, Fault, SmallSlack, small_slack
from tests.bot.world import NOW

HEARD = Heard("k", TEAM, "UALICE", "C1", f"slack:{TEAM}:C1:1.1", "how many?", NOW, thread="1.1")
YES = Reply((Text("Yes.", "heading"),))


@dataclass
class Answerer:
    replies: tuple[Reply, ...] = (YES,)
    heard: list[Message] = field(default_factory=list)

    async def answer(self, message: Message) -> tuple[Reply, ...]:
        self.heard.append(message)
        return self.replies


@dataclass
class Place:
    slack: SmallSlack
    database: Database
    answerer: Answerer
    answering: Answering

    async def say(self, heard: Heard = HEARD, *replies: Reply) -> list[Draft]:
        self.answerer.replies = replies or (YES,)
        return await self.answering.answer(heard)

    @property
    def readers(self) -> str:
        channel = self.answerer.heard[-1].channel
        assert channel is not None
        return channel.readers


@pytest.fixture
async def place(database: Database) -> AsyncIterator[Place]:
    async with database.begin() as conn:
        await add_person(conn, "alice", "Alice")
        await grant(conn, "alice", Grant("viewer"), "test")
        for account in ("UALICE", "UGIL", "UFAR", "UBOT"):
            await link_account(conn, "slack", f"{TEAM}/{account}", "alice")
    async with small_slack() as slack:
        calls, answerer = client(TOKEN, slack.api_url), Answerer()
        files = Files(calls, Downloads(TOKEN, slack.api_url))
        parts = Parts(database, answerer, Directory(calls, {TEAM}), files, lambda: None, clock=lambda: NOW)
        yield Place(slack, database, answerer, Answering(parts))


def texts(drafts: Sequence[Draft]) -> str:
    return " ".join(str(draft.body.get("text")) for draft in drafts)


async def test_the_message_carries_person_place_and_account(place: Place) -> None:
    (draft,) = await place.say()
    (message,) = place.answerer.heard
    assert (message.person, message.conversation, message.account) == ("alice", HEARD.conversation, f"{TEAM}/UALICE")
    assert message.channel is not None and (message.channel.surface, message.channel.id) == ("slack", "C1")
    assert (draft.body["channel"], draft.body["thread_ts"], draft.lane) == ("C1", "1.1", "C1")
    assert draft.key.startswith("k#0")


async def test_who_reads_along(place: Place) -> None:
    for heard, readers in (
        (HEARD, "members"),
        (replace(HEARD, channel="C2"), "guests"),
        (replace(HEARD, channel="C9"), "guests"),
        (replace(HEARD, channel="D1", direct=True), "asker"),
        (replace(HEARD, channel="C2", alone=True), "asker"),
    ):
        await place.say(heard)
        assert place.readers == readers


async def test_when_slack_does_not_tell_who_reads_guests_do(place: Place) -> None:
    place.slack.faults = [Fault("conversations.info", status=503), Fault("users.list", status=429)]
    for _ in range(2):
        await place.say()
        assert place.readers == "guests"
    await place.say()
    assert place.readers == "members"  # the failure was not remembered


async def test_bots_are_not_answered_and_guests_and_strangers_are_refused_even_if_linked(place: Place) -> None:
    assert await place.say(replace(HEARD, user="UBOT")) == []
    for heard in (
        replace(HEARD, user="UGIL"),
        replace(HEARD, user="UFAR"),
        replace(HEARD, stranger=True),
    ):
        (draft,) = await place.say(heard)
        assert draft.body["user"] == heard.user and "channel" not in draft.body
    assert place.answerer.heard == []
    async with place.database.connect() as conn:
        found = (await conn.execute(text("SELECT detail FROM audit WHERE action = 'message.refused'"))).scalars().all()
    assert [row["account"] for row in found] == [f"{TEAM}/UGIL", f"{TEAM}/UFAR", f"{TEAM}/UALICE"]
    assert {row["channel"] for row in found} == {"C1"}


async def test_the_same_refusal_has_one_key_an_hour(place: Place) -> None:
    keys = {(await place.say(replace(HEARD, user="UGIL", key=key)))[0].key for key in ("k1", "k2")}
    assert len(keys) == 1


async def test_nobody_is_answered_when_slack_does_not_tell_who_it_was(place: Place) -> None:
    place.slack.faults = [Fault("users.info", status=429), Fault("users.info", status=500)]
    for _ in range(2):
        with pytest.raises(TryAgain):
            await place.say()
    assert place.answerer.heard == []


async def test_what_is_for_one_person_leaves_only_a_note_behind(place: Place) -> None:
    secret = Reply((Text("canary", "heading"), File("canary.csv", "text/csv", b"canary")), private=True)
    drafts = await place.say(HEARD, secret, YES)
    here = [draft for draft in drafts if draft.body.get("channel") == "C1"]
    assert len(here) == 2 and "canary" not in repr(here) and "direct message" in texts(here)
    there = [draft for draft in drafts if draft.body.get("user") == "UALICE"]
    assert "canary" in texts(there) and any(draft.body.get("name") == "canary.csv" for draft in there)


async def test_a_private_reply_to_a_direct_message_is_just_an_answer(place: Place) -> None:
    heard = replace(HEARD, channel="D1", direct=True, thread="")
    (draft,) = await place.say(heard, replace(YES, private=True))
    assert draft.body["channel"] == "D1"


async def test_files_are_stored_for_the_person_until_they_are_sent(place: Place) -> None:
    drafts = await place.say(HEARD, Reply((Text("Here.", "heading"), File("a.csv", "text/csv", b"abc"))))
    (upload,) = [draft for draft in drafts if draft.body["op"] == "files.completeUploadExternal"]
    async with place.database.connect() as conn:
        query = text("SELECT person, content FROM stored_file WHERE id = :id")
        row = (await conn.execute(query, {"id": upload.body["file"]})).one()
    assert (row.person, bytes(row.content)) == ("alice", b"abc") and upload.body["person"] == "alice"


async def test_a_file_that_cannot_be_fetched_is_said_beside_the_answer(place: Place) -> None:
    place.slack.files["F1"] = {"name": "x", "mode": "external", "url_private": "https://example.com/x"}
    drafts = await place.say(replace(HEARD, files=("F1",)))
    assert "Yes." in texts(drafts) and "outside Slack" in texts(drafts)
    drafts = await place.say(replace(HEARD, text="", files=("F1",)))
    assert "Yes." not in texts(drafts) and "outside Slack" in texts(drafts)


async def test_a_bare_mention_asks_for_help_and_a_long_text_is_told(place: Place) -> None:
    await place.say(replace(HEARD, text=""))
    assert place.answerer.heard[-1].text == "help"
    drafts = await place.say(replace(HEARD, text="", length=4711))
    assert len(place.answerer.heard) == 1 and "4,711" in texts(drafts)


async def test_an_answer_that_cannot_be_drawn_is_apologised_for(place: Place) -> None:
    broken: Any = Table((Column("a", "A", "time"),), ((object(),),), 1)
    drafts = await place.say(HEARD, Reply((Text("x", "heading"), broken)))
    assert len(drafts) >= 1 and drafts[0].body["blocks"]


async def test_a_chart_and_a_long_table_become_drafts(place: Place) -> None:
    table = Table((Column("name", "name"),), tuple((f"vm-{n}",) for n in range(5000)), 5000)
    drafts = await place.say(HEARD, Reply((Text("x", "heading"), table, Chart("c", (), alt="none"))))
    assert drafts and all(len(draft.body.get("blocks", ())) <= 50 for draft in drafts)


async def test_the_app_that_slack_does_not_know_makes_a_delivery_wait(place: Place) -> None:
    """Bolt answers 200 with an apology then, which must not count as done."""
    listeners = Listeners(client(TOKEN, place.slack.api_url), place.answering, place.database)
    event = {"type": "app_mention", "user": "UALICE", "channel": "C1", "ts": "1.1", "text": f"<@{BOT}> hi"}
    body = {"type": "event_callback", "team_id": TEAM, "api_app_id": APP, "event": event}
    taken = Taken(1, "k", HEARD.conversation, HEARD.account, body, NOW, 1)
    place.slack.faults = [Fault("auth.test", error="account_inactive"), Fault("auth.test", drop="before")]
    for _ in range(2):
        with pytest.raises(TryAgain):
            await listeners.handle(taken)
    assert "Yes." in texts(await listeners.handle(taken))


async def test_an_answer_follows_its_runs_where_it_can_be_edited(place: Place) -> None:
    reply = Reply((Text("A sync is asked for.", "heading"),), follows=("sync/7",))
    for heard in (HEARD, replace(HEARD, channel="D1", direct=True, thread="")):
        assert [draft.follows for draft in await place.say(heard, reply)] == [("sync/7",)]
    alone, private = replace(HEARD, alone=True), replace(reply, private=True)
    for told in (await place.say(alone, reply), await place.say(HEARD, private)):
        assert told and not any(draft.follows for draft in told)


async def test_a_word_that_said_to_wait_is_what_follows(place: Place) -> None:
    async with place.database.begin() as conn:
        await outbox.enqueue(conn, "slack", drafts.post(HEARD, "k#working", drafts.plain_post("Working on it …")))
    (draft,) = await place.say(HEARD, Reply((Text("A sync is asked for.", "heading"),), follows=("sync/7",)))
    assert draft.follows == ("sync/7",) and (draft.body["op"], draft.body["of"]) == ("chat.update", "k#working")
