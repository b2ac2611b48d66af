"""Names for ids: what points at what, filled in from a whole run and from what the database remembers.

Pure functions. What cannot be resolved stays absent: a name is never guessed, a count never zero for unknown.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from engines.clouds import Resource
from engines.inventory.books import Books
from engines.inventory.resolve_vms import vm, vm_references

Resolver = Callable[[Resource, Books], Resource]
# Kinds that may be pointed at without being in this run, by the field that does it: what `missing` looks for.
_REFERENCES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "volume": MappingProxyType({"user_id": "user"}),
        "snapshot": MappingProxyType({"parent_id": "volume"}),
        "volume_backup": MappingProxyType({"parent_id": "volume"}),
        "subnet": MappingProxyType({"parent_id": "network"}),
        "port": MappingProxyType({"network_id": "network"}),
        "router": MappingProxyType({"external_network_id": "network"}),
        "floating_ip": MappingProxyType({"network_id": "network", "parent_id": "port"}),
        "security_group_rule": MappingProxyType({"parent_id": "security_group"}),
        "user": MappingProxyType({"domain_id": "domain"}),
        "group": MappingProxyType({"domain_id": "domain"}),
        "project": MappingProxyType({"domain_id": "domain"}),
        "keypair": MappingProxyType({"user_id": "user"}),
        "role_assignment": MappingProxyType(
            {"role_id": "role", "user_id": "user", "group_id": "group", "domain_id": "domain"}
        ),
    }
)
# What resolving `kind` searches, beyond looking up ids: when one of these failed, all its living rows are needed.
NEEDED = frozenset(
    {
        "domain",
        "project",
        "user",
        "group",
        "role",
        "vm",
        "volume",
        "image",
        "flavor",
        "host",
        "network",
        "subnet",
        "port",
        "security_group",
        "security_group_rule",
        "server_group",
    }
)


def missing(listed: Mapping[str, list[Resource]]) -> dict[str, set[str]]:
    """{kind: ids} that this run points at and does not have itself: to be remembered from the database."""
    wanted: dict[str, set[str]] = {}
    for kind, rows in listed.items():
        for resource in rows:
            for target, external_id in _references(kind, resource):
                if external_id:
                    wanted.setdefault(target, set()).add(str(external_id))
    for kind, rows in listed.items():
        if kind in wanted:
            wanted[kind].difference_update(resource.external_id for resource in rows)
    return {kind: ids for kind, ids in wanted.items() if ids}


def _references(kind: str, resource: Resource) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("project", resource.project_id)]
    found += [(target, resource.attrs.get(field)) for field, target in _REFERENCES.get(kind, {}).items()]
    if kind == "vm":
        found += vm_references(resource)
    if kind == "server_group":
        found += [("vm", member) for member in resource.attrs.get("member_ids") or ()]
    if kind == "volume":
        found += [("vm", a.get("vm_id")) for a in resource.attrs.get("attachments") or ()]
    return found


def resolve(kind: str, rows: list[Resource], books: Books) -> list[Resource]:
    """The rows with every name that is known."""
    resolver = _RESOLVERS.get(kind, _owned)
    return [resolver(resource, books) for resource in rows]


def with_derived(resource: Resource, **names: Any) -> Resource:
    """The resource with those of the names that are known."""
    told = {name: value for name, value in names.items() if value is not None and value != ""}
    return replace(resource, derived={**resource.derived, **told}) if told else resource


def _owned(resource: Resource, books: Books) -> Resource:
    project = books.find("project", resource.project_id)
    if project is None:
        return resource
    domain = books.name("domain", project.attrs.get("domain_id"))
    return with_derived(resource, project=project.name, domain=domain)


def _vm(resource: Resource, books: Books) -> Resource:
    return _owned(vm(resource, books), books)


def _volume(resource: Resource, books: Books) -> Resource:
    names = [books.name("vm", a.get("vm_id")) for a in resource.attrs.get("attachments") or ()]
    return with_derived(
        _owned(resource, books),
        vm=", ".join(sorted({name for name in names if name})),
        created_by=books.name("user", resource.attrs.get("user_id")),
    )


def _snapshot(resource: Resource, books: Books) -> Resource:
    """Orphaned only when a complete listing of the volumes lacks the volume."""
    volume_id = resource.attrs.get("parent_id")
    volume = books.find("volume", volume_id)
    resolved = _owned(resource, books)
    if volume is not None:
        attached = _volume(volume, books).derived.get("vm")
        resolved = with_derived(resolved, volume=volume.name, vm=attached)
    if volume_id and books.is_gone("volume", volume_id) and resolved.attrs.get("state") == "available":
        # the VM that it last hung on says nothing about now
        derived = {name: value for name, value in resolved.derived.items() if name != "vm"}
        resolved = replace(resolved, attrs={**resolved.attrs, "state": "orphaned"}, derived=derived)
    return resolved


def _volume_backup(resource: Resource, books: Books) -> Resource:
    """Named after its volume, living or gone: it outlives it, and is none the worse for that."""
    volume = books.find("volume", resource.attrs.get("parent_id"))
    resolved = _owned(resource, books)
    if volume is None:
        return resolved
    return with_derived(resolved, volume=volume.name, vm=_volume(volume, books).derived.get("vm"))


def _network(resource: Resource, books: Books) -> Resource:
    return with_derived(_owned(resource, books), subnets=books.cidrs_of.get(resource.external_id))


def _on_network(field: str) -> Resolver:
    def resolver(resource: Resource, books: Books) -> Resource:
        return with_derived(_owned(resource, books), network=books.name("network", resource.attrs.get(field)))

    return resolver


def _port(resource: Resource, books: Books) -> Resource:
    return with_derived(
        _on_network("network_id")(resource, books), vm=books.name("vm", resource.attrs.get("parent_id"))
    )


def _floating_ip(resource: Resource, books: Books) -> Resource:
    port = books.find("port", resource.attrs.get("parent_id"))
    vm_name = books.name("vm", port.attrs.get("parent_id")) if port is not None else None
    return with_derived(_on_network("network_id")(resource, books), vm=vm_name)


def _security_group(resource: Resource, books: Books) -> Resource:
    rules = books.rules_of.get(resource.external_id, 0 if books.whole("security_group_rule") else None)
    return with_derived(_owned(resource, books), rules=rules)


def _security_group_rule(resource: Resource, books: Books) -> Resource:
    return with_derived(
        _owned(resource, books), security_group=books.name("security_group", resource.attrs.get("parent_id"))
    )


def _host(resource: Resource, books: Books) -> Resource:
    return with_derived(resource, vms=books.vms_on.get(resource.name, 0 if books.whole("vm") else None))


def _cluster(resource: Resource, books: Books) -> Resource:
    return with_derived(resource, hosts=books.hosts_in.get(resource.name, 0 if books.whole("host") else None))


def _in_domain(resource: Resource, books: Books) -> Resource:
    return with_derived(resource, domain=books.name("domain", resource.attrs.get("domain_id")))


def _keypair(resource: Resource, books: Books) -> Resource:
    return with_derived(resource, user=books.name("user", resource.attrs.get("user_id")))


def _server_group(resource: Resource, books: Books) -> Resource:
    names = [books.name("vm", member) for member in resource.attrs.get("member_ids") or ()]
    known = sorted(name for name in names if name)
    return with_derived(_owned(resource, books), members=known or None)


def _role_assignment(resource: Resource, books: Books) -> Resource:
    """Named after its role. The domain is the one that the role is given on, or that of the project."""
    attrs = resource.attrs
    role = books.name("role", attrs.get("role_id"))
    resolved = with_derived(
        _owned(resource, books),
        role=role,
        user=books.name("user", attrs.get("user_id")),
        group=books.name("group", attrs.get("group_id")),
    )
    resolved = with_derived(resolved, domain=books.name("domain", attrs.get("domain_id")))
    return replace(resolved, name=role or resolved.name or str(attrs.get("role_id") or ""))


_RESOLVERS: Mapping[str, Resolver] = MappingProxyType(
    {
        "vm": _vm,
        "volume": _volume,
        "snapshot": _snapshot,
        "volume_backup": _volume_backup,
        "network": _network,
        "subnet": _on_network("parent_id"),
        "port": _port,
        "router": _on_network("external_network_id"),
        "floating_ip": _floating_ip,
        "security_group": _security_group,
        "security_group_rule": _security_group_rule,
        "host": _host,
        "cluster": _cluster,
        "project": _in_domain,
        "user": _in_domain,
        "group": _in_domain,
        "keypair": _keypair,
        "server_group": _server_group,
        "role_assignment": _role_assignment,
    }
)
