"""What is asked of a drill, and the facts of each VM that it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engines.restore.designs import Design
from engines.restore.recipe import Nic
from storage.inventory import Found

KIND = "restore_drill"
MOST_VMS = 10
"""VMs of one drill: they come back one after another, and each takes minutes."""
FALLBACK_CIDR = "192.168.99.0/24"
"""Of a network whose subnets are not known any more."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which VMs of a project. `names` are names or ids; without any, those with the `tag`, or all, are taken: those
    first that were never drilled, then those whose drill is the oldest, `most` at the most."""

    source: str
    project_id: str
    names: tuple[str, ...] = ()
    tag: str = ""
    most: int = MOST_VMS


@dataclass(frozen=True, slots=True)
class Chosen:
    """A VM to drill. `design` None: it cannot come back at all, and `why` says why; that is a finding, too."""

    vm: Found
    design: Design | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A network without a way out that stands for one of the originals': the same subnets, so that what comes back
    finds its own addresses. `cidrs` are (id of the original's subnet, CIDR)."""

    number: int
    name: str
    cidrs: tuple[tuple[str, str], ...]

    @property
    def step(self) -> str:
        return f"network {self.number}"

    def subnet_step(self, place: int) -> str:
        return f"subnet {self.number}.{place}"


@dataclass(frozen=True, slots=True)
class Outline:
    """A drill as it was worked out: `mirrors` by the id of the original network."""

    chosen: tuple[Chosen, ...]
    mirrors: Mapping[str, Mirror] = field(default_factory=dict)
    now: datetime | None = None

    @property
    def able(self) -> tuple[tuple[Found, Design], ...]:
        return tuple((one.vm, one.design) for one in self.chosen if one.design is not None)

    @property
    def unable(self) -> tuple[Chosen, ...]:
        return tuple(one for one in self.chosen if one.design is None)


def nics_of(design: Design) -> tuple[Nic, ...]:
    """With the security groups that still exist."""
    return tuple(one.nic for one in design.addressing.wanted)
