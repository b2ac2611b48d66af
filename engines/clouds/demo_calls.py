"""Calls to the invented OpenStack that change it: as slow as a real one's, with the faults that were asked for.

What is changed is kept in the database, so that any number of processes, also those that come after a crash, see it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.clouds import Resource
from engines.clouds.acting import ActError, Used
from engines.clouds.demo_overlay import present_of
from engines.clouds.demo_present import QUOTA, Present
from storage.database import Database
from storage.demo_changes import DemoObject, change, changed, hold

T = TypeVar("T")
Trouble = Literal["error", "throttled", "slow", "silent", "lost", "breaks"]
"""error: HTTP 500, nothing done; throttled: 429; slow: `slow_s` longer; silent: no answer, nothing done; lost: done,
but the answer does not come; breaks: a snapshot, volume or VM that ends in status error."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to the invented API: its name, such as create_snapshot, and what it is about."""

    name: str
    project_id: str
    object_id: str = ""

    @property
    def service(self) -> str:
        return next((service for words, service in _SERVICES.items() if any(w in self.name for w in words)), "Cinder")


_SERVICES: Mapping[tuple[str, ...], str] = MappingProxyType(
    {
        ("port", "floating", "network", "subnet", "routers"): "Neutron",
        ("server", "vm", "console", "password", "attach", "detach", "keypairs", "limits", "exists"): "Nova",
    }
)


def _well(_: Call) -> Trouble | None:
    return None


@dataclass(frozen=True, slots=True)
class DemoApi:
    """How the invented API behaves. `latency_s` of every call, `takes_s` until what was made or switched is so."""

    latency_s: float = 0.05
    takes_s: float = 3.0
    slow_s: float = 5.0
    trouble: Callable[[Call], Trouble | None] = field(default=_well)


class Invented(Protocol):
    """What the cloud is made of before anybody changed it."""

    def in_project(self, source: str, kind: str, project_id: str, at: datetime) -> Sequence[Resource]:
        """What one project has of a kind, as the inventory's kinds have it; what belongs to none with an empty id."""


@dataclass(frozen=True, slots=True)
class Changing:
    """A project that is held while it is changed. `breaks`: what is made now ends in error."""

    conn: AsyncConnection
    source: str
    project_id: str
    present: Present
    breaks: bool = False

    @property
    def now(self) -> datetime:
        return self.present.now

    async def rows(self, kind: str) -> Sequence[Resource]:
        return await asyncio.to_thread(self.present.rows, kind)

    async def one(self, kind: str, external_id: str) -> Resource | None:
        return await asyncio.to_thread(self.present.one, kind, external_id)

    async def make(self, kind: str, external_id: str, name: str, attrs: Mapping[str, Any]) -> None:
        told = {**attrs, "breaks": self.breaks}
        await change(
            self.conn, DemoObject(self.source, kind, external_id, self.project_id, name, told, made_at=self.now)
        )

    async def set(self, kind: str, external_id: str, **attrs: Any) -> None:
        await change(self.conn, DemoObject(self.source, kind, external_id, self.project_id, attrs=attrs))

    async def delete(self, kind: str, external_id: str, name: str = "") -> None:
        gone = DemoObject(self.source, kind, external_id, self.project_id, name, deleted_at=self.now)
        await change(self.conn, gone)

    async def spend(self, service: str, **more: int) -> None:
        """Raises ActError where the project's quota does not hold so much more, by the inventory's metrics."""
        used = usage(await self.rows(QUOTA), self.project_id)
        for metric, amount in more.items():
            free = used[metric].free() if metric in used else None
            if free is not None and free < amount:
                raise over(service, metric, amount, used[metric])


class DemoCalls:
    """What both clients of the invented cloud share. Holds a project while it changes it, so that its quota is kept
    whoever asks at once."""

    def __init__(
        self,
        source: str,
        invented: Invented,
        database: Database,
        api: DemoApi | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.source = source
        self.api = api or DemoApi()
        self._invented = invented
        self._database = database
        self._clock = clock

    async def reading(self, name: str, project_id: str, object_id: str, told: Callable[[Present], T]) -> T:
        """What `told` makes of the project as it is; raises ActError where the call goes wrong."""
        await self._ask(Call(name, project_id, object_id))
        async with self._database.connect() as conn:
            present = await self._present(conn, project_id)
        return await asyncio.to_thread(told, present)

    async def rows(self, kind: str, name: str, project_id: str, object_id: str = "") -> Sequence[Resource]:
        return await self.reading(name, project_id, object_id, lambda present: present.rows(kind))

    async def one(self, kind: str, name: str, project_id: str, object_id: str) -> Resource | None:
        return await self.reading(name, project_id, object_id, lambda present: present.one(kind, object_id))

    async def shared(self, kind: str) -> Sequence[Resource]:
        """What belongs to no project: flavors, images, hosts."""
        return await asyncio.to_thread(self._invented.in_project, self.source, kind, "", self._clock())

    @asynccontextmanager
    async def changing(self, name: str, project_id: str, object_id: str = "") -> AsyncIterator[Changing]:
        """All or nothing: what is raised inside leaves the cloud as it was."""
        call = Call(name, project_id, object_id)
        trouble = await self._ask(call)
        async with self._database.begin() as conn:
            await hold(conn, self.source, project_id)
            yield Changing(conn, self.source, project_id, await self._present(conn, project_id), trouble == "breaks")
        if trouble == "lost":
            detail = f"no connection to {call.service}: the answer to {call.name} was lost; the request had been sent"
            fix = f"look whether {call.service} did it before it is asked again"
            raise ActError("unreachable", detail, fix, maybe_done=True)

    async def _present(self, conn: AsyncConnection, project_id: str) -> Present:
        now = self._clock()
        objects = await changed(conn, self.source, project_id)
        return present_of(lambda kind: self._invented.in_project(self.source, kind, project_id, now), objects, now)

    async def _ask(self, call: Call) -> Trouble | None:
        """As long as a call takes, and what goes wrong with it before anything is done."""
        trouble, service = self.api.trouble(call), call.service
        await asyncio.sleep(self.api.latency_s + (self.api.slow_s if trouble == "slow" else 0.0))
        if trouble == "error":
            raise ActError("unexpected", f"{service} answered 500: a fault of the demo", "ask again", maybe_done=True)
        if trouble == "throttled":
            raise ActError("throttled", f"{service} answered 429: a fault of the demo", "wait", retry_after_s=1.0)
        if trouble == "silent":
            raise ActError("timeout", f"{service} gave no answer: a fault of the demo", "ask again", maybe_done=True)
        return trouble


def usage(rows: Sequence[Resource], project_id: str) -> Mapping[str, Used]:
    """Limits and use of a project by metric; raises ActError for one that is not there."""
    row = next((row for row in rows if row.external_id == project_id), None)
    if row is None:
        raise gone("quota", project_id, project_id)
    used = row.derived["used"]
    return {metric: Used(limit, used.get(metric)) for metric, limit in row.attrs["limits"].items()}


def over(service: str, metric: str, amount: int, used: Used) -> ActError:
    """In the service's words."""
    if metric == "snapshots":
        what = f"SnapshotLimitExceeded: Maximum number of snapshots allowed ({used.limit}) exceeded"
    elif metric == "storage_gib":
        what = f"Requested volume or snapshot exceeds allowed gigabytes quota. Requested {amount}G, quota is"
        what += f" {used.limit}G and {used.used}G has been consumed."
    else:
        what = f"Quota exceeded for {metric}: Requested {amount}, but already used {used.used} of {used.limit}"
    code = 413 if service == "Cinder" else 403
    return ActError(
        "over_limit", f"{service} answered {code}: {what}", "raise the quota of the project, or delete some"
    )


def gone(what: str, external_id: str, project_id: str) -> ActError:
    detail = f"project {project_id} has no {what} {external_id} (HTTP 404)"
    return ActError("gone", detail, "sync the source: it was deleted, or belongs to another project")


def busy(detail: str, code: int = 409) -> ActError:
    return ActError("busy", f"{detail} (HTTP {code})", "wait, then ask again")


def refused(detail: str, fix: str = "look at what was asked for", code: int = 400) -> ActError:
    return ActError("refused", f"{detail} (HTTP {code})", fix)
