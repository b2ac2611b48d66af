"""Everything that a VM can come back from, grouped into points in time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from engines.restore.recipe import Recipe
from storage.inventory import Found

TOGETHER = timedelta(minutes=10)
"""Copies without a mark of their own that lie no further apart than this count as one point."""
Origin = Literal["snapshot", "backup"]
ORIGINS: dict[Origin, str] = {"snapshot": "snapshot", "backup": "volume backup"}
_GROUP, _RUN, _POLICY = "stackhand_group", "stackhand_run", "stackhand_policy"
_SNAPSHOT: Origin = "snapshot"
_BACKUP: Origin = "backup"
_ONE_MOMENT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of one volume: a snapshot, which goes with its volume, or a backup, which outlives it. `at` is the moment
    that it shows."""

    id: str
    name: str
    volume_id: str
    size_gib: int
    at: datetime
    metadata: Mapping[str, str]
    project_id: str = ""
    origin: Origin = "snapshot"
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """A state that the VM can come back to. `copies` by volume id. `at` is its newest copy, or the image's time.

    `missing` are volumes of the VM without a copy in it. `image_id` is a server image with the root disk. Its copies
    are snapshots, backups, or both. `grouped`: they were taken as one set. `rootless`: the VM starts from an image, and
    its disk is not in it.
    """

    key: str
    at: datetime
    copies: Mapping[str, Copy]
    missing: tuple[str, ...] = ()
    policy: str = ""
    grouped: bool = False
    image_id: str = ""
    image: str = ""
    size_gib: int = 0
    begun: datetime | None = None
    rootless: bool = False

    @property
    def complete(self) -> bool:
        return not self.missing and not self.rootless

    @property
    def spread(self) -> timedelta:
        """Between its first and its last copy."""
        return self.at - (self.begun or self.at)

    @property
    def one_moment(self) -> bool:
        """Whether all of it shows the same moment: a set taken as one, or copies that lie a few seconds apart."""
        return self.grouped or len(self.copies) + bool(self.image_id) <= 1 or self.spread <= _ONE_MOMENT

    def count(self, origin: Origin) -> int:
        return sum(1 for copy in self.copies.values() if copy.origin == origin)

    @property
    def made_of(self) -> str:
        """`snapshots`, `volume backups`, or how many of each; empty where it has neither."""
        counts = {word: self.count(origin) for origin, word in ORIGINS.items() if self.count(origin)}
        if len(counts) == 1:
            return next(f"{word}s" for word in counts)
        return " and ".join(f"{count} {word}{'s' if count != 1 else ''}" for word, count in counts.items())

    @property
    def words(self) -> str:
        of = len(self.copies) + len(self.missing)
        if self.image_id:
            return f"server image {self.image}" + (f" and {len(self.copies)} of {of} volumes" if of else "")
        whole = "complete" if self.complete else "partial"
        root = ", without its root disk" if self.rootless else ""
        backed = f", {self.made_of}" if self.count("backup") else ""
        return f"{whole} ({len(self.copies)} of {of} volume{'s' if of != 1 else ''}{root}{backed})"


def points_of(
    recipe: Recipe, snapshots: Iterable[Found], images: Iterable[Found] = (), backups: Iterable[Found] = ()
) -> tuple[Point, ...]:
    """All points, the newest first. Copies that are not available are no help and left out."""
    volumes = tuple(disk.volume_id for disk in recipe.disks)
    taken = [_groups(rows, origin, volumes) for rows, origin in ((snapshots, _SNAPSHOT), (backups, _BACKUP))]
    groups = _completed(taken, volumes) if all(taken) else [*taken[0], *taken[1]]
    found = [_point(group, volumes, recipe) for group in groups]
    found += [_of_image(image, found, volumes) for image in images if _usable(image)]
    return tuple(sorted(_with_own_keys(found), key=_rank, reverse=True))


def _rank(point: Point) -> tuple[datetime, int, str]:
    """Of two of one moment that of snapshots goes first: it is back sooner."""
    return point.at, -point.count("backup"), point.key


def _groups(rows: Iterable[Found], origin: Origin, volumes: Sequence[str]) -> list[list[Copy]]:
    """The copies of one origin, set by set."""
    found = (_copy(row, origin) for row in rows)
    copies = sorted(
        (copy for copy in found if copy is not None and copy.volume_id in volumes), key=lambda copy: (copy.at, copy.id)
    )
    marked: dict[str, list[Copy]] = {}
    loose: list[Copy] = []
    for copy in copies:
        mark = _mark(copy)
        if mark:
            marked.setdefault(mark, []).append(copy)
        else:
            loose.append(copy)
    return [part for same in marked.values() for part in _apart(same)] + _near(loose)


def _completed(taken: Sequence[list[list[Copy]]], volumes: Sequence[str]) -> list[list[Copy]]:
    """Sets that lack a volume with the copies of it that the other origin has near them in time; a set that is whole
    within another then is no point of its own."""
    every = [[copy for group in groups for copy in group] for groups in taken]
    filled = [
        _filled(group, others, volumes)
        for groups, others in zip(taken, reversed(every), strict=True)
        for group in groups
    ]
    sets = sorted(({copy.id: copy for copy in group} for group in filled), key=len, reverse=True)
    kept: list[dict[str, Copy]] = []
    for one in sets:
        if not any(one.keys() <= other.keys() for other in kept):
            kept.append(one)
    return [list(one.values()) for one in kept]


def _filled(group: Sequence[Copy], others: Sequence[Copy], volumes: Sequence[str]) -> list[Copy]:
    found, first = list(group), min(copy.at for copy in group)
    for volume in volumes:
        if any(copy.volume_id == volume for copy in group):
            continue
        near = [copy for copy in others if copy.volume_id == volume and abs(copy.at - first) <= TOGETHER]
        found += sorted(near, key=lambda copy: (abs(copy.at - first), copy.id))[:1]
    return found


def _with_own_keys(points: Iterable[Point]) -> list[Point]:
    """A copy that is in several points names one of them."""
    found: list[Point] = []
    for point in points:
        known = {other.key for other in found}
        free = [copy.id for copy in sorted(point.copies.values(), key=lambda copy: copy.id) if copy.id not in known]
        found.append(point if point.key not in known or not free else replace(point, key=free[0]))
    return found


def _copy(row: Found, origin: Origin) -> Copy | None:
    """A backup shows the moment of its data, which may be that of a snapshot it was made of."""
    at = moment(row.attrs.get("data_at")) or moment(row.attrs.get("created"))
    if row.attrs.get("status") != "available" or at is None:
        return None
    metadata = {str(k): str(v) for k, v in (row.attrs.get("metadata") or {}).items()}
    return Copy(
        row.external_id, row.name, str(row.attrs.get("parent_id") or ""), int(row.attrs.get("size_gib") or 0), at,
        metadata, row.project_id or "", origin, bool(row.attrs.get("encrypted")),
    )  # fmt: skip


def moment(value: object) -> datetime | None:
    """The inventory's text of a time; None for what is none."""
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None


def _mark(copy: Copy) -> str:
    """What snapshots of one set have in common; empty: nothing that says so."""
    for key in (_GROUP, _RUN):
        if copy.metadata.get(key):
            return f"{key}={copy.metadata[key]}"
    return ""


def _apart(copies: Sequence[Copy]) -> list[list[Copy]]:
    """A set holds each volume once: a second copy of one begins another point."""
    groups: list[list[Copy]] = [[]]
    for copy in copies:
        if any(copy.volume_id == other.volume_id for other in groups[-1]):
            groups.append([])
        groups[-1].append(copy)
    return [group for group in groups if group]


def _near(copies: Sequence[Copy]) -> list[list[Copy]]:
    """Copies in the order of time: one that is too far from the first of its group, or of another policy, begins
    another one."""
    groups: dict[str, list[list[Copy]]] = {}
    for copy in copies:
        mine = groups.setdefault(policy_of(copy), [])
        last = mine[-1] if mine else None
        fits = (
            last is not None
            and copy.at - last[0].at <= TOGETHER
            and all(copy.volume_id != other.volume_id for other in last)
        )
        if fits and last is not None:
            last.append(copy)
        else:
            mine.append([copy])
    return [group for mine in groups.values() for group in mine]


def policy_of(copy: Copy) -> str:
    """The policy that a run took it for; the reference product writes its own key."""
    return copy.metadata.get(_POLICY) or copy.metadata.get("policy", "")


def _point(group: Sequence[Copy], volumes: Sequence[str], recipe: Recipe) -> Point:
    by_volume = {copy.volume_id: copy for copy in group}
    missing = tuple(volume for volume in volumes if volume not in by_volume)
    at = max(copy.at for copy in group)
    return Point(
        min(copy.id for copy in group),
        at,
        by_volume,
        missing,
        next((policy_of(copy) for copy in group if policy_of(copy)), ""),
        all(copy.metadata.get(_GROUP) for copy in group),
        size_gib=sum(copy.size_gib for copy in group),
        begun=min(copy.at for copy in group),
        rootless=not recipe.boots_from_volume,
    )


def _usable(image: Found) -> bool:
    """An image that holds a disk: one that was made of a VM on a volume holds only the ids of snapshots."""
    return (
        image.attrs.get("status") == "active"
        and moment(image.attrs.get("created")) is not None
        and not (image.attrs.get("properties") or {}).get("block_device_mapping")
    )


def _of_image(image: Found, points: Sequence[Point], volumes: Sequence[str]) -> Point:
    """The image with the data volumes of the point that is nearest to it in time, where one is near enough."""
    at = moment(image.attrs.get("created"))
    assert at is not None
    near = [point for point in points if point.copies and abs(point.at - at) <= TOGETHER]
    data = min(near, key=lambda point: abs(point.at - at), default=None)
    copies = data.copies if data is not None else {}
    times = [at, *(copy.at for copy in copies.values())]
    size = -(-int(image.attrs.get("size_bytes") or 0) // 2**30) + sum(copy.size_gib for copy in copies.values())
    return Point(
        image.external_id,
        max(times),
        copies,
        tuple(volume for volume in volumes if volume not in copies),
        data.policy if data is not None else "",
        False,
        image.external_id,
        image.name,
        size,
        min(times),
    )


def choose(
    points: Sequence[Point],
    *,
    key: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    at: datetime | None = None,
    origin: Origin | Literal[""] = "",
) -> Point | None:
    """The newest point of those asked for, a complete one where there is one; None: there is none.

    `key` is the id or name of a copy or an image in it. With `at` it is the one nearest to that moment. Points with
    copies of this `origin` go before others.
    """
    fitting = [
        point
        for point in points
        if (not key or _named(point, key))
        and (since is None or point.at >= since)
        and (until is None or point.at < until)
    ]
    fitting = [point for point in fitting if point.key == key] or fitting
    fitting = [point for point in fitting if origin and point.count(origin)] or fitting
    if at is not None:
        return min(fitting, key=lambda point: abs(point.at - at), default=None)
    return next((point for point in fitting if point.complete), fitting[0] if fitting else None)


def _named(point: Point, key: str) -> bool:
    folded = key.lower()
    names = {point.key, point.image_id, point.image.lower()}
    for copy in point.copies.values():
        names |= {copy.id, copy.name.lower()}
    return key in names or folded in names
