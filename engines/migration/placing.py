"""VMs placed on hosts, the largest first, so that what adds up also fits."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

_CHUNKS = 8  # into which at least what runs on a host that fails is broken, to be placed on the others
_SOON = 1e-9
_SIDES = ("vcpus", "memory_mib", "cores")


@dataclass(frozen=True, slots=True)
class Piece:
    """`cores` are threads that are expected to be busy."""

    vcpus: float
    memory_mib: float
    cores: float


NOTHING = Piece(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Machine:
    """What it may give: `vcpus` and `memory_mib` by its overcommit, `cores` threads that may be busy."""

    vcpus: float
    memory_mib: float
    cores: float
    used: Piece = NOTHING

    def could_hold(self, piece: Piece) -> bool:
        """Were it empty."""
        return piece.vcpus <= self.vcpus and piece.memory_mib <= self.memory_mib and piece.cores <= self.cores


def machines_needed(
    live: Sequence[Machine], new: Machine, pieces: Mapping[Piece, int], failures: int
) -> tuple[int, str]:
    """How many more of `new` it takes so that all fits with the largest `failures` machines lost, and what for.

    Every piece fits into an empty machine of `new`, or into one of the live ones that are left: where it does not, the
    search ends at one machine a piece. The number is sought from what the sums say on, by halves.
    """
    if not pieces:
        return 0, ""
    end = sum(pieces.values()) + failures + sum(_chunks(one, new) for one in live if one.used != NOTHING)
    least = min(end, _at_least(live, new, pieces))
    step, most = 1, least
    while most < end and not _holds(live, new, most, pieces, failures):
        least, most, step = most + 1, min(end, most + step), step * 2
    while least < most:
        middle = (least + most) // 2
        if _holds(live, new, middle, pieces, failures):
            most = middle
        else:
            least = middle + 1
    return most, _bound(live, new, pieces, failures, most)


def _chunks(lost: Machine, new: Machine) -> int:
    """Parts of what runs on it, each of which fits twice into a new one."""
    largest = max(float(getattr(lost.used, side)) / max(float(getattr(new, side)), 1.0) for side in _SIDES)
    return max(_CHUNKS, math.ceil(2 * largest))


def _at_least(live: Sequence[Machine], new: Machine, pieces: Mapping[Piece, int]) -> int:
    """What the sums alone ask for, were everything divisible and nothing lost."""
    found = 0.0
    for side in _SIDES:
        asked = sum(getattr(piece, side) * count for piece, count in pieces.items())
        room = sum(max(0.0, getattr(one, side) - getattr(one.used, side)) for one in live)
        found = max(found, (asked - room) / getattr(new, side))
    return max(0, math.floor(found - _SOON))


def _holds(live: Sequence[Machine], new: Machine, count: int, pieces: Mapping[Piece, int], failures: int) -> bool:
    machines = sorted([*live, *[new] * count], key=lambda one: (-one.memory_mib, -one.vcpus, -one.cores))
    lost, left = machines[:failures], machines[failures:]
    asked = dict(pieces)
    for one in lost:
        if one.used != NOTHING:
            chunks = _chunks(one, new)
            part = Piece(*(getattr(one.used, side) / chunks for side in _SIDES))
            asked[part] = asked.get(part, 0) + chunks
    return _placed(left, asked)


def _placed(machines: Sequence[Machine], pieces: Mapping[Piece, int]) -> bool:
    """First fit, the largest first; as many of one piece on a machine as go. What the sums deny is not tried."""
    for side in _SIDES:
        room = sum(getattr(one, side) - min(getattr(one, side), getattr(one.used, side)) for one in machines)
        if sum(getattr(piece, side) * count for piece, count in pieces.items()) > room + _SOON * (1 + room):
            return False
    free = [
        [one.vcpus - one.used.vcpus, one.memory_mib - one.used.memory_mib, one.cores - one.used.cores]
        for one in machines
    ]
    least_vcpus, least_memory = min(one.vcpus for one in pieces), min(one.memory_mib for one in pieces)
    start = 0
    for piece, count in sorted(pieces.items(), key=lambda one: (-one[0].memory_mib, -one[0].vcpus, -one[0].cores)):
        wanted = (piece.vcpus, piece.memory_mib, piece.cores)
        while start < len(free) and (free[start][0] < least_vcpus or free[start][1] < least_memory):
            start += 1  # those before are full, whatever comes
        vcpus, memory, cores = (ask - _SOON for ask in wanted)
        for room in islice(free, start, None):
            if room[1] < memory or room[0] < vcpus or room[2] < cores:
                continue
            fits = min(
                (int((have + _SOON) // ask) for have, ask in zip(room, wanted, strict=True) if ask), default=count
            )
            taken = min(count, max(0, fits))
            if taken:
                for place, ask in enumerate(wanted):
                    room[place] -= ask * taken
                count -= taken
            if not count:
                break
        if count:
            return False
    return True


def _bound(live: Sequence[Machine], new: Machine, pieces: Mapping[Piece, int], failures: int, count: int) -> str:
    """What is fullest with so many machines; "failures" when without them none had to be bought."""
    if count and _holds(live, new, 0, pieces, 0):
        return "failures"
    machines = [*live, *[new] * count]
    shares = []
    for name in _SIDES:
        asked = sum(getattr(piece, name) * number for piece, number in pieces.items())
        asked += sum(getattr(one.used, name) for one in live)
        shares.append((asked / (sum(getattr(one, name) for one in machines) or 1), name))
    words = {"vcpus": "vCPUs given", "memory_mib": "memory", "cores": "measured CPU"}
    return words[max(shares)[1]]
