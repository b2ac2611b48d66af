"""The people of the demo: one of each role, and one of a single customer, so that rights can be seen at work."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.people import LOCAL
from bot.web.speakers import Speaker
from storage import audit, people, search
from storage.people import Grant
from storage.scopes import EVERYTHING

_BY = "demo"


@dataclass(frozen=True, slots=True)
class Invented:
    """`domain` is the customer that the role is for, on every source that has it; empty: everywhere."""

    id: str
    name: str
    role: str
    domain: str = ""

    @property
    def speaker(self) -> Speaker:
        return Speaker(self.id, self.name, f"{self.role} of {self.domain} only" if self.domain else self.role)


PEOPLE = (
    Invented("alice", "Alice", "viewer"),
    Invented("bob", "Bob", "operator"),
    Invented("carol", "Carol", "admin"),
    Invented("dave", "Dave", "operator", "acme"),
    Invented("erin", "Erin", "superadmin"),
)
SPEAKERS = (Speaker(LOCAL, "Yourself", "may do everything"), *(one.speaker for one in PEOPLE))


async def make_people(conn: AsyncConnection) -> None:
    """Those who are not known yet; what was changed about the others in an earlier demo stays. Needs the inventory."""
    for one in PEOPLE:
        if await people.add_person(conn, one.id, one.name):
            grants = await _grants(conn, one)
            for grant in grants:
                await people.grant(conn, one.id, grant, _BY)
            detail = {"role": one.role, "domain": one.domain, "places": len(grants)}
            await audit.record(conn, person=_BY, action="people.add", target=one.id, outcome="done", detail=detail)


async def _grants(conn: AsyncConnection, one: Invented) -> list[Grant]:
    if not one.domain:
        return [Grant(one.role)]
    found = await search.named(conn, EVERYTHING, [one.domain])
    places = dict.fromkeys((hit.source, hit.external_id) for hit in found if hit.kind == "domain")
    return [Grant(one.role, source=source, domain_id=id_) for source, id_ in places]
