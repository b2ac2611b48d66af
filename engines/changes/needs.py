"""What a plan needs of somebody, with the rules, rights and freezes as they are now."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.changes import rules
from engines.changes.rights import Spot, roles_at
from engines.changes.rules import Need, Rule, Site
from engines.changes.voices import SCHEDULE
from engines.plans import Plan
from engines.policy import decide
from storage import change_rules, inventory
from storage.change_tables import schedule
from storage.inventory import Found
from storage.scopes import EVERYTHING

Roles = Mapping[tuple[str, str | None], frozenset[str]]


async def rules_in_force(conn: AsyncConnection) -> tuple[Rule, ...]:
    return rules.in_force(await change_rules.load(conn))


async def roles_of(conn: AsyncConnection, asker: str, plan: Plan, spot: Spot) -> Roles | None:
    """What the asker holds where the plan changes something; of a schedule its owner. None: nobody, or disabled."""
    if asker.startswith(SCHEDULE):
        name = asker.removeprefix(SCHEDULE)
        owner = (await conn.execute(select(schedule.c.owner).where(schedule.c.name == name))).scalar_one_or_none()
        return await roles_at(conn, owner, plan.projects, spot) if owner else None
    return await roles_at(conn, asker, plan.projects, spot)


def lacks(plan: Plan, roles: Roles) -> str:
    """The least role that the asker does not hold at every place; empty when they do, "-" when nobody may."""
    risk = rules.RISKS.get(plan.kind, "approve")
    verdicts = [decide(plan.kind, risk, held) for held in roles.values()]
    wrong = next((one for one in verdicts if not one.allowed), None)
    return (wrong.needs or "-") if wrong else ""


async def need(conn: AsyncConnection, asker: str, plan: Plan, roles: Roles) -> Need:
    """A plan with a name to be typed always waits for somebody who types it, whatever the rules say."""
    sites = await _sites(conn, plan, roles)
    by = "schedule" if asker.startswith(SCHEDULE) else "person"
    found = rules.needed(await rules_in_force(conn), plan.kind, sites, by=by)
    return replace(found, mode="confirm") if plan.typed and found.mode == "at_once" else found


async def _sites(conn: AsyncConnection, plan: Plan, roles: Roles) -> list[Site]:
    refs = [(source, project) for source, project in plan.projects if project is not None]
    known = await inventory.names_of(conn, EVERYTHING, "project", refs)
    house = [Site(roles=held) for (source, _), held in roles.items() if not source]
    return house + [
        _site(source, project, known.get((source, project or "")), roles.get((source, project), frozenset()))
        for source, project in sorted(plan.projects, key=lambda place: (place[0], place[1] or ""))
    ]


def _site(source: str, project: str | None, found: Found | None, roles: frozenset[str]) -> Site:
    if found is None:
        return Site(source, project or "", roles=roles)
    domain_id, domain = (str(found.value(name) or "") for name in ("domain_id", "domain"))
    return Site(source, project or "", found.name, domain_id, domain, roles)
