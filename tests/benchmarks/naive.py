"""The way that everybody writes first: one row after another through the ORM. The yardstick of the sync."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from engines.clouds import Resource
from storage.database import Database
from storage.tables import history, metadata, resource


class Base(DeclarativeBase):
    metadata = metadata


class StoredResource(Base):
    __table__ = resource


class StoredChange(Base):
    __table__ = history


async def naive_sync(database: Database, source: str, rows: Sequence[Resource]) -> float:
    """Look up, compare, write, flush, for each row; one commit at the end. Rows a second."""
    start = time.perf_counter()
    async with AsyncSession(database.engine) as session:
        for row in rows:
            await _store(session, source, row)
        await session.commit()
    return len(rows) / (time.perf_counter() - start)


async def _store(session: AsyncSession, source: str, row: Resource) -> None:
    now = datetime.now(UTC)
    key = {"source": source, "kind": row.kind, "external_id": row.external_id}
    stored: Any = (await session.execute(select(StoredResource).filter_by(**key))).scalar_one_or_none()
    values = {"name": row.name, "project_id": row.project_id, "attrs": dict(row.attrs), "derived": dict(row.derived)}
    changed: dict[str, Any] = {}
    if stored is None:
        stored = StoredResource(**key, **values, platform="openstack", first_seen=now, changed_at=now, last_seen=now)
        session.add(stored)
    else:
        changed = {k: [getattr(stored, k), v] for k, v in values.items() if getattr(stored, k) != v}
        for name, (_, new) in changed.items():
            setattr(stored, name, new)
        stored.last_seen = now
    await session.flush()
    if changed or stored.first_seen == now:
        op = "change" if changed else "add"
        session.add(StoredChange(resource_id=stored.id, run_id=0, at=now, op=op, changed=changed, name=row.name, **key))
        await session.flush()
