"""What the hosts have, what is given away, and what still fits.

A host may give away total x overcommit - reserved (Placement's rule for an inventory). Hosts that are down or disabled
take no new VMs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from storage.inventory import Found


@dataclass(frozen=True, slots=True)
class Size:
    """What one VM needs."""

    vcpus: int
    memory_mib: int


@dataclass(frozen=True, slots=True)
class Room:
    """One host. `vcpus` and `memory_mib` are what may be given away; used is what is. None: the cloud does not say."""

    source: str
    name: str
    usable: bool
    vcpus: int | None
    memory_mib: int | None
    vcpus_used: int
    memory_used_mib: int

    def slots(self, size: Size) -> int:
        """How many VMs of a size this host still takes; 0 where it is unknown."""
        if not self.usable or self.vcpus is None or self.memory_mib is None:
            return 0
        cpu = (self.vcpus - self.vcpus_used) // max(size.vcpus, 1)
        memory = (self.memory_mib - self.memory_used_mib) // max(size.memory_mib, 1)
        return max(0, min(cpu, memory))

    def with_vm(self, size: Size) -> "Room":
        return replace(
            self, vcpus_used=self.vcpus_used + size.vcpus, memory_used_mib=self.memory_used_mib + size.memory_mib
        )


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over hosts; physical amounts, amounts that may be given away, and what is used."""

    hosts: int
    usable_hosts: int
    vcpus: int
    vcpus_offered: int
    vcpus_used: int
    memory_mib: int
    memory_offered_mib: int
    memory_used_mib: int
    disk_gib: int
    disk_offered_gib: int
    disk_used_gib: int


@dataclass(frozen=True, slots=True)
class Fit:
    """`now`: how many fit on the hosts that take VMs. `one_down`: how many when the fullest of them fails and its VMs
    move to the others; None when not even those would find room. `worst` names that host."""

    now: int
    one_down: int | None
    worst: str
    hosts: int
    unknown: tuple[str, ...]


def _offered(total: int | None, ratio: float | None, reserved: int | None) -> int | None:
    return None if total is None else int(total * (ratio or 1.0)) - (reserved or 0)


def room(host: Found) -> Room:
    """A host whose use is not known has room that is not known either."""
    a, d = host.attrs, host.derived
    vcpus_used, memory_used_mib = d.get("vcpus_used"), d.get("memory_used_mib")
    vcpus = _offered(a.get("vcpus"), a.get("cpu_ratio"), a.get("vcpus_reserved"))
    memory_mib = _offered(a.get("memory_mib"), a.get("memory_ratio"), a.get("memory_reserved_mib"))
    return Room(
        host.source,
        host.name,
        a.get("state") == "up" and a.get("enabled") is not False,
        None if vcpus_used is None else vcpus,
        None if memory_used_mib is None else memory_mib,
        vcpus_used or 0,
        memory_used_mib or 0,
    )


def totals(hosts: Sequence[Found]) -> Totals:
    """Sums over hosts. Physical amounts are of all of them; offered and used only of those that take VMs and say both,
    so that the difference is what is free."""

    def total(name: str) -> int:
        return sum(host.value(name) or 0 for host in hosts)

    usable = [(h, r) for h, r in ((h, room(h)) for h in hosts) if r.usable]
    vcpus = [(r.vcpus, r.vcpus_used) for _, r in usable if r.vcpus is not None]
    memory = [(r.memory_mib, r.memory_used_mib) for _, r in usable if r.memory_mib is not None]
    disk = [pair for pair in (_disk(h) for h, _ in usable) if pair is not None]
    return Totals(
        hosts=len(hosts),
        usable_hosts=len(usable),
        vcpus=total("vcpus"),
        vcpus_offered=sum(offered for offered, _ in vcpus),
        vcpus_used=sum(used for _, used in vcpus),
        memory_mib=total("memory_mib"),
        memory_offered_mib=sum(offered for offered, _ in memory),
        memory_used_mib=sum(used for _, used in memory),
        disk_gib=total("disk_gib"),
        disk_offered_gib=sum(offered for offered, _ in disk),
        disk_used_gib=sum(used for _, used in disk),
    )


def _disk(host: Found) -> tuple[int, int] | None:
    """(offered, used) in GiB; None where one of them is not known."""
    offered = _offered(host.value("disk_gib"), host.value("disk_ratio"), host.value("disk_reserved_gib"))
    used = host.value("disk_used_gib")
    return None if offered is None or used is None else (offered, used)


def fullest(hosts: Sequence[Found]) -> Found | None:
    """The host whose loss asks most of the others: of those that take VMs, the one with the most memory used."""
    rooms = [(room(host), host) for host in hosts]
    usable = [(r.memory_used_mib, r.vcpus_used, r.name, host) for r, host in rooms if r.usable]
    return max(usable, key=lambda one: one[:3])[3] if usable else None


def fit(hosts: Sequence[Found], size: Size, on_fullest: Sequence[Size]) -> Fit:
    """How many VMs of a size fit now, and with the fullest host down.

    `on_fullest` are the sizes of the VMs on `fullest(hosts)`. They are placed biggest first, each on the host with
    most free memory, before new ones are counted.
    """
    rooms = [room(host) for host in hosts]
    usable = [r for r in rooms if r.usable]
    unknown = tuple(r.name for r in usable if r.vcpus is None or r.memory_mib is None)
    worst = fullest(hosts)
    if worst is None:
        return Fit(0, None, "", 0, unknown)
    moved = _evacuate([r for r in usable if (r.source, r.name) != (worst.source, worst.name)], on_fullest)
    one_down = None if moved is None else sum(r.slots(size) for r in moved)
    return Fit(sum(r.slots(size) for r in usable), one_down, worst.name, len(usable), unknown)


def _evacuate(rest: list[Room], sizes: Iterable[Size]) -> list[Room] | None:
    """The other hosts after taking the VMs of a failed one; None when one of them finds no room."""
    rooms = {(r.source, r.name): r for r in rest}
    for size in sorted(sizes, key=lambda s: (-s.memory_mib, -s.vcpus)):
        takers = [r for r in rooms.values() if r.slots(size) > 0]
        if not takers:
            return None
        best = max(takers, key=lambda r: ((r.memory_mib or 0) - r.memory_used_mib, r.name))
        rooms[best.source, best.name] = best.with_vm(size)
    return list(rooms.values())
