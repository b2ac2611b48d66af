"""The invented cloud with what was changed in it: what was made appears, what was deleted goes, labels are as set."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from engines.clouds import Resource
from engines.clouds.demo_model import iso
from storage.demo_changes import DemoObject

SNAPSHOT, VOLUME, VM, QUOTA = "snapshot", "volume", "vm", "quota"
DELETED_AFTER = timedelta(seconds=2)
"""How long something is `deleting` before it is gone."""


def overlaid(
    kind: str, rows: Sequence[Resource], objects: Sequence[DemoObject], snapshots: Sequence[Resource], now: datetime
) -> Sequence[Resource]:
    """`rows` of a kind with the changes of their source. `snapshots` are the invented ones, for the use of quotas."""
    if not objects:
        return rows
    if kind == SNAPSHOT:
        return with_snapshots(rows, objects, now)
    if kind == VOLUME:
        return _labelled(rows, objects)
    if kind == VM:
        return _held(rows, objects)
    return _used(rows, objects, snapshots, now) if kind == QUOTA else rows


def with_snapshots(rows: Sequence[Resource], objects: Sequence[DemoObject], now: datetime) -> Sequence[Resource]:
    mine = [one for one in objects if one.kind == SNAPSHOT]
    deleted = {one.external_id: one.deleted_at for one in mine if one.made_at is None and one.deleted_at is not None}
    kept = [_seen(row, deleted.get(row.external_id)) for row in rows if not is_gone(deleted.get(row.external_id), now)]
    made = [_made(one, now) for one in mine if one.made_at is not None and not is_gone(one.deleted_at, now)]
    return [*kept, *made]


def is_gone(deleted_at: datetime | None, now: datetime) -> bool:
    return deleted_at is not None and deleted_at + DELETED_AFTER <= now


def _seen(row: Resource, deleted_at: datetime | None) -> Resource:
    if deleted_at is None:
        return row
    return replace(row, attrs={**row.attrs, "status": "deleting", "state": "unknown"})


def _made(one: DemoObject, now: datetime) -> Resource:
    status, state = status_of(one, now)
    attrs: dict[str, Any] = {
        "state": state,
        "status": status,
        "size_gib": one.attrs["size_gib"],
        "parent_id": one.attrs["volume_id"],
        "metadata": one.attrs["metadata"],
        "created": iso(int(one.made_at.timestamp())) if one.made_at else None,
    }
    return Resource(SNAPSHOT, one.external_id, one.name, one.project_id, attrs)


def status_of(one: DemoObject, now: datetime) -> tuple[str, str]:
    """(Cinder's word, ours) for a snapshot that was made: it takes `takes_s` until it is there."""
    if one.deleted_at is not None:
        return "deleting", "unknown"
    if one.made_at is not None and now < one.made_at + timedelta(seconds=float(one.attrs.get("takes_s", 0))):
        return "creating", "building"
    return ("error", "error") if one.attrs.get("breaks") else ("available", "available")


def labels(told: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, str]:
    """Metadata with what was set and without what was removed."""
    return {name: value for name, value in {**told, **changes}.items() if value is not None}


def _labelled(rows: Sequence[Resource], objects: Sequence[DemoObject]) -> Sequence[Resource]:
    changes = {one.external_id: one.attrs for one in objects if one.kind == VOLUME}
    if not changes:
        return rows
    return [
        replace(row, attrs={**row.attrs, "metadata": labels(row.attrs.get("metadata", {}), changes[row.external_id])})
        if row.external_id in changes
        else row
        for row in rows
    ]


def _held(rows: Sequence[Resource], objects: Sequence[DemoObject]) -> Sequence[Resource]:
    held = {one.external_id for one in objects if one.kind == VM and one.attrs.get("paused")}
    if not held:
        return rows
    return [_paused(row) if row.external_id in held and row.attrs["state"] == "on" else row for row in rows]


def _paused(row: Resource) -> Resource:
    return replace(row, attrs={**row.attrs, "state": "paused", "status": "PAUSED"})


def _used(
    rows: Sequence[Resource], objects: Sequence[DemoObject], snapshots: Sequence[Resource], now: datetime
) -> Sequence[Resource]:
    more = added(objects, snapshots, now)
    return [_counted(row, more[row.external_id]) if row.external_id in more else row for row in rows]


def _counted(row: Resource, more: Mapping[str, int]) -> Resource:
    used = {metric: value + more.get(metric, 0) for metric, value in row.derived.get("used", {}).items()}
    return replace(row, derived={**row.derived, "used": used})


def added(objects: Sequence[DemoObject], snapshots: Sequence[Resource], now: datetime) -> dict[str, Counter[str]]:
    """What each project uses beside what was invented, by metrics of quotas; deleted invented ones count below zero."""
    found: dict[str, Counter[str]] = {}
    invented = {row.external_id: int(row.attrs["size_gib"]) for row in snapshots}
    for one in objects:
        if one.kind != SNAPSHOT:
            continue
        gone, use = is_gone(one.deleted_at, now), found.setdefault(one.project_id, Counter())
        if one.made_at is not None and not gone:
            use.update(snapshots=1, storage_gib=int(one.attrs["size_gib"]))
        elif one.made_at is None and gone and one.external_id in invented:
            use.update(snapshots=-1, storage_gib=-invented[one.external_id])
    return found
