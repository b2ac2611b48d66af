"""Kinds: networks and what may pass."""

from engines.inventory.fields import CREATED, DESCRIPTION, PROJECT, SCOPED, STATE, Field, Kind

NETWORK = Kind(
    "network",
    "network",
    "networks",
    (
        *STATE,
        *PROJECT,
        Field("admin_up", "enabled", "flag"),
        Field("shared", "shared", "flag"),
        Field("external", "external", "flag"),
        Field("mtu", "MTU", "int"),
        Field("network_type", "type"),
        Field("segmentation_id", "VLAN or segment", "int"),
        Field("subnet_ids", "subnet ids", "list", mask="id"),
        Field("subnets", "subnets", "list", "derived", "ip"),
        *DESCRIPTION,
        *CREATED,  # [cidr]
    ),
    ("name", "state", "project", "domain", "subnets", "shared", "external"),
    SCOPED | {"state", "vm"},
    ("up", "down", "unknown"),
)
SUBNET = Kind(
    "subnet",
    "subnet",
    "subnets",
    (
        *PROJECT,
        Field("cidr", "range", mask="ip"),
        Field("gateway", "gateway", mask="ip"),
        Field("ip_version", "IP version", "int"),
        Field("dhcp", "DHCP", "flag"),
        Field("address_mode", "IPv6 addresses by"),
        Field("pools", "pools", "list", mask="ip"),
        Field("dns", "DNS servers", "list", mask="ip"),
        Field("parent_id", "network id", mask="id"),
        Field("network", "network", where="derived", mask="name"),
        *CREATED,
    ),
    ("name", "cidr", "gateway", "network", "project", "domain", "dhcp"),
    SCOPED | {"network"},
)
PORT = Kind(
    "port",
    "port",
    "ports",
    (
        *STATE,
        *PROJECT,
        Field("mac", "MAC", mask="mac"),
        Field("ips", "addresses", "list", mask="ip"),
        Field("network_id", "network id", mask="id"),
        Field("network", "network", where="derived", mask="name"),
        Field("parent_id", "device id", mask="id"),
        Field("device_owner", "device owner"),
        Field("vm", "VM", where="derived", mask="name"),
        Field("security_group_ids", "security group ids", "list", mask="id"),
        Field("fixed", "addresses with subnets", "list", mask="ip"),  # [{"ip", "subnet_id"}]
        Field("allowed_pairs", "allowed address pairs", "list", mask="ip"),
        Field("port_security", "port security", "flag"),
        Field("dns_name", "DNS name", mask="name"),
        *CREATED,
    ),
    ("name", "state", "ips", "mac", "network", "vm", "project"),
    SCOPED | {"state", "network", "vm"},
    ("up", "down", "unused", "unknown"),
)
ROUTER = Kind(
    "router",
    "router",
    "routers",
    (
        *STATE,
        *PROJECT,
        Field("admin_up", "enabled", "flag"),
        Field("external_network_id", "external network id", mask="id"),
        Field("network", "external network", where="derived", mask="name"),
        Field("external_ips", "external addresses", "list", mask="ip"),
        *DESCRIPTION,
        *CREATED,
    ),
    ("name", "state", "network", "external_ips", "project", "domain"),
    SCOPED | {"state", "network"},
    ("up", "down", "unknown"),
)
FLOATING_IP = Kind(
    "floating_ip",
    "floating IP",
    "floating IPs",
    (
        *STATE,
        *PROJECT,
        Field("address", "address", mask="ip"),
        Field("fixed_ip", "fixed address", mask="ip"),
        Field("network_id", "network id", mask="id"),
        Field("network", "network", where="derived", mask="name"),
        Field("parent_id", "port id", mask="id"),
        Field("router_id", "router id", mask="id"),
        Field("vm", "VM", where="derived", mask="name"),
        *DESCRIPTION,
        *CREATED,
    ),
    ("name", "state", "fixed_ip", "vm", "network", "project", "domain"),
    SCOPED | {"state", "network", "vm"},
    ("attached", "unused", "error", "unknown"),
)
SECURITY_GROUP = Kind(
    "security_group",
    "security group",
    "security groups",
    (*PROJECT, *DESCRIPTION, *CREATED, Field("rules", "rules", "int", "derived")),
    ("name", "rules", "project", "domain", "description"),
    SCOPED | {"vm"},
)
SECURITY_GROUP_RULE = Kind(
    "security_group_rule",
    "security group rule",
    "security group rules",
    (
        *PROJECT,
        Field("parent_id", "group id", mask="id"),
        Field("security_group", "security group", where="derived", mask="name"),
        Field("direction", "direction"),
        Field("family", "family"),
        Field("protocol", "protocol"),
        Field("port_min", "from port", "int"),
        Field("port_max", "to port", "int"),
        Field("remote_cidr", "remote", mask="ip"),
        Field("remote_group_id", "remote group id", mask="id"),
        *DESCRIPTION,
        *CREATED,
    ),
    ("security_group", "direction", "protocol", "port_min", "port_max", "remote_cidr", "project"),
    SCOPED | {"port"},
)

NETWORK_KINDS: tuple[Kind, ...] = (NETWORK, SUBNET, PORT, ROUTER, FLOATING_IP, SECURITY_GROUP, SECURITY_GROUP_RULE)
