"""What Cinder says about a project's quota: limits with their use, or plain limits, where the use is counted."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines.clouds.acting import ActError, SnapshotState, StorageQuota, Used, VolumeState

_SNAPSHOTS, _SIZE = "snapshots", "gigabytes"


@dataclass(frozen=True, slots=True)
class Told:
    """`lacks_usage`: a limit came without its use, which is never to be taken for nothing used."""

    quota: StorageQuota
    lacks_usage: bool


def told(quota_set: Any) -> Told:
    """Raises ActError where the answer is no quota set."""
    if not isinstance(quota_set, Mapping) or not {_SNAPSHOTS, _SIZE} <= quota_set.keys():
        raise ActError("unexpected", "Cinder's answer holds no quota of snapshots and gigabytes", "check its log")
    try:
        quota = StorageQuota(
            snapshots=_used(quota_set[_SNAPSHOTS]),
            size_gib=_used(quota_set[_SIZE]),
            snapshots_of=dict(_by_type(quota_set, _SNAPSHOTS)),
            size_gib_of=dict(_by_type(quota_set, _SIZE)),
        )
    except (TypeError, ValueError, KeyError) as error:
        raise ActError("unexpected", "Cinder's quota holds something that is no number", "check its log") from error
    every = (quota.snapshots, quota.size_gib, *quota.snapshots_of.values(), *quota.size_gib_of.values())
    return Told(quota, any(one.used is None and one.limit is not None for one in every))


def _by_type(quota_set: Mapping[str, Any], key: str) -> Iterator[tuple[str, Used]]:
    """`gigabytes_ssd` limits the type ssd; types without a limit of their own are left out."""
    for name, value in quota_set.items():
        if name.startswith(f"{key}_"):
            used = _used(value)
            if used.limit is not None:
                yield name.removeprefix(f"{key}_"), used


def _used(value: Any) -> Used:
    """-1 is no limit, 0 is a limit of nothing. What is reserved by calls under way counts as used."""
    if isinstance(value, Mapping):
        in_use = value.get("in_use")
        used = None if in_use is None else int(in_use) + int(value.get("reserved") or 0)
        return Used(_limit(value["limit"]), used)
    return Used(_limit(value), None)


def _limit(value: Any) -> int | None:
    return None if int(value) < 0 else int(value)


def counted(quota: StorageQuota, volumes: Sequence[VolumeState], snapshots: Sequence[SnapshotState]) -> StorageQuota:
    """The same limits with what there is: Cinder counts the size of snapshots with that of volumes."""
    type_of = {volume.id: volume.volume_type or "" for volume in volumes}
    count, size = Counter[str](), Counter[str]()
    for volume in volumes:
        size[type_of[volume.id]] += volume.size_gib
    for snapshot in snapshots:
        count[type_of.get(snapshot.volume_id, "")] += 1
        size[type_of.get(snapshot.volume_id, "")] += snapshot.size_gib
    return StorageQuota(
        snapshots=Used(quota.snapshots.limit, len(snapshots)),
        size_gib=Used(quota.size_gib.limit, size.total()),
        snapshots_of={name: Used(used.limit, count[name]) for name, used in quota.snapshots_of.items()},
        size_gib_of={name: Used(used.limit, size[name]) for name, used in quota.size_gib_of.items()},
    )
