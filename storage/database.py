"""The way to PostgreSQL: connections, transactions, COPY, migrations, and errors that say what to do."""

import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage.postgres_binaries import OLDEST

_MIGRATION_LOCK = 7_203_001  # any number, the same in every process
_CONNECT_SECONDS = 10.0
_SERVER_SETTINGS = {
    "application_name": "stackhand",
    "timezone": "UTC",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "10min",
    "jit": "off",  # compiling costs more than our short queries
    "plan_cache_mode": "force_custom_plan",  # partial and expression indexes match constants, not parameters
}


class StorageUnavailable(Exception):  # noqa: N818 - a state of the world, not a programmer's error
    """The database cannot be used now: `what` happened, and how to `fix` it. One line each, without secrets."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix


class Database:
    """A pool of connections. It connects when first used, and again by itself when the database comes back."""

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self._url = _normalised(url)
        self.engine: AsyncEngine = create_async_engine(
            self._url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=_CONNECT_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,  # an error must not carry rows or secrets into a log
            connect_args={"server_settings": _SERVER_SETTINGS, "timeout": _CONNECT_SECONDS},
        )

    def beside(self, pool_size: int) -> "Database":
        """The same database through a pool of its own, for what must not wait until others give connections back."""
        return Database(self._url.render_as_string(hide_password=False), pool_size=pool_size)

    @property
    def url(self) -> str:
        """With its password, as other PostgreSQL clients read it."""
        ssl = self._url.query.get("ssl")
        plain = self._url.set(drivername="postgresql").difference_update_query(["ssl"])
        if ssl is not None:
            plain = plain.update_query_dict({"sslmode": ssl})
        return plain.render_as_string(hide_password=False)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection; what is not committed is rolled back. Raises StorageUnavailable."""
        connection = await self._open()
        try:
            yield connection
        except DBAPIError as error:
            unavailable = _explain(error, self._url)
            if unavailable is None:
                raise
            raise unavailable from error
        finally:
            await connection.close()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end of the block, rolled back when the block raises."""
        async with self.connect() as connection, connection.begin():
            yield connection

    async def close(self) -> None:
        await self.engine.dispose()

    async def _open(self) -> AsyncConnection:
        try:
            return await self.engine.connect()
        except Exception as error:
            unavailable = _explain(error, self._url)
            if unavailable is None:
                raise
            raise unavailable from error


async def copy_in(conn: AsyncConnection, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]) -> None:
    """COPY records into a table, in the connection's transaction. JSON columns take text; records may be generated."""
    await conn.execute(text("SELECT 1"))  # opens the transaction: COPY goes past SQLAlchemy
    raw = await conn.get_raw_connection()
    driver = raw.driver_connection
    if driver is None:
        raise StorageUnavailable("the connection is closed", "try again")
    await driver.copy_records_to_table(table, columns=list(columns), records=records)


async def migrate(database: Database) -> None:
    """Bring the schema up to date. Many processes may call it at once: one works, the others wait.

    Raises StorageUnavailable, also when the database is newer than this program or pg_trgm may not be created.
    """
    async with database.begin() as conn:
        await conn.execute(text("SET LOCAL statement_timeout = 0"))
        await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        await _check_version(conn)
        await _trigrams(conn)
        await conn.run_sync(_upgrade)


async def _check_version(conn: AsyncConnection) -> None:
    version = int((await conn.execute(text("SELECT current_setting('server_version_num')"))).scalar_one())
    if version < OLDEST * 10_000:
        raise StorageUnavailable(
            f"this is PostgreSQL {version // 10_000}; Stackhand needs {OLDEST} or newer", "use a newer server"
        )


async def _trigrams(conn: AsyncConnection) -> None:
    try:
        await conn.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    except DBAPIError as error:
        if _sqlstate(error) == "42501":
            raise StorageUnavailable(
                "this database role may not create the extension pg_trgm",
                'as an administrator run "CREATE EXTENSION pg_trgm" in this database',
            ) from error
        if _sqlstate(error) in ("0A000", "58P01"):
            raise StorageUnavailable(
                "this PostgreSQL lacks the extension pg_trgm",
                "install PostgreSQL's contrib package on the database server",
            ) from error
        raise


def _upgrade(connection: Any) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if "locate revision" in str(error):
            raise StorageUnavailable(
                "the database was made by a newer version of Stackhand", "update this installation"
            ) from error
        raise


def _normalised(url: str) -> URL:
    """`postgres://`, `postgresql://` and libpq's `sslmode` as SQLAlchemy's asyncpg wants them."""
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        raise StorageUnavailable("the database URL cannot be read", _URL_FIX) from None
    if parsed.drivername not in ("postgres", "postgresql", "postgresql+asyncpg"):
        raise StorageUnavailable(f"{parsed.drivername!r} is not a PostgreSQL URL", _URL_FIX)
    parsed = parsed.set(drivername="postgresql+asyncpg")
    sslmode = parsed.query.get("sslmode")
    if sslmode is not None:
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": sslmode})
    return parsed


_URL_FIX = "set STACKHAND_DATABASE_URL to postgresql://user:password@host/name"


def _place(url: URL) -> str:
    host = url.host or url.query.get("host") or "localhost"
    return f"{host}:{url.port}" if url.host and url.port else str(host)


def _sqlstate(error: BaseException) -> str:
    origin = getattr(error, "orig", None) or error
    return str(getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None) or "")


def _explain(error: BaseException, url: URL) -> StorageUnavailable | None:
    """What a failure means when it is about the server, not about a statement; None for all others."""
    state, place = _sqlstate(error), _place(url)
    if state in ("28P01", "28000"):
        return StorageUnavailable(f"PostgreSQL at {place} refused the user or password", "check STACKHAND_DATABASE_URL")
    if state == "3D000":
        return StorageUnavailable(
            f"the database {url.database!r} does not exist at {place}", "create it, or " + _URL_FIX
        )
    if state == "57014":
        return StorageUnavailable("a query took too long and was stopped", "ask for less, or look at the server's load")
    if state == "53100":
        return StorageUnavailable(f"the disk of PostgreSQL at {place} is full", "free some space there")
    if state == "53300":
        return StorageUnavailable(f"PostgreSQL at {place} has no free connection", "raise max_connections there")
    if state == "25006":
        return StorageUnavailable(f"PostgreSQL at {place} is read-only", "point STACKHAND_DATABASE_URL at the primary")
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or state.startswith(("08", "57P")) or isinstance(error, OSError | TimeoutError | socket.gaierror):
        return StorageUnavailable(f"PostgreSQL at {place} does not answer", "start it, or check STACKHAND_DATABASE_URL")
    return None
