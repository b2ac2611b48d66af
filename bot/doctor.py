"""Tests everything that Stackhand stands on, and says for each fault how to mend it."""

import asyncio
import shutil
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.chats import examine_chats
from bot.checks import Check, failed, ok, warned
from bot.doctor_clouds import examine_clouds
from bot.doctor_jobs import check_jobs
from bot.schema import head, is_current
from bot.settings import Settings, unknown_variables
from storage.database import Database, StorageUnavailable
from storage.embedded import EmbeddedError, EmbeddedServer, default_state_dir, running_url, start
from storage.listings import last_runs, listings, waiting_runs

_NEWEST_TESTED, _OLDEST = 18, 15
_MOST_SKEW_S = 5.0
_LEAST_FREE_BYTES = 1 << 30
_STALE = timedelta(hours=2)


async def examine(settings: Settings, demo: bool = False) -> tuple[Check, ...]:
    """All checks, in the order in which a fault explains those after it. Changes nothing but for starting the
    embedded server while it looks."""
    checks = [*_settings(settings), *_state(settings), await asyncio.to_thread(_port, settings)]
    checks += [check async for check in _database(settings)]
    if not demo:
        checks += await examine_clouds(settings)
        checks += await examine_chats(settings)
        checks += await _directory(settings)
    return tuple(checks)


async def _directory(settings: Settings) -> list[Check]:
    if not settings.ldap_url:
        return []
    from bot.doctor_directory import examine_directory

    return await examine_directory(settings)


def _settings(settings: Settings) -> list[Check]:
    unknown = unknown_variables()
    if not unknown:
        return [ok("settings", "all variables that start with STACKHAND_ are known")]
    return [warned("settings", f"not a setting: {', '.join(unknown)}", "correct the name; README.md lists them all")]


def _state(settings: Settings) -> list[Check]:
    """The state directory, when the embedded server is in use."""
    if settings.database_url is not None:
        return []
    root = settings.state_dir or default_state_dir()
    standing = next((place for place in (root, *root.parents) if place.exists()), Path("/"))
    free = shutil.disk_usage(standing).free
    if free < _LEAST_FREE_BYTES:
        return [failed("state directory", f"{root} has {free >> 20} MiB left", "free some space on that disk")]
    return [ok("state directory", f"{root}, {free >> 30} GiB free" + ("" if root.exists() else ", not made yet"))]


def _port(settings: Settings) -> Check:
    from bot.service import PortTakenError, bind

    place = f"{settings.page_host} port {settings.page_port}"
    try:
        bind(settings.page_host, settings.page_port).close()
    except PortTakenError as error:
        if _is_ours(settings):
            return ok("port", f"{place} is served by a running Stackhand")
        return failed("port", error.what, error.fix)
    return ok("port", f"{place} is free")


def _is_ours(settings: Settings) -> bool:
    try:
        url = f"http://{settings.page_host}:{settings.page_port}/healthz"
        with urllib.request.urlopen(url, timeout=3) as answer:
            return b'"alive"' in answer.read(200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


async def _database(settings: Settings) -> AsyncIterator[Check]:
    """One check on reaching it; the others only when it was reached."""
    embedded: EmbeddedServer | None = None
    database: Database | None = None
    try:
        url, embedded = await _server(settings)
        if url is None:
            yield ok("database", "the embedded server has no data yet: the first start makes them")
            return
        database = Database(url, pool_size=1)
        async with database.connect() as connection:
            for check in (*await _basics(connection), *await _record(connection)):
                yield check
    except (StorageUnavailable, EmbeddedError) as error:
        yield failed("database", error.what, error.fix)
    finally:
        if database is not None:
            await database.close()
        if embedded is not None:
            await asyncio.to_thread(embedded.stop)


async def _server(settings: Settings) -> tuple[str | None, EmbeddedServer | None]:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value(), None
    running = running_url(settings.state_dir)
    if running is not None:
        return running, None
    if not ((settings.state_dir or default_state_dir()) / "server" / "data").exists():
        return None, None
    held = await asyncio.to_thread(
        start, settings.state_dir, bin_dir=settings.postgres_bin, run_as=settings.postgres_user
    )
    return held.url, held


async def _basics(connection: AsyncConnection) -> list[Check]:
    before = datetime.now(UTC)
    number, now, trigrams = (
        await connection.execute(
            text(
                "SELECT current_setting('server_version_num')::int / 10000, clock_timestamp(),"
                " EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm')"
            )
        )
    ).one()
    skew = abs((now - before).total_seconds())
    return [_version(number), _extension(trigrams), await _migrations(connection), _clock(skew)]


def _version(number: int) -> Check:
    if number < _OLDEST:
        return failed("database", f"PostgreSQL {number} is too old", f"use PostgreSQL {_NEWEST_TESTED}")
    return ok("database", f"PostgreSQL {number} answers")


def _extension(present: bool) -> Check:
    if present:
        return ok("extension", "pg_trgm is there")
    return failed("extension", "pg_trgm is missing", "run: stackhand migrate-db (or CREATE EXTENSION pg_trgm as admin)")


async def _migrations(connection: AsyncConnection) -> Check:
    if await is_current(connection):
        return ok("migrations", f"the tables are at revision {head()}")
    return failed("migrations", f"the tables are not at revision {head()}", "run: stackhand migrate-db")


def _clock(skew_s: float) -> Check:
    if skew_s > _MOST_SKEW_S:
        fix = "set the clock of one of the two with NTP"
        return failed("clock", f"this machine and the database disagree by {skew_s:.0f} s", fix)
    return ok("clock", "this machine and the database agree")


async def _record(connection: AsyncConnection) -> list[Check]:
    """The last sync of each source, kinds whose listing fails, and what waits."""
    if not await is_current(connection):
        return []
    checks = [_run_check(run.source, run.state, run.finished_at, run.detail) for run in await last_runs(connection)]
    old: dict[tuple[str, str, str], list[str]] = {}
    for one in await listings(connection):
        if one.outcome != "complete":
            old.setdefault((one.source, f"{one.outcome}: {one.detail}", one.fix), []).append(one.kind)
    checks += [
        warned(f"listing {source}", f"{why} ({', '.join(kinds)})", fix) for (source, why, fix), kinds in old.items()
    ]
    checks = checks or [warned("sync", "nothing was ever listed", "run: stackhand sync, or: stackhand serve")]
    return [*checks, *await _queue(connection), await check_jobs(connection)]


def _run_check(source: str, state: str, finished: datetime | None, detail: str) -> Check:
    name = f"sync {source}"
    if state == "failed":
        return failed(name, f"the last run failed: {detail}", f"mend that, then run: stackhand sync {source}")
    if finished is None:
        return ok(name, "a run is under way")
    age = datetime.now(UTC) - finished
    said = f"{state}, {int(age.total_seconds() // 60)} min ago"
    if age > _STALE:
        return warned(name, said, "is a worker running? `stackhand serve` or `stackhand worker`")
    return ok(name, said)


async def _queue(connection: AsyncConnection) -> list[Check]:
    pending, oldest = (
        await connection.execute(
            text("SELECT count(*), min(created_at) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL")
        )
    ).one()
    waiting = await waiting_runs(connection)
    said = f"{waiting} syncs wait to start, {pending} messages wait to be sent"
    if oldest is not None and datetime.now(UTC) - oldest > _STALE:
        return [failed("queue", said, "messages have waited for hours: is `stackhand serve` running?")]
    return [ok("queue", said)]
