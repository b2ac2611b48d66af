"""Keystone: domains, projects, users, groups, roles, and who has which role where."""

from engines.clouds import Resource
from engines.clouds.openstack_calls import Json
from engines.clouds.openstack_words import enabled_state, known, utc


def project(row: Json) -> Resource | None:
    """None for a project that only stands for its domain."""
    if row.get("is_domain"):
        return None
    attrs = known(
        state=enabled_state(row.get("enabled")),
        enabled=row.get("enabled"),
        domain_id=row.get("domain_id"),
        tags=sorted(row.get("tags") or ()),
        description=row.get("description"),
    )
    return Resource("project", row["id"], row["name"], row["id"], attrs)


def domain(row: Json) -> Resource:
    attrs = known(
        state=enabled_state(row.get("enabled")), enabled=row.get("enabled"), description=row.get("description")
    )
    return Resource("domain", row["id"], row["name"], None, attrs)


def user(row: Json) -> Resource:
    attrs = known(
        state=enabled_state(row.get("enabled")),
        enabled=row.get("enabled"),
        domain_id=row.get("domain_id"),
        email=row.get("email"),
        default_project_id=row.get("default_project_id"),
        password_expires=utc(row.get("password_expires_at")),
        description=row.get("description"),
    )
    return Resource("user", row["id"], row["name"], None, attrs)


def group(row: Json, members: list[str]) -> Resource:
    attrs = known(domain_id=row.get("domain_id"), members=sorted(members), description=row.get("description"))
    return Resource("group", row["id"], row["name"], None, attrs)


def role(row: Json) -> Resource:
    attrs = known(domain_id=row.get("domain_id"), description=row.get("description"))
    return Resource("role", row["id"], row["name"], None, attrs)


def assignment_id(row: Json) -> str:
    """Keystone gives an assignment no id: role, holder and place are what makes one."""
    scope = row.get("scope") or {}
    where = next(
        (
            f"{place}:{(scope[place] or {}).get('id', 'all')}"
            for place in ("project", "domain", "system")
            if place in scope
        ),
        "nowhere",
    )
    holder = f"user:{row['user']['id']}" if row.get("user") else f"group:{row['group']['id']}"
    inherited = ":inherited" if scope.get("OS-INHERIT:inherited_to") else ""
    return f"{row['role']['id']}/{holder}/{where}{inherited}"


def role_assignment(row: Json) -> Resource:
    """The name is that of its parts, which resolving fills in."""
    scope = row.get("scope") or {}
    attrs = known(
        role_id=row["role"]["id"],
        user_id=(row.get("user") or {}).get("id"),
        group_id=(row.get("group") or {}).get("id"),
        domain_id=(scope.get("domain") or {}).get("id"),
        system="system" in scope,
        inherited=bool(scope.get("OS-INHERIT:inherited_to")),
    )
    return Resource("role_assignment", assignment_id(row), "", (scope.get("project") or {}).get("id"), attrs)
