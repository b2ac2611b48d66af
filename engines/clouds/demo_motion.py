"""What goes on in the demo cloud all the time: every few minutes something begins, or passes again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from engines.clouds.demo_catalogue import OPENSTACK
from engines.clouds.demo_lives import QUIET
from engines.clouds.demo_model import Plan, Vm
from engines.clouds.demo_vms import runner_address

SLOT = 120  # seconds
_WINDOW = 8 * 3600 // SLOT  # nothing lasts longer


@dataclass(frozen=True, slots=True)
class Scratch:
    """A volume that somebody made to try something."""

    key: str
    name: str
    size_gib: int
    born: int


@dataclass(frozen=True, slots=True)
class ByHand:
    """A snapshot that somebody took of a VM's first volume."""

    key: str
    vm: str
    born: int


@dataclass(frozen=True, slots=True)
class Motion:
    """What is under way at one time. `changes` are new values for VMs by key, in the order in which they happened."""

    runners: tuple[Vm, ...]
    scratch: tuple[Scratch, ...]
    snapshots: tuple[ByHand, ...]
    changes: dict[str, Vm]


def motion(plan: Plan, living: dict[str, Vm], at: int) -> Motion:
    """`living` are the VMs at that time by key; a happening that does not suit its VM does not happen."""
    room = _Room(plan)
    runners: list[Vm] = []
    scratch: list[Scratch] = []
    snapshots: list[ByHand] = []
    changes: dict[str, Vm] = {}
    for slot in range(at // SLOT - _WINDOW, at // SLOT + 1):
        dice, start = plan.roll(f"slot:{slot}"), slot * SLOT
        lasts = plan.roll(f"lasts:{slot}", 1000)
        if dice < 12 and at < start + 1200 + lasts * 10:
            runners.extend(_runner(plan, room, slot, at))
        elif 12 <= dice < 15 and at < start + 1800 + lasts * 20:
            size = 10 * (1 + lasts % 9)
            scratch.append(Scratch(f"scratch:{slot}", f"scratch-{slot % 10_000:04}", size, start))
        elif 15 <= dice < 30 and at < start + 1200 + lasts * 25:
            vm = _pick(plan, living, changes, slot)
            if vm is not None and dice < 18 and vm.boots_from_volume:
                snapshots.append(ByHand(f"byhand:{slot}", vm.key, start))
            elif vm is not None:
                changes[vm.key] = _changed(plan, room, vm, dice, slot)
    return Motion(tuple(runners), tuple(scratch), tuple(snapshots), changes)


def _pick(plan: Plan, living: dict[str, Vm], changes: dict[str, Vm], slot: int) -> Vm | None:
    """One VM that is on and that may be touched; None when the dice fall on another."""
    key = plan.vms[plan.roll(f"which:{slot}", len(plan.vms))].key
    vm = changes.get(key) or living.get(key)
    fits = vm is not None and vm.state == "on" and plan.projects[vm.project].name not in QUIET
    return vm if fits else None


def _changed(plan: Plan, room: "_Room", vm: Vm, dice: int, slot: int) -> Vm:
    if dice < 23:
        return replace(vm, state="off")
    if dice < 26:
        return replace(vm, marks=("patched",))
    host = room.take(plan.projects[vm.project].source, vm.vcpus, vm.memory_mib, slot)
    return vm if host is None else replace(vm, host=host)


def _runner(plan: Plan, room: "_Room", slot: int, at: int) -> Iterator[Vm]:
    """A build machine that lives between twenty minutes and three hours."""
    host = room.take(OPENSTACK, 2, 4096, slot)
    if host is None:
        return
    project = plan.number("acme-dev")
    yield Vm(
        key=f"runner:{slot}",
        name=f"ci-runner-{plan.roll(f'name:{slot}', 65_536):04x}",
        project=project,
        role="worker",
        flavor="m1.medium",
        vcpus=2,
        memory_mib=4096,
        disks=(40,),
        boots_from_volume=False,
        image="ubuntu-24.04",
        host=host,
        nics=((0, runner_address(plan.projects[project], slot)),),
        floating=None,
        born=slot * SLOT,
        state="building" if at < slot * SLOT + SLOT else "on",
    )


class _Room:
    """What the hosts have left beside everything that was planned. A host that is not up takes nothing."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._taken: dict[int, tuple[int, int]] = {}

    def take(self, source: str, vcpus: int, memory_mib: int, slot: int) -> int | None:
        """A host with room, from a few that the dice name; None when there is none among them."""
        for attempt in range(12):
            number = self._plan.roll(f"host:{slot}:{attempt}", len(self._plan.hosts))
            host = self._plan.hosts[number]
            cpu, memory = self._taken.get(number, (0, 0))
            spare_cpu, spare_memory = self._plan.spare[number]
            fits = cpu + vcpus <= spare_cpu and memory + memory_mib <= spare_memory
            if host.source == source and host.state == "up" and fits:
                self._taken[number] = cpu + vcpus, memory + memory_mib
                return number
        return None
