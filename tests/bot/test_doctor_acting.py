"""The doctor's look at service users: what they lack, what they have too much, and the command that mends it."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.checks import Check
from bot.doctor_acting import examine_acting
from bot.settings import load_settings
from engines.clouds import Cloud, CloudError, Resource
from tests.engines.clouds.acting_server import PASSWORD, TOKEN, ActingServer, answer, volume_row
from tests.engines.clouds.test_openstack_acting import SVC, clouds_file


class Reading:
    """What the account for reading lists: three projects with volumes in two domains, and an empty one."""

    source, platform, demo, kinds = "lab", "openstack", False, ("project", "domain", "volume")

    def __init__(self, *, fails: bool = False, hostile: str = "web; rm -rf") -> None:
        self._fails = fails
        self._hostile = hostile

    async def list(self, kind: str) -> Sequence[Resource]:
        if self._fails:
            raise CloudError("unreachable", "no connection to Keystone", "look at it")
        if kind == "domain":
            return [Resource("domain", f"d-{name}", name) for name in ("acme", "globex")]
        if kind == "volume":
            return [Resource("volume", f"v-{p}", "", p) for p in ("p1", "p2", "p3")]
        rows = (("p1", "acme-prod", "acme"), ("p2", self._hostile, "acme"), ("p3", "stage", "globex"))
        more = (("p4", "empty", "globex"),)
        return [Resource("project", i, name, i, {"enabled": True, "domain_id": f"d-{d}"}) for i, name, d in rows + more]

    async def close(self) -> None: ...


@pytest.fixture
async def server() -> AsyncIterator[ActingServer]:
    started = ActingServer(roles={(SVC, p): ("member", "reader") for p in ("p1", "p2", "p3")})
    await started.start()
    started.volumes = {"v1": volume_row("v1", "p1")}
    for project in ("p1", "p2", "p3"):
        started.quotas[project] = {"snapshots": {"limit": 1, "in_use": 0}, "gigabytes": {"limit": 1, "in_use": 0}}
    yield started
    await started.stop()


async def looked(
    server: ActingServer, folder: Path, *, service: str = "lab=lab-service", reading: Cloud | None = None, **auth: str
) -> list[Check]:
    settings = load_settings(
        clouds_file=clouds_file(folder, server.url, **auth), clouds="lab", service_clouds=service, state_dir=folder
    )
    checks = await examine_acting(settings, [reading or Reading()])
    for check in checks:
        assert PASSWORD not in repr(check) and TOKEN not in repr(check) and "\n" not in check.detail + check.fix
        assert bool(check.fix) is (check.state != "ok")
    assert server.changes() == []
    return checks


async def test_all_is_well(server: ActingServer, tmp_path: Path) -> None:
    (check,) = await looked(server, tmp_path)
    assert check.state == "ok" and "in 3 projects" in check.detail and "no role in empty" in check.detail
    assert {user for user, _ in server.logins} == {SVC}


async def test_without_a_service_user_the_source_is_only_read(server: ActingServer, tmp_path: Path) -> None:
    (check,) = await looked(server, tmp_path, service="")
    assert check.state == "ok" and "only read" in check.detail and server.logins == []


async def test_missing_roles_are_named_with_the_command_for_each(server: ActingServer, tmp_path: Path) -> None:
    del server.roles[SVC, "p2"], server.roles[SVC, "p3"]
    (check,) = await looked(server, tmp_path)
    assert check.state == "warning" and "2 projects with volumes" in check.detail
    user = f"--user {SVC} --user-domain Default"
    assert f"openstack role add {user} --domain globex --inherited member" in check.fix
    assert f"openstack role add {user} --project 'web; rm -rf' --project-domain acme member" in check.fix


async def test_no_role_anywhere_is_a_failure(server: ActingServer, tmp_path: Path) -> None:
    server.roles.clear()
    (check,) = await looked(server, tmp_path)
    assert check.state == "failed" and "--domain acme --inherited member" in check.fix


async def test_an_administrator_is_too_much_and_a_reader_too_little(server: ActingServer, tmp_path: Path) -> None:
    server.roles[SVC, "p1"], server.roles[SVC, "p3"] = ("admin", "member"), ("reader",)
    first, second = sorted(await looked(server, tmp_path), key=lambda check: check.state)
    assert first.state == "failed" and "stage" in first.detail and "only read" in first.detail
    assert second.state == "warning" and "admin in project acme-prod" in second.detail


async def test_a_policy_that_forbids_reading_quotas_is_seen(server: ActingServer, tmp_path: Path) -> None:
    server.faults["GET /os-quota-sets/p3"] = [answer(403, "Policy doesn't allow quotas:show")]
    (check,) = await looked(server, tmp_path)
    assert check.state == "failed" and "quotas:show" in check.detail and "--project p3 member" in check.fix


async def test_a_wrong_password_is_said_once(server: ActingServer, tmp_path: Path) -> None:
    (check,) = await looked(server, tmp_path, password="wrong-" + PASSWORD)
    assert check.state == "failed" and "lab-service" in check.fix and len(server.logins) <= 2


async def test_a_cloud_that_cannot_be_read_or_reached_is_said(server: ActingServer, tmp_path: Path) -> None:
    (check,) = await looked(server, tmp_path, reading=Reading(fails=True))
    assert check.state == "failed" and "could not be read" in check.detail
    (check,) = await looked(server, tmp_path, auth_url="http://127.0.0.1:9/v3")
    assert check.state == "failed" and "unreachable" in check.detail


async def test_an_entry_that_is_not_in_the_file_is_said(server: ActingServer, tmp_path: Path) -> None:
    (check,) = await looked(server, tmp_path, service="lab=nowhere")
    assert check.state == "failed" and "STACKHAND_SERVICE_CLOUDS" in check.fix
