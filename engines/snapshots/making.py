"""Making copies so that none is made twice, whatever happens in the middle.

Each copy has a row before it is made, and bears that row's key in its metadata. The row says when the cloud was asked;
whoever comes after a worker that died looks for the key first, and asks again only when the dead one's request is over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engines.clouds.acting import ActError, Acting, SnapshotState, VolumeState
from engines.snapshots.metadata import for_snapshot, read_snapshot
from engines.snapshots.naming import record_key, snapshot_name
from engines.snapshots.pacing import Pace, together
from storage import snapshot_runs as rows
from storage.database import Database
from storage.snapshot_runs import Record

USABLE = frozenset({"available", "in-use"})


@dataclass(frozen=True, slots=True)
class Item:
    """A volume to be copied. `vm` is its name where it is attached, `retention` how many copies it keeps."""

    id: str
    name: str
    size_gib: int
    volume_type: str = ""
    vm: str = ""
    vm_id: str = ""
    retention: int = 1


@dataclass(frozen=True, slots=True)
class Order:
    """Copies of volumes of one project; an empty policy is one that nothing expires. `due` is the time since when a
    copy counts as this one, for runs of a policy."""

    source: str
    project_id: str
    policy: str
    run: str
    by: str
    items: tuple[Item, ...] = field(default=())
    due: datetime | None = None

    def key(self, item: Item) -> str:
        return record_key(self.run, self.source, item.id, self.policy)

    def group(self, item: Item) -> str:
        """What the copies of one VM in one run have in common."""
        return record_key(self.run, self.source, item.vm_id, "vm") if item.vm_id else ""


def by_key(snapshots: Sequence[SnapshotState]) -> dict[str, SnapshotState]:
    return {made.key: one for one in snapshots if (made := read_snapshot(one.metadata)).key}


class Maker:
    """Makes the copies of one order. It keeps nothing that a row or the cloud does not say as well."""

    def __init__(self, acting: Acting, database: Database, order: Order, pace: Pace) -> None:
        self.acting = acting
        self.database = database
        self.order = order
        self.pace = pace
        self.items: Mapping[str, Item] = {item.id: item for item in order.items}

    @property
    def now(self) -> datetime:
        return self.pace.tempo.clock()

    async def intend(self) -> list[Record]:
        """The rows of all items, made now or by who was here before."""
        at, order = self.now, self.order
        intents = [
            {
                "run": order.run, "source": order.source, "volume_id": item.id, "policy": order.policy,
                "project_id": order.project_id, "volume_name": item.name, "size_gib": item.size_gib,
                "key": order.key(item), "name": snapshot_name(order.policy, item.vm, item.name, at),
                "state": "intended", "begun_at": at,
            }
            for item in order.items
        ]  # fmt: skip
        async with self.database.begin() as conn:
            await rows.intend(conn, intents)
        return await self.records()

    async def records(self) -> list[Record]:
        async with self.database.begin() as conn:
            return await rows.records(conn, self.order.run, self.order.source, self.items)

    async def say(self, record: Record, state: str, detail: str = "", **more: Any) -> None:
        ended = {"ended_at": self.now} if state in rows.FINAL else {}
        async with self.database.begin() as conn:
            await rows.record(conn, record.key, {"state": state, "detail": detail[:500], **ended, **more})

    async def volumes(self) -> dict[str, VolumeState]:
        found = await self.pace.read(lambda: self.acting.volumes(self.order.project_id))
        return {one.id: one for one in found}

    async def snapshots(self) -> Sequence[SnapshotState]:
        """All of the project, in one listing."""
        return await self.pace.read(lambda: self.acting.snapshots(self.order.project_id))

    def settles_in(self, record: Record) -> float:
        """Seconds until a request that a dead worker sent for it is surely over; 0: it is, or none was sent."""
        if record.tried_at is None or record.snapshot_id is not None:
            return 0.0
        over = record.tried_at + timedelta(seconds=self.pace.tempo.settle_s)
        return max((over - self.now).total_seconds(), 0.0)

    async def adopt(self, record: Record, found: SnapshotState) -> None:
        await self.say(record, "creating", snapshot_id=found.id, name=found.name)

    async def make(self, record: Record) -> None:
        """Ask the cloud for one copy and keep what came of it. The caller has looked for its key."""
        item, order = self.items[record.volume_id], self.order
        await self.say(record, "creating", tried_at=self.now)
        metadata = for_snapshot(
            key=record.key, policy=order.policy, run=order.run, volume_id=item.id, project_id=order.project_id,
            group=order.group(item), by=order.by,
        )  # fmt: skip
        told = f"Made by Stackhand for {order.policy or order.by} ({order.run})"
        try:
            made = await self.pace.call(
                lambda: self.acting.create_snapshot(order.project_id, item.id, record.name, metadata, told)
            )
        except ActError as error:
            await self._failed(record, error)
        else:
            await self.adopt(record, made)

    async def _failed(self, record: Record, error: ActError) -> None:
        if error.maybe_done:
            await self._look_again(record, error)
        elif error.reason == "over_limit":
            await self.say(record, "quota_blocked", error.detail)
        elif error.reason == "gone":
            await self.say(record, "skipped", f"the volume is gone: {error.detail}")
        else:
            await self.say(record, "failed", f"{error.detail} {error.fix}".strip())

    async def _look_again(self, record: Record, error: ActError) -> None:
        """The answer was lost: it is there, or nobody knows; it is never asked for again in this run."""
        for wait in (0.0, self.pace.tempo.poll_s, self.pace.tempo.poll_s * 2):
            await self.pace.tempo.sleep(wait)
            try:
                found = by_key(await self.snapshots()).get(record.key)
            except ActError:
                continue
            if found is not None:
                await self.adopt(record, found)
                return
        words = f"the answer was lost ({error.detail}), and no snapshot with its key is listed; look in the cloud for"
        await self.say(record, "unsure", f"{words} {record.name}")

    async def make_together(self, records: Sequence[Record]) -> None:
        """The volumes of a VM at the same time, as far as the pace lets them."""
        await together(self.make(record) for record in records)

    async def settle(self, records: Sequence[Record], snapshots: Sequence[SnapshotState]) -> list[Record]:
        """What became of the copies that the cloud has; those that it still makes are given back."""
        listed = {one.id: one for one in snapshots}
        told = [(record, *self._verified(record, listed.get(record.snapshot_id or ""))) for record in records]
        async with self.database.begin() as conn:
            for record, state, detail in told:
                if state:
                    await rows.record(conn, record.key, {"state": state, "detail": detail, "ended_at": self.now})
        return [record for record, state, _ in told if not state]

    def _verified(self, record: Record, snapshot: SnapshotState | None) -> tuple[str, str]:
        """("", "") while it is being made."""
        if snapshot is None:
            return "failed", "the snapshot vanished while it was being made"
        if snapshot.status == "available":
            if snapshot.size_gib < record.size_gib or snapshot.volume_id != record.volume_id:
                return "failed", f"the snapshot has {snapshot.size_gib} GiB, its volume {record.size_gib}"
            return "made", ""
        if snapshot.status != "creating":
            return "failed", f"the cloud says {snapshot.status} of the snapshot"
        begun = record.tried_at or record.begun_at
        if (self.now - begun).total_seconds() > self.pace.tempo.made_within_s:
            return "failed", f"it is still being made after {self.pace.tempo.made_within_s / 60:.0f} min"
        return "", ""
