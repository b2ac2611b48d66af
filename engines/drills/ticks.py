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
from storage.scopes import EVERYTHING
from storage.tables import resource

__all__ = ["KIND", "plan_tick", "wish_of"]


class Scheduled(Protocol):
    """A row of `schedule`. Its arguments are texts: project, and where they are wanted source, vms (separated by
    commas), tag, most."""

    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...


async def plan_tick(conn: AsyncConnection, scheduled: Scheduled, tick: datetime, house: House) -> Plan:
    """Whether its owner may is looked up when it is asked for. Raises CannotPlanError."""
    wish = await wish_of(conn, scheduled.arguments)
    demo = any(one.demo for one in await listings(conn, kinds={"vm"}, sources={wish.source}))
    return await plan_drill(conn, EVERYTHING, wish, tick, house, demo=demo)


async def wish_of(conn: AsyncConnection, told: Mapping[str, Any]) -> Wish:
    """Raises CannotPlanError for arguments that say no drill."""
    source, project_id = await _project(conn, str(told.get("source") or ""), str(told.get("project") or ""))
    vms = tuple(one.strip() for one in str(told.get("vms") or "").split(",") if one.strip())
    most = str(told.get("most") or MOST_VMS)
    if not (most.isascii() and most.isdigit() and 1 <= int(most[:4]) <= MOST_VMS):
        raise CannotPlanError(f"most={most[:20]} is no number from 1 to {MOST_VMS}.", "correct the schedule")
    return Wish(source, project_id, vms, str(told.get("tag") or ""), int(most))


async def _project(conn: AsyncConnection, source: str, said: str) -> tuple[str, str]:
    """By id or name; raises CannotPlanError where that is none, or several."""
    c = resource.c
    if not said:
        raise CannotPlanError("It names no project.", "say which: --argument project=NAME")
    kept = [c.kind == "project", c.deleted_at.is_(None), or_(c.external_id == said, c.name == said)]
    if source:
        kept.append(c.source == source)
    found = [tuple(row) for row in await conn.execute(select(c.source, c.external_id).where(*kept).limit(20))]
    if len(found) > 1:
        found = [one for one in found if one[1] == said] or found
    if len(found) == 1:
        return str(found[0][0]), str(found[0][1])
    if not found:
        raise CannotPlanError(f"There is no project {said[:100]}.", "give its name or id, and its source")
    places = ", ".join(sorted("/".join(map(str, one)) for one in found))
    raise CannotPlanError(f"Several projects are called {said[:100]}: {places}.", "give the id and the source")
