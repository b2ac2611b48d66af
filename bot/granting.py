"""Roles as sentences give and take them: whom they mean. People are no part of the inventory, and nobody but those
who may give roles learns from an answer who is there.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import unquote
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.naming import entries_in
from bot.people import Principal
from engines.policy import ROLES
from intents.matcher import Matcher
from intents.names import Names, spans
from intents.readings import Evidence, Name, Reading
from storage.people import Person, people_called, person_by_id

HOUSE = "stackhand"
"""The source of names that are people of Stackhand itself."""
CONFIRMED = "confirmed"
_SURE = 0.6  # of a reading that is not taken for one about roles
_INTENTS = ("role_grant", "role_revoke")
_INVENTORY_PEOPLE = frozenset({"user", "owner", "role"})
_ROLE = "|".join(ROLES)
_TOLD = re.compile(
    r"\b(?:make|grant|give|given|assign|appoint|promote|become|becomes|revoke|remove|take|strip|withdraw|should|longer)\b",
    re.IGNORECASE,
)
_MARKED = re.compile(r"(?:\buser\s+)?(?:\"[^\"]*\"|\S+)\s#" + HOUSE + r"/(\S{1,400})(?=\s|$)")
_CONFIRM = re.compile(r"\s#confirm/([0-9a-f]{16})(?=\s|$)")
_WHO = r"(\"[^\"]+\"|[^\s\"]+(?:\s[^\s\"]+)?)"
_WHOM = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:make|grant|give|assign|appoint|promote)\s+{_WHO}\s+(?:(?:the|to|an?|as|role)\s+)*(?:{_ROLE})\b",
        rf"\b(?:grant|give|assign)\s+(?:the\s+)?(?:role\s+)?(?:{_ROLE})(?:\s+role)?\s+to\s+(\"[^\"]+\"|[^\s\"]+)",
        r"\b(?:revoke|remove|take|take away|strip)\s+(\"[^\"]+\"|[^\s\"]+?)(?:'s|’s)\s",
        rf"\b(?:revoke|remove|take|withdraw)\s+(?:the\s+)?(?:{_ROLE})(?:\s+role)?\s+(?:away\s+)?from\s+(\"[^\"]+\"|[^\s\"]+)",
    )
)


async def about_roles(
    conn: AsyncConnection, who: Principal, text: str, matcher: Matcher, now: datetime, readings: Sequence[Reading]
) -> Sequence[Reading]:
    """The readings, or the one about roles where the sentence is more likely about them."""
    first = readings[0]
    sure = first.ask is None and first.confidence >= _SURE
    named = any(pattern.search(text) for pattern in _WHOM)  # a person and a role, however the rest was read
    near = named or first.intent in (None, "roles", *_INTENTS) or first.slots.get("kind") == "role"
    if sure and not near and not _MARKED.search(text):
        return readings
    found = await read_grant(conn, who, text, matcher, now)
    if found is None:
        return readings
    whole = found.ask is None or found.ask.slot in ("user", "role")
    return (found,) if whole or near else readings


async def read_grant(
    conn: AsyncConnection, who: Principal, text: str, matcher: Matcher, now: datetime
) -> Reading | None:
    """What a sentence says about roles of Stackhand; None when it is about something else."""
    if not _TOLD.search(text):
        return None
    confirmed = _CONFIRM.search(text)
    text, pinned = await _pinned(conn, who, _CONFIRM.sub("", text))
    plain, entries = await entries_in(conn, who.scope, text)
    kept = [(span, name) for span, name in entries if name.kind not in _INVENTORY_PEOPLE]
    people = pinned or [(span, _name(one)) for span, one in await _people(conn, who, plain)] or _unknown(plain)
    roles = [(role, Name("role", role, role, source=HOUSE)) for role in ROLES]
    reading = matcher.read(plain, Names([*kept, *people, *roles]), now)
    if reading.intent not in _INTENTS:
        return None
    if reading.ask is not None and reading.ask.why == "confirm":
        reading = replace(reading, ask=None)  # the answer is a preview, and asks by itself
    if confirmed:
        reading = replace(reading, evidence=(*reading.evidence, Evidence(confirmed[1], CONFIRMED)))
    return reading


def _name(person: Person) -> Name:
    return Name("user", person.name, person.id, domain=person.email or person.id, source=HOUSE)


async def _people(conn: AsyncConnection, who: Principal, plain: str) -> list[tuple[str, Person]]:
    """Everybody who is called as a part of the sentence: by id, whole name, e-mail or account."""
    if "superadmin" not in who.everywhere:
        return []
    return await people_called(conn, [span for span in spans(plain) if span not in ROLES])


async def _pinned(conn: AsyncConnection, who: Principal, text: str) -> tuple[str, list[tuple[str, Name]]]:
    """A person that a button names by id, under a word that any sentence can hold."""
    found = _MARKED.search(text)
    if found is None or "superadmin" not in who.everywhere:
        return text, []
    person = await person_by_id(conn, unquote(found[1]))
    word = f"x{uuid5(NAMESPACE_OID, found[1]).hex[:15]}x"
    text = f"{text[: found.start()]}{word}{text[found.end() :]}"
    return text, [(word, _name(person) if person else Name("user", unquote(found[1])))]


def _unknown(plain: str) -> list[tuple[str, Name]]:
    """Whoever is meant, for somebody that we do not know."""
    found = next((match[1] for pattern in _WHOM if (match := pattern.search(plain))), "").strip('"')
    return [(found.lower(), Name("user", found))] if found and found.lower() not in ROLES else []
