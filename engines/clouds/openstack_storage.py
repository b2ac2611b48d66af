"""Cinder and Glance: volumes, snapshots, volume types, images."""

import re
from typing import Any

from engines.clouds import Resource
from engines.clouds.openstack_calls import Json
from engines.clouds.openstack_words import (
    guest_agent,
    image_state,
    known,
    os_of,
    os_version_of,
    snapshot_state,
    utc,
    volume_state,
)

# What Glance itself writes; the rest of an image are the properties that people set.
_IMAGE_OWN = frozenset(
    re.findall(
        r"\w+",
        "id name status visibility owner size virtual_size checksum protected min_ram min_disk created_at updated_at "
        "tags self file schema stores disk_format container_format os_hidden os_hash_algo os_hash_value locations "
        "direct_url first next members",
    )
)


def volume(row: Json) -> Resource:
    attachments = _attachments(row.get("attachments") or ())
    image = row.get("volume_image_metadata") or {}
    status = str(row.get("status") or "")
    attrs = known(
        state=volume_state(status, bool(attachments)),
        status=status,
        size_gib=row.get("size"),
        volume_type=row.get("volume_type"),
        bootable=_flag(row.get("bootable")),
        encrypted=row.get("encrypted"),
        multiattach=row.get("multiattach"),
        zone=row.get("availability_zone"),
        parent_id=attachments[0]["vm_id"] if attachments else None,
        attachments=attachments,
        snapshot_id=row.get("snapshot_id"),
        image=image.get("image_name"),
        guest_agent=guest_agent(image),
        user_id=row.get("user_id"),
        metadata=row.get("metadata") or {},
        description=row.get("description"),
        created=utc(row.get("created_at")),
    )
    return Resource(
        "volume",
        row["id"],
        row.get("name") or "",
        row.get("os-vol-tenant-attr:tenant_id"),
        attrs,
        known(updated=utc(row.get("updated_at"))),
    )


def _attachments(rows: Any) -> list[dict[str, str]]:
    found = [known(vm_id=row["server_id"], device=row.get("device")) for row in rows if row.get("server_id")]
    return sorted(found, key=lambda a: (a["vm_id"], a.get("device", "")))


def _flag(value: Any) -> bool | None:
    """Cinder writes `bootable` as a text."""
    return value if value is None or isinstance(value, bool) else str(value).lower() == "true"


def snapshot(row: Json) -> Resource:
    status = str(row.get("status") or "")
    attrs = known(
        state=snapshot_state(status),
        status=status,
        size_gib=row.get("size"),
        parent_id=row.get("volume_id"),
        metadata=row.get("metadata") or {},
        description=row.get("description"),
        created=utc(row.get("created_at")),
    )
    project = row.get("os-extended-snapshot-attributes:project_id")
    return Resource("snapshot", row["id"], row.get("name") or "", project, attrs)


def volume_type(row: Json) -> Resource:
    public = row.get("is_public", row.get("os-volume-type-access:is_public"))
    attrs = known(description=row.get("description"), public=public, extra_specs=row.get("extra_specs") or {})
    return Resource("volume_type", row["id"], row["name"], None, attrs)


def image(row: Json) -> Resource:
    properties = {k: v for k, v in row.items() if k not in _IMAGE_OWN and not k.startswith("owner_specified.")}
    status = str(row.get("status") or "")
    name = row.get("name") or ""
    attrs = known(
        state=image_state(status),
        status=status,
        size_bytes=row.get("size"),
        visibility=row.get("visibility"),
        os=os_of(properties, name),
        os_version=os_version_of(properties),
        disk_format=row.get("disk_format"),
        min_disk_gib=row.get("min_disk"),
        min_memory_mib=row.get("min_ram"),
        protected=row.get("protected"),
        checksum=row.get("checksum"),
        guest_agent=guest_agent(properties),
        properties=properties,
        created=utc(row.get("created_at")),
    )
    return Resource("image", row["id"], name, row.get("owner"), attrs, known(updated=utc(row.get("updated_at"))))
