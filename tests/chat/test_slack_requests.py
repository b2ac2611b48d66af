"""A request in a Slack workspace: asked by one, approved by another, every card redrawn; denied in a form."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bot.pipeline import Pipeline
from storage.database import Database
from storage.people import link_account
from tests.bot.adapters.slack.test_requests import Asking
from tests.bot.world import CATALOGUE
from tests.chat.bed import PEOPLE, TEAM, Bed, chatting, needs_bed, running_bed, until
from tests.engines.changes.house import count, furnish

pytestmark = needs_bed


@pytest.fixture(scope="module")
def bed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    with running_bed(tmp_path_factory.mktemp("bed")) as bed:
        yield bed


@pytest.fixture
async def bed(bed_server: Bed, database: Database) -> AsyncIterator[Bed]:
    await bed_server.call("reset")
    await furnish(database)
    async with database.begin() as conn:
        for person in ("bob", "carol", "dave"):
            await link_account(conn, "slack", f"{TEAM}/{PEOPLE[person]}", person)
    async with chatting(bed_server, database, Asking(database, Pipeline(database, catalogue=CATALOGUE))):
        yield bed_server


def whole(message: dict[str, Any]) -> str:
    return json.dumps(message.get("blocks", []), ensure_ascii=False)


async def first(bed: Bed, channel: str) -> dict[str, Any]:
    return (await bed.answers(1, channel))[0]


async def press(bed: Bed, user: str, channel: str, message: dict[str, Any], label: str) -> dict[str, Any]:
    """The button with this label, as it stands in the message."""
    found = [e for block in message["blocks"] for e in block.get("elements", ()) if e.get("type") == "button"]
    action = next(e["action_id"] for e in found if e["text"]["text"] == label)
    return await bed.call("action", user=user, channel=channel, ts=message["ts"], action_id=action)


async def redrawn(bed: Bed, channel: str, words: str) -> str:
    """What the first message there says when it says this."""

    async def look() -> str:
        return whole((await bed.by_bot(channel))[0])

    return str(await until(look, lambda told: words in told, 20))


async def test_one_asks_another_approves_and_all_see_it(bed: Bed, database: Database) -> None:
    await bed.say("bob", "@bot reboot web-01")
    card = await first(bed, "#ops")
    assert "waits for approval" in whole(card)
    carols, daves = await bed.direct("carol"), await bed.direct("dave")
    for channel in (carols, daves):
        assert "deny" in whole(await first(bed, channel))
    await press(bed, "bob", "#ops", card, "approve")
    state = await until(lambda: bed.get("log"), lambda log: "chat.postEphemeral" in json.dumps(log), 20)
    assert "You asked for this" in json.dumps(state) and await count(database, "job") == 0
    await press(bed, "carol", carols, await first(bed, carols), "approve")
    for channel in ("#ops", carols, daves):
        told = await redrawn(bed, channel, "Approved by Carol")
        assert "approve #request" not in told and "deny" not in told
    stale = await bed.call("action", user="dave", channel=daves, ts=(await first(bed, daves))["ts"], action_id="say:1",
                           value=json.loads(json.dumps("approve #request/" + "0" * 32)), force=True)  # fmt: skip
    assert stale is not None and await count(database, "job") == 1


async def test_a_denial_has_its_reason_from_a_form(bed: Bed, database: Database) -> None:
    await bed.say("bob", "@bot reboot web-01")
    await first(bed, "#ops")
    daves = await bed.direct("dave")
    await press(bed, "dave", daves, await first(bed, daves), "deny…")
    await until(lambda: bed.get("views"), lambda views: "Deny the request" in json.dumps(views), 20)
    await bed.call("view_submit", user="dave", values={"words": "not before Monday"})
    told = await redrawn(bed, "#ops", "Denied by Dave")
    assert "not before Monday" in told and await count(database, "job") == 0
