"""The VMs of the demo cloud as they are first planned: names, sizes, disks, addresses, ages."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from itertools import cycle
from types import MappingProxyType

from engines.clouds.demo_catalogue import FAULTS, FLAVORS, NAMED, OPENSTACK, ROLES, Net, Pattern, Project
from engines.clouds.demo_model import DAY, Vm, roll

_FLAVORS = MappingProxyType({f.name: f for f in FLAVORS})
_NAMES = frozenset(n[1] for n in NAMED)
_PUBLIC, _PUBLIC_BIG = "203.0.113.0/24", "100.64.0.0/12"


@dataclass(slots=True)
class _Addresses:
    """Hands out the addresses of each project's networks; those named beforehand are never given away."""

    projects: tuple[Project, ...]
    nets: list[list[Iterator[int]]]

    @classmethod
    def of(cls, projects: tuple[Project, ...]) -> "_Addresses":
        kept = {p.name: {last for q, _, _, last in NAMED if q == p.name} for p in projects}
        return cls(projects, [[_free(net, kept[p.name]) for net in p.nets] for p in projects])

    def nic(self, project: int, net: int) -> tuple[int, int]:
        return net, next(self.nets[project][net])

    def named(self, project: int, last: int) -> tuple[int, int]:
        return 0, int(IPv4Network(self.projects[project].nets[0].cidr).network_address) + last


def _free(net: Net, kept: set[int]) -> Iterator[int]:
    """From .40 up: the first is the gateway's, the rest below are for DHCP and for names."""
    network = IPv4Network(net.cidr)
    base = int(network.network_address)
    return (base + n for n in range(40, network.num_addresses - 1) if n not in kept)


def runner_address(project: Project, slot: int) -> int:
    """From the end of the project's first network, which nothing else reaches; no two in half a day are the same."""
    return int(IPv4Network(project.nets[0].cidr).broadcast_address) - 1 - slot % 400


def drafts(shares: tuple[tuple[Project, int], ...], seed: int, epoch: int) -> Iterator[Vm]:
    """Every VM that ever lives, without a host yet: `host` is 0 for those that will have one."""
    projects = tuple(p for p, _ in shares)
    addresses = _Addresses.of(projects)
    for number, (project, count) in enumerate(shares):
        named = [(name, role, last) for q, name, role, last in NAMED if q == project.name]
        for name, role, last in named:
            yield _draft(seed, epoch, number, project, name, role, _nics(addresses, number, role, last))
        for nth, (name, role) in enumerate(_names(project.patterns, count - len(named))):
            vm = _draft(seed, epoch, number, project, name, role, _nics(addresses, number, role))
            yield _troubled(vm, project, nth)


def _names(patterns: tuple[Pattern, ...], count: int) -> Iterator[tuple[str, str]]:
    """Names by the patterns in turn, each as often as its weight says."""
    counters = {p.name: 0 for p in patterns}
    turns = cycle([p for p in patterns for _ in range(p.weight)])
    while count > 0:
        pattern = next(turns)
        counters[pattern.name] += 1
        name = pattern.name.format(counters[pattern.name])
        if name not in _NAMES:
            count -= 1
            yield name, pattern.role


def _nics(addresses: _Addresses, project: int, role: str, last: int | None = None) -> tuple[tuple[int, int], ...]:
    """The first network of the project; databases have a leg in the second one, bastions in the third."""
    first = addresses.nic(project, 0) if last is None else addresses.named(project, last)
    second = {"db": 1, "sql": 1, "infra": 2}.get(role, 9)
    return (first, addresses.nic(project, second)) if second < len(addresses.nets[project]) else (first,)


def _draft(
    seed: int, epoch: int, number: int, project: Project, name: str, role: str, nics: tuple[tuple[int, int], ...]
) -> Vm:
    key = f"vm:{project.name}:{name}"
    made_of = ROLES[role]
    flavor = _FLAVORS[made_of.flavors[roll(seed, key + "f", len(made_of.flavors))]]
    boots_from_volume = project.source != OPENSTACK or roll(seed, key + "b") < 55
    data = (made_of.data[roll(seed, key + "d", len(made_of.data))],) if made_of.data else ()
    return Vm(
        key=key,
        name=name,
        project=number,
        role=role,
        flavor=flavor.name if project.source == OPENSTACK else None,
        vcpus=flavor.vcpus,
        memory_mib=flavor.memory_mib,
        disks=(flavor.disk_gib, *data),
        boots_from_volume=boots_from_volume,
        image=made_of.images[roll(seed, key + "i", len(made_of.images))],
        host=0,
        nics=nics,
        floating=None,
        born=epoch - (10 + roll(seed, key + "a", 900)) * DAY - roll(seed, key + "s", DAY),
        state="on" if project.enabled else "off",
    )


def _troubled(vm: Vm, project: Project, nth: int) -> Vm:
    """Some are off, a few are in trouble: by their place, so that every project has its share."""
    openstack = project.source == OPENSTACK
    if not project.enabled:
        return vm
    if nth % 30 == 13 and openstack:
        fault = (vm.project + nth // 30) % len(FAULTS)
        return replace(vm, state="error", fault=FAULTS[fault], host=vm.host if fault == 3 else None)
    if nth % 30 == 13:
        return replace(vm, state="unknown", fault="The machine cannot be reached: its datastore did not answer.")
    if nth % 43 == 20:
        return replace(vm, state="suspended")
    if nth % 41 == 30 and openstack:
        return replace(vm, state="shelved", host=None)
    if nth % 47 == 22 and openstack:
        return replace(vm, state="paused")
    return replace(vm, state="off") if nth % 8 == 5 else vm


@dataclass(frozen=True, slots=True)
class Outer:
    """What has a public address: the VMs again, with theirs; the routers by project; those that nobody uses."""

    vms: tuple[Vm, ...]
    cidr: str
    routers: dict[int, int]
    unused: tuple[tuple[int, int], ...]


def outer_addresses(vms: list[Vm], projects: tuple[Project, ...], size: int, seed: int) -> Outer:
    network = IPv4Network(_PUBLIC if size <= 600 else _PUBLIC_BIG)
    pool = iter(range(int(network.network_address) + 2, int(network.broadcast_address)))
    inside = [i for i, p in enumerate(projects) if p.source == OPENSTACK]
    routers = {i: next(pool) for i in inside}
    given = tuple(replace(vm, floating=next(pool)) if vm.project in routers and _public(vm, seed) else vm for vm in vms)
    idle = [i for i, p in enumerate(projects) if p.name in ("globex-staging", "acme-dev", "initech-web")]
    unused = tuple((idle[n % len(idle)], next(pool)) for n in range(5 + size // 500))
    return Outer(given, str(network), routers, unused)


def _public(vm: Vm, seed: int) -> bool:
    return vm.name == "bastion" or roll(seed, vm.key + "o") < ROLES[vm.role].floating
