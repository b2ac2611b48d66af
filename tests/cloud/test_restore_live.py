"""Restores on a real OpenStack, looked at before and after with openstacksdk as its administrator.

Settings as in test_acting_live.py. A selection of `python -m tests.cloud.restore_matrix`, in one project, side by side.
"""

import asyncio
import time
from collections.abc import Iterator

import pytest

from engines.restore.wishes import Wish
from storage.database import Database
from tests.cloud.restore_bed import Bed, administrator, bed_of, many
from tests.cloud.restore_cases import Case
from tests.cloud.restore_looks import look
from tests.cloud.restore_runs import Ended, Runner, clients, leftovers, wrongs
from tests.cloud.restore_trials import cancelled, leaves

pytestmark = pytest.mark.cloud
CASES = (
    Case("volume+3", "replace", "same_ips_or_fail", "running"),
    Case("image snapshot", "side_by_side", "new_ips", "stopped"),
    Case("volume+1", "side_by_side", "same_ips_or_fail", "deleted"),
    Case("image+2", "replace", "new_ips", "error"),
)
REFUSED = {
    Case("image snapshot", "side_by_side", "same_ips_or_fail", "stopped"): CASES[1],
    Case("volume+1", "replace", "same_ips_or_fail", "deleted"): CASES[2],
}
"""Each on the original of another case."""


@pytest.fixture
def bed() -> Iterator[Bed]:
    with bed_of(administrator()) as made:
        yield made


async def test_restores_end_as_planned_or_undone(database: Database, bed: Bed) -> None:
    """Four that are done; a replace that is stopped in the middle, which gives ports and floating IP back; one
    that cannot make a volume, nor delete another again. Nothing else is in the project afterwards."""
    runner = Runner(database, clients(), bed)
    began = time.monotonic()
    ids = await asyncio.to_thread(_originals, bed)
    for case in CASES:
        runner.looks[case.vm] = look(bed, ids[case.vm])
    await runner.sync()
    await asyncio.to_thread(bed.put, ids[CASES[2].vm], "deleted")
    await runner.sync()
    print(f"originals after {time.monotonic() - began:.0f} s")
    before = await asyncio.to_thread(bed.all)
    for case, other in REFUSED.items():
        plan = await runner.plan(ids[other.vm], case.wish())
        assert case.refusal in " ".join(check.detail for check in plan.failed), plan.failed
    found = await asyncio.gather(
        *(_one(runner, case, ids[case.vm]) for case in CASES),
        cancelled(runner, ids["stopped"], Wish(mode="replace"), "port 1"),
        leaves(runner, ids["sticky"]),
    )
    now = await asyncio.to_thread(bed.all)
    print(f"restored after {time.monotonic() - began:.0f} s")
    assert [wrong for _, wrongs_ in found for wrong in wrongs_] == []
    assert leftovers(before, now, [ended for ended, _ in found]) == []
    await runner.clouds.close()


def _originals(bed: Bed) -> dict[str, str]:
    made = many(
        [
            *(lambda c=c: bed.vm(c.vm, c.shape, floating=c.floating) for c in CASES),
            lambda: bed.vm("stopped", floating=True),
            lambda: bed.vm("sticky", "volume+3"),
        ],
        at_once=6,
    )
    ids = dict(zip([*(case.vm for case in CASES), "stopped", "sticky"], made, strict=True))
    _, zeta, alfa, _ = look(bed, ids["sticky"]).volumes
    for volume, fault in ((zeta, "delete"), (alfa, "clone")):
        bed.inside.block_storage.set_volume_metadata(volume, testbed_fault=fault)
    many([lambda c=c: bed.put(ids[c.vm], c.original) for c in CASES if c.original in ("stopped", "error")])
    return ids


async def _one(runner: Runner, case: Case, vm_id: str) -> tuple[Ended, list[str]]:
    ended = await runner.run(await runner.plan(vm_id, case.wish()))
    wrong = await asyncio.to_thread(wrongs, runner.bed, case, runner.looks[case.vm], ended)
    print(f"{case}: {ended.state} in {ended.took_s:.0f} s {wrong}")
    return ended, wrong
