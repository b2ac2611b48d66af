"""Faults of a cloud through the real SDK and real HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from engines.clouds import Cloud, CloudError
from engines.clouds.openstack_calls import CallLimits
from engines.clouds.sources import open_clouds
from tests.engines.clouds.openstack_server import (
    PASSWORD,
    OpenStackServer,
    broken,
    busy,
    cut,
    forbidden,
    server_row,
    silent,
    truncated,
)

QUICK = CallLimits(page_size=2, read_s=0.4, connect_s=0.4, attempts=3, first_delay_s=0.01, max_delay_s=0.02)
Opener = Callable[..., Awaitable[tuple[OpenStackServer, Cloud]]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opener]:
    runners: list[web.AppRunner] = []
    clouds: list[Cloud] = []

    async def opener(
        server: OpenStackServer | None = None, *, password: str = PASSWORD, limits: CallLimits = QUICK
    ) -> tuple[OpenStackServer, Cloud]:
        server = server or OpenStackServer()
        runners.append(await server.start())
        auth = {
            "auth_url": f"{server.url}/v3",
            "username": "admin",
            "password": password,
            "project_name": "admin",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        file = tmp_path / "clouds.yaml"
        file.write_text(yaml.safe_dump({"clouds": {"lab": {"region_name": "One", "auth": auth}}}))
        (cloud,) = open_clouds(file, ["lab"], limits)
        clouds.append(cloud)
        return server, cloud

    yield opener
    for cloud in clouds:
        await cloud.close()
    for runner in runners:
        await runner.cleanup()


async def failing(cloud: Cloud, kind: str) -> CloudError:
    with pytest.raises(CloudError) as caught:
        await cloud.list(kind)
    error = caught.value
    assert "\n" not in error.detail and PASSWORD not in error.detail and "token-1" not in error.detail
    assert error.fix
    return error


def numbers(rows: object) -> list[str]:
    return sorted(row.external_id for row in rows)  # type: ignore[attr-defined]


async def test_pages_are_followed_by_marker_and_not_by_the_links_address(opened: Opener) -> None:
    server, cloud = await opened()
    server.rows["/servers/detail"] = [server_row(n) for n in range(1, 6)]
    rows = await cloud.list("vm")
    assert numbers(rows) == [f"vm-{n}" for n in range(1, 6)]
    assert sum(call.startswith("/servers/detail") for call in server.asked) == 3
    assert all("all_tenants=1" in call for call in server.asked if call.startswith("/servers/detail"))


async def test_a_full_page_without_a_link_is_not_the_end(opened: Opener) -> None:
    server, cloud = await opened(OpenStackServer(no_links=True))
    server.rows["/servers/detail"] = [server_row(n) for n in range(1, 6)]
    assert len(await cloud.list("vm")) == 5


async def test_a_short_page_with_a_link_is_not_the_end(opened: Opener) -> None:
    server, cloud = await opened()
    server.rows["/servers/detail"] = [server_row(n) for n in range(1, 4)]

    async def short(_: web.Request) -> web.StreamResponse:
        links = [{"rel": "next", "href": "http://x/servers/detail?limit=2&marker=vm-1"}]
        return web.json_response({"servers": [server_row(1)], "servers_links": links})

    server.faults["/servers/detail"] = [short]
    assert numbers(await cloud.list("vm")) == ["vm-1", "vm-2", "vm-3"]


async def test_rows_that_come_twice_count_once(opened: Opener) -> None:
    server, cloud = await opened()
    server.rows["/servers/detail"] = [server_row(n) for n in range(1, 4)]

    async def overlapping(_: web.Request) -> web.StreamResponse:
        return web.json_response({"servers": [server_row(2), server_row(3), server_row(3)]})

    server.faults["/servers/detail"] = [None, overlapping]
    assert numbers(await cloud.list("vm")) == ["vm-1", "vm-2", "vm-3"]


async def test_a_circle_of_pages_ends(opened: Opener) -> None:
    server, cloud = await opened()

    async def again(_: web.Request) -> web.StreamResponse:
        links = [{"rel": "next", "href": "http://x/servers/detail?limit=2&marker=vm-1"}]
        return web.json_response({"servers": [server_row(1)], "servers_links": links})

    server.always["/servers/detail"] = again
    error = await failing(cloud, "vm")
    assert error.reason == "cut_off" and "circle" in error.detail and numbers(error.rows) == ["vm-1"]


async def test_a_marker_that_was_deleted_starts_the_listing_again(opened: Opener) -> None:
    server, cloud = await opened()
    server.rows["/servers/detail"] = [server_row(n) for n in range(1, 6)]

    async def gone(_: web.Request) -> web.StreamResponse:
        del server.rows["/servers/detail"][1]
        return web.json_response({"badRequest": {"message": "marker [vm-2] not found"}}, status=400)

    server.faults["/servers/detail"] = [None, gone]
    assert {"vm-1", "vm-3", "vm-4", "vm-5"} <= set(numbers(await cloud.list("vm")))


async def test_a_wrong_password_is_refused(opened: Opener) -> None:
    _, cloud = await opened(password="wrong-one")
    error = await failing(cloud, "vm")
    assert error.reason == "refused" and "login" in error.detail and "wrong-one" not in str(error)
    assert "password" in error.fix


async def test_a_wrong_password_is_tried_once_for_all_kinds(opened: Opener) -> None:
    server, cloud = await opened(password="wrong-one")
    errors = await asyncio.gather(*(failing(cloud, kind) for kind in cloud.kinds))
    assert {error.reason for error in errors} == {"refused"} and server.logins == 1


async def test_a_login_that_hangs_fails_all_kinds_together(opened: Opener) -> None:
    server, cloud = await opened(OpenStackServer(login_delay_s=30))
    started = time.monotonic()
    errors = await asyncio.gather(*(failing(cloud, kind) for kind in cloud.kinds))
    assert {error.reason for error in errors} == {"timeout"} and server.logins <= 2
    assert time.monotonic() - started < 5


async def test_one_refused_service_does_not_touch_the_others(opened: Opener) -> None:
    server, cloud = await opened()
    server.always["/servers/detail"] = forbidden
    server.rows["/networks"] = [{"id": "n1", "name": "net", "project_id": "p", "status": "ACTIVE"}]
    error = await failing(cloud, "vm")
    assert error.reason == "refused" and "Policy doesn't allow" in error.detail and "admin" in error.fix
    assert numbers(await cloud.list("network")) == ["n1"]


@pytest.mark.parametrize("fault", [broken, busy, cut, truncated])
async def test_what_passes_is_tried_again(opened: Opener, fault: object) -> None:
    server, cloud = await opened()
    server.rows["/servers/detail"] = [server_row(1)]
    server.faults["/servers/detail"] = [fault, fault]  # type: ignore[list-item]
    assert numbers(await cloud.list("vm")) == ["vm-1"]


async def test_a_refusal_is_not_tried_again(opened: Opener) -> None:
    server, cloud = await opened()
    server.always["/servers/detail"] = forbidden
    await failing(cloud, "vm")
    assert sum(call.startswith("/servers/detail") for call in server.asked) == 1


async def test_a_service_that_stays_broken_is_named(opened: Opener) -> None:
    server, cloud = await opened()
    server.always["/servers/detail"] = broken
    error = await failing(cloud, "vm")
    assert error.reason == "unexpected" and "Nova answered 500: Unexpected API Error." in error.detail


async def test_silence_is_a_timeout_and_does_not_hold_others(opened: Opener) -> None:
    server, cloud = await opened()
    server.always["/servers/detail"] = silent
    started = time.monotonic()
    error, networks = await asyncio.gather(failing(cloud, "vm"), cloud.list("network"))
    assert error.reason == "timeout" and "Nova" in error.detail and networks == []
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("fault", [cut, truncated, broken])
async def test_a_failure_in_the_middle_keeps_the_rows_that_came(opened: Opener, fault: object) -> None:
    server, cloud = await opened()
    server.rows["/servers/detail"] = [server_row(n) for n in range(1, 6)]
    server.faults["/servers/detail"] = [None, *([fault] * 3)]  # type: ignore[list-item]
    error = await failing(cloud, "vm")
    assert error.reason == "cut_off" and numbers(error.rows) == ["vm-1", "vm-2"]


async def test_a_cloud_that_is_down_is_unreachable(tmp_path: Path) -> None:
    auth = {"auth_url": "http://127.0.0.1:9/v3", "username": "a", "password": PASSWORD, "project_name": "a"}
    auth |= {"user_domain_name": "Default", "project_domain_name": "Default"}
    file = tmp_path / "clouds.yaml"
    file.write_text(yaml.safe_dump({"clouds": {"down": {"auth": auth}}}))
    (cloud,) = open_clouds(file, ["down"], QUICK)
    error = await failing(cloud, "vm")
    await cloud.close()
    assert error.reason == "unreachable" and error.rows == ()


async def test_a_service_that_is_not_there_is_named(opened: Opener) -> None:
    _, cloud = await opened(OpenStackServer(services=("identity", "compute", "network", "image")))
    error = await failing(cloud, "volume")
    assert error.reason == "unsupported" and "Cinder" in error.detail


async def test_hosts_come_without_placement(opened: Opener) -> None:
    server, cloud = await opened(OpenStackServer(services=("identity", "compute")))
    server.rows["/os-hypervisors/detail"] = [
        {"id": "h1", "hypervisor_hostname": "compute-01", "state": "up", "status": "enabled", "vcpus": 8}
    ]
    (host,) = await cloud.list("host")
    assert host.attrs["vcpus"] == 8 and "cpu_ratio" not in host.attrs and "memory_mib" not in host.attrs


async def test_an_account_that_sees_only_its_project_is_refused_with_its_rows(opened: Opener) -> None:
    server, cloud = await opened(OpenStackServer(roles=("member",)))
    server.always["/os-services"] = forbidden
    server.rows["/volumes/detail"] = [{"id": "v1", "name": "data", "status": "available", "size": 1}]
    error = await failing(cloud, "volume")
    assert error.reason == "refused" and "its own project" in error.detail and numbers(error.rows) == ["v1"]


async def test_one_row_that_cannot_be_read_does_not_stop_the_others(opened: Opener) -> None:
    server, cloud = await opened()
    server.rows["/servers/detail"] = [server_row(1), {"id": "vm-2", "addresses": {"net": [{"nothing": 1}]}}]
    error = await failing(cloud, "vm")
    assert error.reason == "unexpected" and "1 rows" in error.detail and numbers(error.rows) == ["vm-1"]


async def test_vms_of_a_cell_that_is_down_are_not_overwritten_nor_lost(opened: Opener) -> None:
    server, cloud = await opened()
    partial = {"id": "vm-2", "status": "UNKNOWN", "tenant_id": "project-1", "created": "2026-11-25T11:02:58Z"}
    server.rows["/servers/detail"] = [server_row(1), partial]
    error = await failing(cloud, "vm")
    assert error.reason == "cut_off" and "cell" in error.detail and numbers(error.rows) == ["vm-1"]


async def test_a_keystone_that_cuts_long_lists_is_cut_off(opened: Opener) -> None:
    server, cloud = await opened()
    server.objects["/projects"] = {"projects": [{"id": "p1", "name": "one", "domain_id": "d"}], "truncated": True}
    error = await failing(cloud, "project")
    assert error.reason == "cut_off" and "list_limit" in error.detail


async def test_the_quota_of_one_project_fails_alone(opened: Opener) -> None:
    server, cloud = await opened(OpenStackServer(services=("identity", "compute")))
    server.rows["/projects"] = [{"id": "p1", "name": "one"}, {"id": "p2", "name": "two"}]
    told = {"instances": {"limit": 10, "in_use": 3, "reserved": 1}, "cores": {"limit": -1, "in_use": 8, "reserved": 0}}
    server.objects["/os-quota-sets/p1/detail"] = {"quota_set": told}
    server.always["/os-quota-sets/p2/detail"] = broken
    error = await failing(cloud, "quota")
    (row,) = error.rows
    assert row.attrs["limits"] == {"vms": 10, "cpu": -1} and row.derived["used"] == {"vms": 4, "cpu": 8}
    assert "1 of 2" in error.detail


async def test_a_neutron_without_usage_tells_limits_only(opened: Opener) -> None:
    async def unknown(_: web.Request) -> web.StreamResponse:
        return web.json_response({"NeutronError": {"message": "no such extension"}}, status=404)

    server, cloud = await opened(OpenStackServer(services=("identity", "network")))
    server.rows["/projects"] = [{"id": "p1", "name": "one"}]
    server.always["/quotas/p1/details"] = unknown
    server.objects["/quotas/p1"] = {"quota": {"network": 100, "port": -1}}
    (row,) = await cloud.list("quota")
    assert row.attrs["limits"] == {"networks": 100, "ports": -1} and row.derived["used"] == {}


async def test_keypairs_are_those_of_every_user_of_every_domain(opened: Opener) -> None:
    server, cloud = await opened()
    server.rows["/domains"] = [{"id": "d1", "name": "one"}, {"id": "d2", "name": "two"}]

    async def users(request: web.Request) -> web.StreamResponse:
        domain = request.query["domain_id"]
        return web.json_response({"users": [{"id": f"user-of-{domain}", "name": "ann", "domain_id": domain}]})

    async def pairs(request: web.Request) -> web.StreamResponse:
        return web.json_response({"keypairs": [{"keypair": {"name": "key", "fingerprint": request.query["user_id"]}}]})

    server.always |= {"/users": users, "/os-keypairs": pairs}
    assert numbers(await cloud.list("keypair")) == ["user-of-d1/key", "user-of-d2/key"]
    assert numbers(await cloud.list("user")) == ["user-of-d1", "user-of-d2"]


async def test_keypairs_of_others_that_are_refused_are_said(opened: Opener) -> None:
    server, cloud = await opened()
    server.always["/domains"] = forbidden
    error = await failing(cloud, "keypair")
    assert error.reason == "refused" and "keypairs of other users" in error.detail


async def test_calls_in_flight_are_bounded(opened: Opener) -> None:
    limits = CallLimits(in_flight=3, page_size=2, read_s=5, attempts=1)
    server, cloud = await opened(OpenStackServer(delay_s=0.05), limits=limits)
    await cloud.list("network")
    server.most_at_once = 0
    await asyncio.gather(*(cloud.list(kind) for kind in ("subnet", "port", "router", "flavor", "aggregate", "vm")))
    assert server.most_at_once == 3


async def test_an_unknown_kind_is_unsupported(opened: Opener) -> None:
    _, cloud = await opened()
    assert (await failing_without_fix(cloud, "datastore")).reason == "unsupported"


async def failing_without_fix(cloud: Cloud, kind: str) -> CloudError:
    with pytest.raises(CloudError) as caught:
        await cloud.list(kind)
    return caught.value
