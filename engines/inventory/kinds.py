"""The kinds of resources: declared once, used by the clouds, the sync, the answers, the exports.

A field lives in `attrs` (facts, whose change is history) or in `derived` (names that were resolved, usage, times of
the last update: no history). `mask` says how a masked export must hide it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Type = Literal["text", "int", "float", "flag", "time", "list", "map", "mib", "gib", "bytes"]
Mask = Literal["", "name", "ip", "mac", "id", "mail"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind. `where` is the JSON column that holds it."""

    name: str
    title: str
    type: Type = "text"
    where: Literal["attrs", "derived"] = "attrs"
    mask: Mask = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource. `columns` is the list view; `size` the field that "largest" sorts by.

    `filters` are the slots of the catalogue that make sense for it: any other recognised filter is an error to be
    said, never ignored. `states` are the canonical states that it can have.
    """

    name: str
    singular: str
    plural: str
    fields: tuple[Field, ...]
    columns: tuple[str, ...]
    filters: frozenset[str]
    states: tuple[str, ...] = ()
    size: str = ""

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)


_PROJECT = (
    Field("project", "project", "text", "derived", "name"),
    Field("domain", "domain", "text", "derived", "name"),
)
_CREATED = (Field("created", "created", "time"),)
_STATE = (Field("state", "state"), Field("status", "cloud status"))
_DESCRIPTION = (Field("description", "description", "text", "attrs", "name"),)
_SCOPED = frozenset({"platform", "project", "domain", "since", "until"})
_PLAIN = frozenset({"platform", "since", "until"})

_VM = Kind(
    "vm",
    "VM",
    "VMs",
    (
        *_STATE,
        *_PROJECT,
        Field("flavor", "flavor", mask="name"),
        Field("flavor_id", "flavor id", mask="id"),
        Field("vcpus", "vCPU", "int"),
        Field("memory_mib", "memory", "mib"),
        Field("disk_gib", "disk", "gib"),
        Field("host", "host", mask="name"),
        Field("cluster", "cluster", mask="name"),
        Field("zone", "zone"),
        Field("os", "OS family"),
        Field("os_version", "OS"),
        Field("image_id", "image id", mask="id"),
        Field("image", "image", where="derived", mask="name"),
        Field("user_id", "created by (id)", mask="id"),
        Field("created_by", "created by", where="derived", mask="name"),
        Field("technical_owner", "technical owner", mask="name"),
        Field("business_owner", "business owner", mask="name"),
        # [{"ip", "mac", "network", "network_id", "type": "fixed"|"floating"}], sorted by ip
        Field("addresses", "addresses", "list", mask="ip"),
        # [volume external ids], sorted; derived: [{"id", "name", "size_gib", "device"}]
        Field("volume_ids", "volume ids", "list", mask="id"),
        Field("volumes", "volumes", "list", "derived", "name"),
        Field("security_groups", "security groups", "list", mask="name"),
        Field("tags", "tags", "list", mask="name"),
        Field("metadata", "metadata", "map", mask="name"),
        Field("key_name", "keypair", mask="name"),
        Field("server_group", "server group", mask="name"),
        Field("fault", "fault", mask="name"),
        Field("locked", "locked", "flag"),
        *_DESCRIPTION,
        *_CREATED,
        Field("updated", "updated", "time", "derived"),
    ),
    ("name", "state", "project", "domain", "flavor", "vcpus", "memory_mib", "host", "addresses"),
    _SCOPED | {"state", "host", "cluster", "network", "os", "tag", "owner", "vm", "volume", "user", "flavor", "image"},
    ("on", "off", "error", "paused", "suspended", "building", "shelved", "unknown"),
    "memory_mib",
)
_VOLUME = Kind(
    "volume",
    "volume",
    "volumes",
    (
        *_STATE,
        *_PROJECT,
        Field("size_gib", "size", "gib"),
        Field("volume_type", "type", mask="name"),
        Field("bootable", "bootable", "flag"),
        Field("encrypted", "encrypted", "flag"),
        Field("multiattach", "multi-attach", "flag"),
        Field("zone", "zone"),
        Field("parent_id", "VM id", mask="id"),  # the first VM that it is attached to
        Field("attachments", "attachments", "list", mask="id"),  # [{"vm_id", "device"}], sorted
        Field("vm", "VM", where="derived", mask="name"),  # names, joined by ", "
        Field("snapshot_id", "from snapshot", mask="id"),
        Field("image", "from image", mask="name"),
        Field("user_id", "created by (id)", mask="id"),
        Field("created_by", "created by", where="derived", mask="name"),
        Field("metadata", "metadata", "map", mask="name"),
        *_DESCRIPTION,
        *_CREATED,
        Field("updated", "updated", "time", "derived"),
    ),
    ("name", "state", "size_gib", "volume_type", "vm", "project", "domain", "created"),
    _SCOPED | {"state", "vm", "volume", "host"},
    ("attached", "unattached", "error", "building", "unknown"),
    "size_gib",
)
_SNAPSHOT = Kind(
    "snapshot",
    "snapshot",
    "snapshots",
    (
        *_STATE,
        *_PROJECT,
        Field("size_gib", "size", "gib"),
        Field("parent_id", "volume id", mask="id"),
        Field("volume", "volume", where="derived", mask="name"),
        Field("vm", "VM", where="derived", mask="name"),
        Field("metadata", "metadata", "map", mask="name"),
        *_DESCRIPTION,
        *_CREATED,
    ),
    ("name", "state", "size_gib", "volume", "vm", "project", "domain", "created"),
    _SCOPED | {"state", "vm", "volume"},
    ("available", "error", "building", "orphaned", "unknown"),
    "size_gib",
)
_NETWORK = Kind(
    "network",
    "network",
    "networks",
    (
        *_STATE,
        *_PROJECT,
        Field("admin_up", "enabled", "flag"),
        Field("shared", "shared", "flag"),
        Field("external", "external", "flag"),
        Field("mtu", "MTU", "int"),
        Field("network_type", "type"),
        Field("segmentation_id", "VLAN or segment", "int"),
        Field("subnet_ids", "subnet ids", "list", mask="id"),
        Field("subnets", "subnets", "list", "derived", "ip"),
        *_DESCRIPTION,
        *_CREATED,  # [cidr]
    ),
    ("name", "state", "project", "domain", "subnets", "shared", "external"),
    _SCOPED | {"state", "vm"},
    ("up", "down", "unknown"),
)
_SUBNET = Kind(
    "subnet",
    "subnet",
    "subnets",
    (
        *_PROJECT,
        Field("cidr", "range", mask="ip"),
        Field("gateway", "gateway", mask="ip"),
        Field("ip_version", "IP version", "int"),
        Field("dhcp", "DHCP", "flag"),
        Field("pools", "pools", "list", mask="ip"),
        Field("dns", "DNS servers", "list", mask="ip"),
        Field("parent_id", "network id", mask="id"),
        Field("network", "network", where="derived", mask="name"),
        *_CREATED,
    ),
    ("name", "cidr", "gateway", "network", "project", "domain", "dhcp"),
    _SCOPED | {"network"},
)
_PORT = Kind(
    "port",
    "port",
    "ports",
    (
        *_STATE,
        *_PROJECT,
        Field("mac", "MAC", mask="mac"),
        Field("ips", "addresses", "list", mask="ip"),
        Field("network_id", "network id", mask="id"),
        Field("network", "network", where="derived", mask="name"),
        Field("parent_id", "device id", mask="id"),
        Field("device_owner", "device owner"),
        Field("vm", "VM", where="derived", mask="name"),
        Field("security_group_ids", "security group ids", "list", mask="id"),
        *_CREATED,
    ),
    ("name", "state", "ips", "mac", "network", "vm", "project"),
    _SCOPED | {"state", "network", "vm"},
    ("up", "down", "unused", "unknown"),
)
_ROUTER = Kind(
    "router",
    "router",
    "routers",
    (
        *_STATE,
        *_PROJECT,
        Field("admin_up", "enabled", "flag"),
        Field("external_network_id", "external network id", mask="id"),
        Field("network", "external network", where="derived", mask="name"),
        Field("external_ips", "external addresses", "list", mask="ip"),
        *_DESCRIPTION,
        *_CREATED,
    ),
    ("name", "state", "network", "external_ips", "project", "domain"),
    _SCOPED | {"state", "network"},
    ("up", "down", "unknown"),
)
_FLOATING_IP = Kind(
    "floating_ip",
    "floating IP",
    "floating IPs",
    (
        *_STATE,
        *_PROJECT,
        Field("address", "address", mask="ip"),
        Field("fixed_ip", "fixed address", mask="ip"),
        Field("network_id", "network id", mask="id"),
        Field("network", "network", where="derived", mask="name"),
        Field("parent_id", "port id", mask="id"),
        Field("router_id", "router id", mask="id"),
        Field("vm", "VM", where="derived", mask="name"),
        *_DESCRIPTION,
        *_CREATED,
    ),
    ("name", "state", "fixed_ip", "vm", "network", "project", "domain"),
    _SCOPED | {"state", "network", "vm"},
    ("attached", "unused", "error", "unknown"),
)
_SECURITY_GROUP = Kind(
    "security_group",
    "security group",
    "security groups",
    (*_PROJECT, *_DESCRIPTION, *_CREATED, Field("rules", "rules", "int", "derived")),
    ("name", "rules", "project", "domain", "description"),
    _SCOPED | {"vm"},
)
_SECURITY_GROUP_RULE = Kind(
    "security_group_rule",
    "security group rule",
    "security group rules",
    (
        *_PROJECT,
        Field("parent_id", "group id", mask="id"),
        Field("security_group", "security group", where="derived", mask="name"),
        Field("direction", "direction"),
        Field("family", "family"),
        Field("protocol", "protocol"),
        Field("port_min", "from port", "int"),
        Field("port_max", "to port", "int"),
        Field("remote_cidr", "remote", mask="ip"),
        Field("remote_group_id", "remote group id", mask="id"),
        *_DESCRIPTION,
        *_CREATED,
    ),
    ("security_group", "direction", "protocol", "port_min", "port_max", "remote_cidr", "project"),
    _SCOPED | {"port"},
)
_HOST = Kind(
    "host",
    "host",
    "hosts",
    (
        *_STATE,
        Field("enabled", "enabled", "flag"),
        Field("disabled_reason", "disabled because", mask="name"),
        Field("cluster", "cluster", mask="name"),
        Field("zone", "zone"),
        Field("aggregates", "aggregates", "list", mask="name"),
        Field("hypervisor_type", "hypervisor"),
        Field("version", "version"),
        Field("ip", "address", mask="ip"),
        Field("vcpus", "cores", "int"),
        Field("memory_mib", "memory", "mib"),
        Field("disk_gib", "local disk", "gib"),
        # what the scheduler may give away is total * ratio - reserved (Placement's inventory of the provider)
        Field("cpu_ratio", "CPU overcommit", "float"),
        Field("memory_ratio", "memory overcommit", "float"),
        Field("disk_ratio", "disk overcommit", "float"),
        Field("vcpus_reserved", "cores reserved", "int"),
        Field("memory_reserved_mib", "memory reserved", "mib"),
        Field("disk_reserved_gib", "disk reserved", "gib"),
        Field("vcpus_used", "vCPU used", "int", "derived"),
        Field("memory_used_mib", "memory used", "mib", "derived"),
        Field("disk_used_gib", "disk used", "gib", "derived"),
        Field("vms", "VMs", "int", "derived"),
    ),
    ("name", "state", "enabled", "cluster", "vms", "vcpus_used", "vcpus", "memory_used_mib", "memory_mib"),
    _PLAIN | {"state", "cluster", "host"},
    ("up", "down", "disabled", "unknown"),
    "memory_mib",
)
_AGGREGATE = Kind(
    "aggregate",
    "host aggregate",
    "host aggregates",
    (
        Field("hosts", "hosts", "list", mask="name"),
        Field("zone", "zone"),
        Field("metadata", "metadata", "map", mask="name"),
        *_CREATED,
    ),
    ("name", "zone", "hosts"),
    _PLAIN | {"host"},
)
_CLUSTER = Kind(
    "cluster",
    "cluster",
    "clusters",
    (Field("hosts", "hosts", "int", "derived"), Field("state", "state"), Field("status", "cloud status")),
    ("name", "state", "hosts"),
    _PLAIN | {"state"},
    ("up", "down", "unknown"),
)
_DATASTORE = Kind(
    "datastore",
    "datastore",
    "datastores",
    (
        *_STATE,
        Field("size_gib", "size", "gib"),
        Field("free_gib", "free", "gib", "derived"),
        Field("cluster", "cluster", mask="name"),
    ),
    ("name", "state", "size_gib", "free_gib", "cluster"),
    _PLAIN | {"state", "cluster"},
    ("up", "down", "unknown"),
    "size_gib",
)
_FLAVOR = Kind(
    "flavor",
    "flavor",
    "flavors",
    (
        Field("vcpus", "vCPU", "int"),
        Field("memory_mib", "memory", "mib"),
        Field("disk_gib", "disk", "gib"),
        Field("ephemeral_gib", "ephemeral", "gib"),
        Field("swap_mib", "swap", "mib"),
        Field("public", "public", "flag"),
        Field("extra_specs", "extra specs", "map"),
        *_DESCRIPTION,
    ),
    ("name", "vcpus", "memory_mib", "disk_gib", "public"),
    _PLAIN,
    (),
    "memory_mib",
)
_IMAGE = Kind(
    "image",
    "image",
    "images",
    (
        *_STATE,
        *_PROJECT,
        Field("size_bytes", "size", "bytes"),
        Field("visibility", "visibility"),
        Field("os", "OS family"),
        Field("os_version", "OS"),
        Field("disk_format", "format"),
        Field("min_disk_gib", "min. disk", "gib"),
        Field("min_memory_mib", "min. memory", "mib"),
        Field("protected", "protected", "flag"),
        Field("checksum", "checksum", mask="id"),
        Field("properties", "properties", "map", mask="name"),
        *_CREATED,
        Field("updated", "updated", "time", "derived"),
    ),
    ("name", "state", "size_bytes", "visibility", "os", "project", "created"),
    _SCOPED | {"state", "os"},
    ("available", "building", "error", "disabled", "unknown"),
    "size_bytes",
)
_PROJECT_KIND = Kind(
    "project",
    "project",
    "projects",
    (
        *_STATE,
        Field("enabled", "enabled", "flag"),
        Field("domain_id", "domain id", mask="id"),
        Field("domain", "domain", where="derived", mask="name"),
        Field("tags", "tags", "list", mask="name"),
        *_DESCRIPTION,
    ),
    ("name", "domain", "state", "description"),
    _PLAIN | {"state", "domain", "tag"},
    ("enabled", "disabled"),
)
_DOMAIN = Kind(
    "domain",
    "domain",
    "domains",
    (*_STATE, Field("enabled", "enabled", "flag"), *_DESCRIPTION),
    ("name", "state", "description"),
    _PLAIN | {"state"},
    ("enabled", "disabled"),
)
_USER = Kind(
    "user",
    "user",
    "users",
    (
        *_STATE,
        Field("enabled", "enabled", "flag"),
        Field("domain_id", "domain id", mask="id"),
        Field("domain", "domain", where="derived", mask="name"),
        Field("email", "mail", mask="mail"),
        Field("default_project_id", "default project id", mask="id"),
        Field("password_expires", "password expires", "time"),
        *_DESCRIPTION,
    ),
    ("name", "domain", "state", "email"),
    _PLAIN | {"state", "domain"},
    ("enabled", "disabled"),
)
_GROUP = Kind(
    "group",
    "group",
    "groups",
    (
        Field("domain_id", "domain id", mask="id"),
        Field("domain", "domain", where="derived", mask="name"),
        Field("members", "members", "list", mask="name"),
        *_DESCRIPTION,
    ),
    ("name", "domain", "members", "description"),
    _PLAIN | {"domain"},
)
_ROLE = Kind(
    "role",
    "role",
    "roles",
    (Field("domain_id", "domain id", mask="id"), *_DESCRIPTION),
    ("name", "description"),
    _PLAIN,
)
_ROLE_ASSIGNMENT = Kind(
    "role_assignment",
    "role assignment",
    "role assignments",
    (
        # Resource.project_id is the project that the role is given on, None when it is on a domain or the system
        Field("role_id", "role id", mask="id"),
        Field("user_id", "user id", mask="id"),
        Field("group_id", "group id", mask="id"),
        Field("domain_id", "domain id", mask="id"),
        Field("system", "whole system", "flag"),
        Field("inherited", "inherited", "flag"),
        Field("role", "role", where="derived", mask="name"),
        Field("user", "user", where="derived", mask="name"),
        Field("group", "group", where="derived", mask="name"),
        *_PROJECT,
    ),
    ("role", "user", "group", "project", "domain", "inherited"),
    _PLAIN | {"project", "domain", "user", "role"},
)
_KEYPAIR = Kind(
    "keypair",
    "keypair",
    "keypairs",
    (
        Field("user_id", "user id", mask="id"),
        Field("user", "user", where="derived", mask="name"),
        Field("fingerprint", "fingerprint", mask="id"),
        Field("key_type", "type"),
        *_CREATED,
    ),
    ("name", "user", "key_type", "fingerprint"),
    _PLAIN | {"user"},
)
_SERVER_GROUP = Kind(
    "server_group",
    "server group",
    "server groups",
    (
        *_PROJECT,
        Field("policy", "policy"),
        Field("member_ids", "member ids", "list", mask="id"),
        Field("members", "members", "list", "derived", "name"),
    ),
    ("name", "policy", "members", "project", "domain"),
    _SCOPED | {"vm"},
)
_VOLUME_TYPE = Kind(
    "volume_type",
    "volume type",
    "volume types",
    (*_DESCRIPTION, Field("public", "public", "flag"), Field("extra_specs", "extra specs", "map")),
    ("name", "description", "public"),
    _PLAIN,
)
# One a project, named after it. limits and used have the same keys; -1 is "no limit"; used counts what is reserved too.
QUOTA_METRICS = (
    "vms",
    "cpu",
    "memory_mib",
    "volumes",
    "storage_gib",
    "snapshots",
    "networks",
    "subnets",
    "ports",
    "routers",
    "floating_ips",
    "security_groups",
    "security_group_rules",
    "server_groups",
)
_QUOTA = Kind(
    "quota",
    "quota",
    "quotas",
    (*_PROJECT, Field("limits", "limits", "map"), Field("used", "used", "map", "derived")),
    ("name", "domain", "limits", "used"),
    _PLAIN | {"project", "domain"},
)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        k.name: k
        for k in (
            _VM,
            _VOLUME,
            _SNAPSHOT,
            _NETWORK,
            _SUBNET,
            _PORT,
            _ROUTER,
            _FLOATING_IP,
            _SECURITY_GROUP,
            _SECURITY_GROUP_RULE,
            _HOST,
            _CLUSTER,
            _DATASTORE,
            _AGGREGATE,
            _FLAVOR,
            _IMAGE,
            _PROJECT_KIND,
            _DOMAIN,
            _USER,
            _GROUP,
            _ROLE,
            _ROLE_ASSIGNMENT,
            _KEYPAIR,
            _SERVER_GROUP,
            _VOLUME_TYPE,
            _QUOTA,
        )
    }
)
