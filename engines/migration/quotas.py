"""The quota that each project needs: what its VMs will be given, beside what it uses already; never less than it has.

Quotas count what is given, not what hosts have: overcommit has no part in them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engines.migration.assessment import Assessed
from engines.migration.bundles import NO_TENANT
from engines.migration.flavors import FlavorChoice, Shape, shape_of
from engines.migration.records import Key
from engines.migration.targets import QuotaState

RESOURCES = ("instances", "cores", "ram_mib", "volumes", "gigabytes", "snapshots", "ports")
_GIB = 1024


@dataclass(frozen=True, slots=True)
class Need:
    """Of one resource. `limit` None: unlimited where `known`. `wanted` is what the limit should be set to; None: leave
    it. `short` is by how much the limit is too low for the VMs alone, without growth."""

    resource: str
    needed: int
    used: int
    limit: int | None
    known: bool
    wanted: int | None
    short: int


@dataclass(frozen=True, slots=True)
class ProjectQuota:
    """`project` is the id at the target; "" for one that has to be made. `tenants` are all that go into it."""

    project: str
    name: str
    tenants: tuple[str, ...]
    vms: int
    needs: tuple[Need, ...]

    def need(self, resource: str) -> Need:
        return next(one for one in self.needs if one.resource == resource)

    @property
    def fits(self) -> bool | None:
        """None where the quota could not be read."""
        return None if any(not one.known for one in self.needs) else all(not one.short for one in self.needs)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tenant goes: a project's id, "" for a new one, and its name."""

    project: str
    name: str


def needed_of(vms: Iterable[Assessed], choices: Mapping[Shape, FlavorChoice]) -> dict[str, int]:
    """What VMs take of each resource: flavors as chosen, volumes in whole GiB each, one snapshot a volume."""
    found = dict.fromkeys(RESOURCES, 0)
    for one in vms:
        choice = choices[shape_of(one)]
        sizes = [disk.capacity_mib or 0 for disk in one.vm.disks] or [one.sizes.capacity_mib or 0]
        found["instances"] += 1
        found["cores"] += choice.vcpus
        found["ram_mib"] += choice.memory_mib
        found["volumes"] += len(sizes)
        found["gigabytes"] += sum(max(1, -(-size // _GIB)) for size in sizes)
        found["snapshots"] += len(sizes)
        found["ports"] += len(one.vm.nics) or one.vm.nic_count or 0
    return found


def quotas_of(
    vms: Sequence[Assessed],
    tenant_of: Mapping[Key, str],
    places: Mapping[str, Place],
    choices: Mapping[Shape, FlavorChoice],
    current: Mapping[str, Mapping[str, QuotaState]] | None,
    growth_percent: int = 10,
) -> tuple[ProjectQuota, ...]:
    """Tenants that go into one project are summed. A tenant without a place gets a new project of its name.

    `current` None: could not be read. `growth_percent` is added to what the VMs need, not to what is there.
    """
    if growth_percent < 0:
        raise ValueError("a growth is not negative")
    by_place: dict[Place, dict[str, list[Assessed]]] = defaultdict(lambda: defaultdict(list))
    for one in vms:
        tenant = tenant_of.get(one.key) or NO_TENANT
        by_place[places.get(tenant) or Place("", tenant)][tenant].append(one)
    found = []
    for place, tenants in sorted(by_place.items(), key=lambda one: (one[0].name.casefold(), one[0].project)):
        members = [one for given in tenants.values() for one in given]
        states: Mapping[str, QuotaState] | None
        states = {} if not place.project else None if current is None else current.get(place.project)
        needs = needed_of(members, choices)
        rows = tuple(_need(name, needs[name], states, bool(place.project), growth_percent) for name in RESOURCES)
        found.append(ProjectQuota(place.project, place.name, tuple(sorted(tenants)), len(members), rows))
    return tuple(found)


def _need(
    resource: str, needed: int, states: Mapping[str, QuotaState] | None, is_there: bool, growth_percent: int
) -> Need:
    """A project that has to be made has no quota yet: it is wanted, and nothing is short."""
    grown = needed + -(-needed * growth_percent // 100)
    state = (states or {}).get(resource)
    if state is None:
        return Need(resource, needed, 0, None, not is_there, None if is_there else grown, 0)
    if state.limit is None:
        return Need(resource, needed, state.used, None, True, None, 0)
    wanted = max(state.limit, state.used + grown)
    short = max(0, state.used + needed - state.limit)
    return Need(resource, needed, state.used, state.limit, True, wanted if wanted > state.limit else None, short)
