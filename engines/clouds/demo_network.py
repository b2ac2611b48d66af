"""The demo cloud's networks and what hangs on them, as the inventory's fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from engines.clouds import Resource
from engines.clouds.demo_catalogue import OPENSTACK, VMWARE, Net, Source
from engines.clouds.demo_groups import Group, Rule, group_names, groups_of
from engines.clouds.demo_ids import Ids, ip
from engines.clouds.demo_listing import Listing, facts
from engines.clouds.demo_model import DAY, Vm, iso
from engines.clouds.demo_view import View


def _mine(view: View, source: Source) -> list[int]:
    return [n for n, p in enumerate(view.plan.projects) if p.source == source]


def _made(view: View) -> str:
    return iso(view.plan.epoch - 950 * DAY)


def networks(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    found = [
        _network(view, ids, number, place, net)
        for number in _mine(view, source)
        for place, net in enumerate(view.plan.projects[number].nets)
    ]
    if source == OPENSTACK:
        attrs = {
            "state": "up",
            "status": "ACTIVE",
            "admin_up": True,
            "shared": False,
            "external": True,
            "mtu": 1500,
            "network_type": "flat",
            "subnet_ids": [ids.of("subnet", "public")],
            "created": _made(view),
        }
        found.append(Resource("network", ids.public(), "public", None, attrs))
    return found


def _network(view: View, ids: Ids, number: int, place: int, net: Net) -> Resource:
    project = view.plan.projects[number]
    own = project.source == OPENSTACK
    attrs = facts(
        state="up",
        status="ACTIVE" if own else "green",
        admin_up=True,
        shared=False,
        external=False,
        mtu=1442 if own else 1500,
        network_type="geneve" if own else "vlan",
        segmentation_id=net.vlan,
        subnet_ids=None if project.source == VMWARE else [ids.of("subnet", f"{project.name}:{place}")],
        created=_made(view) if own else None,
    )
    return Resource("network", ids.network(number, place), net.name, ids.project(number), attrs)


def subnets(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    found = [
        _subnet(view, ids, f"{view.plan.projects[number].name}:{place}", net.name, net.cidr, number, place)
        for number in _mine(view, source)
        for place, net in enumerate(view.plan.projects[number].nets)
    ]
    if source == OPENSTACK:
        found.append(_subnet(view, ids, "public", "public", view.plan.public, None, 0))
    return found


def _subnet(view: View, ids: Ids, key: str, name: str, cidr: str, number: int | None, place: int) -> Resource:
    network = IPv4Network(cidr)
    first, last = int(network.network_address), int(network.broadcast_address)
    attrs = {
        "cidr": cidr,
        "gateway": ip(first + 1),
        "ip_version": 4,
        "dhcp": number is not None,
        "pools": [f"{ip(first + 2)}-{ip(last - 1)}"],
        "dns": ["10.250.255.53"] if number is not None else [],
        "parent_id": ids.public() if number is None else ids.network(number, place),
        "created": _made(view),
    }
    owner = None if number is None else ids.project(number)
    return Resource("subnet", ids.of("subnet", key), f"{name}-subnet", owner, attrs)


@dataclass(frozen=True, slots=True)
class _Port:
    key: str
    project: int
    net: int
    address: int
    owner: str
    vm: Vm | None = None


def ports(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    found = [
        _Port(f"{vm.key}:{n}", vm.project, net, address, "compute:nova", vm)
        for vm in view.vms_of(source)
        for n, (net, address) in enumerate(vm.nics)
    ]
    return Listing([*found, *service_ports(view, source)], lambda port: _port(view, ids, port))


def service_ports(view: View, source: Source) -> list[_Port]:
    """A router's and a DHCP server's on each network; one that nobody uses on every third project's."""
    found: list[_Port] = []
    for number in _mine(view, source):
        for place, net in enumerate(view.plan.projects[number].nets):
            base, key = int(IPv4Network(net.cidr).network_address), f"{number}:{place}"
            found.append(_Port(f"router:{key}", number, place, base + 1, "network:router_interface"))
            found.append(_Port(f"dhcp:{key}", number, place, base + 3, "network:dhcp"))
            if number % 3 == 0 and place == 0:
                found.append(_Port(f"unused:{key}", number, place, base + 35, ""))
    return found


def _port(view: View, ids: Ids, port: _Port) -> Resource:
    project = view.plan.projects[port.project]
    state = "up" if port.owner else "unused"
    if port.vm is not None and port.vm.state not in ("on", "paused"):
        state = "down"
    device = ids.vm(port.vm) if port.vm else (ids.of("device", port.key) if port.owner else None)
    if port.owner.startswith("network:router"):
        device = ids.of("router", project.name)
    groups = group_names(project, port.vm.role) if port.vm else []
    attrs = facts(
        state=state,
        status="ACTIVE" if state == "up" else "DOWN",
        mac=ids.mac(port.address),
        ips=[ip(port.address)],
        network_id=ids.network(port.project, port.net),
        parent_id=device,
        device_owner=port.owner,
        security_group_ids=sorted(ids.of("sg", f"{project.name}:{name}") for name in groups),
        created=iso(port.vm.born) if port.vm else _made(view),
    )
    return Resource("port", ids.of("port", port.key), "", ids.project(port.project), attrs)


def routers(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    return [
        Resource(
            "router",
            ids.of("router", view.plan.projects[number].name),
            f"edge-{nth}",
            ids.project(number),
            {
                "state": "up",
                "status": "ACTIVE",
                "admin_up": True,
                "external_network_id": ids.public(),
                "external_ips": [ip(address)],
                "description": f"Way out of {view.plan.projects[number].name}",
                "created": _made(view),
            },
        )
        for nth, (number, address) in enumerate(view.plan.routers.items(), 1)
    ]


def floating_ips(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    used = [(vm.project, vm.floating, vm) for vm in view.vms_of(source) if vm.floating is not None]
    unused = [(number, address, None) for number, address in view.plan.unused_floating]
    return Listing([*used, *unused], lambda item: _floating_ip(view, ids, *item))


def _floating_ip(view: View, ids: Ids, number: int, address: int, vm: Vm | None) -> Resource:
    attrs = facts(
        state="unused" if vm is None else "attached",
        status="DOWN" if vm is None else "ACTIVE",
        address=ip(address),
        fixed_ip=None if vm is None else ip(vm.nics[0][1]),
        network_id=ids.public(),
        parent_id=None if vm is None else ids.of("port", f"{vm.key}:0"),
        router_id=None if vm is None else ids.of("router", view.plan.projects[number].name),
        created=_made(view) if vm is None else iso(vm.born + 600),
    )
    return Resource("floating_ip", ids.of("fip", str(address)), ip(address), ids.project(number), attrs)


def security_groups(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    return [
        Resource(
            "security_group",
            _group_id(view, ids, number, group),
            group.name,
            ids.project(number),
            {"description": group.description, "created": _made(view)},
        )
        for number in _mine(view, source)
        for group in groups_of(view.plan.projects[number])
    ]


def _group_id(view: View, ids: Ids, number: int, group: Group) -> str:
    return ids.of("sg", f"{view.plan.projects[number].name}:{group.name}")


def security_group_rules(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    return [
        _rule(view, ids, number, group, place, rule)
        for number in _mine(view, source)
        for group in groups_of(view.plan.projects[number])
        for place, rule in enumerate(group.rules)
        if view.plan.epoch - rule.before * 3600 <= view.at
    ]


def _rule(view: View, ids: Ids, number: int, group: Group, place: int, rule: Rule) -> Resource:
    group_id = _group_id(view, ids, number, group)
    attrs = facts(
        parent_id=group_id,
        direction=rule.direction,
        family="IPv4",
        protocol=rule.protocol,
        port_min=rule.first,
        port_max=rule.last,
        remote_cidr=None if rule.remote == "self" else rule.remote,
        remote_group_id=group_id if rule.remote == "self" else None,
        description=rule.description,
        created=iso(view.plan.epoch - rule.before * 3600),
    )
    return Resource("security_group_rule", ids.of("rule", f"{group_id}:{place}"), "", ids.project(number), attrs)
