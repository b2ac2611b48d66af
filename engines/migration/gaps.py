"""What the target lacks for the VMs to come: each gap with how bad it is, whom it meets and what to do.

Only what could be read is looked at: a target that does not answer has unknowns, no gaps. A gap's id is made of what it
is about, so that what a person decided about it holds over a new run.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engines.migration.assessment import Assessed
from engines.migration.bundles import NO_TENANT
from engines.migration.flavors import FlavorChoice, Shape, shape_of
from engines.migration.mappings import Mapped
from engines.migration.quotas import ProjectQuota
from engines.migration.records import Key
from engines.migration.targets import ImageOffer, TargetState

Kind = Literal["flavor", "network", "image", "quota", "mapping"]
Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
_NEEDS: Mapping[Kind, str] = {"flavor": "flavors", "network": "networks", "image": "images", "quota": "quotas"}
_UNITS = {"ram_mib": "MiB of memory", "gigabytes": "GiB of volumes", "cores": "vCPUs"}


@dataclass(frozen=True, slots=True)
class Gap:
    """`decided` is what a person said of it; "" for one that is open. `tenants` are those whose VMs it meets."""

    id: str
    kind: Kind
    severity: Severity
    subject: str
    what: str
    todo: str
    vms: int
    tenants: tuple[str, ...]
    decided: str = ""


@dataclass(frozen=True, slots=True)
class Gaps:
    """`unknown` are kinds that were not looked at because the target did not say. The worst gaps come first."""

    gaps: tuple[Gap, ...]
    unknown: tuple[str, ...]

    @property
    def open_ones(self) -> tuple[Gap, ...]:
        return tuple(one for one in self.gaps if not one.decided)

    def count(self) -> dict[str, int]:
        found = Counter(one.severity for one in self.open_ones)
        return {severity: found[severity] for severity in SEVERITIES}

    def of(self, tenant: str) -> tuple[Gap, ...]:
        return tuple(one for one in self.open_ones if tenant in one.tenants)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be compared with the target. `projects` and `networks` are the mappings, seeded or confirmed."""

    vms: Sequence[Assessed]
    tenant_of: Mapping[Key, str]
    choices: Mapping[Shape, FlavorChoice]
    projects: Sequence[Mapped]
    networks: Sequence[Mapped]
    quotas: Sequence[ProjectQuota]


def find_gaps(wanted: Wanted, target: TargetState, decided: Mapping[str, str] | None = None) -> Gaps:
    """`decided` by the id of a gap. The same input gives the same gaps."""
    found: list[Gap] = list(_mapping_gaps(wanted))
    if target.flavors is not None:
        found += _flavor_gaps(wanted)
    if target.networks is not None:
        found += _network_gaps(wanted)
    if target.images is not None:
        found += _image_gaps(wanted, target.images)
    if target.quotas is not None:
        found += _quota_gaps(wanted)
    known = decided or {}
    marked = [_marked(one, known.get(one.id, "")) for one in found]
    order = sorted(marked, key=lambda one: (SEVERITIES.index(one.severity), -one.vms, one.id))
    unread = set(target.unknown)
    return Gaps(tuple(order), tuple(kind for kind, needs in _NEEDS.items() if needs in unread))


def _marked(gap: Gap, decided: str) -> Gap:
    return Gap(gap.id, gap.kind, gap.severity, gap.subject, gap.what, gap.todo, gap.vms, gap.tenants, decided)


def _tenants(vms: Iterable[Assessed], tenant_of: Mapping[Key, str]) -> tuple[str, ...]:
    return tuple(sorted({tenant_of.get(one.key) or NO_TENANT for one in vms}))


def _mapping_gaps(wanted: Wanted) -> Iterable[Gap]:
    """Needs nothing of the target: whether people have said where tenants go."""
    by_tenant: dict[str, list[Assessed]] = defaultdict(list)
    for one in wanted.vms:
        by_tenant[wanted.tenant_of.get(one.key) or NO_TENANT].append(one)
    mapped = {one.source: one for one in wanted.projects}
    for tenant, vms in sorted(by_tenant.items()):
        found = mapped.get(tenant)
        if found is not None and found.target is not None and found.confirmed:
            continue
        severity: Severity = "critical"
        if tenant == NO_TENANT:
            what, todo = "these VMs belong to no tenant", "say whose they are, or leave them out"
        elif found is None or found.target is None:
            what, todo = "it has no project at the target", "choose a project, or let one be made"
        else:
            severity = "warning"
            what, todo = f"the project {found.target.name} is a guess", "confirm it, or choose another"
        yield Gap(f"mapping:{tenant}", "mapping", severity, tenant, what, todo, len(vms), (tenant,))


def _flavor_gaps(wanted: Wanted) -> Iterable[Gap]:
    by_shape: dict[Shape, list[Assessed]] = defaultdict(list)
    for one in wanted.vms:
        by_shape[shape_of(one)].append(one)
    for shape, vms in sorted(by_shape.items()):
        choice = wanted.choices[shape]
        tenants = _tenants(vms, wanted.tenant_of)
        name = f"{shape[0]} vCPUs, {shape[1] / 1024:g} GiB"
        id_ = f"flavor:{shape[0]}x{shape[1]}"
        if choice.how == "make":
            what = "no flavor is as large without giving much more"
            yield Gap(id_, "flavor", "warning", name, what, f"make a flavor of {name}", len(vms), tenants)
        elif choice.how == "larger":
            what = f"{choice.name} is the closest: {choice.vcpus} vCPUs, {choice.memory_mib / 1024:g} GiB"
            yield Gap(id_, "flavor", "info", name, what, "take it, or make one that is exact", len(vms), tenants)


def _network_gaps(wanted: Wanted) -> Iterable[Gap]:
    """All adapters count, not only the first."""
    by_network: dict[str, list[Assessed]] = defaultdict(list)
    for one in wanted.vms:
        for name in one.vm.network_names:
            by_network[name].append(one)
    mapped = {one.source: one for one in wanted.networks}
    for name, vms in sorted(by_network.items()):
        target = mapped.get(name)
        tenants = _tenants(vms, wanted.tenant_of)
        if target is None or target.target is None:
            what, todo = "no network of the target is like it", "make it, or choose where its VMs go"
            yield Gap(f"network:{name}", "network", "critical", name, what, todo, len(vms), tenants)
        elif not target.confirmed:
            what = f"{target.target.name} is a guess by its {'VLAN' if target.by == 'vlan' else 'name'}"
            todo = "confirm it, or choose another"
            yield Gap(f"network:{name}", "network", "warning", name, what, todo, len(vms), tenants)


def _image_gaps(wanted: Wanted, images: Sequence[ImageOffer]) -> Iterable[Gap]:
    """VMs bring their disks; what they need of an image are the properties by which they boot."""
    uefi = [one for one in wanted.vms if (one.vm.firmware or "").casefold() == "efi"]
    secure = [one for one in uefi if one.vm.secure_boot]
    plain = [one for one in uefi if not one.vm.secure_boot]
    is_uefi = [one for one in images if one.properties.get("hw_firmware_type") == "uefi"]
    secured = [one for one in is_uefi if one.properties.get("os_secure_boot") in ("required", "optional")]
    asked = (
        ("uefi", "UEFI", plain, is_uefi, "hw_firmware_type=uefi"),
        ("secure-boot", "UEFI with secure boot", secure, secured,
         "hw_firmware_type=uefi, os_secure_boot=required, hw_machine_type=q35"),
    )  # fmt: skip
    for id_, name, vms, offers, properties in asked:
        if vms and not offers:
            what = "no image has the properties by which these VMs boot"
            todo = f"set {properties} on an image, or on the boot volumes"
            yield Gap(f"image:{id_}", "image", "critical", name, what, todo, len(vms), _tenants(vms, wanted.tenant_of))


def _quota_gaps(wanted: Wanted) -> Iterable[Gap]:
    for project in wanted.quotas:
        for need in project.needs:
            if need.short:
                unit = _UNITS.get(need.resource, need.resource)
                what = f"{need.needed:,} {unit} needed, {need.used:,} of {need.limit or 0:,} used"
                todo = f"set the quota to {need.wanted:,}"
                id_ = f"quota:{project.project or project.name}:{need.resource}"
                subject = f"{project.name}: {unit}"
                yield Gap(id_, "quota", "critical", subject, what, todo, project.vms, project.tenants)
