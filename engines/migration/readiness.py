"""Whether a tenant can be moved: checks with what they were made of. What is not known is neither passed nor failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engines.migration.assessment import Assessed
from engines.migration.bundles import NO_TENANT
from engines.migration.flavors import shape_of
from engines.migration.gaps import Gaps, Wanted
from engines.migration.targets import TargetState

State = Literal["pass", "fail", "pending", "unknown"]
_ORDER: tuple[State, ...] = ("fail", "pending", "unknown", "pass")


@dataclass(frozen=True, slots=True)
class Check:
    """`pending` waits for a person, `unknown` for the target."""

    item: str
    state: State
    evidence: str


@dataclass(frozen=True, slots=True)
class Readiness:
    tenant: str
    vms: int
    checks: tuple[Check, ...]

    @property
    def state(self) -> State:
        """The worst of its checks."""
        return min((one.state for one in self.checks), key=_ORDER.index, default="pass")

    @property
    def is_ready(self) -> bool:
        return self.state == "pass"


def readiness_of(wanted: Wanted, target: TargetState, gaps: Gaps) -> tuple[Readiness, ...]:
    """One of each tenant that has VMs, by name; those of nobody are NO_TENANT's."""
    by_tenant: dict[str, list[Assessed]] = {}
    for one in wanted.vms:
        by_tenant.setdefault(wanted.tenant_of.get(one.key) or NO_TENANT, []).append(one)
    return tuple(
        Readiness(tenant, len(vms), _checks(tenant, vms, wanted, target, gaps))
        for tenant, vms in sorted(by_tenant.items())
    )


def _checks(tenant: str, vms: Sequence[Assessed], wanted: Wanted, target: TargetState, gaps: Gaps) -> tuple[Check, ...]:
    return (
        _project(tenant, wanted),
        _networks(vms, wanted),
        _flavors(vms, wanted, target),
        _quota(tenant, wanted),
        _no_critical(tenant, gaps),
        _no_blockers(vms),
    )


def _project(tenant: str, wanted: Wanted) -> Check:
    found = next((one for one in wanted.projects if one.source == tenant), None)
    if found is None or found.target is None:
        return Check("target_mapped", "fail", "no project is chosen")
    if not found.confirmed:
        return Check("target_mapped", "pending", f"{found.target.name}, not confirmed")
    return Check("target_mapped", "pass", found.target.name)


def _networks(vms: Sequence[Assessed], wanted: Wanted) -> Check:
    names = sorted({name for one in vms for name in one.vm.network_names})
    mapped: Mapping[str, bool | None] = {one.source: one.confirmed if one.target else None for one in wanted.networks}
    if not names and any(one.vm.nic_count != 0 for one in vms):
        return Check("networks_mapped", "unknown", "the export names no network")
    lost = [name for name in names if mapped.get(name) is None]
    guessed = [name for name in names if mapped.get(name) is False]
    said = f"{len(names) - len(lost) - len(guessed)} of {len(names)} confirmed"
    if lost:
        return Check("networks_mapped", "fail", f"{said}; nowhere to go: {_some(lost)}")
    return Check("networks_mapped", "pending" if guessed else "pass", said)


def _flavors(vms: Sequence[Assessed], wanted: Wanted, target: TargetState) -> Check:
    if target.flavors is None:
        return Check("flavors", "unknown", "the flavors could not be read")
    choices = [wanted.choices[shape_of(one)] for one in vms]
    to_make = sorted({one.name for one in choices if one.how == "make"})
    if to_make:
        return Check("flavors", "pending", f"to be made: {_some(to_make)}")
    return Check("flavors", "pass", "all there")


def _quota(tenant: str, wanted: Wanted) -> Check:
    found = next((one for one in wanted.quotas if tenant in one.tenants), None)
    if found is None or found.fits is None:
        return Check("quota_sufficient", "unknown", "the quota could not be read")
    if not found.project:
        return Check("quota_sufficient", "pending", f"{found.name} has to be made with its quota")
    short = [f"{need.resource} by {need.short:,}" for need in found.needs if need.short]
    return Check("quota_sufficient", "fail" if short else "pass", f"short: {_some(short)}" if short else "it fits")


def _no_critical(tenant: str, gaps: Gaps) -> Check:
    found = [f"{one.what} ({one.subject})" for one in gaps.of(tenant) if one.severity == "critical"]
    if found:
        return Check("no_critical_gaps", "fail", _some(found))
    if gaps.unknown:
        return Check("no_critical_gaps", "unknown", f"not looked at: {', '.join(gaps.unknown)}")
    return Check("no_critical_gaps", "pass", "none is open")


def _no_blockers(vms: Sequence[Assessed]) -> Check:
    blocked = sorted(one.vm.name for one in vms if one.risk.blockers)
    return Check("no_blockers", "fail" if blocked else "pass", _some(blocked) if blocked else "no VM is blocked")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
