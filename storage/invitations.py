"""One-time codes that link a chat account to a person. Of a code only the hash is kept."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text
from storage.people_tables import invitation, person, wrong_code

_BYTES = 20  # 160 random bits: 32 letters and digits
_WINDOW = timedelta(hours=1)
MOST_WRONG = 5
"""Wrong codes of one account within an hour; after that none is looked at."""

Outcome = Literal["used now", "unknown", "used before", "expired", "disabled", "too many"]


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What came of a code; `person_id` only when it was used now."""

    outcome: Outcome
    person_id: str = ""


async def invite(conn: AsyncConnection, person_id: str, *, by: str, now: datetime, valid: timedelta) -> str:
    """A new code for a person; their codes that were not used yet end with it. It is shown once and kept nowhere."""
    code = base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()
    await conn.execute(delete(invitation).where(invitation.c.person_id == person_id, invitation.c.used_at.is_(None)))
    values = {"hash": _hash(code), "person_id": person_id, "invited_by": by}
    await conn.execute(insert(invitation).values(**values, created_at=now, expires_at=now + valid))
    return "-".join(code[at : at + 8] for at in range(0, len(code), 8))


async def redeem(conn: AsyncConnection, code: str, surface: str, external_id: str, now: datetime) -> Redeemed:
    """Use a code up for an account. Of any number of attempts at once one uses it; wrong ones are counted."""
    surface, external_id = clean_text(surface), clean_text(external_id)
    key = f"{surface}\x1f{external_id}"
    await conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})
    if await _wrong(conn, surface, external_id, now) >= MOST_WRONG:
        return Redeemed("too many")
    used = (
        update(invitation)
        .where(
            invitation.c.hash == _hash(code),
            invitation.c.used_at.is_(None),
            invitation.c.expires_at > now,
            invitation.c.person_id.in_(select(person.c.id).where(person.c.active)),
        )
        .values(used_at=now)
        .returning(invitation.c.person_id)
    )
    found = (await conn.execute(used)).scalar_one_or_none()
    if found is not None:
        return Redeemed("used now", str(found))
    await conn.execute(delete(wrong_code).where(wrong_code.c.at <= now - _WINDOW))
    await conn.execute(insert(wrong_code).values(surface=surface, external_id=external_id, at=now))
    return Redeemed(await _why_not(conn, code, now))


async def _wrong(conn: AsyncConnection, surface: str, external_id: str, now: datetime) -> int:
    query = (
        select(func.count())
        .select_from(wrong_code)
        .where(
            wrong_code.c.surface == surface, wrong_code.c.external_id == external_id, wrong_code.c.at > now - _WINDOW
        )
    )
    return int((await conn.execute(query)).scalar_one())


async def _why_not(conn: AsyncConnection, code: str, now: datetime) -> Outcome:
    """Told to whoever holds a whole code: nobody finds one by guessing."""
    row = (await conn.execute(select(invitation).where(invitation.c.hash == _hash(code)))).first()
    if row is None:
        return "unknown"
    if row.used_at is not None:
        return "used before"
    return "expired" if row.expires_at <= now else "disabled"


def _hash(code: str) -> bytes:
    return hashlib.sha256(re.sub(r"[^0-9a-z]", "", code.lower()).encode()).digest()
