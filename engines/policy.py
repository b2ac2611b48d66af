"""Who may do what: the one place that says so. What is not allowed here is denied."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

ROLES = ("viewer", "operator", "technical", "admin", "superadmin")
"""Each role may do what those before it may."""

_BY_RISK = MappingProxyType({"read": "viewer", "write": "operator", "confirm": "operator", "approve": "operator"})
_BY_INTENT: Mapping[str, str] = MappingProxyType(
    {
        "feedback": "viewer",
        "subscribe": "viewer",
        "unsubscribe": "viewer",
        "withdraw": "viewer",
        "audit_verify": "admin",
        "role_grant": "superadmin",
        "role_revoke": "superadmin",
        "freeze": "admin",
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`needs` is the least role that may; empty when nobody may."""

    allowed: bool
    needs: str = ""


def decide(intent: str, risk: str, roles: Collection[str]) -> Verdict:
    """May somebody with these roles ask for this? An unknown risk or role is denied."""
    if risk not in _BY_RISK:
        return Verdict(False)
    needed = _BY_INTENT.get(intent) or _BY_RISK[risk]
    held = max((ROLES.index(role) for role in roles if role in ROLES), default=-1)
    return Verdict(held >= ROLES.index(needed), needed)
