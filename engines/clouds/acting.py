"""The clients that change a cloud, as the work sees them. Only the runner of approved plans opens one.

Each call acts inside of one project, with no more rights than it needs there, and is never repeated blindly: an
ActError says whether the cloud may have taken it all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

ActReason = Literal["refused", "over_limit", "gone", "busy", "unreachable", "timeout", "throttled", "unexpected"]


class ActError(Exception):
    """A call that did not work. `detail` holds the cloud's own words in one line without secrets, `fix` what to do.

    `maybe_done`: the cloud may have done it, because its answer was lost. `retry_after_s` is what the cloud asked for.
    """

    def __init__(
        self, reason: ActReason, detail: str, fix: str = "", *, maybe_done: bool = False, retry_after_s: float = 0.0
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: ActReason = reason
        self.detail = detail
        self.fix = fix
        self.maybe_done = maybe_done
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class VolumeState:
    """A volume as the cloud has it now; `vms` are the ids of the VMs that it is attached to."""

    id: str
    name: str
    status: str
    size_gib: int
    volume_type: str | None = None
    bootable: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    vms: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotState:
    """A snapshot of a volume as the cloud has it now. `status` is Cinder's word: creating, available, error, …"""

    id: str
    name: str
    status: str
    size_gib: int
    volume_id: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """A limit and what is used of it. `limit` None: unlimited. `used` None: the cloud does not tell."""

    limit: int | None
    used: int | None

    def free(self) -> int | None:
        """What is left, never below zero; None: no end to it, or unknown."""
        return None if self.limit is None or self.used is None else max(self.limit - self.used, 0)


@dataclass(frozen=True, slots=True)
class StorageQuota:
    """`snapshots` and `size_gib` for the whole project; the same by volume type where the cloud limits types."""

    snapshots: Used
    size_gib: Used
    snapshots_of: Mapping[str, Used] = field(default_factory=dict)
    size_gib_of: Mapping[str, Used] = field(default_factory=dict)


class Acting(Protocol):
    """Changes to the storage of one source. Every method raises ActError."""

    @property
    def source(self) -> str: ...

    async def volumes(self, project_id: str) -> Sequence[VolumeState]:
        """All volumes of a project."""

    async def snapshots(self, project_id: str) -> Sequence[SnapshotState]:
        """All snapshots of a project, in one listing whose cost does not depend on other projects."""

    async def volume(self, project_id: str, volume_id: str) -> VolumeState | None: ...

    async def snapshot(self, project_id: str, snapshot_id: str) -> SnapshotState | None: ...

    async def create_snapshot(
        self, project_id: str, volume_id: str, name: str, metadata: Mapping[str, str], description: str = ""
    ) -> SnapshotState:
        """Also of a volume in use. It belongs to the volume's own project, or is refused."""

    async def delete_snapshot(self, project_id: str, snapshot_id: str) -> None:
        """Ask for it; it is gone when `snapshot` gives None. A snapshot that is not there is no error."""

    async def snapshot_dependants(self, project_id: str, snapshot_id: str) -> Sequence[str]:
        """Ids of the volumes that were made from it and may need it."""

    async def storage_quota(self, project_id: str) -> StorageQuota: ...

    async def set_volume_metadata(
        self, project_id: str, volume_id: str, values: Mapping[str, str], remove: Sequence[str] = ()
    ) -> None: ...

    async def pause_vm(self, project_id: str, vm_id: str) -> bool:
        """Hold a running VM still; False when it was not running, so that nothing is to be resumed."""

    async def resume_vm(self, project_id: str, vm_id: str) -> None: ...

    async def close(self) -> None: ...


class ActingClouds(Protocol):
    """The way to acting clients, handed to the runner by the composition root."""

    async def open(self, source: str) -> Acting:
        """The client of a source: one for all runs, closed by whoever made this.

        Raises ActError where changing this source was not set up, with what to do."""
