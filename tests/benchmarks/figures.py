"""A measured figure beside its goal, for a terminal or as a line of JSON."""

import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`goal` None: for information only. `most` True: the goal is the most that the value may be, else the least."""

    part: str
    name: str
    value: float
    unit: str
    goal: float | None = None
    most: bool = True
    note: str = ""

    @property
    def reached(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value <= self.goal if self.most else self.value >= self.goal


def line(figure: Figure) -> str:
    """`  answers  list p95            31.2 ms      goal ≤ 150 ms   reached   note`"""
    sign = "≤" if figure.most else "≥"
    goal = "" if figure.goal is None else f"goal {sign} {figure.goal:g} {figure.unit}"
    verdict = {None: "", True: "reached", False: "MISSED"}[figure.reached]
    value = f"{figure.value:,.0f}" if abs(figure.value) >= 1000 else f"{figure.value:.4g}"
    left = f"{figure.part:<8} {figure.name:<38} {value:>10} {figure.unit:<8}"
    return f"{left} {goal:<20} {verdict:<8} {figure.note}".rstrip()


def told(figure: Figure) -> str:
    return json.dumps({**asdict(figure), "reached": figure.reached}, ensure_ascii=False)


def heard(text: str) -> Figure:
    values = json.loads(text)
    values.pop("reached")
    return Figure(**values)


def say(figure: Figure) -> None:
    """From a measuring process to the one that prints."""
    print(told(figure), flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by `share` of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def peak_mib() -> float:
    """The most memory that this process ever held in RAM; the system counts it in KiB, on macOS in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)
