"""Quotas with their use: what a project may have, what it has, how near the end it is."""

from collections.abc import Iterable
from dataclasses import dataclass

from storage.inventory import Found

NEAR = 0.8
"""From this share of a limit on a project counts as close to it."""

# The catalogue's metrics in the words of QUOTA_METRICS.
METRIC_FIELDS = {
    "cpu": "cpu",
    "memory": "memory_mib",
    "storage": "storage_gib",
    "vms": "vms",
    "volumes": "volumes",
}

TITLES = {
    "vms": "VMs",
    "cpu": "vCPU",
    "memory_mib": "memory",
    "volumes": "volumes",
    "storage_gib": "volume storage",
    "snapshots": "snapshots",
    "networks": "networks",
    "subnets": "subnets",
    "ports": "ports",
    "routers": "routers",
    "floating_ips": "floating IPs",
    "security_groups": "security groups",
    "security_group_rules": "security group rules",
    "server_groups": "server groups",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """One metric of one project. `limit` None: no limit. `used` None: the cloud did not say."""

    project: str
    domain: str
    source: str
    metric: str
    used: int | None
    limit: int | None

    @property
    def share(self) -> float | None:
        """0.5 is half; a limit of 0 that is used counts as full."""
        if self.used is None or self.limit is None:
            return None
        if self.limit <= 0:
            return 1.0 if self.used else 0.0
        return self.used / self.limit


def usages(quota: Found) -> list[Usage]:
    """All metrics of a project's quota, in the order of TITLES; what the cloud does not limit at all is left out."""
    limits, used = quota.attrs.get("limits") or {}, quota.derived.get("used") or {}
    return [
        Usage(
            quota.name,
            quota.derived.get("domain") or "",
            quota.source,
            metric,
            used.get(metric),
            None if limits[metric] is None or limits[metric] < 0 else limits[metric],
        )
        for metric in TITLES
        if metric in limits
    ]


def near_limit(quotas: Iterable[Found], metric: str = "", share: float = NEAR) -> list[Usage]:
    """Uses at or above a share of their limit, nearest first. An empty limit that is unused is nobody's problem."""
    wanted = METRIC_FIELDS.get(metric, metric)
    close = [
        usage
        for quota in quotas
        for usage in usages(quota)
        if (not wanted or usage.metric == wanted) and (usage.share or 0) >= share
    ]
    return sorted(close, key=lambda u: (-(u.share or 0), u.project, u.metric))
