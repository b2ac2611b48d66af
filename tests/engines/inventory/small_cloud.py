"""A cloud in memory whose listings can be changed, broken and held up."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engines.clouds import CloudError, Resource


def project(external_id: str, name: str = "") -> Resource:
    return Resource("project", external_id, name or external_id, external_id, {"state": "enabled", "domain_id": "d1"})


def vm(number: int, **attrs: Any) -> Resource:
    told = {"state": "on", "vcpus": 2, "memory_mib": 2048, "host": "compute-01", "image_id": "i1", **attrs}
    return Resource("vm", f"vm-{number}", f"web-{number}", "p1", told)


def some_rows() -> dict[str, list[Resource]]:
    return {
        "domain": [Resource("domain", "d1", "acme", None, {"state": "enabled"})],
        "project": [project("p1", "production")],
        "image": [Resource("image", "i1", "debian-12", None, {"state": "available", "os": "debian"})],
        "vm": [vm(n) for n in range(1, 5)],
    }


@dataclass
class SmallCloud:
    """`errors` are raised once for each listing of the kind; `held` kinds never answer."""

    source: str = "lab"
    platform: str = "openstack"
    demo: bool = False
    rows: dict[str, list[Resource]] = field(default_factory=some_rows)
    errors: dict[str, Exception] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    delay_s: float = 0.0
    listed: list[str] = field(default_factory=list)
    running: int = 0
    most_at_once: int = 0

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(self.rows)

    async def list(self, kind: str) -> Sequence[Resource]:
        self.listed.append(kind)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            await asyncio.sleep(3600 if kind in self.held else self.delay_s)
            if kind in self.errors:
                raise self.errors[kind]
            return tuple(self.rows[kind])
        finally:
            self.running -= 1

    async def close(self) -> None:
        return


def cut_off(*rows: Resource) -> CloudError:
    return CloudError("cut_off", "Nova broke the connection", "the next sync tries again", rows)
