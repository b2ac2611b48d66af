"""One VM or volume now: all copies or none, and the VM held still meanwhile where that was asked for."""

from collections.abc import Sequence

from engines.actions import Doing, NotYet, Result, StepError, Telling, UnsureError
from engines.clouds.acting import ActError, Acting
from engines.snapshots.making import USABLE, Maker, by_key
from engines.snapshots.ordering import order_of
from engines.snapshots.pacing import Pace, Tempo
from engines.snapshots.quotas import Wanted, counted, fit
from storage import snapshot_runs as rows
from storage.snapshot_runs import Record


async def opened(doing: Doing) -> Acting:
    """The client of the step's source; raises StepError where it cannot be changed."""
    source = str(doing.step.arguments["source"])
    try:
        return await doing.acting(source)
    except ActError as error:
        raise StepError(f"{source} cannot be changed: {error.detail}", error.fix) from error


def broken(what: str, error: ActError) -> StepError:
    return StepError(f"{what}: {error.detail}", error.fix)


class GroupSnapshot:
    """Copies of all volumes of a VM, or of one volume, as one restore point; they are removed when one fails."""

    def __init__(self, name: str, tempo: Tempo | None = None) -> None:
        self._name = name
        self._tempo = tempo or Tempo()

    @property
    def name(self) -> str:
        return self._name

    async def look(self, doing: Doing) -> Result | None:
        """By the rows, which are kept in step with the cloud."""
        maker = await self._maker(doing)
        records = await maker.records()
        whole = len(records) == len(maker.items) and all(one.state == "made" for one in records)
        return _result(records) if records and whole else None

    async def act(self, doing: Doing) -> Result:
        maker = await self._maker(doing)
        try:
            records = await self._made(maker, doing)
        except ActError as error:
            raise broken(f"{maker.order.source} does not answer", error) from error
        unsure = [one for one in records if one.state == "unsure"]
        if unsure:
            raise UnsureError(f"whether {unsure[0].name} was made is not known", unsure[0].detail)
        bad = next((one for one in records if one.state != "made"), None)
        if bad is not None:
            await self._remove(maker)
            raise StepError(f"{bad.volume_name or bad.volume_id} could not be snapshotted: {bad.detail}", _fix(bad))
        return _result(records)

    async def undo(self, doing: Doing, result: Result) -> None:
        """Everything that bears a key of this step goes, and nothing else."""
        await self._remove(await self._maker(doing))

    async def _maker(self, doing: Doing) -> Maker:
        return Maker(await opened(doing), doing.database, order_of(doing), Pace(self._tempo))

    async def _made(self, maker: Maker, doing: Doing) -> list[Record]:
        records = await maker.intend()
        snapshots = await maker.snapshots()
        keys = by_key(snapshots)
        for record in records:
            if record.key in keys and (record.snapshot_id is None or record.state == "unsure"):
                await maker.adopt(record, keys[record.key])
        todo = [
            one
            for one in await maker.records()
            if one.snapshot_id is None and one.state in ("intended", "creating")
        ]  # fmt: skip
        unsettled = max((maker.settles_in(one) for one in todo), default=0.0)
        if unsettled:
            raise NotYet(min(unsettled, self._tempo.again_s), "looking for what was begun")
        if todo:
            await self._check(maker, todo)
            await maker.make_together(todo)
        await self._wait(maker, doing)
        return await maker.records()

    async def _check(self, maker: Maker, todo: Sequence[Record]) -> None:
        """Before anything is made: the volumes can be used, and there is room for all of them."""
        volumes = await maker.volumes()
        for record in todo:
            volume = volumes.get(record.volume_id)
            if volume is None or volume.status not in USABLE:
                state = f"is {volume.status}" if volume else "is gone from its project"
                await self._remove(maker)
                raise StepError(f"the volume {record.volume_name or record.volume_id} {state}", "look at it first")
        quota = await maker.pace.read(lambda: maker.acting.storage_quota(maker.order.project_id))
        wanted = [Wanted(one.volume_id, volumes[one.volume_id].size_gib, volumes[one.volume_id].volume_type or "")
                  for one in todo]  # fmt: skip
        result = fit(wanted, counted(quota, list(volumes.values()), await maker.snapshots()))
        if result.blocked:
            await self._remove(maker)
            raise StepError(
                f"the quota has no room for it: {result.blocked[-1].words}", "raise the quota, or delete old snapshots"
            )

    async def _wait(self, maker: Maker, doing: Doing) -> None:
        waited = 0.0
        waiting = [one for one in await maker.records() if one.state == "creating"]
        while waiting:
            waiting = await maker.settle(waiting, await maker.snapshots())
            await doing.tell(Telling(len(maker.items) - len(waiting), len(maker.items)))
            if waiting and waited >= self._tempo.poll_for_s:
                raise NotYet(self._tempo.again_s, f"waiting for {len(waiting)} snapshots")
            if waiting:
                await self._tempo.sleep(self._tempo.poll_s)
                waited += self._tempo.poll_s

    async def _remove(self, maker: Maker) -> None:
        """Raises StepError where one stays."""
        try:
            found = by_key(await maker.snapshots())
            mine = [found[key] for item in maker.order.items if (key := maker.order.key(item)) in found]
            for one in mine:
                await maker.pace.call(
                    lambda id_=one.id: maker.acting.delete_snapshot(maker.order.project_id, id_)  # type: ignore[misc]
                )
        except ActError as error:
            raise broken("what was made could not be removed", error) from error


def _fix(record: Record) -> str:
    return "raise the quota, or delete old snapshots" if record.state == "quota_blocked" else "then try again"


def _result(records: Sequence[Record]) -> Result:
    return {"made": len(records), "snapshots": [{"id": one.snapshot_id, "name": one.name} for one in records]}


class PauseVm:
    """Holds a VM still. It is resumed by a step after it, or when the job is undone."""

    def __init__(self, tempo: Tempo | None = None) -> None:
        self._tempo = tempo or Tempo()

    @property
    def name(self) -> str:
        return "vm.hold"

    async def look(self, doing: Doing) -> Result | None:
        return None

    async def act(self, doing: Doing) -> Result:
        """A worker that came before may have paused it and died: then a VM that does not run now is ours to resume."""
        told = doing.step.arguments
        acting = await opened(doing)
        async with doing.database.begin() as conn:
            first = await rows.pausing(conn, doing.key, told["source"], told["vm_id"], self._tempo.clock())
        try:
            paused = await Pace(self._tempo).call(lambda: acting.pause_vm(told["project_id"], told["vm_id"]))
        except ActError as error:
            if error.maybe_done:
                return {"paused": True}
            raise broken(f"{told['vm_name']} could not be held still", error) from error
        return {"paused": paused or not first}

    async def undo(self, doing: Doing, result: Result) -> None:
        if result.get("paused"):
            await _resume(doing, self._tempo)


class ResumeVm:
    """Lets a VM go on that the step named `held` holds."""

    def __init__(self, tempo: Tempo | None = None) -> None:
        self._tempo = tempo or Tempo()

    @property
    def name(self) -> str:
        return "vm.go_on"

    async def look(self, doing: Doing) -> Result | None:
        held = doing.earlier.get(str(doing.step.arguments["held"]), {})
        return None if held.get("paused") else {"resumed": False}

    async def act(self, doing: Doing) -> Result:
        await _resume(doing, self._tempo)
        return {"resumed": True}

    async def undo(self, doing: Doing, result: Result) -> None:
        """It runs: nothing."""


async def _resume(doing: Doing, tempo: Tempo) -> None:
    """A VM that runs already, or is gone, is no error. One that may still be held is for a person to look at."""
    told = doing.step.arguments
    acting = await opened(doing)
    try:
        await Pace(tempo).call(lambda: acting.resume_vm(told["project_id"], told["vm_id"]))
    except ActError as error:
        if error.reason not in ("busy", "gone"):
            name = told["vm_name"]
            raise UnsureError(f"{name} may still be paused: {error.detail}", f"look at {name}, resume it") from error
    async with doing.database.begin() as conn:
        await rows.resumed(conn, told["source"], told["vm_id"], tempo.clock())
