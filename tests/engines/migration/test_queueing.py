"""Jobs behind full hosts: the first that may, and nobody forgotten."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from engines.migration.queueing import Occupancy, Queue


@dataclass(frozen=True)
class One:
    order: int
    group: tuple[str, str]


def test_the_first_whose_host_has_room() -> None:
    occupancy = Occupancy(per_host=1, per_datastore=None)
    queue = Queue(occupancy)
    for one in (One(1, ("h1", "")), One(2, ("h1", "")), One(3, ("h2", ""))):
        queue.add(one)
    first = queue.take()
    assert first == One(1, ("h1", "")) and first is not None
    occupancy.change(first.group, 1)
    assert queue.take() == One(3, ("h2", "")) and queue.take() is None and queue.blocked_by == "VMs per host"
    occupancy.change(first.group, -1)
    queue.freed(first.group)
    assert queue.take() == One(2, ("h1", "")) and len(queue) == 0


@given(
    st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["", "x", "y"])), max_size=30),
    st.integers(1, 3),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_everybody_comes_and_no_limit_is_passed(
    groups: list[tuple[str, str]], per_host: int, per_datastore: int, random: "object"
) -> None:
    occupancy = Occupancy(per_host, per_datastore)
    queue = Queue(occupancy)
    for number, group in enumerate(groups):
        queue.add(One(number, group))
    running: list[One] = []
    seen: list[int] = []
    while len(queue) or running:
        while isinstance(one := queue.take(), One):
            running.append(one)
            seen.append(one.order)
            occupancy.change(one.group, 1)
            for side, most in ((0, per_host), (1, per_datastore)):
                names = [other.group[side] for other in running if other.group[side]]
                assert all(names.count(name) <= most for name in names)
        assert running
        ended = running.pop(random.randrange(len(running)))  # type: ignore[attr-defined]
        occupancy.change(ended.group, -1)
        queue.freed(ended.group)
    assert sorted(seen) == list(range(len(groups)))
