"""Every VM graded: its system, its sizes, what stands in its way, its risk, and whether it moves warm or cold."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from engines.migration.concerns.catalogue import checks, find, not_checked
from engines.migration.concerns.concern import Concern, Finding
from engines.migration.concerns.surroundings import Surroundings, TargetFacts, surroundings_of
from engines.migration.estate import Estate
from engines.migration.guests import Guest, guest_of
from engines.migration.modes import Mode, Way, mode_of
from engines.migration.records import Key, Vm
from engines.migration.risks import DEFAULT_RULES, Risk, RiskRules, risk_of
from engines.migration.scope import REASONS, left_out
from engines.migration.sizes import Sizes, sizes_of

Status = Literal["open", "ready", "hold", "done"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Override:
    """What a person decided about a VM; kept by its key over every new export. None leaves it to the rules."""

    mode: Way | None = None
    priority: int | None = None  # 1 first; without one it comes after those that have one
    status: Status | None = None
    exclude: bool | None = None  # False takes a VM in that the rules leave out
    reason: str = ""
    target_name: str | None = None


NO_OVERRIDE = Override()


@dataclass(frozen=True, slots=True)
class Assessed:
    """One VM. `left_out` is a key of `scope.REASONS`; "" for a VM that the plan is about."""

    vm: Vm
    guest: Guest
    sizes: Sizes
    findings: tuple[Finding, ...]
    risk: Risk
    mode: Mode
    left_out: str = ""
    override: Override = NO_OVERRIDE

    @property
    def key(self) -> Key:
        return self.vm.key

    @property
    def in_scope(self) -> bool:
        return not self.left_out


@dataclass(frozen=True, slots=True)
class Assessment:
    """`vms` holds those left out too, graded like the others; the counts are of those in scope."""

    estate: Estate
    around: Surroundings
    rules: RiskRules
    vms: tuple[Assessed, ...]
    not_checked: tuple[str, ...]
    orphaned_overrides: tuple[Key, ...] = field(default=())  # of VMs that this export no longer has

    @property
    def in_scope(self) -> tuple[Assessed, ...]:
        return tuple(one for one in self.vms if one.in_scope)

    def count_left_out(self) -> dict[str, int]:
        found = Counter(one.left_out for one in self.vms)
        return {reason: found[reason] for reason in REASONS if found[reason]}

    def count_risk(self) -> dict[str, int]:
        found = Counter(one.risk.colour for one in self.in_scope)
        return {"green": found["GREEN"], "yellow": found["YELLOW"], "red": found["RED"]}

    def count_modes(self) -> dict[str, int]:
        found = Counter(one.mode.way for one in self.in_scope)
        return {"warm": found["warm"], "cold": found["cold"]}

    def count_concerns(self) -> dict[str, int]:
        """VMs in scope with each concern, in the order of its id."""
        return dict(sorted(Counter(f.concern for one in self.in_scope for f in one.findings).items()))


def assess(
    estate: Estate,
    overrides: Mapping[Key, Override] | None = None,
    rules: RiskRules = DEFAULT_RULES,
    target: TargetFacts | None = None,
) -> Assessment:
    """The same estate, overrides, rules and target give the same assessment."""
    decided = overrides or {}
    around = surroundings_of(estate, target or TargetFacts())
    looked_for = checks(around)
    vms = tuple(_assessed(vm, around, looked_for, decided.get(vm.key, NO_OVERRIDE), rules) for vm in estate.vms)
    known = {vm.key for vm in estate.vms}
    return Assessment(
        estate=estate,
        around=around,
        rules=rules,
        vms=vms,
        not_checked=not_checked(around),
        orphaned_overrides=tuple(sorted(set(decided) - known)),
    )


def assess_some(estate: Estate, overrides: Mapping[Key, Override], keys: Collection[Key]) -> tuple[Assessed, ...]:
    """As `assess` grades them, without the others."""
    around = surroundings_of(estate, TargetFacts())
    looked_for = checks(around)
    return tuple(
        _assessed(vm, around, looked_for, overrides.get(vm.key, NO_OVERRIDE), DEFAULT_RULES)
        for vm in estate.vms
        if vm.key in keys
    )


def _assessed(
    vm: Vm, around: Surroundings, looked_for: Sequence[Concern], override: Override, rules: RiskRules
) -> Assessed:
    guest, sizes = guest_of(vm.os_tools, vm.os_config), sizes_of(vm)
    mode = mode_of(vm, around, override.mode)
    findings = find(vm, around, looked_for)
    risk = risk_of(vm, guest, sizes, findings, mode.way, rules)
    return Assessed(vm, guest, sizes, findings, risk, mode, _left_out(vm, override), override)


def _left_out(vm: Vm, override: Override) -> str:
    if override.exclude is not None:
        return "by_hand" if override.exclude else ""
    return left_out(vm) or ""


def named(assessment: Assessment, name: str) -> tuple[Assessed, ...]:
    """All VMs of a name: two vCenters may have one each."""
    return tuple(one for one in assessment.vms if one.vm.name.casefold() == name.strip().casefold())


def families(vms: Iterable[Assessed]) -> dict[str, int]:
    """VMs by the family of their system, most first."""
    found = Counter(one.guest.family for one in vms)
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))
