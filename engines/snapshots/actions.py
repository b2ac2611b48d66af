"""The steps of changes to snapshots."""

from datetime import datetime
from typing import Any

from engines.actions import Action, Doing, Result
from engines.clouds.acting import ActError, Acting
from engines.snapshots.assigning_actions import SetPolicies
from engines.snapshots.batches import Batch
from engines.snapshots.closed import Closed
from engines.snapshots.deleting import DeleteSnapshot
from engines.snapshots.grouping import GroupSnapshot, PauseVm, ResumeVm
from engines.snapshots.making import Maker, Order
from engines.snapshots.ordering import order_of
from engines.snapshots.pacing import Pace, Tempo
from storage import snapshot_runs as rows


class SnapshotBatch:
    """The copies of a policy for the volumes of one project. What it made stays, whatever becomes of the run."""

    def __init__(self, tempo: Tempo | None = None) -> None:
        self._tempo = tempo or Tempo()

    @property
    def name(self) -> str:
        return "snapshot.batch"

    async def look(self, doing: Doing) -> Result | None:
        """Always None: `act` itself looks for each of its copies, and has nothing to do where all are there."""
        return None

    async def act(self, doing: Doing) -> Result:
        order = order_of(doing)
        await self._open_run(doing, order)
        acting = await self._opened(doing, order.source)
        return await Batch(Maker(acting, doing.database, order, Pace(self._tempo)), doing).go()

    async def _opened(self, doing: Doing, source: str) -> Acting:
        """One source that cannot be changed must not stop the projects of the others."""
        try:
            return await doing.acting(source)
        except ActError as error:
            return Closed(source, error)

    async def _open_run(self, doing: Doing, order: Order) -> None:
        tick = doing.plan.options.get("tick")
        row: dict[str, Any] = {
            "key": order.run, "policy": order.policy, "tick": datetime.fromisoformat(tick) if tick else None,
            "job_id": doing.job_id, "asked_by": order.by, "started_at": self._tempo.clock(),
            "planned": doing.plan.options.get("volumes", len(order.items)),
        }  # fmt: skip
        async with doing.database.begin() as conn:
            await rows.open_run(conn, row)

    async def undo(self, doing: Doing, result: Result) -> None:
        """A good copy is worth keeping: nothing."""


def actions(tempo: Tempo | None = None) -> tuple[Action, ...]:
    return (
        SnapshotBatch(tempo),
        GroupSnapshot("snapshot.group", tempo),
        GroupSnapshot("snapshot.create", tempo),
        PauseVm(tempo),
        ResumeVm(tempo),
        DeleteSnapshot(tempo),
        SetPolicies(tempo),
    )


ACTIONS = actions()
