"""A pilot that teaches: few VMs of as many kinds as there are, none of which would be missed much."""

from collections.abc import Sequence

from engines.migration.assessment import Assessed
from engines.migration.bonds import Unit
from engines.migration.packing import Limits, Load
from engines.migration.risks import DATABASE

_RED = 2
_SIZES_MIB = (50 * 1024, 250 * 1024, 1024 * 1024)


def pilot_of(units: Sequence[Unit], most_vms: int, limits: Limits) -> tuple[int, ...]:
    """Numbers of units that need nobody. Each next one shows most kinds that were not seen yet, the easiest of those.

    RED VMs and those whose name speaks of a database are not tried out on; where there is nothing else the pilot is
    empty.
    """
    fit = Limits(min(most_vms, limits.vms or most_vms), limits.mib, limits.red)
    ranked = sorted((unit for unit in units if _may(unit) and fit.fits(unit.load)), key=_rank)
    of_kind: dict[frozenset[str], list[Unit]] = {}
    for unit in ranked:
        of_kind.setdefault(frozenset(kind for one in unit.vms for kind in kinds_of(one)), []).append(unit)
    for waiting in of_kind.values():
        waiting.reverse()  # the easiest at the end, to be taken first
    chosen: list[int] = []
    seen: set[str] = set()
    load = Load()
    while True:
        ready = [(kinds, waiting[-1]) for kinds, waiting in of_kind.items() if waiting]
        ready = [(kinds, unit) for kinds, unit in ready if fit.fits(load + unit.load)]
        if not ready:
            return tuple(chosen)
        kinds, unit = min(ready, key=lambda one: (-len(one[0] - seen), _rank(one[1])))
        of_kind[kinds].pop()
        chosen.append(unit.number)
        seen |= kinds
        load += unit.load


def _may(unit: Unit) -> bool:
    return not unit.needs and unit.colour != _RED and not any(DATABASE.search(one.vm.name) for one in unit.vms)


def _rank(unit: Unit) -> tuple[int, int, int, int]:
    return (unit.colour, unit.score, unit.load.mib, unit.number)


def kinds_of(one: Assessed) -> tuple[str, ...]:
    """What a pilot can show: the system, the size, the number of adapters, the way."""
    size = sum(one.sizes.move_mib > edge for edge in _SIZES_MIB)
    nics = min(2, len(one.vm.nics) or one.vm.nic_count or 0)
    return (f"system {one.guest.family}", f"size {size}", f"adapters {nics}", f"way {one.mode.way}")
