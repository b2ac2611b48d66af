"""Who sees what, as a condition of the query: nothing foreign ever leaves the database."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, false, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import resource

_OF_DOMAINS = ("user", "group", "role_assignment", "role")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a right holds: everywhere (no source), on a domain of a source, or on a project of a source."""

    source: str | None = None
    domain_id: str | None = None
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything, or the projects and domains listed as (source, external id).

    A domain stands for itself, its users and groups and the roles on it; its projects are listed as projects, see
    `scope_of`. A person bound to projects also sees what a cloud shows to each of its customers: flavors, volume
    types, public images, shared and external networks of the sources that they have a project in.
    """

    everything: bool = False
    projects: frozenset[tuple[str, str]] = frozenset()
    domains: frozenset[tuple[str, str]] = frozenset()

    def owns(self, kind: str, source: str, project_id: str | None, external_id: str, domain_id: object = None) -> bool:
        """Whether an object is of this scope's projects or domains, not only offered to them."""
        if self.everything:
            return True
        if kind in _OF_DOMAINS and project_id is None:
            return (source, domain_id) in self.domains
        if kind == "domain":
            return (source, external_id) in self.domains
        own = external_id if kind == "project" else project_id
        return own is not None and (source, own) in self.projects

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(source for source, _ in self.projects | self.domains)

    def cut(self, by: "Scope") -> "Scope":
        """What both may see."""
        if self.everything:
            return by
        if by.everything:
            return self
        return Scope(False, self.projects & by.projects, self.domains & by.domains)


EVERYTHING = Scope(everything=True)


async def projects_of(conn: AsyncConnection, domains: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The projects of domains, living or gone, as (source, external id): the domain's id. As of now, so that a project
    that is made tomorrow belongs to its domain tomorrow."""
    wanted = sorted(set(domains))
    if not wanted:
        return {}
    domain = resource.c.attrs["domain_id"].astext
    query = select(resource.c.source, resource.c.external_id, domain).where(
        resource.c.kind == "project", tuple_(resource.c.source, domain).in_(wanted)
    )
    return {(source, external_id): of for source, external_id, of in await conn.execute(query)}


async def scope_of(conn: AsyncConnection, places: Iterable[Place]) -> Scope:
    """All that these places hold together."""
    given = list(places)
    if any(place.source is None for place in given):
        return EVERYTHING
    domains = frozenset((p.source, p.domain_id) for p in given if p.source is not None and p.domain_id is not None)
    projects = frozenset((p.source, p.project_id) for p in given if p.source is not None and p.project_id is not None)
    return Scope(projects=projects | (await projects_of(conn, domains)).keys(), domains=domains)


def visible(scope: Scope) -> ColumnElement[bool]:
    """The condition on `resource` that keeps what the scope may see."""
    if scope.everything:
        return true()
    if not scope.projects and not scope.domains:
        return false()
    offered = and_(
        resource.c.source.in_(sorted(scope.sources)),
        or_(
            resource.c.kind.in_(("flavor", "volume_type")),
            and_(resource.c.kind == "image", resource.c.attrs["visibility"].astext == "public"),
            and_(
                resource.c.kind == "network",
                or_(resource.c.attrs["shared"].astext == "true", resource.c.attrs["external"].astext == "true"),
            ),
        ),
    )
    return or_(own(scope), offered)


def own(scope: Scope) -> ColumnElement[bool]:
    """The condition on `resource` that keeps what belongs to the scope, without what is only offered to it."""
    if scope.everything or not scope.domains:
        return owned(scope, resource)
    r, mine = resource.c, sorted(scope.domains)
    kept = and_(r.kind.in_(_OF_DOMAINS), r.project_id.is_(None))
    return or_(owned(scope, resource), and_(kept, tuple_(r.source, r.attrs["domain_id"].astext).in_(mine)))


def owned(scope: Scope, table: Table) -> ColumnElement[bool]:
    """The same for `history` and `deletion`: only what belongs to a project of the scope, or is one of its domains."""
    if scope.everything:
        return true()
    if not scope.projects and not scope.domains:
        return false()
    mine, domains = sorted(scope.projects), sorted(scope.domains)
    kept = [
        tuple_(table.c.source, table.c.project_id).in_(mine),
        and_(table.c.kind == "project", tuple_(table.c.source, table.c.external_id).in_(mine)),
    ]
    if domains:
        kept.append(and_(table.c.kind == "domain", tuple_(table.c.source, table.c.external_id).in_(domains)))
    return or_(*kept)
