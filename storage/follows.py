"""Messages that are edited while what they tell of goes on: any number of processes look after them, one each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text
from storage.outbox import Draft
from storage.tables import follow, outbox


@dataclass(frozen=True, slots=True)
class Followed:
    """A message of the outbox and what it tells of. `shown` is the digest of what it said last, empty at first."""

    id: int
    key: str
    refs: Sequence[str]
    shown: str
    age: timedelta
    conversation: str
    lane: str
    body: Mapping[str, Any]
    sent: bool
    failed: bool


async def begin(conn: AsyncConnection, surface: str, draft: Draft) -> None:
    """From now on, in the transaction that writes the message; once for each."""
    query = upsert(follow).values(surface=surface, key=clean_text(draft.key), refs=list(draft.follows))
    await conn.execute(query.on_conflict_do_nothing())


async def take(conn: AsyncConnection, surface: str, lease: timedelta, limit: int) -> list[int]:
    """The ids of those that are due; no other process takes them before the lease ends."""
    f = follow.c
    due = select(f.id).where(f.surface == surface, f.next_at <= func.clock_timestamp()).order_by(f.next_at, f.id)
    chosen = due.limit(limit).with_for_update(skip_locked=True)
    query = update(follow).where(f.id.in_(chosen)).values(next_at=func.clock_timestamp() + lease)
    return list(await conn.scalars(query.returning(f.id)))


async def hold(conn: AsyncConnection, id_: int) -> Followed | None:
    """The row, locked until the transaction ends; None: it is gone, or held elsewhere, or its message is forgotten."""
    f, o = follow.c, outbox.c
    query = (
        select(
            f.id, f.key, f.refs, f.shown, (func.clock_timestamp() - f.created_at).label("age"),
            o.conversation, o.lane, o.body,
            o.sent_at.is_not(None).label("sent"), o.failed_at.is_not(None).label("failed"),
        )
        .join(outbox, (o.surface == f.surface) & (o.key == f.key))
        .where(f.id == id_)
        .with_for_update(of=follow, skip_locked=True)
    )  # fmt: skip
    row = (await conn.execute(query)).mappings().first()
    return Followed(**row) if row else None


async def again(conn: AsyncConnection, id_: int, shown: str, delay: timedelta) -> None:
    """Look again after `delay`."""
    values = {"shown": shown, "next_at": func.clock_timestamp() + delay}
    await conn.execute(update(follow).where(follow.c.id == id_).values(**values))


async def end(conn: AsyncConnection, id_: int) -> None:
    await conn.execute(delete(follow).where(follow.c.id == id_))


async def prune(
    conn: AsyncConnection,
    surface: str,
    age: timedelta,
    *,
    lasting: Sequence[str] = (),
    lasting_age: timedelta | None = None,
) -> int:
    """Forget what was never ended in the ordinary way; what `lasting` is the prefix of after another age."""
    f = follow.c
    lasts = func.split_part(f.refs[0].astext, "/", 1).in_(lasting)
    longest = case((lasts, lasting_age or age), else_=age)
    old = delete(follow).where(f.surface == surface, f.created_at < func.clock_timestamp() - longest)
    return (await conn.execute(old)).rowcount
