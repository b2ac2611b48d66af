"""The audit chain: who did what. Append only; every row's hash covers the row before it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, text
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text, json_text
from storage.tables import audit

_LOCK = 7_203_002
_GENESIS = bytes(32)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    at: datetime
    person: str
    action: str
    target: str
    outcome: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain. Kept elsewhere, it shows a tail that was cut."""

    id: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rows` were read; `bad` is the id of the first row that is not as it was written, with `why`."""

    rows: int
    bad: int | None = None
    why: str = ""


async def lock(conn: AsyncConnection) -> None:
    """Wait for other writers now, until the transaction ends: for those that lock rows before they record, so that
    no two wait for each other."""
    await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def record(
    conn: AsyncConnection,
    *,
    person: str,
    action: str,
    target: str = "",
    outcome: str,
    detail: Mapping[str, Any] = _NOTHING,
    at: datetime | None = None,
) -> int:
    """Append a row in the caller's transaction: the act and its record are committed together, or neither is.

    Writers wait for one another from here to the end of their transactions, so record last. Returns the row's id.
    """
    await lock(conn)
    last = await head(conn)
    values = {
        "id": last.id + 1 if last else 1,
        "at": at or datetime.now(UTC),
        "person": clean_text(person),
        "action": clean_text(action),
        "target": clean_text(target),
        "outcome": clean_text(outcome),
        "detail": json.loads(json_text(detail), parse_float=_number),
    }
    previous = last.hash if last else _GENESIS
    await conn.execute(insert(audit).values(**values, prev_hash=previous, hash=_hash(previous, values)))
    return int(values["id"])


def _number(written: str) -> int | float:
    """A number that PostgreSQL gives back as it was given: 1e16 would come back as an integer, -0.0 as 0.0."""
    value = float(written)
    return int(value) if value.is_integer() else value


def _hash(previous: bytes, row: Mapping[str, Any] | RowMapping) -> bytes:
    """sha256 over the hash before and the canonical JSON (sorted keys, no blanks, UTC to the microsecond)."""
    told = [
        row["id"],
        row["at"].astimezone(UTC).isoformat(timespec="microseconds"),
        *(row[name] for name in ("person", "action", "target", "outcome", "detail")),
    ]
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(previous + canonical.encode()).digest()


async def head(conn: AsyncConnection) -> Head | None:
    query = select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)
    row = (await conn.execute(query)).first()
    return Head(row.id, bytes(row.hash)) if row else None


async def verify(conn: AsyncConnection, *, known: Head | None = None) -> Verdict:
    """Read the whole chain, a few rows at a time; `known` is a head noted earlier, which must still be in it."""
    rows, previous = 0, _GENESIS
    stream = await conn.stream(select(audit).order_by(audit.c.id).execution_options(yield_per=1000))
    async for row in stream.mappings():
        why = _wrong(row, rows + 1, previous, known)
        if why:
            return Verdict(rows, rows + 1, why)
        rows, previous = rows + 1, bytes(row["hash"])
    if known is not None and known.id > rows:
        return Verdict(rows, rows + 1, f"the end was cut off: row {known.id} was there before")
    return Verdict(rows)


def _wrong(row: RowMapping, expected: int, previous: bytes, known: Head | None) -> str:
    if row["id"] != expected:
        return f"it is missing: row {row['id']} follows row {expected - 1}"
    if bytes(row["prev_hash"]) != previous:
        return "it does not follow from the row before: one of the two was replaced, moved or inserted"
    if bytes(row["hash"]) != _hash(previous, row):
        return "it was edited after it was written"
    if known is not None and known.id == expected and known.hash != bytes(row["hash"]):
        return "the chain up to here was written anew: it differs from the head that was noted"
    return ""


async def entries(
    conn: AsyncConnection,
    *,
    person: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
) -> tuple[list[Entry], int]:
    """The newest `limit` rows, and how many there are in all. `since` is inclusive, `until` exclusive."""
    kept: list[ColumnElement[bool]] = []
    if person:
        kept.append(func.lower(audit.c.person) == person.lower())
    if since is not None:
        kept.append(audit.c.at >= since)
    if until is not None:
        kept.append(audit.c.at < until)
    total = (await conn.execute(select(func.count()).select_from(audit).where(*kept))).scalar_one()
    query = select(*(audit.c[name] for name in Entry.__slots__)).where(*kept).order_by(audit.c.id.desc()).limit(limit)
    return [Entry(**row) for row in (await conn.execute(query)).mappings()], int(total)
