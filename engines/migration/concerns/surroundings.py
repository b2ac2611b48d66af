"""What concerns need to know beyond the VM: its neighbours in the export, and what is known of the target."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engines.migration.estate import Estate
from engines.migration.reading.columns import sheet_specs
from engines.migration.records import Key, Vm


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What is known of the target; None is unknown, and what depends on it is then not checked."""

    networks: Mapping[str, str] | None = None  # source network to target network
    datastores: Mapping[str, str] | None = None  # source datastore to volume type
    macs: frozenset[str] | None = None  # of ports that exist, in lower case
    largest_vcpus: int | None = None
    largest_memory_mib: int | None = None
    largest_volume_mib: int | None = None
    keeps_static_ips: bool = True


_NO_TARGET = TargetFacts()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Made once an export by `surroundings_of`. `as_of` is when the export was made: ages are counted to it."""

    columns: frozenset[str]
    target: TargetFacts = _NO_TARGET
    as_of: datetime | None = None
    sharers: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)  # a disk's path to the VMs that have it
    names: Mapping[str, int] = field(default_factory=dict)
    macs: Mapping[str, int] = field(default_factory=dict)
    kernel_port_groups: frozenset[str] = frozenset()
    maintenance_hosts: frozenset[tuple[str, str]] = frozenset()
    drs_clusters: frozenset[tuple[str, str]] = frozenset()
    dpm_clusters: frozenset[tuple[str, str]] = frozenset()

    def has(self, column: str) -> bool:
        """`sheet.field`, `sheet`, or `target.field` for what is known of the target."""
        if column.startswith("target."):
            return getattr(self.target, column.removeprefix("target.")) is not None
        return column in self.columns


def surroundings_of(estate: Estate, target: TargetFacts = _NO_TARGET) -> Surroundings:
    clusters = estate.clusters
    return Surroundings(
        columns=_columns(estate),
        target=target,
        as_of=_as_of(estate),
        sharers=_sharers(estate),
        names=Counter(vm.name.casefold() for vm in estate.vms if not vm.template),
        macs=Counter(nic.mac.casefold() for vm in estate.vms for nic in vm.nics if nic.mac),
        kernel_port_groups=frozenset(port.port_group.casefold() for port in estate.kernel_ports),
        maintenance_hosts=frozenset(_place(host.server, host.name) for host in estate.hosts if host.maintenance),
        drs_clusters=frozenset(_place(one.server, one.name) for one in clusters if one.drs),
        dpm_clusters=frozenset(_place(one.server, one.name) for one in clusters if one.dpm),
    )


def is_in(places: frozenset[tuple[str, str]], vm: Vm, name: str | None) -> bool:
    """Whether a host or a cluster of the VM's vCenter is among them; the sheet may name no vCenter."""
    return name is not None and (_place(vm.server, name) in places or _place(None, name) in places)


def _place(server: str | None, name: str) -> tuple[str, str]:
    return ((server or "").casefold(), name.casefold())


def _columns(estate: Estate) -> frozenset[str]:
    """Those that say something. A column that is blank throughout was not exported; a flag's blank means "no"."""
    flags = {
        (spec.name, field.name) for spec in sheet_specs().values() for field in spec.fields if field.kind == "flag"
    }
    found: set[str] = set()
    for sheet in estate.report.sheets:
        found.add(sheet.sheet)
        blank = {name for name in sheet.unfilled if (sheet.sheet, name) not in flags}
        found.update(f"{sheet.sheet}.{column}" for column in sheet.found if column not in blank)
    if _as_of(estate) is not None:
        found.add("export.date")
    return frozenset(found)


def _as_of(estate: Estate) -> datetime | None:
    """What vMetaData says; else the newest time in the export, which cannot be later than it."""
    said = [meta.created for meta in estate.metadata if meta.created]
    if said:
        return max(said)
    times = [shot.taken_at for vm in estate.vms for shot in vm.snapshots if shot.taken_at]
    times += [vm.created for vm in estate.vms if vm.created]
    return max(times, default=None)


def _sharers(estate: Estate) -> dict[str, tuple[Key, ...]]:
    """Paths of disks that more than one VM has. A template's disk is its own."""
    found: dict[tuple[str, str], dict[Key, None]] = defaultdict(dict)
    for vm in estate.vms:
        for disk in vm.disks:
            if disk.path and disk.datastore:
                found[(vm.key[0], disk.path)][vm.key] = None
    return {f"{server} {path}": tuple(keys) for (server, path), keys in found.items() if len(keys) > 1}


def sharers_of(around: Surroundings, vm: Vm, path: str | None) -> tuple[Key, ...]:
    return around.sharers.get(f"{vm.key[0]} {path}", ()) if path else ()
