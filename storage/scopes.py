"""Who sees what, as a condition of the query: nothing foreign ever leaves the database."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, false, or_, true, tuple_

from storage.tables import resource


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything, or the projects listed as (source, external id).

    A person bound to projects also sees what a cloud shows to each of its customers: flavors, volume types, public
    images, shared and external networks of the sources that they have a project in.
    """

    everything: bool = False
    projects: frozenset[tuple[str, str]] = frozenset()

    def owns(self, kind: str, source: str, project_id: str | None, external_id: str) -> bool:
        """Whether an object is of this scope's projects, not only offered to them."""
        own = external_id if kind == "project" else project_id
        return self.everything or (own is not None and (source, own) in self.projects)

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(source for source, _ in self.projects)


EVERYTHING = Scope(everything=True)


def visible(scope: Scope) -> ColumnElement[bool]:
    """The condition on `resource` that keeps what the scope may see."""
    if scope.everything:
        return true()
    if not scope.projects:
        return false()
    own = sorted(scope.projects)
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
    return or_(
        tuple_(resource.c.source, resource.c.project_id).in_(own),
        and_(resource.c.kind == "project", tuple_(resource.c.source, resource.c.external_id).in_(own)),
        offered,
    )


def owned(scope: Scope, table: Table) -> ColumnElement[bool]:
    """The same for `history` and `deletion`: only what belongs to a project of the scope."""
    if scope.everything:
        return true()
    if not scope.projects:
        return false()
    own = sorted(scope.projects)
    return or_(
        tuple_(table.c.source, table.c.project_id).in_(own),
        and_(table.c.kind == "project", tuple_(table.c.source, table.c.external_id).in_(own)),
    )
