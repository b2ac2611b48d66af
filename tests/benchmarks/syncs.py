"""Measures the sync of one large source against the naive way. Run in a process of its own, for its memory's sake."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from engines.clouds import Cloud, Resource
from engines.clouds.demo import DemoWorld
from engines.clouds.demo_listing import Listing
from engines.inventory.collect import SyncReport, sync_source
from storage.database import Database
from tests.benchmarks.figures import Figure, peak_mib, say
from tests.benchmarks.naive import naive_sync

_EPOCH = datetime(2026, 11, 23, tzinfo=UTC)
_RESOURCES_A_VM = 4.9  # of the OpenStack source, for each VM of it
_SHARE = 0.6  # of the VMs that are in that source


class Altered:
    """A cloud in which one row in a hundred has another description. `every` 0: none has."""

    def __init__(self, cloud: Cloud, every: int, word: str = "") -> None:
        self._cloud = cloud
        self._every = every
        self._word = word

    @property
    def source(self) -> str:
        return self._cloud.source

    @property
    def platform(self) -> str:
        return self._cloud.platform

    @property
    def demo(self) -> bool:
        return True

    @property
    def kinds(self) -> tuple[str, ...]:
        return self._cloud.kinds

    async def list(self, kind: str) -> Sequence[Resource]:
        rows = await self._cloud.list(kind)
        return Listing(range(len(rows)), lambda n: self._row(rows[n], n)) if self._every else rows

    def _row(self, row: Resource, number: int) -> Resource:
        if number % self._every:
            return row
        return replace(row, attrs={**row.attrs, "description": self._word})

    async def close(self) -> None:
        """Nothing is open."""


async def measure(database: Database, resources: int, naive_rows: int) -> None:
    world = DemoWorld(vms=max(100, int(resources / _RESOURCES_A_VM / _SHARE)), epoch=_EPOCH)
    cloud = world.clouds(at=_EPOCH)[0]
    naive = await _naive(database, cloud, naive_rows)
    for turn, (name, altered) in enumerate(
        (
            ("first load", Altered(cloud, 0)),
            ("nothing changed", Altered(cloud, 0)),
            ("1 % changed", Altered(cloud, 100, "x")),
        )
    ):
        rate, report = await _timed(database, altered)
        goal = None if turn == 0 else 10.0
        rows = sum(kind.rows for kind in report.kinds.values())
        touched = sum(kind.added + kind.changed for kind in report.kinds.values())
        say(
            Figure(
                "sync",
                f"{name}: rows a second",
                rate,
                "rows/s",
                note=f"{rows:,} rows, {touched:,} written, naive {naive[turn]:,.0f}",
            )
        )
        say(Figure("sync", f"{name}: against naive", rate / naive[turn], "times", goal, most=False))
    say(Figure("sync", "peak memory of the process", peak_mib(), "MiB", 500.0, note="with the simulated cloud in it"))


async def _timed(database: Database, cloud: Cloud) -> tuple[float, SyncReport]:
    """Rows a second, listing and resolving included."""
    start = time.perf_counter()
    report = await sync_source(database, cloud, asked_by="benchmark", wait=True)
    if report.state != "done":
        raise RuntimeError(f"the sync ended {report.state}: {report.detail}")
    return sum(kind.rows for kind in report.kinds.values()) / (time.perf_counter() - start), report


async def _naive(database: Database, cloud: Cloud, count: int) -> tuple[float, float, float]:
    """First load, nothing changed, one in a hundred changed; VMs and volumes half and half."""
    rows = [row for kind in ("vm", "volume") for row in (await cloud.list(kind))[: count // 2]]
    changed = [row if n % 100 else replace(row, attrs={**row.attrs, "description": "x"}) for n, row in enumerate(rows)]
    return (
        await naive_sync(database, "naive", rows),
        await naive_sync(database, "naive", rows),
        await naive_sync(database, "naive", changed),
    )
