"""Misspelt words: the reading that makes sense, names of several words, and no write from a guess."""

import json
from typing import Any

import pytest

from intents.lexicon import load_lexicon
from intents.matcher import Matcher
from intents.names import Names
from intents.readings import Name, Reading
from intents.registry import load_catalogue
from intents.repairs import misspelt_names, repair_words
from intents.tokens import tokenize
from tests.intents.sets import NOW, names

MATCHER = Matcher(load_catalogue())
LEXICON = load_lexicon()
NAMES = names()


def read(said: str) -> Reading:
    return MATCHER.read(said, NAMES, NOW)


@pytest.mark.parametrize(
    ("said", "intent", "slots"),
    [
        ("risk scoee of shop-prod", "health", {"project": "shop-prod"}),
        ("show Legaccy ERP 01", "show", {"kind": "vm", "name": "Legacy ERP 01"}),
        ("show me the waves of choort 1", "wave_show", {"cohort": "cohort 1"}),
        ("@stackhadn how many vms are off", "count", {"kind": "vm", "state": "off"}),
        ("I woulld be interesed in the routers of shop-prod", "list", {"kind": "router", "project": "shop-prod"}),
        ("all logins since mondy", "logins", {"since": "2026-11-16T00:00:00Z"}),
        ("who is operatr in shop-prod", "roles", {"role": "operator", "project": "shop-prod"}),
        ("help with migratijns", "help", {"text": "migrations"}),
    ],
)
def test_one_slip_of_the_finger_is_understood(said: str, intent: str, slots: dict[str, Any]) -> None:
    reading = read(said)
    assert (reading.intent, dict(reading.slots)) == (intent, slots)


@pytest.mark.parametrize(
    "said",
    [
        "reboot Legaccy ERP 01",
        "woould you mind rebooting shop-web-1",
        "@stackhadn reboot shop-web-1",
        "ennable host node-07",
        "please rebboot shop-web-1",
    ],
)
def test_a_write_with_a_slip_in_it_is_asked_back(said: str) -> None:
    reading = read(said)
    assert reading.intent is None or reading.ask is not None


@pytest.mark.parametrize("said", ["do not rsetart shop-web-1", "dont deleet the snapshot before-patch"])
def test_a_ban_stays_a_ban(said: str) -> None:
    assert read(said).intent is None


def test_a_note_keeps_its_errors() -> None:
    assert read("note on shop-web-1: do not miggrate").slots == {"vm": "shop-web-1", "text": "do not miggrate"}


def test_what_is_a_word_or_a_name_is_not_repaired() -> None:
    tokens = tokenize("show shop-web-1 and the vms")
    assert repair_words(LEXICON, tokens, [False] * len(tokens), frozenset(), frozenset()) == {}


def test_a_name_with_two_errors_is_none() -> None:
    assert misspelt_names(tokenize("Legaci ERPP 01"), NAMES, LEXICON) == []


def test_many_names_with_one_word_in_common_cost_little() -> None:
    many = Names(Name("vm", f"Web Server {number}") for number in range(5000))
    assert len(misspelt_names(tokenize("show Web Servver 17"), many, LEXICON)) <= 1


def test_the_words_of_the_world_are_not_bent_into_ours() -> None:
    foreign = ["what is the cricet score", "i am in a mleting till 11", "tanks a lot, see you tomorrow"]
    assert [json.dumps(said) for said in foreign if read(said).intent] == []
