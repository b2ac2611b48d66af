"""What the work sees of volume backups, and how a volume that comes from one is found again.

A volume of a backup gets the metadata of the volume that was backed up, in place of all that it was made with: Cinder
writes them over when the restore ends, marks of ours among them, old ones of another restore too. Its name and
description stay, so there the mark is in the description as well, and what stands there counts.
"""

from dataclasses import dataclass
from datetime import datetime

from engines.clouds.acting import VolumeState

MARK = "stackhand_key"
"""The key of the mark in metadata."""
ORIGIN_KEY = "src_backup_id"
"""Cinder's own note of the backup that a volume came from."""


@dataclass(frozen=True, slots=True)
class BackupState:
    """A backup as the cloud has it now. `status` is Cinder's word: available, restoring, error, …"""

    id: str
    name: str
    status: str
    size_gib: int
    volume_id: str
    created: datetime | None = None


def description_of(mark: str) -> str:
    """What a volume is described as that is made of a backup."""
    return f"{MARK}={mark}"


def is_being_filled(volume: VolumeState) -> bool:
    """Whether it is still made of a backup. It must not be deleted then: Cinder takes the call as long as no storage
    was chosen for the volume, and its backup stays `restoring` until an administrator resets it."""
    return volume.status == "creating" and volume.description.startswith(f"{MARK}=")


def mark_of_volume(volume: VolumeState) -> str:
    """The mark of ours that it bears; empty for what we did not make."""
    key, _, mark = volume.description.partition("=")
    return mark if key == MARK and mark else volume.metadata.get(MARK, "")
