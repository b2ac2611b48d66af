"""A small world to ask about: two customers, acme and globex, on two clouds, with a past and with faults.

Everything of globex bears "globex", "gx" or an address of 10.66, so that a leak is seen; `foreign` lists it all.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.adapters.text import render
from bot.messages import Message
from bot.pipeline import Pipeline
from bot.replies import Choices, Reply, Table, Text
from engines.clouds import CloudError, Resource
from engines.inventory.collect import sync_source
from intents.registry import load_catalogue
from storage.database import Database
from storage.people import Grant, add_person, grant, set_active
from tests.bot.world_base import LAB, PCD, project_id
from tests.bot.world_rows import changed, lab_rows, pcd_rows
from tests.engines.inventory.small_cloud import SmallCloud

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CATALOGUE = load_catalogue()
ANN = (Grant("viewer", PCD, project_id("acme-prod")), Grant("viewer", PCD, project_id("acme-dev")),
       Grant("operator", LAB, project_id("acme-lab")))  # fmt: skip
PEOPLE: dict[str, tuple[Grant, ...]] = {
    "root": (Grant("superadmin"),),
    "vic": (Grant("viewer"),),
    "ann": ANN,
    "gus": (Grant("viewer", PCD, project_id("globex-prod")),),
    "nobody": (),
    "gone": (Grant("superadmin"),),
}


@dataclass
class World:
    """The database with everything in it, and a way to ask. Every `ask` without a conversation begins a new one."""

    database: Database
    pipeline: Pipeline
    clouds: tuple[SmallCloud, ...]
    now: datetime = NOW
    numbers: Iterator[int] = field(default_factory=itertools.count)

    async def ask(self, said: str, by: str = "root", *, where: str = "", at: datetime | None = None) -> Reply:
        """The first reply."""
        return (await self.ask_all(said, by, where=where, at=at))[0]

    async def ask_all(
        self, said: str, by: str = "root", *, where: str = "", at: datetime | None = None
    ) -> Sequence[Reply]:
        number = next(self.numbers)
        message = Message(f"m{number}", by, where or f"c{number}", said, at or self.now)
        return await self.pipeline.answer(message)


async def build(database: Database) -> World:
    """Three syncs: three days ago, five hours ago with changes and a deletion, ten minutes ago with a kind refused."""
    pcd = SmallCloud(PCD, "openstack", rows=pcd_rows())
    lab = SmallCloud(LAB, "openstack", demo=True, rows=lab_rows())
    await sync_source(database, pcd, at=NOW - timedelta(days=3))
    await sync_source(database, lab, at=NOW - timedelta(days=3))
    pcd.rows = changed(pcd_rows())
    await sync_source(database, pcd, at=NOW - timedelta(hours=5))
    pcd.errors["snapshot"] = CloudError("refused", "Cinder said 403", "give the account the role reader")
    await sync_source(database, pcd, at=NOW - timedelta(minutes=10))
    await sync_source(database, lab, at=NOW - timedelta(minutes=20))
    async with database.begin() as conn:
        for person, grants in PEOPLE.items():
            await add_person(conn, person, person.capitalize())
            for one in grants:
                await grant(conn, person, one, "test")
        await set_active(conn, "gone", False)
    return World(database, Pipeline(database, catalogue=CATALOGUE, clock=lambda: NOW), (pcd, lab))


def shown(reply: Reply, now: datetime = NOW) -> str:
    """The reply as a wide terminal shows it, nothing cut."""
    return render(reply, now, width=400)


def heading(reply: Reply) -> str:
    return next(part.text for part in reply.parts if isinstance(part, Text) and part.style in ("heading", "warning"))


def table(reply: Reply, at: int = 0) -> Table:
    return [part for part in reply.parts if isinstance(part, Table)][at]


def said_by(reply: Reply) -> list[str]:
    """What the buttons of a reply say."""
    return [choice.said for part in reply.parts if isinstance(part, Choices) for choice in part.choices]


def column(of: Table, name: str) -> list[Any]:
    at = [one.name for one in of.columns].index(name)
    return [row[at] for row in of.rows]


def resources(world: World) -> Iterator[Resource]:
    for cloud in world.clouds:
        for rows in cloud.rows.values():
            yield from rows
