"""Small talk around a request is set aside; what forbids, puts off or is told by others is not."""

from datetime import UTC, datetime

import pytest

from intents.matcher import Matcher
from intents.names import Names
from intents.registry import load_catalogue
from tests.intents.sets import NOW, names

CATALOGUE = load_catalogue()
MATCHER = Matcher(CATALOGUE)
NAMES = names()


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("No rush at all, but who owns shop-web-1?", "owner"),
        ("I'd love to be at the beach, which hosts are down?", "list"),
        ("Had a long night, show me shop-web-1", "show"),
        ("is shop-web-1 healthy? my wife is waiting with dinner", "health"),
        ("Don't laugh, how many vms do we have", "count"),
        ("everyone's off for the weekend, quota of shop-prod please", "quota"),
    ],
)
def test_the_request_is_read_without_it(said: str, intent: str) -> None:
    assert MATCHER.read(said, NAMES, NOW).intent == intent


@pytest.mark.parametrize(
    "said",
    [
        "I'm so tired today, reboot shop-web-1",
        "beers all round, shut down billing-db",
        "what a week, I need a holiday. delete volume old-logs",
    ],
)
def test_a_change_beside_talk_is_asked_back(said: str) -> None:
    reading = MATCHER.read(said, NAMES, NOW)
    assert reading.intent is None or reading.ask is not None


@pytest.mark.parametrize(
    "said",
    [
        "don't do it yet, reboot shop-web-1",
        "not yet, shut down billing-db",
        "if it hangs, reboot shop-web-1",
        "mia wrote: reboot shop-web-1",
        "did you see that shop-prod bill, crazy",
        "lena's gonna move billing-db next week",
        "can someone from the storage team restart billing-db",
    ],
)
def test_what_is_forbidden_put_off_or_told_stays_silent(said: str) -> None:
    assert MATCHER.read(said, NAMES, NOW).intent in {None, "usage"}  # never the change itself


def test_an_abbreviation_that_is_a_name_stays_a_name() -> None:
    reading = MATCHER.read("stop cust", Names.from_json({"vm": ["cust"]}), datetime(2026, 11, 22, 9, tzinfo=UTC))
    assert (reading.intent, dict(reading.slots)) == ("vm_stop", {"vm": "cust"})


def test_a_free_text_keeps_its_abbreviations() -> None:
    reading = MATCHER.read("note on shop-web-1: dont touch b4 release", NAMES, NOW)
    assert dict(reading.slots) == {"vm": "shop-web-1", "text": "dont touch b4 release"}
