"""A service user changes a real OpenStack, and openstacksdk as administrator sees whose it is.

Beside STACKHAND_TEST_CLOUD (see test_openstack_live.py) set STACKHAND_TEST_SERVICE to the service user's entry in the
same file. Everything is made in a project of its own, which is deleted afterwards.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openstack
import pytest
import yaml
from openstack.connection import Connection

from engines.clouds.acting import ActError, Acting
from engines.clouds.opening import open_acting
from engines.clouds.openstack_calls import CallLimits
from tests.cloud.test_openstack_live import where

pytestmark = pytest.mark.cloud


def service() -> str:
    name = os.environ.get("STACKHAND_TEST_SERVICE", "")
    if not name:
        pytest.skip("STACKHAND_TEST_SERVICE is not set: no service user")
    return name


@pytest.fixture(scope="module")
def direct() -> Any:
    path, name = where()
    return Connection(config=openstack.config.OpenStackConfig(config_files=[str(path)]).get_one(cloud=name))


@dataclass(frozen=True)
class Place:
    """A project with a volume of 1 GiB that belongs to it."""

    project: str
    volume: str


def _wait(cloud: Any, kind: str, name: str) -> None:
    row = getattr(cloud.block_storage, f"get_{kind}")(name)
    cloud.block_storage.wait_for_status(row, "available", failures=["error"], interval=0.5, wait=60)


@contextlib.contextmanager
def project(direct: Any, *, role: bool = True) -> Iterator[Place]:
    path, _ = where()
    entry = yaml.safe_load(path.read_text())["clouds"][service()]["auth"]
    user = direct.identity.find_user(entry["username"], domain_id="default")
    made = direct.identity.create_project(name=f"acting-{secrets.token_hex(4)}", domain_id="default")
    member = direct.identity.find_role("member")
    admin = direct.identity.find_user("admin", domain_id="default")
    direct.identity.assign_project_role_to_user(made, admin, direct.identity.find_role("admin"))
    if role:
        direct.identity.assign_project_role_to_user(made, user, member)
    inside = direct.connect_as_project(made)
    volume = inside.block_storage.create_volume(size=1, name="acting-volume")
    _wait(inside, "volume", volume.id)
    try:
        yield Place(made.id, volume.id)
    finally:
        for snapshot in inside.block_storage.snapshots():
            inside.block_storage.delete_snapshot(snapshot, ignore_missing=True)
        for snapshot in list(inside.block_storage.snapshots()):
            with contextlib.suppress(Exception):
                inside.block_storage.wait_for_delete(snapshot, interval=0.5, wait=60)
        inside.block_storage.delete_volume(volume, ignore_missing=True)
        direct.identity.delete_project(made)


@pytest.fixture(scope="module")
def place(direct: Any) -> Iterator[Place]:
    with project(direct) as made:
        yield made


@pytest.fixture
async def acting() -> AsyncIterator[Acting]:
    path, name = where()
    clouds = open_acting(path, [name], {name: service()})
    yield await clouds.open(name)
    await clouds.close()


async def settled(acting: Acting, project_id: str, snapshot_id: str) -> str | None:
    """The status once it no longer changes; None: gone."""
    for _ in range(120):
        found = await acting.snapshot(project_id, snapshot_id)
        if found is None or not found.status.endswith("ing"):
            return found.status if found else None
        await asyncio.sleep(0.5)
    raise AssertionError("it never settled")


def owner(direct: Any, snapshot_id: str) -> str:
    """As Cinder tells the administrator, of all projects."""
    (found,) = [s for s in direct.block_storage.snapshots(details=True, all_projects=True) if s.id == snapshot_id]
    return str(found.project_id)


async def test_a_snapshot_belongs_to_the_volumes_project_is_listed_and_deleted(
    direct: Any, place: Place, acting: Acting
) -> None:
    made = await acting.create_snapshot(place.project, place.volume, "live-1", {"policy": "daily_5"}, "by a test")
    assert await settled(acting, place.project, made.id) == "available"
    assert owner(direct, made.id) == place.project
    (seen,) = await acting.snapshots(place.project)
    assert (seen.id, seen.name, seen.volume_id, seen.size_gib) == (made.id, "live-1", place.volume, 1)
    assert seen.metadata == {"policy": "daily_5"} and seen.created is not None
    quota = await acting.storage_quota(place.project)
    assert quota.snapshots.used == 1 and quota.size_gib.used == 2
    assert await acting.snapshot_dependants(place.project, made.id) == []
    await acting.delete_snapshot(place.project, made.id)
    assert await settled(acting, place.project, made.id) is None
    await acting.delete_snapshot(place.project, made.id)
    assert list(await acting.snapshots(place.project)) == []


async def test_a_full_quota_is_told_in_the_clouds_words(direct: Any, place: Place, acting: Acting) -> None:
    direct.block_storage.update_quota_set(place.project, gigabytes=1)
    try:
        assert (await acting.storage_quota(place.project)).size_gib.free() == 0
        with pytest.raises(ActError) as caught:
            await acting.create_snapshot(place.project, place.volume, "too-much", {})
        assert caught.value.reason == "over_limit" and not caught.value.maybe_done
        assert "413" in caught.value.detail and "quota" in caught.value.detail.lower()
        direct.block_storage.update_quota_set(place.project, gigabytes=-1, snapshots=0)
        quota = await acting.storage_quota(place.project)
        assert quota.size_gib.limit is None and quota.snapshots.limit == 0
        with pytest.raises(ActError) as caught:
            await acting.create_snapshot(place.project, place.volume, "too-many", {})
        assert caught.value.reason == "over_limit" and list(await acting.snapshots(place.project)) == []
    finally:
        direct.block_storage.update_quota_set(place.project, gigabytes=1000, snapshots=10)


async def test_limits_of_volume_types_are_told(direct: Any, place: Place, acting: Acting) -> None:
    kind = (await acting.volume(place.project, place.volume)).volume_type  # type: ignore[union-attr]
    direct.block_storage.put(
        f"/os-quota-sets/{place.project}", json={"quota_set": {f"gigabytes_{kind}": 3, f"snapshots_{kind}": 0}}
    ).raise_for_status()
    quota = await acting.storage_quota(place.project)
    assert kind is not None and quota.size_gib_of[kind].limit == 3 and quota.size_gib_of[kind].used == 1
    assert quota.snapshots_of[kind].free() == 0
    direct.block_storage.put(
        f"/os-quota-sets/{place.project}", json={"quota_set": {f"gigabytes_{kind}": -1, f"snapshots_{kind}": -1}}
    ).raise_for_status()


async def test_named_keys_of_metadata_are_set_and_removed(direct: Any, place: Place, acting: Acting) -> None:
    direct.block_storage.set_volume_metadata(place.volume, theirs="stays")
    await acting.set_volume_metadata(place.project, place.volume, {"auto_snapshot": "true", "retention_daily_5": "5"})
    await acting.set_volume_metadata(place.project, place.volume, {}, ["retention_daily_5", "never-there"])
    assert direct.block_storage.get_volume(place.volume).metadata == {"theirs": "stays", "auto_snapshot": "true"}


async def test_another_projects_volume_is_refused(direct: Any, place: Place, acting: Acting) -> None:
    with project(direct) as other:
        with pytest.raises(ActError) as caught:
            await acting.create_snapshot(other.project, place.volume, "stray", {})
        assert caught.value.reason in ("gone", "refused") and not caught.value.maybe_done
        assert list(await acting.snapshots(other.project)) == []


async def test_an_administrator_as_service_user_makes_no_stray_snapshot(direct: Any, place: Place) -> None:
    """The trap of the reference: the snapshot would belong to the administrator's project."""
    path, name = where()
    clouds = open_acting(path, [name], {name: name})
    with project(direct) as other:
        with pytest.raises(ActError) as caught:
            await (await clouds.open(name)).create_snapshot(other.project, place.volume, "stray", {})
        assert caught.value.reason == "refused" and "another project" in caught.value.detail
    await clouds.close()
    assert not [s for s in direct.block_storage.snapshots(all_projects=True) if s.name == "stray"]


async def test_without_a_role_nothing_is_made_anywhere(direct: Any, acting: Acting) -> None:
    with project(direct, role=False) as closed:
        with pytest.raises(ActError) as caught:
            await acting.create_snapshot(closed.project, closed.volume, "no-role", {})
        assert caught.value.reason == "refused" and closed.project in caught.value.fix
        assert caught.value.fix.startswith("openstack role add --user")
        assert not [s for s in direct.block_storage.snapshots(all_projects=True) if s.name == "no-role"]


async def _lossy(upstream: str) -> tuple[asyncio.Server, str]:
    """A proxy before Cinder that forwards everything, and drops the answer to each POST of a snapshot."""
    target = urlsplit(upstream)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((int(v) for k, v in _headers(head) if k == b"content-length"), 0)
            body = await reader.readexactly(length)
            there, back = await asyncio.open_connection(target.hostname, target.port)
            back.write(head.replace(b"Connection: keep-alive", b"Connection: close") + body)
            answered = await there.read(-1)
            back.close()
            if not (head.startswith(b"POST") and b"/snapshots " in head.split(b"\r\n")[0]):
                writer.write(answered)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _headers(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        yield name.strip().lower(), value.strip()


async def test_a_lost_answer_is_a_doubt_and_the_snapshot_is_found_by_its_mark(
    direct: Any, place: Place, tmp_path: Path
) -> None:
    path, name = where()
    upstream = direct.block_storage.get_endpoint()
    proxy, address = await _lossy(upstream)
    document = yaml.safe_load(path.read_text())
    document["clouds"][service()]["block_storage_endpoint_override"] = f"{address}/v3/%(project_id)s"
    file = tmp_path / "clouds.yaml"
    file.write_text(yaml.safe_dump(document))
    clouds = open_acting(file, [name], {name: service()}, CallLimits(read_s=20))
    acting = await clouds.open(name)
    mark = {"stackhand": f"JOB-{secrets.token_hex(3)}"}
    with pytest.raises(ActError) as caught:
        await acting.create_snapshot(place.project, place.volume, "lost", mark)
    assert caught.value.maybe_done and caught.value.reason == "unreachable"
    (found,) = [s for s in await acting.snapshots(place.project) if s.metadata == mark]
    assert await settled(acting, place.project, found.id) == "available"
    assert owner(direct, found.id) == place.project
    await acting.delete_snapshot(place.project, found.id)
    assert await settled(acting, place.project, found.id) is None
    await clouds.close()
    proxy.close()


async def test_a_vm_of_another_project_is_not_paused(direct: Any, place: Place, acting: Acting) -> None:
    server = next(iter(direct.compute.servers(all_projects=True, status="ACTIVE")), None)
    if server is None:
        pytest.skip("no VM runs")
    with pytest.raises(ActError) as caught:
        await acting.pause_vm(place.project, server.id)
    assert caught.value.reason == "gone"


async def test_a_vm_is_paused_and_resumed_by_the_service_user(direct: Any, acting: Acting) -> None:
    mine = await acting.calls.projects()  # type: ignore[attr-defined]
    running = direct.compute.servers(all_projects=True, status="ACTIVE")
    server = next((s for s in running if s.project_id in mine), None)
    if server is None:
        pytest.skip("no VM runs where the service user may act")
    assert await acting.pause_vm(server.project_id, server.id) is True
    assert direct.compute.get_server(server.id).status == "PAUSED"
    assert await acting.pause_vm(server.project_id, server.id) is False
    await acting.resume_vm(server.project_id, server.id)
    assert direct.compute.get_server(server.id).status == "ACTIVE"
