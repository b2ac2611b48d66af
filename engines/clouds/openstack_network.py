"""Neutron: networks, subnets, ports, routers, floating IPs, security groups and their rules."""

from typing import Any

from engines.clouds import Resource
from engines.clouds.openstack_calls import Json
from engines.clouds.openstack_words import floating_ip_state, known, link_state, port_state, utc


def _project(row: Json) -> str | None:
    return row.get("project_id") or row.get("tenant_id") or None


def network(row: Json) -> Resource:
    status = str(row.get("status") or "")
    attrs = known(
        state=link_state(status, row.get("admin_state_up")),
        status=status,
        admin_up=row.get("admin_state_up"),
        shared=row.get("shared"),
        external=row.get("router:external"),
        mtu=row.get("mtu"),
        network_type=row.get("provider:network_type"),
        segmentation_id=row.get("provider:segmentation_id"),
        subnet_ids=sorted(row.get("subnets") or ()),
        description=row.get("description"),
        created=utc(row.get("created_at")),
    )
    return Resource("network", row["id"], row.get("name") or "", _project(row), attrs)


def subnet(row: Json) -> Resource:
    attrs = known(
        cidr=row.get("cidr"),
        gateway=row.get("gateway_ip"),
        ip_version=row.get("ip_version"),
        dhcp=row.get("enable_dhcp"),
        address_mode=row.get("ipv6_address_mode") or None,
        pools=[f"{pool['start']}-{pool['end']}" for pool in row.get("allocation_pools") or ()],
        dns=list(row.get("dns_nameservers") or ()),
        parent_id=row.get("network_id"),
        created=utc(row.get("created_at")),
    )
    return Resource("subnet", row["id"], row.get("name") or "", _project(row), attrs)


def port(row: Json) -> Resource:
    status, device = str(row.get("status") or ""), str(row.get("device_id") or "")
    attrs = known(
        state=port_state(status, device, row.get("admin_state_up")),
        status=status,
        mac=str(row.get("mac_address") or "").lower(),
        ips=_ips(row.get("fixed_ips")),
        network_id=row.get("network_id"),
        parent_id=device,
        device_owner=row.get("device_owner"),
        security_group_ids=sorted(row.get("security_groups") or ()),
        fixed=_fixed(row.get("fixed_ips")) or None,
        allowed_pairs=row.get("allowed_address_pairs") or None,
        port_security=row.get("port_security_enabled"),
        dns_name=row.get("dns_name") or None,
        created=utc(row.get("created_at")),
    )
    return Resource("port", row["id"], row.get("name") or "", _project(row), attrs)


def _ips(rows: Any) -> list[str]:
    return sorted(row["ip_address"] for row in rows or () if row.get("ip_address"))


def _fixed(rows: Any) -> list[dict[str, str]]:
    found = [
        {"ip": row["ip_address"], "subnet_id": row["subnet_id"]}
        for row in rows or ()
        if row.get("subnet_id") and row.get("ip_address")
    ]
    return sorted(found, key=lambda one: one["ip"])


def router(row: Json) -> Resource:
    status, gateway = str(row.get("status") or ""), row.get("external_gateway_info") or {}
    attrs = known(
        state=link_state(status, row.get("admin_state_up")),
        status=status,
        admin_up=row.get("admin_state_up"),
        external_network_id=gateway.get("network_id"),
        external_ips=_ips(gateway.get("external_fixed_ips")),
        description=row.get("description"),
        created=utc(row.get("created_at")),
    )
    return Resource("router", row["id"], row.get("name") or "", _project(row), attrs)


def floating_ip(row: Json) -> Resource:
    """Named by its address: Neutron gives a floating IP no name."""
    status = str(row.get("status") or "")
    attrs = known(
        state=floating_ip_state(status, row.get("port_id")),
        status=status,
        address=row.get("floating_ip_address"),
        fixed_ip=row.get("fixed_ip_address"),
        network_id=row.get("floating_network_id"),
        parent_id=row.get("port_id"),
        router_id=row.get("router_id"),
        description=row.get("description"),
        created=utc(row.get("created_at")),
    )
    return Resource("floating_ip", row["id"], row.get("floating_ip_address") or "", _project(row), attrs)


def security_group(row: Json) -> Resource:
    attrs = known(description=row.get("description"), created=utc(row.get("created_at")))
    return Resource("security_group", row["id"], row.get("name") or "", _project(row), attrs)


def security_group_rule(row: Json) -> Resource:
    """Named by what it lets through, such as `ingress tcp 22 from 0.0.0.0/0`.

    Neutron leaves out what is not limited: no protocol is any, and neither range nor group is the whole world.
    """
    limited = row.get("remote_ip_prefix") or row.get("remote_group_id") or row.get("remote_address_group_id")
    anywhere = "::/0" if row.get("ethertype") == "IPv6" else "0.0.0.0/0"
    attrs = known(
        parent_id=row.get("security_group_id"),
        direction=row.get("direction"),
        family=row.get("ethertype"),
        protocol=row.get("protocol") or "any",
        port_min=row.get("port_range_min"),
        port_max=row.get("port_range_max"),
        remote_cidr=row.get("remote_ip_prefix") if limited else anywhere,
        remote_group_id=row.get("remote_group_id"),
        description=row.get("description"),
        created=utc(row.get("created_at")),
    )
    return Resource("security_group_rule", row["id"], _rule_name(attrs), _project(row), attrs)


def _rule_name(attrs: dict[str, Any]) -> str:
    low, high = attrs.get("port_min"), attrs.get("port_max")
    ports = "" if low is None else f" {low}" if low == high else f" {low}-{high}"
    toward = "to" if attrs.get("direction") == "egress" else "from"
    remote = attrs.get("remote_cidr") or "group"
    return f"{attrs.get('direction', '')} {attrs['protocol']}{ports} {toward} {remote}".strip()
