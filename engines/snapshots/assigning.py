"""Under which policies a volume is, and why.

What counts, the first that speaks wins: the volume's own opt-out > an exclusion that has not run out > a rule that
denies > what a person assigned or took off (volume, then VM, then project) > the volume's metadata > a rule that
allows. Nothing that allows, however wide, overrides what denies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from engines.snapshots.metadata import Said, read_volume
from engines.snapshots.policies import Policies, Policy
from engines.snapshots.rules import Facts, Rule

Source = Literal["assignment", "metadata", "rule"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a person said of a volume, VM or project. `written_at`: since then the volume's metadata said the same."""

    source: str
    kind: str
    external_id: str
    policy: str
    on: bool
    retention: int | None = None
    by: str = ""
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    source: str
    kind: str
    external_id: str
    reason: str
    until: datetime | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Under:
    """One policy that a volume is under. `why` names what put it there."""

    policy: Policy
    retention: int
    by: Source
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`excluded` says why the volume is left out of everything, empty where it is not. `denied` are policies that
    something would give it, with what stands against each. `problems` cannot be read, or name no policy."""

    under: tuple[Under, ...] = ()
    excluded: str = ""
    denied: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()

    def of(self, policy: str) -> Under | None:
        return next((one for one in self.under if one.policy.name == policy), None)


@dataclass(frozen=True, slots=True)
class Book:
    """All that decides, as of `now`. `listed` is when the volumes of a source were listed last."""

    policies: Policies
    rules: tuple[Rule, ...] = ()
    assignments: Mapping[tuple[str, str, str], tuple[Assignment, ...]] = field(default_factory=dict)
    exclusions: Mapping[tuple[str, str, str], tuple[Exclusion, ...]] = field(default_factory=dict)
    listed: Mapping[str, datetime] = field(default_factory=dict)


def decide(volume: Facts, book: Book, now: datetime) -> Verdict:
    said = read_volume(volume.metadata)
    problems = [str(one) for one in said.problems]
    excluded = "its owner switched snapshots off in its metadata" if said.off else _excluded(volume, book, now)
    if excluded:
        return Verdict(excluded=excluded, problems=tuple(problems))
    fitting = sorted((rule for rule in book.rules if rule.match.fits(volume)), key=lambda one: (one.priority, one.name))
    denying = [rule for rule in fitting if rule.denies]
    under: list[Under] = []
    denied: list[tuple[str, str]] = []
    wanted = _wanted(volume, said, fitting, book)
    for name, (by, why, keep) in wanted.items():
        policy = book.policies.get(name)
        against = next((rule for rule in denying if rule.deny_all or name in rule.deny), None)
        if policy is None:
            problems.append(f"{why} names {name!r}, which is no policy")
        elif against is not None:
            denied.append((name, f"rule “{against.name}” denies it; {why} would allow it"))
        else:
            under.append(Under(policy, keep or policy.retention, by, why))
    whole = next((f"rule “{rule.name}” denies every policy" for rule in denying if rule.deny_all), "")
    return Verdict(tuple(under), whole, tuple(denied), tuple(problems))


def _excluded(volume: Facts, book: Book, now: datetime) -> str:
    for key in places(volume):
        for one in book.exclusions.get(key, ()):
            if one.until is None or one.until > now:
                end = f" until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else ""
                where = "" if one.kind == "volume" else f" with its {_noun(one.kind)}"
                return f"excluded{where}{end}: {one.reason}"
    return ""


def places(volume: Facts) -> tuple[tuple[str, str, str], ...]:
    """Where somebody may have said something of the volume, the nearest first."""
    vms = tuple((volume.source, "vm", vm) for vm in volume.vm_ids)
    return ((volume.source, "volume", volume.id), *vms, (volume.source, "project", volume.project_id))


def _noun(kind: str) -> str:
    return "VM" if kind == "vm" else kind


Want = tuple[Source, str, int | None]
"""Who would put the volume under it, in words, and how many copies it shall keep."""


def _wanted(volume: Facts, said: Said, fitting: Sequence[Rule], book: Book) -> dict[str, Want]:
    """Every policy that something would give the volume, with the nearest that does; what was taken off is out."""
    spoken = _spoken(volume, said, book)
    wanted: dict[str, Want] = {}
    for name, one in spoken.items():
        if one is not None:
            where = "" if one.kind == "volume" else f" to its {_noun(one.kind)}"
            wanted[name] = ("assignment", f"assigned{where} by {one.by}", one.retention or said.keeps(name))
    for name in said.policies:
        if name not in spoken:
            whose = "its metadata" if name in said.own else "its metadata (snapshot_policies)"
            wanted[name] = ("metadata", whose, said.keeps(name))
    for rule in fitting:
        for name in rule.allow:
            if name not in spoken and name not in wanted:
                wanted[name] = ("rule", f"rule “{rule.name}”", said.keeps(name) or rule.retention.get(name))
    return wanted


def _spoken(volume: Facts, said: Said, book: Book) -> dict[str, Assignment | None]:
    """What a person assigned, None where it was taken off: the nearest place that says something of a policy."""
    found: dict[str, Assignment | None] = {}
    for key in places(volume):
        for one in book.assignments.get(key, ()):
            if one.policy not in found:
                found[one.policy] = one if one.on and not _removed_by_hand(one, said, book) else None
    return found


def _removed_by_hand(one: Assignment, said: Said, book: Book) -> bool:
    """The metadata said it once and, listed later, do not any more: the owner took it off, and it stays off."""
    listed = book.listed.get(one.source)
    return (
        one.kind == "volume"
        and one.written_at is not None
        and listed is not None
        and listed > one.written_at
        and one.policy not in said.policies
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What other rules would do to a volume: policies that it gains and loses, retentions that change."""

    volume: Facts
    gains: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()


def compare(volumes: Sequence[Facts], before: Book, after: Book, now: datetime) -> list[Change]:
    """The dry run of rules: only the volumes that something would change for."""
    changes = []
    for volume in volumes:
        old = {one.policy.name: one.retention for one in decide(volume, before, now).under}
        new = {one.policy.name: one.retention for one in decide(volume, after, now).under}
        gains = tuple(sorted(new.keys() - old.keys()))
        loses = tuple(sorted(old.keys() - new.keys()))
        keeps = tuple(f"{p} {old[p]} → {new[p]}" for p in sorted(old.keys() & new.keys()) if old[p] != new[p])
        if gains or loses or keeps:
            changes.append(Change(volume, gains, loses, keeps))
    return changes
