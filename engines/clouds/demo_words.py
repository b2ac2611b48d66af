"""Rows of the invented cloud as the clients that change it tell them."""

from collections.abc import Iterable
from datetime import datetime
from ipaddress import ip_address, ip_network

from engines.clouds import Resource
from engines.clouds.acting import SnapshotState, VolumeState
from engines.clouds.acting_backups import BackupState
from engines.clouds.acting_servers import MARK, FloatingState, PortState, ServerState
from engines.clouds.demo_present import PORT, VM, Present
from engines.clouds.demo_present_ports import COMPUTE
from engines.clouds.demo_present_vms import deleted_with, task_of


def volume_state(row: Resource) -> VolumeState:
    attrs = row.attrs
    return VolumeState(
        row.external_id,
        row.name,
        attrs["status"],
        int(attrs["size_gib"]),
        attrs.get("volume_type"),
        bool(attrs.get("bootable")),
        dict(attrs.get("metadata") or {}),
        tuple(one["vm_id"] for one in attrs.get("attachments") or ()),
        attrs.get("description") or "",
    )


def backup_state(row: Resource) -> BackupState:
    attrs = row.attrs
    created = datetime.fromisoformat(attrs["created"].replace("Z", "+00:00"))
    return BackupState(row.external_id, row.name, attrs["status"], int(attrs["size_gib"]), attrs["parent_id"], created)


def snapshot_state(row: Resource) -> SnapshotState:
    attrs = row.attrs
    created = datetime.fromisoformat(attrs["created"].replace("Z", "+00:00")) if attrs.get("created") else None
    return SnapshotState(
        row.external_id,
        row.name,
        attrs["status"],
        int(attrs["size_gib"]),
        attrs["parent_id"],
        dict(attrs.get("metadata") or {}),
        created,
    )


def server_state(present: Present, row: Resource) -> ServerState:
    attrs, metadata = row.attrs, dict(row.attrs.get("metadata") or {})
    gone = deleted_with(present, row.external_id)
    return ServerState(
        row.external_id,
        row.name,
        attrs["status"],
        metadata.get(MARK, ""),
        attrs.get("fault") or "",
        task_of(present.objects(VM).get(row.external_id), present.now),
        bool(attrs.get("locked")),
        tuple((id_, id_ in gone) for id_ in attrs.get("volume_ids") or ()),
        metadata,
    )


def port_state(present: Present, row: Resource) -> PortState:
    attrs, one = row.attrs, present.objects(PORT).get(row.external_id)
    subnets = {str(fixed["ip"]): str(fixed["subnet_id"]) for fixed in attrs.get("fixed") or ()}
    known = [sub for sub in present.rows("subnet") if sub.attrs["parent_id"] == attrs["network_id"]]
    return PortState(
        row.external_id,
        row.name,
        attrs["network_id"],
        attrs.get("mac") or "",
        tuple((ip, subnets.get(ip) or subnet_of(known, ip)) for ip in attrs["ips"]),
        attrs.get("parent_id") or "",
        attrs["status"],
        str(one.attrs.get("mark") or "") if one is not None else "",
        tuple(attrs.get("security_group_ids") or ()),
    )


def subnet_of(subnets: Iterable[Resource], ip: str) -> str:
    """The id of the one that holds the address; empty when none does. Raises ValueError for what is no address."""
    wanted = ip_address(ip)
    return next((row.external_id for row in subnets if wanted in ip_network(str(row.attrs["cidr"]))), "")


def floating_state(row: Resource) -> FloatingState:
    attrs = row.attrs
    return FloatingState(
        row.external_id, attrs.get("address") or row.name, attrs.get("parent_id") or "", attrs.get("fixed_ip") or ""
    )


def is_of_vm(row: Resource, vm_id: str) -> bool:
    return row.attrs.get("parent_id") == vm_id and row.attrs.get("device_owner") == COMPUTE
