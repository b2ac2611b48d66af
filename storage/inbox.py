"""What platforms delivered: kept before it is acknowledged, processed once, in order within a conversation.

The key is the memory of what came: the same delivery again finds it and starts nothing. Bodies are emptied as soon as
they were processed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, null, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text, json_text
from storage.tables import inbox

YOUNG = timedelta(minutes=15)
"""What is older is not taken up any more: nobody waits for its answer."""
KEPT = timedelta(hours=24)
"""How long a key is remembered. It must be longer than any platform delivers again."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A delivery. With `follow_up` it counts only when the sender was heard in this conversation before."""

    key: str
    conversation: str
    sender: str
    body: Mapping[str, Any]
    follow_up: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    id: int
    key: str
    conversation: str
    sender: str
    body: Mapping[str, Any]
    received_at: datetime
    attempts: int


_KEEP = text(
    """
    INSERT INTO inbox (surface, key, conversation, sender, body)
    SELECT :surface, :key, :conversation, :sender, CAST(:body AS jsonb)
    WHERE NOT :follow_up OR EXISTS (
        SELECT FROM inbox WHERE surface = :surface AND conversation = :conversation AND sender = :sender)
    ON CONFLICT (surface, key) DO NOTHING
    """
)


async def keep(conn: AsyncConnection, surface: str, incoming: Incoming) -> bool:
    """In one statement; False when it is known already, or a follow-up to nothing."""
    values = {
        "surface": surface,
        "key": clean_text(incoming.key),
        "conversation": clean_text(incoming.conversation),
        "sender": clean_text(incoming.sender),
        "body": json_text(incoming.body),
        "follow_up": incoming.follow_up,
    }
    return (await conn.execute(_KEEP, values)).rowcount == 1


_TAKE = text(
    """
    WITH head AS MATERIALIZED (
        SELECT min(id) AS id FROM inbox WHERE surface = :surface AND state = 'waiting' GROUP BY conversation
    )
    UPDATE inbox SET claimed_by = :owner, claimed_until = clock_timestamp() + :lease, attempts = attempts + 1
    WHERE id IN (
        SELECT id FROM inbox
        WHERE id IN (SELECT id FROM head)
          AND state = 'waiting' AND not_before <= clock_timestamp()
          AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
        ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id, key, conversation, sender, body, received_at, attempts
    """
)


async def take(conn: AsyncConnection, surface: str, owner: str, *, lease: timedelta, limit: int) -> list[Taken]:
    """The oldest waiting delivery of each conversation, for `owner` alone until the lease ends."""
    values = {"surface": surface, "owner": owner, "lease": lease, "limit": limit}
    rows = (await conn.execute(_TAKE, values)).mappings()
    return sorted((Taken(**row) for row in rows), key=lambda taken: taken.id)


async def renew(conn: AsyncConnection, ids: Sequence[int], owner: str, lease: timedelta) -> None:
    """What this process is working off stays its own for another while."""
    query = update(inbox).where(inbox.c.id.in_(ids), inbox.c.claimed_by == owner, inbox.c.state == "waiting")
    await conn.execute(query.values(claimed_until=func.clock_timestamp() + lease))


async def finish(conn: AsyncConnection, taken: Taken, owner: str, *, error: str = "") -> bool:
    """Done, or failed with an error; the body is emptied. False when the claim was lost meanwhile."""
    state = "failed" if error else "done"
    query = update(inbox).where(inbox.c.id == taken.id, inbox.c.claimed_by == owner, inbox.c.state == "waiting")
    values = {"state": state, "body": null(), "error": clean_text(error)[:500], "claimed_until": None}
    return (await conn.execute(query.values(**values))).rowcount == 1


async def later(conn: AsyncConnection, taken: Taken, owner: str, delay: timedelta, error: str) -> None:
    query = update(inbox).where(inbox.c.id == taken.id, inbox.c.claimed_by == owner)
    values = {"claimed_by": None, "claimed_until": None, "error": clean_text(error)[:500]}
    await conn.execute(query.values(**values, not_before=func.clock_timestamp() + delay))


async def prune(conn: AsyncConnection, surface: str) -> int:
    """Give up what is too old to be answered, and forget what was done long ago. Returns how many it gave up."""
    given_up = await conn.execute(
        text(
            "UPDATE inbox SET state = 'failed', body = NULL, error = 'too old'"
            " WHERE surface = :surface AND state = 'waiting'"
            " AND received_at < clock_timestamp() - CAST(:young AS interval)"
            " AND (claimed_until IS NULL OR claimed_until < clock_timestamp())"
        ),
        {"surface": surface, "young": YOUNG},
    )
    await conn.execute(
        text(
            "DELETE FROM inbox WHERE surface = :surface AND state <> 'waiting'"
            " AND received_at < clock_timestamp() - CAST(:kept AS interval)"
        ),
        {"surface": surface, "kept": KEPT},
    )
    return given_up.rowcount
