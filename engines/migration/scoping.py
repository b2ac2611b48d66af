"""What a plan takes and what it leaves: rules that people write, in order, with a look at what each would do."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from engines.migration.assessment import Assessed
from engines.migration.records import Key
from engines.migration.tenants import Tenants

Of = Literal["tenant", "cluster", "host", "folder", "network", "vm", "power", "datacenter", "vcenter", "os"]


@dataclass(frozen=True, slots=True)
class ScopeRule:
    """`pattern` with * and ?, in any case. `take` False leaves out what it fits."""

    of: Of
    pattern: str
    take: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Scoped:
    """`left_out` has the reason for each VM that a rule leaves out; `hits` what each rule fits, in their order."""

    left_out: Mapping[Key, str]
    hits: tuple[int, ...]

    def count_reasons(self) -> dict[str, int]:
        return dict(sorted(Counter(self.left_out.values()).items()))


def scope(vms: Iterable[Assessed], tenants: Tenants, rules: Sequence[ScopeRule]) -> Scoped:
    """The first rule that fits decides; without one a VM is taken. Those that are out already are not looked at."""
    left_out: dict[Key, str] = {}
    hits = [0] * len(rules)
    for one in vms:
        if not one.in_scope:
            continue
        for number, rule in enumerate(rules):
            if any(fnmatchcase(value.casefold(), rule.pattern.casefold()) for value in _values(one, tenants, rule.of)):
                hits[number] += 1
                if not rule.take:
                    left_out[one.key] = rule.reason
                break
    return Scoped(left_out, tuple(hits))


def _values(one: Assessed, tenants: Tenants, of: Of) -> tuple[str, ...]:
    vm = one.vm
    tenant = tenants.of.get(vm.key)
    found: Mapping[Of, Sequence[str | None]] = {
        "tenant": (tenant.tenant if tenant else "",),
        "cluster": (vm.cluster,),
        "host": (vm.host,),
        "folder": (vm.folder,),
        "network": vm.network_names,
        "vm": (vm.name,),
        "power": (vm.power,),
        "datacenter": (vm.datacenter,),
        "vcenter": (vm.server,),
        "os": (one.guest.family, one.guest.name),
    }
    return tuple(value for value in found[of] if value is not None)
