"""The client that makes and takes away networks that lead nowhere, as the work sees it.

What we make is marked in its description; only what bears a mark is ever deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from engines.clouds.acting import ActError, Acting, Used


@dataclass(frozen=True, slots=True)
class NetworkState:
    """A network as the cloud has it now. `subnets` are the ids of its subnets, `mark` is what it was made with."""

    id: str
    name: str
    mark: str = ""
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubnetState:
    id: str
    network_id: str
    cidr: str
    mark: str = ""


class ActingNetworks(Protocol):
    """Every method acts inside of one project and raises ActError. To delete what is not there is no error."""

    async def marked_networks(self, project_id: str, mark: str) -> Sequence[NetworkState]:
        """Those of the project that bear the mark, in the order of their ids."""

    async def create_network(self, project_id: str, name: str, mark: str) -> NetworkState:
        """One that belongs to the project alone, and leads nowhere."""

    async def delete_network(self, project_id: str, network_id: str, mark: str) -> None:
        """With its subnets. Raises ActError with `busy` while ports are in it, `refused` for one without this mark."""

    async def marked_subnets(self, project_id: str, mark: str) -> Sequence[SubnetState]: ...

    async def create_subnet(self, project_id: str, network_id: str, cidr: str, name: str, mark: str) -> SubnetState:
        """Without a gateway; addresses of IPv4 are given out in it."""

    async def routers_on(self, project_id: str, network_id: str) -> Sequence[str]:
        """Ids of the routers that a network of the project is plugged into: empty for one that leads nowhere."""

    async def network_limits(self, project_id: str) -> Mapping[str, Used]:
        """By the inventory's metrics: networks, subnets. What the cloud does not tell is left out."""


@runtime_checkable
class WithNetworks(Protocol):
    """An acting client that can make networks."""

    @property
    def networks(self) -> ActingNetworks: ...


def networks_of(acting: Acting) -> ActingNetworks:
    """Raises ActError where the source cannot make networks."""
    if isinstance(acting, WithNetworks):
        return acting.networks
    raise ActError("refused", f"{acting.source} has no client that makes networks", "run drills on another source")
