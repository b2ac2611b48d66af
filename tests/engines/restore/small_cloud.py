"""A small cloud that works: servers, volumes, ports and floating IPs in memory, with the faults of a real one.

It behaves as OpenStack does: what is made is there at once but ready later, a port that Nova made goes with its
server, a volume that is attached cannot be deleted, an address is held by one port. `faults` decides over each call.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

from engines.clouds.acting import ActError, Acting, SnapshotState, StorageQuota, Used, VolumeState
from engines.clouds.acting_backups import ORIGIN_KEY, BackupState, description_of, mark_of_volume
from engines.clouds.acting_servers import (
    KEPT,
    MARK,
    FloatingState,
    NewPort,
    NewServer,
    NewVolume,
    PortState,
    ServerState,
    Thing,
)

PROJECT = "pa"
T0 = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BEFORE, AFTER = "before", "after"
MUTATING = frozenset(
    {
        "create_server", "delete_server", "stop_server", "start_server", "rename_server", "attach_volume",
        "detach_volume", "create_volume", "set_bootable", "delete_volume", "create_port", "delete_port", "plug_port",
        "keep_server", "delete_kept_server", "unplug_port",
        "lead_floating_ip", "create_snapshot", "delete_snapshot", "set_volume_metadata",
    }
)  # fmt: skip


@dataclass
class Server:
    id: str
    name: str
    status: str = "ACTIVE"
    flavor: str = "f-large"
    volumes: list[tuple[str, bool]] = field(default_factory=list)
    nics: list[str] = field(default_factory=list)
    own_ports: set[str] = field(default_factory=set)  # that Nova made: they go with it
    metadata: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    key_name: str = ""
    zone: str = "nova"
    image: str = ""
    config_drive: bool = False
    description: str = ""
    group: str = ""
    fault: str = ""
    polls: int = 0
    deleting: bool = False
    user_data: str = ""
    console: str = "login: "
    project: str = PROJECT
    locked: bool = False
    password: str = ""


@dataclass
class Volume:
    id: str
    name: str
    size: int
    status: str = "available"
    bootable: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    attached: dict[str, str] = field(default_factory=dict)  # server id: device
    polls: int = 0
    type: str = "ssd"
    multiattach: bool = False
    project: str = PROJECT
    snapshot: str = ""
    backup: str = ""
    description: str = ""
    zone: str = "nova"
    encrypted: bool = False


@dataclass
class Backup:
    """`metadata` are those of the volume when it was taken: Cinder writes them back."""

    id: str
    volume: str
    size: int
    at: datetime
    name: str = ""
    status: str = "available"
    metadata: dict[str, str] = field(default_factory=dict)
    project: str = PROJECT
    base: str = ""
    encrypted: bool = False


@dataclass
class Snapshot:
    id: str
    volume: str
    size: int
    at: datetime
    name: str = ""
    status: str = "available"
    metadata: dict[str, str] = field(default_factory=dict)
    project: str = PROJECT
    polls: int = 0


@dataclass
class Port:
    id: str
    network: str
    fixed: list[tuple[str, str]]
    mac: str
    server: str = ""
    groups: tuple[str, ...] = ("sg-default",)
    description: str = ""
    name: str = ""
    security: bool = True
    pairs: tuple[Mapping[str, Any], ...] = ()
    project: str = PROJECT


@dataclass
class State:
    """Everything that the cloud holds; copied and compared by the tests."""

    servers: dict[str, Server] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    ports: dict[str, Port] = field(default_factory=dict)
    floating: dict[str, FloatingState] = field(default_factory=dict)
    backups: dict[str, Backup] = field(default_factory=dict)

    def shape(self) -> Any:
        """What a project would notice: ids of what bears a mark, and polls, do not count; a port is told by what it
        gives, not by its id, for the cloud itself makes another one with the same address."""
        ports = {
            port.id: (port.network, tuple(sorted(port.fixed)), port.mac, port.groups, port.server)
            for port in self.ports.values()
        }
        return {
            "servers": {
                s.id: (
                    s.name,
                    s.status,
                    sorted(s.volumes),
                    sorted(ports[n] for n in s.nics),
                    sorted(s.metadata.items()),
                )
                for s in self.servers.values()
            },
            "volumes": {v.id: (v.name, v.status, sorted(v.attached)) for v in self.volumes.values()},
            "snapshots": sorted(self.snapshots),
            "backups": sorted((b.id, b.status) for b in self.backups.values()),
            "ports": sorted(ports.values()),
            "floating": {f.id: (f.address, ports.get(f.port_id), f.fixed_ip) for f in self.floating.values()},
        }


Fault = Callable[[str, int], ActError | BaseException | None]
"""Of the name of a call and its number: what to raise before it, None for nothing. With `.after` set on the error the
call is done first: its answer is lost."""


class LostError(ActError):
    """An answer that never came: the cloud did it."""

    after = True


def lost() -> ActError:
    return LostError("timeout", "no answer came", "look whether it did it", maybe_done=True)


def http_500() -> ActError:
    return ActError("unexpected", "HTTP 500", "check the log", maybe_done=True)


def timed_out() -> ActError:
    """Silence, and nothing was done."""
    return ActError("timeout", "no answer came", "look whether it did it", maybe_done=True)


class SmallCloud:
    """`ready_after` looks what was made is ready. `limits_of` are (used, limit) by metric."""

    def __init__(self, ready_after: int = 1) -> None:
        self.state = State()
        self.ready_after = ready_after
        self.calls: list[str] = []
        self.fault: Fault = lambda name, number: None
        self.subnets: dict[str, tuple[str, str]] = {}  # id: (network, cidr)
        self.things: set[tuple[str, str]] = set()
        self.pairs: frozenset[str] = frozenset({"ops"})
        self.quota: dict[str, Used] = {}
        self.broken_volumes: set[str] = set()  # snapshot ids whose volumes end in error
        self.sticky_volumes: set[str] = set()  # snapshot ids whose volumes cannot be deleted
        self.broken_servers = False
        self.keeps_ports = False  # whether ports of new VMs survive unplugging
        self.made = 0
        self.tried: list[str] = []  # passwords that were sent

    @property
    def source(self) -> str:
        return "one"

    @property
    def servers(self) -> "SmallCloud":
        return self

    async def open(self, source: str) -> Acting:
        return self

    async def close(self) -> None: ...

    @property
    def mutations(self) -> list[str]:
        return [name for name in self.calls if name in MUTATING]

    @contextmanager
    def _call(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        error = self.fault(name, len(self.calls))
        if error is not None and not getattr(error, "after", False):
            raise error
        yield
        if error is not None:
            raise error

    def _id(self, kind: str) -> str:
        self.made += 1
        return f"{kind}-{self.made:03}"

    def snapshot_of_state(self) -> State:
        return deepcopy(self.state)

    # --- servers

    def _get(self, server_id: str) -> Server:
        found = self.state.servers.get(server_id)
        if found is None:
            raise ActError("gone", f"no VM {server_id}")
        return found

    def _tick(self, one: Server) -> None:
        one.polls += 1
        if one.polls < self.ready_after:
            return
        if one.deleting:
            for volume_id, delete in one.volumes:
                volume = self.state.volumes.get(volume_id)
                if volume is not None:
                    volume.attached.pop(one.id, None)
                    volume.status = "available"
                    if delete:
                        del self.state.volumes[volume_id]
            for port_id in one.nics:
                self._unplug(one, port_id)
            self.state.servers.pop(one.id, None)
        elif one.status == "BUILD":
            one.status, one.fault = ("ERROR", "No valid host was found") if self.broken_servers else ("ACTIVE", "")
        elif one.status in ("stopping", "starting"):
            one.status = {"stopping": "SHUTOFF", "starting": "ACTIVE"}[one.status]

    def _unplug(self, one: Server, port_id: str) -> None:
        port = self.state.ports.get(port_id)
        if port is None:
            return
        if port_id in one.own_ports:
            del self.state.ports[port_id]
            self.state.floating = {
                k: replace(f, port_id="", fixed_ip="") if f.port_id == port_id else f
                for k, f in self.state.floating.items()
            }
        else:
            port.server = ""

    def _server(self, one: Server) -> ServerState:
        shown = {"stopping": "ACTIVE", "starting": "SHUTOFF"}.get(one.status, one.status)
        return ServerState(
            one.id, one.name, shown, one.metadata.get(MARK, ""), one.fault,
            one.status if one.status in ("stopping", "starting") else "", one.locked, tuple(one.volumes),
            dict(one.metadata), one.user_data,
        )  # fmt: skip

    async def server(self, project_id: str, server_id: str) -> ServerState | None:
        with self._call("server"):
            one = self.state.servers.get(server_id)
            if one is None or one.project != project_id:
                return None
            self._tick(one)
            return self._server(one) if server_id in self.state.servers else None

    async def marked_servers(self, project_id: str, mark: str) -> Sequence[ServerState]:
        with self._call("marked_servers"):
            for one in list(self.state.servers.values()):
                self._tick(one)
            return [self._server(s) for s in self.state.servers.values() if s.metadata.get(MARK) == mark]

    async def create_server(self, project_id: str, new: NewServer) -> str:
        with self._call("create_server"):
            for volume in new.volumes:
                found = self.state.volumes.get(volume.volume_id)
                if found is None or found.status != "available":
                    raise ActError("busy", f"volume {volume.volume_id} cannot be attached")
            for port_id in new.port_ids:
                port = self.state.ports.get(port_id)
                if port is None or port.server:
                    raise ActError("busy", f"port {port_id} is in use or gone")
            if new.key_name and new.key_name not in self.pairs:
                raise ActError("unexpected", "Invalid key_name provided")
            one = Server(
                self._id("server"), new.name, "BUILD", new.flavor_id,
                [(v.volume_id, v.delete_with_vm) for v in new.volumes], list(new.port_ids), set(),
                {**new.metadata, MARK: new.mark}, new.tags, new.key_name, new.zone or "nova", new.image_id,
                new.config_drive, new.description, new.server_group_id, user_data=new.user_data,
            )  # fmt: skip
            self.state.servers[one.id] = one
            for place, volume in enumerate(new.volumes):
                held = self.state.volumes[volume.volume_id]
                held.attached[one.id], held.status = f"/dev/vd{'abcdefghijklmnop'[place]}", "in-use"
            for port_id in new.port_ids:
                self.state.ports[port_id].server = one.id
        return one.id

    async def delete_server(self, project_id: str, server_id: str) -> None:
        with self._call("delete_server"):
            one = self.state.servers.get(server_id)
            if one is not None:
                one.deleting, one.polls = True, 0

    async def stop_server(self, project_id: str, server_id: str) -> None:
        with self._call("stop_server"):
            one = self._get(server_id)
            if one.locked:
                raise ActError("busy", "it is locked")
            one.status, one.polls = "stopping", 0

    async def start_server(self, project_id: str, server_id: str) -> None:
        with self._call("start_server"):
            one = self._get(server_id)
            one.status, one.polls = "starting", 0

    async def rename_server(self, project_id: str, server_id: str, name: str) -> None:
        with self._call("rename_server"):
            self._get(server_id).name = name

    async def keep_server(self, project_id: str, server_id: str, mark: str) -> None:
        with self._call("keep_server"):
            one = self._get(server_id)
            one.metadata = {k: v for k, v in one.metadata.items() if k != KEPT} | ({KEPT: mark} if mark else {})

    async def delete_kept_server(self, project_id: str, server_id: str, mark: str) -> None:
        with self._call("delete_kept_server"):
            one = self.state.servers.get(server_id)
            if one is None:
                return
            if one.metadata.get(KEPT) != mark or one.status not in ("SHUTOFF", "ERROR"):
                raise ActError("refused", "no stopped original of ours")
            one.deleting, one.polls = True, 0

    async def change_password(self, project_id: str, server_id: str, password: str) -> None:
        """Only what a fault says goes wrong; a real one repeats what it does not like."""
        self.tried.append(password)
        with self._call("change_password"):
            self._get(server_id).password = password

    async def console_log(self, project_id: str, server_id: str, lines: int) -> str:
        with self._call("console_log"):
            return self._get(server_id).console

    # --- volumes

    def _tick_volume(self, one: Volume) -> VolumeState:
        one.polls += 1
        if one.status == "creating" and one.polls >= self.ready_after:
            one.status = "error" if one.snapshot in self.broken_volumes else "available"
            if one.backup:
                self._written_back(one)
        return self._told(one)

    @staticmethod
    def _told(one: Volume) -> VolumeState:
        return VolumeState(
            one.id, one.name, one.status, one.size, one.type, one.bootable, dict(one.metadata), tuple(one.attached),
            one.description,
        )  # fmt: skip

    def _written_back(self, one: Volume) -> None:
        """As Cinder's backup service ends: metadata of then in place of those of now, and the backup is free again."""
        copy = self.state.backups[one.backup]
        copy.status = "available"
        one.status = "error_restoring" if one.backup in self.broken_volumes else "available"
        one.metadata = {**(copy.metadata or one.metadata), ORIGIN_KEY: copy.id}

    async def volumes(self, project_id: str) -> Sequence[VolumeState]:
        with self._call("volumes"):
            return [self._tick_volume(v) for v in self.state.volumes.values() if v.project == project_id]

    async def volume(self, project_id: str, volume_id: str) -> VolumeState | None:
        with self._call("volume"):
            one = self.state.volumes.get(volume_id)
            return self._tick_volume(one) if one is not None and one.project == project_id else None

    async def create_volume(self, project_id: str, new: NewVolume) -> VolumeState:
        with self._call("create_volume"):
            if new.backup_id:
                return self._of_backup(project_id, new)
            taken = self.state.snapshots.get(new.snapshot_id)
            if taken is None or taken.project != project_id:
                raise ActError("gone", f"no snapshot {new.snapshot_id}")
            one = Volume(
                self._id("volume"), new.name, new.size_gib, "creating",
                metadata={**new.metadata, MARK: new.mark}, snapshot=new.snapshot_id,
            )  # fmt: skip
            self.state.volumes[one.id] = one
        return self._tick_volume(one) if self.ready_after == 0 else VolumeState(one.id, one.name, one.status, one.size)

    def _of_backup(self, project_id: str, new: NewVolume) -> VolumeState:
        copy = self.state.backups.get(new.backup_id)
        if copy is None or copy.project != project_id:
            raise ActError("gone", f"no backup {new.backup_id}")
        if copy.status != "available":
            raise ActError("busy", f"Invalid backup: its status is {copy.status}")
        one = Volume(
            self._id("volume"), new.name, new.size_gib, "creating", metadata={**new.metadata, MARK: new.mark},
            backup=copy.id, description=description_of(new.mark), type=new.volume_type or "standard", zone=new.zone,
        )  # fmt: skip
        copy.status = "restoring"
        self.state.volumes[one.id] = one
        return VolumeState(one.id, one.name, one.status, one.size, description=one.description)

    async def backups(self, project_id: str) -> Sequence[BackupState]:
        with self._call("backups"):
            return [
                BackupState(b.id, b.name, b.status, b.size, b.volume, b.at)
                for b in self.state.backups.values()
                if b.project == project_id
            ]

    async def set_bootable(self, project_id: str, volume_id: str) -> None:
        with self._call("set_bootable"):
            self.state.volumes[volume_id].bootable = True

    async def delete_volume(self, project_id: str, volume_id: str) -> None:
        with self._call("delete_volume"):
            one = self.state.volumes.get(volume_id)
            if one is None:
                return
            if one.attached or any(s.volume == volume_id for s in self.state.snapshots.values()):
                raise ActError("busy", "it is in use, or has snapshots")
            if one.backup and one.description != description_of(mark_of_volume(self._told(one))):
                raise ActError("refused", "it was not made here")
            if one.backup and one.status == "creating":  # its backup stays as it is, for ever
                del self.state.volumes[volume_id]
                return
            if one.snapshot in self.sticky_volumes or one.status == "error_deleting":
                one.status = "error_deleting"
                return
            del self.state.volumes[volume_id]

    async def attach_volume(self, project_id: str, server_id: str, volume_id: str) -> None:
        with self._call("attach_volume"):
            one, volume = self._get(server_id), self.state.volumes[volume_id]
            if volume.status != "available":
                raise ActError("busy", "it is not available")
            one.volumes.append((volume_id, False))
            volume.attached[server_id], volume.status = "/dev/vdz", "in-use"

    async def detach_volume(self, project_id: str, server_id: str, volume_id: str) -> None:
        with self._call("detach_volume"):
            one, volume = self._get(server_id), self.state.volumes[volume_id]
            one.volumes = [pair for pair in one.volumes if pair[0] != volume_id]
            volume.attached.pop(server_id, None)
            volume.status = "available"

    # --- snapshots, as the storage part has them

    def _snapshot(self, one: Snapshot) -> SnapshotState:
        one.polls += 1
        if one.status == "creating" and one.polls >= self.ready_after:
            one.status = "available"
        return SnapshotState(one.id, one.name, one.status, one.size, one.volume, dict(one.metadata), one.at)

    async def snapshots(self, project_id: str) -> Sequence[SnapshotState]:
        with self._call("snapshots"):
            return [self._snapshot(s) for s in self.state.snapshots.values() if s.project == project_id]

    async def snapshot(self, project_id: str, snapshot_id: str) -> SnapshotState | None:
        with self._call("snapshot"):
            one = self.state.snapshots.get(snapshot_id)
            return self._snapshot(one) if one is not None and one.project == project_id else None

    async def create_snapshot(
        self, project_id: str, volume_id: str, name: str, metadata: Mapping[str, str], description: str = ""
    ) -> SnapshotState:
        with self._call("create_snapshot"):
            volume = self.state.volumes[volume_id]
            one = Snapshot(self._id("snap"), volume_id, volume.size, T0, name, "creating", dict(metadata))
            self.state.snapshots[one.id] = one
        return SnapshotState(one.id, name, one.status, one.size, volume_id, dict(metadata), one.at)

    async def delete_snapshot(self, project_id: str, snapshot_id: str) -> None:
        with self._call("delete_snapshot"):
            self.state.snapshots.pop(snapshot_id, None)

    async def snapshot_dependants(self, project_id: str, snapshot_id: str) -> Sequence[str]:
        return [v.id for v in self.state.volumes.values() if v.snapshot == snapshot_id]

    async def storage_quota(self, project_id: str) -> StorageQuota:
        return StorageQuota(Used(None, 0), Used(None, 0))

    async def set_volume_metadata(
        self, project_id: str, volume_id: str, values: Mapping[str, str], remove: Sequence[str] = ()
    ) -> None:
        with self._call("set_volume_metadata"):
            one = self.state.volumes[volume_id]
            one.metadata = {k: v for k, v in {**one.metadata, **values}.items() if k not in remove}

    async def pause_vm(self, project_id: str, vm_id: str) -> bool:
        return False

    async def resume_vm(self, project_id: str, vm_id: str) -> None: ...

    # --- ports and floating IPs

    def _port(self, one: Port) -> PortState:
        return PortState(
            one.id, one.name, one.network, one.mac, tuple(one.fixed), one.server, "ACTIVE" if one.server else "DOWN",
            one.description, one.groups,
        )  # fmt: skip

    async def port(self, project_id: str, port_id: str) -> PortState | None:
        with self._call("port"):
            one = self.state.ports.get(port_id)
            return self._port(one) if one is not None and one.project == project_id else None

    async def ports_of(self, project_id: str, server_id: str) -> Sequence[PortState]:
        with self._call("ports_of"):
            return [self._port(p) for p in self.state.ports.values() if p.server == server_id]

    async def marked_ports(self, project_id: str, mark: str) -> Sequence[PortState]:
        with self._call("marked_ports"):
            return [self._port(p) for p in self.state.ports.values() if p.description == mark]

    def _taken(self, network: str) -> set[str]:
        return {ip for p in self.state.ports.values() if p.network == network for ip, _ in p.fixed}

    def _any(self, network: str, subnet: str) -> tuple[str, str]:
        """The lowest free one, from .40 up."""
        cidr = ip_network(self.subnets[subnet][1])
        taken = self._taken(network)
        for offset in range(40, 4000):
            ip = str(cidr[0] + offset)
            if ip_address(ip) not in cidr:
                break
            if ip not in taken:
                return ip, subnet
        raise ActError("busy", "No more IP addresses available")

    async def create_port(self, project_id: str, new: NewPort) -> PortState:
        with self._call("create_port"):
            fixed = []
            for ip, subnet in new.fixed or (("", self._first_subnet(new.network_id)),):
                if ip and ip in self._taken(new.network_id):
                    raise ActError("busy", f"IP address {ip} already allocated")
                fixed.append((ip, subnet) if ip else self._any(new.network_id, subnet))
            if new.mac and any(p.mac == new.mac and p.network == new.network_id for p in self.state.ports.values()):
                raise ActError("busy", f"MAC {new.mac} is in use")
            one = Port(
                self._id("port"), new.network_id, fixed, new.mac or f"fa:16:3e:00:00:{self.made:02x}",
                groups=("sg-default",) if new.security_groups is None else new.security_groups, description=new.mark,
                name=new.name, pairs=new.pairs,
            )  # fmt: skip
            self.state.ports[one.id] = one
        return self._port(one)

    def _first_subnet(self, network: str) -> str:
        return next(id_ for id_, (of, _) in self.subnets.items() if of == network)

    async def delete_port(self, project_id: str, port_id: str) -> None:
        with self._call("delete_port"):
            one = self.state.ports.pop(port_id, None)
            if one is not None:
                self.state.floating = {
                    k: replace(f, port_id="", fixed_ip="") if f.port_id == port_id else f
                    for k, f in self.state.floating.items()
                }
                if one.server in self.state.servers:
                    self.state.servers[one.server].nics.remove(port_id)

    async def plug_port(self, project_id: str, server_id: str, port_id: str) -> None:
        with self._call("plug_port"):
            one, port = self._get(server_id), self.state.ports.get(port_id)
            if port is None or port.server:
                raise ActError("busy", f"port {port_id} is in use or gone")
            port.server = server_id
            one.nics.append(port_id)

    async def unplug_port(self, project_id: str, server_id: str, port_id: str) -> None:
        with self._call("unplug_port"):
            one = self._get(server_id)
            if port_id in one.nics:
                self._unplug(one, port_id)
                one.nics.remove(port_id)

    async def floating_ip(self, project_id: str, floating_id: str) -> FloatingState | None:
        with self._call("floating_ip"):
            return self.state.floating.get(floating_id)

    async def lead_floating_ip(self, project_id: str, floating_id: str, port_id: str, fixed_ip: str = "") -> None:
        with self._call("lead_floating_ip"):
            one = self.state.floating[floating_id]
            fixed = fixed_ip or (self.state.ports[port_id].fixed[0][0] if port_id else "")
            self.state.floating[floating_id] = replace(one, port_id=port_id, fixed_ip=fixed)

    # --- what is there

    async def exists(self, project_id: str, thing: Thing, id_: str) -> bool:
        with self._call("exists"):
            return (thing, id_) in self.things

    async def keypairs(self, project_id: str) -> frozenset[str]:
        with self._call("keypairs"):
            return self.pairs

    async def limits(self, project_id: str) -> Mapping[str, Used]:
        with self._call("limits"):
            return self.quota
