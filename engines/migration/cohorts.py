"""Tenants in cohorts: who moves when, by six strategies, within guardrails, and why each is where it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from engines.migration.bundles import Bundle
from engines.migration.packing import Bins, Items, Limits, Load, Rank, fill, fill_steps, in_order, spread, total

CohortStrategy = Literal["easiest_first", "riskiest_last", "pilot_bulk", "balanced", "os_first", "priority"]
COHORT_STRATEGIES: tuple[CohortStrategy, ...] = get_args(CohortStrategy)
_USUAL = 3  # cohorts, when nobody says how many
_WORDS: Mapping[CohortStrategy, str] = {
    "easiest_first": "the easiest first",
    "riskiest_last": "the riskiest last",
    "pilot_bulk": "a small pilot, then the bulk",
    "balanced": "about as much data in each",
    "os_first": "Linux, then Windows, then others",
    "priority": "by priority, then by ease",
}


class PlanRefused(ValueError):  # noqa: N818 - an answer to whoever asked for the plan
    """`what` and `fix` are one line each."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what, self.fix = what, fix


@dataclass(frozen=True, slots=True)
class Profile:
    """One step of a ramp: a cohort of its name, of up to so many VMs; None is all that is left."""

    name: str
    vms: int | None = None


@dataclass(frozen=True, slots=True)
class CohortRules:
    """`count` None: as many as the guardrails make, else three. `ramp` takes the place of the count.

    `risky_from` is the average score from which `riskiest_last` holds a tenant back. `whole_tenants` False lets
    one that is larger than a cohort be parted.
    """

    strategy: CohortStrategy = "easiest_first"
    count: int | None = None
    limits: Limits = field(default_factory=Limits)
    ramp: tuple[Profile, ...] = ()
    pilot_vms: int = 20
    risky_from: float = 40.0
    whole_tenants: bool = False

    def __post_init__(self) -> None:
        if self.strategy not in COHORT_STRATEGIES:
            raise PlanRefused(
                f"there is no way {self.strategy!r} to make cohorts", f"use {', '.join(COHORT_STRATEGIES)}"
            )
        if self.count is not None and not 1 <= self.count <= 1000:
            raise PlanRefused(f"{self.count:,} cohorts cannot be made", "ask for 1 to 1,000")
        if self.pilot_vms < 1 or any(one.vms is not None and one.vms < 1 for one in self.ramp):
            raise PlanRefused("a pilot or a step of a ramp holds no VM", "give it room for at least one")


@dataclass(frozen=True, slots=True)
class Cohort:
    """`warnings` are limits that a tenant too large for any cohort is above; `after` are cohorts that come before."""

    number: int
    name: str
    bundles: tuple[Bundle, ...]
    load: Load
    ease: float
    warnings: tuple[str, ...] = ()
    after: tuple[int, ...] = ()

    @property
    def tenants(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for one in self.bundles for name in one.tenants))


@dataclass(frozen=True, slots=True)
class CohortPlan:
    """`why` by the number of a bundle."""

    rules: CohortRules
    cohorts: tuple[Cohort, ...]
    why: Mapping[int, str]
    notes: tuple[str, ...] = ()


def build_cohorts(bundles: Sequence[Bundle], rules: CohortRules | None = None) -> CohortPlan:
    """Each bundle is in one cohort, never in one before a cohort that it needs."""
    chosen = rules or CohortRules()
    known = {one.number: one for one in bundles}
    items = {one.number: one.item for one in bundles}
    order = in_order(items, lambda number: _rank(known[number], chosen))
    if chosen.strategy in ("balanced", "riskiest_last", "pilot_bulk") and not chosen.ramp:
        bins, first = _BINS[chosen.strategy](order, items, known, chosen)
    else:
        bins, first = _plain(order, items, chosen), ""
    cohorts = _cohorts(bins, known, chosen, first)
    place = {number: at for at, number in enumerate(order, 1)}
    why = {one.number: _why(one, chosen, place[one.number], len(order)) for one in bundles}
    return CohortPlan(chosen, cohorts, why, _notes(cohorts, chosen))


def _rank(one: Bundle, rules: CohortRules) -> Rank:
    ease: Rank = (one.ease.score, one.load.mib, one.label, one.number)
    match rules.strategy:
        case "riskiest_last":
            return (one.risk >= rules.risky_from, *ease)
        case "balanced":
            return (-one.load.mib, *ease)
        case "os_first":
            others = one.load.vms - one.windows - one.linux
            return (0 if one.linux >= max(one.windows, others) else 1 if one.windows >= others else 2, *ease)
        case "priority":
            return (one.priority, *ease)
        case _:
            return ease


def _count(rules: CohortRules, order: Sequence[int], items: Items) -> int | None:
    """None where only the guardrails say where a cohort ends."""
    if rules.count is not None or rules.limits == Limits():
        return min(rules.count or _USUAL, max(1, len(order)))
    return None


def _plain(order: Sequence[int], items: Items, rules: CohortRules) -> Bins:
    if rules.ramp:
        lim = rules.limits
        tightest = [min((v for v in (one.vms, lim.vms) if v is not None), default=None) for one in rules.ramp]
        return fill_steps(order, items, [Limits(vms, lim.mib, lim.red) for vms in tightest])
    return fill(order, items, rules.limits, _count(rules, order, items))


_Found = tuple[Bins, str]  # and what the first of them is called
_Known = Mapping[int, Bundle]


def _balanced(order: Sequence[int], items: Items, known: _Known, rules: CohortRules) -> _Found:
    bins = spread(order, items, rules.limits, _count(rules, order, items) or _fewest(order, items, rules.limits))
    return bins, ""


def _fewest(order: Sequence[int], items: Items, limits: Limits) -> int:
    """Bins that the limits make at the least."""
    whole = total([items[number].load for number in order])
    shares = ((whole.vms, limits.vms), (whole.mib, limits.mib), (whole.red, limits.red))
    return max((-(-value // most) for value, most in shares if most), default=1) or 1


def _riskiest_last(order: Sequence[int], items: Items, known: _Known, rules: CohortRules) -> _Found:
    """Whoever needs a risky one comes last as well."""
    risky: set[int] = set()
    for number in order:
        if known[number].risk >= rules.risky_from or risky.intersection(items[number].needs):
            risky.add(number)
    calm = [number for number in order if number not in risky]
    last = [number for number in order if number in risky]
    count = _count(rules, order, items)
    if not calm or not last or count == 1:
        return fill(order, items, rules.limits, count), ""
    return fill(calm, items, rules.limits, count and count - 1) + fill(last, items, rules.limits, count and 1), ""


def _pilot_bulk(order: Sequence[int], items: Items, known: _Known, rules: CohortRules) -> _Found:
    """The easiest that need nobody outside of the pilot, as long as they fit; at least one of them."""
    count = _count(rules, order, items)
    if count == 1 or len(order) < 2:
        return fill(order, items, rules.limits, count), ""
    room = min(rules.pilot_vms, rules.limits.vms or rules.pilot_vms)
    step = Limits(room, rules.limits.mib, rules.limits.red)
    pilot: dict[int, None] = {}
    load = Load()
    for number in order:
        if step.fits(load + items[number].load) and all(need in pilot for need in items[number].needs):
            pilot[number] = None
            load += items[number].load
    if not pilot:
        free = [number for number in order if not items[number].needs]
        pilot[min(free, key=lambda number: items[number].load.vms)] = None
    rest = [number for number in order if number not in pilot]
    return [list(pilot), *fill(rest, items, rules.limits, count and count - 1)], "Pilot"


_BINS: Mapping[str, Callable[[Sequence[int], Items, _Known, CohortRules], _Found]] = {
    "balanced": _balanced,
    "riskiest_last": _riskiest_last,
    "pilot_bulk": _pilot_bulk,
}


def _cohorts(bins: Bins, known: _Known, rules: CohortRules, first: str) -> tuple[Cohort, ...]:
    where = {number: at for at, numbers in enumerate(bins, 1) for number in numbers}
    found = []
    for at, numbers in enumerate(bins, 1):
        members = tuple(known[number] for number in numbers)
        load = total([one.load for one in members])
        after = {where[need] for one in members for need in one.needs} - {at}
        step = rules.ramp[min(at, len(rules.ramp)) - 1] if rules.ramp else None
        name = step.name if step else first if first and at == 1 else f"Cohort {at}"
        limits = Limits(step.vms, rules.limits.mib, rules.limits.red) if step and step.vms else rules.limits
        ease = sum(one.ease.score * one.load.vms for one in members) / max(1, load.vms)
        found.append(Cohort(at, name, members, load, round(ease, 2), limits.exceeded(load), tuple(sorted(after))))
    return tuple(found)


def _why(one: Bundle, rules: CohortRules, place: int, count: int) -> str:
    said = (
        f"{place} of {count} by {rules.strategy} ({_WORDS[rules.strategy]}): ease {one.ease.score:.1f} {one.ease.label}"
    )
    if rules.strategy == "riskiest_last":
        said += f", average risk {one.risk:.1f}"
    if len(one.tenants) > 1:
        said += f"; {one.label} cannot be parted"
    return said + ("; after what it needs" if one.needs else "")


def _notes(cohorts: Sequence[Cohort], rules: CohortRules) -> tuple[str, ...]:
    notes = [f"{one.name} is above a limit: {text}" for one in cohorts for text in one.warnings]
    if rules.count is not None and not rules.ramp and len(cohorts) != rules.count:
        why = "the limits leave no other way" if len(cohorts) > rules.count else "the tenants are too few or too large"
        notes.insert(0, f"{len(cohorts):,} cohorts, {rules.count:,} were asked for: {why}")
    return tuple(notes)
