"""What happens in the demo cloud in the week before and the week after the time that it is planned for."""

import random
from collections.abc import Iterator
from dataclasses import replace

from engines.clouds.demo_catalogue import FLAVORS, NAMED, OPENSTACK, Project
from engines.clouds.demo_loads import Loads
from engines.clouds.demo_model import DAY, Change, Vm

_NAMES = frozenset(n[1] for n in NAMED)
# Projects whose quotas are full, whose VMs are off, or whose names are fixed: nothing is made or resized there.
QUIET = ("acme-prod", "acme-data", "acme-legacy", "globex-staging", "globex-ml", "qa-names")
_WEEK = 7 * DAY
Lives = tuple[list[Vm], dict[str, tuple[Change, ...]]]


def live(vms: list[Vm], projects: tuple[Project, ...], loads: Loads, seed: int, epoch: int) -> Lives:
    """The VMs with births and deaths of those weeks, and what changes about them. Hosts keep room for all of it."""
    chance = random.Random(f"{seed}:lives")  # noqa: S311  a simulation, not a secret
    picks = _picks(vms, projects, chance)
    each = comings(len(vms))
    result = list(vms)
    changes: dict[str, tuple[Change, ...]] = {}
    for number in _take(picks, each):
        result[number] = replace(vms[number], died=epoch + chance.randrange(-_WEEK, _WEEK))
    for number in _take(picks, each):
        result[number] = replace(vms[number], born=epoch + chance.randrange(-_WEEK, _WEEK))
    for turn, number in enumerate(_take(picks, 3 * each)):
        vm, at = vms[number], epoch + chance.randrange(-_WEEK, _WEEK)
        source = projects[vm.project].source
        act = (_moved, _stopped, _resized if source == OPENSTACK else _stopped)[turn % 3]
        changes[vm.key] = (Change(at, act(vm, projects[vm.project], loads)),)
    for number in [i for i in picks if len(vms[i].disks) > 1][: max(3, each // 3)]:
        at = epoch + chance.randrange(-_WEEK, _WEEK)
        changes[vms[number].key] = (Change(at, {"detached": (1,)}),)
    return result, changes


def comings(vms: int) -> int:
    """How many VMs of that many are deleted in the two weeks, and how many are made."""
    return min(max(12, vms // 30), vms // 20)


def _picks(vms: list[Vm], projects: tuple[Project, ...], chance: random.Random) -> Iterator[int]:
    """VMs that something may happen to, in an order by chance; each is given once."""
    numbers = [
        i
        for i, vm in enumerate(vms)
        if vm.state == "on" and vm.name not in _NAMES and projects[vm.project].name not in QUIET
    ]
    chance.shuffle(numbers)
    return iter(numbers)


def _take(picks: Iterator[int], count: int) -> list[int]:
    return [number for number, _ in zip(picks, range(count), strict=False)]


def _moved(vm: Vm, project: Project, loads: Loads) -> dict[str, object]:
    return {"host": loads.take(project.source, vm.vcpus, vm.memory_mib)}


def _stopped(vm: Vm, project: Project, loads: Loads) -> dict[str, object]:
    return {"state": "off"}


def _resized(vm: Vm, project: Project, loads: Loads) -> dict[str, object]:
    """To a flavor with at least as much of everything; a resize may land on another host, as it does here."""
    flavor = (
        next(f for f in FLAVORS if f.vcpus >= vm.vcpus and f.memory_mib > vm.memory_mib and f.disk_gib >= vm.disks[0])
        if vm.memory_mib < FLAVORS[-1].memory_mib
        else FLAVORS[-1]
    )
    disks = vm.disks if vm.boots_from_volume else (flavor.disk_gib, *vm.disks[1:])
    return {
        "flavor": flavor.name,
        "vcpus": flavor.vcpus,
        "memory_mib": flavor.memory_mib,
        "disks": disks,
        "host": loads.take(OPENSTACK, flavor.vcpus, flavor.memory_mib),
    }
