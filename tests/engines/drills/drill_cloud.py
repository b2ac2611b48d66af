"""The small cloud with networks of its own, as Neutron has them: with ports in it a network cannot be deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines.clouds.acting import ActError, Used
from engines.clouds.acting_networks import NetworkState, SubnetState
from engines.clouds.acting_servers import NewPort, PortState
from tests.engines.restore.places import small_place
from tests.engines.restore.small_cloud import PROJECT, SmallCloud


@dataclass
class Made:
    id: str
    name: str
    mark: str
    router: str = ""


class DrillCloud(SmallCloud):
    def __init__(self, ready_after: int = 1) -> None:
        super().__init__(ready_after)
        self.nets: dict[str, Made] = {}
        self.sub_marks: dict[str, str] = {}
        self.stuck_networks = False
        self.seen: list[tuple[str, tuple[str, ...]]] = []  # (network, addresses) of each port that was made

    @property
    def networks(self) -> "DrillCloud":
        return self

    async def marked_networks(self, project_id: str, mark: str) -> Sequence[NetworkState]:
        with self._call("marked_networks"):
            return [NetworkState(n.id, n.name, n.mark) for n in self.nets.values() if n.mark == mark]

    async def create_network(self, project_id: str, name: str, mark: str) -> NetworkState:
        with self._call("create_network"):
            made = Made(self._id("net"), name, mark)
            self.nets[made.id] = made
        return NetworkState(made.id, name, mark)

    async def delete_network(self, project_id: str, network_id: str, mark: str) -> None:
        with self._call("delete_network"):
            one = self.nets.get(network_id)
            if one is None:
                return
            if one.mark != mark:
                raise ActError("refused", "it was not made here")
            if self.stuck_networks or any(p.network == network_id for p in self.state.ports.values()):
                raise ActError("busy", "there are ports in it")
            del self.nets[network_id]
            self.subnets = {id_: told for id_, told in self.subnets.items() if told[0] != network_id}
            self.sub_marks = {id_: mark for id_, mark in self.sub_marks.items() if id_ in self.subnets}

    async def marked_subnets(self, project_id: str, mark: str) -> Sequence[SubnetState]:
        with self._call("marked_subnets"):
            mine = [id_ for id_, of in self.sub_marks.items() if of == mark]
            return [SubnetState(id_, *self.subnets[id_], mark) for id_ in mine]

    async def create_subnet(self, project_id: str, network_id: str, cidr: str, name: str, mark: str) -> SubnetState:
        with self._call("create_subnet"):
            if any(told == (network_id, cidr) for told in self.subnets.values()):
                raise ActError("refused", "it overlaps with another subnet")
            id_ = self._id("sub")
            self.subnets[id_], self.sub_marks[id_] = (network_id, cidr), mark
        return SubnetState(id_, network_id, cidr, mark)

    async def create_port(self, project_id: str, new: NewPort) -> PortState:
        made = await super().create_port(project_id, new)
        self.seen.append((made.network_id, made.ips))
        return made

    async def delete_server(self, project_id: str, server_id: str) -> None:
        """Asked for twice it takes no longer."""
        one = self.state.servers.get(server_id)
        if one is None or not one.deleting:
            await super().delete_server(project_id, server_id)

    async def routers_on(self, project_id: str, network_id: str) -> Sequence[str]:
        one = self.nets.get(network_id)
        return [one.router] if one is not None and one.router else []

    async def network_limits(self, project_id: str) -> Mapping[str, Used]:
        return {name: used for name, used in self.quota.items() if name in ("networks", "subnets")}

    def plug_in(self) -> None:
        """Somebody gives the networks a way out."""
        for one in self.nets.values():
            one.router = "r-1"

    def silence(self) -> None:
        for one in self.state.servers.values():
            one.console = ""

    def all(self) -> Any:
        """What a project would notice, its networks too."""
        return {**self.state.shape(), "networks": sorted(self.nets), "subnets": sorted(self.subnets)}


def drill_place(**how: Any) -> DrillCloud:
    """The place of the restores, and room for networks."""
    plain, cloud = small_place(**how), DrillCloud(**how)
    cloud.state, cloud.subnets, cloud.things = plain.state, plain.subnets, plain.things
    cloud.quota = {**plain.quota, "networks": Used(10, 2), "subnets": Used(10, 3)}
    return cloud


__all__ = ["PROJECT", "DrillCloud", "drill_place"]
