"""Tenants as what cohorts are made of: whole, and joined where their VMs cannot be parted or need one another."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from engines.migration.bonds import NO_PRIORITY, Bonds, Unit
from engines.migration.ease import Ease, EaseWeights, ease_of
from engines.migration.packing import Item, Load, total
from engines.migration.records import Key
from engines.migration.tenants import Tenants

K = TypeVar("K", bound=Hashable)
NO_TENANT = "(no tenant)"


@dataclass(frozen=True, slots=True)
class Bundle:
    """`tenants` by size; a unit that nobody owns is a bundle by itself. `risk` is the average score of its VMs."""

    number: int
    tenants: tuple[str, ...]
    units: tuple[Unit, ...]
    load: Load
    ease: Ease
    risk: float
    priority: int
    windows: int
    linux: int
    needs: tuple[int, ...] = ()
    part: str = ""  # "part 2 of 5" of tenants too large for one cohort

    @property
    def item(self) -> Item:
        return Item(self.number, self.load, self.needs)

    @property
    def label(self) -> str:
        first = self.units[0].vms[0].vm.name
        named = [f"VM {first}" if one == NO_TENANT else one for one in self.tenants]
        said = " with ".join(named[:3]) + (" and others" if len(named) > 3 else "")
        return f"{said} ({self.part})" if self.part else said


def bundles_of(
    bonds: Bonds,
    tenants: Tenants,
    priorities: Mapping[str, int] | None = None,
    confirmed_networks: Collection[str] = (),
    weights: EaseWeights | None = None,
) -> tuple[Bundle, ...]:
    """`priorities` of tenants by name, 1 first. Tenants that need one another in turn are one bundle."""
    by_owner, owner_of = _owners(bonds, tenants)
    after: dict[str, dict[str, None]] = {owner: {} for owner in by_owner}
    for unit in bonds.units:
        for owner in owner_of[unit.number][1:]:  # VMs of several tenants that cannot be parted: a circle of two
            after[owner][owner_of[unit.number][0]] = None
            after[owner_of[unit.number][0]][owner] = None
        for need in unit.needs:
            after[owner_of[unit.number][0]][owner_of[need][0]] = None
    joined = circles(after)
    number_of = {owner: number for number, owners in enumerate(joined) for owner in owners}
    found = []
    for number, owners in enumerate(joined):
        needs = {number_of[need] for owner in owners for need in after[owner]} - {number}
        units = sorted((unit for owner in owners for unit in by_owner[owner]), key=lambda unit: unit.number)
        names = sorted({_named(owner) for owner in owners})
        given = [(priorities or {})[name] for name in names if name in (priorities or {})]
        found.append(bundle_of(number, names, units, tuple(sorted(needs)), given, confirmed_networks, weights))
    return tuple(found)


def _named(owner: str) -> str:
    return NO_TENANT if owner.startswith("\0") else owner


def names_of(tenants: Tenants) -> dict[Key, str]:
    """VMs to the name of their tenant, as most of its VMs spell it; those of nobody are missing."""
    return {key: one.name for one in tenants.tenants for key in one.keys}


def _owners(bonds: Bonds, tenants: Tenants) -> tuple[dict[str, list[Unit]], dict[int, list[str]]]:
    """Each unit is counted with the first of its tenants; a unit of none owns itself."""
    spelled = names_of(tenants)
    by_owner: dict[str, list[Unit]] = defaultdict(list)
    owner_of: dict[int, list[str]] = {}
    for unit in bonds.units:
        names = sorted({spelled[key] for key in unit.keys if key in spelled}) or [f"\0{unit.number}"]
        owner_of[unit.number] = names
        by_owner[names[0]].append(unit)
        for other in names[1:]:
            by_owner.setdefault(other, [])
    return dict(by_owner), owner_of


def bundle_of(
    number: int,
    names: Sequence[str],
    units: Sequence[Unit],
    needs: tuple[int, ...],
    priorities: Sequence[int],
    confirmed: Collection[str],
    weights: EaseWeights | None,
) -> Bundle:
    vms = [one for unit in units for one in unit.vms]
    own = {unit.number for unit in units}
    outside = {need for unit in units for need in unit.needs} - own
    return Bundle(
        number=number,
        tenants=tuple(names),
        units=tuple(units),
        load=total([unit.load for unit in units]),
        ease=ease_of(vms, len(outside), confirmed, weights),
        risk=round(sum(one.risk.score for one in vms) / max(1, len(vms)), 2),
        priority=min([*priorities, *(unit.priority for unit in units)], default=NO_PRIORITY),
        windows=sum(one.guest.is_windows for one in vms),
        linux=sum(one.guest.is_linux for one in vms),
        needs=needs,
    )


def circles(after: Mapping[K, Collection[K]]) -> list[list[K]]:
    """Things that need one another in turn, together; the others alone. In the order of `after`; no recursion."""
    seen: dict[K, int] = {}
    low: dict[K, int] = {}
    stack: list[K] = []
    on_stack: set[K] = set()
    place = {one: number for number, one in enumerate(after)}
    found: list[list[K]] = []
    for start in after:
        pending = [] if start in seen else [(start, iter(after[start]))]
        while pending:
            one, following = pending[-1]
            if one not in seen:
                seen[one] = low[one] = len(seen)
                stack.append(one)
                on_stack.add(one)
            step = next((other for other in following if other not in seen or other in on_stack), None)
            if step is not None and step not in seen:
                pending.append((step, iter(after.get(step, ()))))
            elif step is not None:
                low[one] = min(low[one], seen[step])
            else:
                pending.pop()
                if pending:
                    low[pending[-1][0]] = min(low[pending[-1][0]], low[one])
                if low[one] == seen[one]:
                    found.append(_unstack(one, stack, on_stack))
    return sorted((sorted(group, key=place.__getitem__) for group in found), key=lambda group: place[group[0]])


def _unstack(one: K, stack: list[K], on_stack: set[K]) -> list[K]:
    group = [stack.pop()]
    while group[-1] != one:
        group.append(stack.pop())
    on_stack.difference_update(group)
    return group
