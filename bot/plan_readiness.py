"""Whether the tenants of a migration can be moved, for a page that shows it: the whole plan is made again for it.

That takes seconds for thousands of VMs, so it is done for one page at a time, and kept until somebody decides
something, or for two minutes: the target goes on meanwhile.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.migrating import plan_made
from bot.migration_targets import networks_mapped, projects_mapped, target_state
from bot.people import Principal
from storage.migration_pages import decided_at
from storage.migration_sights import Sight

if TYPE_CHECKING:
    from engines.migration.readiness import Readiness

_LASTS_S = 120.0
_MOST = 50


@dataclass(frozen=True, slots=True)
class Look:
    conn: AsyncConnection
    who: Principal


@dataclass(frozen=True, slots=True)
class Ready:
    """`refused` says why there is no plan that could be looked at."""

    tenants: "Sequence[Readiness]" = ()
    refused: str = ""


class ReadyPlans:
    """One for a process. What is kept is kept for one person, as the target may look otherwise to another."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[object, ...], tuple[float, Ready]] = OrderedDict()
        self._one_at_a_time = asyncio.Semaphore(1)

    async def of(self, look: Look, sight: Sight) -> Ready:
        """The tenants that may be seen, by name."""
        async with self._one_at_a_time:
            found = await self._of(look, sight)
        if sight.tenants is None:
            return found
        return Ready(tuple(one for one in found.tenants if one.tenant in sight.tenants), found.refused and _NOT_NOW)

    async def _of(self, look: Look, sight: Sight) -> Ready:
        key = (look.who.id, sight.project.id, sight.tenants, await decided_at(look.conn, sight.project.id))
        at, kept = self._kept.get(key, (0.0, None))
        if kept is None or self._clock() - at > _LASTS_S:
            kept = await _made(look, sight)
            self._kept[key] = (self._clock(), kept)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return kept


_NOT_NOW = "there is no plan that holds just now"


async def _made(look: Look, sight: Sight) -> Ready:
    from engines.migration.dependencies import CircleFound
    from engines.migration.target_reports import compare_target

    id_ = sight.project.id
    try:
        plan = await plan_made(look.conn, sight.project)
    except (CircleFound, ValueError) as refused:
        return Ready(refused=str(refused))
    target = await target_state(look)
    projects = await projects_mapped(look, id_, plan)
    networks = await networks_mapped(look, id_, plan, target)
    report = await asyncio.to_thread(compare_target, plan, target, projects, networks, only=sight.only)
    return Ready(report.readiness)
