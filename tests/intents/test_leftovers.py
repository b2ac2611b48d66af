"""Words that narrow a question are in a slot, asked about, or told: never dropped."""

import pytest

from intents.matcher import Matcher
from intents.readings import Reading
from intents.registry import load_catalogue
from tests.intents.sets import NOW, names

MATCHER = Matcher(load_catalogue())
NAMES = names()


def read(said: str) -> Reading:
    return MATCHER.read(said, NAMES, NOW)


def told(reading: Reading) -> list[str]:
    return [e.meant for e in reading.evidence if e.meant.startswith(("unused:slot ", "unused:not "))]


@pytest.mark.parametrize(
    ("said", "slot", "name"),
    [
        ("list vms in project foo", "project", "foo"),
        ("vms in foo", "project", "foo"),
        ("vms on node-99", "host", "node-99"),
        ("cost of foo last month", "project", "foo"),
        ("changes in foo", "project", "foo"),
        ("how many vms does foo have", "project", "foo"),
        ("snapshots of shop-web-99", "vm", "shop-web-99"),
        ("show shop-web-99", "name", "shop-web-99"),
        ("who is operator in foo", "project", "foo"),
    ],
)
def test_a_name_that_nobody_bears_is_asked(said: str, slot: str, name: str) -> None:
    ask = read(said).ask
    assert ask is not None
    assert (ask.why, ask.slot, ask.said) == ("unknown", slot, name)


@pytest.mark.parametrize(
    "said",
    [
        "guests with more than 16 vcpus",
        "volumes bigger than 100 gb",
        "vms with more than 2 volumes",
        "machines without owner",
        "vms without a tag",
        "projects with no vms",
        "vms not in shop-prod",
        "vms except windows",
        "running vms per project",
        "vms in shop-prod and shop-dev",
    ],
)
def test_a_condition_without_a_filter_is_told(said: str) -> None:
    assert told(read(said))


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("images older than a year", {"kind": "image", "until": "2025-11-22T09:00:00Z"}),
        ("vms newer than a week", {"kind": "vm", "since": "2026-11-15T09:00:00Z"}),
        ("snapshots more than 3 months old", {"kind": "snapshot", "until": "2026-08-22T09:00:00Z"}),
        ("list down hosts", {"kind": "host", "state": "down"}),
        ("esxi hosts in maintenance", {"kind": "host", "state": "disabled"}),
        ("everything running in shop-dev", {"kind": "vm", "state": "on", "project": "shop-dev"}),
        ("biggest 3 disks", {"kind": "volume", "sort": "largest", "limit": 3}),
        ("what's attached to billing-db", {"kind": "volume", "vm": "billing-db"}),
    ],
)
def test_a_condition_with_a_filter_is_in_its_slot(said: str, slots: dict[str, object]) -> None:
    reading = read(said)
    assert (reading.intent, dict(reading.slots), told(reading)) == ("list", slots, [])


def test_the_number_of_a_comparison_limits_no_rows() -> None:
    assert "limit" not in read("vms with more than 2 volumes").slots


def test_a_fit_without_sizes_is_asked() -> None:
    ask = read("will 12 more m1.large fit").ask
    assert ask is not None
    assert (ask.why, ask.slot) == ("missing", "vcpus")


def test_a_state_that_is_told_of_what_is_counted_is_not_dropped() -> None:
    evidence = read("how many vms are off per project").evidence
    assert [one.words for one in evidence if one.meant == "unused:slot state"] == ["off"]
    assert not any(one.meant.startswith("unused:slot") for one in read("how many vms on each host").evidence)
