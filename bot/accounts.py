"""Chat accounts: to whom of the people that are known here an account belongs."""

from dataclasses import dataclass
from datetime import datetime

from bot.replies import Reply, Text
from storage.database import Database
from storage.people import person_by_account


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a chat platform, as the platform tells of it."""

    surface: str
    external_id: str
    name: str = ""
    email: str | None = None
    guest: bool = False


async def recognise(
    database: Database, account: Account, text: str, *, match_email: bool, now: datetime
) -> str | Reply:
    """The person's id, or a private reply that says how to get linked."""
    async with database.connect() as conn:
        person = await person_by_account(conn, account.surface, account.external_id)
    if person is not None and not account.guest:
        return person.id
    return Reply((Text("I do not know you yet: ask an admin for a link.", "heading"),), "not_allowed", private=True)
