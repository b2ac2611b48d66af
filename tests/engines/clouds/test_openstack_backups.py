"""Volume backups of OpenStack: read where there is a backup service, and volumes made of them by the service user."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from engines.clouds import CloudError
from engines.clouds.acting import ActError, Acting, VolumeState
from engines.clouds.acting_backups import mark_of_volume
from engines.clouds.acting_servers import MARK, NewVolume, servers_of
from engines.clouds.openstack_backups import volume_backup
from engines.inventory.kinds import KINDS
from tests.engines.clouds.acting_server import ActingServer, answer, lost, volume_row
from tests.engines.clouds.openstack_server import OpenStackServer, broken
from tests.engines.clouds.test_openstack_acting import acting, failing, opened, server
from tests.engines.clouds.test_openstack_faults import Opener
from tests.engines.clouds.test_openstack_faults import opened as reading

__all__ = ["acting", "opened", "reading", "server"]
SERVICE = {"id": 4, "binary": "cinder-backup", "host": "backup-01", "state": "down"}
OTHER = {"id": 1, "binary": "cinder-volume", "host": "storage-01", "state": "up"}


def row(name: str, at: str, volume: str = "v1", **more: Any) -> dict[str, Any]:
    return {
        "id": name, "status": "available", "size": 1, "container": "volumebackups", "created_at": at, "name": name,
        "availability_zone": None, "description": None, "fail_reason": None, "volume_id": volume, "snapshot_id": None,
        "is_incremental": False, "has_dependent_backups": False, "data_timestamp": at, "metadata": {},
        "os-backup-project-attr:project_id": "p1", "user_id": "u1", "encryption_key_id": None, **more,
    }  # fmt: skip


def cloud_with(*rows: dict[str, Any], services: tuple[dict[str, Any], ...] = (OTHER, SERVICE)) -> OpenStackServer:
    told = OpenStackServer()
    told.rows["/backups/detail"], told.rows["/os-services"] = list(rows), list(services)
    return told


def test_a_backup() -> None:
    found = volume_backup(row("b", "2026-12-01T03:20:45.000000", encryption_key_id="6b2f-key", snapshot_id="s1"))
    assert (found.kind, found.project_id, found.attrs["state"], found.attrs["parent_id"]) == (
        "volume_backup", "p1", "available", "v1",
    )  # fmt: skip
    assert found.attrs["data_at"] == found.attrs["created"] == "2026-12-01T03:20:45Z"
    assert found.attrs["encrypted"] is True and "6b2f-key" not in repr(found)
    known = {field.name for field in KINDS["volume_backup"].fields}
    assert set(found.attrs) | set(found.derived) <= known
    bare = volume_backup({"id": "x", "status": "creating"})
    assert set(bare.attrs) == {"state", "status", "metadata"} and bare.project_id is None


async def test_incremental_ones_know_what_they_add_to(reading: Opener) -> None:
    """Cinder does not tell it: the newest before of the same volume; also over pages, and of the same second."""
    at = "2026-12-0{}T02:00:00.000000".format
    _, cloud = await reading(cloud_with(
        row("i3", at(3), is_incremental=True), row("full", at(1), has_dependent_backups=True),
        row("i2", at(2), is_incremental=True, has_dependent_backups=True), row("bad", at(2), status="error"),
        row("other", at(2), "v2"), row("now", at(1), is_incremental=True, has_dependent_backups=True),
        row("alone", at(1), "v3", is_incremental=True),
    ))  # fmt: skip
    bases = {one.external_id: one.derived.get("base_id") for one in await cloud.list("volume_backup")}
    assert bases == {
        "full": None, "i2": "now", "i3": "i2", "bad": None, "other": None, "now": "full", "alone": None,
    }  # fmt: skip


async def test_a_cloud_without_backup_service_says_so(reading: Opener) -> None:
    """Cinder answers with an empty list, some with a 404; neither is a failure, nor are there no backups for sure."""
    _, empty = await reading(cloud_with(services=(OTHER,)))
    with pytest.raises(CloudError, match="no backup service") as caught:
        await empty.list("volume_backup")
    assert caught.value.reason == "unsupported" and "nothing, when" in caught.value.fix


async def test_a_backup_service_that_is_down_or_not_loaded(reading: Opener) -> None:
    _, down = await reading(cloud_with())
    assert await down.list("volume_backup") == []

    async def missing(_: web.Request) -> web.StreamResponse:
        return web.json_response({"itemNotFound": {"message": "The resource could not be found."}}, status=404)

    none = OpenStackServer()
    none.always["/backups/detail"] = missing
    _, cloud = await reading(none)
    with pytest.raises(CloudError, match="no backup service") as caught:
        await cloud.list("volume_backup")
    assert caught.value.reason == "unsupported"


async def test_a_backup_service_that_fails_is_a_failure(reading: Opener) -> None:
    told = cloud_with(row("b", "2026-12-01T02:00:00.000000"))
    told.always["/backups/detail"] = broken
    _, cloud = await reading(told)
    with pytest.raises(CloudError) as caught:
        await cloud.list("volume_backup")
    assert caught.value.reason == "unexpected"


def heard(into: list[Any], reply: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
    async def handler(request: web.Request) -> web.StreamResponse:
        version = request.headers.get("OpenStack-API-Version", "")
        into.append((version, json.loads(await request.text() or "{}")))
        return await reply(request)

    return handler


async def made(_: web.Request) -> web.StreamResponse:
    return web.json_response({"volume": {"id": "new", "status": "creating"}}, status=202)


NEW = NewVolume("", "db-data-restored", 10, "JOB-7-2-abc", {"team": "orders"}, "b1", "luks", "az-2")


async def test_a_volume_of_a_backup_is_one_call_with_type_zone_and_mark(server: ActingServer, acting: Acting) -> None:
    said: list[Any] = []
    server.faults["POST /volumes"] = [heard(said, made)]
    volume = await servers_of(acting).create_volume("p1", NEW)
    assert volume.id == "new" and server.changes() == ["POST /volumes"]
    assert said == [("volume 3.47", {"volume": {
        "name": "db-data-restored", "size": 10, "metadata": {"team": "orders", MARK: "JOB-7-2-abc"}, "backup_id": "b1",
        "description": "stackhand_key=JOB-7-2-abc", "volume_type": "luks", "availability_zone": "az-2",
    }})]  # fmt: skip


async def test_a_lost_answer_is_told_as_such_and_never_repeated(server: ActingServer, acting: Acting) -> None:
    server.faults["POST /volumes"] = [lost]
    error = await failing(servers_of(acting).create_volume("p1", NEW))
    assert error.maybe_done and server.changes() == ["POST /volumes"]


async def test_only_backups_of_the_project_are_told(server: ActingServer, acting: Acting) -> None:
    said: list[Any] = []
    at = "2026-12-01T02:00:00.000000"

    async def page(request: web.Request) -> web.StreamResponse:
        rows = [row("b1", at), row("theirs", at, **{"os-backup-project-attr:project_id": "p2"})]
        del rows[0]["os-backup-project-attr:project_id"]  # a member is not told whose they are
        return web.json_response({"backups": [] if "marker" in request.query else rows})

    server.faults["GET /backups/detail"] = [heard(said, page), heard(said, page)]
    (mine,) = await servers_of(acting).backups("p1")
    assert (mine.id, mine.status, mine.volume_id, mine.size_gib) == ("b1", "available", "v1", 1)
    assert said[0][0] == "volume 3.47"


async def test_an_old_cinder_is_refused_and_one_without_backups_has_none(server: ActingServer, acting: Acting) -> None:
    server.faults["GET /backups/detail"] = [answer(406, "Version 3.47 is not supported by the API.")]
    error = await failing(servers_of(acting).backups("p1"))
    assert error.reason == "refused" and "older than 3.47" in error.detail
    assert await servers_of(acting).backups("p1") == []


async def test_what_is_deleted_bears_a_mark_of_ours(server: ActingServer, acting: Acting) -> None:
    """A restore wipes the marks of the metadata: the description is enough."""
    server.volumes["wiped"] = volume_row("wiped", "p1", description="stackhand_key=JOB-7-2-abc", metadata={"part": "x"})
    server.volumes["plain"] = volume_row("plain", "p1", description="restored by hand")
    server.faults["DELETE /volumes/wiped"] = [answer(202, "")]
    await servers_of(acting).delete_volume("p1", "wiped")
    assert server.changes() == ["DELETE /volumes/wiped"]
    with pytest.raises(ActError, match="was not made here"):
        await servers_of(acting).delete_volume("p1", "plain")


def test_the_mark_in_the_description_goes_before_one_that_came_with_the_data() -> None:
    def of(description: str, **metadata: str) -> str:
        return mark_of_volume(VolumeState("v", "n", "available", 1, metadata=metadata, description=description))

    assert of("stackhand_key=JOB-7-2-abc", stackhand_key="JOB-3-1-old") == "JOB-7-2-abc"
    assert of("", stackhand_key="JOB-3-1-old") == "JOB-3-1-old"
    assert of("stackhand_key=") == of("key=JOB-7") == of("") == ""
