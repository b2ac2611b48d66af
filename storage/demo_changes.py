"""What was made, changed and deleted in the invented cloud, so that every process sees the same one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.demo_tables import demo_object
from storage.json_texts import clean_text

_HOLD = text("SELECT pg_advisory_xact_lock(hashtextextended('demo cloud ' || :source || ' ' || :project_id, 0))")


@dataclass(frozen=True, slots=True)
class DemoObject:
    """`made_at` None: an object of the invented cloud itself, changed or deleted since."""

    source: str
    kind: str
    external_id: str
    project_id: str
    name: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)
    made_at: datetime | None = None
    deleted_at: datetime | None = None


async def changed(conn: AsyncConnection, source: str, project_id: str | None = None) -> Sequence[DemoObject]:
    """All of a source, or of one of its projects, the oldest first."""
    o = demo_object.c
    query = (
        select(o.source, o.kind, o.external_id, o.project_id, o.name, o.attrs, o.made_at, o.deleted_at)
        .where(o.source == source)
        .order_by(o.made_at, o.external_id)
    )
    if project_id is not None:
        query = query.where(o.project_id == project_id)
    return [DemoObject(*row) for row in await conn.execute(query)]


async def hold(conn: AsyncConnection, source: str, project_id: str) -> None:
    """Others who change this project wait until the transaction ends: its quota is kept whoever asks at once."""
    await conn.execute(_HOLD, {"source": source, "project_id": project_id})


async def change(conn: AsyncConnection, what: DemoObject) -> None:
    """Write it, or change it: its fields are added to those that are there; what was deleted stays deleted."""
    c = demo_object.c
    query = upsert(demo_object).values(
        source=what.source,
        kind=what.kind,
        external_id=what.external_id,
        project_id=what.project_id,
        name=clean_text(what.name),
        attrs=_clean(what.attrs),
        made_at=what.made_at,
        deleted_at=what.deleted_at,
    )
    new = query.excluded
    values = {"attrs": c.attrs.op("||")(new.attrs), "deleted_at": func.coalesce(c.deleted_at, new.deleted_at)}
    await conn.execute(query.on_conflict_do_update(index_elements=[c.source, c.kind, c.external_id], set_=values))


def _clean(value: Any) -> Any:
    """PostgreSQL keeps no NUL and no half of a character."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _clean(one) for key, one in value.items()}
    return value
