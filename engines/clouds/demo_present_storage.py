"""Snapshots and volumes of the invented cloud with what was made, deleted and labelled."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from engines.clouds import Resource
from engines.clouds.demo_model import iso
from engines.clouds.demo_present import SNAPSHOT, VOLUME, Present, is_gone
from storage.demo_changes import DemoObject


def snapshots(present: Present, rows: Sequence[Resource]) -> Sequence[Resource]:
    now, mine = present.now, present.objects(SNAPSHOT).values()
    deleted = {one.external_id: one.deleted_at for one in mine if one.made_at is None and one.deleted_at is not None}
    kept = [_seen(row, deleted.get(row.external_id)) for row in rows if not is_gone(deleted.get(row.external_id), now)]
    made = [_snapshot(one, now) for one in mine if one.made_at is not None and not is_gone(one.deleted_at, now)]
    return [*kept, *made]


def _seen(row: Resource, deleted_at: datetime | None) -> Resource:
    if deleted_at is None:
        return row
    return replace(row, attrs={**row.attrs, "status": "deleting", "state": "unknown"})


def _snapshot(one: DemoObject, now: datetime) -> Resource:
    status, state = status_of(one, now)
    attrs: dict[str, Any] = {
        "state": state,
        "status": status,
        "size_gib": one.attrs["size_gib"],
        "parent_id": one.attrs["volume_id"],
        "metadata": one.attrs["metadata"],
        "created": born(one),
    }
    return Resource(SNAPSHOT, one.external_id, one.name, one.project_id, attrs)


def born(one: DemoObject) -> str | None:
    return iso(int(one.made_at.timestamp())) if one.made_at else None


def is_on_its_way(one: DemoObject, now: datetime) -> bool:
    """What was made takes `takes_s` until it can be used."""
    return one.made_at is not None and now < one.made_at + timedelta(seconds=float(one.attrs.get("takes_s", 0)))


def status_of(one: DemoObject, now: datetime) -> tuple[str, str]:
    """(Cinder's word, ours) for what was made and nobody uses."""
    if one.deleted_at is not None:
        return "deleting", "unknown"
    if is_on_its_way(one, now):
        return "creating", "building"
    return ("error", "error") if one.attrs.get("breaks") else ("available", "available")


def labels(told: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, str]:
    """Metadata with what was set and without what was removed."""
    return {name: value for name, value in {**told, **changes}.items() if value is not None}


def volumes(present: Present, rows: Sequence[Resource]) -> Sequence[Resource]:
    objects = present.objects(VOLUME)
    if not objects and not present.gone_vms:
        return rows
    kept = [_labelled(row, objects[row.external_id]) if row.external_id in objects else row for row in rows]
    return [*(_freed(present, row) for row in kept), *(_volume(present, one) for one in made_volumes(present))]


def made_volumes(present: Present) -> Sequence[DemoObject]:
    return [one for one in present.made(VOLUME) if not _is_away(present, one)]


def _labelled(row: Resource, one: DemoObject) -> Resource:
    return replace(row, attrs={**row.attrs, "metadata": labels(row.attrs.get("metadata", {}), one.attrs)})


def _freed(present: Present, row: Resource) -> Resource:
    """A volume whose VM is gone."""
    if str(row.attrs.get("parent_id") or "") not in present.gone_vms:
        return row
    free = {"state": "unattached", "status": "available", "attachments": []}
    return replace(row, attrs={**{k: v for k, v in row.attrs.items() if k != "parent_id"}, **free})


def _is_away(present: Present, one: DemoObject) -> bool:
    """Deleted, or gone with the VM that it was made for."""
    with_vm = one.attrs.get("delete_with_vm") and one.attrs.get("vm_id") in present.gone_vms
    return bool(with_vm) or is_gone(one.deleted_at, present.now)


def holder_of(present: Present, one: DemoObject) -> str:
    """The id of the VM that a made volume is attached to; empty for a free one."""
    vm_id = str(one.attrs.get("vm_id") or "")
    return "" if vm_id in present.gone_vms else vm_id


def metadata_of(one: DemoObject, now: datetime) -> Mapping[str, Any]:
    """Those of the volume that was backed up, from the moment that all is written back until somebody sets others."""
    back = one.attrs.get("written_back")
    metadata: Mapping[str, Any] = one.attrs["metadata"] if not back or is_on_its_way(one, now) else back
    return metadata


def _volume(present: Present, one: DemoObject) -> Resource:
    told, holder = one.attrs, holder_of(present, one)
    status, state = status_of(one, present.now)
    if holder and one.deleted_at is None:
        attaching = present.now.timestamp() < float(told.get("attached_at") or 0)
        status, state = "attaching" if attaching else "in-use", "attached"
    elif state == "available":
        state = "unattached"
    attrs: dict[str, Any] = {
        "state": state,
        "status": status,
        "size_gib": told["size_gib"],
        "volume_type": told.get("volume_type"),
        "bootable": bool(told.get("bootable")),
        "encrypted": bool(told.get("encrypted")),
        "multiattach": False,
        "zone": "nova",
        "parent_id": holder or None,
        "attachments": [{"vm_id": holder, "device": told.get("device")}] if holder else [],
        "image": told.get("image"),
        "guest_agent": told.get("guest_agent"),
        "metadata": dict(metadata_of(one, present.now)),
        "description": told.get("description"),
        "snapshot_id": told.get("snapshot_id"),
        "created": born(one),
    }
    return Resource(
        VOLUME, one.external_id, one.name, one.project_id, {k: v for k, v in attrs.items() if v is not None}
    )
