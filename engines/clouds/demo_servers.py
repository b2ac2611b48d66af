"""Making and switching VMs of the invented OpenStack, with their volumes; ports are in `demo_ports`.

As with a real one: what is made is there at once and can be used later, what is attached is not deleted, and nothing is
deleted that does not bear a mark of ours.
"""

import hashlib
import secrets
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from engines.clouds import Resource
from engines.clouds.acting import Used, VolumeState
from engines.clouds.acting_backups import BackupState, mark_of_volume
from engines.clouds.acting_servers import KEPT, MARK, NewServer, NewVolume, ServerState, Thing
from engines.clouds.demo_backups import create_of_backup
from engines.clouds.demo_calls import Changing, DemoCalls, busy, gone, refused, usage
from engines.clouds.demo_ports import DemoPorts
from engines.clouds.demo_present import BACKUP, PORT, QUOTA, SNAPSHOT, VM, VOLUME, Present
from engines.clouds.demo_present_vms import task_of
from engines.clouds.demo_words import backup_state, server_state, volume_state

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_INHERITED = ("volume_type", "bootable", "encrypted", "image", "guest_agent")
_SHARED = ("flavor", "image")
_LIMITS = ("vms", "cpu", "memory_mib", "volumes", "storage_gib", "snapshots", "ports")


class DemoServers(DemoPorts):
    """Beside the storage client of the same source."""

    def __init__(self, calls: DemoCalls) -> None:
        self._calls = calls

    async def server(self, project_id: str, server_id: str) -> ServerState | None:
        def told(present: Present) -> ServerState | None:
            row = present.one(VM, server_id)
            return None if row is None else server_state(present, row)

        return await self._calls.reading("server", project_id, server_id, told)

    async def marked_servers(self, project_id: str, mark: str) -> Sequence[ServerState]:
        def told(present: Present) -> list[ServerState]:
            ours = [row for row in present.rows(VM) if row.external_id in present.objects(VM)]
            return [one for one in (server_state(present, row) for row in ours) if one.mark == mark]

        return await self._calls.reading("marked_servers", project_id, "", told)

    async def create_server(self, project_id: str, new: NewServer) -> str:
        async with self._calls.changing("create_server", project_id) as now:
            size = await self._size(new)
            await now.spend("Nova", vms=1, cpu=size["vcpus"], memory_mib=size["memory_mib"])
            for volume in new.volumes:
                _must_be_free(await now.one(VOLUME, volume.volume_id), volume.volume_id, project_id)
            ports = [await self._free_port(now, port_id) for port_id in new.port_ids]
            id_ = str(uuid.uuid4())
            await now.make(VM, id_, new.name, await self._facts(now, new, size, ports))
            for place, volume in enumerate(new.volumes):
                device = f"/dev/vd{_LETTERS[place]}"
                deleted = volume.delete_with_vm
                await now.set(VOLUME, volume.volume_id, vm_id=id_, device=device, delete_with_vm=deleted, attached_at=0)
            for port in ports:
                await now.set(PORT, port.external_id, vm_id=id_)
        return id_

    async def _size(self, new: NewServer) -> Mapping[str, int]:
        flavor = _one(await self._calls.shared("flavor"), new.flavor_id)
        if flavor is None:
            raise refused(f"Nova answered: Flavor {new.flavor_id} could not be found")
        if new.image_id and _one(await self._calls.shared("image"), new.image_id) is None:
            raise refused(f"Nova answered: Can not find requested image {new.image_id}")
        if new.key_name:
            raise refused("Nova answered: Invalid key_name provided.")
        names = ("vcpus", "memory_mib", "disk_gib")
        return {name: int(flavor.attrs[name]) for name in names}

    async def _facts(
        self, now: Changing, new: NewServer, size: Mapping[str, int], ports: Sequence[Resource]
    ) -> Mapping[str, Any]:
        """What the inventory will list of it."""
        flavor = _one(await self._calls.shared("flavor"), new.flavor_id)
        image = _one(await self._calls.shared("image"), new.image_id)
        groups = {group for port in ports for group in port.attrs.get("security_group_ids") or ()}
        named = {row.external_id: row.name for row in await now.rows("security_group")}
        return {
            **size,
            "disk_gib": size["disk_gib"] if new.image_id else 0,
            "flavor": flavor.name if flavor else "",
            "image_id": new.image_id or None,
            "os": image.attrs.get("os") if image else None,
            "os_version": image.attrs.get("os_version") if image else None,
            **await self._host(new.zone),
            "security_groups": sorted(named.get(group, group) for group in groups),
            "tags": sorted(new.tags),
            "metadata": {**new.metadata, MARK: new.mark},
            "description": new.description,
            "config_drive": new.config_drive,
            "root_device": None if new.image_id else "/dev/vda",
            "nic_macs": [port.attrs["mac"] for port in ports],
            "server_group_id": new.server_group_id,
            "takes_s": self._calls.api.takes_s,
        }

    async def _host(self, zone: str) -> Mapping[str, str]:
        """The one of the zone that is up and has the most memory left, as it was invented."""
        up = [row for row in await self._calls.shared("host") if row.attrs.get("state") == "up"]
        mine = [row for row in up if zone in ("", row.attrs.get("zone"))] or up
        left = {r.name: int(r.attrs["memory_mib"]) - int(r.derived.get("memory_used_mib") or 0) for r in mine}
        host = max(sorted(left), key=lambda name: left[name], default="compute-01")
        found = next((str(row.attrs.get("zone") or "") for row in mine if row.name == host), "")
        return {"host": host, "zone": zone or found or "az1"}

    async def delete_server(self, project_id: str, server_id: str) -> None:
        async with self._calls.changing("delete_server", project_id, server_id) as now:
            row = await now.one(VM, server_id)
            if row is not None:
                must_be_ours(str((row.attrs.get("metadata") or {}).get(MARK, "")), f"VM {server_id}")
                await now.delete(VM, server_id)

    async def stop_server(self, project_id: str, server_id: str) -> None:
        await self._switch("stop_server", project_id, server_id, "off")

    async def start_server(self, project_id: str, server_id: str) -> None:
        await self._switch("start_server", project_id, server_id, "on")

    async def _switch(self, name: str, project_id: str, server_id: str, power: str) -> None:
        async with self._calls.changing(name, project_id, server_id) as now:
            row = await _vm(now, server_id)
            task = task_of(now.present.objects(VM).get(server_id), now.now)
            if row.attrs.get("locked"):
                raise busy(f"Nova answered: Instance {server_id} is locked")
            if task or row.attrs["state"] == power:
                what = f"task_state {task}" if task else f"vm_state {row.attrs['status']}"
                raise busy(f"Nova answered: Cannot '{name.split('_')[0]}' instance {server_id} while it is in {what}")
            at = now.now.timestamp() + self._calls.api.takes_s
            await now.set(VM, server_id, power=power, power_at=at, was=[row.attrs["state"], row.attrs["status"]])

    async def rename_server(self, project_id: str, server_id: str, name: str) -> None:
        async with self._calls.changing("rename_server", project_id, server_id) as now:
            await _vm(now, server_id)
            await now.set(VM, server_id, name=name)

    async def keep_server(self, project_id: str, server_id: str, mark: str) -> None:
        async with self._calls.changing("keep_server", project_id, server_id) as now:
            await _vm(now, server_id)
            await now.set(VM, server_id, kept=mark)

    async def delete_kept_server(self, project_id: str, server_id: str, mark: str) -> None:
        async with self._calls.changing("delete_kept_server", project_id, server_id) as now:
            row = await now.one(VM, server_id)
            if row is None:
                return
            kept = (row.attrs.get("metadata") or {}).get(KEPT)
            if not mark or kept != mark or row.attrs["status"] not in ("SHUTOFF", "ERROR"):
                raise refused(f"VM {server_id} is no stopped original of ours")
            await now.delete(VM, server_id)

    async def change_password(self, project_id: str, server_id: str, password: str) -> None:
        """The image that its root disk was made of has an agent, or Nova refuses. What is kept is a salted hash."""
        async with self._calls.changing("change_password", project_id, server_id) as now:
            row = await _vm(now, server_id)
            if row.attrs["status"] != "ACTIVE":
                raise refused(f"Nova answered: instance {server_id} is not running", code=409)
            if not await self._has_agent(now, row):
                why = "QEMU guest agent is not enabled on the instance"
                raise refused(f"Nova answered: Failed to set admin password on {server_id} because {why}", code=409)
            salt = secrets.token_bytes(16)
            digest = hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1).hex()
            told = {"password_hash": f"{salt.hex()}${digest}", "password_at": now.now.isoformat()}
            await now.set(VM, server_id, **told)

    async def _has_agent(self, now: Changing, vm: Resource) -> bool:
        image = _one(await self._calls.shared("image"), str(vm.attrs.get("image_id") or ""))
        if image is not None:
            return bool(image.attrs.get("guest_agent"))
        root = next((one for one in await now.rows(VOLUME) if one.attrs.get("parent_id") == vm.external_id
                     and one.attrs.get("bootable")), None)  # fmt: skip
        return root is not None and bool(root.attrs.get("guest_agent"))

    async def console_log(self, project_id: str, server_id: str, lines: int) -> str:
        row = await self._calls.one(VM, "console_log", project_id, server_id)
        if row is None:
            raise gone("VM", server_id, project_id)
        if row.attrs["state"] != "on":
            return ""
        os = f"{row.attrs.get('os') or 'Linux'} {row.attrs.get('os_version') or ''}".strip()
        log = ["[    0.000000] Linux version 6.8.0", "[  OK  ] Reached target Multi-User System.", "", os]
        return "\n".join([*log, f"{row.name} login: "][-lines:])

    async def attach_volume(self, project_id: str, server_id: str, volume_id: str) -> None:
        async with self._calls.changing("attach_volume", project_id, server_id) as now:
            vm = await _vm(now, server_id)
            _must_be_free(await now.one(VOLUME, volume_id), volume_id, project_id)
            if volume_id not in now.present.objects(VOLUME):
                raise refused(f"the demo attaches what was made in it, and volume {volume_id} was not")
            device = f"/dev/vd{_LETTERS[min(len(vm.attrs.get('volume_ids') or ()) + 1, 25)]}"
            at = now.now.timestamp() + self._calls.api.takes_s / 3
            await now.set(VOLUME, volume_id, vm_id=server_id, device=device, delete_with_vm=False, attached_at=at)

    async def detach_volume(self, project_id: str, server_id: str, volume_id: str) -> None:
        async with self._calls.changing("detach_volume", project_id, server_id) as now:
            row = await now.one(VOLUME, volume_id)
            if row is None or row.attrs.get("parent_id") != server_id:
                raise gone("attachment of volume", volume_id, project_id)
            if volume_id not in now.present.objects(VOLUME):
                raise refused(f"the demo detaches what was made in it, and volume {volume_id} was not")
            await now.set(VOLUME, volume_id, vm_id="")

    async def backups(self, project_id: str) -> Sequence[BackupState]:
        return [backup_state(row) for row in await self._calls.rows(BACKUP, "backups", project_id)]

    async def create_volume(self, project_id: str, new: NewVolume) -> VolumeState:
        if new.backup_id:
            return await create_of_backup(self._calls, project_id, new)
        async with self._calls.changing("create_volume", project_id, new.snapshot_id) as now:
            copy = await now.one(SNAPSHOT, new.snapshot_id)
            if copy is None:
                raise gone("snapshot", new.snapshot_id, project_id)
            if copy.attrs["status"] != "available" or new.size_gib < int(copy.attrs["size_gib"]):
                raise refused("Cinder answered: Invalid snapshot, or a size that is smaller than it")
            await now.spend("Cinder", volumes=1, storage_gib=new.size_gib)
            of = await now.one(VOLUME, str(copy.attrs["parent_id"]))
            kept = {k: of.attrs.get(k) for k in _INHERITED} if of else {}
            told = {"size_gib": new.size_gib, "snapshot_id": copy.external_id, "takes_s": self._calls.api.takes_s}
            metadata = {**new.metadata, MARK: new.mark}
            id_ = str(uuid.uuid4())
            await now.make(VOLUME, id_, new.name, {**kept, **told, "metadata": metadata})
        return VolumeState(id_, new.name, "creating", new.size_gib, metadata=metadata)

    async def set_bootable(self, project_id: str, volume_id: str) -> None:
        async with self._calls.changing("set_bootable", project_id, volume_id) as now:
            if await now.one(VOLUME, volume_id) is None or volume_id not in now.present.objects(VOLUME):
                raise gone("volume", volume_id, project_id)
            await now.set(VOLUME, volume_id, bootable=True)

    async def delete_volume(self, project_id: str, volume_id: str) -> None:
        async with self._calls.changing("delete_volume", project_id, volume_id) as now:
            row = await now.one(VOLUME, volume_id)
            if row is None or row.attrs["status"] == "deleting":
                return
            must_be_ours(mark_of_volume(volume_state(row)), f"volume {volume_id}")
            copies = [one for one in await now.rows(SNAPSHOT) if one.attrs["parent_id"] == volume_id]
            if row.attrs["status"] not in ("available", "error") or copies:
                raise busy(f"Cinder answered: Volume {volume_id} is {row.attrs['status']}, or has snapshots", 400)
            await now.delete(VOLUME, volume_id)

    async def exists(self, project_id: str, thing: Thing, id_: str) -> bool:
        rows = await self._calls.rows(thing, "exists", project_id, id_)
        row = _one(await self._calls.shared(thing), id_) if thing in _SHARED else _one(rows, id_)
        return row is not None and (thing != "image" or row.attrs.get("status") == "active")

    async def keypairs(self, project_id: str) -> frozenset[str]:
        """The demo's service user has none, as one that was just made."""
        return await self._calls.reading("keypairs", project_id, "", lambda _: frozenset())

    async def limits(self, project_id: str) -> Mapping[str, Used]:
        used = usage(await self._calls.rows(QUOTA, "limits", project_id), project_id)
        return {metric: used[metric] for metric in _LIMITS if metric in used}


def _one(rows: Sequence[Resource], external_id: str) -> Resource | None:
    return next((row for row in rows if row.external_id == external_id), None)


async def _vm(now: Changing, server_id: str) -> Resource:
    row = await now.one(VM, server_id)
    if row is None:
        raise gone("VM", server_id, now.project_id)
    return row


def _must_be_free(row: Resource | None, volume_id: str, project_id: str) -> None:
    if row is None:
        raise gone("volume", volume_id, project_id)
    if row.attrs["status"] != "available":
        raise busy(f"Nova answered: Invalid volume {volume_id}: its status is {row.attrs['status']}", 400)


def must_be_ours(mark: str, what: str) -> None:
    if not mark:
        raise refused(f"{what} was not made here and is not deleted", "delete it in the cloud itself", 403)
