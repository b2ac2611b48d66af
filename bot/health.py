"""/healthz: the process lives. /readyz: it can answer, or why not. /metrics: for Prometheus."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import structlog
from aiohttp import web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.metrics import CONTENT_TYPE, Metrics
from bot.schema import is_current
from storage.database import Database, StorageUnavailable
from storage.directory_runs import last_run

log = structlog.get_logger(__name__)

_PATIENCE_S = 3.0
_STARTING_S = 600.0  # the first listing of a large cloud takes its time
_LISTED = text("SELECT count(*) FILTER (WHERE complete_at IS NOT NULL), count(*) FROM listing")
_SYNCING = text(
    "SELECT count(*) FROM sync_run WHERE state IN ('waiting', 'running') AND asked_at > now() - interval '1 h'"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that readiness needs: whether it is there, and what to do when it is not."""

    name: str
    state: Literal["ok", "starting", "warning", "failing"]
    detail: str = ""
    fix: str = ""


class Health:
    """What this process knows of its own health. `database` is None until the database is open."""

    def __init__(self, database: Database, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._metrics = metrics
        self._clock = clock
        self._started = clock()

    async def findings(self) -> tuple[Finding, ...]:
        """Never raises, never takes longer than a few seconds."""
        try:
            async with asyncio.timeout(_PATIENCE_S), self._database.connect() as connection:
                return await self._look(connection)
        except StorageUnavailable as gone:
            return (Finding("database", "failing", gone.what, gone.fix),)
        except TimeoutError:
            detail = f"it did not answer within {_PATIENCE_S:.0f} s"
            return (Finding("database", "failing", detail, "look at its load and at the network to it"),)
        except Exception as error:
            self._metrics.failed("readyz")
            log.exception("readyz.failed")
            return (Finding("database", "failing", f"unexpected: {type(error).__name__}", "see the log"),)

    async def _look(self, connection: AsyncConnection) -> tuple[Finding, ...]:
        database = Finding("database", "ok")
        if not await is_current(connection):
            return database, Finding(
                "migrations", "failing", "the tables are of another version", "run stackhand migrate-db"
            )
        findings = database, Finding("migrations", "ok"), await self._inventory(connection)
        return (*findings, *await self._directory(connection))

    async def _directory(self, connection: AsyncConnection) -> tuple[Finding, ...]:
        """Nothing is answered less well without it: it warns, and does not make the process unready."""
        last = await last_run(connection)
        if last is None:
            return ()
        if last.state == "failed":
            return (Finding("directory", "warning", last.detail, "run: stackhand doctor"),)
        return (Finding("directory", "ok", f"{last.people} people at {last.finished_at:%Y-%m-%d %H:%M} UTC"),)

    async def _inventory(self, connection: AsyncConnection) -> Finding:
        complete, listed = (await connection.execute(_LISTED)).one()
        if complete:
            return Finding("inventory", "ok", f"{complete} of {listed} listings were complete at least once")
        syncing = (await connection.execute(_SYNCING)).scalar_one()
        if syncing or self._clock() - self._started < _STARTING_S:
            return Finding("inventory", "starting", "no listing is complete yet")
        return Finding(
            "inventory", "failing", "no listing was ever complete", "run stackhand doctor: it tests each cloud"
        )

    async def healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(self, request: web.Request) -> web.Response:
        findings = await self.findings()
        ready = all(finding.state != "failing" for finding in findings)
        body = {"ready": ready, "checks": [asdict(finding) for finding in findings]}
        return web.json_response(body, status=200 if ready else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=await self._page(), headers={"Content-Type": CONTENT_TYPE})

    async def _page(self) -> bytes:
        try:
            async with asyncio.timeout(_PATIENCE_S), self._database.connect() as connection:
                return await self._metrics.page(connection)
        except Exception as error:
            log.warning("metrics.without_database", reason=type(error).__name__)
            return await self._metrics.page(None)


def add_health(app: web.Application, health: Health) -> None:
    app.router.add_get("/healthz", health.healthz)
    app.router.add_get("/readyz", health.readyz)
    app.router.add_get("/metrics", health.metrics)


def summary(findings: Sequence[Finding]) -> str:
    """One line for a log: the first thing that fails, or what is still starting."""
    bad = [f for f in findings if f.state == "failing"] or [f for f in findings if f.state == "starting"]
    return f"{bad[0].name}: {bad[0].detail}" if bad else "ready"
