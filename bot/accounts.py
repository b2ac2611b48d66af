"""From a chat account to the one person that it belongs to, or to the way to get linked.

A display name says nothing, an e-mail only where an administrator has turned that on. Whoever may not come in is
told how to, and is in the audit record.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.replies import Outcome, Reply, Text
from storage import audit, invitations, people
from storage.database import Database
from storage.people import Person

_LINK = re.compile(r"\s*[`*_]*link[`*_]*\s+[`*_<\"']*([0-9A-Za-z-]{1,100})[`*_>\"'.!]*\s*", re.IGNORECASE)
_WHAT_TO_DO: Mapping[str, str] = {
    "unknown": "I do not know this code. Look whether it is whole, or ask an administrator for a new one.",
    "used before": "This code was used already. Ask an administrator for a new one.",
    "expired": "This code has expired. Ask an administrator for a new one.",
    "disabled": "The person of this code is disabled. Ask an administrator.",
    "too many": "Too many wrong codes came from this account. Wait an hour, then try again with a new one.",
}


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a chat platform. `external_id` is what the platform never gives to another one, with its team
    where ids are only unique in a team; `name` is for reading only, `email` is what the platform vouches for."""

    surface: str
    external_id: str
    name: str = ""
    email: str | None = None
    guest: bool = False


async def recognise(
    database: Database, account: Account, text: str, *, match_email: bool, now: datetime
) -> str | Reply:
    """The id of the person whose account it is; or a reply for the account alone: how to get linked, or what came of
    the link code in `text`. Raises StorageUnavailable."""
    async with database.begin() as conn:
        return await _recognised(conn, account, text, match_email, now)


async def _recognised(
    conn: AsyncConnection, account: Account, text: str, match_email: bool, now: datetime
) -> str | Reply:
    if account.guest:
        return await _refuse(conn, account, now, "guest", "I answer members of the house only, not guests.")
    person = await people.person_by_account(conn, account.surface, account.external_id)
    code = _LINK.fullmatch(text)
    if person is not None:
        return await _known(conn, account, person, linking=code is not None, now=now)
    if code is not None:
        return await _link_by_code(conn, account, code[1], now)
    if match_email and account.email:
        return await _link_by_email(conn, account, account.email, now)
    return await _refuse(conn, account, now, "not linked", _HOW)


_HOW = (
    "An administrator can invite you: stackhand people invite PERSON prints a code. "
    "Then send me, in a direct message: link CODE"
)


async def _known(
    conn: AsyncConnection, account: Account, person: Person, *, linking: bool, now: datetime
) -> str | Reply:
    if not person.active:
        what = "You are disabled here. An administrator can change that: stackhand people enable"
        return await _refuse(conn, account, now, "disabled", what, person=person.id)
    if linking:
        return _said(f"This account is {person.name}'s already.", "The code was not used. Say: who am I", "answered")
    return person.id


async def _link_by_code(conn: AsyncConnection, account: Account, code: str, now: datetime) -> Reply:
    came = await invitations.redeem(conn, code, account.surface, account.external_id, now)
    if came.outcome != "used now":
        return await _refuse(conn, account, now, f"code {came.outcome}", _WHAT_TO_DO[came.outcome])
    person = await people.person_by_id(conn, came.person_id)
    if person is None or not await people.link_account(conn, account.surface, account.external_id, person.id):
        return await _refuse(conn, account, now, "linked meanwhile", "This account was linked a moment ago.")
    await _record(conn, account, person.id, "account.link", "done", {"via": "code"}, now)
    return _said(f"You are {person.name} now.", "Say: who am I, for what you may do. Or: help", "answered")


async def _link_by_email(conn: AsyncConnection, account: Account, email: str, now: datetime) -> str | Reply:
    """Only where one active person has the address, and no other account of this platform."""
    found = [person for person in await people.people_by_email(conn, email) if person.active]
    if len(found) != 1:
        why = "e-mail of several people" if found else "e-mail of nobody"
        return await _refuse(conn, account, now, why, _HOW)
    (person,) = found
    held = (await people.accounts_of(conn, [person.id])).get(person.id, ())
    if any(surface == account.surface for surface, _ in held):
        return await _refuse(conn, account, now, "e-mail of somebody with another account", _HOW)
    if not await people.link_account(conn, account.surface, account.external_id, person.id):
        return await _refuse(conn, account, now, "linked meanwhile", "This account was linked a moment ago. Ask again.")
    await _record(conn, account, person.id, "account.link", "done", {"via": "email"}, now)
    return person.id


async def _refuse(
    conn: AsyncConnection, account: Account, now: datetime, why: str, todo: str, *, person: str = ""
) -> Reply:
    await _record(conn, account, person, "account.refuse", "not_allowed", {"why": why}, now)
    return _said("I do not know you here." if not person else "I cannot answer you.", todo, "not_allowed")


async def _record(
    conn: AsyncConnection,
    account: Account,
    person: str,
    action: str,
    outcome: str,
    detail: Mapping[str, str],
    now: datetime,
) -> None:
    """The platform's ids, never its names: those anybody can choose."""
    known = {"surface": account.surface, "account": account.external_id}
    await audit.record(
        conn, person=person, action=action, target=person, outcome=outcome, detail={**known, **detail}, at=now
    )


def _said(what: str, todo: str, outcome: Outcome) -> Reply:
    return Reply((Text(what, "heading"), Text(todo)), outcome, private=True)
