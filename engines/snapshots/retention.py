"""Which copies of a volume a policy does not need any longer.

Only good copies count (available, of the policy, made by a run). The last good one stays whatever was asked; one that
something depends on, that a person made, or whose age is not known is never touched.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from engines.clouds.acting import SnapshotState
from engines.snapshots.metadata import read_snapshot

Why = Literal["expired", "broken", "room"]
_BROKEN = frozenset({"error"})
_BROKEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Surplus:
    snapshot: SnapshotState
    why: Why


def good_copies(snapshots: Sequence[SnapshotState], policy: str) -> list[SnapshotState]:
    """Of one volume: those that count, newest first."""
    mine = [one for one in snapshots if one.status == "available" and _of(one, policy) and one.created is not None]
    return sorted(mine, key=_age, reverse=True)


def surplus(
    snapshots: Sequence[SnapshotState],
    policy: str,
    keep: int,
    now: datetime,
    *,
    needed: Collection[str] = (),
    why: Why = "expired",
) -> list[Surplus]:
    """What may go of one volume's snapshots, oldest first. `needed` are ids that something depends on; they count as
    copies all the same. With keep below one, one is kept."""
    good = good_copies(snapshots, policy)
    expired = [Surplus(one, why) for one in good[max(keep, 1) :] if one.id not in needed]
    broken = [Surplus(one, "broken") for one in snapshots if _is_broken(one, policy, now) and one.id not in needed]
    return sorted((*expired, *broken), key=lambda one: _age(one.snapshot))


def _of(snapshot: SnapshotState, policy: str) -> bool:
    made = read_snapshot(snapshot.metadata)
    return made.automatic and made.policy == policy


def _is_broken(snapshot: SnapshotState, policy: str, now: datetime) -> bool:
    """Errored copies of our own making, older than a day: long enough for somebody to look at one."""
    made = read_snapshot(snapshot.metadata)
    old = snapshot.created is not None and now - snapshot.created > _BROKEN_AFTER
    return snapshot.status in _BROKEN and made.ours and made.policy == policy and old


def _age(snapshot: SnapshotState) -> tuple[datetime, str]:
    """Two copies of one second are told apart by their ids, so that the same ones go at every attempt."""
    assert snapshot.created is not None
    return snapshot.created, snapshot.id
