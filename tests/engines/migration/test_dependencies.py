"""Circles are found and shown; chains may be long."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.migration.dependencies import CircleFound, check_order


def test_a_circle_of_three_is_shown_as_a_path() -> None:
    with pytest.raises(CircleFound) as caught:
        check_order({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]})
    assert caught.value.path == ("a", "b", "c", "a")
    assert "a needs b needs c needs a" in caught.value.what


def test_one_that_needs_itself() -> None:
    with pytest.raises(CircleFound, match="a needs a"):
        check_order({"a": ["a"]})


def test_diamonds_and_long_chains_are_no_circles() -> None:
    check_order({"a": ["b", "c"], "b": ["d"], "c": ["d"]})
    check_order({n: [n + 1] for n in range(20_000)})


@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=4), max_size=13))
def test_either_there_is_an_order_or_a_real_circle(after: dict[int, list[int]]) -> None:
    try:
        check_order(after)
    except CircleFound as found:
        path = [int(str(one)) for one in found.path]
        assert path[0] == path[-1] and all(b in after[a] for a, b in itertools.pairwise(path))
        return
    done: set[int] = set()
    left = set(after)
    while left:
        ready = {one for one in left if all(needed in done or needed not in after for needed in after[one])}
        assert ready
        done |= ready
        left -= ready
