"""What handlers answer, as it would be sent: every example of every intent, over the small world."""

from collections.abc import AsyncIterator

import pytest

from bot.adapters.slack.blocks import render
from storage.database import Database
from storage.embedded import EmbeddedServer
from tests.bot.adapters.slack.test_blocks import problems
from tests.bot.world import CATALOGUE, World, build
from tests.conftest import TEMPLATE, execute, url_of

EXAMPLES = [example for intent in CATALOGUE.intents.values() for example in intent.examples]
OTHERS = ["show vm web-01", "show vm db-02", "help", "help inventory", "list all snapshots", "rubbish words"]


@pytest.fixture(scope="module")
async def world(_server: Database, postgres: EmbeddedServer) -> AsyncIterator[World]:
    name = "small_world_of_cards"
    await execute(_server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    database = Database(url_of(postgres.url, name))
    yield await build(database)
    await database.close()
    await execute(_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.mark.parametrize("said", [*EXAMPLES, *OTHERS])
async def test_an_answer_is_one_card_that_is_taken(said: str, world: World) -> None:
    for reply in await world.ask_all(said):
        rendered = render(reply, now=world.now)
        assert problems(rendered) == []
        assert len(rendered.posts) == 1
        assert rendered.posts[0].text
