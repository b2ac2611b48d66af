"""OpenStack's words in Stackhand's: states, times, OS families, owners."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from engines.inventory.os_families import family_of

_VM_STATES: Mapping[str, str] = MappingProxyType(
    {
        "ACTIVE": "on",
        "PASSWORD": "on",
        "REBOOT": "on",
        "HARD_REBOOT": "on",
        "RESIZE": "on",
        "VERIFY_RESIZE": "on",
        "REVERT_RESIZE": "on",
        "MIGRATING": "on",
        "RESCUE": "on",
        "SHUTOFF": "off",
        "ERROR": "error",
        "PAUSED": "paused",
        "SUSPENDED": "suspended",
        "BUILD": "building",
        "REBUILD": "building",
        "SHELVED": "shelved",
        "SHELVED_OFFLOADED": "shelved",
    }
)
_IMAGE_STATES: Mapping[str, str] = MappingProxyType(
    {
        "active": "available",
        "queued": "building",
        "saving": "building",
        "uploading": "building",
        "importing": "building",
        "killed": "error",
        "deactivated": "disabled",
    }
)
_TECHNICAL = ("technical_owner", "tech_owner", "owner_technical", "owner")
_BUSINESS = ("business_owner", "owner_business", "biz_owner")


def vm_state(status: str) -> str:
    return _VM_STATES.get(status.upper(), "unknown")


def image_state(status: str) -> str:
    return _IMAGE_STATES.get(status.lower(), "unknown")


def volume_state(status: str, attached: bool) -> str:
    """In the states between (extending, retyping, reserved, backing-up …) the attachments tell."""
    word = status.lower()
    if word.startswith("error"):
        return "error"
    if word in ("creating", "downloading"):
        return "building"
    if word in ("", "deleting", "managing", "unmanaging"):
        return "unknown"
    return "attached" if attached or word == "in-use" else "unattached"


def snapshot_state(status: str) -> str:
    word = status.lower()
    if word.startswith("error"):
        return "error"
    return {"available": "available", "backing-up": "available", "restoring": "available", "creating": "building"}.get(
        word, "unknown"
    )


def backup_state(status: str) -> str:
    """One that is being restored can be read all the same."""
    word = status.lower()
    if word.startswith("error"):
        return "error"
    return {"available": "available", "restoring": "available", "creating": "building"}.get(word, "unknown")


def link_state(status: str, admin_up: Any = True) -> str:
    """Of a network, a router, or a port in use."""
    if admin_up is False:
        return "down"
    return {"ACTIVE": "up", "DOWN": "down", "ERROR": "down"}.get(status.upper(), "unknown")


def port_state(status: str, device_id: str, admin_up: Any = True) -> str:
    return link_state(status, admin_up) if device_id else "unused"


def floating_ip_state(status: str, port_id: str | None) -> str:
    if status.upper() == "ERROR":
        return "error"
    return "attached" if port_id else "unused"


def host_state(state: str, status: str) -> str:
    if status == "disabled":
        return "disabled"
    return state if state in ("up", "down") else "unknown"


def enabled_state(enabled: Any) -> str:
    return "disabled" if enabled is False else "enabled"


def utc(value: Any) -> str | None:
    """ISO 8601 with a Z and whole seconds; services write UTC with, and without, zone and fraction."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        read = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    return read.strftime("%Y-%m-%dT%H:%M:%SZ")


def os_of(properties: Mapping[str, Any], name: str = "") -> str | None:
    """From os_distro, then os_type, then the name: a distribution says more than `linux`, a name says least."""
    distro, kind = str(properties.get("os_distro") or ""), str(properties.get("os_type") or "")
    family = family_of(distro) or ("other" if distro else None)
    if family:
        return family
    by_name = family_of(name)
    by_type = family_of(kind) or ("other" if kind else None)
    return by_name if by_type in (None, "linux") and by_name not in (None, "windows", "other") else by_type or by_name


def os_version_of(properties: Mapping[str, Any]) -> str | None:
    """`debian 12`; None when the version is not told."""
    version = str(properties.get("os_version") or "").strip()
    distro = str(properties.get("os_distro") or "").strip()
    return f"{distro} {version}".strip() if version else None


def owners_of(metadata: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The technical and the business owner; keys in any case, with `-` or `_`."""
    keys = {str(key).lower().replace("-", "_"): str(value).strip() for key, value in metadata.items() if value}
    technical = next((keys[key] for key in _TECHNICAL if keys.get(key)), None)
    business = next((keys[key] for key in _BUSINESS if keys.get(key)), None)
    return technical, business


def known(**facts: Any) -> dict[str, Any]:
    """Only what the cloud told: None and an empty text are no facts."""
    return {name: value for name, value in facts.items() if value is not None and value != ""}


def guest_agent(properties: Mapping[str, Any]) -> bool | None:
    """Whether an image says that there is a guest agent, as Nova reads it; None: it says nothing."""
    told = str(properties.get("hw_qemu_guest_agent", "")).strip().lower()
    return told in ("yes", "true", "on", "1", "t", "y") if told else None
