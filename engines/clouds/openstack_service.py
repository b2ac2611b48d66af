"""What a service user may do, found out without changing anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engines.clouds import Resource
from engines.clouds.acting import ActError
from engines.clouds.openstack_act_errors import quoted
from engines.clouds.openstack_acting import OpenStackActing

_LOOKED_AT = 5  # projects that are tried, of different domains
_TOO_MUCH = frozenset({"admin", "cloud_admin", "domain_admin"})
_TOO_LITTLE = frozenset({"reader", "auditor"})


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """`closed` are projects with volumes that the user may not work in, `empty` those without volumes.

    `refused` are (project, what was refused), `too_much` (project, role) where it has more than it needs.
    `grants` are the commands that give it its role where it lacks.
    """

    reached: int
    closed: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    refused: tuple[tuple[str, ActError], ...] = ()
    too_much: tuple[tuple[str, str], ...] = ()
    grants: tuple[str, ...] = ()


async def examine_service(
    acting: OpenStackActing, projects: Sequence[Resource], domains: Sequence[Resource], with_volumes: frozenset[str]
) -> ServiceReport:
    """`projects` and `domains` as the account for reading lists them. Raises ActError when it cannot log in at all."""
    open_to = await acting.calls.projects()
    known = [row for row in projects if row.attrs.get("enabled", True)]
    reached = [row for row in known if row.external_id in open_to]
    closed = [row for row in known if row.external_id not in open_to and row.external_id in with_volumes]
    empty = [row for row in known if row.external_id not in open_to and row.external_id not in with_volumes]
    refused: list[tuple[str, ActError]] = []
    too_much: list[tuple[str, str]] = []
    for row in _sample(reached):
        try:
            roles = await _look(acting, row.external_id)
            too_much += [(row.name, role) for role in sorted(roles & _TOO_MUCH)]
            if roles <= _TOO_LITTLE:
                fix = _project_grant(acting, row, _names(domains))
                refused.append((row.name, ActError("refused", "its role there may only read", fix)))
        except ActError as error:
            refused.append((row.name, error))
    return ServiceReport(
        len(reached),
        tuple(row.name for row in closed),
        tuple(row.name for row in empty),
        tuple(refused),
        tuple(too_much),
        tuple(_grants(acting, closed, {row.attrs.get("domain_id") for row in reached}, domains)),
    )


async def _look(acting: OpenStackActing, project_id: str) -> frozenset[str]:
    """The roles there, once everything that is read before a snapshot was read."""
    await acting.volumes(project_id)
    await acting.snapshots(project_id)
    await acting.storage_quota(project_id)
    return await acting.calls.roles(project_id)


def _sample(projects: Sequence[Resource]) -> list[Resource]:
    """A project of each domain, a few at most: rights are given by domain."""
    by_domain = {row.attrs.get("domain_id"): row for row in reversed(projects)}
    return list(by_domain.values())[:_LOOKED_AT]


def _grants(
    acting: OpenStackActing, closed: Sequence[Resource], reached: set[object], domains: Sequence[Resource]
) -> Iterator[str]:
    """For a whole domain where none of its projects is open, else project by project."""
    user, names = acting.calls.place("").user, _names(domains)
    for domain in dict.fromkeys(str(row.attrs.get("domain_id")) for row in closed):
        if domain not in reached:
            yield f"openstack role add {user} --domain {quoted(names.get(domain, domain))} --inherited member"
            continue
        for row in closed:
            if row.attrs.get("domain_id") == domain:
                yield _project_grant(acting, row, names)


def _project_grant(acting: OpenStackActing, project: Resource, domains: Mapping[str, str]) -> str:
    domain = str(project.attrs.get("domain_id"))
    where = f"--project {quoted(project.name)} --project-domain {quoted(domains.get(domain, domain))}"
    return f"openstack role add {acting.calls.place('').user} {where} member"


def _names(domains: Sequence[Resource]) -> Mapping[str, str]:
    return {row.external_id: row.name for row in domains}
