"""VMs of the invented cloud with those that were made, switched and renamed, and what that does to hosts and groups."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from engines.clouds import Resource
from engines.clouds.acting_servers import KEPT
from engines.clouds.demo_present import VM, Present
from engines.clouds.demo_present_ports import changed_addresses
from engines.clouds.demo_present_storage import born, holder_of, is_on_its_way, made_volumes
from storage.demo_changes import DemoObject

NO_HOST = "No valid host was found. There are not enough hosts available."
_POWER = {"on": ("on", "ACTIVE"), "off": ("off", "SHUTOFF")}
_TASK = {"on": "powering-on", "off": "powering-off"}
_COPIED = (
    "flavor", "vcpus", "memory_mib", "disk_gib", "host", "zone", "os", "os_version", "image_id", "security_groups",
    "tags", "metadata", "key_name", "description", "config_drive", "root_device", "nic_macs",
)  # fmt: skip


def vms(present: Present, rows: Sequence[Resource]) -> Sequence[Resource]:
    objects, addresses, volumes = present.objects(VM), changed_addresses(present), _volumes(present)
    touched = objects.keys() | addresses.keys() | volumes.keys()
    if not touched:
        return rows
    kept = [
        _changed(present.now, row, objects.get(row.external_id), addresses, volumes)
        if row.external_id in touched
        else row
        for row in rows
        if row.external_id not in present.gone_vms
    ]
    return [*kept, *(_made(present.now, one, addresses, volumes) for one in living(present))]


def _volumes(present: Present) -> Mapping[str, list[str]]:
    """{VM id: made volumes that are attached to it}, in the order of their devices."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one in made_volumes(present):
        holder = holder_of(present, one)
        if holder:
            found.setdefault(holder, []).append((str(one.attrs.get("device")), one.external_id))
    return {vm_id: [id_ for _, id_ in sorted(pairs)] for vm_id, pairs in found.items()}


def _changed(
    now: datetime,
    row: Resource,
    one: DemoObject | None,
    addresses: Mapping[str, Sequence[Mapping[str, Any]]],
    volumes: Mapping[str, Sequence[str]],
) -> Resource:
    id_ = row.external_id
    attrs = {**row.attrs}
    if id_ in addresses:
        attrs["addresses"] = list(addresses[id_])
    if id_ in volumes:
        attrs["volume_ids"] = sorted({*attrs.get("volume_ids", ()), *volumes[id_]})
    if one is None:
        return replace(row, attrs=attrs)
    attrs["state"], attrs["status"] = _power(one, now, (attrs["state"], attrs["status"]))
    attrs["metadata"] = _marked(attrs.get("metadata"), one)
    return replace(row, name=str(one.attrs.get("name") or row.name), attrs=attrs)


def _marked(metadata: Mapping[str, str] | None, one: DemoObject) -> dict[str, str]:
    """With the mark of an original that a restore keeps."""
    kept = str(one.attrs.get("kept") or "")
    return {**(metadata or {}), **({KEPT: kept} if kept else {})}


def _power(one: DemoObject, now: datetime, before: tuple[str, str]) -> tuple[str, str]:
    told = one.attrs
    state = before
    if "power" in told:
        state = tuple(told["was"]) if _is_switching(one, now) else _POWER[str(told["power"])]
    return ("paused", "PAUSED") if told.get("paused") and state[0] == "on" else (state[0], state[1])


def _is_switching(one: DemoObject, now: datetime) -> bool:
    return "power" in one.attrs and now.timestamp() < float(one.attrs["power_at"])


def deleted_with(present: Present, vm_id: str) -> frozenset[str]:
    """Ids of the made volumes that go with the VM."""
    mine = (one for one in made_volumes(present) if holder_of(present, one) == vm_id)
    return frozenset(one.external_id for one in mine if one.attrs.get("delete_with_vm"))


def task_of(one: DemoObject | None, now: datetime) -> str:
    """What is under way with a VM, in Nova's words."""
    if one is None:
        return ""
    if one.deleted_at is not None:
        return "deleting"
    if one.made_at is not None and is_on_its_way(one, now):
        return "spawning"
    return _TASK[str(one.attrs["power"])] if _is_switching(one, now) else ""


def _made(
    now: datetime,
    one: DemoObject,
    addresses: Mapping[str, Sequence[Mapping[str, Any]]],
    volumes: Mapping[str, Sequence[str]],
) -> Resource:
    told = one.attrs
    if is_on_its_way(one, now):
        state, status = "building", "BUILD"
    elif told.get("breaks"):
        state, status = "error", "ERROR"
    else:
        state, status = _power(one, now, _POWER["on"])
    attrs: dict[str, Any] = {name: told[name] for name in _COPIED if told.get(name) is not None}
    attrs |= {
        "state": state,
        "status": status,
        "addresses": list(addresses.get(one.external_id, ())),
        "volume_ids": sorted(volumes.get(one.external_id, ())),
        "locked": False,
        "metadata": _marked(told.get("metadata"), one),
        "created": born(one),
    }
    if status == "ERROR":
        attrs["fault"] = NO_HOST
    return Resource(
        VM, one.external_id, str(told.get("name") or one.name), one.project_id, attrs, {"updated": born(one)}
    )


def living(present: Present) -> Sequence[DemoObject]:
    """Made VMs that are there."""
    return [one for one in present.made(VM) if one.external_id not in present.gone_vms]


def server_groups(present: Present, rows: Sequence[Resource]) -> Sequence[Resource]:
    joined: dict[str, list[str]] = {}
    for one in living(present):
        joined.setdefault(str(one.attrs.get("server_group_id") or ""), []).append(one.external_id)
    return [
        replace(row, attrs={**row.attrs, "member_ids": sorted([*row.attrs["member_ids"], *joined[row.external_id]])})
        if row.external_id in joined
        else row
        for row in rows
    ]


def hosts(present: Present, rows: Sequence[Resource]) -> Sequence[Resource]:
    """With what made VMs take of them; one that is in error has no host."""
    use: dict[str, list[DemoObject]] = {}
    for one in living(present):
        if not one.attrs.get("breaks"):
            use.setdefault(str(one.attrs.get("host")), []).append(one)
    return [_loaded(row, use[row.name]) if row.name in use else row for row in rows]


def _loaded(row: Resource, mine: Sequence[DemoObject]) -> Resource:
    more = {
        "vms": len(mine),
        "vcpus_used": sum(int(one.attrs["vcpus"]) for one in mine),
        "memory_used_mib": sum(int(one.attrs["memory_mib"]) for one in mine),
        "disk_used_gib": sum(int(one.attrs["disk_gib"]) for one in mine),
    }
    return replace(row, derived={**row.derived, **{k: int(row.derived.get(k) or 0) + v for k, v in more.items()}})
