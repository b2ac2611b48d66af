"""Changes to the storage of an OpenStack region, made by a service user that logs in to the project it works in.

What is made belongs to the project of the login, so there is no other account to fall back to: where the service user
has no role, the change is refused.
"""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from openstack.config.cloud_region import CloudRegion

from engines.clouds.acting import ActError, SnapshotState, StorageQuota, VolumeState
from engines.clouds.openstack_acting_networks import OpenStackActingNetworks
from engines.clouds.openstack_acting_servers import OpenStackActingServers
from engines.clouds.openstack_calls import CallLimits
from engines.clouds.openstack_projects import Json, Listing, ProjectCalls
from engines.clouds.openstack_storage_quota import counted, told
from engines.clouds.openstack_volume_words import snapshot_state, volume_state

CINDER, NOVA = "block_storage", "compute"
_VOLUMES = Listing(CINDER, "/volumes/detail", "volumes")
_SNAPSHOTS = Listing(CINDER, "/snapshots/detail", "snapshots")
_PAUSE_TRIES = 30


class OpenStackActing:
    """`poll_s` is the pause between two looks at a VM that is being paused or resumed."""

    def __init__(
        self, source: str, entry: str, region: CloudRegion, limits: CallLimits | None = None, *, poll_s: float = 1.0
    ) -> None:
        self.calls = ProjectCalls(source, entry, region, limits)
        self._poll_s = poll_s

    @property
    def source(self) -> str:
        return self.calls.source

    @property
    def servers(self) -> OpenStackActingServers:
        return OpenStackActingServers(self.calls)

    @property
    def networks(self) -> OpenStackActingNetworks:
        return OpenStackActingNetworks(self.calls)

    async def volumes(self, project_id: str) -> Sequence[VolumeState]:
        return [volume_state(row) for row in await self._mine(project_id, _VOLUMES)]

    async def snapshots(self, project_id: str) -> Sequence[SnapshotState]:
        return [snapshot_state(row) for row in await self._mine(project_id, _SNAPSHOTS)]

    async def volume(self, project_id: str, volume_id: str) -> VolumeState | None:
        row = await self._found(project_id, CINDER, f"/volumes/{quote(volume_id, safe='')}", "volume")
        return volume_state(row) if row and _owner(row, project_id) == project_id else None

    async def snapshot(self, project_id: str, snapshot_id: str) -> SnapshotState | None:
        row = await self._found(project_id, CINDER, f"/snapshots/{quote(snapshot_id, safe='')}", "snapshot")
        return snapshot_state(row) if row and _owner(row, project_id) == project_id else None

    async def create_snapshot(
        self, project_id: str, volume_id: str, name: str, metadata: Mapping[str, str], description: str = ""
    ) -> SnapshotState:
        """`force` is for volumes in use; later microversions imply it."""
        await self._own_volume(project_id, volume_id)
        wanted = {
            "volume_id": volume_id,
            "name": name,
            "description": description,
            "metadata": dict(metadata),
            "force": True,
        }
        body = await self.calls.change(project_id, "POST", CINDER, "/snapshots", {"snapshot": wanted})
        try:
            return snapshot_state(body["snapshot"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ActError(
                "unexpected",
                "Cinder's answer to a new snapshot holds no snapshot",
                "look whether Cinder made it before it is asked again",
                maybe_done=True,
            ) from error

    async def delete_snapshot(self, project_id: str, snapshot_id: str) -> None:
        if await self.snapshot(project_id, snapshot_id) is None:
            return
        path = f"/snapshots/{quote(snapshot_id, safe='')}"
        try:
            await self.calls.change(project_id, "DELETE", CINDER, path)
        except ActError as error:
            if error.reason != "gone":
                raise

    async def snapshot_dependants(self, project_id: str, snapshot_id: str) -> Sequence[str]:
        """Cinder filters volumes by their snapshot for administrators only, so all of the project are looked at."""
        rows = await self._mine(project_id, _VOLUMES)
        return [str(row["id"]) for row in rows if row.get("snapshot_id") == snapshot_id]

    async def storage_quota(self, project_id: str) -> StorageQuota:
        """Where Cinder tells no usage, what the project has is counted."""
        path = f"/os-quota-sets/{quote(project_id, safe='')}"
        body = await self.calls.read(project_id, CINDER, path, (("usage", "True"),))
        found = told(body.get("quota_set"))
        if not found.lacks_usage:
            return found.quota
        volumes, snapshots = await asyncio.gather(self.volumes(project_id), self.snapshots(project_id))
        return counted(found.quota, volumes, snapshots)

    async def set_volume_metadata(
        self, project_id: str, volume_id: str, values: Mapping[str, str], remove: Sequence[str] = ()
    ) -> None:
        """Other keys stay as they are, also those that are set meanwhile."""
        there = await self._own_volume(project_id, volume_id)
        path = f"/volumes/{quote(volume_id, safe='')}/metadata"
        if values:
            await self.calls.change(project_id, "POST", CINDER, path, {"metadata": dict(values)})
        for key in remove:
            if key in there.metadata and key not in values:
                await self._remove(project_id, f"{path}/{quote(key, safe='')}")

    async def _remove(self, project_id: str, path: str) -> None:
        try:
            await self.calls.change(project_id, "DELETE", CINDER, path)
        except ActError as error:
            if error.reason != "gone":
                raise

    async def pause_vm(self, project_id: str, vm_id: str) -> bool:
        """Returns once the VM stands still. Raises ActError with `maybe_done` when that was not seen in time."""
        if await self._status(project_id, vm_id) != "ACTIVE":
            return False
        await self._act(project_id, vm_id, "pause")
        await self._until(project_id, vm_id, "PAUSED")
        return True

    async def resume_vm(self, project_id: str, vm_id: str) -> None:
        if await self._status(project_id, vm_id) == "PAUSED":
            await self._act(project_id, vm_id, "unpause")
            await self._until(project_id, vm_id, "ACTIVE")

    async def close(self) -> None:
        await self.calls.close()

    async def _mine(self, project_id: str, listing: Listing) -> list[Json]:
        """Without all_tenants Cinder looks at the project of the login alone; an administrator's view is cut to it."""
        rows = await self.calls.rows(project_id, listing)
        try:
            return [row for row in rows if _owner(row, project_id) == project_id]
        except (KeyError, TypeError, AttributeError) as error:
            raise ActError("unexpected", f"Cinder's {listing.path} holds rows that cannot be read") from error

    async def _found(self, project_id: str, service: str, path: str, key: str) -> Json | None:
        try:
            body = await self.calls.read(project_id, service, path)
        except ActError as error:
            if error.reason == "gone":
                return None
            raise
        row = body.get(key)
        if not isinstance(row, dict) or "id" not in row:
            raise ActError("unexpected", f"the answer to {path} holds no {key}", "check the log of the service")
        return row

    async def _own_volume(self, project_id: str, volume_id: str) -> VolumeState:
        """The volume, if it is the project's own; an administrator would see another's, and act on it."""
        row = await self._found(project_id, CINDER, f"/volumes/{quote(volume_id, safe='')}", "volume")
        if row is None:
            raise ActError(
                "gone",
                f"project {project_id} has no volume {volume_id}",
                "sync the source: it was deleted, or belongs to another project",
            )
        owner = _owner(row, "")
        roles = await self.calls.roles(project_id)
        if (owner and owner != project_id) or (not owner and "admin" in roles):
            raise ActError(
                "refused",
                f"volume {volume_id} belongs to {'another project' if owner else 'a project that Cinder does not name'}"
                f": what is made of it here would be owned by {project_id}",
                "sync the source, and ask for the volume in its own project",
            )
        return volume_state(row)

    async def _status(self, project_id: str, vm_id: str) -> str:
        row = await self._found(project_id, NOVA, f"/servers/{quote(vm_id, safe='')}", "server")
        if row is None or row.get("tenant_id", project_id) != project_id:
            raise ActError("gone", f"project {project_id} has no VM {vm_id}", "sync the source: it was deleted")
        return str(row.get("status") or "")

    async def _act(self, project_id: str, vm_id: str, action: str) -> None:
        await self.calls.change(project_id, "POST", NOVA, f"/servers/{quote(vm_id, safe='')}/action", {action: None})

    async def _until(self, project_id: str, vm_id: str, status: str) -> None:
        for _ in range(_PAUSE_TRIES):
            if await self._status(project_id, vm_id) == status:
                return
            await asyncio.sleep(self._poll_s)
        raise ActError(
            "timeout",
            f"VM {vm_id} did not become {status} in time",
            "look at the VM; resume it when it is paused",
            maybe_done=True,
        )


def _owner(row: Json, default: str) -> str:
    for key in ("os-vol-tenant-attr:tenant_id", "os-extended-snapshot-attributes:project_id", "project_id"):
        if row.get(key):
            return str(row[key])
    return default
