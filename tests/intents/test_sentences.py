"""The sentence files: everything in them is read as it should be, and talk starts nothing."""

from typing import Any

import pytest

from intents.matcher import Matcher
from intents.registry import load_catalogue
from tests.intents.sets import NOW, names, nothings, sentences

CATALOGUE = load_catalogue()
MATCHER = Matcher(CATALOGUE)
NAMES = names()
ALL = [
    *sentences("sentences.yaml"),
    *sentences("more.yaml"),
    *sentences("third.yaml"),
    *sentences("fourth.yaml"),
    *sentences("fifth.yaml"),
    *sentences("sixth.yaml"),
]


@pytest.mark.parametrize(("intent", "said", "slots"), ALL, ids=[said for _, said, _ in ALL])
def test_a_sentence_is_read_with_its_slots(intent: str, said: str, slots: dict[str, Any]) -> None:
    reading = MATCHER.read(said, NAMES, NOW)
    assert (reading.intent, dict(reading.slots)) == (intent, slots)


@pytest.mark.parametrize("said", [said for _, said in nothings()])
def test_talk_starts_no_change(said: str) -> None:
    reading = MATCHER.read(said, NAMES, NOW)
    assert reading.intent is None or not CATALOGUE.intents[reading.intent].writes or reading.ask is not None


def test_talk_is_hardly_ever_answered() -> None:
    talk = [said for _, said in nothings()]
    answered = [said for said in talk if MATCHER.read(said, NAMES, NOW).intent]
    assert len(answered) <= 0.03 * len(talk), answered


@pytest.mark.parametrize("name", CATALOGUE.intents)
def test_every_intent_has_sentences_of_its_own(name: str) -> None:
    topic = CATALOGUE.intents[name].topic
    wanted = 6 if topic in {"inventory", "capacity"} else 2
    assert sum(intent == name for intent, _, _ in ALL) >= wanted


def test_one_reading_of_a_change_is_enough_to_start_it() -> None:
    """Plain commands of the files need no question: the gate is no wall."""
    plain = [
        "reboot shop-web-1",
        "tag shop-web-1 as gdpr",
        "approve REQ-5",
        "start billing-db",
        "delete volume old-logs",
    ]
    assert [MATCHER.read(said, NAMES, NOW).ask for said in plain] == [None] * len(plain)
