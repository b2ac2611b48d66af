"""What must be moved before what; a circle is refused, with its path."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


class CircleFound(Exception):  # noqa: N818 - an answer to a plan
    """`path` starts and ends with the same thing; each must come after the one behind it."""

    def __init__(self, path: Sequence[object]) -> None:
        self.path = tuple(path)
        self.what = "the dependencies go round in a circle: " + " needs ".join(map(_shown, path))
        self.fix = "take one of them out"
        super().__init__(f"{self.what}; {self.fix}")


def _shown(thing: object) -> str:
    return str(thing[-1] if isinstance(thing, tuple) and thing else thing)


def check_order(after: Mapping[K, Sequence[K]]) -> None:
    """Raises CircleFound when something would have to come after itself. Without recursion: chains may be long."""
    done: set[K] = set()
    for start in after:
        if start not in done:
            _walk(start, after, done)


def _walk(start: K, after: Mapping[K, Sequence[K]], done: set[K]) -> None:
    path: list[K] = [start]
    on_path: set[K] = {start}
    pending = [iter(after.get(start, ()))]
    while pending:
        following = next(pending[-1], None)
        if following is None:
            pending.pop()
            left = path.pop()
            on_path.discard(left)
            done.add(left)
        elif following in on_path:
            raise CircleFound([*path[path.index(following) :], following])
        elif following not in done:
            path.append(following)
            on_path.add(following)
            pending.append(iter(after.get(following, ())))
