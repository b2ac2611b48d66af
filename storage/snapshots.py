"""What people and files said about snapshots: policies, rules, assignments, exclusions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.snapshot_tables import snapshot_assignment, snapshot_exclusion, snapshot_policy, snapshot_rule

Place = tuple[str, str, str]
"""(source, kind, external id) of a volume, VM or project."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """A row of `snapshot_assignment`."""

    source: str
    kind: str
    external_id: str
    policy: str
    project_id: str
    state: str
    retention: int | None
    by: str
    at: datetime
    written_at: datetime | None
    key: str
    before: Mapping[str, Any]


_ASSIGNED = tuple(snapshot_assignment.c[name] for name in Assigned.__slots__)


async def custom_policies(conn: AsyncConnection) -> list[tuple[str, str, str, int]]:
    """(name, cron, zone, retention), by name."""
    c = snapshot_policy.c
    rows = await conn.execute(select(c.name, c.cron, c.zone, c.retention).order_by(c.name))
    return [(row[0], row[1], row[2], int(row[3])) for row in rows]


async def rules(conn: AsyncConnection) -> list[Mapping[str, Any]]:
    return list(await conn.scalars(select(snapshot_rule.c.rule).order_by(snapshot_rule.c.name)))


async def replace_all(
    conn: AsyncConnection,
    *,
    policies: Iterable[tuple[str, str, str, int]],
    rules: Iterable[tuple[str, Mapping[str, Any]]],
    exclusions: Iterable[tuple[Place, str, datetime | None]],
    by: str,
) -> None:
    """Instead of what was there: what is not in the file any more is gone."""
    for table in (snapshot_policy, snapshot_rule, snapshot_exclusion):
        await conn.execute(delete(table))
    policy_rows = [{"name": n, "cron": c, "zone": z, "retention": r, "by": by} for n, c, z, r in policies]
    rule_rows = [{"name": name, "rule": dict(rule), "by": by} for name, rule in rules]
    exclusion_rows = [
        {"source": place[0], "kind": place[1], "external_id": place[2], "reason": reason, "until": until, "by": by}
        for place, reason, until in exclusions
    ]
    for table, rows in (
        (snapshot_policy, policy_rows),
        (snapshot_rule, rule_rows),
        (snapshot_exclusion, exclusion_rows),
    ):
        if rows:
            await conn.execute(insert(table), rows)


async def assignments(conn: AsyncConnection, sources: Sequence[str] = ()) -> list[Assigned]:
    query = select(*_ASSIGNED).order_by(snapshot_assignment.c.policy)
    if sources:
        query = query.where(snapshot_assignment.c.source.in_(list(sources)))
    return [Assigned(**row) for row in (await conn.execute(query)).mappings()]


async def exclusions(conn: AsyncConnection, now: datetime) -> list[tuple[Place, str, datetime | None, str]]:
    """Those that have not run out: (place, reason, until, by)."""
    c = snapshot_exclusion.c
    query = select(c.source, c.kind, c.external_id, c.reason, c.until, c.by).where(
        or_(c.until.is_(None), c.until > now)
    )
    return [((row[0], row[1], row[2]), row[3], row[4], row[5]) for row in await conn.execute(query.order_by(c.id))]


async def assigned_by(conn: AsyncConnection, key: str) -> list[Assigned]:
    """The rows that a step has set."""
    query = select(*_ASSIGNED).where(snapshot_assignment.c.key == key)
    return [Assigned(**row) for row in (await conn.execute(query)).mappings()]


async def assigned(conn: AsyncConnection, place: Place, policy: str) -> Assigned | None:
    c = snapshot_assignment.c
    query = select(*_ASSIGNED).where(tuple_(c.source, c.kind, c.external_id) == tuple_(*place), c.policy == policy)
    row = (await conn.execute(query)).mappings().first()
    return Assigned(**row) if row else None


async def assign(conn: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Set what is said of one place and policy; a step that comes again leaves its first row as it is."""
    query = insert(snapshot_assignment).values(dict(row))
    new = {name: query.excluded[name] for name in row if name not in ("source", "kind", "external_id", "policy")}
    await conn.execute(
        query.on_conflict_do_update(
            index_elements=["source", "kind", "external_id", "policy"],
            set_={**new, "written_at": None},
            where=snapshot_assignment.c.key != query.excluded.key,
        )
    )


async def written(conn: AsyncConnection, key: str, places: Sequence[Place], at: datetime) -> None:
    """The metadata of these volumes say the same now."""
    c = snapshot_assignment.c
    mine = and_(c.key == key, tuple_(c.source, c.kind, c.external_id).in_(list(places)))
    await conn.execute(update(snapshot_assignment).where(mine).values(written_at=at))


async def forget(conn: AsyncConnection, place: Place, policy: str, key: str) -> None:
    """Take back what a step set, where nothing was said before."""
    c = snapshot_assignment.c
    same = and_(tuple_(c.source, c.kind, c.external_id) == tuple_(*place), c.policy == policy, c.key == key)
    await conn.execute(delete(snapshot_assignment).where(same))


async def policy_names(conn: AsyncConnection) -> frozenset[str]:
    """Those that somebody made or assigned."""
    made = await conn.scalars(select(func.distinct(snapshot_policy.c.name)))
    on = snapshot_assignment.c.state == "on"
    said = await conn.scalars(select(func.distinct(snapshot_assignment.c.policy)).where(on))
    return frozenset((*made, *said))
