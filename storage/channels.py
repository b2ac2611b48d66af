"""Channels that are about something: what is answered there is cut by it."""

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text
from storage.people_tables import channel_binding
from storage.scopes import Place, Scope, scope_of


@dataclass(frozen=True, slots=True)
class Binding:
    surface: str
    channel: str
    place: Place


async def bind(conn: AsyncConnection, bound: Binding, by: str) -> bool:
    """False when it is bound to this already. A channel may be bound to several places: it is about all of them."""
    place = {"source": bound.place.source, "domain_id": bound.place.domain_id, "project_id": bound.place.project_id}
    query = upsert(channel_binding).values(surface=bound.surface, channel=bound.channel, bound_by=by, **place)
    return (await conn.execute(query.on_conflict_do_nothing())).rowcount == 1


async def unbind(conn: AsyncConnection, surface: str, channel: str) -> int:
    """How many places it was bound to."""
    c = channel_binding.c
    return int((await conn.execute(delete(channel_binding).where(c.surface == surface, c.channel == channel))).rowcount)


async def bindings(conn: AsyncConnection, surface: str = "", channel: str = "") -> list[Binding]:
    c = channel_binding.c
    query = select(channel_binding).order_by(c.surface, c.channel, c.id)
    if channel:
        query = query.where(c.surface == clean_text(surface), c.channel == clean_text(channel))
    return [
        Binding(row.surface, row.channel, Place(row.source, row.domain_id, row.project_id))
        for row in await conn.execute(query)
    ]


async def channel_scope(conn: AsyncConnection, surface: str, channel: str) -> Scope | None:
    """What a channel is about; None for one that is bound to nothing."""
    found = await bindings(conn, surface, channel)
    return await scope_of(conn, [one.place for one in found]) if found else None
