"""Kinds: projects, people, roles, quotas."""

from engines.inventory.fields import DESCRIPTION, PLAIN, PROJECT, STATE, Field, Kind

PROJECT_KIND = Kind(
    "project",
    "project",
    "projects",
    (
        *STATE,
        Field("enabled", "enabled", "flag"),
        Field("domain_id", "domain id", mask="id"),
        Field("domain", "domain", where="derived", mask="name"),
        Field("tags", "tags", "list", mask="name"),
        *DESCRIPTION,
    ),
    ("name", "domain", "state", "description"),
    PLAIN | {"state", "domain", "tag"},
    ("enabled", "disabled"),
)
DOMAIN = Kind(
    "domain",
    "domain",
    "domains",
    (*STATE, Field("enabled", "enabled", "flag"), *DESCRIPTION),
    ("name", "state", "description"),
    PLAIN | {"state"},
    ("enabled", "disabled"),
)
USER = Kind(
    "user",
    "user",
    "users",
    (
        *STATE,
        Field("enabled", "enabled", "flag"),
        Field("domain_id", "domain id", mask="id"),
        Field("domain", "domain", where="derived", mask="name"),
        Field("email", "mail", mask="mail"),
        Field("default_project_id", "default project id", mask="id"),
        Field("password_expires", "password expires", "time"),
        *DESCRIPTION,
    ),
    ("name", "domain", "state", "email"),
    PLAIN | {"state", "domain"},
    ("enabled", "disabled"),
)
GROUP = Kind(
    "group",
    "group",
    "groups",
    (
        Field("domain_id", "domain id", mask="id"),
        Field("domain", "domain", where="derived", mask="name"),
        Field("members", "members", "list", mask="name"),
        *DESCRIPTION,
    ),
    ("name", "domain", "members", "description"),
    PLAIN | {"domain"},
)
ROLE = Kind(
    "role",
    "role",
    "roles",
    (Field("domain_id", "domain id", mask="id"), *DESCRIPTION),
    ("name", "description"),
    PLAIN,
)
ROLE_ASSIGNMENT = Kind(
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
        *PROJECT,
    ),
    ("role", "user", "group", "project", "domain", "inherited"),
    PLAIN | {"project", "domain", "user", "role"},
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

QUOTA = Kind(
    "quota",
    "quota",
    "quotas",
    (*PROJECT, Field("limits", "limits", "map"), Field("used", "used", "map", "derived")),
    ("name", "domain", "limits", "used"),
    PLAIN | {"project", "domain"},
)

IDENTITY_KINDS: tuple[Kind, ...] = (PROJECT_KIND, DOMAIN, USER, GROUP, ROLE, ROLE_ASSIGNMENT, QUOTA)
