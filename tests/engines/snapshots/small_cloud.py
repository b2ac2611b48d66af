"""A storage service in memory that can be slow, full, broken and cut off, and that counts what took effect."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engines.actions import Doing
from engines.clouds.acting import ActError, Acting, SnapshotState, StorageQuota, Used, VolumeState
from engines.plans import Plan, Step
from engines.snapshots.pacing import Tempo
from storage.database import Database

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


class Killed(BaseException):
    """The worker dies here."""


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


def tempo(clock: Clock, **changes: Any) -> Tempo:
    return replace(Tempo(clock=clock, sleep=clock.sleep, settle_s=0.0), **changes)


@dataclass
class Fault:
    """One thing that goes wrong with a call: the error, and whether the cloud does it all the same."""

    error: BaseException
    done: bool = False


@dataclass
class SmallCloud:
    """`faults[call]` are used up one by one, oldest first; `fault_of` looks at the name and arguments of a call.

    `limit_gib`, `limit_count` None: no limit; `tells_use` False: the quota is told as limits alone. `effects` counts
    what took effect, `calls` what was asked. `late` snapshots are made when they are `come`d.
    """

    clock: Callable[[], datetime] = field(default_factory=Clock)
    source: str = "pcd-1"
    held: dict[str, dict[str, VolumeState]] = field(default_factory=dict)
    made: dict[str, dict[str, SnapshotState]] = field(default_factory=dict)
    limit_gib: int | None = None
    limit_count: int | None = None
    tells_use: bool = True
    types: dict[str, int] = field(default_factory=dict)
    creating_for: int = 0
    latency_s: float = 0.0
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    fault_of: Callable[[str, tuple[str, ...]], Fault | None] = field(default=lambda name, told: None)
    needed: dict[str, list[str]] = field(default_factory=dict)
    errored: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    effects: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=dict)
    deleted: list[SnapshotState] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    _polls: Counter[str] = field(default_factory=Counter)
    _number: int = 0

    def volume(self, project: str, id_: str, size: int = 10, **more: Any) -> VolumeState:
        one = VolumeState(id_, more.pop("name", id_), more.pop("status", "in-use"), size, **more)
        self.held.setdefault(project, {})[id_] = one
        return one

    def copy(self, project: str, volume: str, age: timedelta, **more: Any) -> SnapshotState:
        """A snapshot from before."""
        self._number += 1
        id_ = more.pop("id", f"old-{self._number}")
        size = self.held.get(project, {}).get(volume, VolumeState(volume, volume, "", 10)).size_gib
        told = {"status": "available", "size_gib": size, "metadata": {}, "name": id_} | more
        one = SnapshotState(id=id_, volume_id=volume, created=self.clock() - age, **told)
        self.made.setdefault(project, {})[id_] = one
        return one

    def of(self, volume: str) -> list[SnapshotState]:
        return [one for project in self.made.values() for one in project.values() if one.volume_id == volume]

    async def _call(self, name: str, *told: str) -> Fault | None:
        """Before the effect: raises what shall go wrong without one; gives back what shall go wrong after it."""
        self.calls[name] += 1
        self.times.setdefault(told[0] if told else "", []).append(asyncio.get_running_loop().time())
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.latency_s)
        finally:
            self.under_way -= 1
        waiting = self.faults.get(name) or []
        fault = waiting.pop(0) if waiting else self.fault_of(name, told)
        if fault is not None and not fault.done:
            raise fault.error
        return fault

    async def volumes(self, project_id: str) -> Sequence[VolumeState]:
        await self._call("volumes", project_id)
        return list(self.held.get(project_id, {}).values())

    async def snapshots(self, project_id: str) -> Sequence[SnapshotState]:
        await self._call("snapshots", project_id)
        mine = self.made.setdefault(project_id, {})
        for one in list(mine.values()):
            self._step(project_id, one)
        return list(mine.values())

    def _step(self, project: str, one: SnapshotState) -> None:
        """What is being made is good, or broken, after so many looks; what is being deleted is gone at the next."""
        mine = self.made[project]
        if one.status == "deleting":
            del mine[one.id]
        elif one.status == "creating" and one.volume_id not in self.stuck:
            self._polls[one.id] += 1
            if self._polls[one.id] > self.creating_for:
                mine[one.id] = replace(one, status="error" if one.volume_id in self.errored else "available")

    async def volume_state(self, project_id: str, volume_id: str) -> VolumeState | None:
        return self.held.get(project_id, {}).get(volume_id)

    async def snapshot(self, project_id: str, snapshot_id: str) -> SnapshotState | None:
        await self._call("snapshot", project_id, snapshot_id)
        one = self.made.get(project_id, {}).get(snapshot_id)
        if one is not None:
            self._step(project_id, one)
        return one

    async def create_snapshot(
        self, project_id: str, volume_id: str, name: str, metadata: Mapping[str, str], description: str = ""
    ) -> SnapshotState:
        fault = await self._call("create_snapshot", project_id, volume_id)
        volume = self.held.get(project_id, {}).get(volume_id)
        if volume is None:
            raise ActError("gone", f"Volume {volume_id} could not be found.")
        self._check_quota(project_id, volume)
        self._number += 1
        one = SnapshotState(
            f"snap-{self._number}", name, "creating", volume.size_gib, volume_id, dict(metadata), self.clock()
        )
        self.made.setdefault(project_id, {})[one.id] = one
        self.effects["create"] += 1
        if fault is not None:
            raise fault.error
        return one

    def _check_quota(self, project_id: str, volume: VolumeState) -> None:
        count, size = self._used(project_id)
        if self.limit_gib is not None and size + volume.size_gib > self.limit_gib:
            raise ActError("over_limit", "SnapshotLimitExceeded: Requested volume exceeds allowed gigabytes quota.")
        if self.limit_count is not None and count + 1 > self.limit_count:
            raise ActError("over_limit", "Maximum number of snapshots allowed exceeded.")

    def _used(self, project_id: str) -> tuple[int, int]:
        mine = self.made.get(project_id, {}).values()
        size = sum(one.size_gib for one in self.held.get(project_id, {}).values())
        return len(mine), size + sum(one.size_gib for one in mine)

    async def delete_snapshot(self, project_id: str, snapshot_id: str) -> None:
        fault = await self._call("delete_snapshot", project_id, snapshot_id)
        one = self.made.get(project_id, {}).get(snapshot_id)
        if one is not None and one.status != "deleting":
            self.made[project_id][snapshot_id] = replace(one, status="deleting")
            self.deleted.append(one)
            self.effects["delete"] += 1
        if fault is not None:
            raise fault.error

    async def snapshot_dependants(self, project_id: str, snapshot_id: str) -> Sequence[str]:
        await self._call("snapshot_dependants", project_id, snapshot_id)
        return self.needed.get(snapshot_id, [])

    async def storage_quota(self, project_id: str) -> StorageQuota:
        await self._call("storage_quota", project_id)
        count, size = self._used(project_id)
        told = (count, size) if self.tells_use else (None, None)
        types = {name: Used(limit, None) for name, limit in self.types.items()}
        return StorageQuota(Used(self.limit_count, told[0]), Used(self.limit_gib, told[1]), {}, types)

    async def set_volume_metadata(
        self, project_id: str, volume_id: str, values: Mapping[str, str], remove: Sequence[str] = ()
    ) -> None:
        fault = await self._call("set_volume_metadata", project_id, volume_id)
        one = self.held[project_id][volume_id]
        kept = {key: value for key, value in one.metadata.items() if key not in remove}
        self.held[project_id][volume_id] = replace(one, metadata={**kept, **values})
        self.effects["metadata"] += 1
        if fault is not None:
            raise fault.error

    async def pause_vm(self, project_id: str, vm_id: str) -> bool:
        fault = await self._call("pause_vm", project_id, vm_id)
        if vm_id not in self.running:
            return False
        self.running.discard(vm_id)
        self.paused.add(vm_id)
        if fault is not None:
            raise fault.error
        return True

    async def resume_vm(self, project_id: str, vm_id: str) -> None:
        fault = await self._call("resume_vm", project_id, vm_id)
        if vm_id not in self.paused:
            raise ActError("busy", "Cannot unpause while it is in vm_state active")
        self.paused.discard(vm_id)
        self.running.add(vm_id)
        if fault is not None:
            raise fault.error

    async def close(self) -> None:
        return


class Client:
    """The cloud as an action gets it: `volume` is a call there, and makes one here."""

    def __init__(self, cloud: SmallCloud) -> None:
        self._cloud = cloud

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cloud, "volume_state" if name == "volume" else name)


@dataclass
class Killing:
    """A database that dies at the n-th transaction: before it, or after it was committed."""

    inner: Database
    at: int = -1
    after: bool = False
    count: int = 0

    def begin(self) -> Any:
        from contextlib import asynccontextmanager

        @asynccontextmanager
        async def begin() -> Any:
            number, self.count = self.count, self.count + 1
            if number == self.at and not self.after:
                raise Killed
            async with self.inner.begin() as conn:
                yield conn
            if number == self.at and self.after:
                raise Killed

        return begin()


def doing(
    cloud: SmallCloud | Any,
    database: Any,
    step: Step,
    *,
    job_id: int = 7,
    options: Mapping[str, Any] | None = None,
    earlier: Mapping[str, Any] | None = None,
    **more: Any,
) -> Doing:
    plan = Plan("snapshot_run", "a plan", (), (step,), options or {})

    async def acting(source: str) -> Acting:
        client: Any = Client(cloud)
        return client  # type: ignore[no-any-return]

    return Doing(job_id, plan, step, f"JOB-{job_id}-{step.name}", database, acting, earlier or {}, **more)


def batch_step(
    project: str, volumes: Sequence[VolumeState], *, policy: str = "daily_2", keep: int = 2, **more: Any
) -> Step:
    items = [
        {"id": one.id, "name": one.name, "size_gib": one.size_gib, "volume_type": one.volume_type or "",
         "vm": one.vms[0] if one.vms else "", "vm_id": one.vms[0] if one.vms else "", "retention": keep}
        for one in volumes
    ]  # fmt: skip
    told = {"source": "pcd-1", "project_id": project, "policy": policy, "run": "", "by": "bob", "volumes": items}
    return Step(f"take {project}", "snapshot.batch", "takes", {**told, **more})


AUTO = {"created_by": "stackhand", "stackhand_key": "k", "stackhand_policy": "daily_2"}
"""The metadata of a copy that a run made; the key is replaced by one of its own."""


def auto(key: str, policy: str = "daily_2") -> dict[str, str]:
    return {**AUTO, "stackhand_key": key, "stackhand_policy": policy}
