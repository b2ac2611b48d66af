"""How much can go wrong with a VM: a score of named, weighted rules, each of which is shown, and a colour.

What blocks a move is RED whatever the score: it is not outweighed. The defaults are a start, to be changed by whoever
plans: `rules_from` reads them from a mapping.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from engines.migration.concerns.catalogue import concerns
from engines.migration.concerns.concern import Finding
from engines.migration.guests import Guest
from engines.migration.records import Vm
from engines.migration.sizes import Sizes

Colour = Literal["GREEN", "YELLOW", "RED"]
Measure = Literal["concern", "disk_mib", "disks", "nics", "snapshots", "memory_mib", "os_unknown", "database"]
MOST = 100

DATABASE = re.compile(
    r"sql|oracle|mariadb|postgres|mongo|redis|elastic|kafka|rabbit|database|cassandra|"
    r"(?<![a-z])(?:db|ora|hana|mq)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RiskRule:
    """Holds when the VM has one of `concerns`, or when what `measure` names is at least `at_least`."""

    id: str
    name: str
    weight: int
    concerns: tuple[str, ...] = ()
    measure: Measure = "concern"
    at_least: int = 1


@dataclass(frozen=True, slots=True)
class RiskRules:
    """GREEN up to `green_up_to` points, YELLOW up to `yellow_up_to`, RED above; `blockers` are RED by themselves."""

    rules: tuple[RiskRule, ...]
    blockers: frozenset[str]
    green_up_to: int = 20
    yellow_up_to: int = 50


@dataclass(frozen=True, slots=True)
class Points:
    rule: str
    name: str
    weight: int
    why: str  # the concern, or the measured value


@dataclass(frozen=True, slots=True)
class Risk:
    """`score` is the sum of `points`, at most 100; `blockers` are concerns that stand in the way whatever the score."""

    colour: Colour
    score: int
    points: tuple[Points, ...]
    blockers: tuple[str, ...]


class RulesRefused(ValueError):  # noqa: N818 - an answer to whoever wrote them
    """Rules that cannot be used; `what` and `fix` are one line each."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix


_RULES: tuple[RiskRule, ...] = (
    RiskRule("guest.not_convertible", "the guest is not converted by itself", 30, ("openstack.guest.not_convertible",)),
    RiskRule("guest.out_of_support", "its maker no longer supports it", 15, ("openstack.guest.out_of_support",)),
    RiskRule("guest.unknown", "the system is unknown", 10, measure="os_unknown"),
    RiskRule("guest.old_hardware", "32-bit, or devices that KVM has not", 10, ("openstack.guest.old_hardware",)),
    RiskRule("disk.very_large", "5 TiB of disks or more", 25, measure="disk_mib", at_least=5 * 1024 * 1024),
    RiskRule("disk.large", "2 TiB of disks or more", 10, measure="disk_mib", at_least=2 * 1024 * 1024),
    RiskRule("disk.many", "8 disks or more", 10, measure="disks", at_least=8),
    RiskRule("disk.raw", "a raw device mapping", 20, ("vmware.disk.rdm.detected",)),
    RiskRule("disk.shared", "a disk shared with another VM", 25, ("vmware.disk.shared.detected",)),
    RiskRule("disk.independent", "an independent disk", 10, ("vmware.disk_mode.independent",)),
    RiskRule("disk.linked", "a linked clone", 5, ("openstack.disk.linked_clone",)),
    RiskRule("snapshots.many", "5 snapshots or more", 20, measure="snapshots", at_least=5),
    RiskRule("snapshots.some", "3 snapshots or more", 8, measure="snapshots", at_least=3),
    RiskRule("snapshots.old", "a long chain, or old snapshots", 5, ("openstack.snapshots.many",)),
    RiskRule("consolidation", "snapshots wait for consolidation", 10, ("vmware.consolidation_needed",)),
    RiskRule("nics.many", "3 adapters or more", 10, measure="nics", at_least=3),
    RiskRule("nic.sriov", "an SR-IOV adapter", 15, ("vmware.device.sriov.detected",)),
    RiskRule("memory.large", "64 GiB of memory or more", 10, measure="memory_mib", at_least=64 * 1024),
    RiskRule("database", "its name speaks of a database or a queue", 10, measure="database"),
    RiskRule("change_rate", "it seems to change fast", 10, ("openstack.change_rate.high",)),
    RiskRule("usb", "a USB device is connected", 15, ("vmware.usb_controller.detected",)),
    RiskRule("fault_tolerance", "fault tolerance is on", 10, ("vmware.fault_tolerance.enabled",)),
    RiskRule("affinity", "tied to hosts by a rule", 5, ("vmware.host_affinity.detected",)),
    RiskRule("tools", "it runs without VMware Tools", 15, ("plan.tools.not_running",)),
    RiskRule("passthrough", "a device seems to be passed through", 35, ("vmware.passthrough_device.detected",)),
    RiskRule("gpu", "a GPU is likely", 35, ("openstack.gpu",)),
    RiskRule("mac", "a MAC address that is there twice", 10, ("plan.mac.duplicate",)),
    RiskRule("name", "another VM has its name", 5, ("plan.name.duplicate",)),
    RiskRule("address", "its addresses are not known", 5, ("vmware.vm_missing_ip.detected",)),
    RiskRule("uefi", "UEFI", 2, ("openstack.firmware.uefi",)),
    RiskRule("tpm", "a virtual TPM is likely", 5, ("vmware.tpm.detected",)),
)  # fmt: skip
# Critical, but met by a cold move, by a rename or by starting the Tools: they weigh, and do not block. Nor does a hint.
_NOT_BLOCKING = frozenset(
    {"plan.tools.not_running", "plan.name.duplicate", "plan.mapping.missing", "plan.mac.duplicate",
     "plan.shared_disk.running", "plan.critical_concern"}
)  # fmt: skip
_BLOCKERS = frozenset(
    one.id for one in concerns().values()
    if one.category == "critical" and not one.of_mode and not one.hint and one.id not in _NOT_BLOCKING
)  # fmt: skip
DEFAULT_RULES = RiskRules(_RULES, _BLOCKERS)


def risk_of(
    vm: Vm, guest: Guest, sizes: Sizes, findings: Sequence[Finding], way: str, rules: RiskRules = DEFAULT_RULES
) -> Risk:
    """`way` is how it moves: what stands in the way of that way only blocks as well."""
    found = {one.concern: one for one in findings}
    seen = found.keys()
    asked = (rule for rule in rules.rules if rule.measure != "concern" or not seen.isdisjoint(rule.concerns))
    points = _without_lesser(tuple(p for rule in asked if (p := _points(rule, vm, guest, sizes, found))))
    known = concerns()
    blockers = tuple(
        id_ for id_ in found if id_ in rules.blockers or (id_ in known and known[id_].of_mode == way == "warm")
    )
    score = max(0, min(MOST, sum(one.weight for one in points)))
    return Risk(_colour(score, bool(blockers), rules), score, points, blockers)


def _colour(score: int, blocked: bool, rules: RiskRules) -> Colour:
    if blocked or score > rules.yellow_up_to:
        return "RED"
    return "GREEN" if score <= rules.green_up_to else "YELLOW"


def _points(rule: RiskRule, vm: Vm, guest: Guest, sizes: Sizes, found: Mapping[str, Finding]) -> Points | None:
    """Of a rule of concerns one is there."""
    if rule.measure == "concern":
        hit = next(id_ for id_ in rule.concerns if id_ in found)
        return Points(rule.id, rule.name, rule.weight, found[hit].seen.value)
    value = _MEASURES[rule.measure](vm, guest, sizes)
    return None if value < rule.at_least else Points(rule.id, rule.name, rule.weight, f"{value:,}")


def _without_lesser(points: tuple[Points, ...]) -> tuple[Points, ...]:
    """Of two that say the same with another limit the heavier counts."""
    have = {one.rule for one in points}
    lesser = {"disk.large": "disk.very_large", "snapshots.some": "snapshots.many"}
    return tuple(one for one in points if lesser.get(one.rule) not in have)


def _speaks_of_database(vm: Vm, guest: Guest, sizes: Sizes) -> int:
    return int(DATABASE.search(vm.name) is not None)


_MEASURES: Mapping[str, Callable[[Vm, Guest, Sizes], int]] = {
    "disk_mib": lambda vm, guest, sizes: sizes.capacity_mib or 0,
    "disks": lambda vm, guest, sizes: max(len(vm.disks), vm.disk_count or 0),
    "nics": lambda vm, guest, sizes: max(len(vm.nics), vm.nic_count or 0),
    "snapshots": lambda vm, guest, sizes: len(vm.snapshots),
    "memory_mib": lambda vm, guest, sizes: vm.memory_mib or 0,
    "os_unknown": lambda vm, guest, sizes: int(guest.confidence == "none"),
    "database": _speaks_of_database,
}


def rules_from(given: Mapping[str, Any], base: RiskRules = DEFAULT_RULES) -> RiskRules:
    """The base with what is given changed: `weights` by a rule's id (0 turns it off), `green_up_to`, `yellow_up_to`,
    `blockers` (the whole list). Raises RulesRefused for whatever is not known or makes no sense."""
    unknown = set(given) - {"weights", "green_up_to", "yellow_up_to", "blockers"}
    if unknown:
        raise RulesRefused(
            f"there is no setting {', '.join(sorted(unknown))}", "use weights, green_up_to, yellow_up_to or blockers"
        )
    weights, blocking = given.get("weights", {}), given.get("blockers", base.blockers)
    if not isinstance(weights, Mapping) or isinstance(blocking, str) or not isinstance(blocking, Collection):
        raise RulesRefused("weights or blockers have the wrong shape", 'write {"weights": {"usb": 30}, "blockers": []}')
    rules = tuple(
        replace(one, weight=_whole(weights[one.id], one.id)) if one.id in weights else one for one in base.rules
    )
    if strange := set(weights) - {one.id for one in base.rules}:
        raise RulesRefused(
            f"there is no rule {', '.join(sorted(strange))}", "the sheet Risk rules of the workbook lists them"
        )
    blockers = frozenset(map(str, blocking))
    if no_concern := blockers - set(concerns()):
        raise RulesRefused(f"there is no concern {', '.join(sorted(no_concern))}", "use the ids of the concerns")
    green = _whole(given.get("green_up_to", base.green_up_to), "green_up_to")
    yellow = _whole(given.get("yellow_up_to", base.yellow_up_to), "yellow_up_to")
    if green > yellow:
        raise RulesRefused(f"green up to {green} is above yellow up to {yellow}", "turn them round")
    return RiskRules(tuple(one for one in rules if one.weight), blockers, green, yellow)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        raise RulesRefused(f"{name} is no whole number from 0 to {MOST}", "correct it")
    return value
