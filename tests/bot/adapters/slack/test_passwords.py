"""A new password in Slack: a direct message with a button, a window that shows it once, and nothing in any message."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from bot.adapters.slack.answering import Answering, Parts
from bot.adapters.slack.blocks import render
from bot.adapters.slack.calls import client
from bot.adapters.slack.directory import Directory
from bot.adapters.slack.downloads import Downloads
from bot.adapters.slack.files import Files
from bot.adapters.slack.listeners import Listeners
from bot.pipeline import Pipeline
from bot.replies import Reply, Secret, Table, Text
from engines.changes import requests as changes
from engines.sealing import Reader, about, new_password, seal
from storage import passwords
from storage.database import Database
from tests.bot.adapters.slack.small_slack import TEAM, TOKEN, Fault, small_slack
from tests.bot.adapters.slack.test_requests import Asking, Office
from tests.bot.world import CATALOGUE
from tests.engines.changes.house import furnish
from tests.storage.everything import found_in

READER, SECRET = Reader(), new_password()


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    """A change of Bob's that Carol approved, done, with a password for Bob."""
    await furnish(database)
    async with small_slack() as slack:
        for user in ("UBOB", "UCAROL", "UDAVE", "UERIN"):
            slack.users[user] = {"id": user, "team_id": TEAM, "name": user.lower(), "profile": {}}
        slack.channels, slack.members = {"C1": {"id": "C1"}}, {"C1": list(slack.users)}
        calls = client(TOKEN, slack.api_url)
        pipeline = Pipeline(database, catalogue=CATALOGUE, reader=READER)
        files = Files(calls, Downloads(TOKEN, slack.api_url))
        parts = Parts(database, Asking(database, pipeline), Directory(calls, {TEAM}), files, lambda: None)
        made = Office(slack, database, Listeners(calls, Answering(parts), database))
        request = await made.ask()
        await made.press("UCAROL", f"approve #request/{request.token}", "DUCAROL")
        async with database.begin() as conn:
            await passwords.keep(conn, 1, "vm-9", READER.key, seal(SECRET, READER.key, about(1, "vm-9")))
            await passwords.settle(conn, 1, "set")
            await conn.execute(text("UPDATE job SET state = 'done', started_at = now(), ended_at = now()"))
            await changes.ended(conn, 1, "done")
        await made.settle()
        yield made


def press(office: Office) -> str:
    """What the button in Bob's direct message says."""
    blocks = office.slack.posted["DUBOB"][-1]["blocks"]
    (said,) = (one["value"] for block in blocks for one in block.get("elements", ()) if "value" in one)
    return str(said)


def windows(office: Office) -> list[str]:
    return [json.dumps(one["view"]) for one in office.slack.called("views.update")]


async def test_the_asker_is_told_and_a_window_shows_it_once(office: Office) -> None:
    (told,) = office.slack.posted["DUBOB"]
    assert "shown to you once" in told["text"] and press(office).startswith("show the password #request/")
    assert not any("show the password" in str(one) for where in ("C1", "DUCAROL", "DUDAVE")
                   for one in office.slack.posted.get(where, []))  # fmt: skip
    await office.settle()
    assert len(office.slack.posted["DUBOB"]) == 1
    said = press(office)
    await office.press("UCAROL", said)
    assert "Only whoever asked" in windows(office)[-1] and SECRET not in str(windows(office))
    office.slack.calls.clear()
    await office.press("UBOB", said, "DUBOB")
    await office.press("UBOB", said, "DUBOB")
    once, twice = windows(office)
    assert SECRET in once and "For you alone" in once
    assert SECRET not in twice and "shown once" in twice and "server set --password" in twice
    slack = office.slack
    assert SECRET not in str(slack.posted) + str(slack.ephemeral) + str(slack.homes) + str(slack.files)
    assert SECRET not in str(slack.called("views.open")) and await found_in(office.database, SECRET) == []


async def test_where_no_window_opens_nothing_is_used_up(office: Office) -> None:
    said = press(office)
    office.slack.faults = [Fault("views.open", error="expired_trigger_id")]
    await office.press("UBOB", said)
    assert windows(office) == []
    office.slack.faults = [Fault("views.update", error="internal_error")]
    await office.press("UBOB", said)
    assert SECRET in windows(office)[-1]


async def test_a_card_never_holds_one(office: Office) -> None:
    """Also one that is too large for a message, of which there is a file."""
    big = tuple(Table((), (), 0, "x" * 3000) for _ in range(60))
    for parts in ((Text("new", "heading"), Secret("password", SECRET)), (*big, Secret("password", SECRET))):
        drawn = render(Reply(parts), now=datetime.now(UTC))
        assert SECRET not in json.dumps([post.blocks for post in drawn.posts])
        assert not any(SECRET.encode() in file.content for file in drawn.files)
