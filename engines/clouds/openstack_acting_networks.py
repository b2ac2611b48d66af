"""Networks without a way out, made in Neutron as the service user inside of one project."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from engines.clouds.acting import ActError, Used
from engines.clouds.acting_networks import NetworkState, SubnetState
from engines.clouds.openstack_projects import Json, Listing, ProjectCalls

_NEUTRON = "network"
_ROUTER_PORTS = ("network:router_interface", "network:ha_router_replicated_interface",
                 "network:router_interface_distributed")  # fmt: skip
_METRICS = {"networks": "network", "subnets": "subnet"}


class OpenStackActingNetworks:
    """Beside the other clients of the same source, over the same logins."""

    def __init__(self, calls: ProjectCalls) -> None:
        self._calls = calls

    async def marked_networks(self, project_id: str, mark: str) -> Sequence[NetworkState]:
        rows = await self._marked(project_id, "/networks", "networks", mark)
        return [_network(row) for row in rows]

    async def create_network(self, project_id: str, name: str, mark: str) -> NetworkState:
        wanted = {"name": name, "description": mark, "shared": False}
        answer = await self._calls.change(project_id, "POST", _NEUTRON, "/networks", {"network": wanted})
        return _network(_made(answer, "network"))

    async def delete_network(self, project_id: str, network_id: str, mark: str) -> None:
        path = f"/networks/{quote(network_id, safe='')}"
        row = await self._found(project_id, path, "network")
        if row is None:
            return
        if not mark or _owner(row) != project_id or row.get("description") != mark:
            raise ActError("refused", f"network {network_id} was not made here and is not deleted",
                           "delete it in the cloud itself")  # fmt: skip
        try:
            await self._calls.change(project_id, "DELETE", _NEUTRON, path)
        except ActError as error:
            if error.reason != "gone":
                raise

    async def marked_subnets(self, project_id: str, mark: str) -> Sequence[SubnetState]:
        return [_subnet(row) for row in await self._marked(project_id, "/subnets", "subnets", mark)]

    async def create_subnet(self, project_id: str, network_id: str, cidr: str, name: str, mark: str) -> SubnetState:
        version = 6 if ":" in cidr else 4
        wanted = {
            "network_id": network_id, "cidr": cidr, "name": name, "description": mark, "ip_version": version,
            "gateway_ip": None, "enable_dhcp": version == 4,
        }  # fmt: skip
        answer = await self._calls.change(project_id, "POST", _NEUTRON, "/subnets", {"subnet": wanted})
        return _subnet(_made(answer, "subnet"))

    async def routers_on(self, project_id: str, network_id: str) -> Sequence[str]:
        only = ("network_id", network_id)
        rows = await self._calls.rows(project_id, Listing(_NEUTRON, "/ports", "ports", (only,)))
        there = [row for row in rows if row.get("network_id") == network_id]
        return sorted({str(row["device_id"]) for row in there if row.get("device_owner") in _ROUTER_PORTS})

    async def network_limits(self, project_id: str) -> Mapping[str, Used]:
        try:
            path = f"/quotas/{quote(project_id, safe='')}/details.json"
            quota = (await self._calls.read(project_id, _NEUTRON, path)).get("quota") or {}
        except ActError as error:
            if error.reason in ("refused", "gone"):  # only an administrator may read it, or there is no such call
                return {}
            raise
        return {metric: _used(quota[name]) for metric, name in _METRICS.items() if isinstance(quota.get(name), dict)}

    async def _marked(self, project_id: str, path: str, key: str, mark: str) -> list[Json]:
        """Looked at here once more: a cloud that does not know the filter lists all."""
        rows = await self._calls.rows(project_id, Listing(_NEUTRON, path, key, (("description", mark),)))
        mine = [row for row in rows if _owner(row) == project_id and row.get("description") == mark]
        return sorted(mine, key=lambda row: str(row["id"]))

    async def _found(self, project_id: str, path: str, key: str) -> Json | None:
        try:
            row = (await self._calls.read(project_id, _NEUTRON, path)).get(key)
        except ActError as error:
            if error.reason == "gone":
                return None
            raise
        if not isinstance(row, dict):
            raise ActError("unexpected", f"the answer to {path} holds no {key}", "check Neutron's log")
        return row


def _network(row: Json) -> NetworkState:
    subnets = tuple(str(one) for one in row.get("subnets") or ())
    return NetworkState(str(row["id"]), str(row.get("name") or ""), str(row.get("description") or ""), subnets)


def _subnet(row: Json) -> SubnetState:
    cidr = str(row.get("cidr") or "")
    return SubnetState(str(row["id"]), str(row.get("network_id") or ""), cidr, str(row.get("description") or ""))


def _made(answer: Json, key: str) -> Json:
    row = answer.get(key)
    if not isinstance(row, dict) or not row.get("id"):
        raise ActError("unexpected", f"the answer to a new {key} holds none", "look whether it was made",
                       maybe_done=True)  # fmt: skip
    return row


def _owner(row: Json) -> str:
    return str(row.get("project_id") or row.get("tenant_id") or "")


def _used(row: Mapping[str, Any]) -> Used:
    limit, used = row.get("limit"), row.get("used")
    return Used(limit if isinstance(limit, int) and limit >= 0 else None, used if isinstance(used, int) else None)
