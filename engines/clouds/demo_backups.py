"""Volumes of backups in the invented OpenStack: slower than those of snapshots, and with the trap of a real one.

When all is written back the volume has the metadata of the one that was backed up, not those that it was made with.
"""

import uuid
from typing import Any

from engines.clouds.acting import VolumeState
from engines.clouds.acting_backups import ORIGIN_KEY, description_of
from engines.clouds.acting_servers import MARK, NewVolume
from engines.clouds.demo_calls import DemoCalls, gone, refused
from engines.clouds.demo_present import BACKUP, VOLUME

_SLOWER = 2.0


async def create_of_backup(calls: DemoCalls, project_id: str, new: NewVolume) -> VolumeState:
    async with calls.changing("create_volume", project_id, new.backup_id) as now:
        copy = await now.one(BACKUP, new.backup_id)
        if copy is None:
            raise gone("backup", new.backup_id, project_id)
        if copy.attrs["status"] != "available" or new.size_gib < int(copy.attrs["size_gib"]):
            raise refused("Cinder answered: Invalid backup, or a size that is smaller than it")
        await now.spend("Cinder", volumes=1, storage_gib=new.size_gib)
        of = await now.one(VOLUME, str(copy.attrs["parent_id"]))
        before: dict[str, Any] = dict(of.attrs) if of else {}
        told = {
            "size_gib": new.size_gib, "takes_s": calls.api.takes_s * _SLOWER,
            "volume_type": new.volume_type or before.get("volume_type"), "encrypted": before.get("encrypted"),
            "bootable": before.get("bootable"), "image": before.get("image"),
            "guest_agent": before.get("guest_agent"),
            "description": description_of(new.mark), "metadata": {**new.metadata, MARK: new.mark},
            "written_back": {**(before.get("metadata") or {}), ORIGIN_KEY: copy.external_id},
        }  # fmt: skip
        id_ = str(uuid.uuid4())
        await now.make(VOLUME, id_, new.name, told)
    return VolumeState(id_, new.name, "creating", new.size_gib, description=description_of(new.mark))
