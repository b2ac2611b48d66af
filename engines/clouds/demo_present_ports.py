"""Ports and floating IPs of the invented cloud with what was made, moved and deleted, and the addresses of its VMs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

from engines.clouds import Resource
from engines.clouds.demo_present import FLOATING, PORT, Present
from engines.clouds.demo_present_storage import born
from storage.demo_changes import DemoObject

COMPUTE = "compute:nova"


def goes_with_its_vm(port_id: str) -> bool:
    """Nova made every second invented port for its VM, and deletes it when it is unplugged; the others stay."""
    return crc32(port_id.encode()) % 2 == 0


def ports(present: Present, rows: Sequence[Resource]) -> Sequence[Resource]:
    objects = present.objects(PORT)
    kept = [
        _moved(present, row, objects[row.external_id]) if row.external_id in objects else row
        for row in rows
        if row.external_id not in objects or objects[row.external_id].deleted_at is None
    ]
    made = [_made(present, one) for one in present.made(PORT) if one.deleted_at is None]
    return [*kept, *made] if objects else rows


def _moved(present: Present, row: Resource, one: DemoObject) -> Resource:
    return _plugged(row, _holder(present, one)) if "vm_id" in one.attrs else row


def _holder(present: Present, one: DemoObject) -> str:
    """The id of the VM that it is plugged into; empty where that is gone."""
    vm_id = str(one.attrs["vm_id"])
    return "" if vm_id in present.gone_vms else vm_id


def _plugged(row: Resource, vm_id: str) -> Resource:
    told = {"parent_id": vm_id, "device_owner": COMPUTE, "state": "up", "status": "ACTIVE"}
    free = {"parent_id": None, "device_owner": "", "state": "unused", "status": "DOWN"}
    return replace(row, attrs={k: v for k, v in {**row.attrs, **(told if vm_id else free)}.items() if v is not None})


def _made(present: Present, one: DemoObject) -> Resource:
    told = one.attrs
    attrs: dict[str, Any] = {
        "mac": told["mac"],
        "ips": [ip for ip, _ in told["fixed"]],
        "fixed": [{"ip": ip, "subnet_id": subnet} for ip, subnet in told["fixed"]],
        "network_id": told["network_id"],
        "security_group_ids": sorted(told["groups"]),
        "created": born(one),
    }
    row = Resource(PORT, one.external_id, one.name, one.project_id, attrs)
    return _plugged(row, _holder(present, one))


def floating_ips(present: Present, rows: Sequence[Resource]) -> Sequence[Resource]:
    """One whose port is gone leads nowhere."""
    objects = present.objects(FLOATING)
    if not objects and not present.objects(PORT):
        return rows
    living = {row.external_id for row in present.rows(PORT)}
    return [_led(row, objects.get(row.external_id), living) for row in rows]


def _led(row: Resource, one: DemoObject | None, living: set[str]) -> Resource:
    port_id = str((one.attrs if one else {}).get("port_id", row.attrs.get("parent_id") or "") or "")
    fixed_ip = (one.attrs if one else {}).get("fixed_ip", row.attrs.get("fixed_ip"))
    if one is None and port_id in living:
        return row
    held = port_id in living
    told = {
        "state": "attached" if held else "unused",
        "status": "ACTIVE" if held else "DOWN",
        "parent_id": port_id if held else None,
        "fixed_ip": fixed_ip if held else None,
    }
    return replace(row, attrs={k: v for k, v in {**row.attrs, **told}.items() if v is not None})


def changed_addresses(present: Present) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """{VM id: its addresses} of all VMs one of whose ports or floating IPs was made, moved or deleted."""
    objects, led = present.objects(PORT), present.objects(FLOATING)
    if not objects and not led:
        return {}
    before = [row for row in present.invented(PORT) if row.external_id in objects]
    now = present.rows(PORT)
    of_floating = {str(one.attrs.get("port_id")) for one in led.values()}
    of_floating |= {str(row.attrs.get("parent_id")) for row in present.invented(FLOATING) if row.external_id in led}
    touched = {_vm_of(row) for row in before}
    touched |= {_vm_of(row) for row in now if row.external_id in objects or row.external_id in of_floating}
    found: dict[str, list[Mapping[str, Any]]] = {vm_id: [] for vm_id in touched if vm_id}
    names = {row.external_id: row.name for row in present.rows("network")}
    floating = {str(row.attrs.get("parent_id")): row for row in present.rows(FLOATING) if row.attrs.get("parent_id")}
    for row in now:
        if _vm_of(row) in found:
            found[_vm_of(row)] += _addresses(row, names, floating.get(row.external_id))
    return {vm_id: sorted(rows, key=lambda one: str(one["ip"])) for vm_id, rows in found.items()}


def _vm_of(row: Resource) -> str:
    return str(row.attrs.get("parent_id") or "") if row.attrs.get("device_owner") == COMPUTE else ""


def _addresses(row: Resource, names: Mapping[str, str], floating: Resource | None) -> list[Mapping[str, Any]]:
    network_id = str(row.attrs["network_id"])
    told = {"mac": row.attrs["mac"], "network": names.get(network_id, ""), "network_id": network_id}
    found: list[Mapping[str, Any]] = [{**told, "ip": ip, "type": "fixed"} for ip in row.attrs["ips"]]
    if floating is not None:
        found.append({**told, "ip": floating.attrs.get("address", floating.name), "type": "floating"})
    return found
