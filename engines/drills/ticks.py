"""What the clock does: the drill of a schedule's project, planned when it is due."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.drills.planning import plan_drill
from engines.drills.wishes import KIND, MOST_VMS, Wish
from engines.plans import Plan
from engines.restore.wishes import CannotPlanError, House
from storage.listings import listings
from storage.scopes import EVERYTHING, Scope, visible
from storage.tables import resource

__all__ = ["KIND", "plan_asked", "plan_tick", "project_named"]


class Scheduled(Protocol):
    """A row of `schedule`. Its arguments are texts: project, and where they are wanted source, vms (separated by
    commas), tag, most."""

    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...


async def plan_tick(conn: AsyncConnection, scheduled: Scheduled, tick: datetime, house: House) -> Plan:
    """Whether its owner may is looked up when it is asked for. Raises CannotPlanError."""
    return await plan_asked(conn, EVERYTHING, scheduled.arguments, tick, house)


async def plan_asked(conn: AsyncConnection, scope: Scope, told: Mapping[str, Any], now: datetime, house: House) -> Plan:
    """The drill that such arguments ask for. Raises CannotPlanError."""
    wish = await _wish(conn, scope, told)
    demo = any(one.demo for one in await listings(conn, kinds={"vm"}, sources={wish.source}))
    return await plan_drill(conn, scope, wish, now, house, demo=demo)


async def _wish(conn: AsyncConnection, scope: Scope, told: Mapping[str, Any]) -> Wish:
    source, project_id = await project_named(conn, scope, str(told.get("source") or ""), str(told.get("project") or ""))
    vms = tuple(one.strip() for one in str(told.get("vms") or "").split(",") if one.strip())
    most = str(told.get("most") or MOST_VMS)
    if not (most.isascii() and most.isdigit() and len(most) <= 4 and 1 <= int(most) <= MOST_VMS):
        raise CannotPlanError(f"most={most[:20]} is no number from 1 to {MOST_VMS}.", "correct the schedule")
    return Wish(source, project_id, vms, str(told.get("tag") or ""), int(most))


async def project_named(conn: AsyncConnection, scope: Scope, source: str, said: str) -> tuple[str, str]:
    """(source, id) of a project by its id or name; raises CannotPlanError where that is none, or several."""
    c = resource.c
    if not said:
        raise CannotPlanError("No project is named.", "say which: --argument project=NAME")
    named = or_(c.external_id == said, c.name == said)
    kept = [c.kind == "project", c.deleted_at.is_(None), named, visible(scope)]
    if source:
        kept.append(c.source == source)
    rows = await conn.execute(select(c.source, c.external_id).where(*kept).order_by(c.source, c.external_id).limit(20))
    found = [(str(place), str(id_)) for place, id_ in rows]
    if len(found) > 1:
        found = [one for one in found if one[1] == said] or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise CannotPlanError(f"There is no project {said[:100]}.", "give its name or id, and its source")
    places = ", ".join(map("/".join, found))
    raise CannotPlanError(f"Several projects are called {said[:100]}: {places}.", "give the id and the source")
