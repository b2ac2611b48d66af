"""Which migrations a person may see, and how much of each: what every page of a plan and every answer begins with."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Channel
from bot.people import Principal
from engines.policy import decide
from storage import migration_sights
from storage.channels import channel_scope
from storage.migration_projects import Viewer
from storage.migration_sights import Places, Reach, Sight

_INTENT, _RISK = "migration_summary", "read"
_ADMINS = frozenset({"admin", "superadmin"})


async def viewer_of(conn: AsyncConnection, who: Principal, channel: Channel | None) -> Viewer:
    """In a channel that is bound to a customer only what was uploaded there is known, by whomever it is asked."""
    everything = not _ADMINS.isdisjoint(who.everywhere)
    bound = channel is not None and await channel_scope(conn, channel.surface, channel.id) is not None
    if channel is not None and bound:
        return Viewer(who.id, everything, channel.surface, channel.id)
    return Viewer(who.id, everything)


def places_of(who: Principal) -> Places:
    """Where a role is held by name. What holds everywhere is not among them."""
    domains = frozenset((one.source, one.domain_id) for one in who.held if one.source and one.domain_id)
    return Places(frozenset(who.on), domains)


async def sights_of(conn: AsyncConnection, who: Principal, channel: Channel | None = None) -> list[Sight]:
    """The newest first; none for a person without a role, though they uploaded one when they had it."""
    if not decide(_INTENT, _RISK, who.roles).allowed:
        return []
    return await migration_sights.sights(conn, await viewer_of(conn, who, channel), places_of(who))


async def reaches_of(conn: AsyncConnection, who: Principal, channel: Channel | None) -> list[Reach]:
    """The same, for looking names up that a message says."""
    if not decide(_INTENT, _RISK, who.roles).allowed:
        return []
    return await migration_sights.reaches(conn, await viewer_of(conn, who, channel), places_of(who))


async def sight_of(conn: AsyncConnection, who: Principal, id_: int) -> Sight | None:
    if not decide(_INTENT, _RISK, who.roles).allowed:
        return None
    return await migration_sights.sight(conn, await viewer_of(conn, who, None), places_of(who), id_)
