"""Hosts that the target needs: VMs are placed on them one by one, with as many hosts failed as must be survived.

Like is compared with like: what VMs are given with what hosts may give by their overcommit, and, where the export has
measured it, what VMs use with what hosts have.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engines.migration.assessment import Assessed
from engines.migration.estate import Estate
from engines.migration.flavors import FlavorChoice, Shape, shape_of
from engines.migration.placing import Machine, Piece, machines_needed
from engines.migration.targets import TargetHost

_CORES_STEP = 0.5  # measured cores are rounded up to it, so that VMs of a kind are placed together

Preset = Literal["aggressive", "balanced", "conservative"]


@dataclass(frozen=True, slots=True)
class Overcommit:
    """`cpu` and `memory` are given : there. `peak` is how much more a VM may use than at the moment of the export.

    `busy` is the share of a host's threads that measured use may fill; `disk` is for growth and snapshots.
    """

    cpu: float
    memory: float
    disk: float
    peak: float
    busy: float

    def __post_init__(self) -> None:
        if min(self.cpu, self.memory, self.disk, self.peak) < 1 or not 0 < self.busy <= 1:
            raise ValueError("overcommit, growth and peaks are at least 1, and a host is busy for a share of 1")


PRESETS: Mapping[Preset, Overcommit] = {
    "aggressive": Overcommit(8, 2, 1.3, 1.5, 0.85),
    "balanced": Overcommit(4, 1.5, 1.5, 2, 0.75),
    "conservative": Overcommit(2, 1, 2, 3, 0.65),
}


@dataclass(frozen=True, slots=True)
class NodeProfile:
    """A host that would be bought. `vcpus` are threads."""

    vcpus: int = 96
    memory_mib: int = 384 * 1024


@dataclass(frozen=True, slots=True)
class Sizing:
    """`add` hosts of the profile; None where the live hosts could not be read: `total` is then of new ones alone.

    `bound` says what asks for them. `covered` of `powered_on` have measured CPU; the others count by the overcommit.
    """

    preset: Preset
    hosts: int | None
    failures: int
    add: int | None
    total: int
    bound: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    cores_used: float
    covered: int
    powered_on: int
    too_large: tuple[str, ...]
    notes: tuple[str, ...] = ()


def size_target(
    vms: Sequence[Assessed],
    estate: Estate,
    choices: Mapping[Shape, FlavorChoice],
    hosts: Sequence[TargetHost] | None,
    preset: Preset = "balanced",
    profile: NodeProfile | None = None,
    failures: int | None = None,
) -> Sizing:
    """`failures` None: one host of up to ten may fail, two of more. Hosts that are off duty are not counted on."""
    over, node = PRESETS[preset], profile or NodeProfile()
    measured = measured_cores(vms, estate)
    on = [one for one in vms if one.vm.is_on]
    live = [one for one in hosts or () if one.enabled]
    machines = [_machine(one, over) for one in live]
    new = Machine(node.vcpus * over.cpu, node.memory_mib * over.memory, node.vcpus * over.busy)
    pieces, too_large = _pieces(vms, choices, measured, over, [*machines, new])
    spare = failures if failures is not None else _spare(len(live), pieces, new)
    add, bound = machines_needed(machines, new, pieces, spare)
    used = sum(measured.get(one.key, shape_of(one)[0] / over.cpu) for one in on)
    return Sizing(
        preset=preset,
        hosts=None if hosts is None else len(live),
        failures=spare,
        add=None if hosts is None else add,
        total=len(live) + add,
        bound=bound,
        vcpus=sum(choices[shape_of(one)].vcpus for one in vms),
        memory_mib=sum(choices[shape_of(one)].memory_mib for one in vms),
        disk_gib=round(sum(one.sizes.capacity_mib or 0 for one in vms) * over.disk / 1024),
        cores_used=round(used, 1),
        covered=sum(one.key in measured for one in on),
        powered_on=len(on),
        too_large=too_large,
        notes=_notes(hosts, len(on), sum(one.key in measured for one in on)),
    )


def measured_cores(vms: Iterable[Assessed], estate: Estate) -> dict[tuple[str, str], float]:
    """Source cores in use by VM, at the moment of the export: MHz of vCPU by MHz of its host. Only of VMs that run."""
    speeds = {(one.server or "", one.name.casefold()): one.speed_mhz for one in estate.hosts if one.speed_mhz}
    found = {}
    for one in vms:
        vm = one.vm
        name = (vm.host or "").casefold()
        speed = speeds.get((vm.server or "", name)) or speeds.get(("", name))
        if vm.is_on and vm.cpu is not None and vm.cpu.overall_mhz is not None and speed:
            found[one.key] = min(float(max(1, vm.cpus or 1)), vm.cpu.overall_mhz / speed)
    return found


def _machine(host: TargetHost, over: Overcommit) -> Machine:
    """What its VMs were given is taken off; they are taken to use of it what the overcommit lets expect."""
    return Machine(
        vcpus=host.vcpus * over.cpu,
        memory_mib=host.memory_mib * over.memory,
        cores=host.vcpus * over.busy,
        used=Piece(host.vcpus_used, host.memory_used_mib, host.vcpus_used / over.cpu * over.busy),
    )


def _pieces(
    vms: Sequence[Assessed],
    choices: Mapping[Shape, FlavorChoice],
    measured: Mapping[tuple[str, str], float],
    over: Overcommit,
    machines: Sequence[Machine],
) -> tuple[Counter[Piece], tuple[str, ...]]:
    """VMs that need as much are one piece with a count. Those that no host can hold are named instead."""
    pieces: Counter[Piece] = Counter()
    too_large = []
    for one in vms:
        choice = choices[shape_of(one)]
        guess = choice.vcpus / over.cpu * over.busy if measured else 0.0  # nothing measured: it is not looked at
        cores = measured[one.key] * over.peak if one.key in measured else guess if one.vm.is_on else 0.0
        piece = Piece(choice.vcpus, choice.memory_mib, -(-min(cores, choice.vcpus) // _CORES_STEP) * _CORES_STEP)
        if any(machine.could_hold(piece) for machine in machines):
            pieces[piece] += 1
        else:
            too_large.append(one.vm.name)
    return pieces, tuple(sorted(too_large))


def _spare(live: int, pieces: Mapping[Piece, int], new: Machine) -> int:
    vcpus = sum(piece.vcpus * count for piece, count in pieces.items())
    memory = sum(piece.memory_mib * count for piece, count in pieces.items())
    if not live and not pieces:
        return 0
    expected = max(live, vcpus / new.vcpus, memory / new.memory_mib)
    return 1 if expected <= 10 else 2


def _notes(hosts: Sequence[TargetHost] | None, on: int, covered: int) -> tuple[str, ...]:
    found = []
    if hosts is None:
        found.append("the hosts of the target could not be read: all hosts are counted as new ones")
    if covered < on:
        found.append(f"{on - covered:,} of {on:,} running VMs have no measured CPU: they count as given / overcommit")
    if covered:
        found.append("measured use is of the one moment at which the export was made; a peak is reckoned on top")
    return tuple(found)
