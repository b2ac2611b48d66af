"""Migration projects: who may know of them, and what is kept of their exports."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, delete, exists, func, not_, or_, select, text, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import copy_in
from storage.json_texts import clean_name, clean_text, json_value
from storage.migration_tables import migration, migration_name, migration_vm, migration_wave

_LOCK = 7_203_012
_MOST_STALE = 20


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, and where. `everything`: an administrator of the whole house.

    With a `channel` it is one that is bound to a customer: only what was uploaded there is known in it.
    """

    person: str
    everything: bool = False
    surface: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """One migration. `schedule` is None when it has to be made anew; `stale` says what its waves know nothing of."""

    id: int
    name: str
    file: str
    digest: str
    version: int
    export_version: str
    export_at: datetime | None
    uploaded_by: str
    surface: str
    channel: str
    uploaded_at: datetime
    servers: Sequence[str]
    settings: Mapping[str, Any]
    summary: Mapping[str, Any]
    schedule: Mapping[str, Any] | None
    stale: Sequence[str]


@dataclass(frozen=True, slots=True)
class Taken:
    """An export that was graded, to be kept under a name. `names` and VM rows carry JSON as text."""

    name: str
    file: str
    digest: str
    export_version: str
    export_at: datetime | None
    by: str
    surface: str
    channel: str
    at: datetime
    servers: Sequence[str]
    settings: Mapping[str, Any]
    summary: Mapping[str, Any]
    platform: str
    names: Sequence[tuple[str, str, int, str]]


_FIELDS = tuple(migration.c[name] for name in Project.__dataclass_fields__)


def known_to(viewer: Viewer) -> ColumnElement[bool]:
    """Whoever uploaded it, and administrators of the house. Nobody else, whatever they may see of the clouds."""
    m = migration.c
    own = true() if viewer.everything else m.uploaded_by == viewer.person
    here = and_(m.surface == viewer.surface, m.channel == viewer.channel) if viewer.channel else true()
    return and_(own, here)


async def by_id(conn: AsyncConnection, id_: int) -> Project | None:
    """For whoever has been told its number by us, such as a message that follows it."""
    row = (await conn.execute(select(*_FIELDS).where(migration.c.id == id_))).mappings().first()
    return Project(**row) if row else None


async def own_named(conn: AsyncConnection, person: str, name: str) -> Project | None:
    """The person's project of this name, in whatever case: the one that a newer export belongs to."""
    folded = func.lower(func.normalize(name, text("NFKC")))
    query = select(*_FIELDS).where(migration.c.uploaded_by == person, migration.c.folded == folded)
    row = (await conn.execute(query)).mappings().first()
    return Project(**row) if row else None


async def estate_lines(conn: AsyncConnection, id_: int) -> tuple[list[str], str]:
    """The lines of the VMs, and the one behind them."""
    v = migration_vm.c
    lines = list(await conn.scalars(select(v.packed).where(v.migration_id == id_).order_by(v.position)))
    platform = (await conn.execute(select(migration.c.platform).where(migration.c.id == id_))).scalar_one()
    return lines, str(platform)


async def lock_name(conn: AsyncConnection, person: str, name: str) -> None:
    """Until the transaction ends no other process keeps an export under this person's name."""
    key = select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(f"{person}\x1f{name.lower()}")))
    await conn.execute(key)


async def keep(conn: AsyncConnection, taken: Taken, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """The export in place of the one before, in the caller's transaction; what people decided stays."""
    await conn.execute(text("SET LOCAL statement_timeout = '10min'"))
    id_ = await _put(conn, taken)
    for table in (migration_vm, migration_name):
        await conn.execute(delete(table).where(table.c.migration_id == id_))
    await copy_in(conn, "migration_vm", ("migration_id", *columns), ((id_, *_clean(row)) for row in rows))
    named = {(kind, clean_name(name)): (vms, detail) for kind, name, vms, detail in taken.names}
    cells = ((id_, kind, name, vms, detail) for (kind, name), (vms, detail) in named.items())
    await copy_in(conn, "migration_name", ("migration_id", "kind", "name", "vms", "detail"), cells)
    return id_


def _clean(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(_text(cell) if type(cell) is str else cell for cell in row)


def _text(cell: str) -> str:
    return cell if cell.isascii() and "\x00" not in cell else clean_text(cell)


async def _put(conn: AsyncConnection, taken: Taken) -> int:
    values: dict[str, Any] = {
        "name": clean_name(taken.name), "file": clean_name(taken.file), "digest": taken.digest,
        "export_version": taken.export_version[:40], "export_at": taken.export_at, "uploaded_by": taken.by,
        "surface": taken.surface, "channel": taken.channel, "uploaded_at": taken.at, "servers": list(taken.servers),
        "settings": json_value(taken.settings), "summary": json_value(taken.summary),
        "schedule": None, "platform": clean_text(taken.platform),
    }  # fmt: skip
    made = insert(migration).values(**values)
    changed = {name: made.excluded[name] for name in values if name not in ("name", "uploaded_by")}
    put = made.on_conflict_do_update(
        index_elements=["uploaded_by", "folded"], set_={**changed, "version": migration.c.version + 1}
    )
    return int((await conn.execute(put.returning(migration.c.id))).scalar_one())


async def set_schedule(conn: AsyncConnection, id_: int, schedule: Mapping[str, Any] | None) -> None:
    """None: what was decided since makes it wrong, and the next who asks makes it anew."""
    await conn.execute(update(migration).where(migration.c.id == id_).values(schedule=schedule))


async def decided(conn: AsyncConnection, id_: int, why: str) -> bool:
    """Something that the schedule is made of was changed, in words. True where waves are there, which are stale now."""
    m, w = migration.c, migration_wave.c
    await set_schedule(conn, id_, None)
    built = exists().where(w.migration_id == m.id)
    if not (await conn.execute(select(built).where(m.id == id_))).scalar_one():
        return False
    said = func.jsonb_build_array(cast(clean_text(why)[:200], Text))
    known = or_(m.stale.contains([clean_text(why)[:200]]), func.jsonb_array_length(m.stale) >= _MOST_STALE)
    await conn.execute(update(migration).where(m.id == id_, not_(known)).values(stale=m.stale.op("||")(said)))
    return True


async def set_settings(conn: AsyncConnection, id_: int, settings: Mapping[str, Any]) -> None:
    await conn.execute(update(migration).where(migration.c.id == id_).values(settings=dict(settings)))
