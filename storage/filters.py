"""Conditions on resources, as columns: what a filter of a question means in the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, and_, case, cast, exists, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.functions import FunctionElement

from storage.scopes import Scope, visible
from storage.tables import address, folded_tags, resource

Ref = tuple[str, str]
"""(source, external id) of a resource; the kind is known from where it stands."""


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions on resources of one kind; all must hold. An empty or None field is no condition.

    `states` are any of; `created_*` compare the creation time, for kinds that have one, else the first sighting.
    `owner` and `tag` compare without regard to case. Refs are (source, external id).
    """

    kind: str
    platform: str = ""
    projects: tuple[Ref, ...] = ()
    domains: tuple[Ref, ...] = ()
    states: tuple[str, ...] = ()
    disabled: bool | None = None
    host: tuple[Ref, ...] = ()  # (source, host's name)
    cluster: tuple[Ref, ...] = ()  # (source, cluster's name)
    os: str = ""
    tag: str = ""
    owner: str = ""
    networks: tuple[Ref, ...] = ()
    vms: tuple[Ref, ...] = ()
    volumes: tuple[Ref, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    created_since: datetime | None = None
    created_until: datetime | None = None


def items_of(value: ColumnElement[Any]) -> FunctionElement[Any]:
    """The texts of a JSON array, one a row; none of anything else that a platform may have put there."""
    empty = cast(literal("[]", Text), JSONB)
    return func.jsonb_array_elements_text(case((func.jsonb_typeof(value) == "array", value), else_=empty))


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def in_domains(domains: Sequence[Ref]) -> ColumnElement[bool]:
    home = resource.alias("home")
    projects = select(home.c.source, home.c.external_id).where(
        home.c.kind == "project",
        home.c.deleted_at.is_(None),
        tuple_(home.c.source, home.c.attrs["domain_id"].astext).in_(domains),
    )
    return or_(
        tuple_(resource.c.source, resource.c.project_id).in_(projects),
        tuple_(resource.c.source, resource.c.attrs["domain_id"].astext).in_(domains),
    )


def _refers(kept: FromClause, value: ColumnElement[Any], refs: Sequence[Ref]) -> ColumnElement[bool]:
    """A field that holds one of these ids, in the id's own source: short ids are the same in many sources."""
    return tuple_(kept.c.source, value).in_(refs)


def _on_networks(networks: Sequence[Ref]) -> ColumnElement[bool]:
    r = resource.c
    mine = tuple_(r.source, address.c.network_id).in_(networks)
    by_address = exists().where(address.c.resource_id == r.id, mine)
    by_field = or_(
        *(_refers(resource, r.attrs[name].astext, networks) for name in ("network_id", "external_network_id"))
    )
    by_parent = and_(r.kind == "subnet", _refers(resource, r.parent_id, networks))
    return or_(by_address, by_field, by_parent)


def _of_vms(kind: str, vms: Sequence[Ref]) -> ColumnElement[bool]:
    """What belongs to VMs: its volumes and ports by parent, their copies by their volume, floating IPs by port."""
    step = resource.alias("step")
    these = and_(step.c.kind == "vm", step.c.deleted_at.is_(None), _refers(step, step.c.external_id, vms))
    if kind in ("snapshot", "volume_backup", "floating_ip"):
        between = "port" if kind == "floating_ip" else "volume"
        parents = select(step.c.source, step.c.external_id).where(
            step.c.kind == between, step.c.deleted_at.is_(None), _refers(step, step.c.parent_id, vms)
        )
        direct = _refers(resource, resource.c.attrs["vm_id"].astext, vms)
        return or_(tuple_(resource.c.source, resource.c.parent_id).in_(parents), direct)
    if kind == "network":
        used = select(step.c.source, address.c.network_id).join(step, step.c.id == address.c.resource_id)
        return tuple_(resource.c.source, resource.c.external_id).in_(used.where(these))
    if kind == "security_group":
        name = items_of(step.c.attrs["security_groups"])
        mine = select(step.c.source, step.c.project_id, name).where(these)
        return tuple_(resource.c.source, resource.c.project_id, resource.c.name).in_(mine)
    if kind == "server_group":
        return _lists("member_ids", vms)
    return _refers(resource, resource.c.external_id if kind == "vm" else resource.c.parent_id, vms)


def _of_volumes(kind: str, volumes: Sequence[Ref]) -> ColumnElement[bool]:
    if kind == "vm":
        return _lists("volume_ids", volumes)
    return _refers(resource, resource.c.external_id if kind == "volume" else resource.c.parent_id, volumes)


def _lists(name: str, refs: Sequence[Ref]) -> ColumnElement[bool]:
    held = resource.c.attrs[name]
    return or_(*(and_(resource.c.source == source, held.contains([one])) for source, one in refs))


def _owned_by(owner: str) -> ColumnElement[bool]:
    who = owner.lower()
    return or_(
        func.lower(resource.c.attrs["technical_owner"].astext) == who,
        func.lower(resource.c.attrs["business_owner"].astext) == who,
        func.lower(resource.c.derived["created_by"].astext) == who,
    )


def _created(where: Where) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if where.created_since is not None:
        known = resource.c.created >= _time(where.created_since)
        conditions.append(or_(known, and_(resource.c.created.is_(None), resource.c.first_seen >= where.created_since)))
    if where.created_until is not None:
        known = resource.c.created < _time(where.created_until)
        conditions.append(or_(known, and_(resource.c.created.is_(None), resource.c.first_seen < where.created_until)))
    return conditions


def conditions(scope: Scope, where: Where) -> list[ColumnElement[bool]]:
    """All conditions of `where`, with what the scope may see."""
    r = resource.c
    cluster_hosts = resource.alias("cluster_hosts")
    in_cluster = select(cluster_hosts.c.source, cluster_hosts.c.name).where(
        cluster_hosts.c.kind == "host",
        cluster_hosts.c.deleted_at.is_(None),
        tuple_(cluster_hosts.c.source, cluster_hosts.c.cluster).in_(where.cluster),
    )
    optional: list[tuple[object, ColumnElement[bool]]] = [
        (where.platform, r.platform == where.platform),
        (where.projects, tuple_(r.source, r.project_id).in_(where.projects)),
        (where.domains, in_domains(where.domains)),
        (where.states, r.state.in_(where.states)),
        (where.disabled is not None, r.attrs["enabled"].astext == ("false" if where.disabled else "true")),
        (where.host, tuple_(r.source, r.host if where.kind != "host" else r.name).in_(where.host)),
        (
            where.cluster,
            or_(tuple_(r.source, r.cluster).in_(where.cluster), tuple_(r.source, r.host).in_(in_cluster)),
        ),
        (where.os, r.os == where.os),
        (where.tag, folded_tags.has_key(where.tag.lower())),
        (where.owner, _owned_by(where.owner)),
    ]
    kept = [condition for wanted, condition in optional if wanted]
    if where.networks:
        kept.append(_on_networks(where.networks))
    if where.vms:
        kept.append(_of_vms(where.kind, where.vms))
    if where.volumes:
        kept.append(_of_volumes(where.kind, where.volumes))
    if where.attrs:
        kept.append(r.attrs.contains(dict(where.attrs)))
    return [r.kind == where.kind, r.deleted_at.is_(None), *kept, *_created(where), visible(scope)]
