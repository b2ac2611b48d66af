"""Ports and floating IPs of the invented OpenStack: an address and a MAC are held by one port of a network."""

import uuid
from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from engines.clouds import Resource
from engines.clouds.acting_servers import FloatingState, NewPort, PortState
from engines.clouds.demo_calls import Changing, DemoCalls, busy, gone, refused
from engines.clouds.demo_present import FLOATING, PORT, VM, Present
from engines.clouds.demo_present_ports import goes_with_its_vm
from engines.clouds.demo_words import floating_state, is_of_vm, port_state, subnet_of

_NAMES = range(4, 40)
"""Last parts of addresses that the invented cloud gives to nothing but names: what is made gets the free ones."""


class DemoPorts:
    """The half of the client that changes networks."""

    _calls: DemoCalls

    async def port(self, project_id: str, port_id: str) -> PortState | None:
        def told(present: Present) -> PortState | None:
            row = present.one(PORT, port_id)
            return None if row is None else port_state(present, row)

        return await self._calls.reading("port", project_id, port_id, told)

    async def ports_of(self, project_id: str, server_id: str) -> Sequence[PortState]:
        def told(present: Present) -> list[PortState]:
            return [port_state(present, row) for row in present.rows(PORT) if is_of_vm(row, server_id)]

        return await self._calls.reading("ports_of", project_id, server_id, told)

    async def marked_ports(self, project_id: str, mark: str) -> Sequence[PortState]:
        def told(present: Present) -> list[PortState]:
            ours = [row for row in present.rows(PORT) if row.external_id in present.objects(PORT)]
            return [one for one in (port_state(present, row) for row in ours) if one.mark == mark]

        return await self._calls.reading("marked_ports", project_id, "", told)

    async def create_port(self, project_id: str, new: NewPort) -> PortState:
        async with self._calls.changing("create_port", project_id, new.network_id) as now:
            mine = [row for row in await now.rows("subnet") if row.attrs["parent_id"] == new.network_id]
            if await now.one("network", new.network_id) is None or not mine:
                raise gone("network", new.network_id, project_id)
            known = {row.external_id for row in await now.rows("security_group")}
            if not set(new.security_groups or ()) <= known:
                raise refused("Neutron answered: a security group does not exist", code=404)
            await now.spend("Neutron", ports=1)
            there = [row for row in await now.rows(PORT) if row.attrs["network_id"] == new.network_id]
            fixed, id_ = _addresses(new, mine, there), str(uuid.uuid4())
            mac = _mac(new, there, id_)
            groups = [] if new.security_groups is None else list(new.security_groups)
            told = {"network_id": new.network_id, "fixed": fixed, "mac": mac, "groups": groups, "mark": new.mark}
            await now.make(PORT, id_, new.name, {**told, "vm_id": ""})
        pairs = tuple((ip, subnet) for ip, subnet in fixed)
        return PortState(id_, new.name, new.network_id, mac, pairs, "", "DOWN", new.mark, tuple(groups))

    async def delete_port(self, project_id: str, port_id: str) -> None:
        async with self._calls.changing("delete_port", project_id, port_id) as now:
            row = await now.one(PORT, port_id)
            if row is None:
                return
            if not port_state(now.present, row).mark:
                raise refused(f"port {port_id} was not made here and is not deleted", "delete it in the cloud", 403)
            await now.delete(PORT, port_id)

    async def plug_port(self, project_id: str, server_id: str, port_id: str) -> None:
        async with self._calls.changing("plug_port", project_id, port_id) as now:
            if await now.one(VM, server_id) is None:
                raise gone("VM", server_id, project_id)
            await self._free_port(now, port_id)
            await now.set(PORT, port_id, vm_id=server_id)

    async def _free_port(self, now: Changing, port_id: str) -> Resource:
        row = await now.one(PORT, port_id)
        if row is None:
            raise gone("port", port_id, now.project_id)
        if row.attrs.get("parent_id"):
            raise busy(f"Neutron answered: Port {port_id} is still in use")
        return row

    async def unplug_port(self, project_id: str, server_id: str, port_id: str) -> None:
        async with self._calls.changing("unplug_port", project_id, port_id) as now:
            row = await now.one(PORT, port_id)
            if row is None or not is_of_vm(row, server_id):
                raise gone("port", port_id, project_id)
            one = now.present.objects(PORT).get(port_id)
            invented = one is None or one.made_at is None
            if invented and goes_with_its_vm(port_id):
                await now.delete(PORT, port_id)
            else:
                await now.set(PORT, port_id, vm_id="")

    async def floating_ip(self, project_id: str, floating_id: str) -> FloatingState | None:
        row = await self._calls.one(FLOATING, "floating_ip", project_id, floating_id)
        return None if row is None else floating_state(row)

    async def lead_floating_ip(self, project_id: str, floating_id: str, port_id: str, fixed_ip: str = "") -> None:
        async with self._calls.changing("lead_floating_ip", project_id, floating_id) as now:
            if await now.one(FLOATING, floating_id) is None:
                raise gone("floating IP", floating_id, project_id)
            port = await now.one(PORT, port_id) if port_id else None
            if port_id and port is None:
                raise gone("port", port_id, project_id)
            ips = list(port.attrs["ips"]) if port is not None else []
            if fixed_ip and fixed_ip not in ips:
                raise refused(f"Neutron answered: port {port_id} has no fixed IP {fixed_ip}")
            await now.set(FLOATING, floating_id, port_id=port_id, fixed_ip=fixed_ip or next(iter(ips), ""))


def _addresses(new: NewPort, subnets: Sequence[Resource], there: Sequence[Resource]) -> list[tuple[str, str]]:
    """(address, subnet id) of a new port; raises ActError for one that is taken, or that its network does not have."""
    taken = {str(ip) for row in there for ip in row.attrs["ips"]}
    found = []
    for ip, subnet_id in new.fixed or (("", ""),):
        if ip and ip in taken:
            raise busy(f"Neutron answered: IP address {ip} already allocated in subnet")
        if ip and not _is_inside(ip, subnets):
            raise refused(f"Neutron answered: IP address {ip} is not valid for any subnet of {new.network_id}")
        chosen = [row for row in subnets if subnet_id in ("", row.external_id)]
        if not chosen:
            raise refused(f"Neutron answered: subnet {subnet_id} is not of network {new.network_id}")
        address = ip or next((one for one in _free(chosen[0]) if one not in taken), "")
        if not address:
            raise busy(f"Neutron answered: No more IP addresses available on network {new.network_id}")
        taken.add(address)
        found.append((address, subnet_of(subnets, address)))
    return found


def _is_inside(ip: str, subnets: Sequence[Resource]) -> bool:
    try:
        return bool(subnet_of(subnets, ip))
    except ValueError:
        return False


def _free(subnet: Resource) -> Iterator[str]:
    """What nothing invented will ever get comes first."""
    network = ip_network(str(subnet.attrs["cidr"]))
    yield from (str(network[number]) for number in _NAMES if number < network.num_addresses - 1)
    yield from (str(network[number]) for number in range(40, min(network.num_addresses - 1, 65_536)))


def _mac(new: NewPort, there: Sequence[Resource], port_id: str) -> str:
    taken = {str(row.attrs.get("mac")).lower() for row in there}
    if new.mac:
        if new.mac.lower() in taken:
            raise busy(f"Neutron answered: Unable to complete operation, the mac address {new.mac} is in use")
        return new.mac.lower()
    tail = port_id.replace("-", "")
    return f"fa:16:3f:{tail[:2]}:{tail[2:4]}:{tail[4:6]}"
