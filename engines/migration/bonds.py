"""What moves together and what moves before what: VMs as units, ready to be put into cohorts and waves."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engines.migration.assessment import Assessed, Assessment
from engines.migration.dependencies import check_order
from engines.migration.packing import Item, Load
from engines.migration.records import Key, Vm

_COLOURS = ("GREEN", "YELLOW", "RED")
NO_PRIORITY = 1_000_000
_STATUS = {"hold": "on hold, by hand", "done": "moved already"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What people say of the order. `after`: a VM, and those that must be moved before it or with it in one wave.

    `together` are groups beside those that the export shows (shared disks, affinity rules). `placed` VMs are in waves
    that stay as they are: they get no other place, and the text says why.
    """

    after: Mapping[Key, Sequence[Key]] = field(default_factory=dict)
    together: Sequence[Sequence[Key]] = ()
    placed: Mapping[Key, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unit:
    """VMs that are never parted. `ties` say why; `colour` counts from 0 (GREEN), of the worst VM; `score` likewise."""

    number: int
    vms: tuple[Assessed, ...]
    ties: tuple[str, ...]
    load: Load
    priority: int
    colour: int
    score: int
    needs: tuple[int, ...] = ()

    @property
    def item(self) -> Item:
        return Item(self.number, self.load, self.needs)

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(one.key for one in self.vms)


@dataclass(frozen=True, slots=True)
class Bonds:
    """`after` has only VMs that are placed. In scope = VMs of the units + `unplaced`, whose values are reasons."""

    units: tuple[Unit, ...]
    unplaced: Mapping[Key, str]
    after: Mapping[Key, tuple[Key, ...]]
    notes: tuple[str, ...] = ()


def bonds_of(assessment: Assessment, wishes: Wishes | None = None) -> Bonds:
    """Raises CircleFound, with the names on the way, when VMs or groups would have to come before themselves."""
    wanted = wishes or Wishes()
    known = {one.key: one for one in assessment.vms}
    members = {one.key: one for one in assessment.in_scope}
    after, notes = _after(wanted, known, members)
    named = {key: (*key, known[key].vm.name) for key in {*after, *(n for needs in after.values() for n in needs)}}
    check_order({named[key]: [named[need] for need in needs] for key, needs in after.items()})
    groups = _groups(assessment, members, wanted)
    unplaced = _unplaced(members, groups, after, wanted.placed)
    units = _units([key for key in members if key not in unplaced], members, groups, after)
    placed = {key for unit in units for key in unit.keys}
    kept = {key: tuple(n for n in needs if n in placed) for key, needs in after.items() if key in placed}
    return Bonds(units, unplaced, {key: needs for key, needs in kept.items() if needs}, notes)


def _after(
    wishes: Wishes, known: Mapping[Key, Assessed], members: Mapping[Key, Assessed]
) -> tuple[dict[Key, tuple[Key, ...]], tuple[str, ...]]:
    """Those between VMs in scope; the others as notes."""
    after: dict[Key, tuple[Key, ...]] = {}
    notes: list[str] = []
    for key, needs in sorted(wishes.after.items()):
        for need in needs:
            if key not in members or need not in members:
                lost = need if key in members else key
                why = "is left out of the plan" if lost in known else "is not in the export"
                notes.append(f"{_name(key, known)} needs {_name(need, known)}: {_name(lost, known)} {why}")
        found = tuple(dict.fromkeys(need for need in needs if need in members))
        if key in members and found:
            after[key] = found
    return after, tuple(notes)


def _name(key: Key, known: Mapping[Key, Assessed]) -> str:
    return known[key].vm.name if key in known else key[1]


class _Groups:
    """Union-find: the first key of a group in the order of the export stands for it."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._place = {key: place for place, key in enumerate(keys)}
        self._over = {key: key for key in self._place}
        self.ties: dict[Key, list[str]] = defaultdict(list)

    def root(self, key: Key) -> Key:
        while self._over[key] != key:
            self._over[key] = self._over[self._over[key]]
            key = self._over[key]
        return key

    def tie(self, keys: Iterable[Key], why: str) -> None:
        here = [key for key in dict.fromkeys(keys) if key in self._over]
        if len(here) < 2:
            return
        roots = sorted({self.root(key) for key in here}, key=self._place.__getitem__)
        for other in roots[1:]:
            self._over[other] = roots[0]
            self.ties[roots[0]] += self.ties.pop(other, [])
        self.ties[roots[0]].append(why)


def _groups(assessment: Assessment, members: Mapping[Key, Assessed], wishes: Wishes) -> _Groups:
    groups = _Groups(members)
    for path, keys in sorted(assessment.around.sharers.items()):
        groups.tie(keys, f"one disk, {path.split(' ', 1)[-1]}")
    for rule, tied in sorted(_affinity(one.vm for one in members.values()).items()):
        groups.tie(tied, f"affinity rule {rule[-1]}")
    for hand in wishes.together:
        groups.tie(hand, "together by hand")
    return groups


def _affinity(vms: Iterable[Vm]) -> dict[tuple[str, str, str], list[Key]]:
    """VMs of one rule that keeps them together: not of one that parts them, nor of one about hosts."""
    found: dict[tuple[str, str, str], list[Key]] = defaultdict(list)
    for vm in vms:
        kinds = [kind.strip().casefold() for kind in (vm.rule or "").split(",")]
        names = [name.strip() for name in (vm.rule_names or "").split(",")]
        if len(kinds) == 1:
            names = [(vm.rule_names or "").strip()]  # a name may hold a comma
        for kind, name in zip(kinds, names, strict=False):
            if name and "affinity" in kind and "anti" not in kind and "host" not in kind:
                found[(vm.key[0], vm.cluster or "", name)].append(vm.key)
    return found


def _unplaced(
    members: Mapping[Key, Assessed], groups: _Groups, after: Mapping[Key, Sequence[Key]], placed: Mapping[Key, str]
) -> dict[Key, str]:
    """On hold or done; and whoever is tied to, or needs, a VM that is on hold. What is done, or has its place in a
    wave that stays, holds nobody up."""
    reasons = {k: _STATUS[one.override.status] for k, one in members.items() if one.override.status in _STATUS}
    reasons |= {key: why for key, why in placed.items() if key in members}
    held = [key for key, one in members.items() if one.override.status == "hold" and key not in placed]
    if not held:
        return reasons
    tied: dict[Key, list[Key]] = defaultdict(list)
    for key in members:
        tied[groups.root(key)].append(key)
    needed_by: dict[Key, list[Key]] = defaultdict(list)
    for key, needs in after.items():
        for need in needs:
            needed_by[need].append(key)
    while held:
        key = held.pop()
        name = members[key].vm.name
        for others, why in ((tied[groups.root(key)], "moves together with"), (needed_by[key], "needs")):
            for other in others:
                if other not in reasons:
                    reasons[other] = f"{why} {name}, which is on hold"
                    held.append(other)
    return reasons


def _units(
    keys: Sequence[Key], members: Mapping[Key, Assessed], groups: _Groups, after: Mapping[Key, Sequence[Key]]
) -> tuple[Unit, ...]:
    by_root: dict[Key, list[Key]] = {}
    for key in keys:
        by_root.setdefault(groups.root(key), []).append(key)
    number_of = {key: number for number, tied in enumerate(by_root.values()) for key in tied}
    found = []
    for number, (root, tied) in enumerate(by_root.items()):
        vms = tuple(members[key] for key in tied)
        needs = {number_of[need] for key in tied for need in after.get(key, ()) if need in number_of} - {number}
        ties = tuple(dict.fromkeys(groups.ties[root])) if len(tied) > 1 and root in groups.ties else ()
        found.append(_unit(number, vms, ties, tuple(sorted(needs))))
    labels = {unit.number: (unit.number, _label(unit)) for unit in found}
    check_order({labels[unit.number]: [labels[need] for need in unit.needs] for unit in found if unit.needs})
    return tuple(found)


def _label(unit: Unit) -> str:
    names = [one.vm.name for one in unit.vms]
    return names[0] if len(names) == 1 else f"{' with '.join(names[:3])}{' and others' if len(names) > 3 else ''}"


def _unit(number: int, vms: tuple[Assessed, ...], ties: tuple[str, ...], needs: tuple[int, ...]) -> Unit:
    given = [one.override.priority for one in vms if one.override.priority is not None]
    return Unit(
        number=number,
        vms=vms,
        ties=ties,
        load=load_of(vms),
        priority=min(given, default=NO_PRIORITY),
        colour=max(_COLOURS.index(one.risk.colour) for one in vms),
        score=max(one.risk.score for one in vms),
        needs=needs,
    )


def load_of(vms: Iterable[Assessed]) -> Load:
    given = tuple(vms)
    red = sum(one.risk.colour == "RED" for one in given)
    return Load(len(given), sum(one.sizes.move_mib for one in given), red)
