"""Whose a VM is: ways of telling, tried in order, each answer with what it was read from.

A folder that says nothing ("Discovered virtual machine", "Windows", "Production") is no answer, so that the next way is
asked. The cluster and the network are last resorts: they name places, not people.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engines.migration.assessment import Assessed
from engines.migration.records import Key, Vm

Method = Literal["folder", "vapp", "pool", "attribute", "prefix", "cluster", "network"]
Confidence = Literal["high", "medium", "low"]
METHODS: tuple[Method, ...] = ("folder", "vapp", "pool", "attribute", "prefix", "cluster", "network")
_CONFIDENCE: Mapping[str, Confidence] = {
    "folder": "high", "vapp": "high", "pool": "high", "attribute": "high", "prefix": "medium", "cluster": "low",
    "network": "low",
}  # fmt: skip

_SAYS_NOTHING = re.compile(
    r"vms?|virtual ?machines?|discovered virtual machines?|templates?|vcls|resources|tenants?|customers?|clients?|"
    r"kunden|mandanten|linux|windows|legacy|old|new|test(?:ing)?|tst|dev(?:elopment)?|prod(?:uction|uktion)?|prd|uat|qa|"
    r"stag(?:e|ing)|int(?:egration)?|servers?|desktops?|infra(?:structure)?|appliances?|archive|misc|other|temp|tmp|backup|replicas?",
    re.IGNORECASE,
)
# What a name starts with that is a role or a system, no owner.
_ROLE = re.compile(
    r"(?:s?(?:web|app|db|sql|ora|fs|dc|mq|k8s|build|mon|jump|vdi|gpu|bkp|appl|srv|server|vm|test|dev|prod|prd|uat|tst|win|"
    r"lin|lnx|ubuntu|rhel|esx|host|mail|dns|ad|file|print|proxy|backup|template|tmpl|node|worker|master)\w{0,2}\d*)",
    re.IGNORECASE,
)
_VCD = re.compile(r"(?P<org>.+?)[-_]VDC[-_]\d+", re.IGNORECASE)
_UUID_TAIL = re.compile(r"\s*\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TenantRules:
    """`methods` are tried in order. `folder_depth` counts from 1 below the datacenter; 0 takes the first that tells.

    `attributes` are titles of custom attributes and tags, the first that has a value wins. A prefix counts from
    `least_of_prefix` VMs on.
    """

    methods: tuple[Method, ...] = METHODS
    folder_depth: int = 0
    attributes: tuple[str, ...] = (
        "tenant", "customer", "client", "kunde", "mandant", "organisation", "organization", "department",
        "business unit", "cost center", "project", "owner", "team",
    )  # fmt: skip
    prefix_parts: int = 1
    least_of_prefix: int = 5


@dataclass(frozen=True, slots=True)
class TenantOf:
    """`part` is what lies below the tenant: an OrgVDC, a sub-folder, an application; "" when there is none."""

    tenant: str
    part: str
    method: Method
    evidence: str  # the cell it was read from

    @property
    def confidence(self) -> Confidence:
        return _CONFIDENCE[self.method]


@dataclass(frozen=True, slots=True)
class Tenant:
    """Its VMs once each, however many parts they lie in."""

    name: str
    method: Method
    confidence: Confidence
    evidence: str
    parts: tuple[str, ...]
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Tenants:
    """`of` has every VM for which there was an answer; `without` the others."""

    tenants: tuple[Tenant, ...]
    of: Mapping[Key, TenantOf]
    without: tuple[Key, ...]


def find_tenants(vms: Iterable[Assessed], rules: TenantRules | None = None) -> Tenants:
    """Of VMs in scope. Names that differ in case only are one tenant, spelled as most of its VMs have it."""
    chosen = rules or TenantRules()
    given = [one.vm for one in vms if one.in_scope]
    ways = _ways(given, chosen)
    of: dict[Key, TenantOf] = {}
    for vm in given:
        found = next((answer for method in chosen.methods if (answer := ways[method](vm))), None)
        if found is not None:
            of[vm.key] = found
    return Tenants(_tenants(of), of, tuple(vm.key for vm in given if vm.key not in of))


def _tenants(of: Mapping[Key, TenantOf]) -> tuple[Tenant, ...]:
    grouped: dict[str, list[tuple[Key, TenantOf]]] = defaultdict(list)
    for key, one in of.items():
        grouped[one.tenant.casefold()].append((key, one))
    found = [_tenant(members) for members in grouped.values()]
    return tuple(sorted(found, key=lambda one: (-len(one.keys), one.name)))


def _tenant(members: Sequence[tuple[Key, TenantOf]]) -> Tenant:
    """The method and the evidence are those of the surest answer."""
    spelled = Counter(one.tenant for _, one in members)
    name = min(spelled, key=lambda text: (-spelled[text], text))
    best = min((one for _, one in members), key=lambda one: METHODS.index(one.method))
    parts = tuple(sorted({one.part for _, one in members if one.part}))
    return Tenant(name, best.method, best.confidence, best.evidence, parts, tuple(key for key, _ in members))


Way = Callable[[Vm], TenantOf | None]


def _ways(vms: Sequence[Vm], rules: TenantRules) -> Mapping[Method, Way]:
    stems, prefixes = _stems(vms), _prefixes(vms, rules)
    return {
        "folder": lambda vm: _by_folder(vm, rules),
        "vapp": lambda vm: _by_vapp(vm, stems),
        "pool": lambda vm: _by_pool(vm, stems),
        "attribute": lambda vm: _by_attribute(vm, rules),
        "prefix": lambda vm: _by_prefix(vm, rules, prefixes),
        "cluster": lambda vm: TenantOf(vm.cluster, "", "cluster", f"Cluster {vm.cluster}") if vm.cluster else None,
        "network": _by_network,
    }


def _segments(path: str | None, vm: Vm) -> list[str]:
    """Of a path of folders or pools, without the datacenter, the cluster and ids of vCloud Director."""
    found = [part.strip() for part in (path or "").split("/") if part.strip()]
    for place in (vm.datacenter, vm.cluster):
        if found and place and found[0].casefold() == place.casefold():
            found = found[1:]
    return found


def _by_folder(vm: Vm, rules: TenantRules) -> TenantOf | None:
    segments = _segments(vm.folder, vm)
    shown = f"Folder {vm.folder}"
    for path in (segments, _segments(vm.pool, vm)):
        for place, segment in enumerate(path):
            if match := _VCD.fullmatch(_UUID_TAIL.sub("", segment)):
                return TenantOf(
                    match["org"], segment, "folder", shown if path is segments else f"Resource pool {vm.pool}"
                )
            if _UUID_TAIL.search(segment):
                below = _UUID_TAIL.sub("", path[place + 1]) if place + 1 < len(path) else ""
                return TenantOf(_UUID_TAIL.sub("", segment), below, "folder", shown)
    if rules.folder_depth:
        segments = segments[rules.folder_depth - 1 :]
    for place, segment in enumerate(segments):
        if not _SAYS_NOTHING.fullmatch(segment):
            return TenantOf(segment, segments[place + 1] if place + 1 < len(segments) else "", "folder", shown)
    return None


def _stems(vms: Sequence[Vm]) -> frozenset[str]:
    """What several vApps, or pools, start with before their last dash: "Acme-web" and "Acme-db" are of Acme."""
    ends: dict[str, set[str]] = defaultdict(set)
    for vm in vms:
        stem, dash, end = (vm.vapp or (vm.pool or "").rpartition("/")[2]).rpartition("-")
        if dash and stem:
            ends[stem.casefold()].add(end.casefold())
    return frozenset(stem for stem, found in ends.items() if len(found) > 1)


def _by_vapp(vm: Vm, stems: frozenset[str]) -> TenantOf | None:
    if not vm.vapp:
        return None
    stem = vm.vapp.rpartition("-")[0]
    name = stem if stem.casefold() in stems else vm.vapp
    return TenantOf(name, vm.vapp if name != vm.vapp else "", "vapp", f"vApp {vm.vapp}")


def _by_pool(vm: Vm, stems: frozenset[str]) -> TenantOf | None:
    """The first pool below the cluster's own; a pool of a vApp is the vApp's."""
    for segment in _segments(vm.pool, vm):
        name = _UUID_TAIL.sub("", segment)
        if not _SAYS_NOTHING.fullmatch(name) and name.casefold() != (vm.vapp or "").casefold():
            stem = name.rpartition("-")[0]
            told, part = (stem, name) if stem.casefold() in stems else (name, "")
            return TenantOf(told, part, "pool", f"Resource pool {vm.pool}")
    return None


def _by_attribute(vm: Vm, rules: TenantRules) -> TenantOf | None:
    given = {title.casefold(): (title, value) for title, value in vm.attributes if value}
    for wanted in rules.attributes:
        title, value = given.get(wanted.casefold(), ("", ""))
        if value and not value.startswith("(hidden"):
            return TenantOf(value, "", "attribute", f"{title} {value}")
    return None


def _prefix(vm: Vm, rules: TenantRules) -> str:
    parts = re.split(r"[-_.]", vm.name)
    if len(parts) <= rules.prefix_parts:
        return ""
    found = "-".join(parts[: rules.prefix_parts])
    told = len(found) > 1 and any(c.isalpha() for c in found) and " " not in found
    return "" if not told or _ROLE.fullmatch(found) or _SAYS_NOTHING.fullmatch(found) else found


def _prefixes(vms: Sequence[Vm], rules: TenantRules) -> frozenset[str]:
    found = Counter(_prefix(vm, rules).casefold() for vm in vms)
    return frozenset(one for one, count in found.items() if one and count >= rules.least_of_prefix)


def _by_prefix(vm: Vm, rules: TenantRules, known: frozenset[str]) -> TenantOf | None:
    found = _prefix(vm, rules)
    return TenantOf(found, "", "prefix", f"VM {vm.name}") if found.casefold() in known else None


def _by_network(vm: Vm) -> TenantOf | None:
    names = vm.network_names
    return TenantOf(names[0], "", "network", f"Network {names[0]}") if names else None
