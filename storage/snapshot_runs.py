"""Runs of snapshots and what they did with each volume."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, func, or_, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.change_tables import job
from storage.scopes import Scope
from storage.snapshot_tables import snapshot_pause, snapshot_record, snapshot_removal, snapshot_run
from storage.tables import listing

FINAL = frozenset({"made", "failed", "quota_blocked", "skipped", "unsure", "cancelled"})


@dataclass(frozen=True, slots=True)
class Record:
    """A row of `snapshot_record`."""

    run: str
    source: str
    volume_id: str
    policy: str
    project_id: str
    volume_name: str
    size_gib: int
    key: str
    name: str
    state: str
    snapshot_id: str | None
    detail: str
    short_gib: int
    begun_at: datetime
    tried_at: datetime | None
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        return self.state in FINAL


_RECORD = tuple(snapshot_record.c[name] for name in Record.__slots__)


async def open_run(conn: AsyncConnection, row: Mapping[str, Any]) -> None:
    """One row a run, whichever of its steps comes first."""
    await conn.execute(insert(snapshot_run).values(dict(row)).on_conflict_do_nothing())


async def intend(conn: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """The intents, before anything is made; those that are there already stay as they are."""
    if rows:
        await conn.execute(insert(snapshot_record).on_conflict_do_nothing(), [dict(row) for row in rows])


async def records(conn: AsyncConnection, run: str, source: str, volume_ids: Collection[str]) -> list[Record]:
    c = snapshot_record.c
    query = select(*_RECORD).where(c.run == run, c.source == source, c.volume_id.in_(sorted(volume_ids)))
    return [Record(**row) for row in (await conn.execute(query)).mappings()]


async def record(conn: AsyncConnection, key: str, values: Mapping[str, Any]) -> None:
    """What became of one; a record that has ended stays as it is, but one that was unsure may still be cleared up."""
    c = snapshot_record.c
    open_ = or_(c.state.in_(("intended", "creating", "unsure")), c.state == values.get("state"))
    await conn.execute(update(snapshot_record).where(c.key == key, open_).values(dict(values)))


async def removing(conn: AsyncConnection, row: Mapping[str, Any]) -> None:
    query = insert(snapshot_removal).values(dict(row))
    changed = {name: query.excluded[name] for name in ("run", "why", "state", "detail", "at")}
    await conn.execute(query.on_conflict_do_update(index_elements=["source", "snapshot_id"], set_=changed))


async def removed(conn: AsyncConnection, source: str, ids: Collection[str], state: str, detail: str = "") -> None:
    c = snapshot_removal.c
    mine = and_(c.source == source, c.snapshot_id.in_(sorted(ids)))
    await conn.execute(update(snapshot_removal).where(mine).values(state=state, detail=detail))


async def removals(conn: AsyncConnection, run: str, source: str, project_id: str) -> dict[str, str]:
    """State by snapshot id."""
    c = snapshot_removal.c
    query = select(c.snapshot_id, c.state).where(c.run == run, c.source == source, c.project_id == project_id)
    return {row[0]: row[1] for row in await conn.execute(query)}


async def pausing(conn: AsyncConnection, key: str, source: str, vm_id: str, at: datetime) -> bool:
    """Say that a VM will be held still; False when it was said before."""
    row = {"key": key, "source": source, "vm_id": vm_id, "at": at}
    done = await conn.execute(insert(snapshot_pause).values(row).on_conflict_do_nothing())
    return bool(done.rowcount)


async def resumed(conn: AsyncConnection, source: str, vm_id: str, at: datetime) -> None:
    c = snapshot_pause.c
    held = and_(c.source == source, c.vm_id == vm_id, c.resumed_at.is_(None))
    await conn.execute(update(snapshot_pause).where(held).values(resumed_at=at))


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stands. `job_state` is that of the job that does it; counts are of what the scope may see."""

    key: str
    policy: str
    tick: datetime | None
    job_id: int
    asked_by: str
    started_at: datetime
    planned: int
    job_state: str
    ended_at: datetime | None
    counts: Mapping[str, int]
    pruned: int
    prune_failed: int


def _seen(scope: Scope, table: Any) -> ColumnElement[bool]:
    if scope.everything:
        return true()
    return tuple_(table.c.source, table.c.project_id).in_(sorted(scope.projects))


async def runs(conn: AsyncConnection, scope: Scope, *, policy: str = "", limit: int = 10) -> list[Run]:
    """The newest runs that did something that the scope may see."""
    r, c = snapshot_run.c, snapshot_record.c
    mine = select(c.run).where(_seen(scope, snapshot_record)).where(c.run == r.key).exists()
    # a manual snapshot of one VM is no run of a policy
    query = (
        select(r.key, r.policy, r.tick, r.job_id, r.asked_by, r.started_at, r.planned,
               func.coalesce(cast(job.c.state, String), "").label("job_state"), job.c.ended_at)
        .select_from(snapshot_run.outerjoin(job, job.c.id == r.job_id))
        .where(mine, *([r.policy == policy] if policy else [r.policy != ""]))
        .order_by(r.started_at.desc(), r.key)
        .limit(limit)
    )  # fmt: skip
    rows = list((await conn.execute(query)).mappings())
    keys = [row["key"] for row in rows]
    counts = await _counts(conn, scope, keys)
    gone = await _gone(conn, scope, keys)
    return [
        Run(**row, counts=counts.get(row["key"], {}), pruned=gone.get((row["key"], True), 0),
            prune_failed=gone.get((row["key"], False), 0))
        for row in rows
    ]  # fmt: skip


async def _counts(conn: AsyncConnection, scope: Scope, keys: Sequence[str]) -> dict[str, dict[str, int]]:
    c = snapshot_record.c
    query = (
        select(c.run, c.state, func.count())
        .where(c.run.in_(list(keys)), _seen(scope, snapshot_record))
        .group_by(c.run, c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for run, state, number in await conn.execute(query):
        found.setdefault(run, {})[state] = int(number)
    return found


async def _gone(conn: AsyncConnection, scope: Scope, keys: Sequence[str]) -> dict[tuple[str, bool], int]:
    c = snapshot_removal.c
    well = c.state != "failed"
    query = (
        select(c.run, well, func.count())
        .where(c.run.in_(list(keys)), _seen(scope, snapshot_removal))
        .group_by(c.run, well)
    )
    return {(run, bool(fine)): int(number) for run, fine, number in await conn.execute(query)}


async def troubles(conn: AsyncConnection, scope: Scope, run: str, limit: int = 50) -> list[Record]:
    """What did not work in a run, failures first."""
    c = snapshot_record.c
    bad = c.state.in_(("failed", "quota_blocked", "unsure"))
    query = select(*_RECORD).where(c.run == run, bad, _seen(scope, snapshot_record))
    rows = (await conn.execute(query.order_by(c.state, c.volume_name, c.volume_id).limit(limit))).mappings()
    return [Record(**row) for row in rows]


async def failed_removals(conn: AsyncConnection, scope: Scope, run: str) -> list[tuple[str, str]]:
    """(snapshot's name, the cloud's words)."""
    c = snapshot_removal.c
    query = select(c.name, c.detail).where(c.run == run, c.state == "failed", _seen(scope, snapshot_removal))
    return [(row[0], row[1]) for row in await conn.execute(query.order_by(c.name).limit(50))]


async def just_made(conn: AsyncConnection, policy: str) -> dict[tuple[str, str], datetime]:
    """By (source, volume id): when a good copy was begun that is younger than the last listing of its source."""
    c = snapshot_record.c
    listed = and_(listing.c.source == c.source, listing.c.kind == "snapshot")
    query = (
        select(c.source, c.volume_id, func.max(c.tried_at))
        .select_from(snapshot_record.join(listing, listed, isouter=True))
        .where(c.policy == policy, c.state == "made", c.tried_at.is_not(None))
        .where(or_(listing.c.complete_at.is_(None), c.ended_at > listing.c.complete_at))
        .group_by(c.source, c.volume_id)
    )
    return {(row[0], row[1]): row[2] for row in await conn.execute(query)}


async def last_attempts(conn: AsyncConnection, scope: Scope) -> dict[tuple[str, str, str], Record]:
    """The newest record of each (source, volume, policy) whose newest one is blocked by a quota or failed."""
    c = snapshot_record.c
    newest = (
        select(*_RECORD)
        .where(_seen(scope, snapshot_record), c.ended_at.is_not(None), c.policy != "")
        .ext(distinct_on(c.source, c.volume_id, c.policy))
        .order_by(c.source, c.volume_id, c.policy, c.begun_at.desc())
        .subquery()
    )
    query = select(newest).where(newest.c.state.in_(("quota_blocked", "failed", "unsure")))
    rows = (await conn.execute(query)).mappings()
    return {(row["source"], row["volume_id"], row["policy"]): Record(**row) for row in rows}
