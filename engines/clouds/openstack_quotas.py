"""Quotas with usage: of every project, from Nova, Cinder and Neutron."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from engines.clouds import Resource
from engines.clouds.openstack_calls import Calls, Json, Listing, failure, together
from engines.clouds.openstack_errors import HttpError
from engines.clouds.openstack_people import gathered

PROJECTS = Listing("identity", "/projects", "projects", paged=False)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a service tells quotas. `metrics`: its word -> ours (QUOTA_METRICS); `used` its word for usage."""

    service: str
    path: str
    key: str
    used: str
    metrics: Mapping[str, str]
    query: tuple[tuple[str, str], ...] = ()


_SOURCES = (
    _Source(
        "compute",
        "/os-quota-sets/{}/detail",
        "quota_set",
        "in_use",
        MappingProxyType({"instances": "vms", "cores": "cpu", "ram": "memory_mib", "server_groups": "server_groups"}),
    ),
    _Source(
        "block_storage",
        "/os-quota-sets/{}",
        "quota_set",
        "in_use",
        MappingProxyType({"volumes": "volumes", "gigabytes": "storage_gib", "snapshots": "snapshots"}),
        (("usage", "true"),),
    ),
    _Source(
        "network",
        "/quotas/{}/details",
        "quota",
        "used",
        MappingProxyType(
            {
                "network": "networks",
                "subnet": "subnets",
                "port": "ports",
                "router": "routers",
                "floatingip": "floating_ips",
                "security_group": "security_groups",
                "security_group_rule": "security_group_rules",
            }
        ),
    ),
)


async def quotas(calls: Calls) -> list[Resource]:
    """One resource a project; CloudError with the others when that of a project fails."""
    projects = [row for row in await calls.rows(PROJECTS) if not row.get("is_domain")]

    async def of_project(row: Json) -> list[Resource]:
        told = await together(*(_told(calls, source, str(row["id"])) for source in _SOURCES))
        return [quota(row, dict(zip((s.service for s in _SOURCES), told, strict=True)))]

    return await gathered(calls, "compute", projects, of_project)


async def _told(calls: Calls, source: _Source, project_id: str) -> Json:
    """What one service says; {} where the service does not exist."""
    try:
        body = await calls.get(source.service, source.path.format(project_id), source.query)
    except HttpError as error:
        if error.status == 404 and source.service == "network":  # no extension quota_details: limits only
            return dict((await calls.get("network", f"/quotas/{project_id}")).get("quota") or {})
        raise failure(error, source.service, calls.source) from error
    except Exception as error:
        told = failure(error, source.service, calls.source)
        if told.reason == "unsupported":
            return {}
        raise told from error
    return dict(body.get(source.key) or {})


def quota(project: Json, told: Mapping[str, Json]) -> Resource:
    """`told` is {service: its quota set}. A number stands for a limit alone; an object has limit and usage."""
    limits: dict[str, int] = {}
    used: dict[str, int] = {}
    for source in _SOURCES:
        for theirs, ours in source.metrics.items():
            _take(told.get(source.service, {}).get(theirs), source.used, ours, limits, used)
    return Resource("quota", project["id"], project["name"], project["id"], {"limits": limits}, {"used": used})


def _take(value: Any, used_key: str, metric: str, limits: dict[str, int], used: dict[str, int]) -> None:
    if isinstance(value, Mapping):
        if value.get("limit") is not None:
            limits[metric] = int(value["limit"])
        if value.get(used_key) is not None:
            used[metric] = int(value[used_key]) + int(value.get("reserved") or 0)
    elif value is not None:
        limits[metric] = int(value)
