"""Stackhand's listings against a real OpenStack, compared with what openstacksdk says when asked directly.

Set STACKHAND_TEST_CLOUD to `/path/of/clouds.yaml:name`, or to `name` with OS_CLIENT_CONFIG_FILE; the account must see
all projects. For the account of one project set STACKHAND_TEST_TENANT to a name in the same file. Only reads are made.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openstack
import pytest
import yaml
from openstack.connection import Connection
from sqlalchemy import text

from engines.clouds import Cloud, CloudError, Resource
from engines.clouds.openstack_calls import CallLimits
from engines.clouds.sources import find_clouds_file, open_clouds
from engines.inventory.books import Books
from engines.inventory.collect import sync_source
from engines.inventory.kinds import KINDS, QUOTA_METRICS
from engines.inventory.resolve import resolve
from storage.database import Database

pytestmark = pytest.mark.cloud

# How openstacksdk lists the same, all projects.
DIRECT: Mapping[str, Callable[[Any], Iterable[Any]]] = {
    "domain": lambda c: c.identity.domains(),
    "project": lambda c: c.identity.projects(),
    "user": lambda c: c.identity.users(),
    "group": lambda c: c.identity.groups(),
    "role": lambda c: c.identity.roles(),
    "role_assignment": lambda c: c.identity.role_assignments(),
    "vm": lambda c: c.compute.servers(all_projects=True),
    "flavor": lambda c: c.compute.flavors(is_public=None),
    "host": lambda c: c.compute.hypervisors(details=True),
    "aggregate": lambda c: c.compute.aggregates(),
    "server_group": lambda c: c.compute.server_groups(all_projects=True),
    "volume": lambda c: c.block_storage.volumes(all_projects=True),
    "snapshot": lambda c: c.block_storage.snapshots(all_projects=True),
    "volume_type": lambda c: c.block_storage.types(),
    "image": lambda c: c.image.images(),
    "network": lambda c: c.network.networks(),
    "subnet": lambda c: c.network.subnets(),
    "port": lambda c: c.network.ports(),
    "router": lambda c: c.network.routers(),
    "floating_ip": lambda c: c.network.ips(),
    "security_group": lambda c: c.network.security_groups(),
    "security_group_rule": lambda c: c.network.security_group_rules(),
}
# Fields that must be equal: ours -> the SDK's.
SAME: Mapping[str, Mapping[str, str]] = {
    "domain": {"enabled": "is_enabled"},
    "project": {"domain_id": "domain_id", "enabled": "is_enabled"},
    "user": {"domain_id": "domain_id", "enabled": "is_enabled", "default_project_id": "default_project_id"},
    "vm": {"status": "status", "host": "hypervisor_hostname", "user_id": "user_id", "zone": "availability_zone"},
    "flavor": {"vcpus": "vcpus", "memory_mib": "ram", "disk_gib": "disk"},
    "aggregate": {"zone": "availability_zone"},
    "volume": {"status": "status", "size_gib": "size", "volume_type": "volume_type", "user_id": "user_id"},
    "snapshot": {"status": "status", "size_gib": "size", "parent_id": "volume_id"},
    "image": {"status": "status", "size_bytes": "size", "visibility": "visibility", "checksum": "checksum"},
    "network": {"status": "status", "shared": "is_shared", "external": "is_router_external", "mtu": "mtu"},
    "subnet": {"cidr": "cidr", "gateway": "gateway_ip", "parent_id": "network_id", "dhcp": "is_dhcp_enabled"},
    "port": {"status": "status", "network_id": "network_id", "device_owner": "device_owner", "mac": "mac_address"},
    "router": {"status": "status", "admin_up": "is_admin_state_up"},
    "floating_ip": {"status": "status", "address": "floating_ip_address", "parent_id": "port_id"},
    "security_group_rule": {"direction": "direction", "parent_id": "security_group_id", "port_min": "port_range_min"},
}


def where() -> tuple[Path, str]:
    named = os.environ.get("STACKHAND_TEST_CLOUD", "")
    if not named:
        pytest.skip("STACKHAND_TEST_CLOUD is not set: no real OpenStack to test against")
    path, _, name = named.rpartition(":")
    return (Path(path) if path else find_clouds_file()), name


@pytest.fixture(scope="module")
def direct() -> Any:
    path, name = where()
    return Connection(config=openstack.config.OpenStackConfig(config_files=[str(path)]).get_one(cloud=name))


@pytest.fixture(scope="module")
async def cloud() -> AsyncIterator[Cloud]:
    path, name = where()
    (opened,) = open_clouds(path, [name])
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def tenant() -> AsyncIterator[Cloud]:
    path, _ = where()
    name = os.environ.get("STACKHAND_TEST_TENANT", "")
    if not name:
        pytest.skip("STACKHAND_TEST_TENANT is not set: no account of one project")
    (opened,) = open_clouds(path, [name])
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def listed(cloud: Cloud) -> Mapping[str, Sequence[Resource]]:
    """Of every kind; a cloud may have no service for backups, and nothing else."""
    found: dict[str, Sequence[Resource]] = {}
    for kind in cloud.kinds:
        try:
            found[kind] = await cloud.list(kind)
        except CloudError as error:
            if kind != "volume_backup" or error.reason != "unsupported":
                raise
    return found


@pytest.fixture(scope="module")
def resolved(listed: Mapping[str, Sequence[Resource]]) -> Mapping[str, Mapping[str, Resource]]:
    books = Books(listed, whole=listed)
    return {kind: {r.external_id: r for r in resolve(kind, list(rows), books)} for kind, rows in listed.items()}


@pytest.mark.parametrize("kind", sorted(DIRECT))
def test_same_rows(kind: str, direct: Any, listed: Mapping[str, Sequence[Resource]]) -> None:
    rows = list(DIRECT[kind](direct))
    if kind == "role_assignment":  # they have no ids
        assert len(listed[kind]) == len(rows) > 0
        return
    theirs = {str(row.id): row for row in rows}
    ours = {resource.external_id: resource for resource in listed[kind]}
    assert set(ours) == set(theirs)
    for external_id, row in theirs.items():
        for field, word in SAME.get(kind, {}).items():
            told = getattr(row, word)
            assert ours[external_id].attrs.get(field) == (None if told == "" else told), (kind, external_id, field)


def test_every_field_is_declared(listed: Mapping[str, Sequence[Resource]]) -> None:
    for kind, rows in listed.items():
        declared = {field.name: field.where for field in KINDS[kind].fields}
        for row in rows:
            assert all(declared.get(name) == "attrs" for name in row.attrs), (kind, row.external_id)
            assert all(declared.get(name) == "derived" for name in row.derived), (kind, row.external_id)
            if KINDS[kind].states:
                assert row.attrs["state"] in KINDS[kind].states, (kind, row.external_id)


def test_states_count_as_the_cloud_counts_them(direct: Any, listed: Mapping[str, Sequence[Resource]]) -> None:
    for status, state in (("ACTIVE", "on"), ("SHUTOFF", "off"), ("ERROR", "error")):
        theirs = {s.id for s in direct.compute.servers(all_projects=True, status=status)}
        assert {vm.external_id for vm in listed["vm"] if vm.attrs["state"] == state} == theirs
    free = {v.id for v in direct.block_storage.volumes(all_projects=True, status="available")}
    assert {v.external_id for v in listed["volume"] if v.attrs["state"] == "unattached"} == free


def test_names_are_resolved_everywhere(direct: Any, resolved: Mapping[str, Mapping[str, Resource]]) -> None:
    projects = {p.id: p for p in direct.identity.projects()}
    domains = {d.id: d.name for d in direct.identity.domains()}
    servers = {s.id: s for s in direct.compute.servers(all_projects=True)}
    for vm in resolved["vm"].values():
        project = projects[str(vm.project_id)]
        assert (vm.derived["project"], vm.derived["domain"]) == (project.name, domains[project.domain_id])
        assert vm.attrs["flavor_id"] and vm.attrs["flavor"] == servers[vm.external_id].flavor["original_name"]
        assert all(address["network_id"] for address in vm.attrs["addresses"])
    for volume in direct.block_storage.volumes(all_projects=True):
        names = sorted(servers[a["server_id"]].name for a in volume.attachments)
        assert resolved["volume"][volume.id].derived.get("vm", "") == ", ".join(names)
    for port in direct.network.ports():
        if port.device_id in servers:
            assert resolved["port"][port.id].derived["vm"] == servers[port.device_id].name
    for snapshot in resolved["snapshot"].values():
        assert snapshot.derived["volume"] or snapshot.attrs["state"] == "orphaned"


def test_quotas_and_usage(direct: Any, listed: Mapping[str, Sequence[Resource]]) -> None:
    projects = {p.id for p in direct.identity.projects()}
    assert {quota.external_id for quota in listed["quota"]} == projects
    for quota in listed["quota"]:
        limits, used = quota.attrs["limits"], quota.derived["used"]
        assert set(limits) == set(used) == set(QUOTA_METRICS)
        compute = direct.compute.get_quota_set(quota.external_id, usage=True)
        storage = direct.block_storage.get_quota_set(quota.external_id, usage=True)
        network = direct.network.get_quota(quota.external_id, details=True)
        assert (limits["vms"], limits["cpu"], limits["memory_mib"]) == (compute.instances, compute.cores, compute.ram)
        assert used["cpu"] == compute.usage["cores"] + compute.reservation.get("cores", 0)
        assert (limits["volumes"], limits["storage_gib"]) == (storage.volumes, storage.gigabytes)
        assert used["storage_gib"] == storage.usage["gigabytes"] + storage.reservation.get("gigabytes", 0)
        assert used["ports"] == network.ports["used"] + int(network.ports["reserved"])


def test_hosts_have_what_the_scheduler_may_give_away(direct: Any, listed: Mapping[str, Sequence[Resource]]) -> None:
    for host in listed["host"]:
        inventories = {i.resource_class: i for i in direct.placement.resource_provider_inventories(host.external_id)}
        assert host.attrs["vcpus"] == inventories["VCPU"].total
        assert host.attrs["memory_mib"] == inventories["MEMORY_MB"].total
        assert host.attrs["cpu_ratio"] == inventories["VCPU"].allocation_ratio
        assert host.attrs["memory_reserved_mib"] == inventories["MEMORY_MB"].reserved


def test_keypairs_of_every_user(direct: Any, listed: Mapping[str, Sequence[Resource]]) -> None:
    theirs = {f"{u.id}/{k.name}" for u in direct.identity.users() for k in direct.compute.keypairs(user_id=u.id)}
    assert {keypair.external_id for keypair in listed["keypair"]} == theirs


async def test_an_account_of_one_project_is_refused_and_never_passes_for_the_whole(tenant: Cloud) -> None:
    for kind in tenant.kinds:
        with pytest.raises(CloudError) as caught:
            await tenant.list(kind)
        assert caught.value.reason == "refused" and caught.value.fix, kind


async def test_pages_of_two_are_the_same(listed: Mapping[str, Sequence[Resource]]) -> None:
    path, name = where()
    (small,) = open_clouds(path, [name], CallLimits(page_size=2))
    for kind in ("vm", "volume", "port", "image", "flavor", "floating_ip", "volume_type", "host"):
        ours = sorted(resource.external_id for resource in await small.list(kind))
        assert ours == sorted(resource.external_id for resource in listed[kind]), kind
    await small.close()


async def living(database: Database) -> dict[str, int]:
    async with database.connect() as conn:
        query = text("SELECT kind, count(*) FROM resource WHERE deleted_at IS NULL GROUP BY kind")
        return {row[0]: row[1] for row in await conn.execute(query)}


async def test_a_sync_holds_what_the_cloud_holds_and_a_second_changes_nothing(
    database: Database, cloud: Cloud, listed: Mapping[str, Sequence[Resource]]
) -> None:
    first = await sync_source(database, cloud)
    assert first.state == "done", first.detail
    assert await living(database) == {kind: len(rows) for kind, rows in listed.items() if rows}
    second = await sync_source(database, cloud)
    touched = {kind: r for kind, r in second.kinds.items() if r.added or r.changed or r.deleted or r.returned}
    assert touched == {}


@pytest.mark.parametrize(
    ("change", "reason", "kinds"),
    [
        ({"block_storage_endpoint_override": "http://127.0.0.1:9/v3"}, "unreachable", {"volume", "snapshot"}),
        ({"auth": {"password": "not-the-password"}}, "refused", {"vm", "volume", "project", "network", "image"}),
        ({"auth": {"auth_url": "http://127.0.0.1:9/v3"}}, "unreachable", {"vm", "volume", "project"}),
    ],
)
async def test_what_fails_is_named_and_keeps_its_rows(
    database: Database, cloud: Cloud, tmp_path: Path, change: dict[str, Any], reason: str, kinds: set[str]
) -> None:
    await sync_source(database, cloud)
    before = await living(database)
    path, name = where()
    entry = yaml.safe_load(path.read_text())["clouds"][name]
    changed = {**entry, **change, "auth": {**entry["auth"], **change.get("auth", {})}}
    file = tmp_path / "clouds.yaml"
    file.write_text(yaml.safe_dump({"clouds": {name: changed}}))
    (broken,) = open_clouds(file, [name], CallLimits(attempts=2, first_delay_s=0.1))
    report = await sync_source(database, broken)
    await broken.close()
    assert {report.kinds[kind].outcome for kind in kinds} == {reason}
    assert all(report.kinds[kind].fix and "not-the-password" not in report.kinds[kind].detail for kind in kinds)
    assert await living(database) == before


async def test_an_account_that_lost_its_role_deletes_nothing(
    database: Database, cloud: Cloud, tenant: Cloud, tmp_path: Path
) -> None:
    await sync_source(database, cloud)
    before = await living(database)
    path, name = where()
    entry = yaml.safe_load(path.read_text())["clouds"][tenant.source]
    file = tmp_path / "clouds.yaml"
    file.write_text(yaml.safe_dump({"clouds": {name: entry}}))
    (narrow,) = open_clouds(file, [name])
    report = await sync_source(database, narrow)
    await narrow.close()
    assert report.state == "failed" and {kind.outcome for kind in report.kinds.values()} == {"refused"}
    assert await living(database) == before
    async with database.connect() as conn:
        assert await conn.scalar(text("SELECT count(*) FROM history WHERE op <> 'add'")) == 0
