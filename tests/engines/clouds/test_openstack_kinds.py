"""Rows as the services write them, read as the kinds declare them."""

from collections.abc import Mapping
from typing import Any

import pytest

from engines.clouds import Resource
from engines.clouds.openstack import OpenStackCloud
from engines.clouds.openstack_compute import flavor, keypair, server_group, vm
from engines.clouds.openstack_errors import message_of, one_line
from engines.clouds.openstack_hosts import cluster_of, host
from engines.clouds.openstack_identity import group, project, role_assignment, user
from engines.clouds.openstack_network import floating_ip, network, port, router, security_group_rule, subnet
from engines.clouds.openstack_quotas import quota
from engines.clouds.openstack_storage import image, snapshot, volume, volume_type
from engines.inventory.kinds import KINDS, QUOTA_METRICS

SERVER: Mapping[str, Any] = {
    "id": "da3acb73",
    "name": "<!channel>",
    "status": "ERROR",
    "tenant_id": "p1",
    "user_id": "u1",
    "metadata": {"owner": "team-globex", "business_owner": "Bo"},
    "image": {"id": "i1", "links": []},
    "flavor": {"vcpus": 1, "ram": 2048, "disk": 20, "ephemeral": 0, "swap": 0, "original_name": "m1.small"},
    "created": "2026-11-25T11:02:56Z",
    "updated": "2026-11-25T11:03:01Z",
    "addresses": {
        "net-b": [{"addr": "10.0.0.9", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "FA:16:3E:93:6B:B9"}],
        "net-a": [{"addr": "10.0.0.10", "OS-EXT-IPS:type": "floating", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:93:6b:b9"}],
    },
    "OS-EXT-AZ:availability_zone": "nova",
    "key_name": None,
    "OS-EXT-SRV-ATTR:host": "compute-01",
    "OS-EXT-SRV-ATTR:hypervisor_hostname": "compute-01.example.org",
    "os-extended-volumes:volumes_attached": [{"id": "v2"}, {"id": "v1"}],
    "locked": False,
    "description": None,
    "tags": ["b", "a"],
    "fault": {"code": 500, "message": "No valid host was found.", "created": "2026-11-25T11:02:56Z"},
    "security_groups": [{"name": "web"}, {"name": "default"}, {"name": "web"}],
}


TCP = {"direction": "ingress", "protocol": "tcp", "remote_ip_prefix": "10.0.0.0/8"}


def test_a_server() -> None:
    read = vm(dict(SERVER))
    assert (read.name, read.project_id) == ("<!channel>", "p1")
    assert read.attrs["state"] == "error" and read.attrs["status"] == "ERROR"
    assert (read.attrs["vcpus"], read.attrs["memory_mib"], read.attrs["disk_gib"]) == (1, 2048, 20)
    assert read.attrs["host"] == "compute-01.example.org"
    assert read.attrs["fault"] == "No valid host was found."
    assert (read.attrs["technical_owner"], read.attrs["business_owner"]) == ("team-globex", "Bo")
    assert read.attrs["volume_ids"] == ["v1", "v2"] and read.attrs["security_groups"] == ["default", "web"]
    assert read.attrs["addresses"] == [
        {"ip": "10.0.0.10", "mac": "fa:16:3e:93:6b:b9", "network": "net-a", "type": "floating"},
        {"ip": "10.0.0.9", "mac": "fa:16:3e:93:6b:b9", "network": "net-b", "type": "fixed"},
    ]
    assert read.derived == {"updated": "2026-11-25T11:03:01Z"}
    assert "key_name" not in read.attrs and "description" not in read.attrs


def test_a_server_that_starts_from_a_volume_has_no_image() -> None:
    assert "image_id" not in vm({**SERVER, "image": ""}).attrs


def test_a_server_of_which_little_is_told_invents_nothing() -> None:
    read = vm({"id": "x", "status": "BUILD"})
    assert set(read.attrs) == {"state", "status", "addresses", "volume_ids", "security_groups", "tags", "metadata"}


def test_a_volume() -> None:
    row = {
        "id": "v1",
        "name": None,
        "status": "in-use",
        "size": 20,
        "bootable": "true",
        "attachments": [{"server_id": "s2", "device": "/dev/sdb"}, {"server_id": "s1", "device": "/dev/sdc"}],
        "volume_image_metadata": {"image_name": "debian-12"},
        "os-vol-tenant-attr:tenant_id": "p1",
        "created_at": "2026-11-25T11:03:02.000000",
    }
    read = volume(row)
    assert (read.name, read.project_id) == ("", "p1")
    assert read.attrs["state"] == "attached" and read.attrs["bootable"] is True
    assert read.attrs["parent_id"] == "s1" and [a["vm_id"] for a in read.attrs["attachments"]] == ["s1", "s2"]
    assert read.attrs["image"] == "debian-12" and read.attrs["created"] == "2026-11-25T11:03:02Z"


def test_a_host_with_placement() -> None:
    row = {
        "id": "h1",
        "hypervisor_hostname": "compute-02.example.org",
        "state": "up",
        "status": "disabled",
        "service": {"host": "compute-02", "disabled_reason": "memory"},
        "vcpus": 64,
        "memory_mb": 262144,
        "memory_mb_used": 43008,
    }
    provider = {
        "inventories": {"MEMORY_MB": {"allocation_ratio": 1.5, "reserved": 4096}},
        "usages": {"VCPU": 19, "MEMORY_MB": 38912},
    }
    read = host(row, {"zone": "az1"}, [{"name": "ssd", "hosts": ["compute-02"]}, {"name": "x", "hosts": []}], provider)
    assert read.attrs["state"] == "disabled" and read.attrs["enabled"] is False
    assert read.attrs["disabled_reason"] == "memory" and read.attrs["zone"] == "az1"
    assert read.attrs["cluster"] == "ssd" and read.attrs["aggregates"] == ["ssd"]
    assert read.attrs["memory_ratio"] == 1.5 and read.attrs["memory_reserved_mib"] == 4096
    assert "cpu_ratio" not in read.attrs
    assert read.derived == {"vcpus_used": 19, "memory_used_mib": 38912}


def test_the_cluster_of_a_host_is_never_guessed_between_two() -> None:
    assert cluster_of([{"name": "a"}, {"name": "b"}]) is None
    assert cluster_of([{"name": "a"}, {"name": "b", "availability_zone": "az"}]) == "b"
    assert cluster_of([]) is None


@pytest.mark.parametrize(
    ("row", "name", "remote"),
    [
        ({"direction": "ingress", "ethertype": "IPv4"}, "ingress any from 0.0.0.0/0", "0.0.0.0/0"),
        ({"direction": "egress", "ethertype": "IPv6"}, "egress any to ::/0", "::/0"),
        ({**TCP, "port_range_min": 22, "port_range_max": 22}, "ingress tcp 22 from 10.0.0.0/8", "10.0.0.0/8"),
        ({**TCP, "port_range_min": 1, "port_range_max": 9}, "ingress tcp 1-9 from 10.0.0.0/8", "10.0.0.0/8"),
        ({"direction": "ingress", "remote_group_id": "g"}, "ingress any from group", None),
        ({"direction": "ingress", "remote_address_group_id": "a"}, "ingress any from group", None),
    ],
)
def test_a_rule_without_a_limit_is_open_to_the_world(row: dict[str, Any], name: str, remote: str | None) -> None:
    read = security_group_rule({"id": "r", **row})
    assert read.name == name and read.attrs.get("remote_cidr") == remote


def test_quotas_count_what_is_reserved() -> None:
    told: dict[str, dict[str, Any]] = {
        "compute": {"instances": {"limit": 10, "in_use": 3, "reserved": 2}, "ram": {"limit": -1, "in_use": 512}},
        "block_storage": {"gigabytes": {"limit": 100, "in_use": 60, "reserved": 0}},
        "network": {"port": 500, "router": {"limit": 10, "used": 1, "reserved": 1}},
    }
    read = quota({"id": "p1", "name": "acme"}, told)
    assert read.attrs["limits"] == {"vms": 10, "memory_mib": -1, "storage_gib": 100, "ports": 500, "routers": 10}
    assert read.derived["used"] == {"vms": 5, "memory_mib": 512, "storage_gib": 60, "routers": 2}
    assert set(read.attrs["limits"]) <= set(QUOTA_METRICS)


def test_role_assignments_have_ids_of_their_own() -> None:
    base = {"role": {"id": "r"}, "user": {"id": "u"}}
    rows = [
        {**base, "scope": {"project": {"id": "p"}}},
        {**base, "scope": {"domain": {"id": "d"}}},
        {**base, "scope": {"domain": {"id": "d"}, "OS-INHERIT:inherited_to": "projects"}},
        {**base, "scope": {"system": {"all": True}}},
        {"role": {"id": "r"}, "group": {"id": "u"}, "scope": {"project": {"id": "p"}}},
    ]
    read = [role_assignment(row) for row in rows]
    assert len({one.external_id for one in read}) == 5
    assert read[0].project_id == "p" and read[1].attrs["domain_id"] == "d" and read[2].attrs["inherited"] is True
    assert read[3].attrs["system"] is True and read[4].attrs["group_id"] == "u"


def test_a_project_that_stands_for_its_domain_is_none() -> None:
    assert project({"id": "d", "name": "D", "is_domain": True}) is None


def samples() -> list[Resource]:
    rows = {"id": "1", "name": "n", "status": "ACTIVE", "project_id": "p", "security_group_id": "g"}
    found = [vm(dict(SERVER)), flavor({**rows, "ram": 1, "vcpus": 1, "disk": 0, "swap": ""}), keypair(rows, "u1")]
    found += [server_group({**rows, "members": ["b", "a"], "policies": ["affinity"]}), volume(rows), snapshot(rows)]
    found += [image({**rows, "os_distro": "debian", "size": 7}), volume_type(rows), network(rows), subnet(rows)]
    found += [port({**rows, "fixed_ips": [{"ip_address": "10.0.0.1"}]}), router(rows), floating_ip(rows), user(rows)]
    found += [
        security_group_rule(rows),
        group(rows, ["b", "a"]),
        host({**rows, "hypervisor_hostname": "h"}, {}, [], {}),
    ]
    return found


@pytest.mark.parametrize("resource", samples(), ids=lambda resource: resource.kind)
def test_every_field_is_declared_and_in_its_column(resource: Resource) -> None:
    declared = {field.name: field.where for field in KINDS[resource.kind].fields}
    assert dict.fromkeys(resource.attrs, "attrs") == {n: declared.get(n) for n in resource.attrs}
    assert dict.fromkeys(resource.derived, "derived") == {n: declared.get(n) for n in resource.derived}
    state = resource.attrs.get("state")
    assert state is None or state in KINDS[resource.kind].states


def test_every_kind_that_openstack_lists_is_declared() -> None:
    assert set(OpenStackCloud.kinds) <= set(KINDS)
    assert set(KINDS) - set(OpenStackCloud.kinds) <= {"cluster", "datastore"}


@pytest.mark.parametrize(
    "text",
    [
        "GET http://admin:hunter2@cloud/v3 failed",
        "token gAAAAABhunter2hunter2hunter2 is bad",
        '{"password": "hunter2"}',
        "X-Auth-Token: hunter2",
    ],
)
def test_secrets_do_not_get_into_a_line(text: str) -> None:
    assert "hunter2" not in one_line(text)


def test_a_message_is_one_short_printable_line() -> None:
    assert message_of({"forbidden": {"code": 403, "message": "no\x1b[31m\n way" + "x" * 999}}).startswith("no [31m way")
    assert len(message_of({"a": [{"detail": "y" * 999}]})) == 240
    assert message_of({"a": 1}) == "" and message_of([]) == "" and message_of(None) == ""
