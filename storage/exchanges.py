"""What was said and answered, and the files of answers."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text, json_value
from storage.tables import exchange, stored_file

MEMORY = timedelta(minutes=15)
"""How long a conversation is remembered for follow-ups."""
KEPT = timedelta(days=7)
"""How long a file can be downloaded."""


@dataclass(frozen=True, slots=True)
class Said:
    """One reading of a message, and its reply as JSON. One message with two questions makes two rows."""

    id: int
    at: datetime
    said: str
    intent: str | None
    reading: Mapping[str, Any]
    reply: Mapping[str, Any]
    took_ms: int
    good: bool | None


@dataclass(frozen=True, slots=True)
class Stored:
    name: str
    mime: str
    content: bytes


async def append(
    conn: AsyncConnection,
    *,
    conversation: str,
    person: str,
    at: datetime,
    said: str,
    intent: str | None,
    reading: Mapping[str, Any],
    reply: Mapping[str, Any],
    took_ms: int,
) -> int:
    query = insert(exchange).values(
        conversation=conversation,
        person=person,
        at=at,
        said=clean_text(said),
        intent=intent,
        reading=json_value(reading),
        reply=json_value(reply),
        took_ms=took_ms,
    )
    return int((await conn.execute(query.returning(exchange.c.id))).scalar_one())


async def recent(conn: AsyncConnection, conversation: str, person: str, limit: int) -> list[Said]:
    """The last `limit` exchanges of a person in a conversation, oldest first."""
    query = select(*(exchange.c[name] for name in Said.__slots__)).where(
        exchange.c.conversation == conversation, exchange.c.person == person
    )
    rows = await conn.execute(query.order_by(exchange.c.id.desc()).limit(limit))
    return [Said(**row) for row in rows.mappings()][::-1]


async def last(conn: AsyncConnection, conversation: str, person: str, now: datetime, limit: int = 5) -> list[Said]:
    """The exchanges that are fresh enough for a follow-up, newest first."""
    query = select(*(exchange.c[name] for name in Said.__slots__)).where(
        exchange.c.conversation == conversation, exchange.c.person == person, exchange.c.at > now - MEMORY
    )
    rows = await conn.execute(query.order_by(exchange.c.id.desc()).limit(limit))
    return [Said(**row) for row in rows.mappings()]


async def judge(conn: AsyncConnection, exchange_id: int, good: bool) -> None:
    """Keep what the person thought of an answer."""
    await conn.execute(update(exchange).where(exchange.c.id == exchange_id).values(good=good))


async def store_file(conn: AsyncConnection, person: str, name: str, mime: str, content: bytes) -> str:
    """Keep a file for download by this person; returns its id, which cannot be guessed."""
    file_id = secrets.token_urlsafe(18)
    now = datetime.now(UTC)
    await conn.execute(delete(stored_file).where(stored_file.c.expires_at < now))
    await conn.execute(
        insert(stored_file).values(
            id=file_id, person=person, name=clean_text(name), mime=mime, content=content, expires_at=now + KEPT
        )
    )
    return file_id


async def load_file(conn: AsyncConnection, file_id: str, person: str) -> Stored | None:
    """None when there is no such file, it has expired, or it is somebody else's."""
    query = select(stored_file.c.name, stored_file.c.mime, stored_file.c.content).where(
        stored_file.c.id == file_id, stored_file.c.person == person, stored_file.c.expires_at > func.now()
    )
    row = (await conn.execute(query)).first()
    return Stored(row.name, row.mime, bytes(row.content)) if row else None
