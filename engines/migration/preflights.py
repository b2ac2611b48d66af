"""Preflight items that the plan can answer by itself, with the evidence; the others wait for people."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from engines.migration.bundles import NO_TENANT, names_of
from engines.migration.lifecycles import Item, ItemState
from engines.migration.readiness import Check, Readiness
from engines.migration.records import Key
from engines.migration.tenants import Tenants

_CHECKS = {  # a preflight item, and the check of its tenants that it is made of
    "target_project_set": "target_mapped",
    "network_mapped": "networks_mapped",
    "no_critical_gaps": "no_critical_gaps",
    "quota_sufficient": "quota_sufficient",
    "vms_assessed": "no_blockers",
}


def preflight_of(
    keys: Collection[Key], tenants_known: Tenants, readiness: Sequence[Readiness], at: datetime
) -> dict[str, Item]:
    """Of a wave of these VMs. The worst of its tenants counts; what is not known is pending, and a pending blocker
    blocks."""
    named, tenant_of = {one.tenant: one for one in readiness}, names_of(tenants_known)
    tenants = sorted({tenant_of.get(key) or NO_TENANT for key in keys})
    return {item: _item(check, tenants, named, at) for item, check in _CHECKS.items()}


def _item(check: str, tenants: Sequence[str], named: Mapping[str, Readiness], at: datetime) -> Item:
    found: list[tuple[str, Check | None]] = []
    for tenant in tenants:
        checks = named[tenant].checks if tenant in named else ()
        found.append((tenant, next((one for one in checks if one.item == check), None)))
    bad = [(tenant, one) for tenant, one in found if one is None or one.state != "pass"]
    if not bad:
        return Item("pass", "", at, f"looked at for {len(tenants)} tenant{'s' if len(tenants) != 1 else ''}")
    failed = any(one is not None and one.state == "fail" for _, one in bad)
    state: ItemState = "fail" if failed else "pending"
    told = [f"{tenant}: {one.evidence if one else 'not looked at'}" for tenant, one in bad[:3]]
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    return Item(state, "", at, "; ".join(told) + more)
