"""No talk passes the gate, with or without typing errors; what is put off, told or conditional is asked."""

import json
import random

import pytest
import yaml

from intents.matcher import Matcher
from intents.names import Names
from intents.registry import load_catalogue
from tests.benchmarks.language import with_typo
from tests.intents.sets import HERE, NOW, names, nothings

CATALOGUE = load_catalogue()
MATCHER = Matcher(CATALOGUE)
NAMES = names()
TALK: list[str] = yaml.safe_load((HERE / "talk.yaml").read_text(encoding="utf-8"))


def starts(said: str, inventory: Names = NAMES) -> bool:
    reading = MATCHER.read(said, inventory, NOW)
    return reading.intent is not None and CATALOGUE.intents[reading.intent].writes and reading.ask is None


@pytest.mark.parametrize("said", TALK)
def test_talk_with_real_names_starts_nothing(said: str) -> None:
    assert not starts(said)


@pytest.mark.parametrize("seed", range(5))
def test_talk_with_typing_errors_starts_nothing(seed: int) -> None:
    dice = random.Random(seed)
    talk = [*TALK, *(said for _, said in nothings())]
    assert [said for said in (with_typo(said, NAMES, dice) for said in talk) if starts(said)] == []


@pytest.mark.parametrize(
    "said",
    [
        "reboot shop-web-1",
        "please reboot shop-web-1",
        "@stackhand reboot shop-web-1 now",
        "could you please reboot shop-web-1?",
        "shop-web-1 hangs, reboot it",
        "i want you to reboot shop-web-1",
    ],
)
def test_a_command_passes(said: str) -> None:
    assert starts(said)


@pytest.mark.parametrize(
    "said",
    [
        "reboto shop-web-1",  # the verb was repaired
        "reboot shop-web-1 and shop-web-2",
        "reboot shop-web-1 tomorrow",
        "reboot shop-web-1 if it hangs",
        "reboot report",  # an ordinary word that is a name too
        "reboot proxy",  # there are two
        "reboot shop web 1",  # not as it is spelt
        "reboot shop-web-9",
        "reboot",
        "the ticket says: reboot shop-web-1",
        "reboot shop-web-1 " + "x" * 500,
    ],
)
def test_anything_less_than_a_plain_command_is_asked(said: str) -> None:
    assert not starts(said)


@pytest.mark.parametrize(
    "said",
    [
        "I need not any restart of shop-web-1, the problem was only in my browser",
        "we want no reboot of shop-web-1",
        "I need not that you restart shop-web-1",
        "restart of shop-web-1 not needed",
        "restart shop-web-1 is not necessary",
        "stop shop-web-1 not",
        "without restart of shop-web-1 please",
        "I would like not to restart shop-web-1",
        "reboot shop-web-1, no restart of shop-web-2",
    ],
)
def test_what_somebody_does_not_want_is_not_done(said: str) -> None:
    assert not starts(said)


def test_a_name_that_is_a_word_counts_beside_its_noun() -> None:
    assert starts("reboot vm report")
    assert starts("reboot `report`")


def test_no_order_among_sentences_that_are_like_one_starts_anything() -> None:
    """Written to get past the gate: exceptions, neighbours of the object, verdicts, jests, plans, others' orders."""
    inventory = Names.from_json(json.loads((HERE / "voices" / "names.json").read_text(encoding="utf-8")))
    said = json.loads((HERE / "no_orders.json").read_text(encoding="utf-8"))
    assert len(said) > 1000
    assert [one for one in said if starts(one, inventory)] == []
