"""Volumes, snapshots and backups between Cinder's JSON and what the acting client speaks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engines.clouds.acting import SnapshotState, VolumeState
from engines.clouds.acting_backups import BackupState, description_of
from engines.clouds.acting_servers import MARK, NewVolume

Json = dict[str, Any]
OF_BACKUPS = "3.47"
"""Cinder of Queens, 2018: a volume of a backup in one call."""


def volume_state(row: Json) -> VolumeState:
    return VolumeState(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        status=str(row.get("status") or ""),
        size_gib=int(row.get("size") or 0),
        volume_type=row.get("volume_type") or None,
        bootable=str(row.get("bootable")).lower() == "true",
        metadata=_texts(row.get("metadata")),
        vms=tuple(str(one["server_id"]) for one in row.get("attachments") or () if one.get("server_id")),
        description=str(row.get("description") or ""),
    )


def snapshot_state(row: Json) -> SnapshotState:
    return SnapshotState(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        status=str(row.get("status") or ""),
        size_gib=int(row.get("size") or 0),
        volume_id=str(row.get("volume_id") or ""),
        metadata=_texts(row.get("metadata")),
        created=_time(row.get("created_at")),
    )


def backup_state(row: Json) -> BackupState:
    return BackupState(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        status=str(row.get("status") or ""),
        size_gib=int(row.get("size") or 0),
        volume_id=str(row.get("volume_id") or ""),
        created=_time(row.get("created_at")),
    )


def volume_body(new: NewVolume) -> tuple[str | None, Json]:
    """The microversion that it needs, and the new volume."""
    body: Json = {"name": new.name, "size": new.size_gib, "metadata": {**new.metadata, MARK: new.mark}}
    if not new.backup_id:
        return None, {**body, "snapshot_id": new.snapshot_id}
    body |= {"backup_id": new.backup_id, "description": description_of(new.mark)}
    if new.volume_type:
        body["volume_type"] = new.volume_type
    if new.zone:
        body["availability_zone"] = new.zone
    return OF_BACKUPS, body


def _texts(value: Any) -> dict[str, str]:
    return {str(key): str(text) for key, text in value.items()} if isinstance(value, Mapping) else {}


def _time(value: Any) -> datetime | None:
    """Cinder writes UTC without a zone."""
    try:
        found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
