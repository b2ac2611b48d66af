"""Security group rules that let the whole world in."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from storage.inventory import Found

_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")  # all of IPv6 that is routed (RFC 4291)


def is_open(rule: Mapping[str, Any]) -> bool:
    """Ingress from anywhere: a world range, or neither a range nor a group (which means anywhere)."""
    if rule.get("direction") != "ingress" or rule.get("remote_group_id"):
        return False
    remote = rule.get("remote_cidr")
    return not remote or _is_world(str(remote))


def _is_world(cidr: str) -> bool:
    """In any spelling; a half of IPv4 too, for two such rules are the whole in disguise."""
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
    return network.prefixlen <= 1 if network.version == 4 else network.supernet_of(_GLOBAL_V6)


def opens(rule: Mapping[str, Any], port: int | None) -> bool:
    """Whether a rule lets a TCP or UDP port through; no port asked: any rule does."""
    if port is None:
        return True
    if rule.get("protocol") not in (None, "any", "tcp", "udp", "6", "17"):
        return False
    low, high = rule.get("port_min"), rule.get("port_max")
    return low is None or (low <= port <= (high if high is not None else low))


def open_rules(rules: Iterable[Found], port: int | None = None) -> list[Found]:
    """Widest first: all ports before a range, a range before one port."""
    kept = [rule for rule in rules if is_open(rule.attrs) and opens(rule.attrs, port)]
    return sorted(kept, key=lambda rule: (-_width(rule.attrs), rule.derived.get("project") or "", rule.name))


def _width(rule: Mapping[str, Any]) -> int:
    low, high = rule.get("port_min"), rule.get("port_max")
    if rule.get("protocol") in ("icmp", "ipv6-icmp", "icmpv6"):
        return 0
    return 65536 if low is None else (high if high is not None else low) - low + 1
