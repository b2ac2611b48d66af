"""The values that the demo cloud is made of. Times are Unix seconds; addresses of IPv4 are numbers."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engines.clouds.demo_catalogue import OPENSTACK, Project, Source

DAY = 86_400


def identity(seed: int, key: str) -> str:
    """A UUID that is the same for the same seed and key."""
    digest = hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"


def roll(seed: int, key: str, sides: int = 100) -> int:
    """A fair number from 0 to sides - 1 that is the same for the same seed and key."""
    return int.from_bytes(hashlib.blake2b(f"{seed}?{key}".encode(), digest_size=8).digest(), "big") % sides


def iso(at: int) -> str:
    """Unix seconds as the inventory writes times."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Host:
    """A host with what may be given away of it. `room` fields are what VMs may use, overcommit included."""

    name: str
    source: Source
    cluster: str | None
    vcpus: int
    memory_mib: int
    disk_gib: int
    cpu_ratio: float
    state: str
    reason: str

    @property
    def cpu_room(self) -> int:
        return int(self.vcpus * self.cpu_ratio)

    @property
    def memory_room(self) -> int:
        return self.memory_mib - self.memory_reserved

    @property
    def memory_reserved(self) -> int:
        return 4096 if self.source == OPENSTACK else 0


@dataclass(frozen=True, slots=True)
class Vm:
    """A VM as it is at one time; `died` None: it lives still.

    `disks` are GiB, the first one the system's; `boots_from_volume` False: the first lives on the host.
    `detached` numbers the disks that were taken off it. `host` is None when it never found one.
    """

    key: str
    name: str
    project: int
    role: str
    flavor: str | None
    vcpus: int
    memory_mib: int
    disks: tuple[int, ...]
    boots_from_volume: bool
    image: str
    host: int | None
    nics: tuple[tuple[int, int], ...]  # (number of the project's network, address)
    floating: int | None
    born: int
    died: int | None = None
    state: str = "on"
    fault: str | None = None
    detached: tuple[int, ...] = ()
    marks: tuple[str, ...] = ()  # tags that somebody added


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to one VM; `values` replace its fields of those names."""

    at: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    epoch: int
    projects: tuple[Project, ...]
    hosts: tuple[Host, ...]
    vms: tuple[Vm, ...]
    changes: Mapping[str, tuple[Change, ...]]  # by key of the VM, oldest first
    spare: tuple[tuple[int, int], ...]  # (vCPU, MiB) of each host that nothing planned will ever use
    public: str  # range of the public network
    routers: Mapping[int, int]  # outer address of each project's router
    unused_floating: tuple[tuple[int, int], ...]  # (project, address)

    def id(self, key: str) -> str:
        return identity(self.seed, key)

    def roll(self, key: str, sides: int = 100) -> int:
        return roll(self.seed, key, sides)

    def number(self, project: str) -> int:
        return next(i for i, p in enumerate(self.projects) if p.name == project)
