"""One small world for all tests that only ask."""

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from storage.embedded import EmbeddedServer
from tests.bot.world import World, build
from tests.conftest import TEMPLATE, execute, url_of


@pytest.fixture(scope="session")
async def world(_server: Database, postgres: EmbeddedServer) -> AsyncIterator[World]:
    """Shared: a test that changes the inventory takes `database` and builds its own."""
    name = "small_world_of_dialogs"
    await execute(_server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    database = Database(url_of(postgres.url, name))
    yield await build(database)
    await database.close()
    await execute(_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
