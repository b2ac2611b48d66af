"""Nova: what a server, a flavor, an aggregate, a server group and a keypair look like as resources."""

from typing import Any

from engines.clouds import Resource
from engines.clouds.openstack_calls import Json
from engines.clouds.openstack_words import known, os_of, os_version_of, owners_of, utc, vm_state


def vm(row: Json) -> Resource:
    """A server of /servers/detail at microversion 2.47 or newer: its flavor is embedded, without id."""
    metadata = row.get("metadata") or {}
    technical, business = owners_of(metadata)
    flavor = row.get("flavor") or {}
    fault = row.get("fault") or {}
    attrs = known(
        state=vm_state(str(row.get("status") or "")),
        status=row.get("status"),
        flavor=flavor.get("original_name"),
        flavor_id=flavor.get("id"),
        vcpus=flavor.get("vcpus"),
        memory_mib=flavor.get("ram"),
        disk_gib=flavor.get("disk"),
        host=row.get("OS-EXT-SRV-ATTR:hypervisor_hostname") or row.get("OS-EXT-SRV-ATTR:host"),
        zone=row.get("OS-EXT-AZ:availability_zone"),
        os=os_of(metadata),
        os_version=os_version_of(metadata),
        image_id=_image_id(row.get("image")),
        user_id=row.get("user_id"),
        technical_owner=technical,
        business_owner=business,
        addresses=_addresses(row.get("addresses") or {}),
        volume_ids=sorted(v["id"] for v in row.get("os-extended-volumes:volumes_attached") or ()),
        security_groups=sorted({g["name"] for g in row.get("security_groups") or ()}),
        tags=sorted(row.get("tags") or ()),
        metadata=metadata,
        key_name=row.get("key_name"),
        config_drive=str(row["config_drive"]).lower() == "true" if "config_drive" in row else None,
        root_device=row.get("OS-EXT-SRV-ATTR:root_device_name") or None,
        nic_macs=_nic_macs(row.get("addresses") or {}) or None,
        deletes_volume_ids=_deleted_with(row.get("os-extended-volumes:volumes_attached") or ()) or None,
        fault=fault.get("message"),
        locked=row.get("locked"),
        description=row.get("description"),
        created=utc(row.get("created")),
    )
    return Resource(
        "vm", row["id"], row.get("name") or "", row.get("tenant_id"), attrs, known(updated=utc(row.get("updated")))
    )


def is_partial(row: Json) -> bool:
    """True for a server of a cell that is down: from 2.69 on Nova sends it with id, project and times only."""
    return row.get("status") == "UNKNOWN" and "flavor" not in row


def _image_id(image: Any) -> str | None:
    """Empty for a server that starts from a volume."""
    return image.get("id") if isinstance(image, dict) else None


def _addresses(networks: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        known(
            ip=entry["addr"],
            mac=str(entry.get("OS-EXT-IPS-MAC:mac_addr") or "").lower(),
            network=network,
            type="floating" if entry.get("OS-EXT-IPS:type") == "floating" else "fixed",
        )
        for network, entries in networks.items()
        for entry in entries
    ]
    return sorted(found, key=lambda a: (str(a["ip"]), str(a["network"])))


def _nic_macs(networks: dict[str, Any]) -> list[str]:
    """The interfaces in the order in which Nova tells of them, which is that of the machine."""
    macs = [str(entry.get("OS-EXT-IPS-MAC:mac_addr") or "").lower() for rows in networks.values() for entry in rows]
    return list(dict.fromkeys(mac for mac in macs if mac))


def _deleted_with(volumes: Any) -> list[str]:
    return sorted(str(v["id"]) for v in volumes if v.get("delete_on_termination"))


def flavor(row: Json) -> Resource:
    attrs = known(
        vcpus=row.get("vcpus"),
        memory_mib=row.get("ram"),
        disk_gib=row.get("disk"),
        ephemeral_gib=row.get("OS-FLV-EXT-DATA:ephemeral"),
        swap_mib=row.get("swap") or 0,  # Nova writes no swap as an empty text
        public=row.get("os-flavor-access:is_public"),
        extra_specs=row.get("extra_specs"),
        description=row.get("description"),
    )
    return Resource("flavor", row["id"], row["name"], None, attrs)


def aggregate(row: Json) -> Resource:
    attrs = known(
        hosts=sorted(row.get("hosts") or ()),
        zone=row.get("availability_zone"),
        metadata=row.get("metadata") or {},
        created=utc(row.get("created_at")),
    )
    return Resource("aggregate", str(row["id"]), row["name"], None, attrs)


def server_group(row: Json) -> Resource:
    policies = row.get("policies") or ()
    attrs = known(
        policy=row.get("policy") or (policies[0] if policies else None),
        member_ids=sorted(row.get("members") or ()),
    )
    return Resource("server_group", row["id"], row["name"], row.get("project_id"), attrs)


def keypair(row: Json, user_id: str) -> Resource:
    """A keypair has no id of its own: the name is unique for a user."""
    pair = row.get("keypair") or row
    attrs = known(user_id=user_id, fingerprint=pair.get("fingerprint"), key_type=pair.get("type") or "ssh")
    return Resource("keypair", f"{user_id}/{pair['name']}", pair["name"], None, attrs)
