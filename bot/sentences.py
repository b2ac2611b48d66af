"""Readings back to words: what was understood, and what a button says."""

from collections.abc import Mapping
from typing import Any

from engines.inventory.kinds import KINDS

PLATFORM_NAMES = {"openstack": "OpenStack", "vmware": "VMware", "nutanix": "Nutanix"}
_STATE_WORDS = {"error": "in error", "on": "on", "off": "off"}


def plural(kind: str, count: int = 2) -> str:
    """`VMs`, or `VM` for one; kinds that have no declaration are said as they are."""
    known = KINDS.get(kind)
    if known is None:
        return kind.replace("_", " ") + ("" if count == 1 else "s")
    return known.singular if count == 1 else known.plural


def state_words(state: str) -> str:
    return _STATE_WORDS.get(state, state)


def conditions(slots: Mapping[str, Any]) -> str:
    """The filters of a reading in words, without its kind and state: `in acme-prod, on compute-03, since …`."""
    words = [
        f"{lead} {_shown(name, slots[name])}"
        for name, lead in (
            ("project", "in"),
            ("domain", "in domain"),
            ("platform", "on"),
            ("cluster", "in cluster"),
            ("host", "on host"),
            ("network", "on network"),
            ("vm", "of VM"),
            ("volume", "of volume"),
            ("os", "with OS"),
            ("tag", "tagged"),
            ("owner", "owned by"),
            ("user", "of user"),
            ("role", "with role"),
            ("port", "on port"),
            ("since", "since"),
            ("until", "until"),
        )
        if slots.get(name) is not None
    ]
    return ", ".join(words)


def _shown(slot: str, value: Any) -> str:
    if slot in ("since", "until"):
        return str(value).replace("T", " ").removesuffix("Z").removesuffix(":00") + " UTC"
    if slot == "platform":
        return PLATFORM_NAMES.get(str(value), str(value))
    return str(value)


def list_sentence(slots: Mapping[str, Any]) -> str:
    """A sentence that lists what these slots filter; the matcher reads it back to the same slots."""
    parts = ["list", f"{slots['state']} {plural(str(slots['kind']))}" if slots.get("state") else plural(slots["kind"])]
    for name, lead in (
        ("project", "in project"),
        ("domain", "in domain"),
        ("platform", "on"),
        ("cluster", "in cluster"),
        ("host", "on host"),
        ("network", "on network"),
        ("vm", "of vm"),
        ("volume", "of volume"),
        ("tag", "tagged"),
        ("owner", "owned by"),
        ("os", "with os"),
        ("since", "since"),
        ("until", "until"),
    ):
        if slots.get(name) is not None:
            value = str(slots[name])
            parts.append(f'{lead} "{value}"' if " " in value else f"{lead} {value}")
    return " ".join(parts)
