"""What is shown when somebody opens something: the home tab, the prompts of an assistant thread, a form."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.slack.home import Health, OpenRequest, Topic, home_view, unknown_view
from bot.adapters.slack.modals import error_view
from bot.deciding import state_of, waits_for
from bot.handlers.registry import find_handlers
from bot.people import Principal, principal
from bot.replies import Choice, Reply, Text
from bot.starters import STARTERS
from engines.changes.freezes import stamp
from engines.changes.rights import Spot
from engines.policy import decide
from intents.registry import Catalogue, Intent, load_catalogue
from storage import requests
from storage.database import Database
from storage.listings import Listed, listings
from storage.requests import Request

_MOST_PROMPTS = 4


def prompts() -> list[dict[str, str]]:
    """What an assistant thread offers to say first."""
    return [{"title": one.label, "message": one.said} for one in STARTERS[:_MOST_PROMPTS]]


class Openings:
    """The home tab of a person, as their rights are now."""

    def __init__(self, database: Database, catalogue: Catalogue | None = None) -> None:
        self._database = database
        catalogue = catalogue or load_catalogue()
        built = find_handlers(catalogue).by_intent
        self._built = [intent for intent in catalogue.intents.values() if intent.name in built and not intent.writes]

    async def home(self, person: str | Reply, now: datetime) -> dict[str, Any]:
        """Of a person, or of somebody whom nobody knows: how that is changed."""
        if isinstance(person, Reply):
            return unknown_view(" ".join(words(person)))
        async with self._database.connect() as conn:
            who = await principal(conn, person)
            if who is None:
                return unknown_view("You have no access any more: ask an administrator.")
            health = await _health(conn, who)
            mine, waiting = await _requests(conn, who)
        topics = tuple(_topics([i for i in self._built if decide(i.name, i.risk, who.roles).allowed]))
        return home_view(
            person=who.name, rights=who.grants, mine=mine, waiting=waiting, health=health, topics=topics, now=now
        )


def refusal(reply: Reply) -> dict[str, Any]:
    """The same in a window."""
    what, *fix = words(reply)
    return error_view(what, " ".join(fix))


def words(reply: Reply) -> Sequence[str]:
    """The paragraphs of a reply, at least one."""
    return [part.text for part in reply.parts if isinstance(part, Text)] or ["That did not work."]


async def _requests(conn: AsyncConnection, who: Principal) -> tuple[list[OpenRequest], list[OpenRequest]]:
    """Those of this person that are open, and those that they could decide on."""
    found = await requests.listed(conn, who.scope, who.id)
    waiting = [one for one in found if await waits_for(conn, who.id, one, Spot())]
    return [_open(one) for one in found if one.asker == who.id], [_open(one) for one in waiting]


def _open(one: Request) -> OpenRequest:
    until = f", expires {stamp(one.approve_by)}" if one.state == "pending" else ""
    return OpenRequest(one.name, str(one.plan["title"]), f"{state_of(one)}{until}", f"show #request/{one.token}")


async def _health(conn: AsyncConnection, who: Principal) -> tuple[Health, ...]:
    """Each source that this person sees anything of."""
    known = [one for one in await listings(conn) if who.scope.everything or one.source in who.scope.sources]
    sources = dict.fromkeys(one.source for one in known)
    return tuple(_source(name, [one for one in known if one.source == name]) for name in sources)


def _source(name: str, known: Sequence[Listed]) -> Health:
    bad = [one for one in known if one.outcome != "complete"]
    if not bad:
        return Health(name, True, f"all {len(known)} kinds were listed")
    kinds = ", ".join(one.kind for one in bad[:5])
    return Health(name, False, f"old data of {kinds}: {bad[0].detail or bad[0].outcome}", bad[0].fix)


def _topics(allowed: Sequence[Intent]) -> Iterator[Topic]:
    for name in dict.fromkeys(intent.topic for intent in allowed):
        said = [example for intent in allowed if intent.topic == name for example in intent.examples[:1]]
        yield Topic(name, tuple(Choice(one, one) for one in said))
