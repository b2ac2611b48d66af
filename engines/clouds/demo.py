"""A simulated platform: three sources that look like OpenStack, VMware and Nutanix, and that change while they run.

What there is at a time depends on the seed and the time alone, so that yesterday can be looked at too.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import cast

from engines.clouds import Cloud, CloudError, Resource
from engines.clouds import demo_compute as compute
from engines.clouds import demo_identity as identity
from engines.clouds import demo_network as network
from engines.clouds import demo_storage as storage
from engines.clouds.acting import ActError
from engines.clouds.demo_acting import DemoActing, DemoApi
from engines.clouds.demo_catalogue import NUTANIX, OPENSTACK, PLATFORMS, VMWARE, Source
from engines.clouds.demo_model import DAY
from engines.clouds.demo_motion import SLOT
from engines.clouds.demo_overlay import present_of
from engines.clouds.demo_plan import build
from engines.clouds.demo_view import View
from engines.clouds.opened import OpenedClouds
from storage.database import Database
from storage.demo_changes import DemoObject, changed

Lister = Callable[[View, Source], Sequence[Resource]]
_GROUPING: Mapping[str, Lister] = {"domain": identity.domains, "project": identity.projects}
_MACHINES: Mapping[str, Lister] = {
    "host": compute.hosts,
    "vm": compute.vms,
    "volume": storage.volumes,
    "snapshot": storage.snapshots,
    "network": network.networks,
}
_CLUSTERED: Mapping[str, Lister] = {"cluster": compute.clusters, "datastore": storage.datastores}
LISTERS: Mapping[Source, Mapping[str, Lister]] = MappingProxyType(
    {
        OPENSTACK: MappingProxyType(
            {
                **_GROUPING,
                "user": identity.users,
                "group": identity.groups,
                "role": identity.roles,
                "role_assignment": identity.role_assignments,
                **_MACHINES,
                "aggregate": compute.aggregates,
                "flavor": compute.flavors,
                "image": compute.images,
                "keypair": compute.keypairs,
                "server_group": compute.server_groups,
                "volume_backup": storage.volume_backups,
                "volume_type": storage.volume_types,
                "subnet": network.subnets,
                "port": network.ports,
                "router": network.routers,
                "floating_ip": network.floating_ips,
                "security_group": network.security_groups,
                "security_group_rule": network.security_group_rules,
            }
        ),
        VMWARE: MappingProxyType({**_GROUPING, **_MACHINES, **_CLUSTERED}),
        NUTANIX: MappingProxyType(
            {**_GROUPING, **_MACHINES, **_CLUSTERED, "subnet": network.subnets, "image": compute.images}
        ),
    }
)
_WITH_QUOTA = (OPENSTACK, NUTANIX)
FAULTS: frozenset[tuple[str, str]] = frozenset({(NUTANIX, "host")})
_PAST = (timedelta(days=6, hours=12), timedelta(days=5), timedelta(days=3), timedelta(hours=36), timedelta(hours=12),
         timedelta(hours=2))  # fmt: skip


def utc_now() -> datetime:
    return datetime.now(UTC)


def week_start(now: datetime) -> datetime:
    """The Monday before: what a plan is made for when nothing else is said, so that a restart finds the same cloud."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


class DemoWorld:
    """`vms` is how many there are, about; `epoch` the time that ages and events are counted from.

    Events fill the week before and the week after `epoch`. The same (vms, seed, epoch) is the same world in every
    process. `faults` are the (source, kind) whose listings are refused most of the time. Raises ValueError for a
    number of VMs that it cannot have, or for an `epoch` without zone.
    """

    def __init__(
        self,
        vms: int = 300,
        seed: int = 7,
        epoch: datetime | None = None,
        *,
        clock: Callable[[], datetime] = utc_now,
        faults: frozenset[tuple[str, str]] = FAULTS,
    ) -> None:
        self.epoch = week_start(clock()) if epoch is None else epoch
        self.faults = faults
        self._clock = clock
        self._plan = build(vms, seed, _unix(self.epoch))
        self._lock = threading.Lock()
        self._last: View | None = None
        self._sorting = threading.Lock()
        self._sorted: tuple[View, dict[tuple[str, str], Mapping[str, Sequence[Resource]]]] | None = None
        self._limits = self._make_limits()

    def clouds(self, at: datetime | None = None, changes: Database | None = None) -> tuple[Cloud, ...]:
        """The three sources, as they are when asked, or as they were at a time, then without faults.

        `changes` is where what was changed in them since is kept; without it they are as they were invented.
        """
        return tuple(DemoCloud(self, source, at, changes) for source in (OPENSTACK, VMWARE, NUTANIX))

    def acting(self, database: Database, api: DemoApi | None = None) -> OpenedClouds:
        """The way to change the sources; what is changed is kept in the database."""
        return OpenedClouds({OPENSTACK: lambda: DemoActing(OPENSTACK, self, database, api, self._clock)}, _not_offered)

    def rows(self, view: View, source: Source, kind: str) -> Sequence[Resource]:
        return self.quotas(view, source) if kind == "quota" else LISTERS[source][kind](view, source)

    def in_project(self, source: str, kind: str, project_id: str, at: datetime) -> Sequence[Resource]:
        """Those of one project, found at once: sorted by project once for each view."""
        view = self.at(at)
        with self._sorting:
            if self._sorted is None or self._sorted[0] is not view:
                self._sorted = (view, {})
            shelves = self._sorted[1]
            if (source, kind) not in shelves:
                shelves[source, kind] = _by_project(self.rows(view, cast(Source, source), kind))
            return shelves[source, kind].get(project_id, ())

    def history_points(self, now: datetime) -> tuple[datetime, ...]:
        """Times in the past week, oldest first: synced one after another they make a record with a history."""
        return tuple((now - ago).astimezone(UTC).replace(second=0, microsecond=0) for ago in _PAST)

    def at(self, at: datetime) -> View:
        """Everything as of a time, to the two minutes; the last one looked at is kept."""
        second = _unix(at) // SLOT * SLOT
        with self._lock:
            if self._last is None or self._last.at != second:
                self._last = View(self._plan, second)
            return self._last

    def now(self) -> datetime:
        return self._clock()

    def quotas(self, view: View, source: Source) -> Sequence[Resource]:
        """acme-dev was given a fifth more two days before the plan's time."""
        limits = self._limits[source]
        if source == OPENSTACK and view.at < self._plan.epoch - 2 * DAY:
            dev = self._plan.number("acme-dev")
            limits = {**limits, dev: {**limits[dev], "cpu": limits[dev]["cpu"] * 5 // 6}}
        return identity.quotas(view, source, limits)

    def _make_limits(self) -> dict[Source, dict[int, dict[str, int]]]:
        view = View(self._plan, self._plan.epoch)
        fill = {n: dict(p.fill) for n, p in enumerate(self._plan.projects)}
        return {source: identity.limits_at(view, source, fill) for source in _WITH_QUOTA}


class DemoCloud:
    """One source of a world. `at` None: as it is at the time of asking, with the changes that were made to it."""

    def __init__(self, world: DemoWorld, source: Source, at: datetime | None, changes: Database | None = None) -> None:
        self._world = world
        self._source = source
        self._at = at
        self._changes = changes if at is None else None

    @property
    def source(self) -> str:
        return self._source

    @property
    def platform(self) -> str:
        return PLATFORMS[self._source]

    @property
    def demo(self) -> bool:
        return True

    @property
    def kinds(self) -> tuple[str, ...]:
        return (*LISTERS[self._source], *(("quota",) if self._source in _WITH_QUOTA else ()))

    async def list(self, kind: str) -> Sequence[Resource]:
        """Raises CloudError for a kind that this platform does not have, and where a fault was asked for."""
        if kind not in self.kinds:
            raise CloudError("unsupported", f"{self.platform} has no {kind} in the demo")
        at = self._at or self._world.now()
        if self._at is None and (self._source, kind) in self._world.faults and _is_bad_time(at):
            raise CloudError(
                "refused",
                f"the account may not list {kind}s (a fault of the demo, so that old data can be seen)",
                "nothing: it passes for a quarter of an hour in every hour",
            )
        objects: Sequence[DemoObject] = ()
        if self._changes is not None:
            async with self._changes.connect() as conn:
                objects = await changed(conn, self._source)
        return await asyncio.to_thread(self._rows, kind, at, objects)

    def _rows(self, kind: str, at: datetime, objects: Sequence[DemoObject]) -> Sequence[Resource]:
        view = self._world.at(at)
        return present_of(lambda one: self._world.rows(view, self._source, one), objects, at).rows(kind)

    async def close(self) -> None:
        """Nothing is open."""


def _by_project(rows: Sequence[Resource]) -> Mapping[str, Sequence[Resource]]:
    found: dict[str, list[Resource]] = {}
    for row in rows:
        found.setdefault(row.project_id or "", []).append(row)
    return found


def _not_offered(source: str) -> ActError:
    return ActError(
        "refused",
        f"{source} cannot be changed: the demo changes {OPENSTACK} alone",
        f"try it with something of {OPENSTACK}",
    )


def _is_bad_time(at: datetime) -> bool:
    """True but for the last quarter of every hour."""
    return at.minute < 45


def _unix(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError(f"a time without zone: {at}; give it in UTC")
    return int(at.timestamp())
