"""One sync of one source: list, resolve, write, record, audit.

Each kind is written in a transaction of its own, so a process that dies leaves whole kinds, old or new, never a half.
The source is locked for as long as the run takes, by the connection that writes: when that connection breaks, the
lock is gone and nothing more can be written under it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.clouds import Cloud, Resource
from engines.inventory.books import Books
from engines.inventory.gather import Gathered, Limits, gather_kinds
from engines.inventory.memory import living_counts, remember
from engines.inventory.resolve import NEEDED, missing, resolve
from storage import audit, sync
from storage.database import Database
from storage.tables import listing, sync_run

log = structlog.get_logger(__name__)
WAIT_S = 900.0
WAIT_STEP_S = 0.5
_ABANDONED = "the process that ran it ended in the middle; what it had written is whole"


class SyncBusyError(Exception):
    """Another process syncs this source now. `what` and `fix` are one line each."""

    def __init__(self, source: str) -> None:
        self.what = f"{source} is being synced already"
        self.fix = "wait for that run to end; its result is as good"
        super().__init__(f"{self.what}; {self.fix}")


@dataclass(frozen=True, slots=True)
class KindReport:
    """What a run did to one kind. `outcome` as in the table `listing`; `rows` are the living ones afterwards."""

    outcome: str
    rows: int = 0
    added: int = 0
    changed: int = 0
    deleted: int = 0
    returned: int = 0
    detail: str = ""
    fix: str = ""
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class SyncReport:
    """A run that ended. state: done (every kind is complete), partial, failed (none is)."""

    run_id: int
    source: str
    state: str
    kinds: Mapping[str, KindReport]
    took_ms: int
    detail: str = ""


async def sync_source(
    database: Database,
    cloud: Cloud,
    *,
    at: datetime | None = None,
    asked_by: str = "clock",
    run_id: int | None = None,
    limits: Limits | None = None,
    wait: bool = False,
) -> SyncReport:
    """Sync one source now; `run_id` is a run that was claimed for it.

    Raises SyncBusyError when the source is being synced elsewhere and `wait` is not set, StorageUnavailable when the
    database is away. A cloud that fails raises nothing: it is in the report.
    """
    at = at or datetime.now(UTC)
    async with database.connect() as conn, source_lock(conn, cloud.source, wait=wait):
        await abandon_runs(conn, cloud.source, but=run_id)
        if run_id is None:
            async with conn.begin():
                run_id = await sync.open_run(conn, cloud.source, asked_by=asked_by)
        run = _Run(conn, cloud, run_id, at, asked_by)
        try:
            return await run.go(limits or Limits())
        except BaseException as error:
            await run.give_up(error)
            raise


class _Run:
    """A run under way, on the connection that holds the lock of its source."""

    def __init__(self, conn: AsyncConnection, cloud: Cloud, run_id: int, at: datetime, asked_by: str) -> None:
        self._conn = conn
        self._cloud = cloud
        self._run_id = run_id
        self._at = at
        self._asked_by = asked_by
        self._started = time.monotonic()
        self._log = log.bind(source=cloud.source, run=run_id)

    async def go(self, limits: Limits) -> SyncReport:
        self._log.info("sync.start", asked_by=self._asked_by)
        gathered = await self._believable(await gather_kinds(self._cloud, limits))
        books = await self._books(gathered)
        reports: dict[str, KindReport] = {}
        for one in gathered:
            rows = await asyncio.to_thread(resolve, one.kind, list(one.rows), books)
            report = await self._keep(one, rows)
            reports[one.kind] = report
            self._log.info("sync.kind", kind=one.kind, **_logged(report))
        return await self._close(state_of(reports), reports)

    async def give_up(self, error: BaseException) -> None:
        """Say that the run ended early, as far as the database can still be told."""
        reason = "stopped" if isinstance(error, asyncio.CancelledError) else type(error).__name__
        try:
            async with asyncio.timeout(5):
                await self._conn.rollback()
                await self._close("failed", {}, f"the run ended early: {reason}; the next sync starts again")
        except Exception as lost:  # the run stays open and is found abandoned by the next one
            self._log.warning("sync.unfinished", error=type(lost).__name__)

    async def _believable(self, gathered: Sequence[Gathered]) -> list[Gathered]:
        """Without the rows of refused kinds that were seen whole before.

        An account that lost its role is shown fewer rows, and fewer facts in each: they must not replace better ones.
        """
        query = select(listing.c.kind).where(listing.c.source == self._cloud.source, listing.c.complete_at.is_not(None))
        async with self._conn.begin():
            seen = set(await self._conn.scalars(query))
        return [replace(one, rows=()) if one.outcome == "refused" and one.kind in seen else one for one in gathered]

    async def _books(self, gathered: Sequence[Gathered]) -> Books:
        listed = {one.kind: list(one.rows) for one in gathered}
        async with self._conn.begin():
            before = await living_counts(self._conn, self._cloud.source)
            whole = {one.kind for one in gathered if one.complete and not is_doubtful(len(one.rows), before, one.kind)}
            wanted = await asyncio.to_thread(missing, listed)
            known = await remember(self._conn, self._cloud.source, living=NEEDED - whole, ids=wanted)
        return Books(listed, known.rows, gone=known.gone, whole=whole)

    async def _keep(self, one: Gathered, rows: Sequence[Resource]) -> KindReport:
        """Write what came of a kind, and how it came, in one transaction."""
        async with self._conn.begin():
            written = await sync.write_listing(
                self._conn,
                source=self._cloud.source,
                platform=self._cloud.platform,
                kind=one.kind,
                rows=(sync.Row(r.external_id, r.name, r.project_id, r.attrs, r.derived) for r in rows),
                at=self._at,
                run_id=self._run_id,
                complete=one.complete,
            )
            outcome, detail, fix = _told(one, written)
            await sync.record_listing(
                self._conn,
                source=self._cloud.source,
                platform=self._cloud.platform,
                demo=self._cloud.demo,
                kind=one.kind,
                outcome=outcome,
                detail=detail,
                fix=fix,
                at=self._at,
                rows=written.rows,
            )
        return KindReport(
            outcome,
            written.rows,
            written.added,
            written.changed,
            written.deleted,
            written.returned,
            detail,
            fix,
            one.took_ms,
        )

    async def _close(self, state: str, reports: Mapping[str, KindReport], detail: str = "") -> SyncReport:
        detail = detail or summary_of(reports)
        took_ms = round((time.monotonic() - self._started) * 1000)
        kinds = {kind: asdict(report) for kind, report in reports.items()}
        async with self._conn.begin():
            await sync.close_run(self._conn, self._run_id, state=state, detail=detail, kinds=kinds)
            counts = {"run": self._run_id, "took_ms": took_ms, "outcomes": _outcomes(reports)}
            await audit.record(
                self._conn,
                person=self._asked_by,
                action="sync.run",
                target=self._cloud.source,
                outcome=state,
                detail=counts,
            )
        self._log.info("sync.end", state=state, took_ms=took_ms, rows=sum(r.rows for r in reports.values()))
        return SyncReport(self._run_id, self._cloud.source, state, MappingProxyType(dict(reports)), took_ms, detail)


def is_doubtful(count: int, before: Mapping[str, int], kind: str) -> bool:
    """True when so many rows are missing that the listing waits for a second sighting before it is believed."""
    return sync.shrunk(before.get(kind, 0), count)


def _told(one: Gathered, written: sync.Written) -> tuple[str, str, str]:
    """The outcome of a kind with its why and its fix."""
    if one.complete and written.shrunk:
        detail = f"{len(one.rows)} of {written.rows} came: more than half is missing"
        return "shrunk", detail, "nothing: a second sighting at the next sync is believed; check the account's role"
    return one.outcome, one.detail, one.fix


def state_of(reports: Mapping[str, KindReport]) -> str:
    """A service that the cloud does not have, and of which no rows are kept, is no failure."""
    counted = [r for r in reports.values() if r.outcome != "unsupported" or r.rows]
    if all(report.outcome == "complete" for report in counted):
        return "done"
    return "partial" if any(report.outcome == "complete" for report in counted) else "failed"


def summary_of(reports: Mapping[str, KindReport]) -> str:
    """One line on what did not come back whole; empty when all did."""
    told = [f"{kind}: {r.outcome} ({r.detail})" for kind, r in reports.items() if r.outcome != "complete"]
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    return "; ".join(told[:3]) + more


def _outcomes(reports: Mapping[str, KindReport]) -> dict[str, int]:
    return dict(Counter(report.outcome for report in reports.values()))


def _logged(report: KindReport) -> dict[str, Any]:
    told = asdict(report)
    return {name: value for name, value in told.items() if value or name in ("outcome", "rows")}


async def recover(database: Database, source: str) -> int:
    """Close the runs that a process left behind when it died; the number of them. A run that is alive is left alone."""
    async with database.connect() as conn:
        try:
            async with source_lock(conn, source, wait=False):
                return await abandon_runs(conn, source)
        except SyncBusyError:
            return 0


async def abandon_runs(conn: AsyncConnection, source: str, *, but: int | None = None) -> int:
    """Close every open run of a source but one. Only who holds the lock of the source knows that nobody runs them."""
    query = (
        update(sync_run)
        .where(sync_run.c.source == source, sync_run.c.state == "running", sync_run.c.id != (but or 0))
        .values(state="failed", finished_at=func.now(), detail=_ABANDONED)
    )
    async with conn.begin():
        closed = (await conn.execute(query)).rowcount
    if closed:
        log.warning("sync.abandoned", source=source, runs=closed)
    return closed


@asynccontextmanager
async def source_lock(conn: AsyncConnection, source: str, *, wait: bool) -> AsyncIterator[None]:
    """One sync of a source at a time, over all processes; released by the server when this connection ends.

    Raises SyncBusyError at once, or, with `wait`, after WAIT_S.
    """
    key = {"key": f"stackhand-sync:{source}"}
    deadline = time.monotonic() + (WAIT_S if wait else 0)
    while True:
        taken = await conn.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))"), key)
        await conn.commit()
        if taken:
            break
        if time.monotonic() >= deadline:
            raise SyncBusyError(source)
        await asyncio.sleep(WAIT_STEP_S)
    try:
        yield
    finally:
        await _unlock(conn, key)


async def _unlock(conn: AsyncConnection, key: Mapping[str, str]) -> None:
    """The pool would keep the connection, and the lock with it: a connection that cannot unlock is thrown away."""
    try:
        async with asyncio.timeout(5):
            await conn.rollback()
            await conn.execute(text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), key)
            await conn.commit()
    except BaseException:
        await conn.invalidate()
        raise
