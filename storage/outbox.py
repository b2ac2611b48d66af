"""Messages on their way out: written with what they tell of, sent once, in order within a conversation.

Any number of senders share the table. One claims a message, which is committed before the platform is called; a
sender that dies leaves `started_at` behind, so that the next one looks for the message before it sends it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text, json_value
from storage.tables import outbox


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be sent. Messages of one `lane` are paced; an empty lane is not. `method` is the platform's own
    name of the call, which it may ask to rest. `follows`: what it goes on telling of, such as sync/7."""

    conversation: str
    key: str
    body: Mapping[str, Any]
    lane: str = ""
    method: str = ""
    follows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A claimed message. `unsure_since` is when an attempt began whose outcome nobody knows; None: there was none."""

    id: int
    conversation: str
    key: str
    body: Mapping[str, Any]
    attempts: int
    lane: str
    method: str
    version: int
    created_at: datetime
    posted: Mapping[str, Any] | None
    unsure_since: datetime | None


async def enqueue(conn: AsyncConnection, surface: str, draft: Draft) -> bool:
    """Add a message in the caller's transaction; False when one with this key is there already."""
    query = upsert(outbox).values(**_values(surface, draft)).on_conflict_do_nothing()
    return (await conn.execute(query)).rowcount == 1


async def replace(conn: AsyncConnection, surface: str, draft: Draft) -> None:
    """The same for what is told anew, such as progress: only the newest body waits, and it is sent again."""
    query = upsert(outbox).values(**_values(surface, draft))
    newest = {"body": query.excluded.body, "version": outbox.c.version + 1, "sent_at": None, "failed_at": None}
    await conn.execute(query.on_conflict_do_update(index_elements=["surface", "key"], set_=newest))


def _values(surface: str, draft: Draft) -> dict[str, Any]:
    return {
        "surface": surface,
        "conversation": clean_text(draft.conversation),
        "key": clean_text(draft.key),
        "body": json_value(draft.body),
        "lane": clean_text(draft.lane),
        "method": draft.method,
    }


_CLAIM = text(
    """
    WITH head AS MATERIALIZED (  -- else, without statistics, it may be counted anew for each row
        SELECT min(id) AS id FROM outbox
        WHERE surface = :surface AND sent_at IS NULL AND failed_at IS NULL GROUP BY conversation
    ), due AS MATERIALIZED (
        SELECT o.id, o.lane, o.started_at FROM outbox AS o
        WHERE o.id IN (SELECT id FROM head) AND o.sent_at IS NULL AND o.failed_at IS NULL
          AND o.not_before <= clock_timestamp()
          AND (o.claimed_until IS NULL OR o.claimed_until < clock_timestamp())
          AND NOT EXISTS (SELECT FROM pace AS p WHERE p.surface = :surface AND p.next_at > clock_timestamp()
                          AND p.lane IN ('lane:' || o.lane, 'method:' || o.method))
        ORDER BY o.id LIMIT 1000 FOR UPDATE OF o SKIP LOCKED
    ), one AS (
        SELECT DISTINCT ON (coalesce(nullif(lane, ''), id::text)) id, lane, started_at
        FROM due ORDER BY coalesce(nullif(lane, ''), id::text), id
    ), chosen AS (
        SELECT id, lane, started_at FROM one ORDER BY id LIMIT :limit
    ), slot AS (
        INSERT INTO pace (surface, lane, next_at)
        SELECT :surface, 'lane:' || lane, clock_timestamp() + :pause FROM chosen WHERE lane <> '' ORDER BY lane
        ON CONFLICT (surface, lane) DO UPDATE SET next_at = excluded.next_at
            WHERE pace.next_at <= clock_timestamp()
        RETURNING lane
    )
    UPDATE outbox AS o SET claimed_by = :owner, claimed_until = clock_timestamp() + :lease,
                           started_at = clock_timestamp()
    FROM chosen WHERE o.id = chosen.id AND (chosen.lane = '' OR 'lane:' || chosen.lane IN (SELECT lane FROM slot))
    RETURNING o.id, o.conversation, o.key, o.body, o.attempts, o.lane, o.method, o.version, o.created_at, o.posted,
              chosen.started_at AS unsure_since
    """
)


async def claim(
    conn: AsyncConnection, surface: str, owner: str, *, lease: timedelta, pause: timedelta, limit: int
) -> list[Outgoing]:
    """The first unsent message of each conversation that is due, for `owner` alone until the lease ends.

    At most one of each lane, and a lane rests for `pause` afterwards, whichever process asks. A conversation whose
    first message waits or is being sent elsewhere is passed over: order is kept. Commit before sending.
    """
    values = {"surface": surface, "owner": owner, "lease": lease, "pause": pause, "limit": limit}
    rows = (await conn.execute(_CLAIM, values)).mappings()
    return sorted((Outgoing(**row) for row in rows), key=lambda message: message.id)


async def renew(conn: AsyncConnection, ids: Sequence[int], owner: str, lease: timedelta) -> None:
    """What this process is sending stays its own for another while."""
    query = update(outbox).where(outbox.c.id.in_(ids), outbox.c.claimed_by == owner)
    await conn.execute(query.values(claimed_until=func.clock_timestamp() + lease))


async def note(conn: AsyncConnection, message: Outgoing, owner: str, posted: Mapping[str, Any]) -> None:
    """Keep what the platform calls a half-sent thing, so that another sender can look for it."""
    await conn.execute(_mine(message, owner).values(posted=json_value(posted)))


async def sent(conn: AsyncConnection, message: Outgoing, owner: str, posted: Mapping[str, Any]) -> bool:
    """False when the claim was lost meanwhile. A body that was replaced during the sending waits to be sent again."""
    unchanged = outbox.c.version == message.version
    values = {"attempts": outbox.c.attempts + 1, "error": "", "posted": json_value(posted), **_FREE}
    done = func.clock_timestamp()
    query = _mine(message, owner).values(**values, sent_at=_when(unchanged, done))
    return (await conn.execute(query)).rowcount == 1


async def later(
    conn: AsyncConnection, message: Outgoing, owner: str, *, delay: timedelta, error: str, unsure: bool = False
) -> None:
    """Try again after `delay`; later messages of the conversation wait behind it. `unsure`: it may have arrived."""
    values: dict[str, Any] = {"claimed_by": None, "claimed_until": None} if unsure else dict(_FREE)
    if unsure and message.unsure_since is not None:
        values["started_at"] = message.unsure_since
    values |= {"attempts": outbox.c.attempts + 1, "error": clean_text(error)[:500]}
    await conn.execute(_mine(message, owner).values(**values, not_before=func.clock_timestamp() + delay))


async def give_up(conn: AsyncConnection, message: Outgoing, owner: str, error: str) -> None:
    """It will not be sent: what comes after it in the conversation need not wait."""
    values = {"attempts": outbox.c.attempts + 1, "error": clean_text(error)[:500], **_FREE}
    await conn.execute(_mine(message, owner).values(**values, failed_at=func.clock_timestamp()))


_FREE: dict[str, Any] = {"claimed_by": None, "claimed_until": None, "started_at": None}


def _mine(message: Outgoing, owner: str) -> Any:
    return update(outbox).where(outbox.c.id == message.id, outbox.c.claimed_by == owner)


def _when(condition: Any, value: Any) -> Any:
    return case((condition, value), else_=None)


async def hold(conn: AsyncConnection, surface: str, method: str, delay: timedelta) -> None:
    """The platform asked for a rest: nothing leaves by this method before `delay` has passed, from any process."""
    statement = text(
        "INSERT INTO pace (surface, lane, next_at) VALUES (:surface, :lane, clock_timestamp() + :delay)"
        " ON CONFLICT (surface, lane) DO UPDATE SET next_at = greatest(pace.next_at, excluded.next_at)"
    )
    await conn.execute(statement, {"surface": surface, "lane": f"method:{method}", "delay": delay})


_WAIT = text(
    """
    WITH head AS MATERIALIZED (
        SELECT min(id) AS id FROM outbox
        WHERE surface = :surface AND sent_at IS NULL AND failed_at IS NULL GROUP BY conversation
    )
    SELECT min(greatest(o.not_before, o.claimed_until, p.next_at)) - clock_timestamp()
    FROM head JOIN outbox AS o USING (id)
    LEFT JOIN LATERAL (SELECT max(next_at) AS next_at FROM pace
                       WHERE surface = :surface AND lane IN ('lane:' || o.lane, 'method:' || o.method)) AS p ON true
    """
)


async def wait(conn: AsyncConnection, surface: str) -> timedelta | None:
    """How long until something may be due; None when nothing waits."""
    found: timedelta | None = (await conn.execute(_WAIT, {"surface": surface})).scalar_one()
    return found


async def posted_as(conn: AsyncConnection, surface: str, key: str) -> Mapping[str, Any] | None:
    """What the platform calls the message with this key; None when it was not sent, or not yet."""
    query = select(outbox.c.posted).where(
        outbox.c.surface == surface, outbox.c.key == clean_text(key), outbox.c.sent_at.is_not(None)
    )
    found: Mapping[str, Any] | None = (await conn.execute(query)).scalar_one_or_none()
    return found


async def knows(conn: AsyncConnection, surface: str, key: str) -> bool:
    """Whether a message with this key was written, sent or not."""
    query = select(outbox.c.id).where(outbox.c.surface == surface, outbox.c.key == clean_text(key))
    return (await conn.execute(query)).first() is not None


async def prune(conn: AsyncConnection, surface: str, age: timedelta) -> int:
    """Forget what was sent or given up longer ago than `age`, and lanes that have long been free."""
    values = {"surface": surface, "age": age}
    gone = await conn.execute(
        text(
            "DELETE FROM outbox WHERE surface = :surface"
            " AND greatest(sent_at, failed_at) < clock_timestamp() - CAST(:age AS interval)"
        ),
        values,
    )
    await conn.execute(
        text("DELETE FROM pace WHERE surface = :surface AND next_at < clock_timestamp() - CAST(:age AS interval)"),
        values,
    )
    return gone.rowcount


async def pending(conn: AsyncConnection) -> int:
    statement = text("SELECT count(*) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL")
    return int((await conn.execute(statement)).scalar_one())
