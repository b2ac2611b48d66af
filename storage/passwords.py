"""Passwords that were set anew: kept sealed for the asker alone, gone as soon as they were shown or it is too late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Select, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.change_tables import job
from storage.password_tables import password_reader, password_reset

State = Literal["trying", "set", "unsure", "refused"]
KEEP = timedelta(minutes=15)
"""How long after the end of its job a password may still be shown."""
ALIVE = timedelta(seconds=60)
"""A process that was not seen for so long cannot show anything any more."""
_FORGET = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reset:
    """`sealed` is empty when there is nothing to show any more, or never was. `job_state` and `ended_at` of its job."""

    job_id: int
    asker: str
    vm_id: str
    reader: str
    sealed: bytes
    state: State
    shown_at: datetime | None
    job_state: str
    ended_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether its job has ended in another way than well: then what it made was taken away again."""
        return self.ended_at is not None and self.job_state != "done"

    def can_be_shown(self, now: datetime) -> bool:
        if not self.sealed or self.state not in ("set", "unsure") or self.job_state != "done":
            return False
        return self.ended_at is not None and now < self.ended_at + KEEP


_P = password_reset.c
_QUERY = select(
    _P.job_id, _P.asker, _P.vm_id, _P.reader, _P.sealed, _P.state, _P.shown_at, job.c.state.label("job_state"),
    job.c.ended_at,
).join(job, job.c.id == _P.job_id)  # fmt: skip


async def beat(conn: AsyncConnection, key: str) -> None:
    """The process that holds the private key of `key` lives."""
    query = upsert(password_reader).values(key=key)
    alive = {"seen_at": func.clock_timestamp()}
    await conn.execute(query.on_conflict_do_update(index_elements=[password_reader.c.key], set_=alive))
    await conn.execute(delete(password_reader).where(password_reader.c.seen_at < func.clock_timestamp() - _FORGET))


async def leave(conn: AsyncConnection, key: str) -> None:
    await conn.execute(delete(password_reader).where(password_reader.c.key == key))


async def is_alive(conn: AsyncConnection, key: str) -> bool:
    r = password_reader.c
    query = select(r.key).where(r.key == key, r.seen_at > func.clock_timestamp() - ALIVE)
    return (await conn.execute(query)).first() is not None


async def keep(conn: AsyncConnection, job_id: int, vm_id: str, reader: str, sealed: bytes) -> None:
    """Before the cloud is asked to take it; of an earlier attempt only the last one counts."""
    values = select(job.c.id, job.c.asked_by, literal(vm_id), literal(reader), literal(sealed)).where(
        job.c.id == job_id
    )
    query = upsert(password_reset).from_select(["job_id", "asker", "vm_id", "reader", "sealed"], values)
    new = {"sealed": query.excluded.sealed, "state": "trying", "vm_id": vm_id, "made_at": func.clock_timestamp()}
    await conn.execute(query.on_conflict_do_update(index_elements=[password_reset.c.job_id], set_=new))


async def settle(conn: AsyncConnection, job_id: int, state: State) -> None:
    """What came of it; what the cloud refused is no password of anything, and goes at once."""
    gone = {"sealed": None} if state == "refused" else {}
    await conn.execute(update(password_reset).where(password_reset.c.job_id == job_id).values(state=state, **gone))


async def found(conn: AsyncConnection, job_id: int, *, lock: bool = False) -> Reset | None:
    """`lock`: whoever else wants to show it waits until this transaction ends."""
    query = _QUERY.where(password_reset.c.job_id == job_id)
    row = (await conn.execute(query.with_for_update(of=password_reset) if lock else query)).mappings().first()
    return None if row is None else _reset(row)


async def of_jobs(conn: AsyncConnection, job_ids: Sequence[int]) -> dict[int, Reset]:
    rows = (await conn.execute(_QUERY.where(password_reset.c.job_id.in_(list(job_ids))))).mappings()
    return {row["job_id"]: _reset(row) for row in rows}


def _reset(row: RowMapping) -> Reset:
    return Reset(**{**row, "sealed": bytes(row["sealed"] or b"")})


def waiting() -> Select[tuple[int]]:
    """The jobs whose password can be shown now."""
    p, since = password_reset.c, func.clock_timestamp() - KEEP
    query = select(p.job_id).join(job, job.c.id == p.job_id)
    return query.where(p.sealed.is_not(None), job.c.state == "done", job.c.ended_at > since)


async def shown(conn: AsyncConnection, job_id: int, now: datetime) -> None:
    """It was shown: from now on nobody can be shown it again."""
    await conn.execute(
        update(password_reset).where(password_reset.c.job_id == job_id).values(sealed=None, shown_at=now)
    )


async def lapse(conn: AsyncConnection) -> int:
    """Delete what it is too late for, and what belongs to something that was undone; how many."""
    late = or_(job.c.state != "done", job.c.ended_at < func.clock_timestamp() - KEEP)
    query = update(password_reset).where(
        password_reset.c.job_id == job.c.id, password_reset.c.sealed.is_not(None), job.c.ended_at.is_not(None), late
    )
    return int((await conn.execute(query.values(sealed=None))).rowcount)
