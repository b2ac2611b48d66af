"""Who may do what, and before whom: the one place that says so. What is not allowed here is denied."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ROLES = ("viewer", "operator", "technical", "admin", "superadmin")
"""Each role may do what those before it may."""

_BY_RISK = MappingProxyType({"read": "viewer", "write": "operator", "confirm": "operator", "approve": "operator"})
_BY_INTENT: Mapping[str, str] = MappingProxyType(
    {
        "feedback": "viewer",
        "subscribe": "viewer",
        "unsubscribe": "viewer",
        "withdraw": "viewer",
        "approve": "viewer",  # who may decide is in the rule of the request
        "deny": "viewer",
        "audit_verify": "admin",
        "role_grant": "superadmin",
        "role_revoke": "superadmin",
        "freeze": "admin",
        "freeze_end": "admin",
        "change_rules": "admin",
    }
)
_HOUSE = frozenset({"audit_verify", "role_grant", "role_revoke", "freeze", "freeze_end", "change_rules"})
"""About the whole house: an administrator of one project is none here."""

_WHOLE_PLANS = frozenset({"migration_sizing"})
"""Questions whose answer is made of all of a migration plan."""

RESTRICTED = frozenset(
    {"audit", "audit_verify", "drift", "logins", "open_rules", "role_grant", "role_revoke", "roles", "whoami"}
)
"""Intents whose answers are for the asker alone: rights and who has them, the record, what is exposed."""
RESTRICTED_KINDS = frozenset({"user", "group", "role", "role_assignment", "keypair", "security_group_rule"})
"""The same, whatever the intent, for answers about these kinds."""

Readers = Literal["asker", "members", "guests"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`needs` is the least role that may; empty when nobody may."""

    allowed: bool
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who reads an answer where it was asked; `bound`: the place is about a domain or project, and cut by it."""

    readers: Readers = "asker"
    bound: bool = False


def decide(intent: str, risk: str, roles: Collection[str]) -> Verdict:
    """May somebody with these roles ask for this? An unknown risk or role is denied.

    `roles` must be those that count for it: everywhere for what `is_of_the_house`; for a change of an object those on
    the object's project; for a question all that the asker holds, because what they see is cut by their scope.
    """
    if risk not in _BY_RISK:
        return Verdict(False)
    needed = _BY_INTENT.get(intent) or _BY_RISK[risk]
    held = max((ROLES.index(role) for role in roles if role in ROLES), default=-1)
    return Verdict(held >= ROLES.index(needed), needed)


def is_of_the_house(intent: str) -> bool:
    """Whether only roles that are held everywhere count for it."""
    return intent in _HOUSE


def is_of_the_whole_plan(intent: str, risk: str) -> bool:
    """Whether who sees some tenants of a migration alone may not have it, whatever their role on these tenants' places:
    what changes a plan moves the VMs of everybody in it, and hosts are sized for all of them."""
    return risk != "read" or intent in _WHOLE_PLANS


def is_restricted(intent: str | None, kinds: Collection[str]) -> bool:
    return intent in RESTRICTED or not RESTRICTED_KINDS.isdisjoint(kinds)


def goes_privately(audience: Audience, *, intent: str | None, kinds: Collection[str], allowed: bool) -> bool:
    """Whether an answer goes to the asker alone. `kinds` are those that it is about; `allowed`: it is no refusal."""
    if audience.readers == "asker":
        return False
    if audience.readers == "guests" and not audience.bound and intent != "help":
        return True
    return not allowed or is_restricted(intent, kinds)
