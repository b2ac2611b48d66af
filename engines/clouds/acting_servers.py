"""The client that makes, switches and takes away VMs with their volumes and ports, as the work sees it.

What we make is marked: a volume and a VM in their metadata, a port and a volume of a backup in their description. By
its mark it is found again when an answer was lost, and only what bears it is ever deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from engines.clouds.acting import ActError, Acting, Used, VolumeState
from engines.clouds.acting_backups import MARK, BackupState

__all__ = ["KEPT", "MARK", "ActingServers", "BootVolume", "FloatingState", "NewPort", "NewServer", "NewVolume",
           "PortState", "ServerState", "Thing", "WithServers", "servers_of"]  # fmt: skip
KEPT = "stackhand_kept"
"""The key of the mark on an original that a replace keeps."""
Thing = Literal["flavor", "image", "network", "subnet", "security_group", "server_group"]


@dataclass(frozen=True, slots=True)
class NewVolume:
    """A volume of a snapshot, of the snapshot's own type; or of a backup, of the type and in the zone that are named,
    empty for those that the cloud gives by default. `mark` goes into its metadata, of a backup into its description
    too."""

    snapshot_id: str
    name: str
    size_gib: int
    mark: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    backup_id: str = ""
    volume_type: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class NewPort:
    """`fixed` are (address, subnet id) of one NIC; without address the subnet chooses, without subnet the network.

    `security_groups` None: the project's default. `mac` empty: the cloud chooses.
    """

    network_id: str
    name: str
    mark: str
    fixed: tuple[tuple[str, str], ...] = ()
    mac: str = ""
    security_groups: tuple[str, ...] | None = None
    pairs: tuple[Mapping[str, Any], ...] = ()
    port_security: bool | None = None
    dns_name: str = ""


@dataclass(frozen=True, slots=True)
class PortState:
    """A port as the cloud has it now; `server_id` is what it is plugged into, empty for a free one."""

    id: str
    name: str
    network_id: str
    mac: str = ""
    fixed: tuple[tuple[str, str], ...] = ()
    server_id: str = ""
    status: str = ""
    mark: str = ""
    security_groups: tuple[str, ...] = ()

    @property
    def ips(self) -> tuple[str, ...]:
        return tuple(ip for ip, _ in self.fixed)


@dataclass(frozen=True, slots=True)
class BootVolume:
    """A volume that a new VM has from the start; the one to start from has `boot`, the others keep their order."""

    volume_id: str
    boot: bool = False
    delete_with_vm: bool = False


@dataclass(frozen=True, slots=True)
class NewServer:
    """`image_id` is empty where it starts from a volume. `port_ids` in the order of the NICs. `user_data` is base64."""

    name: str
    flavor_id: str
    mark: str
    image_id: str = ""
    volumes: tuple[BootVolume, ...] = ()
    port_ids: tuple[str, ...] = ()
    zone: str = ""
    key_name: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    config_drive: bool = False
    description: str = ""
    server_group_id: str = ""
    user_data: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ServerState:
    """A VM as the cloud has it now. `status` is Nova's word; `volumes` are (volume id, deleted with the VM).

    `task` is what is under way with it. `user_data` is base64, empty where the cloud does not show it.
    """

    id: str
    name: str
    status: str
    mark: str = ""
    fault: str = ""
    task: str = ""
    locked: bool = False
    volumes: tuple[tuple[str, bool], ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    user_data: str = field(default="", repr=False)

    @property
    def volume_ids(self) -> frozenset[str]:
        return frozenset(id_ for id_, _ in self.volumes)


@dataclass(frozen=True, slots=True)
class FloatingState:
    """`port_id` is empty for one that leads nowhere."""

    id: str
    address: str
    port_id: str = ""
    fixed_ip: str = ""


class ActingServers(Protocol):
    """Every method acts inside of one project and raises ActError. What is not there is None; to delete it is no error.

    Creating and deleting is asked for; it has happened when the cloud shows it so.
    """

    async def server(self, project_id: str, server_id: str) -> ServerState | None: ...

    async def marked_servers(self, project_id: str, mark: str) -> Sequence[ServerState]:
        """Those that bear the mark, the oldest first."""

    async def create_server(self, project_id: str, new: NewServer) -> str: ...

    async def delete_server(self, project_id: str, server_id: str) -> None: ...

    async def stop_server(self, project_id: str, server_id: str) -> None: ...

    async def start_server(self, project_id: str, server_id: str) -> None: ...

    async def rename_server(self, project_id: str, server_id: str, name: str) -> None: ...

    async def keep_server(self, project_id: str, server_id: str, mark: str) -> None:
        """Marks an original under KEPT; an empty mark takes it off."""

    async def delete_kept_server(self, project_id: str, server_id: str, mark: str) -> None:
        """Of an original that bears this mark under KEPT and is stopped or in error; refused for any other."""

    async def change_password(self, project_id: str, server_id: str, password: str) -> None:
        """Of the administrator of the guest. Raises ActError with `busy` where the guest's agent does not answer now.

        The error may repeat the password.
        """

    async def console_log(self, project_id: str, server_id: str, lines: int) -> str: ...

    async def attach_volume(self, project_id: str, server_id: str, volume_id: str) -> None: ...

    async def detach_volume(self, project_id: str, server_id: str, volume_id: str) -> None: ...

    async def backups(self, project_id: str) -> Sequence[BackupState]:
        """All volume backups of a project; none where the cloud has no backup service. Raises ActError with `refused`
        where the cloud cannot make volumes of them."""

    async def create_volume(self, project_id: str, new: NewVolume) -> VolumeState:
        """One call, so that there is nothing half-made between two. Of a backup it can be used once all is written
        back, and has the metadata of the volume that was backed up then."""

    async def set_bootable(self, project_id: str, volume_id: str) -> None: ...

    async def delete_volume(self, project_id: str, volume_id: str) -> None: ...

    async def port(self, project_id: str, port_id: str) -> PortState | None: ...

    async def ports_of(self, project_id: str, server_id: str) -> Sequence[PortState]: ...

    async def marked_ports(self, project_id: str, mark: str) -> Sequence[PortState]: ...

    async def create_port(self, project_id: str, new: NewPort) -> PortState:
        """Raises ActError with `busy` when an address or MAC is taken, `refused` when it may not be asked for."""

    async def delete_port(self, project_id: str, port_id: str) -> None: ...

    async def plug_port(self, project_id: str, server_id: str, port_id: str) -> None: ...

    async def unplug_port(self, project_id: str, server_id: str, port_id: str) -> None:
        """The cloud keeps a port that was made before the VM, and deletes one that it made for it."""

    async def floating_ip(self, project_id: str, floating_id: str) -> FloatingState | None: ...

    async def lead_floating_ip(self, project_id: str, floating_id: str, port_id: str, fixed_ip: str = "") -> None: ...

    async def exists(self, project_id: str, thing: Thing, id_: str) -> bool:
        """Whether it is there for this project, and can be used."""

    async def keypairs(self, project_id: str) -> frozenset[str]:
        """Names of the service user's own keypairs: it may use no others."""

    async def limits(self, project_id: str) -> Mapping[str, Used]:
        """By the inventory's metrics: vms, cpu, memory_mib, volumes, storage_gib, snapshots, ports."""


@runtime_checkable
class WithServers(Protocol):
    """An acting client that can do more than storage."""

    @property
    def servers(self) -> ActingServers: ...


def servers_of(acting: Acting) -> ActingServers:
    """Raises ActError where the source cannot make VMs."""
    if isinstance(acting, WithServers):
        return acting.servers
    raise ActError("refused", f"{acting.source} has no client that makes VMs", "restore it in the cloud itself")
