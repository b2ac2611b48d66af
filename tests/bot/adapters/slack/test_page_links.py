"""The way to the page from Slack: others see a plain address; whoever presses its button gets a link of their own, in a
window, and no message and no table ever holds one."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from bot.adapters.slack.answering import Answering, Parts
from bot.adapters.slack.calls import client
from bot.adapters.slack.directory import Directory
from bot.adapters.slack.downloads import Downloads
from bot.adapters.slack.files import Files
from bot.adapters.slack.listeners import Listeners
from bot.messages import Message
from bot.pipeline import Pipeline
from bot.replies import Link, Reply, Text
from bot.web.sessions import KeptSessions
from storage import people
from storage.database import Database
from tests.bot.adapters.slack.small_slack import BOT, TEAM, TOKEN, Fault, small_slack
from tests.bot.adapters.slack.test_requests import Office
from tests.bot.world import CATALOGUE
from tests.engines.changes.house import furnish
from tests.storage.everything import found_in

PAGE, PLAN = "https://stackhand.example.org", "/migrations/7/vms?risk=red&sort=name"
PRESS = f"open the page #page{PLAN}"


@dataclass
class Telling:
    """The pipeline, and one answer that leads to a plan."""

    pipeline: Pipeline

    async def answer(self, message: Message) -> Sequence[Reply]:
        if message.text == "plan":
            return (Reply((Text("dc1: 4 VMs", "heading"), Link("Open the plan", PLAN))),)
        return await self.pipeline.answer(message)


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    await furnish(database)
    async with small_slack() as slack:
        for user in ("UBOB", "UCAROL"):
            slack.users[user] = {"id": user, "team_id": TEAM, "name": user.lower(), "profile": {}}
        slack.channels, slack.members = {"C1": {"id": "C1"}}, {"C1": list(slack.users)}
        calls = client(TOKEN, slack.api_url)
        telling = Telling(Pipeline(database, catalogue=CATALOGUE, page_url=PAGE))
        files = Files(calls, Downloads(TOKEN, slack.api_url))
        parts = Parts(database, telling, Directory(calls, {TEAM}), files, lambda: None, page_url=PAGE)
        yield Office(slack, database, Listeners(calls, Answering(parts), database))


async def say(office: Office, words: str, *, direct: bool = False) -> None:
    kind: dict[str, Any] = {"type": "app_mention", "channel": "C1", "text": f"<@{BOT}> {words}"}
    if direct:
        kind = {"type": "message", "channel_type": "im", "channel": "DUBOB", "text": words}
    await office.deliver({"type": "event_callback", "event": {"user": "UBOB", "ts": "1.1", **kind}, "event_id": words,
                          "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}]})  # fmt: skip


def windows(office: Office) -> list[str]:
    return [json.dumps(one["view"], ensure_ascii=False) for one in office.slack.called("views.update")]


def token_in(window: str) -> str:
    (found,) = set(re.findall(rf"{PAGE}/enter#([A-Za-z0-9_-]{{43}})", window.replace("\\", "")))
    return str(found)


async def test_others_see_the_plain_address_and_whoever_presses_gets_their_own_link(office: Office) -> None:
    await say(office, "plan")
    (told,) = [json.dumps(one["blocks"]) for one in office.slack.posted["C1"]]
    assert f'"url": "{PAGE}{PLAN}"' in told and "sign in and open" in told and PRESS in told and "/enter" not in told
    sessions, seen = KeptSessions(office.database), []
    for user, person in (("UBOB", "bob"), ("UCAROL", "carol")):
        await office.press(user, PRESS)
        seen.append(token_in(windows(office)[-1]))
        assert "It works once, until" in windows(office)[-1] and "For you alone" in windows(office)[-1]
        entered = await sessions.enter(seen[-1], None)
        assert entered is not None and entered.opens == PLAN
        found = await sessions.find(entered.secret)
        assert found is not None and found.person == person
        assert await sessions.enter(seen[-1], None) is None
    slack = office.slack
    kept = (
        str(slack.posted) + str(slack.ephemeral) + str(slack.homes) + str(slack.files) + str(slack.called("views.open"))
    )
    for token in seen:
        assert token not in kept and await found_in(office.database, token) == []
    async with office.database.connect() as conn:
        rows = await conn.execute(
            text("SELECT person, detail->>'opens' FROM audit WHERE action = 'page.link' ORDER BY id")
        )
        assert [tuple(row) for row in rows] == [("bob", PLAN), ("carol", PLAN)]


async def test_asked_in_words_there_is_a_button_and_in_a_channel_it_comes_directly(office: Office) -> None:
    for words, direct in (("open the page", True), ("my page link", False), ("who am I", True), ("who am I", False)):
        office.slack.posted.clear()
        await say(office, words, direct=direct)
        told = json.dumps(office.slack.posted["DUBOB"][-1]["blocks"])
        assert "open the page #page/" in told and "/enter" not in told, words
        assert "#page" not in str(office.slack.posted.get("C1", ""))
    await office.press("UBOB", "open the page #page/", "DUBOB")
    entered = await KeptSessions(office.database).enter(token_in(windows(office)[-1]), None)
    assert entered is not None and entered.opens == "/"


async def test_a_button_that_nobody_made_leads_to_no_other_place(office: Office) -> None:
    for path in ("//evil.example/", "/\\evil.example", "/enter", "/migrations/7/../../x", "/" + "9" * 900):
        await office.press("UBOB", f"open the page #page{path}")
        entered = await KeptSessions(office.database).enter(token_in(windows(office)[-1]), None)
        assert entered is not None and entered.opens == "/", path


async def test_nobody_who_may_not_gets_one(office: Office) -> None:
    async with office.database.begin() as conn:
        await people.set_active(conn, "bob", False)
    await office.press("UBOB", PRESS)
    assert "/enter" not in str(windows(office))
    office.slack.users["UMAL"] = {"id": "UMAL", "team_id": TEAM, "name": "mal", "profile": {}}
    await office.press("UMAL", PRESS)
    assert "/enter" not in str(windows(office))
    office.slack.faults = [Fault("views.open", error="expired_trigger_id")]
    await office.press("UCAROL", PRESS)
    async with office.database.connect() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM page_link"))).scalar_one() == 0
