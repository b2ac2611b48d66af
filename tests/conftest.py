"""One PostgreSQL for the whole run, and a fresh migrated database for each test that asks for one."""

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from scheduler.durable import prepare
from storage.database import Database, migrate
from storage.embedded import EmbeddedServer, start

TEMPLATE = "template_stackhand"


# Those that wait for clouds, processes and browsers, begun first: the short ones fill what is left at the end.
_SLOW_FIRST = ("cloud", "acceptance", "chat", "page", "demo")


@pytest.hookimpl(tryfirst=True)  # before xdist writes the group into the test's id
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a file stay together in one process; those of the real cloud too, because some of them count all
    that is in it while others make and delete there."""
    tests = Path(__file__).parent

    def room(item: pytest.Item) -> str:
        return item.path.relative_to(tests).parts[0]

    for item in items:
        group = "cloud" if item.get_closest_marker("cloud") else str(item.path.relative_to(tests))
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: _SLOW_FIRST.index(room(item)) if room(item) in _SLOW_FIRST else len(_SLOW_FIRST))


_MEMORY = Path("/dev/shm")  # a database is made there in a quarter of the time
_ROOM_BYTES = 4 << 30


def _place() -> Path:
    """Where the server's files go: in memory if the machine has enough of it, as nothing of them is to last."""
    roomy = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    return _MEMORY if roomy else Path(tempfile.gettempdir())


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """The server. Its directory lies directly under one of everybody, where another account can reach it."""
    state = _place() / f"stackhand-test-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with start(state) as server:
            yield server
    finally:
        shutil.rmtree(state, ignore_errors=True)


def url_of(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


async def execute(database: Database, *statements: str) -> None:
    """Statements that may not run inside a transaction."""
    async with database.engine.connect() as conn:
        alone = await conn.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            await alone.execute(text(statement))


@pytest.fixture(scope="session")
async def _server(postgres: EmbeddedServer) -> AsyncIterator[Database]:
    """The maintenance database of the server, with durability off, and the template made."""
    server = Database(postgres.url, pool_size=1)
    try:
        await execute(
            server,
            "ALTER SYSTEM SET fsync = off",
            "ALTER SYSTEM SET synchronous_commit = off",
            "ALTER SYSTEM SET max_wal_size = '128MB'",
            "SELECT pg_reload_conf()",
            f"CREATE DATABASE {TEMPLATE}",
        )
        template = Database(url_of(postgres.url, TEMPLATE), pool_size=1)
        await migrate(template)
        await template.close()
        await prepare(url_of(postgres.url, TEMPLATE))
        yield server
    finally:
        await server.close()


@pytest.fixture
async def database_url(_server: Database, postgres: EmbeddedServer) -> AsyncIterator[str]:
    """The URL of a database of its own, migrated and empty; dropped after the test."""
    name = f"test_{secrets.token_hex(6)}"
    await execute(_server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield url_of(postgres.url, name)
    await execute(_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh migrated database; committed rows of one test are never seen by another."""
    fresh = Database(database_url)
    yield fresh
    await fresh.close()
