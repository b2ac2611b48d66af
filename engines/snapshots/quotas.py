"""Whether the snapshots of a project fit its quota, before any is made. What the cloud does not tell is not checked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from engines.clouds.acting import SnapshotState, StorageQuota, Used, VolumeState


@dataclass(frozen=True, slots=True)
class Wanted:
    """A copy that is to be made; `volume_type` empty: unknown."""

    id: str
    size_gib: int
    volume_type: str = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """One that does not fit. `short_gib` or `short_count` is what its project lacks for it and all smaller ones."""

    wanted: Wanted
    limit: str
    short_gib: int = 0
    short_count: int = 0

    @property
    def words(self) -> str:
        if self.short_gib:
            return f"needs {self.short_gib:,} GiB more ({self.limit})"
        return f"needs {self.short_count:,} more snapshot{'s' if self.short_count != 1 else ''} ({self.limit})"


@dataclass(frozen=True, slots=True)
class Fit:
    fits: tuple[Wanted, ...]
    blocked: tuple[Blocked, ...]
    unknown: tuple[str, ...] = ()

    @property
    def short_gib(self) -> int:
        return sum_short(self.blocked)[0]

    @property
    def short_count(self) -> int:
        return sum_short(self.blocked)[1]


def sum_short(blocked: Iterable[Blocked]) -> tuple[int, int]:
    """(GiB, snapshots) that would let all fit: the shortfalls of one limit grow with each, so the most counts."""
    gib: dict[str, int] = {}
    count: dict[str, int] = {}
    for one in blocked:
        gib[one.limit] = max(gib.get(one.limit, 0), one.short_gib)
        count[one.limit] = max(count.get(one.limit, 0), one.short_count)
    return max(gib.values(), default=0), max(count.values(), default=0)


@dataclass
class _Limit:
    """What is left of one limit while copies are counted off; `free` None: no end, or not told."""

    words: str
    free: int | None
    size: bool
    over: int = field(default=0)

    def lacks(self, amount: int) -> int:
        return 0 if self.free is None else max(amount + self.over - self.free, 0)


def counted(quota: StorageQuota, volumes: Sequence[VolumeState], snapshots: Sequence[SnapshotState]) -> StorageQuota:
    """The quota of a project with what the cloud does not tell counted from all its volumes and snapshots.

    A cloud that answers limits alone has told nothing of use: that is neither no use, nor no limit.
    """
    held = sum(one.size_gib for one in volumes) + sum(one.size_gib for one in snapshots)
    return replace(quota, snapshots=_known(quota.snapshots, len(snapshots)), size_gib=_known(quota.size_gib, held))


def _known(used: Used, counted_: int) -> Used:
    return used if used.used is not None else Used(used.limit, counted_)


def fit(wanted: Sequence[Wanted], quota: StorageQuota) -> Fit:
    """The smallest first: as many volumes as can be are protected."""
    limits: dict[tuple[str, bool], _Limit] = {
        ("", True): _Limit("quota of the project", _free(quota.size_gib), True),
        ("", False): _Limit("quota of the project", _free(quota.snapshots), False),
    }
    for by_type, size in ((quota.size_gib_of, True), (quota.snapshots_of, False)):
        for name, used in by_type.items():
            limits[name, size] = _Limit(f"quota of the type {name}", _free(used), size)
    fits: list[Wanted] = []
    blocked: list[Blocked] = []
    for one in sorted(wanted, key=lambda one: (one.size_gib, one.id)):
        mine = [limits[key] for key in _keys(one, limits)]
        lacking = [(limit, lack) for limit in mine if (lack := limit.lacks(_amount(one, limit)))]
        if lacking:
            blocked.append(_blocked(one, lacking))
            for limit, _ in lacking:
                limit.over += _amount(one, limit)
        else:
            fits.append(one)
            for limit in mine:
                limit.free = None if limit.free is None else limit.free - _amount(one, limit)
    return Fit(tuple(fits), tuple(blocked), _unknown(quota))


def _keys(one: Wanted, limits: Iterable[tuple[str, bool]]) -> list[tuple[str, bool]]:
    return [key for key in limits if key[0] in ("", one.volume_type or "")]


def _amount(one: Wanted, limit: _Limit) -> int:
    return one.size_gib if limit.size else 1


def _blocked(one: Wanted, lacking: Sequence[tuple[_Limit, int]]) -> Blocked:
    """Told by size before count: that is what people ask for."""
    limit, lack = next(((limit, lack) for limit, lack in lacking if limit.size), lacking[0])
    return Blocked(one, limit.words, lack if limit.size else 0, 0 if limit.size else lack)


def _free(used: Used) -> int | None:
    """Below zero is Cinder's word for no limit."""
    return None if used.limit is not None and used.limit < 0 else used.free()


def _unknown(quota: StorageQuota) -> tuple[str, ...]:
    told = (("size", quota.size_gib), ("snapshots", quota.snapshots))
    return tuple(name for name, used in told if used.limit is not None and used.limit >= 0 and used.used is None)
