"""Exports on their way in: how far they are, and what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_name, clean_text, json_value
from storage.migration_tables import migration_import

ABANDONED_AFTER = timedelta(seconds=60)
"""Without a sign of life from the process that reads it."""


@dataclass(frozen=True, slots=True)
class Import:
    """`what` and `fix` of one that was not taken; of one that was, `what` may say that nothing was new in it."""

    id: int
    migration_id: int | None
    file: str
    by: str
    surface: str
    channel: str
    state: str
    step: str
    sheets: int
    rows: int
    what: str
    fix: str
    difference: Mapping[str, Any] | None
    begun_at: datetime
    seen_at: datetime
    ended_at: datetime | None


async def begin(conn: AsyncConnection, *, file: str, by: str, surface: str, channel: str, now: datetime) -> int:
    row = {
        "file": clean_name(file), "by": by, "surface": surface, "channel": channel, "state": "reading",
        "begun_at": now, "seen_at": now,
    }  # fmt: skip
    made = await conn.execute(insert(migration_import).values(**row).returning(migration_import.c.id))
    return int(made.scalar_one())


async def note(conn: AsyncConnection, id_: int, step: str, sheets: int, rows: int, now: datetime) -> None:
    values = {"step": clean_text(step)[:80], "sheets": sheets, "rows": rows, "seen_at": now}
    i = migration_import.c
    await conn.execute(update(migration_import).where(i.id == id_, i.state == "reading").values(**values))


async def end(
    conn: AsyncConnection,
    id_: int,
    state: str,
    now: datetime,
    *,
    migration_id: int | None = None,
    what: str = "",
    fix: str = "",
    difference: Mapping[str, Any] | None = None,
) -> None:
    values = {
        "state": state, "migration_id": migration_id, "what": clean_text(what)[:500], "fix": clean_text(fix)[:500],
        "difference": None if difference is None else json_value(difference), "seen_at": now, "ended_at": now,
    }  # fmt: skip
    i = migration_import.c
    await conn.execute(update(migration_import).where(i.id == id_, i.state == "reading").values(**values))


async def load(conn: AsyncConnection, id_: int) -> Import | None:
    fields = tuple(migration_import.c[name] for name in Import.__dataclass_fields__)
    row = (await conn.execute(select(*fields).where(migration_import.c.id == id_))).mappings().first()
    return Import(**row) if row else None
