"""Measures the sync of one large source against the naive way. Run in a process of its own, for its memory's sake.

The clock of the sync runs while the simulated cloud makes its rows, which the naive way is given ready-made: the
figure is the least that the sync is better by. The naive way goes just before each sync, so that both meet about the
same load of the machine.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from engines.clouds import Cloud, Resource
from engines.clouds.demo import DemoWorld
from engines.clouds.demo_listing import Listing
from engines.inventory.collect import sync_source
from storage.database import Database
from tests.benchmarks.figures import Figure, peak_mib, say
from tests.benchmarks.naive import naive_sync

_EPOCH = datetime(2026, 11, 23, tzinfo=UTC)
_RESOURCES_A_VM = 4.9  # of the OpenStack source, for each VM of it
_SHARE = 0.6  # of the VMs that are in that source


class Altered:
    """A cloud in which one row in `every` has another description; 0: none has."""

    def __init__(self, cloud: Cloud, every: int) -> None:
        self._cloud = cloud
        self._every = every

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
        return row if number % self._every else _altered(row)

    async def close(self) -> None:
        """Nothing is open."""


def _altered(row: Resource) -> Resource:
    return replace(row, attrs={**row.attrs, "description": "x"})


async def measure(database: Database, resources: int, naive_rows: int) -> None:
    world = DemoWorld(vms=max(100, int(resources / _RESOURCES_A_VM / _SHARE)), epoch=_EPOCH)
    cloud = world.clouds(at=_EPOCH)[0]
    few = [row for kind in ("vm", "volume") for row in (await cloud.list(kind))[: naive_rows // 2]]
    for name, every in (("first load", 0), ("nothing changed", 0), ("1 % changed", 100)):
        given = [_altered(row) if every and number % every == 0 else row for number, row in enumerate(few)]
        naive = await naive_sync(database, "naive", given)
        await _measured(database, name, Altered(cloud, every), naive)
    await _made(cloud)
    say(Figure("sync", "peak memory of the process", peak_mib(), "MiB", 500.0, note="with the simulated cloud in it"))


async def _made(cloud: Cloud) -> None:
    start, rows = time.perf_counter(), 0
    for kind in cloud.kinds:
        rows += sum(1 for _ in await cloud.list(kind))
    took = time.perf_counter() - start
    say(Figure("sync", "the cloud alone: one pass over its rows", took, "s", note=f"{rows:,} rows"))


async def _measured(database: Database, name: str, cloud: Altered, naive: float) -> None:
    """`naive` is its rate in rows a second."""
    start = time.perf_counter()
    report = await sync_source(database, cloud, asked_by="benchmark", wait=True)
    took = time.perf_counter() - start
    if report.state != "done":
        raise RuntimeError(f"the sync ended {report.state}: {report.detail}")
    rows = sum(kind.rows for kind in report.kinds.values())
    written = sum(kind.added + kind.changed for kind in report.kinds.values())
    note = f"{rows:,} rows, {written:,} written, naive {naive:,.0f}"
    say(Figure("sync", f"{name}: rows a second", rows / took, "rows/s", note=note))
    goal = None if name == "first load" else 10.0
    say(Figure("sync", f"{name}: against naive", rows / took / naive, "times", goal, most=False))
