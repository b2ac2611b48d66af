"""Putting volumes under a policy, or taking it off: our own row, and the same in the volume's metadata."""

from collections.abc import Mapping
from typing import Any

from engines.actions import Doing, Result, StepError
from engines.clouds.acting import ActError, Acting, VolumeState
from engines.snapshots.grouping import broken, opened
from engines.snapshots.metadata import read_volume, with_policy, without_policy
from engines.snapshots.pacing import Pace, Tempo
from storage import snapshots as said
from storage.snapshots import Assigned, Place

_Labels = Mapping[str, str | None]  # metadata of a volume; None: the label is not there


class SetPolicies:
    """The row of each volume is there before its metadata is written, with what it was before."""

    def __init__(self, tempo: Tempo | None = None) -> None:
        self._tempo = tempo or Tempo()

    @property
    def name(self) -> str:
        return "volume.set_policies"

    async def look(self, doing: Doing) -> Result | None:
        """By the rows: each volume was written by this step, and the place that was named has its row."""
        wanted = {(str(doing.step.arguments["source"]), "volume", one["id"]) for one in _volumes(doing)}
        async with doing.database.begin() as conn:
            rows = await said.assigned_by(conn, doing.key)
        done = {(row.source, row.kind, row.external_id) for row in rows if row.written_at is not None}
        return {"volumes": len(wanted)} if wanted and wanted <= done and _place(doing) in _places(rows) else None

    async def act(self, doing: Doing) -> Result:
        told = doing.step.arguments
        acting, pace = await opened(doing), Pace(self._tempo)
        try:
            held = {one.id: one for one in await pace.call(lambda: acting.volumes(told["project_id"]))}
        except ActError as error:
            raise broken("the volumes cannot be listed", error) from error
        if told["kind"] != "volume":
            await self._row(doing, _place(doing), {}, {})
        left: list[str] = []
        for one in _volumes(doing):
            volume = held.get(one["id"])
            if volume is None or (told["on"] and read_volume(volume.metadata).off):
                left.append(one["name"] or one["id"])  # gone, or switched off by its owner: stays as it is
                continue
            await self._set(doing, acting, pace, volume)
        return {"volumes": len(_volumes(doing)) - len(left), "left": left}

    async def _set(self, doing: Doing, acting: Acting, pace: Pace, volume: VolumeState) -> None:
        told = doing.step.arguments
        policy = str(told["policy"])
        place = (str(told["source"]), "volume", volume.id)
        try:
            values, gone = (
                (with_policy(volume.metadata, policy, told.get("retention")), ())
                if told["on"]
                else without_policy(volume.metadata, policy)
            )
        except ValueError as error:
            raise StepError(f"{volume.name or volume.id}: {error}", "take a policy off first") from error
        before = {key: volume.metadata.get(key) for key in (*values, *gone)}
        await self._row(doing, place, before, {key: values.get(key) for key in before})
        if values or gone:
            try:
                await pace.call(
                    lambda: acting.set_volume_metadata(str(told["project_id"]), volume.id, values, remove=gone)
                )
            except ActError as error:
                raise broken(f"the metadata of {volume.name or volume.id} could not be written", error) from error
        async with doing.database.begin() as conn:
            await said.written(conn, doing.key, [place], self._tempo.clock())

    async def _row(self, doing: Doing, place: Place, values: _Labels, wrote: _Labels) -> None:
        """What was before is kept only by the first attempt: later ones would see what the first has written."""
        told = doing.step.arguments
        policy = str(told["policy"])
        async with doing.database.begin() as conn:
            earlier = await said.assigned(conn, place, policy)
            row = {
                "source": place[0], "kind": place[1], "external_id": place[2], "policy": policy,
                "project_id": told["project_id"], "state": "on" if told["on"] else "off",
                "retention": told.get("retention"), "by": told["by"], "at": self._tempo.clock(), "key": doing.key,
                "before": {"row": _kept(earlier), "values": dict(values), "wrote": dict(wrote)},
            }  # fmt: skip
            await said.assign(conn, row)

    async def undo(self, doing: Doing, result: Result) -> None:
        """What this step wrote goes back to what it was before it; what somebody changed since stays, and is told."""
        acting, pace = await opened(doing), Pace(self._tempo)
        async with doing.database.begin() as conn:
            rows = await said.assigned_by(conn, doing.key)
        changed: list[str] = []
        for row in rows:
            if row.kind == "volume" and row.written_at is not None:
                changed += await self._write_back(acting, pace, str(doing.step.arguments["project_id"]), row)
            await self._row_back(doing, row)
        if changed:
            raise StepError(
                f"somebody changed {', '.join(changed)} since: left as it is",
                "look whether the policies in the volume's metadata are those that you want",
            )

    async def _write_back(self, acting: Acting, pace: Pace, project_id: str, row: Assigned) -> list[str]:
        """The labels, as "volume's label", that are not what the step wrote any longer: these are not touched."""
        before: _Labels = row.before.get("values") or {}
        if not before:
            return []
        try:
            held = {one.id: one for one in await pace.call(lambda: acting.volumes(project_id))}
            if (volume := held.get(row.external_id)) is None:
                return []
            changed = _changed_since(volume, before, row.before.get("wrote") or {})
            back = {key: value for key, value in before.items() if key not in changed}
            values = {key: value for key, value in back.items() if value is not None}
            gone = [key for key, value in back.items() if value is None]
            await pace.call(lambda: acting.set_volume_metadata(project_id, row.external_id, values, remove=gone))
        except ActError as error:
            if error.reason != "gone":
                raise broken(f"the metadata of {row.external_id} could not be set back", error) from error
            return []
        return [f"{volume.name or volume.id}'s {key}" for key in sorted(changed)]

    async def _row_back(self, doing: Doing, row: Assigned) -> None:
        place = (row.source, row.kind, row.external_id)
        async with doing.database.begin() as conn:
            await said.forget(conn, place, row.policy, doing.key)
            earlier = row.before.get("row")
            if earlier:
                key = f"{doing.key}-undone"
                back = {**earlier, "at": self._tempo.clock(), "key": key, "before": {}}
                await said.assign(conn, back)
                if row.kind == "volume":
                    await said.written(conn, key, [place], self._tempo.clock())


def _changed_since(volume: VolumeState, before: _Labels, wrote: _Labels) -> set[str]:
    """Labels that are neither what the step wrote nor what they were before it (an undo that was cut off)."""
    return {key for key, value in wrote.items() if volume.metadata.get(key) not in (value, before.get(key))}


def _kept(row: Assigned | None) -> dict[str, Any] | None:
    if row is None:
        return None
    names = ("source", "kind", "external_id", "policy", "project_id", "state", "retention", "by")
    return {name: getattr(row, name) for name in names}


def _volumes(doing: Doing) -> list[Mapping[str, str]]:
    return list(doing.step.arguments["volumes"])


def _place(doing: Doing) -> Place:
    told = doing.step.arguments
    return (str(told["source"]), str(told["kind"]), str(told["id"]))


def _places(rows: list[Assigned]) -> set[Place]:
    return {(row.source, row.kind, row.external_id) for row in rows}
