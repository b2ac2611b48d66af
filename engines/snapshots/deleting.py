"""Deleting one snapshot that a person named."""

from engines.actions import Doing, NotYet, Result, StepError, UnsureError
from engines.clouds.acting import ActError, SnapshotState
from engines.snapshots.grouping import broken, opened
from engines.snapshots.pacing import Pace, Tempo


class DeleteSnapshot:
    """What is gone cannot be brought back, so nothing undoes it."""

    def __init__(self, tempo: Tempo | None = None) -> None:
        self._tempo = tempo or Tempo()

    @property
    def name(self) -> str:
        return "snapshot.delete"

    async def look(self, doing: Doing) -> Result | None:
        found = await self._found(doing)
        if found is None:
            return {"deleted": doing.step.arguments["snapshot_id"]}
        if found.status == "deleting":
            raise NotYet(self._tempo.poll_s, "the cloud deletes it")
        if found.status == "error_deleting":
            raise StepError(f"the cloud could not delete {found.name}", "its backend's log says why")
        return None

    async def act(self, doing: Doing) -> Result:
        told = doing.step.arguments
        found = await self._found(doing)
        if found is not None:
            await self._check(doing, found)
            acting = await opened(doing)
            try:
                await Pace(self._tempo).call(lambda: acting.delete_snapshot(told["project_id"], told["snapshot_id"]))
            except ActError as error:
                await self._failed(doing, error)
        raise NotYet(self._tempo.poll_s, "the cloud deletes it")

    async def _check(self, doing: Doing, found: SnapshotState) -> None:
        """It is still what was approved."""
        told = doing.step.arguments
        if found.volume_id != told["volume_id"]:
            raise StepError(f"{found.name} is of another volume than when it was planned", "plan it again")
        acting = await opened(doing)
        try:
            needed = await Pace(self._tempo).call(
                lambda: acting.snapshot_dependants(told["project_id"], told["snapshot_id"])
            )
        except ActError as error:
            raise broken(f"what depends on {found.name} is not known", error) from error
        if needed:
            raise StepError(
                f"{len(needed)} volumes were made from {found.name} and may need it", "delete or flatten them first"
            )

    async def _failed(self, doing: Doing, error: ActError) -> None:
        """Returns where the deletion is under way all the same."""
        found = await self._found(doing)
        if found is None or found.status == "deleting":
            return
        if error.maybe_done:
            raise UnsureError(f"whether {found.name} is being deleted is not known: {error.detail}", "list snapshots")
        raise broken(f"{found.name} was not deleted", error)

    async def _found(self, doing: Doing) -> SnapshotState | None:
        told = doing.step.arguments
        acting = await opened(doing)
        try:
            return await Pace(self._tempo).call(lambda: acting.snapshot(told["project_id"], told["snapshot_id"]))
        except ActError as error:
            raise broken("the cloud does not tell of the snapshot", error) from error

    async def undo(self, doing: Doing, result: Result) -> None:
        """There is nothing that could bring it back."""
