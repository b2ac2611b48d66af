"""What was said and answered, and the files of answers."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
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


async def offered(conn: AsyncConnection, person: str, said: str, now: datetime) -> bool:
    """Whether an answer to this person, within the memory, has a button that says exactly this."""
    choice = [{"choices": [{"said": clean_text(said)}]}]
    query = select(exchange.c.id).where(
        exchange.c.person == person, exchange.c.at > now - MEMORY, exchange.c.reply["parts"].contains(choice)
    )
    return (await conn.execute(query.limit(1))).first() is not None


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A sentence, word by word, that was not answered as it was meant: `why`, `times` and when last."""

    said: str
    why: str
    intent: str | None
    mood: str
    times: int
    last_at: datetime


_UNMATCHED = text(
    """
    WITH line AS (
        SELECT said, intent, at, good, reading ->> 'source' AS source, coalesce(reading ->> 'mood', '') AS mood,
               reply ->> 'outcome' AS outcome, lead(said) OVER later AS next_said, lead(at) OVER later AS next_at
        FROM exchange WHERE at >= :since
        WINDOW later AS (PARTITION BY conversation, person ORDER BY id)
    ), judged AS (
        SELECT *, CASE WHEN good IS FALSE THEN 'judged wrong'
                       WHEN source = 'model' THEN 'routed by a model'
                       WHEN intent IS NULL AND outcome = 'not_understood' THEN 'not understood'
                       WHEN intent IS NOT NULL AND next_said ~* :correction AND next_at < at + :memory
                           THEN 'corrected' END AS why
        FROM line
    )
    SELECT said, why, intent, mood, count(*) AS times, max(at) AS last_at
    FROM judged WHERE why IS NOT NULL
    GROUP BY said, why, intent, mood ORDER BY times DESC, last_at DESC, said LIMIT :limit
    """
)
_CORRECTION = r"^\s*(no|nope|sorry)\y|\y(i meant?|meant|not that|wrong one)\y"


async def unmatched(conn: AsyncConnection, since: datetime, limit: int) -> list[Unmatched]:
    """What was not understood, routed by a model, judged wrong, or corrected by the next sentence; most often first.

    As it was said, names and all: mask it before anybody reads it.
    """
    values = {"since": since, "correction": _CORRECTION, "memory": MEMORY, "limit": limit}
    return [Unmatched(**row) for row in (await conn.execute(_UNMATCHED, values)).mappings()]


async def judge(conn: AsyncConnection, exchange_id: int, good: bool, remark: str = "") -> None:
    """Keep what the person thought of an answer, and what they expected instead."""
    values = {"good": good, "remark": clean_text(remark) or None}
    await conn.execute(update(exchange).where(exchange.c.id == exchange_id).values(**values))


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
