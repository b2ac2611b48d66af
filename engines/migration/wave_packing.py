"""The strategies by which waves are made. All of them keep the limits, the order of needs, and groups together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from engines.migration.bonds import NO_PRIORITY, Bonds, Unit
from engines.migration.calendars import Calendar
from engines.migration.cohorts import CohortPlan
from engines.migration.packing import Item, Limits, Rank, fill, in_order, spread, total
from engines.migration.pilots import pilot_of
from engines.migration.times import Pace
from engines.migration.transfer import Transfer, alone_limits, site_limits
from engines.migration.waves import COLOURS, Packed, WavePlan, WaveRules, WaveStrategy, parts_of, wave_plan

_LOST_TIME = 0.85  # of a day's copies: what starts and ends of VMs leave of it


@dataclass(frozen=True, slots=True)
class Means:
    """What there is to copy with: what a wave's days can hold depends on it."""

    transfer: Transfer
    calendar: Calendar
    pace: Pace


def build_waves(
    bonds: Bonds, means: Means, rules: WaveRules | None = None, cohorts: CohortPlan | None = None
) -> WavePlan:
    """Cohort by cohort, numbered through. A pilot is made once, of the first cohort."""
    chosen = rules or WaveRules()
    packed: list[tuple[int, Packed]] = []
    for cohort, units in parts_of(bonds, cohorts):
        wanted = chosen.pilot if not packed else 0
        packed += [(cohort, one) for one in _pack(units, means, chosen, wanted)]
    return wave_plan(bonds, packed, chosen)


def _pack(units: Sequence[Unit], means: Means, rules: WaveRules, pilot_vms: int) -> list[Packed]:
    pilot = pilot_of(units, pilot_vms, rules.limits) if pilot_vms else ()
    found = [Packed(pilot, "pilot: few VMs, of as many kinds as there are", True)] if pilot else []
    done = set(pilot)
    rest = {unit.number: unit for unit in units if unit.number not in done}
    items = {n: Item(n, one.load, tuple(need for need in one.needs if need in rest)) for n, one in rest.items()}
    return found + _PACKERS[rules.strategy](rest, items, means, rules)


_Units = Mapping[int, Unit]
_Items = Mapping[int, Item]


def _by_risk(unit: Unit) -> Rank:
    return (unit.priority, unit.colour, unit.score, unit.load.mib, unit.number)


def _pilot_first(units: _Units, items: _Items, means: Means, rules: WaveRules) -> list[Packed]:
    order = in_order(items, lambda number: _by_risk(units[number]))
    bins = fill(order, items, rules.limits)
    return [Packed(tuple(one), "after the pilot, by priority and risk") for one in bins]


def _risk_tiered(units: _Units, items: _Items, means: Means, rules: WaveRules) -> list[Packed]:
    """No wave has two colours. Who needs a VM of a worse one waits for that tier."""
    tier = _deepest(items, lambda number: units[number].colour)
    order = in_order(items, lambda number: (tier[number], *_by_risk(units[number])))
    found = []
    for colour, numbers in groupby(order, key=tier.__getitem__):
        bins = fill(list(numbers), items, rules.limits)
        found += [Packed(tuple(one), f"tier {COLOURS[colour]}") for one in bins]
    return found


def _even_spread(units: _Units, items: _Items, means: Means, rules: WaveRules) -> list[Packed]:
    """Those with a priority first, filled up in its order; then the others spread, the largest first."""
    wanted = _wanted_first(units, items)
    first = in_order({n: items[n] for n in wanted}, lambda number: _by_risk(units[number]))
    rest = {n: item for n, item in items.items() if n not in wanted}
    order = in_order(rest, lambda number: (-units[number].load.mib, number))
    bins = spread(order, rest, rules.limits, _fewest(rest, rules.limits)) if order else []
    found = [Packed(tuple(one), "by priority") for one in fill(first, items, rules.limits)]
    thought = "spread so that waves hold about as much"
    for one in bins:
        inner = {number: items[number] for number in one}
        found.append(Packed(tuple(in_order(inner, lambda number: _by_risk(units[number]))), thought))
    return found


def _wanted_first(units: _Units, items: _Items) -> set[int]:
    """Those that have a priority, with all that they need."""
    pending = [number for number, unit in units.items() if unit.priority != NO_PRIORITY]
    found: set[int] = set()
    while pending:
        number = pending.pop()
        if number not in found:
            found.add(number)
            pending += items[number].needs
    return found


def _fewest(items: _Items, limits: Limits) -> int:
    whole = total([one.load for one in items.values()])
    shares = ((whole.vms, limits.vms), (whole.mib, limits.mib), (whole.red, limits.red))
    return max((-(-value // most) for value, most in shares if most), default=1) or 1


def _dependency_ordered(units: _Units, items: _Items, means: Means, rules: WaveRules) -> list[Packed]:
    """Step by step: what others need is in an earlier wave, and has been seen to work before they follow."""
    step = _depths(items)
    needed = {need for item in items.values() for need in item.needs}
    order = in_order(items, lambda number: (step[number], number not in needed, *_by_risk(units[number])))
    found = []
    for depth, numbers in groupby(order, key=step.__getitem__):
        bins = fill(list(numbers), items, rules.limits)
        thought = "needs nobody that is not moved" if depth == 0 else f"step {depth} behind what it needs"
        found += [Packed(tuple(one), thought) for one in bins]
    return found


def _bandwidth_paced(units: _Units, items: _Items, means: Means, rules: WaveRules) -> list[Packed]:
    """What the days of a wave can copy, and no more than the lanes can take through."""
    mib, vms = capacity(means, rules.days, units)
    limits = Limits(_less(rules.limits.vms, vms), _less(rules.limits.mib, mib), rules.limits.red)
    order = in_order(items, lambda number: _by_risk(units[number]))
    days = "a day" if rules.days == 1 else f"{rules.days} days"
    thought = f"paced: {days} can copy {mib / 1024:,.0f} GiB and take {vms:,} VMs through"
    return [Packed(tuple(one), thought) for one in fill(order, items, limits)]


def _less(given: int | None, found: int) -> int:
    return found if given is None else min(given, found)


def capacity(means: Means, days: int, units: _Units) -> tuple[int, int]:
    """MiB and VMs that so many working days take, for VMs as these are on average; at least one of each."""
    transfer, pace = means.transfer, means.pace
    whole = total([one.load for one in units.values()])
    mean = whole.mib / max(1, whole.vms)
    streams = max(
        1, round(sum(len(vm.vm.disks) or 1 for unit in units.values() for vm in unit.vms) / max(1, whole.vms))
    )
    together = site_limits(transfer)[0].mib_s
    alone = min(alone_limits(transfer, streams)[0].mib_s, together / min(transfer.slots, max(1, whole.vms)))
    hours = 24.0 if means.calendar.copies_any_time else means.calendar.hours_a_day
    seconds = days * hours * 3600 * _LOST_TIME
    work = 60 * (pace.prepare_minutes + pace.shutdown_minutes + pace.convert_windows_minutes + pace.boot_minutes)
    vms = int(transfer.slots * seconds / (work + mean / max(alone, 1e-9)))
    return max(1, int(together * seconds)), max(1, vms)


def _deepest(items: _Items, own: Callable[[int], int]) -> dict[int, int]:
    """The worst of its own and of all that it needs."""
    found: dict[int, int] = {}
    for number in in_order(items, lambda number: (number,)):
        found[number] = max([own(number), *(found[need] for need in items[number].needs if need in found)])
    return found


def _depths(items: _Items) -> dict[int, int]:
    found: dict[int, int] = {}
    for number in in_order(items, lambda number: (number,)):
        found[number] = max((found[need] + 1 for need in items[number].needs if need in found), default=0)
    return found


_PACKERS: Mapping[WaveStrategy, Callable[[_Units, _Items, Means, WaveRules], list[Packed]]] = {
    "bandwidth_paced": _bandwidth_paced,
    "risk_tiered": _risk_tiered,
    "even_spread": _even_spread,
    "dependency_ordered": _dependency_ordered,
    "pilot_first": _pilot_first,
}
