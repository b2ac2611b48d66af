"""Which migrations a person may see, and how much of each: the question that every page of a plan begins with."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.migrating import viewer_of
from bot.people import Principal
from engines.policy import decide
from storage import migration_sights
from storage.migration_sights import Places, Sight

_INTENT, _RISK = "migration_summary", "read"


def places_of(who: Principal) -> Places:
    """Where a role is held by name. What holds everywhere is not among them."""
    domains = frozenset((one.source, one.domain_id) for one in who.held if one.source and one.domain_id)
    return Places(frozenset(who.on), domains)


async def sights_of(conn: AsyncConnection, who: Principal) -> list[Sight]:
    """The newest first; none for a person without a role, though they uploaded one when they had it."""
    if not decide(_INTENT, _RISK, who.roles).allowed:
        return []
    return await migration_sights.sights(conn, await viewer_of(conn, who, None), places_of(who))


async def sight_of(conn: AsyncConnection, who: Principal, id_: int) -> Sight | None:
    if not decide(_INTENT, _RISK, who.roles).allowed:
        return None
    return await migration_sights.sight(conn, await viewer_of(conn, who, None), places_of(who), id_)
