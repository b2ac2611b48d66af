"""Tenants too large for one cohort, parted: in the order of risk, and never against a need."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from engines.migration.bonds import NO_PRIORITY, Unit
from engines.migration.bundles import Bundle, bundle_of
from engines.migration.cohorts import CohortRules
from engines.migration.ease import EaseWeights
from engines.migration.packing import Limits, fill, in_order


def part_large(
    bundles: Sequence[Bundle],
    rules: CohortRules,
    confirmed_networks: Collection[str] = (),
    weights: EaseWeights | None = None,
) -> tuple[Bundle, ...]:
    """Those above an even share of the cohorts that were asked for, or above the limit of VMs. Numbered anew.

    Tenants stay whole where the rules say so, in a ramp, and where nobody asked for a count or a limit.
    """
    pieces: list[tuple[Bundle, str, Sequence[Unit]]] = []
    for one in bundles:
        most = None if rules.whole_tenants or rules.ramp else _most(one, bundles, rules)
        parts = [one.units] if most is None else _parts(one, most)
        for number, units in enumerate(parts, 1):
            pieces.append((one, f"part {number} of {len(parts)}" if len(parts) > 1 else "", units))
    number_of = {unit.number: at for at, (_, _, units) in enumerate(pieces) for unit in units}
    found = []
    for at, (one, part, units) in enumerate(pieces):
        needs = tuple(sorted({number_of[need] for unit in units for need in unit.needs} - {at}))
        if not part:
            found.append(replace(one, number=at, needs=needs))
            continue
        priorities = [] if one.priority == NO_PRIORITY else [one.priority]
        made = bundle_of(at, one.tenants, units, needs, priorities, confirmed_networks, weights)
        found.append(replace(made, part=part))
    return tuple(found)


def _most(one: Bundle, bundles: Sequence[Bundle], rules: CohortRules) -> int | None:
    """VMs of a part; None leaves it whole. Halves of a share are put together more evenly than shares."""
    whole = sum(other.load.vms for other in bundles)
    share = -(-whole // rules.count) if rules.count else None
    sizes = [-(-share // 2)] if share is not None and one.load.vms > share else []
    if rules.limits.vms is not None and one.load.vms > rules.limits.vms:
        sizes.append(rules.limits.vms)
    return min(sizes, default=None)


def _parts(one: Bundle, most: int) -> list[Sequence[Unit]]:
    units = {unit.number: unit for unit in one.units}
    items = {unit.number: unit.item for unit in one.units}
    order = in_order(items, lambda n: (units[n].priority, units[n].colour, units[n].score, units[n].load.mib, n))
    return [[units[n] for n in part] for part in fill(order, items, Limits(vms=most), -(-one.load.vms // most))]
