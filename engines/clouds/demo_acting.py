"""Changes to the invented OpenStack: it answers as slowly as a real one, keeps its quotas, and fails on demand.

What is changed is kept in the database, so that any number of processes, also those that come after a crash, see it.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.clouds import Resource
from engines.clouds.acting import ActError, SnapshotState, StorageQuota, Used, VolumeState
from engines.clouds.demo_overlay import (
    QUOTA,
    SNAPSHOT,
    VM,
    VOLUME,
    added,
    overlaid,
)
from storage.database import Database
from storage.demo_changes import DemoObject, change, changed, hold

Trouble = Literal["error", "throttled", "slow", "lost", "breaks"]
"""error: HTTP 500, nothing done; throttled: 429; slow: `slow_s` longer; lost: done, but the answer does not come;
breaks: a snapshot that ends in status error."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to the invented API: its name, such as create_snapshot, and what it is about."""

    name: str
    project_id: str
    object_id: str = ""


def _well(_: Call) -> Trouble | None:
    return None


@dataclass(frozen=True, slots=True)
class DemoApi:
    """How the invented API behaves. `latency_s` of every call, `takes_s` until a snapshot is available."""

    latency_s: float = 0.05
    takes_s: float = 3.0
    slow_s: float = 5.0
    trouble: Callable[[Call], Trouble | None] = field(default=_well)


class Invented(Protocol):
    """What the cloud is made of before anybody changed it."""

    def in_project(self, source: str, kind: str, project_id: str, at: datetime) -> Sequence[Resource]:
        """Volumes, snapshots, VMs or the quota of one project, as the inventory's kinds have them."""


class DemoActing:
    """Holds a project while it changes it, so that its quota is kept whoever asks at once."""

    def __init__(
        self,
        source: str,
        invented: Invented,
        database: Database,
        api: DemoApi | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source = source
        self._invented = invented
        self._database = database
        self._api = api or DemoApi()
        self._clock = clock

    @property
    def source(self) -> str:
        return self._source

    async def volumes(self, project_id: str) -> Sequence[VolumeState]:
        await self._ask(Call("volumes", project_id))
        return [_volume(row) for row in await self._now(VOLUME, project_id)]

    async def snapshots(self, project_id: str) -> Sequence[SnapshotState]:
        await self._ask(Call("snapshots", project_id))
        return [_snapshot(row) for row in await self._now(SNAPSHOT, project_id)]

    async def volume(self, project_id: str, volume_id: str) -> VolumeState | None:
        await self._ask(Call("volume", project_id, volume_id))
        row = _one(await self._now(VOLUME, project_id), volume_id)
        return None if row is None else _volume(row)

    async def snapshot(self, project_id: str, snapshot_id: str) -> SnapshotState | None:
        await self._ask(Call("snapshot", project_id, snapshot_id))
        row = _one(await self._now(SNAPSHOT, project_id), snapshot_id)
        return None if row is None else _snapshot(row)

    async def create_snapshot(
        self, project_id: str, volume_id: str, name: str, metadata: Mapping[str, str], description: str = ""
    ) -> SnapshotState:
        call = Call("create_snapshot", project_id, volume_id)
        trouble = await self._ask(call)
        async with self._database.begin() as conn:
            await hold(conn, self._source, project_id)
            now = self._clock()
            objects = await changed(conn, self._source, project_id)
            volume = await self._volume_to_copy(objects, project_id, volume_id, now)
            size = int(volume.attrs["size_gib"])
            self._check(await self._quota(objects, project_id, now), size)
            fields = {"size_gib": size, "volume_id": volume_id, "metadata": dict(metadata)}
            more = {"takes_s": self._api.takes_s, "breaks": trouble == "breaks"}
            made = DemoObject(
                self._source, SNAPSHOT, str(uuid.uuid4()), project_id, name, {**fields, **more}, made_at=now
            )
            await change(conn, made)
        self._lose(trouble, call)
        return SnapshotState(made.external_id, name, "creating", size, volume_id, dict(metadata), now)

    async def delete_snapshot(self, project_id: str, snapshot_id: str) -> None:
        call = Call("delete_snapshot", project_id, snapshot_id)
        trouble = await self._ask(call)
        async with self._database.begin() as conn:
            await hold(conn, self._source, project_id)
            now = self._clock()
            row = _one(await self._rows(conn, SNAPSHOT, project_id, now), snapshot_id)
            if row is not None and row.attrs["status"] == "creating":
                raise _refusal("busy", "Invalid snapshot: Snapshot status must be available or error (HTTP 400)")
            if row is not None:
                gone = DemoObject(self._source, SNAPSHOT, snapshot_id, project_id, row.name, deleted_at=now)
                await change(conn, gone)
        self._lose(trouble, call)

    async def snapshot_dependants(self, project_id: str, snapshot_id: str) -> Sequence[str]:
        await self._ask(Call("snapshot_dependants", project_id, snapshot_id))
        rows = await self._now(VOLUME, project_id)
        return [row.external_id for row in rows if row.attrs.get("snapshot_id") == snapshot_id]

    async def storage_quota(self, project_id: str) -> StorageQuota:
        await self._ask(Call("storage_quota", project_id))
        async with self._database.connect() as conn:
            objects = await changed(conn, self._source, project_id)
        return await self._quota(objects, project_id, self._clock())

    async def set_volume_metadata(
        self, project_id: str, volume_id: str, values: Mapping[str, str], remove: Sequence[str] = ()
    ) -> None:
        call = Call("set_volume_metadata", project_id, volume_id)
        trouble = await self._ask(call)
        labels: dict[str, Any] = {**dict.fromkeys(remove), **values}
        async with self._database.begin() as conn:
            await hold(conn, self._source, project_id)
            if _one(await self._rows(conn, VOLUME, project_id, self._clock()), volume_id) is None:
                raise _gone("volume", volume_id, project_id)
            await change(conn, DemoObject(self._source, VOLUME, volume_id, project_id, attrs=labels))
        self._lose(trouble, call)

    async def pause_vm(self, project_id: str, vm_id: str) -> bool:
        return await self._hold_vm(Call("pause_vm", project_id, vm_id), "on", paused=True)

    async def resume_vm(self, project_id: str, vm_id: str) -> None:
        await self._hold_vm(Call("resume_vm", project_id, vm_id), "paused", paused=False)

    async def _hold_vm(self, call: Call, state: str, *, paused: bool) -> bool:
        trouble = await self._ask(call)
        async with self._database.begin() as conn:
            await hold(conn, self._source, call.project_id)
            row = _one(await self._rows(conn, VM, call.project_id, self._clock()), call.object_id)
            if row is None:
                raise _gone("VM", call.object_id, call.project_id)
            if row.attrs["state"] != state:
                return False
            what = DemoObject(self._source, VM, call.object_id, call.project_id, attrs={"paused": paused})
            await change(conn, what)
        self._lose(trouble, call)
        return True

    async def close(self) -> None:
        """Nothing is open: the database is not ours."""

    async def _ask(self, call: Call) -> Trouble | None:
        """As long as a call takes, and what goes wrong with it before anything is done."""
        trouble = self._api.trouble(call)
        await asyncio.sleep(self._api.latency_s + (self._api.slow_s if trouble == "slow" else 0.0))
        if trouble == "error":
            raise ActError("unexpected", "Cinder answered 500: a fault of the demo", "ask again", maybe_done=True)
        if trouble == "throttled":
            raise ActError("throttled", "Cinder answered 429: a fault of the demo", "wait", retry_after_s=1.0)
        return trouble

    def _lose(self, trouble: Trouble | None, call: Call) -> None:
        if trouble == "lost":
            detail = f"no connection to Cinder: the answer to {call.name} was lost; the request had been sent"
            raise ActError(
                "unreachable", detail, "look whether Cinder did it before it is asked again", maybe_done=True
            )

    async def _now(self, kind: str, project_id: str) -> Sequence[Resource]:
        async with self._database.connect() as conn:
            return await self._rows(conn, kind, project_id, self._clock())

    async def _rows(self, conn: AsyncConnection, kind: str, project_id: str, now: datetime) -> Sequence[Resource]:
        objects = await changed(conn, self._source, project_id)
        return overlaid(kind, await self._made_up(kind, project_id, now), objects, (), now)

    async def _made_up(self, kind: str, project_id: str, now: datetime) -> Sequence[Resource]:
        return await asyncio.to_thread(self._invented.in_project, self._source, kind, project_id, now)

    async def _volume_to_copy(
        self, objects: Sequence[DemoObject], project_id: str, volume_id: str, now: datetime
    ) -> Resource:
        rows = overlaid(VOLUME, await self._made_up(VOLUME, project_id, now), objects, (), now)
        row = _one(rows, volume_id)
        if row is None:
            raise _gone("volume", volume_id, project_id)
        if row.attrs["status"] not in ("available", "in-use"):
            raise _refusal("busy", f"Invalid volume: its status is {row.attrs['status']} (HTTP 400)")
        return row

    async def _quota(self, objects: Sequence[DemoObject], project_id: str, now: datetime) -> StorageQuota:
        told = await self._made_up(QUOTA, project_id, now)
        if not told:
            raise _refusal("gone", f"the demo cloud has no project {project_id} (HTTP 404)")
        limits, used = told[0].attrs["limits"], told[0].derived["used"]
        more = added(objects, await self._made_up(SNAPSHOT, project_id, now), now).get(project_id, Counter())
        return StorageQuota(
            Used(limits.get("snapshots"), used["snapshots"] + more["snapshots"]),
            Used(limits.get("storage_gib"), used["storage_gib"] + more["storage_gib"]),
        )

    def _check(self, quota: StorageQuota, size_gib: int) -> None:
        """In Cinder's words."""
        count, size = quota.snapshots, quota.size_gib
        if count.limit is not None and (count.free() or 0) < 1:
            what = f"SnapshotLimitExceeded: Maximum number of snapshots allowed ({count.limit}) exceeded"
        elif size.limit is not None and (size.free() or 0) < size_gib:
            what = f"Requested snapshot exceeds allowed gigabytes quota. Requested {size_gib}G, quota is {size.limit}G"
            what += f" and {size.used}G has been consumed."
        else:
            return
        raise ActError("over_limit", f"Cinder answered 413: {what}", "raise the quota of the project, or delete some")


def _one(rows: Sequence[Resource], external_id: str) -> Resource | None:
    return next((row for row in rows if row.external_id == external_id), None)


def _gone(what: str, external_id: str, project_id: str) -> ActError:
    return _refusal("gone", f"project {project_id} has no {what} {external_id} (HTTP 404)")


def _refusal(reason: Literal["gone", "busy"], detail: str) -> ActError:
    fix = (
        "sync the source: it was deleted, or belongs to another project" if reason == "gone" else "wait, then ask again"
    )
    return ActError(reason, detail, fix)


def _volume(row: Resource) -> VolumeState:
    attrs = row.attrs
    return VolumeState(
        row.external_id,
        row.name,
        attrs["status"],
        int(attrs["size_gib"]),
        attrs.get("volume_type"),
        bool(attrs.get("bootable")),
        dict(attrs.get("metadata") or {}),
        tuple(one["vm_id"] for one in attrs.get("attachments") or ()),
    )


def _snapshot(row: Resource) -> SnapshotState:
    attrs = row.attrs
    created = datetime.fromisoformat(attrs["created"].replace("Z", "+00:00")) if attrs.get("created") else None
    return SnapshotState(
        row.external_id,
        row.name,
        attrs["status"],
        int(attrs["size_gib"]),
        attrs["parent_id"],
        dict(attrs.get("metadata") or {}),
        created,
    )
