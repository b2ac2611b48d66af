"""Words that ask for the page, and what they get: a link where nobody else sees it, else a button."""

import re
from datetime import UTC, datetime

import pytest

from bot.deciding import without_marks
from bot.messages import Channel, Message
from bot.page_links import asked_for, button, wanted
from bot.pipeline import Pipeline
from bot.replies import Choices, Reply, Secret, from_json, to_json
from bot.web.sessions import KeptSessions
from storage.database import Database
from storage.people import Grant, add_person, grant
from tests.bot.world import CATALOGUE, shown
from tests.storage.everything import found_in

PAGE = "https://stackhand.example.org"


@pytest.mark.parametrize(
    "said",
    ["open the page", "Open the page, please".replace(",", ""), "my page link", "page link?", "send me my page link",
     "can you send me a link to the page", "I need a link to the web page", "sign me in to the page", "OPEN MY PAGE!"],
)  # fmt: skip
def test_words_that_ask_for_the_page(said: str) -> None:
    reading = asked_for(said)
    assert reading is not None and reading.intent == "whoami" and wanted(reading) == "/"


@pytest.mark.parametrize(
    "said",
    ["", "page", "open the page of db-02", "which vms are open to the world", "who is signed in", "open the pagefile",
     "show me failed sign ins", "who am I", "my page link " + "x" * 4000, "#page/", "open the page #pages/1"],
)  # fmt: skip
def test_words_that_ask_for_something_else(said: str) -> None:
    assert asked_for(said) is None


def test_a_button_leads_to_its_page_and_is_shown_without_its_mark() -> None:
    said = button("sign in and open", "/migrations/7/waves?cohort=2").said
    reading = asked_for(said)
    assert reading is not None and wanted(reading) == "/migrations/7/waves?cohort=2"
    assert without_marks(said) == "open the page"


async def ask(pipeline: Pipeline, person: str, said: str, *, unseen: bool = False) -> Reply:
    now = datetime.now(UTC)
    channel = Channel("slack", "C1", "members") if not unseen and person != "local" else None
    message = Message(f"m-{said}", person, "c-1", said, now, channel=channel, unseen=unseen)
    (reply,) = await pipeline.answer(message)
    assert from_json(to_json(reply)).intent == "whoami"
    return reply


def buttons(reply: Reply) -> list[str]:
    return [one.said for part in reply.parts if isinstance(part, Choices) for one in part.choices]


async def test_who_gets_a_link_and_who_a_button_and_who_neither(database: Database) -> None:
    async with database.begin() as conn:
        await add_person(conn, "ann", "Ann")
        await grant(conn, "ann", Grant("viewer"), "test")
    paged, unpaged = (Pipeline(database, catalogue=CATALOGUE, page_url=page) for page in (PAGE, ""))
    for said in ("who am I", "open the page"):
        reply = await ask(paged, "ann", said)
        assert buttons(reply) == ["open the page #page/"] and reply.private and "/enter" not in shown(reply)
    reply = await ask(paged, "ann", "open the page", unseen=True)
    (secret,) = [part for part in reply.parts if isinstance(part, Secret)]
    found = re.fullmatch(rf"{PAGE}/enter#(\S{{43}})", secret.value)
    assert found is not None and await found_in(database, found[1]) == [] and found[1] not in str(to_json(reply))
    assert await KeptSessions(database).enter(found[1], None) is not None
    for reply in (await ask(unpaged, "ann", "open the page"), await ask(paged, "local", "open the page")):
        assert not buttons(reply) and not any(isinstance(part, Secret) for part in reply.parts)
    assert "STACKHAND_PAGE_URL" in shown(await ask(unpaged, "ann", "open the page", unseen=True))
    for reply in (await ask(unpaged, "ann", "who am I"), await ask(paged, "local", "who am I")):
        assert buttons(reply) == []
