"""Measures plans of restores on a real OpenStack: python -m tests.benchmarks.restores [ROUNDS]

A VM with twelve volumes is made in a project of its own, listed, and planned for again and again; then everything that
the plan relies on is looked at in the cloud, with the calls side by side, as right before a run. Settings as in
tests/cloud/test_acting_live.py.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import structlog

from engines.actions import Doing
from engines.plans import Plan
from engines.restore.actions import actions_of
from engines.restore.wishes import Wish
from tests.cloud.restore_bed import administrator, bed_of
from tests.cloud.restore_matrix import fresh_database
from tests.cloud.restore_runs import PACE, Runner, clients


async def timed(what: str, rounds: int, once: Callable[[], Awaitable[object]]) -> float:
    """p95 in seconds, printed with the load of the machine."""
    took = []
    for _ in range(rounds):
        began = time.monotonic()
        await once()
        took.append(time.monotonic() - began)
    p95 = statistics.quantiles(took, n=20, method="inclusive")[-1]
    print(
        f"{what}: median {statistics.median(took):.3f} s, p95 {p95:.3f} s, slowest {max(took):.3f} s,"
        f" {rounds} rounds, load {os.getloadavg()[0]:.1f}"
    )
    return p95


async def measure(rounds: int) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    async with fresh_database() as database:
        acting = clients()
        with bed_of(await asyncio.to_thread(administrator)) as bed:
            runner = Runner(database, acting, bed)
            vm_id = await asyncio.to_thread(bed.vm, "wide", "volume+11")
            await runner.sync()
            plan = await runner.plan(vm_id, Wish())
            print(f"a VM with 12 volumes: {len(plan.steps)} steps, {len(plan.checks)} checks, failed: {plan.failed}")
            planning = await timed("plan from the inventory", rounds, lambda: runner.plan(vm_id, Wish()))
            looking = await timed("look at all of it in the cloud", rounds, lambda: _look(runner, plan))
        await acting.close()
    print(f"both together: p95 at most {planning + looking:.3f} s; the goal is 2 s")
    return 0 if planning + looking < 2 else 1


async def _look(runner: Runner, plan: Plan) -> None:
    check = next(one for one in actions_of(PACE) if one.name == "restore.check")
    await check.act(Doing(1, plan, plan.steps[0], "JOB-1-1", runner.database, runner.clouds.open))


if __name__ == "__main__":
    raise SystemExit(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20)))
