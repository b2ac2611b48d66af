"""An invented cloud of any size with the same in every project, for the clients that change a demo cloud."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engines.clouds import Resource

SOURCE = "demo-openstack"


class Rows:
    """`volumes` in each of `projects`, named p0, p1, … and v0-0, v0-1, …; each project has a VM with the first two."""

    def __init__(
        self,
        projects: int = 2,
        volumes: int = 3,
        *,
        size_gib: int = 10,
        limits: dict[str, int] | None = None,
        labels: dict[str, str] | None = None,
    ) -> None:
        self.projects = tuple(f"p{n}" for n in range(projects))
        self._volumes = volumes
        self._size = size_gib
        self._limits = {"snapshots": 1000, "storage_gib": 100_000} | (limits or {})
        self._labels = labels or {}
        self.invented: dict[str, list[Resource]] = {}  # snapshots of projects

    def in_project(self, source: str, kind: str, project_id: str, at: datetime) -> Sequence[Resource]:
        assert source == SOURCE
        if project_id not in self.projects:
            return ()
        if kind == "volume":
            return [self._volume(project_id, n) for n in range(self._volumes)]
        if kind == "snapshot":
            return self.invented.get(project_id, [])
        if kind == "vm":
            attrs = {"state": "on", "status": "ACTIVE"}
            return [Resource("vm", f"vm-{project_id}", f"vm-{project_id}", project_id, attrs)]
        copies = self.invented.get(project_id, [])
        size = self._volumes * self._size + sum(row.attrs["size_gib"] for row in copies)
        used = {"snapshots": len(copies), "storage_gib": size}
        return [Resource("quota", project_id, project_id, project_id, {"limits": self._limits}, {"used": used})]

    def _volume(self, project: str, number: int) -> Resource:
        vm = [{"vm_id": f"vm-{project}", "device": "/dev/vda"}] if number < 2 else []
        attrs: dict[str, Any] = {
            "state": "attached" if vm else "unattached",
            "status": "in-use" if vm else "available",
            "size_gib": self._size,
            "volume_type": "ssd",
            "bootable": number == 0,
            "attachments": vm,
            "metadata": dict(self._labels),
        }
        name = f"v{project[1:]}-{number}"
        return Resource("volume", name, name, project, attrs)


def copy(name: str, project: str, volume: str, **attrs: Any) -> Resource:
    """A snapshot that is there from the beginning."""
    told = {"state": "available", "status": "available", "size_gib": 10, "parent_id": volume, "metadata": {}}
    return Resource("snapshot", name, name, project, {**told, "created": "2026-11-20T02:00:00Z", **attrs})
