import pytest

from engines.clouds.openstack_words import (
    floating_ip_state,
    host_state,
    image_state,
    known,
    link_state,
    os_of,
    os_version_of,
    owners_of,
    port_state,
    snapshot_state,
    utc,
    vm_state,
    volume_state,
)
from engines.inventory.kinds import KINDS


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("ACTIVE", "on"),
        ("SHUTOFF", "off"),
        ("VERIFY_RESIZE", "on"),
        ("BUILD", "building"),
        ("SHELVED_OFFLOADED", "shelved"),
        ("SOFT_DELETED", "unknown"),
        ("UNKNOWN", "unknown"),
        ("", "unknown"),
    ],
)
def test_vm_states(status: str, state: str) -> None:
    assert vm_state(status) == state and state in KINDS["vm"].states


@pytest.mark.parametrize(
    ("status", "attached", "state"),
    [
        ("in-use", True, "attached"),
        ("in-use", False, "attached"),
        ("available", False, "unattached"),
        ("error_deleting", True, "error"),
        ("creating", False, "building"),
        ("extending", True, "attached"),
        ("retyping", False, "unattached"),
        ("deleting", False, "unknown"),
        ("", False, "unknown"),
    ],
)
def test_volume_states(status: str, attached: bool, state: str) -> None:
    assert volume_state(status, attached) == state and state in KINDS["volume"].states


def test_the_other_states() -> None:
    assert [snapshot_state(s) for s in ("available", "error_deleting", "creating", "deleting")] == [
        "available",
        "error",
        "building",
        "unknown",
    ]
    assert [image_state(s) for s in ("active", "queued", "killed", "deactivated", "deleted")] == [
        "available",
        "building",
        "error",
        "disabled",
        "unknown",
    ]
    assert [link_state("ACTIVE"), link_state("ACTIVE", False), link_state("BUILD")] == ["up", "down", "unknown"]
    assert [port_state("DOWN", ""), port_state("DOWN", "vm"), port_state("ACTIVE", "vm")] == ["unused", "down", "up"]
    assert floating_ip_state("DOWN", None) == "unused"
    assert floating_ip_state("DOWN", "port") == "attached"
    assert floating_ip_state("ERROR", "port") == "error"
    assert [host_state("up", "enabled"), host_state("down", "enabled"), host_state("up", "disabled")] == [
        "up",
        "down",
        "disabled",
    ]


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("2026-11-25T11:03:02.000000", "2026-11-25T11:03:02Z"),
        ("2026-11-25T11:03:02Z", "2026-11-25T11:03:02Z"),
        ("2026-11-25T12:03:02+01:00", "2026-11-25T11:03:02Z"),
        ("yesterday", None),
        ("", None),
        (None, None),
        (17, None),
    ],
)
def test_times_are_utc_with_whole_seconds(told: object, read: str | None) -> None:
    assert utc(told) == read


@pytest.mark.parametrize(
    ("properties", "name", "family"),
    [
        ({"os_distro": "debian"}, "", "debian"),
        ({"os_distro": "ubuntu", "os_type": "linux"}, "x", "ubuntu"),
        ({"os_type": "windows"}, "ubuntu-lookalike", "windows"),
        ({"os_type": "linux"}, "Ubuntu 22.04", "ubuntu"),
        ({"os_type": "linux"}, "golden-image", "linux"),
        ({"os_distro": "rocky"}, "", "centos"),
        ({"os_distro": "haiku"}, "", "other"),
        ({}, "Windows Server 2022", "windows"),
        ({}, "RHEL-9.4", "rhel"),
        ({}, "sles15-sp5", "sles"),
        ({}, "cirros", "linux"),
        ({}, "darwin-build", None),
        ({}, "golden", None),
        ({}, "", None),
    ],
)
def test_os_families(properties: dict[str, str], name: str, family: str | None) -> None:
    assert os_of(properties, name) == family


def test_os_version_needs_a_version() -> None:
    assert os_version_of({"os_distro": "debian", "os_version": "12"}) == "debian 12"
    assert os_version_of({"os_distro": "debian"}) is None


def test_owners_are_found_under_the_usual_keys() -> None:
    assert owners_of({"Technical-Owner": "ann", "business_owner": "bob"}) == ("ann", "bob")
    assert owners_of({"owner": "team", "tech_owner": "ann"}) == ("ann", None)
    assert owners_of({"owner": ""}) == (None, None)


def test_unknown_is_left_out_but_zero_and_false_are_facts() -> None:
    assert known(a=None, b="", c=0, d=False, e=[]) == {"c": 0, "d": False, "e": []}
