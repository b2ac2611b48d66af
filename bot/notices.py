"""Who is told of a request: those who could approve it, of a password the asker; by their accounts of a platform."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cards_of_changes import Card, load
from engines.changes import decisions
from engines.changes.freezes import stamp
from storage import people, requests
from storage.channels import channel_scope
from storage.passwords import KEEP
from storage.requests import Request

What = Literal["asked", "reminded", "broken", "password"]
WHATS: tuple[What, ...] = ("asked", "reminded", "broken", "password")
MOST = 10
"""People who are told one by one; more are told in the approvals channel, if there is one."""


@dataclass(frozen=True, slots=True)
class Notice:
    """`accounts` of those who are told one by one; or the `channel` where they are mentioned, empty for none."""

    what: What
    request: Request
    card: Card
    accounts: Sequence[str]
    channel: str = ""


async def notice(conn: AsyncConnection, request: Request, what: What, surface: str, channel: str) -> Notice:
    """`channel` is the approvals channel that the settings name. Where people of other projects only read along
    (it is about other projects), nothing is posted: each is told alone."""
    told = await load(conn, request)
    ids = [id_ for id_, _ in await _who(conn, request, what)]
    held = await people.accounts_of(conn, ids)
    accounts = [account for id_ in ids for on, account in held.get(id_, ()) if on == surface]
    channel = "" if what == "password" else channel
    here = channel if channel and await _may_stand(conn, request, surface, channel) else ""
    return Notice(what, request, told, accounts if here else accounts[:MOST], here)


async def _who(conn: AsyncConnection, request: Request, what: What) -> list[tuple[str, str]]:
    """Who could have approved it is told of a decision that was made without them; of a password the asker alone."""
    if what == "password":
        return [(request.asker, request.asker)]
    if what != "broken":
        return await decisions.approvers(conn, request)
    return [(one, two) for one, two in await decisions.holders_of(conn, request) if one != request.asker]


async def _may_stand(conn: AsyncConnection, request: Request, surface: str, channel: str) -> bool:
    about = await channel_scope(conn, surface, channel)
    if about is None or about.everything:
        return True
    places = {(str(t["source"]), t["project_id"]) for t in request.plan["targets"]}
    return bool(places) and all(place in about.projects for place in places)


def lead(told: Notice) -> str:
    """One line for what is no card of its own."""
    request, asker = told.request, told.card.names.get(told.request.asker, told.request.asker)
    title = told.card.plan.title
    if told.what == "password":
        until = told.card.reset.ended_at + KEEP if told.card.reset and told.card.reset.ended_at else request.created_at
        return f"{title}: done. Its new password can be shown to you once, until {stamp(until)}."
    if told.what == "reminded":
        return f"{request.name} of {asker} still waits: {title}. It expires {stamp(request.approve_by)}."
    return f"Break-glass: {asker} decided {request.name} alone: {title}. Reason: {request.reason}"


async def take(conn: AsyncConnection, surface: str, what: What, id_: int) -> Request | None:
    """The request, for whichever process comes first; the notice is committed with what is sent."""
    if not await requests.tell(conn, id_, surface, what):
        return None
    return await requests.find(conn, id_)
