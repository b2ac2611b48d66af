"""What stands around a request and is not it: courtesies, abbreviations, and what is told beside it."""

from typing import Any

import pytest

from intents.courtesies import load_courtesies
from intents.matcher import Matcher
from intents.patterns import PatternError, load_patterns
from intents.readings import Reading
from intents.registry import load_catalogue
from tests.intents.sets import NOW, names

MATCHER = Matcher(load_catalogue())
NAMES = names()
COURTESIES = load_courtesies()


def _base(word: str) -> str:
    return {"restarting": "restart"}.get(word, "")


def read(said: str) -> Reading:
    return MATCHER.read(said, NAMES, NOW)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("I would be interested in what changed on x", "what changed on x"),
        ("would you mind restarting x", "could you restart x"),
        ("it would be great if you could list the vms", "please list the vms"),
        ("the five largest volumes, if you would be so kind", "the five largest volumes"),
        ("which vms are off? thanks in advance", "which vms are off?"),
        ("hi team, how many vms are there, could you tell me?", "how many vms are there?"),
        ("lemme see the routers pls", "let me see the routers please"),
        ("volumes project-wise", "volumes per project"),
        ("10 vms with 32-vcpu", "10 vms with 32 vcpu"),
        ('put a note "u owe me" on x', 'put a note "u owe me" on x'),
        ("thanks", "thanks"),
        ("how do you know", "how do you know"),
    ],
)
def test_what_is_left_of_a_request(said: str, left: str) -> None:
    assert COURTESIES.plain(said, _base)[0] == left


def test_a_name_is_no_abbreviation() -> None:
    assert COURTESIES.plain("show ur", _base, {"ur"}) == ("show ur", False)
    assert COURTESIES.plain("show ur", _base) == ("show your", False)


@pytest.mark.parametrize(
    ("said", "intent", "slots"),
    [
        ("I would appreciate it if you could list the routers", "list", {"kind": "router"}),
        ("could I please see the card of shop-web-1", "show", {"name": "shop-web-1", "kind": "vm"}),
        ("have shop-web-1 rebooted", "vm_reboot", {"vm": "shop-web-1"}),
        ("I want shop-web-1 stopped", "vm_stop", {"vm": "shop-web-1"}),
        ("the customer asks for the changes on shop-web-1", "changes", {"vm": "shop-web-1"}),
        ("I have the customer on the phone, how many routers are there?", "count", {"kind": "router"}),
        ("how many routers do we have, the auditor is waiting", "count", {"kind": "router"}),
    ],
)
def test_what_stands_around_changes_nothing(said: str, intent: str, slots: dict[str, Any]) -> None:
    reading = read(said)
    assert (reading.intent, dict(reading.slots)) == (intent, slots)


@pytest.mark.parametrize(
    "said",
    [
        "the customer says shop-web-1 is broken, restart it now",
        "have shop-web-1 rebooted",
        "I want shop-web-1 deleted",
        "audit wants the prod tag on shop-web-1, put it on please",
    ],
)
def test_a_change_told_in_pieces_is_asked_back(said: str) -> None:
    reading = read(said)
    assert reading.intent is None or reading.ask is not None


@pytest.mark.parametrize(
    "said",
    [
        "what are the steps to resize a volume",
        "how does one power off a host",
        "is it a good idea to snapshot a running database?",
        "is there a guide for restoring vms",
        "can a vm have two floating ips",
        "do snapshots survive the deletion of their volume",
        "what is a hypervisor?",
        "many thanks to all for the great work",
        "good morning everybody, hope you had a nice weekend",
        "we stopped shop-web-1 because the user left",
        "shop-web-1 is a funny name for a server that breaks daily",
        "nobody touch shop-web-1 please",
        "shop-web-1 must not be stopped",
        "the guys from networking will delete the router",
        "the storage team will swap the disks tomorrow",
        "shop-web-1 is a funny name",
        "vpxd: Task: Power On virtual machine shop-web-1 completed",
        "nova.exception.QuotaError: Quota exceeded for cores",
    ],
)
def test_what_is_no_request_is_not_answered(said: str) -> None:
    assert read(said).intent is None


@pytest.mark.parametrize(
    "said",
    [
        "I want users counted domain by domain", "welcome to the team, Ines!", "please set user carol to enabled",
        "I want image rhel-9.4 gone", "tell this channel about every critical health drop",
        "all vms moved, set wave 2 to complete", "synced ip of shop-web-1 is wrong, force it to 10.21.0.31",
    ],
)  # fmt: skip
def test_no_other_change_is_begun_than_was_meant(said: str) -> None:
    reading = read(said)
    catalogue = MATCHER.catalogue.intents
    meant = {"override_set", "wave_advance", "subscribe", "enable"}
    changes = reading.intent is not None and catalogue[reading.intent].writes and reading.intent not in meant
    assert not changes or reading.ask is not None


def test_a_pattern_file_that_is_wrong_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "bad.txt").write_text("<a>: x\nend: (<b>\n", encoding="utf-8")
    monkeypatch.setattr("intents.patterns.resources.files", lambda _: tmp_path)
    with pytest.raises(PatternError, match=r"bad\.txt line 2"):
        load_patterns("bad.txt")
