"""Conversations: each sentence with the last read behind it."""

from typing import Any

import pytest

from intents.matcher import Matcher
from intents.readings import Reading
from intents.registry import load_catalogue
from tests.intents.sets import NOW, names

CATALOGUE = load_catalogue()
MATCHER = Matcher(CATALOGUE)
NAMES = names()


def talk(*said: str) -> Reading:
    """The reading of the last sentence; the newest one that was understood stands behind each."""
    last: Reading | None = None
    reading = Reading("")
    for text in said:
        reading = MATCHER.read(text, NAMES, NOW, last)
        if reading.intent is not None:
            last = reading
    return reading


@pytest.mark.parametrize(
    ("said", "intent", "slots"),
    [
        (
            ["vms in shop-dev", "and the powered-off ones?"],
            "list",
            {"kind": "vm", "project": "shop-dev", "state": "off"},
        ),
        (["vms in shop-dev", "only in shop-prod"], "list", {"kind": "vm", "project": "shop-prod"}),
        (["vms in shop-dev", "sort by size"], "list", {"kind": "vm", "project": "shop-dev", "sort": "largest"}),
        (["how many vms are on node-07", "and on node-08?"], "count", {"kind": "vm", "host": "node-08"}),
        (["how many vms are on node-07", "windows only"], "count", {"kind": "vm", "host": "node-07", "os": "windows"}),
        (["who owns billing-db", "and shop-web-1?"], "owner", {"vm": "shop-web-1"}),
        (["who owns billing-db", "no, i meant shop-web-1"], "owner", {"vm": "shop-web-1"}),
        (["who owns this box?", "billing-db"], "owner", {"vm": "billing-db"}),
        (["quota for billing", "what about shop-prod?"], "quota", {"project": "shop-prod"}),
        (["cpu usage of shop-web-1", "and shop-web-2"], "usage", {"vm": "shop-web-2", "metric": "cpu"}),
        (["vms in shop-dev", "show the second one"], "show", {"ordinal": 2}),
        (
            ["list migration projects", "build 4 cohorts easiest first"],
            "cohort_build",
            {"strategy": "easiest_first", "count": 4},
        ),
        (
            ["list migration projects", "make 3 cohorts riskiest last"],
            "cohort_build",
            {"strategy": "riskiest_last", "count": 3},
        ),
        (["list migration projects", "build waves pilot first"], "wave_build", {"strategy": "pilot_first"}),
        (["vms in shop-dev", "why?"], "why", {}),
        (["vms in shop-dev", "who owns billing-db"], "owner", {"vm": "billing-db"}),
        (["vms in shop-dev", "billing-db"], "show", {"kind": "vm", "name": "billing-db"}),
    ],
)
def test_a_conversation(said: list[str], intent: str, slots: dict[str, Any]) -> None:
    reading = talk(*said)
    assert (reading.intent, dict(reading.slots)) == (intent, slots)


def test_a_completed_change_is_asked_with_its_name() -> None:
    reading = talk("restart the server", "shop-web-1")
    assert (reading.intent, dict(reading.slots)) == ("vm_reboot", {"vm": "shop-web-1"})
    assert reading.ask is not None
    assert reading.ask.why == "confirm"


def test_nothing_is_inherited_into_a_change() -> None:
    reading = talk("show shop-web-1", "reboot it")
    assert "vm" not in reading.slots


@pytest.mark.parametrize("said", ["thanks", "lol", "what is the weather", "cancel", "never mind"])
def test_talk_after_an_answer_refines_nothing(said: str) -> None:
    assert talk("vms in shop-dev", said).intent is None
