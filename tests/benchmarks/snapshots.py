"""A full run of a policy: 5,000 volumes in 500 projects, on a cloud that takes 50 ms for every call.

    python -m tests.benchmarks.snapshots [VOLUMES] [PROJECTS]

The yardstick is the same work one call after another: for each volume a look, the creation, a look whether it is good.
"""

import asyncio
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from engines.snapshots.actions import SnapshotBatch
from engines.snapshots.pacing import Tempo
from storage.database import Database, migrate
from storage.embedded import start
from tests.benchmarks.figures import Figure, line, peak_mib
from tests.engines.snapshots.small_cloud import SmallCloud, batch_step, doing

LATENCY_S = 0.05
SIDE_BY_SIDE = 24
"""Projects at the same time; the runner of jobs has such a limit."""
_CALLS_A_VOLUME = 3
TEMPO = Tempo(poll_s=0.2)


def filled(volumes: int, projects: int) -> SmallCloud:
    from datetime import UTC, datetime

    cloud = SmallCloud(clock=lambda: datetime.now(UTC), latency_s=LATENCY_S)
    for number in range(volumes):
        project = f"p{number % projects}"
        cloud.volume(project, f"v{number}", 10, vms=(f"vm{number // 2}",))
    return cloud


async def run(database: Database, cloud: SmallCloud) -> float:
    action, turn = SnapshotBatch(TEMPO), asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(project: str) -> None:
        async with turn:
            step = batch_step(project, list(cloud.held[project].values()))
            await action.act(doing(cloud, database, step, options={"volumes": sum(map(len, cloud.held.values()))}))

    begun = time.perf_counter()
    await asyncio.gather(*map(one, cloud.held))
    return time.perf_counter() - begun


def fastest(cloud: SmallCloud) -> float:
    """Calls in the worst ten seconds of any project, over what its pace allows in them: 1 is the limit."""
    worst = 0.0
    for times in cloud.times.values():
        ordered = sorted(times)
        for at, begun in enumerate(ordered):
            window = [one for one in ordered[at:] if one - begun <= 10]
            span = window[-1] - begun
            worst = max(worst, len(window) / (TEMPO.burst + TEMPO.per_s * span + 1))
    return worst


async def measure(url: str, volumes: int, projects: int) -> None:
    database = Database(url, pool_size=8)
    await migrate(database)
    cloud = filled(volumes, projects)
    took = await run(database, cloud)
    alone = volumes * _CALLS_A_VOLUME * LATENCY_S
    assert cloud.effects["create"] == volumes
    for figure in (
        Figure("snapshots", f"{volumes:,} volumes, {projects} projects", took, "s", alone / 8, note="goal 1/8"),
        Figure("snapshots", "times faster than one by one", alone / took, "×", 8.0, most=False, note=f"{alone:.0f} s"),
        Figure("snapshots", "of a project's rate, worst", fastest(cloud), "", 1.0),
        Figure("snapshots", "calls for a volume", sum(cloud.calls.values()) / volumes, "", 3.0),
        Figure("snapshots", "memory of the process, peak", peak_mib(), "MiB", None),
    ):
        print(line(figure), flush=True)
    await database.close()


def main() -> None:
    volumes, projects = (int(one) for one in (*sys.argv[1:], "5000", "500")[:2]) if len(sys.argv) > 2 else (5000, 500)
    state = Path(tempfile.gettempdir()) / f"stackhand-bench-{secrets.token_hex(4)}"
    try:
        with start(state) as server:
            asyncio.run(measure(server.url, volumes, projects))
    finally:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
