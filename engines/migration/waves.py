"""VMs in waves: five strategies under the same limits, and for every VM why it is where it is, or why it is nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from engines.migration.assessment import Assessed
from engines.migration.bonds import NO_PRIORITY, Bonds, Unit
from engines.migration.cohorts import CohortPlan, PlanRefused
from engines.migration.packing import Limits, Load, total
from engines.migration.records import Key

WaveStrategy = Literal["bandwidth_paced", "risk_tiered", "even_spread", "dependency_ordered", "pilot_first"]
WAVE_STRATEGIES: tuple[WaveStrategy, ...] = get_args(WaveStrategy)
COLOURS = ("GREEN", "YELLOW", "RED")


@dataclass(frozen=True, slots=True)
class WaveRules:
    """`days` a wave is meant to take: `bandwidth_paced` gives it what these days can copy.

    `pilot_vms` 0 makes no pilot; None makes one of up to 5 where the strategy is `pilot_first`. `first` is the number
    of the first wave: behind others that stay as they are there is no pilot.
    """

    strategy: WaveStrategy = "pilot_first"
    limits: Limits = field(default_factory=lambda: Limits(vms=30))
    pilot_vms: int | None = None
    days: int = 1
    first: int = 1

    def __post_init__(self) -> None:
        if self.strategy not in WAVE_STRATEGIES:
            raise PlanRefused(f"there is no way {self.strategy!r} to make waves", f"use {', '.join(WAVE_STRATEGIES)}")
        if not 1 <= self.days <= 366:
            raise PlanRefused(f"a wave of {self.days:,} days is none", "let it take 1 to 366 days")
        if self.pilot_vms is not None and not 0 <= self.pilot_vms <= 1000:
            raise PlanRefused(f"a pilot of {self.pilot_vms:,} VMs is none", "give it 0 to 1,000")

    @property
    def pilot(self) -> int:
        if self.pilot_vms is not None:
            return self.pilot_vms
        return 5 if self.strategy == "pilot_first" and self.first == 1 else 0


@dataclass(frozen=True, slots=True)
class Wave:
    """`keys` in the order in which they are to be moved. `after` are waves with VMs that these need."""

    number: int
    name: str
    cohort: int  # its number; 0 without cohorts
    units: tuple[Unit, ...]
    load: Load
    warnings: tuple[str, ...] = ()
    after: tuple[int, ...] = ()

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(key for unit in self.units for key in unit.keys)

    @property
    def vms(self) -> tuple[Assessed, ...]:
        return tuple(one for unit in self.units for one in unit.vms)


@dataclass(frozen=True, slots=True)
class WavePlan:
    """Every VM in scope is either in one wave or in `unplaced`, with the reason. `why` is of those in waves."""

    rules: WaveRules
    waves: tuple[Wave, ...]
    unplaced: Mapping[Key, str]
    after: Mapping[Key, tuple[Key, ...]]
    why: Mapping[Key, str]
    wave_of: Mapping[Key, int]
    notes: tuple[str, ...] = ()

    def named(self, name: str) -> Wave | None:
        """By number, "wave 2", or name, in any case."""
        wanted = name.strip().casefold().removeprefix("wave").strip() or name.strip().casefold()
        found = (one for one in self.waves if wanted in (str(one.number), one.name.casefold()))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Packed:
    """Units of one wave to be, by their numbers, and what was thought when it was made."""

    units: tuple[int, ...]
    thought: str
    pilot: bool = False


def parts_of(bonds: Bonds, cohorts: CohortPlan | None) -> list[tuple[int, tuple[Unit, ...]]]:
    """Units by cohort, in the order of the cohorts; all of them as cohort 0 without."""
    if cohorts is None:
        return [(0, bonds.units)]
    return [(one.number, tuple(u for bundle in one.bundles for u in bundle.units)) for one in cohorts.cohorts]


def wave_plan(bonds: Bonds, packed: Sequence[tuple[int, Packed]], rules: WaveRules) -> WavePlan:
    """The waves numbered through, with what can be said of each."""
    units = {unit.number: unit for unit in bonds.units}
    at = {number: place for place, (_, one) in enumerate(packed, rules.first) for number in one.units}
    waves = tuple(_wave(place, *one, units, at, rules) for place, one in enumerate(packed, rules.first))
    wave_of = {key: wave.number for wave in waves for key in wave.keys}
    thoughts = {place: one.thought for place, (_, one) in enumerate(packed, rules.first)}
    why = {one.key: _why(one, unit, thoughts[wave.number], units, at, wave.number)
           for wave in waves for unit in wave.units for one in unit.vms}  # fmt: skip
    notes = (*bonds.notes, *(f"{one.name} is above a limit: {text}" for one in waves for text in one.warnings))
    return WavePlan(rules, waves, bonds.unplaced, bonds.after, why, wave_of, notes)


def _wave(
    place: int, cohort: int, packed: Packed, units: Mapping[int, Unit], at: Mapping[int, int], rules: WaveRules
) -> Wave:
    members = tuple(units[number] for number in packed.units)
    load = total([one.load for one in members])
    after = {at[need] for one in members for need in one.needs} - {place}
    name = "Pilot" if packed.pilot else f"Wave {place}"
    return Wave(place, name, cohort, members, load, rules.limits.exceeded(load), tuple(sorted(after)))


def _why(one: Assessed, unit: Unit, thought: str, units: Mapping[int, Unit], at: Mapping[int, int], wave: int) -> str:
    said = f"{thought}: {one.risk.colour} with {one.risk.score} points, {one.sizes.move_mib / 1024:,.0f} GiB"
    if unit.priority != NO_PRIORITY:
        said += f", priority {unit.priority}"
    if len(unit.vms) > 1:
        others = [other.vm.name for other in unit.vms if other is not one]
        said += f"; together with {_some(others)} ({_some(unit.ties)})"
    if unit.needs:
        told = [f"{units[need].vms[0].vm.name} of {'this wave' if at[need] == wave else f'wave {at[need]}'}"
                for need in unit.needs]  # fmt: skip
        said += f"; not before {_some(told)}"
    return said


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - 3:,} more" if len(texts) > 3 else ""
    return ", ".join(texts[:3]) + more
