"""Putting things into a row of bins (cohorts, waves) so that limits hold and nothing comes before what it needs.

Every loop ends: what is larger than a limit gets a bin of its own, and bins are only ever added at the end.
"""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Rank = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """`mib` is what must be copied, `red` the VMs whose risk is RED."""

    vms: int = 0
    mib: int = 0
    red: int = 0

    def __add__(self, other: "Load") -> "Load":
        return Load(self.vms + other.vms, self.mib + other.mib, self.red + other.red)


NOTHING = Load()


def total(loads: Sequence[Load]) -> Load:
    return Load(sum(one.vms for one in loads), sum(one.mib for one in loads), sum(one.red for one in loads))


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one bin; None is no limit. `red` 0 leaves every RED VM alone in a bin of its own, with a warning."""

    vms: int | None = None
    mib: int | None = None
    red: int | None = None

    def __post_init__(self) -> None:
        if any(one is not None and one < 1 for one in (self.vms, self.mib)) or (self.red or 0) < 0:
            raise ValueError("a limit of VMs or disk is at least 1, one of RED VMs at least 0")

    def fits(self, load: Load) -> bool:
        return (
            (self.vms is None or load.vms <= self.vms)
            and (self.mib is None or load.mib <= self.mib)
            and (self.red is None or load.red <= self.red)
        )

    def exceeded(self, load: Load) -> tuple[str, ...]:
        """A sentence for each limit that the load is above."""
        asked = (
            (load.vms, self.vms, "VMs", 1),
            (load.mib, self.mib, "GiB to copy", 1024),
            (load.red, self.red, "RED VMs", 1),
        )
        return tuple(
            f"{value / unit:,.0f} {name}, the limit is {most / unit:,.0f}"
            for value, most, name, unit in asked
            if most is not None and value > most
        )

    def share(self, load: Load, whole: Load) -> float:
        """How full a bin is: of its tightest limit, or of the whole where there is none."""
        return max(
            load.vms / (self.vms or whole.vms or 1),
            load.mib / (self.mib or whole.mib or 1),
            load.red / self.red if self.red else 0.0,
        )


@dataclass(frozen=True, slots=True)
class Item:
    """`needs` are the numbers of items that must not be in a later bin."""

    number: int
    load: Load
    needs: tuple[int, ...] = ()


Items = Mapping[int, Item]
Bins = list[list[int]]  # numbers of items


def in_order(items: Items, rank: Callable[[int], Rank]) -> list[int]:
    """By rank, but never before what is needed. The needs go round in no circle; those not among the items are met."""
    waits = {number: sum(need in items for need in item.needs) for number, item in items.items()}
    dependants: dict[int, list[int]] = {}
    for number, item in items.items():
        for need in item.needs:
            if need in items:
                dependants.setdefault(need, []).append(number)
    ready = [(rank(number), number) for number, count in waits.items() if not count]
    heapq.heapify(ready)
    found: list[int] = []
    while ready:
        _, number = heapq.heappop(ready)
        found.append(number)
        for one in dependants.get(number, ()):
            waits[one] -= 1
            if not waits[one]:
                heapq.heappush(ready, (rank(one), one))
    assert len(found) == len(items), "the needs go round in a circle"
    return found


def fill(order: Sequence[int], items: Items, limits: Limits, even_over: int | None = None) -> Bins:
    """One bin after the other. `even_over` bins get about as many VMs each; the limits may make them more."""
    whole = sum(items[number].load.vms for number in order)
    bins: Bins = []
    now, turn, passed = NOTHING, 0, 0
    for number in order:
        load = items[number].load
        due = min(even_over - 1, int((passed + load.vms / 2) * even_over / max(1, whole))) if even_over else 0
        if not bins or due > turn or not limits.fits(now + load):
            bins.append([])
            now, turn = NOTHING, max(turn, due)
        bins[-1].append(number)
        now += load
        passed += load.vms
    return bins


def fill_steps(order: Sequence[int], items: Items, steps: Sequence[Limits]) -> Bins:
    """One bin a step, each with its own limits; what is too large for its turn, or left at the end, is in the last."""
    bins: Bins = [[] for _ in steps]
    turn, now = 0, NOTHING
    for number in order:
        load = items[number].load
        while turn < len(steps) - 1 and not steps[turn].fits(now + load):
            turn, now = turn + 1, NOTHING
        bins[turn].append(number)
        now += load
    return [one for one in bins if one]


def spread(order: Sequence[int], items: Items, limits: Limits, count: int) -> Bins:
    """Each into the emptiest bin not before what it needs; a new one at the end where it has no room.

    `order` largest first gives even bins. The cost is the logarithm of the bins for each item.
    """
    whole = total([items[number].load for number in order])
    loads: list[Load] = [NOTHING] * max(1, count)
    bins: Bins = [[] for _ in loads]
    tree = _Lightest(len(loads) + len(order))
    for place in range(len(loads)):
        tree.put(place, 0.0)
    where: dict[int, int] = {}
    for number in order:
        item = items[number]
        place = tree.first(max((where[need] for need in item.needs if need in where), default=0))
        if loads[place].vms and not limits.fits(loads[place] + item.load):
            place = len(bins)
            loads.append(NOTHING)
            bins.append([])
        loads[place] += item.load
        bins[place].append(number)
        where[number] = place
        full = not limits.fits(loads[place])  # too large for any: it stays alone
        tree.put(place, math.inf if full else limits.share(loads[place], whole))
    return [one for one in bins if one]


class _Lightest:
    """The lightest of the bins from a place on; those that were never put weigh as much as can be."""

    def __init__(self, most: int) -> None:
        self._size = 1 << max(0, most - 1).bit_length()
        self._tree = [(math.inf, self._size)] * self._size + [(math.inf, place) for place in range(self._size)]

    def put(self, place: int, weight: float) -> None:
        node = place + self._size
        self._tree[node] = (weight, place)
        while node > 1:
            node //= 2
            self._tree[node] = min(self._tree[2 * node], self._tree[2 * node + 1])

    def first(self, least: int) -> int:
        if least == 0:
            return self._tree[1][1]
        low, high, found = least + self._size, 2 * self._size, (math.inf, least)
        while low < high:
            if low & 1:
                found = min(found, self._tree[low])
                low += 1
            if high & 1:
                high -= 1
                found = min(found, self._tree[high])
            low, high = low // 2, high // 2
        return found[1]
