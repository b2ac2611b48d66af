"""Workers that are alive, by the database's clock alone: the machines' clocks may differ as they like."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.change_tables import worker

_ONE_REAPER = text("SELECT pg_try_advisory_xact_lock(7, 2)")
_NOW = func.clock_timestamp()


async def beat(conn: AsyncConnection, id_: str) -> None:
    query = upsert(worker).values(id=id_, beat=_NOW)
    await conn.execute(query.on_conflict_do_update(index_elements=["id"], set_={"beat": _NOW}))


async def leave(conn: AsyncConnection, id_: str) -> None:
    """From now on anybody may take over what this worker left."""
    await conn.execute(update(worker).where(worker.c.id == id_).values(beat=_NOW - timedelta(days=1)))


async def dead(conn: AsyncConnection, ttl: timedelta) -> list[str]:
    """Those that did not beat for so long; empty also while another process looks. They stay until `forget`."""
    if not (await conn.execute(_ONE_REAPER)).scalar_one():
        return []
    return list(await conn.scalars(select(worker.c.id).where(worker.c.beat < _NOW - ttl).with_for_update()))


async def forget(conn: AsyncConnection, ids: list[str]) -> None:
    await conn.execute(delete(worker).where(worker.c.id.in_(ids)))


async def alive(conn: AsyncConnection, ttl: timedelta) -> list[tuple[str, datetime]]:
    """(id, since when) of those that beat within `ttl`."""
    query = select(worker.c.id, worker.c.started_at).where(worker.c.beat >= _NOW - ttl).order_by(worker.c.id)
    return [(id_, since) for id_, since in await conn.execute(query)]
