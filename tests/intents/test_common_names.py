"""An inventory like every cloud's: projects admin and demo, users backup and nova, roles admin and reader."""

from typing import Any

import pytest

from intents.matcher import Matcher
from intents.names import Names
from intents.registry import load_catalogue
from tests.intents.sets import NOW

MATCHER = Matcher(load_catalogue())
NAMES = Names.from_json({
    "project": ["admin", "demo", "service", "snapshots", "acme-prod", "acme-dev", "test"],
    "user": ["admin", "nova", "backup", "glance", "demo", "bob"], "role": ["member", "reader", "admin"],
    "network": ["public", "private", "test"], "domain": ["Default", "acme"], "host": ["compute-01"],
    "vm": [{"name": "web-01", "project": "acme-prod"}, "test", "backup", "monitor"], "volume": ["data", "root"],
    "flavor": ["small"], "image": ["ubuntu"], "cluster": ["prod"],
})  # fmt: skip


@pytest.mark.parametrize(
    ("said", "intent", "slots"),
    [
        ("how many snapshots are there", "count", {"kind": "snapshot"}),
        ("snapshots of web-01", "list", {"kind": "snapshot", "vm": "web-01"}),
        ("vms in project snapshots", "list", {"kind": "vm", "project": "snapshots"}),
        ("vms in the snapshots project", "list", {"kind": "vm", "project": "snapshots"}),
        ("vms in demo", "list", {"kind": "vm", "project": "demo"}),
        ("quota of admin", "quota", {"project": "admin"}),
        ("who is admin in acme-prod", "roles", {"role": "admin", "project": "acme-prod"}),
        ("who are the admins of acme-prod", "roles", {"role": "admin", "project": "acme-prod"}),
        ("roles of user admin", "roles", {"user": "admin"}),
        ("make bob admin", "role_grant", {"user": "bob", "role": "admin"}),
        ("network public", "show", {"kind": "network", "name": "public"}),
        ("how many networks are public", "count", {"kind": "network"}),
        ("how many ubuntu images", "count", {"kind": "image", "os": "ubuntu"}),
        ("vms per project", "per", {"kind": "vm", "by": "project"}),
        ("users in the default domain", "list", {"kind": "user", "domain": "Default"}),
        ("vms without snapshots", "coverage", {}),
        ("back up web-01", "snapshot", {"vm": "web-01"}),
        ("delete volume data", "delete", {"kind": "volume", "name": "data"}),
    ],
)
def test_a_name_counts_only_where_it_must_be_one(said: str, intent: str, slots: dict[str, Any]) -> None:
    reading = MATCHER.read(said, NAMES, NOW)
    assert (reading.intent, dict(reading.slots)) == (intent, slots)


@pytest.mark.parametrize(
    "said", ["reboot test", "reboot backup", "snapshot of the day", "disable admin", "delete data"]
)
def test_an_ordinary_word_starts_nothing(said: str) -> None:
    reading = MATCHER.read(said, NAMES, NOW)
    assert reading.intent is None or reading.ask is not None
