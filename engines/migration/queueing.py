"""Jobs that wait, in their order, behind hosts and datastores that take only so many at a time."""

import heapq
from collections import defaultdict
from typing import Protocol

Group = tuple[str, str]  # host, datastore; "" is none known, and never full


class Waiting(Protocol):
    @property
    def order(self) -> int: ...
    @property
    def group(self) -> Group: ...


class Occupancy:
    """How many VMs of each host and datastore are worked on; None is no limit."""

    def __init__(self, per_host: int | None, per_datastore: int | None) -> None:
        self._most = (per_host, per_datastore)
        self._busy: tuple[dict[str, int], dict[str, int]] = (defaultdict(int), defaultdict(int))

    def full(self, group: Group) -> tuple[int, str] | None:
        """What of the group is full: (0, host) or (1, datastore)."""
        for side in (0, 1):
            most, name = self._most[side], group[side]
            if most is not None and name and self._busy[side][name] >= most:
                return side, name
        return None

    def change(self, group: Group, by: int) -> None:
        for side in (0, 1):
            if group[side]:
                self._busy[side][group[side]] += by


class Queue:
    """`take` gives the first in order whose host and datastore have room; each call costs the logarithm of the groups.

    Groups that met a full host wait aside until `freed` names it, so that they are not looked at in vain.
    """

    def __init__(self, occupancy: Occupancy) -> None:
        self._occupancy = occupancy
        self._groups: dict[Group, list[tuple[int, Waiting]]] = defaultdict(list)
        self._heads: list[tuple[int, Group]] = []
        self._parked: dict[tuple[int, str], set[Group]] = defaultdict(set)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, one: Waiting) -> None:
        heap = self._groups[one.group]
        heapq.heappush(heap, (one.order, one))
        self._count += 1
        if heap[0][0] == one.order:
            heapq.heappush(self._heads, (one.order, one.group))

    def first(self) -> int | None:
        """The order of what `take` would give; None when nothing can be taken."""
        while self._heads:
            order, group = self._heads[0]
            heap = self._groups[group]
            if not heap or heap[0][0] != order:  # taken meanwhile, or another came before it
                heapq.heappop(self._heads)
                continue
            full = self._occupancy.full(group)
            if full is None:
                return order
            heapq.heappop(self._heads)
            self._parked[full].add(group)
        return None

    def take(self) -> Waiting | None:
        if self.first() is None:
            return None
        _, group = heapq.heappop(self._heads)
        heap = self._groups[group]
        _, one = heapq.heappop(heap)
        self._count -= 1
        if heap:
            heapq.heappush(self._heads, (heap[0][0], group))
        return one

    def freed(self, group: Group) -> None:
        """A VM of the group has ended: whoever waited for its host or datastore is looked at again."""
        for place in ((0, group[0]), (1, group[1])):
            for parked in sorted(self._parked.pop(place, ())):
                if heap := self._groups[parked]:
                    heapq.heappush(self._heads, (heap[0][0], parked))

    @property
    def blocked_by(self) -> str:
        """Whether hosts or datastores hold back what waits; "" when nothing does."""
        for side, name in ((0, "VMs per host"), (1, "VMs per datastore")):
            if any(place[0] == side and groups for place, groups in self._parked.items()):
                return name
        return ""
