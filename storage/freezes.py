"""Change freezes: times in which nothing is changed, everywhere or in one project."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.change_tables import freeze
from storage.json_texts import clean_text


@dataclass(frozen=True, slots=True)
class Freeze:
    """`until` None: until somebody ends it. Without a `source` it holds everywhere."""

    id: int
    source: str | None
    project_id: str | None
    since: datetime
    until: datetime | None
    words: str
    by: str


_COLUMNS = tuple(freeze.c[name] for name in Freeze.__slots__)


def _holds() -> tuple[ColumnElement[bool], ...]:
    now, f = func.clock_timestamp(), freeze.c
    return (f.ended_at.is_(None), f.since <= now, or_(f.until.is_(None), f.until > now))


async def add(
    conn: AsyncConnection,
    *,
    source: str | None,
    project_id: str | None,
    since: datetime | None,
    until: datetime | None,
    words: str,
    by: str,
) -> int:
    """From now on when there is no `since`."""
    values: dict[str, Any] = {
        "source": source,
        "project_id": project_id,
        "until": until,
        "words": clean_text(words),
        "by": by,
    }
    values |= {"since": since or func.clock_timestamp()}
    return int((await conn.execute(insert(freeze).values(**values).returning(freeze.c.id))).scalar_one())


async def holding(conn: AsyncConnection, places: Collection[tuple[str, str | None]]) -> Freeze | None:
    """The freeze that holds now for one of these (source, project id), the longest first; None when none does."""
    f = freeze.c
    here = [(source, project) for source, project in places if project is not None]
    meant = or_(f.source.is_(None), tuple_(f.source, f.project_id).in_(here)) if here else f.source.is_(None)
    longest = f.until.desc().nulls_first()
    row = (await conn.execute(select(*_COLUMNS).where(meant, *_holds()).order_by(longest, f.id).limit(1))).first()
    return Freeze(**row._mapping) if row else None


async def going(conn: AsyncConnection) -> list[Freeze]:
    """Those that hold now or will, by when they begin."""
    f = freeze.c
    kept = and_(f.ended_at.is_(None), or_(f.until.is_(None), f.until > func.clock_timestamp()))
    rows = await conn.execute(select(*_COLUMNS).where(kept).order_by(f.since, f.id))
    return [Freeze(**row) for row in rows.mappings()]


async def end(conn: AsyncConnection, ids: Collection[int], by: str) -> int:
    """How many of them were ended now."""
    query = update(freeze).where(freeze.c.id.in_(list(ids)), freeze.c.ended_at.is_(None))
    return (await conn.execute(query.values(ended_at=func.clock_timestamp(), ended_by=by))).rowcount
