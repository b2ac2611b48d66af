"""What the demo cloud is made of, worked out once from its seed: projects, hosts and where each VM goes."""

from dataclasses import replace

from engines.clouds.demo_catalogue import (
    DOMAINS_OF,
    NAMED,
    NUTANIX,
    OPENSTACK,
    PROJECTS,
    VMWARE,
    Net,
    Pattern,
    Project,
    Source,
)
from engines.clouds.demo_lives import comings, live
from engines.clouds.demo_loads import Loads
from engines.clouds.demo_model import Host, Plan, Vm
from engines.clouds.demo_vms import drafts, outer_addresses

MOST_VMS = 200_000
_TEAM_VMS = 400  # past the named projects, VMs live in teams of this many
_SOURCES: tuple[Source, ...] = (OPENSTACK, VMWARE, NUTANIX)
_TEAMS = ((OPENSTACK, 12), (VMWARE, 5), (NUTANIX, 3))  # of twenty


def projects_for(vms: int) -> tuple[tuple[Project, int], ...]:
    """The projects with how many VMs each gets: the named ones first, then as many teams as are needed."""
    named = min(vms, 600)
    total = sum(p.weight for p in PROJECTS)
    taken = [(p, named * p.weight // total) for p in PROJECTS]
    left = vms - sum(n for _, n in taken) - sum(n[0] == "qa-names" for n in NAMED)
    while left >= _TEAM_VMS // 2:
        number = len(taken) - len(PROJECTS)
        taken.append((_team(number), min(left, _TEAM_VMS)))
        left -= _TEAM_VMS
    if left > 0:
        last, n = taken[0] if len(taken) == len(PROJECTS) else taken[-1]
        taken[taken.index((last, n))] = (last, n + left)
    return tuple(taken)


def _team(number: int) -> Project:
    source = [s for s, n in _TEAMS for _ in range(n)][number * 7 % 20]
    of = DOMAINS_OF[source]
    domain = of[number % len(of)]
    name, prefix = f"{domain}-team-{number + 1:03}", f"t{number + 1:03}-"
    net = Net(f"{name}-net", _team_range(source, number), 200 + number)
    styles: dict[Source, tuple[Pattern, ...]] = {
        OPENSTACK: (
            Pattern(prefix + "web-{:03}", "web", 4),
            Pattern(prefix + "app-{:03}", "app", 4),
            Pattern(prefix + "db-{:03}", "db", 1),
            Pattern(prefix + "worker-{:03}", "worker", 3),
        ),
        VMWARE: (Pattern(f"SRV_T{number + 1:03}_{{:04}}", "win", 3), Pattern(prefix + "app{:03}", "app", 3)),
        NUTANIX: (Pattern(f"nx-t{number + 1:03}-{{:04}}", "vdi", 3),),
    }
    return Project(name, domain, source, 0, (net,), styles[source], "A team's project")


def _team_range(source: Source, number: int) -> str:
    """Room for a thousand VMs and more, apart from every other range of the plan."""
    if source == OPENSTACK:
        return f"10.{100 + number // 8}.{number % 8 * 32}.0/19"
    if source == VMWARE:
        return f"172.{17 + number // 64}.{number % 64 * 4}.0/22"
    return f"10.{200 + number // 16}.{number % 16 * 16}.0/20"


def _hosts(vms: int, demand: dict[Source, tuple[int, int]]) -> tuple[Host, ...]:
    """Enough hosts that each source is filled to about two thirds by memory or vCPU, four of a source at least."""
    cores, memory = (64, 262_144) if vms <= 2000 else (192, 1_048_576)
    hosts: list[Host] = []
    for source in _SOURCES:
        cpu, mib = demand[source]
        count = max(4, round(cpu / (cores * 4 * 0.66)), round(mib / (memory * 0.66))) + 1
        hosts.extend(_host(source, n, cores, memory) for n in range(1, count + 1))
    return tuple(hosts)


def _host(source: Source, number: int, cores: int, memory: int) -> Host:
    state, reason = "up", ""
    if source == OPENSTACK:
        name, cluster = f"compute-{number:02}", None
        if number == 3:
            state, reason = "disabled", "firmware update, CHG-2231"
        elif number == 4:
            state = "down"
    elif source == VMWARE:
        name, cluster = f"esx-{'abc'[number % 3]}{number}.lab.local", ("dc1-prod", "cluster-a", "cluster-b")[number % 3]
        if number == 2:
            state, reason = "disabled", "in maintenance mode"
    else:
        name, cluster = f"ntnx-node-{number}", "PHX-POC"
    return Host(name, source, cluster, cores, memory, 4000, 4.0, state, reason)


def build(vms: int, seed: int, epoch: int) -> Plan:
    """Raises ValueError when there would be too few VMs for the names, or too many for the addresses."""
    if not 100 <= vms <= MOST_VMS:
        raise ValueError(f"the demo cloud can have 100 to {MOST_VMS:,} VMs, not {vms:,}; choose a number in between")
    shares = projects_for(vms + comings(vms))
    projects = tuple(p for p, _ in shares)
    planned = list(drafts(shares, seed, epoch))
    hosts = _hosts(vms, {s: _demand(s, planned, projects) for s in _SOURCES})
    loads = Loads(hosts)
    placed = [_placed(vm, projects, loads) for vm in planned]
    living, changes = live(placed, projects, loads, seed, epoch)
    outer = outer_addresses(living, projects, vms, seed)
    return Plan(
        seed, epoch, projects, hosts, outer.vms, changes, loads.spare(), outer.cidr, outer.routers, outer.unused
    )


def _demand(source: Source, vms: list[Vm], projects: tuple[Project, ...]) -> tuple[int, int]:
    mine = [vm for vm in vms if projects[vm.project].source == source]
    return sum(vm.vcpus for vm in mine), sum(vm.memory_mib for vm in mine)


def _placed(vm: Vm, projects: tuple[Project, ...], loads: Loads) -> Vm:
    if vm.host is None:
        return vm
    return replace(vm, host=loads.take(projects[vm.project].source, vm.vcpus, vm.memory_mib))
