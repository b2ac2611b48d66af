"""VMs, ports and limits between OpenStack's JSON and what the acting client speaks."""

from collections.abc import Mapping
from typing import Any

from engines.clouds.acting import Used
from engines.clouds.acting_servers import MARK, FloatingState, NewPort, NewServer, PortState, ServerState

Json = dict[str, Any]
_DEFAULT_ZONE = "nova"  # asked for by name it would only narrow where the VM may go
_NOVA = {
    "vms": ("maxTotalInstances", "totalInstancesUsed"),
    "cpu": ("maxTotalCores", "totalCoresUsed"),
    "memory_mib": ("maxTotalRAMSize", "totalRAMUsed"),
}
_CINDER = {
    "volumes": ("maxTotalVolumes", "totalVolumesUsed"),
    "storage_gib": ("maxTotalVolumeGigabytes", "totalGigabytesUsed"),
    "snapshots": ("maxTotalSnapshots", "totalSnapshotsUsed"),
}


def server_state(row: Json) -> ServerState:
    metadata = {str(key): str(value) for key, value in (row.get("metadata") or {}).items()}
    attached = row.get("os-extended-volumes:volumes_attached") or ()
    return ServerState(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        status=str(row.get("status") or ""),
        mark=metadata.get(MARK, ""),
        fault=str((row.get("fault") or {}).get("message") or ""),
        task=str(row.get("OS-EXT-STS:task_state") or ""),
        locked=bool(row.get("locked")),
        volumes=tuple((str(one["id"]), bool(one.get("delete_on_termination"))) for one in attached),
        metadata=metadata,
        user_data=str(row.get("OS-EXT-SRV-ATTR:user_data") or ""),
    )


def server_body(new: NewServer) -> Json:
    """The root comes first, the other volumes in the order of their devices."""
    disks: list[Json] = []
    if new.image_id:
        disks.append(
            {
                "uuid": new.image_id, "source_type": "image", "destination_type": "local", "boot_index": 0,
                "delete_on_termination": True,
            }
        )  # fmt: skip
    disks += [
        {
            "uuid": one.volume_id, "source_type": "volume", "destination_type": "volume",
            "boot_index": 0 if one.boot else -1, "delete_on_termination": one.delete_with_vm,
        }
        for one in new.volumes
    ]  # fmt: skip
    server: Json = {
        "name": new.name,
        "flavorRef": new.flavor_id,
        "metadata": {**new.metadata, MARK: new.mark},
        "networks": [{"port": port_id} for port_id in new.port_ids] or "none",
        "block_device_mapping_v2": disks,
        "config_drive": new.config_drive,
    }
    optional = {
        "imageRef": new.image_id,
        "key_name": new.key_name,
        "tags": list(new.tags),
        "description": new.description,
        "user_data": new.user_data,
        "availability_zone": "" if new.zone == _DEFAULT_ZONE else new.zone,
    }
    server |= {key: value for key, value in optional.items() if value}
    body: Json = {"server": server}
    if new.server_group_id:
        body["os:scheduler_hints"] = {"group": new.server_group_id}
    return body


def port_state(row: Json) -> PortState:
    fixed = [(str(one.get("ip_address") or ""), str(one.get("subnet_id") or "")) for one in row.get("fixed_ips") or ()]
    return PortState(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        network_id=str(row.get("network_id") or ""),
        mac=str(row.get("mac_address") or "").lower(),
        fixed=tuple(fixed),
        server_id=str(row.get("device_id") or ""),
        status=str(row.get("status") or ""),
        mark=str(row.get("description") or ""),
        security_groups=tuple(str(one) for one in row.get("security_groups") or ()),
    )


def port_body(new: NewPort) -> Json:
    """Extensions that a cloud may lack are named only where the original used them."""
    port: Json = {"network_id": new.network_id, "name": new.name, "description": new.mark}
    fixed = [
        {key: value for key, value in (("ip_address", ip), ("subnet_id", subnet)) if value} for ip, subnet in new.fixed
    ]
    if any(fixed):
        port["fixed_ips"] = [one for one in fixed if one]
    if new.mac:
        port["mac_address"] = new.mac
    if new.port_security is False:
        return {"port": {**port, "port_security_enabled": False, "security_groups": []}}
    if new.security_groups is not None:
        port["security_groups"] = list(new.security_groups)
    if new.pairs:
        port["allowed_address_pairs"] = [dict(pair) for pair in new.pairs]
    if new.dns_name:
        port["dns_name"] = new.dns_name
    return {"port": port}


def floating_state(row: Json) -> FloatingState:
    return FloatingState(
        str(row["id"]),
        str(row.get("floating_ip_address") or ""),
        str(row.get("port_id") or ""),
        str(row.get("fixed_ip_address") or ""),
    )


def limits_of(nova: Json, cinder: Json, ports: Json) -> dict[str, Used]:
    found = {**_absolute(nova, _NOVA), **_absolute(cinder, _CINDER)}
    port = (ports.get("quota") or {}).get("port")
    if isinstance(port, dict):
        found["ports"] = Used(_limit(port.get("limit")), _count(port.get("used")))
    return found


def _absolute(body: Json, names: Mapping[str, tuple[str, str]]) -> dict[str, Used]:
    told = (body.get("limits") or {}).get("absolute") or {}
    return {
        metric: Used(_limit(told[limit]), _count(told.get(used)))
        for metric, (limit, used) in names.items()
        if limit in told
    }


def _limit(value: Any) -> int | None:
    """Minus one is OpenStack's word for no limit; zero is a limit."""
    number = _count(value)
    return None if number is None or number < 0 else number


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
