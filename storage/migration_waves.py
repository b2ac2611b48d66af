"""Cohorts and waves of a migration as they were built last, and how far each wave is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import copy_in
from storage.json_texts import clean_text
from storage.migration_tables import migration_cohort, migration_item, migration_place, migration_wave


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
Place = tuple[str, str, int, int | None, str]
"""Server and key of a VM, its cohort and wave, and why it is there."""


async def put(
    conn: AsyncConnection,
    id_: int,
    cohorts: Sequence[CohortRow],
    waves: Sequence[WaveRow],
    places: Iterable[Place],
) -> None:
    """In place of those that were built before, with all that was ticked of them."""
    for table in (migration_place, migration_item, migration_wave, migration_cohort):
        await conn.execute(delete(table).where(table.c.migration_id == id_))
    for one in cohorts:
        row = {"migration_id": id_, "number": one.number, "name": one.name, "detail": dict(one.detail)}
        await conn.execute(insert(migration_cohort).values(**row))
    for wave in waves:
        values = {name: getattr(wave, name) for name in WaveRow.__dataclass_fields__}
        await conn.execute(insert(migration_wave).values(migration_id=id_, **values))
    columns = ("migration_id", "server", "vm_key", "cohort", "wave", "why")
    rows = ((id_, server, key, cohort, wave, clean_text(why)) for server, key, cohort, wave, why in places)
    await copy_in(conn, "migration_place", columns, rows)


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


async def why_placed(conn: AsyncConnection, id_: int, key: tuple[str, str]) -> tuple[int, int | None, str] | None:
    """Cohort and wave of a VM, and why it is there."""
    p = migration_place.c
    query = select(p.cohort, p.wave, p.why).where(p.migration_id == id_, p.server == key[0], p.vm_key == key[1])
    row = (await conn.execute(query)).first()
    return (row[0], row[1], row[2]) if row else None


async def in_no_wave(conn: AsyncConnection, id_: int) -> int:
    """How many VMs were given no place when the waves were built."""
    p = migration_place.c
    query = select(func.count()).where(p.migration_id == id_, p.wave.is_(None))
    return int((await conn.execute(query)).scalar_one())
