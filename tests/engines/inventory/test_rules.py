"""Rules that let the world in."""

from datetime import UTC, datetime
from typing import Any

import pytest

from engines.inventory.rules import is_open, open_rules, opens
from storage.inventory import Found

_AT = datetime(2026, 1, 1, tzinfo=UTC)


def rule(name: str = "r", project: str = "p", **attrs: Any) -> Found:
    told = {"direction": "ingress", "protocol": "tcp", "remote_cidr": "0.0.0.0/0", **attrs}
    return Found(
        1, "lab", "openstack", "security_group_rule", name, name, "p1", told, {"project": project}, _AT, _AT, None
    )


@pytest.mark.parametrize(
    ("attrs", "is_it"),
    [
        ({}, True),
        ({"remote_cidr": "::/0"}, True),
        ({"remote_cidr": None}, True),  # neither a range nor a group: anywhere
        ({"remote_cidr": ""}, True),
        ({"remote_cidr": "10.0.0.0/8"}, False),
        ({"remote_cidr": "0.0.0.0/32"}, False),
        ({"remote_cidr": None, "remote_group_id": "g1"}, False),
        ({"direction": "egress"}, False),
        ({"direction": None}, False),
    ],
)
def test_what_is_open_to_the_world(attrs: dict[str, Any], is_it: bool) -> None:
    assert is_open(rule(**attrs).attrs) is is_it


@pytest.mark.parametrize(
    "cidr", ["0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/00", "0.0.0.0/0.0.0.0", "::0/0", "0::/0", "2000::/3", "1.2.3.4/0"]
)
def test_the_world_in_other_spellings_and_halves_is_the_world(cidr: str) -> None:
    assert is_open(rule(remote_cidr=cidr).attrs)


@pytest.mark.parametrize("cidr", ["2001:db8::/32", "10.0.0.0/7", "not a range", "10.0.0.0/99", "300.0.0.0/0", "💥"])
def test_a_range_that_is_none_is_not_called_open(cidr: str) -> None:
    assert not is_open(rule(remote_cidr=cidr).attrs)


@pytest.mark.parametrize(
    ("attrs", "port", "does"),
    [
        ({"port_min": 22, "port_max": 22}, 22, True),
        ({"port_min": 22, "port_max": 22}, 23, False),
        ({"port_min": 1, "port_max": 65535}, 22, True),
        ({"port_min": 20, "port_max": 21}, 22, False),
        ({"port_min": 22, "port_max": None}, 22, True),
        ({"port_min": None, "port_max": None}, 22, True),  # all ports
        ({"protocol": None}, 22, True),
        ({"protocol": "any"}, 22, True),
        ({"protocol": "udp", "port_min": 53, "port_max": 53}, 53, True),
        ({"protocol": "6", "port_min": 22, "port_max": 22}, 22, True),
        ({"protocol": "icmp", "port_min": 8, "port_max": 0}, 8, False),  # a type, not a port
        ({"protocol": "icmp"}, None, True),
        ({"protocol": "vrrp"}, 22, False),
        ({"port_min": 22, "port_max": 22}, 0, False),
        ({"port_min": 22, "port_max": 22}, -1, False),
        ({"port_min": 22, "port_max": 22}, 10**9, False),
    ],
)
def test_which_port_a_rule_lets_through(attrs: dict[str, Any], port: int | None, does: bool) -> None:
    assert opens(rule(**attrs).attrs, port) is does


def test_the_widest_come_first() -> None:
    rules = [
        rule("one", port_min=22, port_max=22),
        rule("ping", protocol="icmp"),
        rule("range", port_min=1000, port_max=2000),
        rule("all"),
        rule("closed", remote_cidr="10.0.0.0/8"),
        rule("one-a", "a", port_min=80, port_max=80),
    ]
    assert [r.name for r in open_rules(rules)] == ["all", "range", "one-a", "one", "ping"]
    assert [r.name for r in open_rules(rules, 22)] == ["all", "one"]
    assert open_rules([], 22) == []
