"""Hosts: Nova's hypervisors, its services and aggregates, and Placement's inventories, put together."""

from collections.abc import Mapping, Sequence
from typing import Any

from engines.clouds import CloudError, Resource
from engines.clouds.openstack_calls import Calls, Json, Listing, each, failure, together
from engines.clouds.openstack_words import host_state, known

# From 2.88 on Nova no longer tells totals; from 2.53 on a hypervisor's id is that of its resource provider.
HYPERVISORS = Listing("compute", "/os-hypervisors/detail", "hypervisors", microversion="2.53")
SERVICES = Listing(
    "compute", "/os-services", "services", (("binary", "nova-compute"),), paged=False, microversion="2.53"
)
AGGREGATES = Listing("compute", "/os-aggregates", "aggregates", paged=False, microversion="2.53")
PROVIDERS = Listing(
    "placement",
    "/resource_providers",
    "resource_providers",
    paged=False,
    microversion="1.14",
    identify=lambda row: str(row["uuid"]),
)
_OPTIONAL = ("unsupported", "refused")  # hosts are worth showing without Placement


async def hosts(calls: Calls) -> list[Resource]:
    """Every hypervisor. Without a Placement that answers to this account, ratios and reserves stay unknown."""
    rows, services, aggregates, providers = await together(
        calls.rows(HYPERVISORS), calls.rows(SERVICES), calls.rows(AGGREGATES), _providers(calls)
    )
    zones = {str(s["host"]): s for s in services}
    return [host(row, zones.get(_service_host(row), {}), aggregates, providers.get(str(row["id"]), {})) for row in rows]


async def _providers(calls: Calls) -> Mapping[str, Json]:
    """{provider: {"inventories": ..., "usages": ...}}; {} where Placement is not for us."""
    try:
        providers = await calls.rows(PROVIDERS)
    except CloudError as error:
        if error.reason in _OPTIONAL:
            return {}
        raise
    roots = [str(p["uuid"]) for p in providers if not p.get("parent_provider_uuid")]
    told = await each(roots, lambda uuid: _provider(calls, uuid))
    for answer in told:
        if isinstance(answer, Exception):
            raise answer
    return {uuid: answer for uuid, answer in zip(roots, told, strict=True) if not isinstance(answer, Exception)}


async def _provider(calls: Calls, uuid: str) -> Json:
    try:
        inventories, usages = await together(
            calls.get("placement", f"/resource_providers/{uuid}/inventories", microversion="1.14"),
            calls.get("placement", f"/resource_providers/{uuid}/usages", microversion="1.14"),
        )
    except Exception as error:
        told = failure(error, "placement", calls.source)
        if told.reason in _OPTIONAL:  # gone between the two calls, or not for us
            return {}
        raise told from error
    return {"inventories": inventories.get("inventories") or {}, "usages": usages.get("usages") or {}}


def _service_host(row: Json) -> str:
    return str((row.get("service") or {}).get("host") or row.get("hypervisor_hostname") or "")


def host(row: Json, service: Json, aggregates: Sequence[Json], provider: Json) -> Resource:
    """One hypervisor. Totals are the machine's own: what may be given away is total * ratio - reserved."""
    own = [a for a in aggregates if _service_host(row) in (a.get("hosts") or ())]
    status = str(row.get("status") or service.get("status") or "")
    state = str(row.get("state") or service.get("state") or "")
    attrs = known(
        state=host_state(state, status),
        status="/".join(word for word in (state, status) if word),
        enabled=status != "disabled" if status else None,
        disabled_reason=(row.get("service") or {}).get("disabled_reason") or service.get("disabled_reason"),
        cluster=cluster_of(own),
        zone=service.get("zone"),
        aggregates=sorted(str(a["name"]) for a in own),
        hypervisor_type=row.get("hypervisor_type"),
        version=str(row.get("hypervisor_version") or ""),
        ip=row.get("host_ip"),
        vcpus=row.get("vcpus"),
        memory_mib=row.get("memory_mb"),
        disk_gib=row.get("local_gb"),
        **_inventory(provider.get("inventories") or {}),
    )
    derived = known(**_usage(row, provider.get("usages") or {}))
    return Resource("host", str(row["id"]), str(row["hypervisor_hostname"]), None, attrs, derived)


def cluster_of(aggregates: Sequence[Json]) -> str | None:
    """OpenStack has no clusters: the aggregate that makes the host's zone stands for one, else its only aggregate."""
    zoned = [a for a in aggregates if a.get("availability_zone")]
    chosen = zoned or aggregates
    return str(chosen[0]["name"]) if len(chosen) == 1 else None


def _inventory(inventories: Mapping[str, Any]) -> dict[str, Any]:
    cpu, memory, disk = (inventories.get(name) or {} for name in ("VCPU", "MEMORY_MB", "DISK_GB"))
    return {
        "cpu_ratio": cpu.get("allocation_ratio"),
        "memory_ratio": memory.get("allocation_ratio"),
        "disk_ratio": disk.get("allocation_ratio"),
        "vcpus_reserved": cpu.get("reserved"),
        "memory_reserved_mib": memory.get("reserved"),
        "disk_reserved_gib": disk.get("reserved"),
    }


def _usage(row: Json, usages: Mapping[str, Any]) -> dict[str, Any]:
    """Placement counts what was promised to VMs; Nova's own figures add its reserve, so they are second choice."""
    if usages:
        return {
            "vcpus_used": usages.get("VCPU"),
            "memory_used_mib": usages.get("MEMORY_MB"),
            "disk_used_gib": usages.get("DISK_GB"),
        }
    return {
        "vcpus_used": row.get("vcpus_used"),
        "memory_used_mib": row.get("memory_mb_used"),
        "disk_used_gib": row.get("local_gb_used"),
    }
