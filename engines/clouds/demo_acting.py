"""Changes to the storage of the invented OpenStack: it answers as slowly as a real one, keeps its quotas, and fails on
demand. Its VMs are changed through `servers`.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from engines.clouds import Resource
from engines.clouds.acting import SnapshotState, StorageQuota, Used, VolumeState
from engines.clouds.demo_calls import Call, Changing, DemoApi, DemoCalls, Invented, Trouble, busy, gone, usage
from engines.clouds.demo_networks import DemoNetworks
from engines.clouds.demo_present import QUOTA, SNAPSHOT, VM, VOLUME
from engines.clouds.demo_servers import DemoServers
from engines.clouds.demo_words import snapshot_state, volume_state
from storage.database import Database

__all__ = ["Call", "DemoActing", "DemoApi", "Invented", "Trouble"]
_UNLIMITED = Used(None, None)


class DemoActing:
    """The storage client of the invented cloud; `servers` makes and switches its VMs, `networks` makes networks."""

    def __init__(
        self,
        source: str,
        invented: Invented,
        database: Database,
        api: DemoApi | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._calls = DemoCalls(source, invented, database, api, clock)
        self._servers = DemoServers(self._calls)
        self._networks = DemoNetworks(self._calls)

    @property
    def source(self) -> str:
        return self._calls.source

    @property
    def servers(self) -> DemoServers:
        return self._servers

    @property
    def networks(self) -> DemoNetworks:
        return self._networks

    async def volumes(self, project_id: str) -> Sequence[VolumeState]:
        return [volume_state(row) for row in await self._calls.rows(VOLUME, "volumes", project_id)]

    async def snapshots(self, project_id: str) -> Sequence[SnapshotState]:
        return [snapshot_state(row) for row in await self._calls.rows(SNAPSHOT, "snapshots", project_id)]

    async def volume(self, project_id: str, volume_id: str) -> VolumeState | None:
        row = await self._calls.one(VOLUME, "volume", project_id, volume_id)
        return None if row is None else volume_state(row)

    async def snapshot(self, project_id: str, snapshot_id: str) -> SnapshotState | None:
        row = await self._calls.one(SNAPSHOT, "snapshot", project_id, snapshot_id)
        return None if row is None else snapshot_state(row)

    async def create_snapshot(
        self, project_id: str, volume_id: str, name: str, metadata: Mapping[str, str], description: str = ""
    ) -> SnapshotState:
        async with self._calls.changing("create_snapshot", project_id, volume_id) as now:
            size = int((await _volume_to_copy(now, volume_id)).attrs["size_gib"])
            await now.spend("Cinder", snapshots=1, storage_gib=size)
            id_, told = str(uuid.uuid4()), {"size_gib": size, "volume_id": volume_id, "metadata": dict(metadata)}
            await now.make(SNAPSHOT, id_, name, {**told, "takes_s": self._calls.api.takes_s})
        return SnapshotState(id_, name, "creating", size, volume_id, dict(metadata), now.now)

    async def delete_snapshot(self, project_id: str, snapshot_id: str) -> None:
        async with self._calls.changing("delete_snapshot", project_id, snapshot_id) as now:
            row = await now.one(SNAPSHOT, snapshot_id)
            if row is not None and row.attrs["status"] == "creating":
                raise busy("Invalid snapshot: Snapshot status must be available or error", 400)
            if row is not None:
                await now.delete(SNAPSHOT, snapshot_id, row.name)

    async def snapshot_dependants(self, project_id: str, snapshot_id: str) -> Sequence[str]:
        rows = await self._calls.rows(VOLUME, "snapshot_dependants", project_id, snapshot_id)
        return [row.external_id for row in rows if row.attrs.get("snapshot_id") == snapshot_id]

    async def storage_quota(self, project_id: str) -> StorageQuota:
        used = usage(await self._calls.rows(QUOTA, "storage_quota", project_id), project_id)
        return StorageQuota(used.get("snapshots", _UNLIMITED), used.get("storage_gib", _UNLIMITED))

    async def set_volume_metadata(
        self, project_id: str, volume_id: str, values: Mapping[str, str], remove: Sequence[str] = ()
    ) -> None:
        labels: dict[str, Any] = {**dict.fromkeys(remove), **values}
        async with self._calls.changing("set_volume_metadata", project_id, volume_id) as now:
            row = await now.one(VOLUME, volume_id)
            if row is None:
                raise gone("volume", volume_id, project_id)
            one = now.present.objects(VOLUME).get(volume_id)
            if one is not None and one.made_at is not None:
                kept = {k: v for k, v in {**row.attrs["metadata"], **labels}.items() if v is not None}
                await now.set(VOLUME, volume_id, metadata=kept, written_back=None)
            else:
                await now.set(VOLUME, volume_id, **labels)

    async def pause_vm(self, project_id: str, vm_id: str) -> bool:
        return await self._hold_vm("pause_vm", project_id, vm_id, "on")

    async def resume_vm(self, project_id: str, vm_id: str) -> None:
        await self._hold_vm("resume_vm", project_id, vm_id, "paused")

    async def _hold_vm(self, name: str, project_id: str, vm_id: str, state: str) -> bool:
        """Whether it was in that state, and is now held or let go."""
        async with self._calls.changing(name, project_id, vm_id) as now:
            row = await now.one(VM, vm_id)
            if row is None:
                raise gone("VM", vm_id, project_id)
            held: bool = row.attrs["state"] == state
            if held:
                await now.set(VM, vm_id, paused=state == "on")
        return held

    async def close(self) -> None:
        """Nothing is open: the database is not ours."""


async def _volume_to_copy(now: Changing, volume_id: str) -> Resource:
    row = await now.one(VOLUME, volume_id)
    if row is None:
        raise gone("volume", volume_id, now.project_id)
    if row.attrs["status"] not in ("available", "in-use"):
        raise busy(f"Invalid volume: its status is {row.attrs['status']}", 400)
    return row
