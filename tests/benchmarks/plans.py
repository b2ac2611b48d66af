"""Measures cohorts, waves and the schedule, without a file: `python -m tests.benchmarks.plans [VMS…]`.

CPU seconds and wall seconds of each part for estates made of records: tenants by their size, dependencies, groups.
"""

import argparse
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from engines.migration.assessment import Assessment, assess
from engines.migration.bonds import Wishes, bonds_of
from engines.migration.bundles import bundles_of
from engines.migration.calendars import Calendar
from engines.migration.cohorts import COHORT_STRATEGIES, CohortRules, build_cohorts
from engines.migration.plans import Ordering, Settings, make_plan
from engines.migration.records import Key
from engines.migration.tenants import find_tenants
from engines.migration.times import Pace
from engines.migration.transfer import Transfer
from engines.migration.wave_packing import Means, build_waves
from engines.migration.waves import WAVE_STRATEGIES, WaveRules
from tests.engines.migration.estates import estate, vm


def made(count: int) -> tuple[Assessment, Wishes]:
    """Every tenth VM needs another, one in twenty is tied to its neighbour."""
    chance = random.Random(count)
    vms = [
        vm(
            f"t{int(chance.random() ** 2 * count / 60)}-vm{number}",
            number,
            host=f"esx{number % (count // 30 + 1)}",
            in_use_mib=chance.randrange(5, 200) * 1024,
            power="poweredOff" if chance.random() < 0.1 else "poweredOn",
            os_tools=chance.choice(["Microsoft Windows Server 2019 (64-bit)", "Red Hat Enterprise Linux 9 (64-bit)"]),
        )
        for number in range(count)
    ]
    after: dict[Key, list[Key]] = {
        vms[n].key: [vms[chance.randrange(n)].key] for n in range(1, count) if chance.random() < 0.1
    }
    together = [(vms[n].key, vms[n + 1].key) for n in range(0, count - 1, 20)]
    members = {key for pair in together for key in pair}
    return assess(estate(vms)), Wishes({k: v for k, v in after.items() if not members & {k, *v}}, together)


def timed(name: str, work: Callable[[], Any]) -> Any:
    wall, cpu = time.monotonic(), time.process_time()
    found = work()
    print(f"  {name:28} {time.process_time() - cpu:7.2f} CPU s {time.monotonic() - wall:7.2f} s")
    return found


def measure(count: int) -> None:
    print(f"{count:,} VMs")
    assessment, wishes = made(count)
    tenants = timed("tenants", lambda: find_tenants(assessment.vms))
    bonds = timed("units", lambda: bonds_of(assessment, wishes))
    bundles = timed("bundles", lambda: bundles_of(bonds, tenants))
    means = Means(Transfer(agents=4), Calendar(datetime(2027, 1, 4, tzinfo=UTC), 6, 22), Pace())
    for strategy in COHORT_STRATEGIES:
        cohorts = timed(strategy, lambda s=strategy: build_cohorts(bundles, CohortRules(s, 4)))  # type: ignore[misc]
    for way in WAVE_STRATEGIES:
        timed(way, lambda w=way: build_waves(bonds, means, WaveRules(w), cohorts))  # type: ignore[misc]
    settings = Settings(means.transfer, means.calendar, means.pace, ordering=Ordering(wishes))
    plan = timed("whole plan with schedule", lambda: make_plan(assessment, settings))
    print(f"  {len(plan.waves.waves):,} waves, {len(plan.schedule.rows):,} VMs in {len(plan.schedule.days):,} days")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vms", type=int, nargs="*", default=[5_000, 100_000])
    for count in parser.parse_args().vms:
        measure(count)


if __name__ == "__main__":
    main()
