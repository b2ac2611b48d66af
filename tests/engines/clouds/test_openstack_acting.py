"""A service user changes a cloud: in the right project, as nobody else, once; and what failed is told truly."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from engines.clouds.acting import ActError, Acting, Used
from engines.clouds.acting_servers import servers_of
from engines.clouds.opened import OpenedClouds
from engines.clouds.opening import open_acting
from engines.clouds.openstack_acting import OpenStackActing
from engines.clouds.openstack_calls import CallLimits
from engines.clouds.openstack_logins import Logins
from engines.clouds.sources import CloudsFileError, config_of, region_of
from tests.engines.clouds.acting_server import PASSWORD, TOKEN, ActingServer, answer, half, lost, silent, volume_row

QUICK = CallLimits(page_size=2, read_s=0.4, connect_s=0.4, attempts=3, first_delay_s=0.01, max_delay_s=0.02)
SVC = "snapshot-svc"
MEMBER = {(SVC, "p1"): ("member",), (SVC, "p2"): ("member",), ("admin", "p1"): ("admin",)}


@pytest.fixture
async def server() -> AsyncIterator[ActingServer]:
    started = ActingServer(roles=dict(MEMBER))
    await started.start()
    started.volumes = {name: volume_row(name, owner) for name, owner in (("v1", "p1"), ("v2", "p2"))}
    yield started
    await started.stop()


def clouds_file(folder: Path, url: str, **changes: Any) -> Path:
    def entry(user: str, **auth: Any) -> dict[str, Any]:
        domains = {"user_domain_name": "Default", "project_domain_name": "Default"}
        told = {"auth_url": f"{url}/v3", "username": user, "password": PASSWORD, "project_name": "admin", **domains}
        return {"region_name": "One", "auth": {**told, **auth}}

    file = folder / "clouds.yaml"
    file.write_text(yaml.safe_dump({"clouds": {"lab": entry("admin"), "lab-service": entry(SVC, **changes)}}))
    return file


@pytest.fixture
async def opened(server: ActingServer, tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Acting]]]:
    all_opened: list[OpenedClouds] = []

    async def opener(**changes: Any) -> Acting:
        file = clouds_file(tmp_path, server.url, **changes)
        all_opened.append(open_acting(file, ["lab"], {"lab": "lab-service"}, QUICK, poll_s=0.01))
        return await all_opened[-1].open("lab")

    yield opener
    for one in all_opened:
        await one.close()


@pytest.fixture
async def acting(opened: Callable[..., Awaitable[Acting]]) -> Acting:
    return await opened()


async def failing(call: Awaitable[object]) -> ActError:
    with pytest.raises(ActError) as caught:
        await call
    error = caught.value
    told = f"{error} {error.detail} {error.fix}"
    assert "\n" not in told and PASSWORD not in told and TOKEN not in told
    assert error.fix
    return error


async def test_a_snapshot_is_made_by_the_service_user_in_the_volumes_project(
    server: ActingServer, acting: Acting
) -> None:
    made = await acting.create_snapshot("p1", "v1", "auto-daily", {"policy": "daily_5"})
    assert (made.volume_id, made.size_gib, made.status, made.metadata) == ("v1", 10, "creating", {"policy": "daily_5"})
    assert made.created == datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert server.snapshots[made.id]["owner"] == "p1"
    assert {user for user, _ in server.logins} == {SVC}


async def test_without_a_role_in_the_project_it_is_refused_and_nobody_else_does_it(
    server: ActingServer, acting: Acting
) -> None:
    """The reference falls back to its administrator, and the snapshot lands in the administrator's project."""
    server.roles[SVC, "p1"] = ()
    error = await failing(acting.create_snapshot("p1", "v1", "auto", {}))
    assert (error.reason, error.maybe_done) == ("refused", False)
    assert error.fix == f"openstack role add --user {SVC} --user-domain Default --project p1 member"
    assert server.snapshots == {} and server.changes() == [] and {user for user, _ in server.logins} == {SVC}


async def test_a_volume_of_another_project_is_refused_before_the_call(server: ActingServer, acting: Acting) -> None:
    assert (await failing(acting.create_snapshot("p1", "v2", "auto", {}))).reason == "gone"
    server.roles[SVC, "p2"] = ("admin",)  # sees every project's volumes
    error = await failing(acting.create_snapshot("p2", "v1", "auto", {}))
    assert error.reason == "refused" and "another project" in error.detail
    assert (await failing(acting.set_volume_metadata("p2", "v1", {"a": "b"}))).reason == "refused"
    assert await acting.volume("p2", "v1") is None
    assert server.changes() == []


async def test_an_owner_that_is_not_told_is_no_reason_to_trust_an_administrator(
    server: ActingServer, acting: Acting
) -> None:
    server.hide_owner = True
    assert (await acting.create_snapshot("p1", "v1", "auto", {})).volume_id == "v1"
    server.roles[SVC, "p2"] = ("admin", "member")
    assert (await failing(acting.create_snapshot("p2", "v1", "auto", {}))).reason == "refused"
    assert len(server.snapshots) == 1


async def test_a_login_is_shared_and_kept_and_one_that_ended_is_renewed(server: ActingServer, acting: Acting) -> None:
    await asyncio.gather(*(acting.volumes("p1") for _ in range(8)))
    await acting.volumes("p2")
    assert sorted(server.logins) == [(SVC, "p1"), (SVC, "p2")]
    server.tokens.clear()  # as after a revocation: the answer is 401
    assert (await acting.create_snapshot("p1", "v1", "auto", {})).volume_id == "v1"
    assert len(server.logins) == 3 and len(server.snapshots) == 1


async def test_a_role_that_was_taken_away_meanwhile_is_a_refusal_without_doubt(
    server: ActingServer, acting: Acting
) -> None:
    await acting.volumes("p1")
    server.roles[SVC, "p1"] = ()
    server.tokens.clear()
    client: Any = acting
    error = await failing(client.calls.change("p1", "POST", "block_storage", "/snapshots", {}))
    assert (error.reason, error.maybe_done) == ("refused", False) and "--project p1" in error.fix


async def test_logins_are_few_and_end(server: ActingServer, tmp_path: Path) -> None:
    for n in range(5):
        server.roles[SVC, f"p{n}"] = ("member",)
    path, now = clouds_file(tmp_path, server.url), [1000.0]
    region = region_of(path, config_of(path), "lab-service", "One", QUICK)
    logins = Logins("lab", "lab-service", region, most=2, keep_s=60, clock=lambda: now[0])
    for project in ("p0", "p1", "p0", "p2", "p0"):
        assert (await asyncio.to_thread(logins.of, project)).roles == {"member"}
    assert len(logins) == 2 and [project for _, project in server.logins] == ["p0", "p1", "p2"]
    server.roles[SVC, "p0"] = ("member", "reader")
    now[0] += 61
    assert (await asyncio.to_thread(logins.of, "p0")).roles == {"member", "reader"}
    assert len(logins) == 2


async def test_a_refusal_is_forgotten_after_a_while(server: ActingServer, tmp_path: Path) -> None:
    path, now = clouds_file(tmp_path, server.url), [1000.0]
    logins = Logins("lab", "e", region_of(path, config_of(path), "lab-service", "One", QUICK), clock=lambda: now[0])
    with pytest.raises(ActError):
        await asyncio.to_thread(logins.of, "p9")
    server.roles[SVC, "p9"] = ("member",)
    with pytest.raises(ActError):
        await asyncio.to_thread(logins.of, "p9")
    now[0] += 21
    assert (await asyncio.to_thread(logins.of, "p9")).roles == {"member"}


async def test_a_wrong_password_is_tried_once_not_for_every_project(
    server: ActingServer, opened: Callable[..., Awaitable[Acting]]
) -> None:
    acting = await opened(password="not-" + PASSWORD)
    for project in ("p1", "p2", "p3"):
        error = await failing(acting.volumes(project))
        assert error.reason == "refused" and "check user name" in error.fix
    assert len(server.logins) == 2  # the second told a wrong password from a missing role


async def test_a_missing_role_does_not_stop_other_projects(server: ActingServer, acting: Acting) -> None:
    server.roles[SVC, "p1"] = ()
    assert (await failing(acting.volumes("p1"))).reason == "refused"
    assert len(await acting.volumes("p2")) == 1
    before = len(server.logins)
    assert (await failing(acting.volumes("p1"))).reason == "refused"
    assert len(server.logins) == before  # remembered for a while


async def test_an_application_credential_cannot_work_in_other_projects(server: ActingServer, tmp_path: Path) -> None:
    file = clouds_file(tmp_path, server.url)
    document = yaml.safe_load(file.read_text())
    document["clouds"]["lab-service"] = {
        "auth_type": "v3applicationcredential",
        "region_name": "One",
        "auth": {
            "auth_url": f"{server.url}/v3",
            "application_credential_id": "x",
            "application_credential_secret": PASSWORD,
        },
    }
    file.write_text(yaml.safe_dump(document))
    clouds = open_acting(file, [], {"lab": "lab-service"}, QUICK)
    error = await failing((await clouds.open("lab")).volumes("p1"))
    assert error.reason == "refused" and "one project" in error.detail
    await clouds.close()


@pytest.mark.parametrize(
    ("status", "words", "reason", "unsure"),
    [
        (400, "Invalid volume: Volume status must be available or in-use", "busy", False),
        (400, "Invalid input for field/attribute name", "unexpected", False),
        (401, "The request needs authentication", "refused", False),
        (403, "Policy doesn't allow volume:create_snapshot to be performed.", "refused", False),
        (403, "Quota exceeded for snapshots", "over_limit", False),
        (404, "Volume v1 could not be found.", "gone", False),
        (409, "Snapshot is in use", "busy", False),
        (409, "Quota exceeded for resources: ['port']", "over_limit", False),
        (413, "SnapshotLimitExceeded: Maximum number of snapshots allowed (2) exceeded", "over_limit", False),
        (429, "Too many requests", "throttled", False),
        (500, "The server has either erred or is incapable", "unexpected", True),
        (502, "Bad Gateway", "unreachable", True),
        (503, "Service Unavailable", "unreachable", True),
        (504, "Gateway Timeout", "timeout", True),
        (307, "Elsewhere", "unexpected", False),
    ],
)
async def test_answers_mean_what_they_say_and_a_change_is_asked_for_once(
    server: ActingServer, acting: Acting, status: int, words: str, reason: str, unsure: bool
) -> None:
    server.faults["POST /snapshots"] = [answer(status, words, headers={"Retry-After": "7"})] * 5
    error = await failing(acting.create_snapshot("p1", "v1", "auto", {}))
    assert (error.reason, error.maybe_done, error.retry_after_s) == (reason, unsure, 7.0)
    assert words in error.detail
    # A 401 is a refusal: the request may be sent again with a new token, and is.
    assert server.changes().count("POST /snapshots") == (2 if status == 401 else 1)


@pytest.mark.parametrize("value", ["", "soon", "-5", "9" * 400, "٣", "Fri, 99 Foo 2026"])
async def test_a_strange_retry_after_does_no_harm(server: ActingServer, acting: Acting, value: str) -> None:
    server.faults["POST /snapshots"] = [answer(429, "Too many", headers={"Retry-After": value})]
    error = await failing(acting.create_snapshot("p1", "v1", "auto", {}))
    assert error.reason == "throttled" and 0 <= error.retry_after_s <= 3600


@pytest.mark.parametrize(("fault", "reason"), [(lost, "unreachable"), (silent, "timeout"), (half, "unexpected")])
async def test_a_lost_answer_is_a_doubt_and_the_snapshot_is_found_by_its_mark(
    server: ActingServer, acting: Acting, fault: Any, reason: str
) -> None:
    server.after["POST /snapshots"] = [fault]
    error = await failing(acting.create_snapshot("p1", "v1", "auto", {"stackhand": "JOB-7-3"}))
    assert (error.reason, error.maybe_done) == (reason, True)
    assert "look whether" in error.fix
    (found,) = [s for s in await acting.snapshots("p1") if s.metadata.get("stackhand") == "JOB-7-3"]
    assert found.volume_id == "v1" and server.changes() == ["POST /snapshots"]


async def test_a_cloud_that_is_not_there_is_no_doubt(server: ActingServer, acting: Acting) -> None:
    await acting.volumes("p1")  # logged in
    await server.stop()
    error = await failing(acting.create_snapshot("p1", "v1", "auto", {}))
    assert (error.reason, error.maybe_done) == ("unreachable", False)
    client: Any = acting
    error = await failing(client.calls.change("p1", "POST", "block_storage", "/snapshots", {}))
    assert (error.reason, error.maybe_done) == ("unreachable", False)


async def test_reads_are_repeated_within_reason(server: ActingServer, acting: Acting) -> None:
    server.faults["GET /volumes/detail"] = [answer(500, "x"), answer(503, "x")]
    assert [v.id for v in await acting.volumes("p1")] == ["v1"]
    server.faults["GET /volumes/detail"] = [answer(429, "x", headers={"Retry-After": "30"})]
    error = await failing(acting.volumes("p1"))
    assert (error.reason, error.retry_after_s, error.maybe_done) == ("throttled", 30.0, False)
    server.faults["GET /volumes/detail"] = [answer(500, "x")] * 3
    assert (await failing(acting.volumes("p1"))).reason == "unexpected"


async def test_a_listing_costs_the_same_whatever_others_have(server: ActingServer, acting: Acting) -> None:
    for n in range(300):
        owner = "p1" if n < 5 else f"other-{n}"
        server.snapshots[f"s{n}"] = {"id": f"s{n}", "volume_id": "v1", "size": 1, "status": "available", "owner": owner}
    assert [s.id for s in await acting.snapshots("p1")] == ["s0", "s1", "s2", "s3", "s4"]
    assert sum(what == "GET /snapshots/detail" for _, what, _ in server.asked) == 3  # pages of two


async def test_states_are_read_whole(acting: Acting) -> None:
    (volume,) = await acting.volumes("p1")
    assert (volume.id, volume.status, volume.size_gib, volume.bootable) == ("v1", "in-use", 10, True)
    assert (volume.volume_type, volume.vms) == ("ssd", ("vm-1",))
    assert await acting.volume("p1", "v1") == volume
    assert await acting.volume("p1", "../../snapshots/x") is None
    assert await acting.snapshot("p1", "nothing") is None


async def test_deleting_is_honest_and_what_is_gone_is_no_error(server: ActingServer, acting: Acting) -> None:
    made = await acting.create_snapshot("p1", "v1", "auto", {})
    path = f"DELETE /snapshots/{made.id}"
    server.faults[path] = [answer(500, "it broke")]
    error = await failing(acting.delete_snapshot("p1", made.id))
    assert error.maybe_done and made.id in server.snapshots
    server.after[path] = [answer(404, "gone meanwhile")]
    await acting.delete_snapshot("p1", made.id)
    await acting.delete_snapshot("p1", made.id)
    assert server.snapshots == {} and server.changes().count(path) == 2


async def test_a_snapshot_of_another_project_is_not_deleted(server: ActingServer, acting: Acting) -> None:
    made = await acting.create_snapshot("p1", "v1", "auto", {})
    server.roles[SVC, "p2"] = ("admin",)
    await acting.delete_snapshot("p2", made.id)
    assert made.id in server.snapshots


async def test_volumes_made_from_a_snapshot_are_named(server: ActingServer, acting: Acting) -> None:
    server.volumes["v9"] = volume_row("v9", "p1", snapshot_id="snap-1")
    assert await acting.snapshot_dependants("p1", "snap-1") == ["v9"]


async def test_only_named_keys_of_metadata_change(server: ActingServer, acting: Acting) -> None:
    server.volumes["v1"]["metadata"] = {"theirs": "1", "old": "2"}
    await acting.set_volume_metadata("p1", "v1", {"auto_snapshot": "true"}, ["old", "never-there"])
    assert server.volumes["v1"]["metadata"] == {"theirs": "1", "auto_snapshot": "true"}
    assert len(server.changes()) == 2


def _quota(**limits: Any) -> dict[str, Any]:
    return {"id": "p1", "volumes": 10, "per_volume_gigabytes": -1, "backup_gigabytes": 1000, **limits}


async def test_a_quota_with_usage_is_taken_as_told(server: ActingServer, acting: Acting) -> None:
    server.quotas["p1"] = _quota(
        snapshots={"limit": 0, "in_use": 0, "reserved": 0},
        gigabytes={"limit": -1, "in_use": 500, "reserved": 20},
        gigabytes_ssd={"limit": 100, "in_use": 90, "reserved": 5},
        snapshots_hdd={"limit": -1, "in_use": 3},
    )
    quota = await acting.storage_quota("p1")
    assert (quota.snapshots, quota.snapshots.free()) == (Used(0, 0), 0)
    assert (quota.size_gib, quota.size_gib.free()) == (Used(None, 520), None)
    assert quota.size_gib_of == {"ssd": Used(100, 95)} and quota.snapshots_of == {}
    assert server.asked[-1] == ("p1", "GET /os-quota-sets/p1", "usage=True")


async def test_plain_numbers_are_limits_and_what_is_used_is_counted(server: ActingServer, acting: Acting) -> None:
    """Not 0 used, and a limit of 0 is not unlimited."""
    server.volumes["v3"] = volume_row("v3", "p1", volume_type="hdd", size=7)
    await acting.create_snapshot("p1", "v1", "auto", {})
    server.quotas["p1"] = _quota(snapshots=0, gigabytes=30, gigabytes_ssd=25, snapshots_ssd=-1)
    quota = await acting.storage_quota("p1")
    assert quota.snapshots == Used(0, 1) and quota.size_gib == Used(30, 27)
    assert quota.size_gib_of == {"ssd": Used(25, 20)} and quota.size_gib.free() == 3


@pytest.mark.parametrize("told", [{}, {"snapshots": "many", "gigabytes": 1}, {"snapshots": {}, "gigabytes": {}}])
async def test_a_quota_that_makes_no_sense_is_an_error_not_free_room(
    server: ActingServer, acting: Acting, told: dict[str, Any]
) -> None:
    server.quotas["p1"] = told
    assert (await failing(acting.storage_quota("p1"))).reason == "unexpected"


async def test_a_vm_is_held_still_and_goes_on(server: ActingServer, acting: Acting) -> None:
    server.servers["vm-1"] = {"id": "vm-1", "status": "ACTIVE", "owner": "p1"}
    assert await acting.pause_vm("p1", "vm-1") is True
    assert server.servers["vm-1"]["status"] == "PAUSED"
    assert await acting.pause_vm("p1", "vm-1") is False
    await acting.resume_vm("p1", "vm-1")
    await acting.resume_vm("p1", "vm-1")
    assert server.servers["vm-1"]["status"] == "ACTIVE" and len(server.changes()) == 2


async def test_pausing_without_the_right_says_what_is_missing(server: ActingServer, acting: Acting) -> None:
    server.servers["vm-1"] = {"id": "vm-1", "status": "ACTIVE", "owner": "p1"}
    server.faults["POST /servers/vm-1/action"] = [answer(403, "Policy doesn't allow os_compute_api:os-pause-server")]
    error = await failing(acting.pause_vm("p1", "vm-1"))
    assert error.reason == "refused" and "os-pause-server" in error.detail and "--project p1" in error.fix
    assert (await failing(acting.pause_vm("p2", "vm-1"))).reason == "gone"


async def test_a_source_without_a_service_user_is_refused_with_what_to_set_up(tmp_path: Path) -> None:
    clouds = open_acting(None, [], {})
    error = await failing(clouds.open("pcd-1/RegionTwo"))
    assert error.reason == "refused" and "STACKHAND_SERVICE_CLOUDS=pcd-1=" in error.fix


@pytest.mark.parametrize("service", [{"lab": "nowhere"}, {"nowhere": "lab-service"}])
def test_a_service_user_that_is_not_in_the_file_stops_the_start(tmp_path: Path, service: dict[str, str]) -> None:
    with pytest.raises(CloudsFileError, match="STACKHAND_SERVICE_CLOUDS"):
        open_acting(clouds_file(tmp_path, "http://127.0.0.1:9"), [], service)


async def test_each_region_has_a_client_of_its_own_that_is_opened_once(tmp_path: Path) -> None:
    file = clouds_file(tmp_path, "http://127.0.0.1:9")
    document = yaml.safe_load(file.read_text())
    document["clouds"]["lab"]["regions"] = ["One", "Two"]
    file.write_text(yaml.safe_dump(document))
    narrow = await failing(open_acting(file, [], {"lab": "lab-service"}, QUICK).open("lab/Two"))
    assert narrow.reason == "refused" and "regions" in narrow.fix
    document["clouds"]["lab-service"]["regions"] = ["One", "Two"]
    file.write_text(yaml.safe_dump(document))
    clouds = open_acting(file, [], {"lab": "lab-service"}, QUICK)
    assert clouds.sources == ("lab/One", "lab/Two")
    first, again = await asyncio.gather(clouds.open("lab/Two"), clouds.open("lab/Two"))
    assert first is again and first.source == "lab/Two" and isinstance(first, OpenStackActing)
    assert (await failing(clouds.open("lab"))).reason == "refused"
    error = await failing(first.volumes("p1"))
    assert (error.reason, error.maybe_done) == ("unreachable", False)
    await clouds.close()


@pytest.mark.parametrize(("status", "words", "reason"), [
    (202, "", ""),
    (409, "QEMU guest agent is not enabled on the instance", "refused"),
    (409, "Cannot 'changePassword' instance vm-1 while it is in task_state rebooting", "busy"),
    (501, "Unable to set password on instance", "busy"),
    (400, "Invalid input for field adminPass. Value: NOT-a-real-one", "unexpected"),
    (403, "Policy doesn't allow os_compute_api:os-admin-password", "refused"),
])  # fmt: skip
async def test_a_password_goes_to_nova_alone(
    server: ActingServer, acting: Acting, status: int, words: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where keystoneauth logs every request: it prints bodies."""
    caplog.set_level(logging.DEBUG)
    server.servers["vm-1"] = {"id": "vm-1", "owner": "p1", "status": "ACTIVE"}
    if status != 202:
        server.faults["POST /servers/vm-1/action"] = [answer(status, words)]
        error = await failing(servers_of(acting).change_password("p1", "vm-1", "NOT-a-real-one"))
        assert (error.reason, error.maybe_done) == (reason, False)
    else:
        await servers_of(acting).change_password("p1", "vm-1", "NOT-a-real-one")
        assert server.servers["vm-1"]["adminPass"] == "NOT-a-real-one"
    sent = [line for line in caplog.text.splitlines() if "Value: NOT" not in line]
    assert not any("NOT-a-real-one" in line for line in sent)


async def test_an_answer_to_a_password_that_is_lost(server: ActingServer, acting: Acting) -> None:
    server.servers["vm-1"] = {"id": "vm-1", "owner": "p1", "status": "ACTIVE"}
    server.after["POST /servers/vm-1/action"] = [lost]
    assert (await failing(servers_of(acting).change_password("p1", "vm-1", "x"))).maybe_done
    assert server.servers["vm-1"]["adminPass"] == "x"
