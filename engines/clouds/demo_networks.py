"""Networks of the invented OpenStack that are made and taken away; its own lead where they were invented to."""

import uuid
from collections.abc import Mapping, Sequence
from ipaddress import ip_network

from engines.clouds import Resource
from engines.clouds.acting import Used
from engines.clouds.acting_networks import NetworkState, SubnetState
from engines.clouds.demo_calls import DemoCalls, busy, gone, refused, usage
from engines.clouds.demo_present import NETWORK, PORT, QUOTA, SUBNET, Present
from storage.demo_changes import DemoObject


class DemoNetworks:
    """Beside the other clients of the same source."""

    def __init__(self, calls: DemoCalls) -> None:
        self._calls = calls

    async def marked_networks(self, project_id: str, mark: str) -> Sequence[NetworkState]:
        def told(present: Present) -> list[NetworkState]:
            return [NetworkState(one.external_id, one.name, mark, _ids(present, one.external_id))
                    for one in _living(present, NETWORK, mark)]  # fmt: skip

        return await self._calls.reading("marked_networks", project_id, "", told)

    async def create_network(self, project_id: str, name: str, mark: str) -> NetworkState:
        id_ = str(uuid.uuid4())
        async with self._calls.changing("create_network", project_id) as now:
            await now.spend("Neutron", networks=1)
            await now.make(NETWORK, id_, name, {"mark": mark})
        return NetworkState(id_, name, mark)

    async def delete_network(self, project_id: str, network_id: str, mark: str) -> None:
        async with self._calls.changing("delete_network", project_id, network_id) as now:
            if await now.one(NETWORK, network_id) is None:
                return
            one = now.present.objects(NETWORK).get(network_id)
            if one is None or not mark or one.attrs.get("mark") != mark:
                raise refused(f"network {network_id} was not made here and is not deleted", "delete it in the cloud")
            if any(row.attrs["network_id"] == network_id for row in await now.rows(PORT)):
                raise busy(f"Neutron answered: There are one or more ports still in use on the network {network_id}")
            for subnet_id in _ids(now.present, network_id):
                await now.delete(SUBNET, subnet_id)
            await now.delete(NETWORK, network_id)

    async def marked_subnets(self, project_id: str, mark: str) -> Sequence[SubnetState]:
        def told(present: Present) -> list[SubnetState]:
            return [SubnetState(one.external_id, str(one.attrs["network_id"]), str(one.attrs["cidr"]), mark)
                    for one in _living(present, SUBNET, mark)]  # fmt: skip

        return await self._calls.reading("marked_subnets", project_id, "", told)

    async def create_subnet(self, project_id: str, network_id: str, cidr: str, name: str, mark: str) -> SubnetState:
        id_ = str(uuid.uuid4())
        async with self._calls.changing("create_subnet", project_id, network_id) as now:
            if await now.one(NETWORK, network_id) is None:
                raise gone("network", network_id, project_id)
            if _overlaps(cidr, [row for row in await now.rows(SUBNET) if row.attrs["parent_id"] == network_id]):
                raise refused(f"Neutron answered: {cidr} overlaps with another subnet of network {network_id}")
            await now.spend("Neutron", subnets=1)
            await now.make(SUBNET, id_, name, {"network_id": network_id, "cidr": cidr, "mark": mark})
        return SubnetState(id_, network_id, cidr, mark)

    async def routers_on(self, project_id: str, network_id: str) -> Sequence[str]:
        """Nobody plugs what is made here into a router: the invented routers have no client that changes them."""
        return []

    async def network_limits(self, project_id: str) -> Mapping[str, Used]:
        used = usage(await self._calls.rows(QUOTA, "network_limits", project_id), project_id)
        return {metric: used[metric] for metric in ("networks", "subnets") if metric in used}


def _living(present: Present, kind: str, mark: str) -> list[DemoObject]:
    return [one for one in present.made(kind) if one.deleted_at is None and one.attrs.get("mark") == mark]


def _ids(present: Present, network_id: str) -> tuple[str, ...]:
    made = [one for one in present.made(SUBNET) if one.deleted_at is None]
    return tuple(one.external_id for one in made if one.attrs["network_id"] == network_id)


def _overlaps(cidr: str, subnets: Sequence[Resource]) -> bool:
    new = ip_network(cidr)
    others = [ip_network(str(row.attrs["cidr"])) for row in subnets]
    return any(new.version == one.version and new.overlaps(one) for one in others)
