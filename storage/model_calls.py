"""How often a model was asked today: counted in the audit record, so that no restart forgets it."""

from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import audit
from storage.tables import audit as rows

ACTION = "model.ask"
_LOCK = 7_203_005


async def spend(
    conn: AsyncConnection, *, person: str, at: datetime, model: str, of_person: int, of_all: int, conversation: str = ""
) -> bool:
    """Record one more call of this person, unless theirs or everybody's of the UTC day are used up.

    The call counts whether it works or not. Two at once cannot both take the last one.
    """
    await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    mine = func.count().filter(rows.c.person == person)
    query = select(mine, func.count()).where(rows.c.at >= day, rows.c.action == ACTION)
    by_person, by_all = (await conn.execute(query)).one()
    if by_person >= of_person or by_all >= of_all:
        return False
    detail = {"model": model, "conversation": conversation}
    await audit.record(conn, person=person, action=ACTION, outcome="asked", at=at, detail=detail)
    return True
