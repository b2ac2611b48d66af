"""A record of two projects that snapshots are planned for, as a sync would have left it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from engines.clouds import Resource
from engines.inventory.collect import sync_source
from storage.database import Database
from tests.engines.inventory.small_cloud import SmallCloud

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def at(age: timedelta) -> str:
    return (NOW - age).strftime("%Y-%m-%dT%H:%M:%SZ")


def volume(id_: str, project: str = "p1", size: int = 10, vm: str = "", **attrs: Any) -> Resource:
    attached = {"parent_id": vm, "attachments": [{"vm_id": vm, "device": "/dev/vda"}]} if vm else {}
    told = {"state": "attached" if vm else "unattached", "size_gib": size, "volume_type": "ssd", "metadata": {},
            "created": "2026-10-01T00:00:00Z", **attached, **attrs}  # fmt: skip
    return Resource("volume", id_, f"name-{id_}", project, told)


def copy(id_: str, of: str, age: timedelta, project: str = "p1", **attrs: Any) -> Resource:
    told = {"state": "available", "size_gib": 10, "parent_id": of, "created": at(age), "metadata": {}, **attrs}
    return Resource("snapshot", id_, id_, project, told)


def auto(policy: str, key: str = "k") -> dict[str, str]:
    return {"stackhand_key": key, "stackhand_policy": policy, "created_by": "stackhand"}


def vm(id_: str, project: str = "p1", **attrs: Any) -> Resource:
    return Resource("vm", id_, f"name-{id_}", project, {"state": "on", "tags": ["gold"], **attrs})


def quota(project: str, gib: int, used: int, count: int = -1) -> Resource:
    limits, now = {"storage_gib": gib, "snapshots": count}, {"storage_gib": used, "snapshots": 0}
    return Resource("quota", project, f"name-{project}", project, {"limits": limits}, {"used": now})


async def synced(database: Database, *rows: Resource, source: str = "pcd-1", when: datetime = NOW) -> None:
    projects = sorted({row.project_id for row in rows if row.project_id})
    listed: dict[str, list[Resource]] = {
        "domain": [Resource("domain", "d1", "acme", None, {"state": "enabled"})],
        "project": [Resource("project", p, f"name-{p}", p, {"state": "enabled", "domain_id": "d1"}) for p in projects],
        "vm": [], "volume": [], "snapshot": [], "quota": [],
    }  # fmt: skip
    for row in rows:
        listed[row.kind].append(row)
    await sync_source(database, SmallCloud(source, rows=listed), at=when)


def names(items: Sequence[Any]) -> list[str]:
    return [item["id"] for item in items]
