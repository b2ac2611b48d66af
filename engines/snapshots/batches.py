"""One project's part of a run: what is due, does it fit, make it, wait until it is good, take away what expired.

Every part can be cut off anywhere and begun again: the rows and the cloud say what was done.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engines.actions import Doing, NotYet, Telling
from engines.clouds.acting import ActError, SnapshotState, StorageQuota, VolumeState
from engines.snapshots.making import USABLE, Maker, by_key
from engines.snapshots.pacing import in_turns
from engines.snapshots.pruning import check_gone, of_volume, prune
from engines.snapshots.quotas import Wanted, counted, fit
from engines.snapshots.retention import good_copies
from storage import snapshot_runs as rows
from storage.snapshot_runs import Record

_GONE_WITHIN_POLLS = 5


@dataclass
class _Seen:
    """The project as it was listed last."""

    volumes: Mapping[str, VolumeState] = field(default_factory=dict)
    snapshots: Sequence[SnapshotState] = ()


class Batch:
    """The work of one step, from the beginning or from where it was cut off."""

    def __init__(self, maker: Maker, doing: Doing) -> None:
        self._maker = maker
        self._doing = doing
        self._seen = _Seen()

    async def go(self) -> dict[str, Any]:
        """Counts of what became of the volumes. Raises NotYet while the cloud still works."""
        try:
            await self._maker.intend()
            self._seen = _Seen(await self._maker.volumes(), await self._maker.snapshots())
        except ActError as error:
            return await self._give_up(error)
        await self._sort_out()
        await self._make()
        await self._wait()
        await self._prune()
        return await self._result()

    async def _give_up(self, error: ActError) -> dict[str, Any]:
        """A project that cannot be listed: nothing more of it is tried, and the others go on. What an earlier worker
        asked for may be there: nobody knows."""
        why = f"{error.detail} {error.fix}".strip()
        for record in await self._open():
            if record.tried_at is None:
                await self._maker.say(record, "failed", f"not tried: {why}")
            else:
                await self._maker.say(record, "unsure", f"asked for, and then not found out about: {why}")
        return await self._result()

    async def _open(self, *states: str) -> list[Record]:
        """Those that have not ended; those that nobody was sure of may have turned up since."""
        wanted = states or ("intended", "creating", "unsure")
        return [one for one in await self._maker.records() if one.state in wanted]

    async def _sort_out(self) -> None:
        """What the cloud has already, what need not or cannot be made."""
        keys = by_key(self._seen.snapshots)
        copies = of_volume(self._seen.snapshots)
        for record in await self._open():
            found = keys.get(record.key)
            if found is not None:
                if record.snapshot_id is None or record.state == "unsure":
                    await self._maker.adopt(record, found)
            elif record.snapshot_id is None and record.state != "unsure":
                why = self._why_not(record, copies.get(record.volume_id, []))
                if why:
                    await self._maker.say(record, "skipped", why)

    def _why_not(self, record: Record, copies: Sequence[SnapshotState]) -> str:
        volume, due = self._seen.volumes.get(record.volume_id), self._maker.order.due
        if volume is None:
            return "the volume is gone from its project"
        if volume.status not in USABLE:
            return f"the volume is {volume.status}"
        newest = next(iter(good_copies(copies, self._maker.order.policy)), None)
        if due is not None and newest is not None and newest.created is not None and newest.created >= due:
            return f"has a good copy of {newest.created:%Y-%m-%d %H:%M} UTC already"
        return ""

    async def _make(self) -> None:
        """Everything that fits; a VM's volumes at the same time. Those that a dead worker may have asked for wait."""
        todo = [one for one in await self._open("intended", "creating") if one.snapshot_id is None]
        unsettled = max((self._maker.settles_in(one) for one in todo), default=0.0)
        if unsettled:
            raise NotYet(min(unsettled, self._maker.pace.tempo.again_s), "looking for what was begun")
        todo = await self._fitting(todo)
        groups: dict[str, list[Record]] = {}
        for record in todo:
            groups.setdefault(self._maker.items[record.volume_id].vm_id or record.volume_id, []).append(record)
        await in_turns((self._make_group(group) for group in groups.values()), self._maker.pace.tempo.at_once)

    async def _make_group(self, group: Sequence[Record]) -> None:
        if await self._doing.cancelled():
            for record in group:
                await self._maker.say(record, "cancelled", "not tried: the run was cancelled")
            return
        await self._maker.make_together(group)

    async def _fitting(self, todo: Sequence[Record]) -> list[Record]:
        """Those that the quota has room for, after what expired was taken away where it has not."""
        if not todo:
            return []
        quota = await self._quota()
        if quota is None:
            return list(todo)
        result = fit(self._wanted(todo), quota)
        if result.blocked and await self._make_room([one.wanted.id for one in result.blocked]):
            result = fit(self._wanted(todo), await self._quota() or quota)
        words = {one.wanted.id: one for one in result.blocked}
        for record in todo:
            if record.volume_id in words:
                blocked = words[record.volume_id]
                await self._maker.say(record, "quota_blocked", blocked.words, short_gib=blocked.short_gib)
        return [one for one in todo if one.volume_id not in words]

    def _wanted(self, todo: Sequence[Record]) -> list[Wanted]:
        """By the size that the volume has now."""
        volumes = self._seen.volumes
        return [
            Wanted(one.volume_id, volumes[one.volume_id].size_gib, volumes[one.volume_id].volume_type or "")
            for one in todo
        ]

    async def _quota(self) -> StorageQuota | None:
        """None: the cloud does not tell, and says itself what is too much."""
        project = self._maker.order.project_id
        try:
            told = await self._maker.pace.read(lambda: self._maker.acting.storage_quota(project))
        except ActError:
            return None
        return counted(told, list(self._seen.volumes.values()), self._seen.snapshots)

    async def _make_room(self, volume_ids: Sequence[str]) -> bool:
        """Whether anything went."""
        items = [self._maker.items[id_] for id_ in volume_ids]
        asked = await prune(self._maker, items, self._seen.snapshots, why="room")
        return bool(asked) and await self._until_gone()

    async def _until_gone(self) -> bool:
        for _ in range(_GONE_WITHIN_POLLS):
            self._seen.snapshots = await self._maker.snapshots()
            if await check_gone(self._maker, self._seen.snapshots):
                return True
            await self._maker.pace.tempo.sleep(self._maker.pace.tempo.poll_s)
        return False

    async def _wait(self) -> None:
        """Until every copy is good or bad: a while here, then by asking to come back."""
        waiting = await self._open("creating")
        tempo, waited = self._maker.pace.tempo, 0.0
        while waiting:
            self._seen.snapshots = await self._maker.snapshots()
            waiting = await self._maker.settle(waiting, self._seen.snapshots)
            await self._tell(len(waiting))
            if waiting and waited >= tempo.poll_for_s:
                raise NotYet(tempo.again_s, f"waiting for {len(waiting)} snapshots")
            if waiting:
                await tempo.sleep(tempo.poll_s)
                waited += tempo.poll_s

    async def _tell(self, waiting: int) -> None:
        of = len(self._maker.items)
        await self._doing.tell(Telling(of - waiting, of, await self._counts()))

    async def _prune(self) -> None:
        """Only volumes whose copy of this run is good lose an older one."""
        records = await self._maker.records()
        made = [self._maker.items[one.volume_id] for one in records if one.state == "made"]
        try:
            if made and await prune(self._maker, made, self._seen.snapshots):
                await self._until_gone()
        except ActError as error:
            await self._doing.tell(Telling(note=f"what expired could not be listed again: {error.detail}"))

    async def _counts(self) -> dict[str, int]:
        return dict(Counter(one.state for one in await self._maker.records()))

    async def _result(self) -> dict[str, Any]:
        order = self._maker.order
        async with self._maker.database.begin() as conn:
            removals = await rows.removals(conn, order.run, order.source, order.project_id)
        failed = sum(state == "failed" for state in removals.values())
        counts = await self._counts()
        pruned = {"pruned": len(removals) - failed, "prune_failed": failed}
        counts |= {name: number for name, number in pruned.items() if number}
        return {"project_id": order.project_id, "counts": counts}
