"""Messages on their way out: written with what they tell of, sent once, in order within a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text, json_value
from storage.tables import outbox


@dataclass(frozen=True, slots=True)
class Outgoing:
    id: int
    conversation: str
    key: str
    body: Mapping[str, Any]
    attempts: int


async def enqueue(conn: AsyncConnection, *, surface: str, conversation: str, key: str, body: Mapping[str, Any]) -> bool:
    """Add a message in the caller's transaction; False when one with this key is there already."""
    names = {"conversation": clean_text(conversation), "key": clean_text(key)}
    query = upsert(outbox).values(surface=surface, **names, body=json_value(body))
    return (await conn.execute(query.on_conflict_do_nothing())).rowcount == 1


async def claim(conn: AsyncConnection, surface: str, limit: int = 20) -> list[Outgoing]:
    """The first unsent message of each conversation that is due, locked until the caller's transaction ends.

    A conversation whose first message waits or is being sent elsewhere is passed over: order is kept.
    """
    first = (
        select(func.min(outbox.c.id))
        .where(outbox.c.surface == surface, outbox.c.sent_at.is_(None))
        .group_by(outbox.c.conversation)
    )
    query = (
        select(*(outbox.c[name] for name in Outgoing.__slots__))
        .where(outbox.c.id.in_(first), outbox.c.sent_at.is_(None), outbox.c.not_before <= func.clock_timestamp())
        .order_by(outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Outgoing(**row) for row in (await conn.execute(query)).mappings()]


async def sent(conn: AsyncConnection, message_id: int) -> None:
    query = update(outbox).where(outbox.c.id == message_id)
    await conn.execute(query.values(sent_at=func.clock_timestamp(), attempts=outbox.c.attempts + 1, error=""))


async def retry(conn: AsyncConnection, message_id: int, not_before: datetime, error: str) -> None:
    """Try again from `not_before` on; later messages of the conversation wait behind it."""
    query = update(outbox).where(outbox.c.id == message_id)
    await conn.execute(
        query.values(not_before=not_before, attempts=outbox.c.attempts + 1, error=clean_text(error)[:500])
    )


async def pending(conn: AsyncConnection) -> int:
    return int((await conn.execute(text("SELECT count(*) FROM outbox WHERE sent_at IS NULL"))).scalar_one())
