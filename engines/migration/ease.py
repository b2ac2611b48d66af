"""How easily a tenant moves: a score of named, weighted dimensions, each shown with what it was made of.

A dimension is measured against a fixed size, not against the largest tenant: another tenant changes nobody's score.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from engines.migration.assessment import Assessed

Label = Literal["Easy", "Medium", "Hard"]
_EASY_BELOW, _MEDIUM_BELOW = 30.0, 60.0
_MUCH_DISK_MIB, _MANY_VMS, _MANY_NETWORKS, _MANY_NEEDS = 50 * 1024 * 1024, 500, 20, 10
_NAMES = {
    "disk": "data to copy",
    "risk": "average risk",
    "system": "systems that are unknown, not converted or out of support",
    "vms": "number of VMs",
    "networks": "networks",
    "needs": "dependencies on others",
    "cold": "VMs that move cold",
    "unconfirmed": "networks not confirmed",
}


@dataclass(frozen=True, slots=True)
class EaseWeights:
    """Shares of the score; they are brought to 100 together, so that 2 is twice as heavy as 1."""

    disk: float = 20
    risk: float = 25
    system: float = 20
    vms: float = 15
    networks: float = 10
    needs: float = 5
    cold: float = 3
    unconfirmed: float = 2

    def __post_init__(self) -> None:
        given = [getattr(self, one.name) for one in fields(self)]
        if not all(math.isfinite(one) and one >= 0 for one in given) or not sum(given):
            raise ValueError("weights are not negative, and one of them is above 0")


@dataclass(frozen=True, slots=True)
class Dimension:
    """`part` of 1, `points` = part x weight; `why` is the measured value in words."""

    id: str
    name: str
    weight: float
    part: float
    points: float
    why: str


@dataclass(frozen=True, slots=True)
class Ease:
    """0 is easiest, 100 hardest. `score` is the sum of the points."""

    score: float
    dimensions: tuple[Dimension, ...]

    @property
    def label(self) -> Label:
        return "Easy" if self.score < _EASY_BELOW else "Medium" if self.score < _MEDIUM_BELOW else "Hard"


def ease_of(
    vms: Sequence[Assessed],
    needs_of_others: int = 0,
    confirmed_networks: Collection[str] = (),
    weights: EaseWeights | None = None,
) -> Ease:
    """`needs_of_others`: VMs outside of these that must come before. Of no VM at all the score is 0."""
    chosen = weights or EaseWeights()
    whole = sum(getattr(chosen, one.name) for one in fields(chosen))
    found = []
    for id_, (part, why) in _parts(vms, needs_of_others, frozenset(confirmed_networks)).items():
        weight = round(100 * getattr(chosen, id_) / whole, 4)
        found.append(Dimension(id_, _NAMES[id_], weight, round(part, 4), round(part * weight, 2), why))
    return Ease(round(sum(one.points for one in found), 2), tuple(found))


def _parts(vms: Sequence[Assessed], needs_of_others: int, confirmed: frozenset[str]) -> dict[str, tuple[float, str]]:
    count = max(1, len(vms))
    mib = sum(one.sizes.move_mib for one in vms)
    risk = sum(one.risk.score for one in vms) / count
    odd = sum(not _is_supported(one) for one in vms)
    cold = sum(one.mode.way == "cold" for one in vms)
    networks = {name for one in vms for name in one.vm.network_names}
    open_ones = len(networks - confirmed)
    return {
        "disk": (_grown(mib, _MUCH_DISK_MIB), f"{mib / 1024:,.0f} GiB"),
        "risk": (min(1.0, risk / 100), f"{risk:.1f} of 100"),
        "system": (odd / count, f"{odd:,} of {len(vms):,} VMs"),
        "vms": (_grown(len(vms), _MANY_VMS), f"{len(vms):,}"),
        "networks": (min(1.0, len(networks) / _MANY_NETWORKS), f"{len(networks):,}"),
        "needs": (min(1.0, needs_of_others / _MANY_NEEDS), f"{needs_of_others:,}"),
        "cold": (cold / count, f"{cold:,} of {len(vms):,} VMs"),
        "unconfirmed": (open_ones / max(1, len(networks)), f"{open_ones:,} of {len(networks):,}"),
    }


def _grown(value: int, much: int) -> float:
    """Grows with the root: the difference between 1 and 2 TiB counts, that between 40 and 41 hardly does."""
    return min(1.0, math.sqrt(value / much))


def _is_supported(one: Assessed) -> bool:
    """What is not known to be converted and still mended is not taken to be: a tenant of none gets all the points."""
    guest = one.guest
    return guest.confidence != "none" and guest.converts is True and guest.out_of_support is not True
