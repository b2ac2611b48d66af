"""The demo cloud as of one time: which VMs, volumes and snapshots there are, and what is used of what."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from engines.clouds.demo_catalogue import LOOSE_VOLUMES, NUTANIX, OPENSTACK, ORPHANED_SNAPSHOTS, Source
from engines.clouds.demo_model import DAY, Plan, Vm, iso
from engines.clouds.demo_motion import Motion, motion
from engines.clouds.demo_policies import backup_times, copy_name, protection, times


@dataclass(frozen=True, slots=True)
class Disk:
    """A volume. `vm` None: nothing uses it. `number` is its place on its VM, 0 the system's."""

    key: str
    name: str
    project: int
    size_gib: int
    born: int
    vm: Vm | None = None
    number: int = 0
    state: str = "attached"


@dataclass(frozen=True, slots=True)
class Snap:
    key: str
    name: str
    project: int
    size_gib: int
    born: int
    volume: str  # key of the disk
    state: str = "available"
    policy: str = ""  # that took it


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup of a volume, living or gone, at `born`; `base` is the key of that which it adds to, empty for a whole
    one."""

    key: str
    name: str
    project: int
    size_gib: int
    born: int
    volume: str
    base: str = ""
    needed: bool = False
    state: str = "available"


class View:
    """Built from (plan, time) alone, so that the same time always looks the same. `at` is Unix seconds."""

    def __init__(self, plan: Plan, at: int) -> None:
        self.plan = plan
        self.at = at
        living = {vm.key: vm for vm in map(self._as_of, plan.vms) if vm.born <= at and (vm.died or at + 1) > at}
        self.motion: Motion = motion(plan, living, at)
        living.update({k: vm for k, vm in self.motion.changes.items() if k in living})
        living.update({vm.key: vm for vm in self.motion.runners})
        self.vms = living

    def _as_of(self, vm: Vm) -> Vm:
        for change in self.plan.changes.get(vm.key, ()):
            if change.at <= self.at:
                vm = replace(vm, **change.values)
        return vm

    def source(self, project: int) -> Source:
        return self.plan.projects[project].source

    def vms_of(self, source: Source) -> list[Vm]:
        return [vm for vm in self.vms.values() if self.source(vm.project) == source]

    @cached_property
    def disks(self) -> list[Disk]:
        found = [disk for vm in self.vms.values() for disk in self.disks_of(vm)]
        return [*found, *self._loose()]

    def disks_of(self, vm: Vm) -> Iterator[Disk]:
        """The volumes that were made for a VM, those that were taken off it too: they come without it."""
        for number, size in enumerate(vm.disks):
            if number == 0 and not vm.boots_from_volume:
                continue
            free = number in vm.detached
            name = _disk_name(self.source(vm.project), vm.name, number)
            state = "unattached" if free else "attached"
            yield Disk(
                disk_key(vm, number), name, vm.project, size, vm.born + 30 * number, None if free else vm, number, state
            )

    def _loose(self) -> Iterator[Disk]:
        plan = self.plan
        for project, name, size, state in LOOSE_VOLUMES:
            key = f"loose:{project}:{name}"
            born = plan.epoch - (20 + plan.roll(key, 600)) * DAY
            yield Disk(key, name, plan.number(project), size, born, state=state)
        for extra in range(len(plan.vms) // 60):
            key, project_number = f"loose:{extra}", plan.roll(f"loose:{extra}", len(plan.projects))
            born = plan.epoch - (9 + plan.roll(key + "a", 400)) * DAY
            size = 10 * (1 + plan.roll(key + "s", 20))
            yield Disk(key, f"vol-{extra:04}-old", project_number, size, born, state="unattached")
        dev = plan.number("acme-dev")
        for item in self.motion.scratch:
            yield Disk(item.key, item.name, dev, item.size_gib, item.born, state="unattached")

    @cached_property
    def snapshots(self) -> list[Snap]:
        """By rule, by hand, and those whose volume is gone."""
        found = [snap for disk in self.disks for snap in self._by_rule(disk)]
        for item in self.motion.snapshots:
            vm = self.vms.get(item.vm)
            if vm is not None:
                name = f"before-{vm.name}-change"
                found.append(Snap(item.key, name, vm.project, vm.disks[0], item.born, disk_key(vm, 0)))
        for project, name, size, days in ORPHANED_SNAPSHOTS:
            key = f"orphan:{project}:{name}"
            number, born = self.plan.number(project), self.plan.epoch - days * DAY
            found.append(Snap(key, name, number, size, born, key + ":gone", "orphaned"))
        return found

    def _by_rule(self, disk: Disk) -> Iterator[Snap]:
        source, project = self.source(disk.project), self.plan.projects[disk.project].name
        for policy in protection(self.plan, disk.key).policies:
            for at in times(policy, self.at):
                if at <= disk.born + 3600:
                    continue
                name = f"{policy.name.removesuffix('_5')}-{disk.name}-{_date(at)}"
                if source == OPENSTACK:
                    name = copy_name(project, policy.name, disk.name, at)
                key = f"{disk.key}@{at}"
                yield Snap(key, name, disk.project, disk.size_gib, at, disk.key, policy=policy.name)

    @cached_property
    def backups(self) -> list[Backup]:
        """Of databases and some others: whole on Sundays, what changed on other days; kept when the VM is gone."""
        vms = [self._as_of(vm) for vm in self.plan.vms if vm.born <= self.at and self._is_backed_up(vm)]
        return [one for vm in vms for disk in self.disks_of(vm) for one in self._series(vm, disk)]

    def _is_backed_up(self, vm: Vm) -> bool:
        chosen = vm.name.startswith("db-") or self.plan.roll(vm.key + "backup") < 5
        return chosen and self.source(vm.project) == OPENSTACK

    def _series(self, vm: Vm, disk: Disk) -> list[Backup]:
        last = min(self.at, vm.died or self.at)
        times = backup_times(self.plan, vm.key, disk.born, last)
        project = self.plan.projects[disk.project].name
        found: list[Backup] = []
        for place, (at, whole) in enumerate(times):
            base = "" if whole or not found else found[-1].key
            name = f"{project}-{disk.name}-{'full' if whole else 'incr'}-{_date(at)}"
            needed = place + 1 < len(times) and not times[place + 1][1]
            key = f"{disk.key}#{at}"
            found.append(Backup(key, name, disk.project, disk.size_gib, at, disk.key, base, needed))
        if found and self.plan.roll(disk.key + "failed", 12) == 0:
            found[-1] = replace(found[-1], state="error", needed=False)
        return found

    @cached_property
    def host_use(self) -> dict[int, tuple[int, int, int, int]]:
        """(vCPU, MiB, GiB of local disk, VMs) that is given away on each host, by its number."""
        use: dict[int, tuple[int, int, int, int]] = {}
        for vm in self.vms.values():
            if vm.host is not None:
                cpu, memory, disk, count = use.get(vm.host, (0, 0, 0, 0))
                local = 0 if vm.boots_from_volume else vm.disks[0]
                use[vm.host] = cpu + vm.vcpus, memory + vm.memory_mib, disk + local, count + 1
        return use

    @cached_property
    def use(self) -> dict[int, Counter[str]]:
        """What each project uses of VMs and storage, by the metrics of quotas."""
        use: dict[int, Counter[str]] = defaultdict(Counter)
        for vm in self.vms.values():
            use[vm.project].update(vms=1, cpu=vm.vcpus, memory_mib=vm.memory_mib)
            use[vm.project].update(ports=len(vm.nics), floating_ips=int(vm.floating is not None))
        for disk in self.disks:
            use[disk.project].update(volumes=1, storage_gib=disk.size_gib)
        for snap in self.snapshots:
            use[snap.project].update(snapshots=1, storage_gib=snap.size_gib)
        return use


def disk_key(vm: Vm, number: int) -> str:
    return f"{vm.key}/{number}"


def _disk_name(source: Source, vm: str, number: int) -> str:
    if source == NUTANIX:
        return f"{vm}-scsi-{number}"
    if source == "demo-vmware":
        return f"{vm}/disk-{number + 1}.vmdk"
    return f"{vm}-root" if number == 0 else f"{vm}-data"


def _date(at: int) -> str:
    return iso(at)[:10].replace("-", "")
