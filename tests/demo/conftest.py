"""The demo cloud, synced once for all tests of answers: three sources, a past, and things to find.

Nobody may change its inventory; what is said, the audit record and people may be added to.
"""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from bot.messages import Message
from bot.pipeline import Pipeline
from bot.replies import Reply
from engines.clouds.demo import DemoWorld
from engines.inventory.collect import sync_source
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.people import Grant, add_person, grant
from tests.conftest import TEMPLATE, execute, url_of

NOW = datetime(2026, 11, 25, 12, 10, tzinfo=UTC)  # a Wednesday; at ten past the hour one listing is refused


@pytest.fixture(scope="session")
async def inventory(_server: Database, postgres: EmbeddedServer) -> AsyncIterator[Database]:
    name = f"demo_{secrets.token_hex(6)}"
    await execute(_server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    database = Database(url_of(postgres.url, name))
    world = DemoWorld(vms=200, clock=lambda: NOW)
    for at in (*world.history_points(NOW)[-2:], None):
        for cloud in world.clouds(at=at):
            await sync_source(database, cloud, at=at or NOW)
    await _people(database)
    yield database
    await database.close()
    await execute(_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _people(database: Database) -> None:
    """`gina` may see the projects of globex, `nobody` has no role, `gone` was disabled."""
    query = text("SELECT source, external_id FROM resource WHERE kind = 'project' AND name LIKE 'globex-%'")
    async with database.begin() as conn:
        for person in ("gina", "nobody", "gone"):
            await add_person(conn, person, person.title())
        for source, project_id in await conn.execute(query):
            await grant(conn, "gina", Grant("viewer", source, project_id), "test")
        await grant(conn, "gone", Grant("admin"), "test")
        await conn.execute(text("UPDATE person SET active = false WHERE id = 'gone'"))


class Talk:
    """One conversation with the pipeline, at the time of the inventory."""

    def __init__(self, database: Database, person: str = "local") -> None:
        self._pipeline = Pipeline(database, clock=lambda: NOW)
        self._person = person
        self._conversation = secrets.token_hex(8)

    async def __call__(self, said: str, person: str | None = None) -> Reply:
        return (await self.all(said, person))[-1]

    async def all(self, said: str, person: str | None = None) -> tuple[Reply, ...]:
        asker = person or self._person
        return await self._pipeline.answer(Message(secrets.token_hex(4), asker, self._conversation, said, NOW))


@pytest.fixture
def talk(inventory: Database) -> Talk:
    return Talk(inventory)
