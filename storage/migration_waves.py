"""Cohorts and waves of a migration as they were built last, and how far each wave is."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, exists, func, insert, not_, or_, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import copy_in
from storage.json_texts import clean_text
from storage.migration_tables import migration, migration_cohort, migration_item, migration_place, migration_wave


@dataclass(frozen=True, slots=True)
class CohortRow:
    number: int
    name: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WaveRow:
    """`cohort` 0: it was built without cohorts."""

    number: int
    name: str
    cohort: int
    state: str
    starts_at: datetime | None
    ends_at: datetime | None
    changed_by: str
    changed_at: datetime | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ItemRow:
    item: str
    state: str
    by: str
    at: datetime | None
    evidence: str


_WAVE = tuple(migration_wave.c[name] for name in WaveRow.__dataclass_fields__)
Key = tuple[str, str]
Place = tuple[str, str, int, int | None, str]
"""Server and key of a VM, its cohort and wave, and why it is there."""


async def put(
    conn: AsyncConnection,
    id_: int,
    cohorts: Sequence[CohortRow],
    waves: Sequence[WaveRow],
    places: Iterable[Place],
    stays: Collection[int] = (),
) -> None:
    """In place of those that were built before, with all that was ticked of them. Waves that stay do so with their
    VMs, of whom there must be no other place."""
    for table in (migration_place, migration_item, migration_wave, migration_cohort):
        going = _going(table, stays)
        await conn.execute(delete(table).where(table.c.migration_id == id_, going))
    await conn.execute(update(migration_wave).where(migration_wave.c.migration_id == id_).values(cohort=0))
    await conn.execute(update(migration).where(migration.c.id == id_).values(stale=[]))
    for one in cohorts:
        row = {"migration_id": id_, "number": one.number, "name": one.name, "detail": dict(one.detail)}
        await conn.execute(insert(migration_cohort).values(**row))
    for wave in waves:
        values = {name: getattr(wave, name) for name in WaveRow.__dataclass_fields__}
        await conn.execute(insert(migration_wave).values(migration_id=id_, **values))
    columns = ("migration_id", "server", "vm_key", "cohort", "wave", "why")
    rows = ((id_, server, key, cohort, wave, clean_text(why)) for server, key, cohort, wave, why in places)
    await copy_in(conn, "migration_place", columns, rows)


def _going(table: Table, stays: Collection[int]) -> ColumnElement[bool]:
    """What makes room: of a wave that stays and is complete, also what has failed in it."""
    if table is migration_cohort:
        return true()
    number = table.c.number if table is migration_wave else table.c.wave
    going = or_(number.is_(None), number.not_in(stays))
    if table is not migration_place:
        return going
    w = migration_wave.c
    over = exists().where(w.migration_id == table.c.migration_id, w.number == number, w.state == "complete")
    return or_(going, and_(table.c.state == "failed", over))


async def cohorts(conn: AsyncConnection, id_: int) -> list[CohortRow]:
    c = migration_cohort.c
    query = select(c.number, c.name, c.detail).where(c.migration_id == id_).order_by(c.number)
    return [CohortRow(**row) for row in (await conn.execute(query)).mappings()]


async def waves(conn: AsyncConnection, id_: int) -> list[WaveRow]:
    query = select(*_WAVE).where(migration_wave.c.migration_id == id_).order_by(migration_wave.c.number)
    return [WaveRow(**row) for row in (await conn.execute(query)).mappings()]


async def set_state(conn: AsyncConnection, id_: int, wave: int, state: str, was: str, by: str, at: datetime) -> bool:
    """False when it is no longer in the state in which it was looked at."""
    w = migration_wave.c
    change = update(migration_wave).where(w.migration_id == id_, w.number == wave, w.state == was)
    return (await conn.execute(change.values(state=state, changed_by=by, changed_at=at))).rowcount == 1


async def items(conn: AsyncConnection, id_: int, wave: int) -> dict[str, ItemRow]:
    """What people, or the plan, said of the preflight of a wave."""
    c = migration_item.c
    query = select(c.item, c.state, c.by, c.at, c.evidence).where(c.migration_id == id_, c.wave == wave)
    return {row["item"]: ItemRow(**row) for row in (await conn.execute(query)).mappings()}


async def set_item(conn: AsyncConnection, id_: int, wave: int, row: ItemRow) -> None:
    values = {name: getattr(row, name) for name in ItemRow.__dataclass_fields__}
    made = upsert(migration_item).values(migration_id=id_, wave=wave, **values)
    changed = {name: made.excluded[name] for name in ("state", "by", "at", "evidence")}
    await conn.execute(made.on_conflict_do_update(index_elements=["migration_id", "wave", "item"], set_=changed))


async def clear_items(conn: AsyncConnection, id_: int, wave: int) -> None:
    """Its preflight begins anew."""
    c = migration_item.c
    await conn.execute(delete(migration_item).where(c.migration_id == id_, c.wave == wave))


async def why_placed(conn: AsyncConnection, id_: int, key: Key) -> tuple[int, int | None, str] | None:
    """Cohort and wave of a VM, and why it is there."""
    p = migration_place.c
    query = select(p.cohort, p.wave, p.why).where(p.migration_id == id_, p.server == key[0], p.vm_key == key[1])
    row = (await conn.execute(query)).first()
    return (row[0], row[1], row[2]) if row else None


async def reasons(conn: AsyncConnection, id_: int, keys: Collection[Key]) -> dict[Key, str]:
    """Why each of these VMs is where it is."""
    p = migration_place.c
    query = select(p.server, p.vm_key, p.why).where(p.migration_id == id_, tuple_(p.server, p.vm_key).in_(list(keys)))
    return {(row[0], row[1]): str(row[2]) for row in await conn.execute(query)}


async def in_no_wave(conn: AsyncConnection, id_: int) -> int:
    """How many VMs were given no place when the waves were built."""
    p = migration_place.c
    query = select(func.count()).where(p.migration_id == id_, p.wave.is_(None))
    return int((await conn.execute(query)).scalar_one())


async def places(conn: AsyncConnection, id_: int) -> dict[Key, int | None]:
    """The wave of each VM that was thought of when the waves were built."""
    p = migration_place.c
    rows = await conn.execute(select(p.server, p.vm_key, p.wave).where(p.migration_id == id_))
    return {(row[0], row[1]): row[2] for row in rows}


async def vm_states(conn: AsyncConnection, id_: int, wave: int) -> dict[Key, str]:
    """How far the VMs of a wave are."""
    p = migration_place.c
    rows = await conn.execute(select(p.server, p.vm_key, p.state).where(p.migration_id == id_, p.wave == wave))
    return {(row[0], row[1]): str(row[2]) for row in rows}


async def count_states(conn: AsyncConnection, id_: int) -> dict[int, dict[str, int]]:
    """VMs of each wave by how far they are."""
    p = migration_place.c
    query = select(p.wave, p.state, func.count()).where(p.migration_id == id_, p.wave.is_not(None))
    found: dict[int, dict[str, int]] = {}
    for wave, state, count in await conn.execute(query.group_by(p.wave, p.state).order_by(p.wave, p.state)):
        found.setdefault(int(wave), {})[str(state)] = int(count)
    return found


async def set_vm_state(conn: AsyncConnection, id_: int, key: Key, state: str, was: str, by: str, at: datetime) -> bool:
    """False when it is no longer in the state in which it was looked at."""
    p = migration_place.c
    change = update(migration_place).where(
        p.migration_id == id_, p.server == key[0], p.vm_key == key[1], p.state == was
    )
    return (await conn.execute(change.values(state=state, state_by=by, state_at=at))).rowcount == 1


async def set_vm_states(
    conn: AsyncConnection,
    id_: int,
    wave: int,
    was: str,
    state: str,
    by: str,
    at: datetime,
    since: datetime | None = None,
) -> int:
    """All VMs of a wave that are in one state, to another; with `since` only those that came to it then."""
    p = migration_place.c
    change = update(migration_place).where(p.migration_id == id_, p.wave == wave, p.state == was)
    if since is not None:
        change = change.where(p.state_at == since)
    return (await conn.execute(change.values(state=state, state_by=by, state_at=at))).rowcount


async def begun(conn: AsyncConnection, id_: int) -> list[tuple[Key, int, str, str, datetime | None]]:
    """(VM, number, name, state and end of its wave) of waves that went on; not what failed in one that is complete."""
    w, p = migration_wave.c, migration_place.c
    same = and_(w.migration_id == p.migration_id, w.number == p.wave)
    query = select(p.server, p.vm_key, w.number, w.name, w.state, w.ends_at).join_from(
        migration_place, migration_wave, same
    )
    stays = and_(w.state.not_in(("planned", "cancelled")), not_(and_(w.state == "complete", p.state == "failed")))
    rows = await conn.execute(query.where(p.migration_id == id_, stays).order_by(w.number, p.server, p.vm_key))
    return [((row[0], row[1]), int(row[2]), str(row[3]), str(row[4]), row[5]) for row in rows]


async def take_back(conn: AsyncConnection, id_: int, keys: Collection[Key], by: str, at: datetime) -> list[str]:
    """Waves with any of these VMs that were confirmed are planned again; their names."""
    w, p = migration_wave.c, migration_place.c
    theirs = exists().where(
        p.migration_id == w.migration_id, p.wave == w.number, tuple_(p.server, p.vm_key).in_(list(keys))
    )
    change = update(migration_wave).where(w.migration_id == id_, w.state == "confirmed", theirs)
    done = await conn.execute(change.values(state="planned", changed_by=by, changed_at=at).returning(w.name))
    return sorted(str(name) for name in done.scalars())
