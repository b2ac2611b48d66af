"""A newer export against the one before: what came, what went, what changed; and what people decided, carried over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engines.migration.assessment import Assessed, Assessment, Override
from engines.migration.records import Key


@dataclass(frozen=True, slots=True)
class Change:
    """One thing of one VM, as texts; sizes are MiB."""

    key: Key
    name: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """`renamed` VMs are among `changes` too. `lost_decisions` are overrides whose VM is no longer there."""

    came: tuple[Assessed, ...]
    went: tuple[Assessed, ...]
    changes: tuple[Change, ...]
    lost_decisions: Mapping[Key, Override]

    @property
    def is_none(self) -> bool:
        return not (self.came or self.went or self.changes)


def compare(before: Assessment, after: Assessment) -> Difference:
    """VMs are told by their key, so that a renamed VM is the same VM, and two of one name are two."""
    old = {one.key: one for one in before.vms}
    new = {one.key: one for one in after.vms}
    changes = [change for key, one in new.items() if key in old for change in _changes(old[key], one)]
    lost = {key: one.override for key, one in old.items() if key not in new and one.override != Override()}
    return Difference(
        came=tuple(one for key, one in new.items() if key not in old),
        went=tuple(one for key, one in old.items() if key not in new),
        changes=tuple(changes),
        lost_decisions=lost,
    )


def _changes(old: Assessed, new: Assessed) -> Iterable[Change]:
    seen = zip(_seen(old), _seen(new), strict=True)
    return [Change(new.key, new.vm.name, what, a, b) for (what, a), (_, b) in seen if a != b]


def _seen(one: Assessed) -> tuple[tuple[str, str], ...]:
    vm, sizes = one.vm, one.sizes
    return (
        ("name", vm.name),
        ("power", vm.power or ""),
        ("vCPUs", _number(vm.cpus)),
        ("memory", _number(vm.memory_mib)),
        ("capacity", _number(sizes.capacity_mib)),
        ("in use", _number(sizes.in_use_mib)),
        ("disks", str(len(vm.disks))),
        ("networks", ", ".join(vm.network_names)),
        ("cluster", vm.cluster or ""),
        ("host", vm.host or ""),
        ("folder", vm.folder or ""),
        ("system", one.guest.label),
        ("left out", one.left_out),
        ("risk", one.risk.colour),
        ("mode", one.mode.way),
        ("concerns", ", ".join(sorted(finding.concern for finding in one.findings))),
    )


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
