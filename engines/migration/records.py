"""What an export says, as records. None is unknown: the cell was blank, or there is no such column.

Sizes are MiB. `row` is the row of the sheet, counted from 1 as the spreadsheet shows it, for evidence.
"""

from dataclasses import dataclass
from datetime import datetime

Key = tuple[str, str]  # the vCenter, and the VM's id there (or its UUID, or its name and place)


@dataclass(frozen=True, slots=True)
class Disk:
    row: int
    label: str | None = None
    key: str | None = None
    uuid: str | None = None
    capacity_mib: int | None = None
    raw: bool | None = None
    mode: str | None = None
    sharing: str | None = None
    thin: bool | None = None
    controller: str | None = None
    bus: str | None = None
    shared_bus: str | None = None
    path: str | None = None
    lun: str | None = None
    raw_mode: str | None = None

    @property
    def datastore(self) -> str | None:
        """Out of the path, `[datastore] folder/file.vmdk`."""
        if self.path and self.path.startswith("[") and "]" in self.path:
            return self.path[1 : self.path.index("]")] or None
        return None


@dataclass(frozen=True, slots=True)
class Partition:
    """A file system as the guest sees it."""

    row: int
    key: str | None = None
    mount: str | None = None
    capacity_mib: int | None = None
    consumed_mib: int | None = None
    free_mib: int | None = None


@dataclass(frozen=True, slots=True)
class Nic:
    row: int
    label: str | None = None
    adapter: str | None = None
    network: str | None = None
    switch: str | None = None
    connected: bool | None = None
    starts_connected: bool | None = None
    mac: str | None = None
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    direct_path: bool | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`name` is cut, and hidden where it seems to hold a password."""

    row: int
    name: str | None = None
    taken_at: datetime | None = None
    size_mib: int | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A USB device, a CD drive or a floppy drive."""

    row: int
    sheet: str
    node: str | None = None
    type: str | None = None
    connected: bool | None = None


@dataclass(frozen=True, slots=True)
class CpuUse:
    row: int
    max_mhz: int | None = None
    overall_mhz: int | None = None
    reservation_mhz: int | None = None
    limit_mhz: int | None = None
    hot_add: bool | None = None
    hot_remove: bool | None = None


@dataclass(frozen=True, slots=True)
class MemoryUse:
    row: int
    locked: bool | None = None
    consumed_mib: int | None = None
    active_mib: int | None = None
    swapped_mib: int | None = None
    ballooned_mib: int | None = None
    reservation_mib: int | None = None
    limit_mib: int | None = None
    hot_add: bool | None = None


@dataclass(frozen=True, slots=True)
class Tools:
    row: int
    state: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Vm:
    """A row of vInfo with what the other sheets say of it. `secrets` names the cells that seem to hold a password."""

    row: int
    key: Key
    name: str
    power: str | None = None
    template: bool | None = None
    srm: bool | None = None
    dns_name: str | None = None
    connection: str | None = None
    guest_state: str | None = None
    consolidation: bool | None = None
    suspended_to_memory: bool | None = None
    created: datetime | None = None
    cpus: int | None = None
    memory_mib: int | None = None
    active_memory_mib: int | None = None
    nic_count: int | None = None
    disk_count: int | None = None
    total_disk_mib: int | None = None
    latency: str | None = None
    enable_uuid: bool | None = None
    cbt: bool | None = None
    primary_ip: str | None = None
    networks: tuple[str, ...] = ()
    pool: str | None = None
    folder: str | None = None
    vapp: str | None = None
    ft_state: str | None = None
    provisioned_mib: int | None = None
    in_use_mib: int | None = None
    unshared_mib: int | None = None
    rule: str | None = None
    rule_names: str | None = None
    secure_boot: bool | None = None
    firmware: str | None = None
    hw_version: int | None = None
    path: str | None = None
    datacenter: str | None = None
    cluster: str | None = None
    host: str | None = None
    os_config: str | None = None
    os_tools: str | None = None
    vm_id: str | None = None
    smbios_uuid: str | None = None
    vm_uuid: str | None = None
    server: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    marks: tuple[str, ...] = ()  # what a note says the VM is, out of scope.MARKS; the note itself is not kept
    secrets: tuple[str, ...] = ()
    cpu: CpuUse | None = None
    memory: MemoryUse | None = None
    tools: Tools | None = None
    disks: tuple[Disk, ...] = ()
    partitions: tuple[Partition, ...] = ()
    nics: tuple[Nic, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    devices: tuple[Device, ...] = ()

    @property
    def is_on(self) -> bool:
        return (self.power or "").casefold() == "poweredon"

    @property
    def is_suspended(self) -> bool:
        return (self.power or "").casefold() == "suspended" or self.suspended_to_memory is True

    @property
    def tools_run(self) -> bool | None:
        """None where neither vTools nor the guest state says."""
        if self.tools is not None and self.tools.state:
            return self.tools.state.casefold() in ("toolsok", "toolsold", "guesttoolsrunning")
        return None if self.guest_state is None else self.guest_state.casefold() == "running"

    @property
    def network_names(self) -> tuple[str, ...]:
        """Of vNetwork where it has rows, else of vInfo; each once, in order."""
        found = [nic.network for nic in self.nics if nic.network] or list(self.networks)
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Host:
    row: int
    name: str
    datacenter: str | None = None
    cluster: str | None = None
    maintenance: bool | None = None
    cpu_model: str | None = None
    speed_mhz: int | None = None
    sockets: int | None = None
    cores: int | None = None
    cpu_percent: int | None = None
    memory_mib: int | None = None
    memory_percent: int | None = None
    nics: int | None = None
    esx_version: str | None = None
    vendor: str | None = None
    model: str | None = None
    server: str | None = None
    server_uuid: str | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    row: int
    name: str
    hosts: int | None = None
    effective_hosts: int | None = None
    cpu_mhz: int | None = None
    cores: int | None = None
    threads: int | None = None
    memory_mib: int | None = None
    ha: bool | None = None
    drs: bool | None = None
    dpm: bool | None = None
    server: str | None = None
    server_uuid: str | None = None


@dataclass(frozen=True, slots=True)
class Datastore:
    row: int
    name: str
    type: str | None = None
    accessible: bool | None = None
    capacity_mib: int | None = None
    provisioned_mib: int | None = None
    in_use_mib: int | None = None
    free_mib: int | None = None
    cluster: str | None = None
    server: str | None = None
    server_uuid: str | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    row: int
    name: str
    path: str | None = None
    vms: int | None = None
    server: str | None = None
    server_uuid: str | None = None


@dataclass(frozen=True, slots=True)
class PortGroup:
    """`vlan` as it is written: a number, a range of a trunk, or blank."""

    row: int
    name: str
    switch: str | None = None
    vlan: str | None = None
    promiscuous: bool | None = None
    mac_changes: bool | None = None
    forged: bool | None = None
    server: str | None = None
    server_uuid: str | None = None


@dataclass(frozen=True, slots=True)
class HostNic:
    row: int
    host: str
    device: str | None = None
    speed_mbps: int | None = None
    server: str | None = None
    server_uuid: str | None = None


@dataclass(frozen=True, slots=True)
class KernelPort:
    row: int
    port_group: str
    host: str | None = None
    device: str | None = None
    server: str | None = None
    server_uuid: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    row: int
    name: str
    version: str | None = None
    build: str | None = None
    full_name: str | None = None
    server: str | None = None
    server_uuid: str | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    row: int
    version: str
    major: str | None = None
    created: datetime | None = None
    server: str | None = None
