"""Chatty messages: faces and hums, reasons, asides, courtesies put as conditions, and what a pointer means."""

from typing import Any

import pytest

from intents.matcher import Matcher
from intents.readings import Reading
from intents.registry import load_catalogue
from intents.surface import plain_words
from tests.intents.sets import NOW, names

MATCHER = Matcher(load_catalogue())
NAMES = names()


def read(said: str) -> Reading:
    return MATCHER.read(said, NAMES, NOW)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("list the routers 🙏🏽🙏", "list the routers"),
        ("what a day 😅 which vms are off", "what a day . which vms are off"),
        ("which vms are off :) thanks", "which vms are off . thanks"),
        ("sooo pleeease list the routers", "so please list the routers"),
        ("um, how many vms, like, are there", "how many vms are there"),
        ("rebooooot shop-web-1", "rebooooot shop-web-1"),  # no verb of ours is made of it
        ("lol", "lol"),
        ("hahaha", "hahaha"),
        ("show lol", "show lol"),
        ("https://x.example/:) a", "https://x.example/:) a"),
        ("", ""),
    ],
)
def test_what_chat_writes_between_the_words(said: str, left: str) -> None:
    assert plain_words(said, {"lol"}) == left


@pytest.mark.parametrize(
    ("said", "intent", "slots"),
    [
        ("my coffee machine died 😭 anyway, list the routers", "list", {"kind": "router"}),
        ("list the routers so i can go home, the boss keeps pestering me", "list", {"kind": "router"}),
        ("(sorry, on my phone) how many routers are there", "count", {"kind": "router"}),
        ("how many routers are there or do i have to ask the network guys", "count", {"kind": "router"}),
        ("who owns shop-web-1, whenever you've got a sec 🙏", "owner", {"vm": "shop-web-1"}),
        ("got any drift since monday? wanna look good in the standup", "drift", None),
        ("some bloke goes on about shop-web-1, who owns that one?", "owner", {"vm": "shop-web-1"}),
    ],
)
def test_a_question_is_found_in_its_chatter(said: str, intent: str, slots: dict[str, Any] | None) -> None:
    reading = read(said)
    assert reading.intent == intent
    assert slots is None or dict(reading.slots) == slots


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("customer finally pays 🎉 so reboot shop-web-1", "vm_reboot"),
        ("we really don't need shop-web-1 any longer, so if you could delete it for me, please", "delete"),
        ("i just got off the phone with them. be a darling and reboot shop-web-1", "vm_reboot"),
        ("reboot shop-web-1 so i can sleep, my boss is hovering", "vm_reboot"),
    ],
)
def test_a_change_found_in_chatter_is_asked_back(said: str, intent: str) -> None:
    reading = read(said)
    assert reading.intent == intent
    assert reading.ask is not None
    assert "shop-web-1" in {str(value) for value in reading.slots.values()}


@pytest.mark.parametrize(
    "said",
    [
        "if shop-web-1 hangs, reboot it",
        "unless shop-web-1 recovers, reboot it please",
        "when shop-web-1 is back, could you delete it",
        "so the boss is mad 😡 don't reboot shop-web-1",
        "reboot shop-web-1 😅 no wait, not yet",
        "hey Mia Novak, could you reboot shop-web-1 when you are in the office",
        "mia you saved my weekend with that restore of shop-web-1",
        "the old procedure was: snapshot shop-web-1, patch, pray",
        "turns out mia owned shop-web-1 all the time 🙈",
        "(not urgent) please leave shop-web-1 alone, or is that too much to ask?",
        "please no more tags on shop-web-1, it's fine the way it is",
        "mia and me are moving shop-web-1 next weekend, customer wish",
        "snapshot of shop-web-1 stalled at 63 percent 😱 again",
        "can confirm, shop-web-1 is reachable again",
        "lol shop-web-1 again, every friday the same story",
    ],
)
def test_no_change_is_found_where_none_was_asked_for(said: str) -> None:
    reading = read(said)
    assert reading.intent is None or not MATCHER.catalogue.intents[reading.intent].writes
    assert reading.intent in {None, "show", "changes"}


def test_what_is_put_off_is_asked_back() -> None:
    reading = read("reboot shop-web-1, my boss is asking, but wait until tomorrow")
    assert reading.intent is None or reading.ask is not None
