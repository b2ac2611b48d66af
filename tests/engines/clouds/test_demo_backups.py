"""Backups of the invented cloud: a few, whole and incremental, some of volumes that are gone; volumes come back from
them as from Cinder's."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from engines.clouds import CloudError, Resource
from engines.clouds.acting import ActError
from engines.clouds.acting_backups import mark_of_volume
from engines.clouds.acting_servers import MARK, NewVolume, servers_of
from engines.clouds.demo import DemoWorld
from engines.clouds.demo_acting import DemoActing, DemoApi
from engines.clouds.demo_catalogue import OPENSTACK, VMWARE
from storage.database import Database
from tests.engines.clouds.test_demo_servers import Clock

EPOCH = datetime(2026, 11, 23, tzinfo=UTC)
NOW = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)


async def listed(kind: str) -> dict[str, Resource]:
    cloud = next(one for one in DemoWorld(300, epoch=EPOCH, clock=lambda: NOW).clouds() if one.source == OPENSTACK)
    return {row.external_id: row for row in await cloud.list(kind)}


async def test_a_few_are_there_and_know_what_they_add_to() -> None:
    found, volumes = await listed("volume_backup"), await listed("volume")
    assert 20 < len(found) < 200
    for row in found.values():
        base = row.derived.get("base_id")
        assert bool(base) is row.attrs["incremental"]
        if base:
            assert found[base].derived["needed"] and found[base].attrs["data_at"] < row.attrs["data_at"]
            assert found[base].attrs["parent_id"] == row.attrs["parent_id"]
        assert row.attrs["created"] <= f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    wholes = [row for row in found.values() if not row.attrs["incremental"]]
    assert {datetime.fromisoformat(row.attrs["data_at"]).weekday() for row in wholes} <= {6} | {
        datetime.fromisoformat(row.attrs["data_at"]).weekday() for row in wholes if _is_first(row, found.values())
    }
    assert any(row.attrs["state"] == "error" and row.attrs["failure"] for row in found.values())
    assert sum(row.attrs["parent_id"] in volumes for row in found.values()) > 10
    vmware = next(one for one in DemoWorld(300, epoch=EPOCH).clouds() if one.source == VMWARE)
    with pytest.raises(CloudError):
        await vmware.list("volume_backup")


def _is_first(row: Resource, rows: Iterable[Resource]) -> bool:
    """The first of a volume is a whole one, on whichever day."""
    mine = [one.attrs["data_at"] for one in rows if one.attrs["parent_id"] == row.attrs["parent_id"]]
    return bool(row.attrs["data_at"] == min(mine))


def good(rows: Sequence[Resource]) -> Resource:
    return next(row for row in rows if row.attrs["state"] == "available" and row.attrs["size_gib"] < 100)


async def test_a_volume_comes_back_with_metadata_of_then(database: Database) -> None:
    clock = Clock()
    world = DemoWorld(300, epoch=EPOCH, clock=clock)
    acting = DemoActing(OPENSTACK, world, database, DemoApi(latency_s=0.0), clock)
    servers, copy = servers_of(acting), good(list((await listed("volume_backup")).values()))
    project = str(copy.project_id)
    assert copy.external_id in {one.id for one in await servers.backups(project)}
    new = NewVolume("", "back", copy.attrs["size_gib"], "JOB-7-2-abc", {"team": "x"}, copy.external_id, "hdd")
    made = await servers.create_volume(project, new)
    filling = await acting.volume(project, made.id)
    assert filling is not None and filling.status == "creating" and filling.metadata[MARK] == "JOB-7-2-abc"
    with pytest.raises(ActError):
        await servers.delete_volume(project, made.id)
    clock.wait(10)
    filled = await acting.volume(project, made.id)
    assert filled is not None and (filled.status, filled.volume_type) == ("available", "hdd")
    assert MARK not in filled.metadata and filled.metadata["src_backup_id"] == copy.external_id
    assert mark_of_volume(filled) == "JOB-7-2-abc"
    await acting.set_volume_metadata(project, made.id, {MARK: "JOB-7-2-abc"}, tuple(filled.metadata))
    right = await acting.volume(project, made.id)
    assert right is not None and right.metadata == {MARK: "JOB-7-2-abc"}
    await servers.delete_volume(project, made.id)


async def test_what_cannot_be_restored_is_refused(database: Database) -> None:
    world = DemoWorld(300, epoch=EPOCH, clock=lambda: NOW)
    acting = DemoActing(OPENSTACK, world, database, DemoApi(latency_s=0.0), lambda: NOW)
    servers, rows = servers_of(acting), list((await listed("volume_backup")).values())
    bad = next(row for row in rows if row.attrs["state"] == "error")
    fine = good(rows)
    for copy, size, project, reason in (
        (bad, bad.attrs["size_gib"], bad.project_id, "refused"), (fine, 1, fine.project_id, "refused"),
        (fine, fine.attrs["size_gib"], "another", "gone"),
    ):  # fmt: skip
        with pytest.raises(ActError) as caught:
            await servers.create_volume(str(project), NewVolume("", "n", size, "m", {}, copy.external_id))
        assert caught.value.reason == reason
    assert NOW - timedelta(days=15) < datetime.fromisoformat(fine.attrs["created"])
