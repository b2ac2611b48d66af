"""Volume backups of a real OpenStack: read, and a VM back from them, living and deleted with its volumes.

Settings as in test_acting_live.py; skipped where no cinder-backup is up. The test bed starts none. With
STACKHAND_TEST_DEVICES, a folder where its volumes are files named after their ids, what was in them is compared, too.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engines.clouds.acting_servers import MARK
from engines.restore.facts import points_for
from engines.restore.points import Point
from engines.restore.wishes import Wish
from storage import restore_facts
from storage.database import Database
from storage.scopes import EVERYTHING
from tests.cloud.restore_bed import Bed, administrator, bed_of, until
from tests.cloud.restore_runs import Ended, Runner, clients
from tests.cloud.restore_trials import cancelled

pytestmark = pytest.mark.cloud
_SAID = b"orders of yesterday"


@pytest.fixture
def bed() -> Iterator[Bed]:
    direct = administrator()
    if not any(one.binary == "cinder-backup" and one.state == "up" for one in direct.block_storage.services()):
        pytest.skip("no cinder-backup is up")
    with bed_of(direct) as made:
        try:
            yield made
        finally:
            _clear(made)


def _clear(bed: Bed) -> None:
    """What others add to goes last."""
    cinder = bed.inside.block_storage
    for _ in range(4):
        for one in cinder.backups(details=True):
            if not one.has_dependent_backups:
                with contextlib.suppress(Exception):
                    cinder.delete_backup(one)
        with contextlib.suppress(AssertionError):
            until(lambda: all(one.has_dependent_backups for one in cinder.backups(details=True)), "deleted", 30)
        if not list(cinder.backups(details=True)):
            return


def backed_vm(bed: Bed) -> str:
    """One of two volumes, each with a whole backup and one that adds to it, and no snapshots."""
    cinder = bed.inside.block_storage
    id_ = bed.vm("backed")
    for snapshot in cinder.snapshots():
        cinder.delete_snapshot(snapshot)
    until(lambda: not list(cinder.snapshots()), "without snapshots", 60)
    for word, incremental in (("full", False), ("incr", True)):
        second = int(time.time())  # Cinder's times end at the second
        until(lambda second=second: int(time.time()) > second, "a second later")  # type: ignore[misc]
        for volume in list(cinder.volumes(details=True)):
            device(volume.id, _SAID if not incremental else b"")
            made = cinder.create_backup(
                volume_id=volume.id, name=f"{volume.name}-{word}", force=True, is_incremental=incremental
            )
            until(lambda made=made: _stands(cinder.get_backup(made.id)), f"backup {made.id} available")  # type: ignore[misc]
    return id_


def _stands(backup: Any) -> bool:
    assert backup.status != "error", backup
    return bool(backup.status == "available")


def device(volume_id: str, write: bytes = b"") -> bytes | None:
    """What a volume begins with; None where its data cannot be seen."""
    folder = os.environ.get("STACKHAND_TEST_DEVICES", "")
    if not folder:
        return None
    path = Path(folder) / volume_id
    if write:
        path.write_bytes(write + bytes(2**20))
    return path.read_bytes()[: len(_SAID)] if path.exists() else b""


async def points(runner: Runner, vm_id: str) -> tuple[Point, ...]:
    async with runner.database.connect() as conn:
        vm = await restore_facts.vm_of(conn, EVERYTHING, runner.source, vm_id)
        assert vm is not None
        return (await points_for(conn, EVERYTHING, vm))[1]


def whole(bed: Bed, ended: Ended) -> None:
    """The new VM has volumes of the types and names planned, with their own marks and metadata, and the data."""
    assert ended.state == "done", (ended.error, ended.left)
    server = bed.inside.compute.get_server(ended.new)
    assert server.status == "ACTIVE"
    found = [bed.inside.block_storage.get_volume(one["id"]) for one in server.attached_volumes]
    assert sorted(one.volume_type for one in found) == ["ssd", "standard"]
    assert {one.metadata[MARK] for one in found} == {one.description.partition("=")[2] for one in found}
    assert {one.metadata["part"] for one in found} == {"root", "zeta"}
    assert all(one.metadata["src_backup_id"] for one in found)
    assert {device(one.id) for one in found} <= {None, _SAID}
    print([(one.name, one.volume_type, one.status, dict(one.metadata), device(one.id)) for one in found])


async def test_a_vm_comes_back_from_its_backups(database: Database, bed: Bed) -> None:
    runner = Runner(database, clients(), bed)
    id_ = await asyncio.to_thread(backed_vm, bed)
    await runner.sync()
    newest, oldest = await points(runner, id_)
    assert newest.words == oldest.words == "complete (2 of 2 volumes, volume backups)"
    beside = await runner.run(await runner.plan(id_, Wish(copies="backup")))
    await asyncio.to_thread(whole, bed, beside)
    _, wrong = await cancelled(runner, id_, Wish(copies="backup"), "volumes ready")
    assert wrong == [] and len(list(bed.inside.block_storage.volumes())) == 4
    volumes = [one["id"] for one in bed.inside.compute.get_server(id_).attached_volumes]
    await asyncio.to_thread(bed.put, id_, "deleted")
    for volume in volumes:
        bed.inside.block_storage.delete_volume(volume)
    until(lambda: not {one.id for one in bed.inside.block_storage.volumes()} & set(volumes), "deleted", 60)
    await runner.sync()
    plan = await runner.plan(id_, Wish())
    assert plan.title.endswith("as backed")
    await asyncio.to_thread(whole, bed, await runner.run(plan))
    assert {one.status for one in bed.inside.block_storage.backups(details=True)} == {"available"}
    await runner.clouds.close()
