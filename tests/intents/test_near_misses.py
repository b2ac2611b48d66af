"""Every intent has near misses that are not it, and no example belongs to two intents."""

import pytest
import yaml

from intents.matcher import Matcher
from intents.registry import load_catalogue
from tests.intents.sets import HERE, NOW, names

CATALOGUE = load_catalogue()
MATCHER = Matcher(CATALOGUE)
NAMES = names()
NEAR: dict[str, list[str]] = yaml.safe_load((HERE / "near_misses.yaml").read_text(encoding="utf-8"))


def test_every_intent_has_three_of_them() -> None:
    assert {name for name in CATALOGUE.intents if len(set(NEAR.get(name, []))) < 3} == set()
    assert set(NEAR) <= set(CATALOGUE.intents)


@pytest.mark.parametrize(("intent", "said"), [(intent, said) for intent, lines in NEAR.items() for said in lines])
def test_a_near_miss_is_not_the_intent(intent: str, said: str) -> None:
    assert MATCHER.read(said, NAMES, NOW).intent != intent


def test_no_sentence_is_an_example_of_two_intents() -> None:
    seen: dict[str, str] = {}
    for intent in CATALOGUE.intents.values():
        for said in intent.examples:
            assert seen.setdefault(said.casefold(), intent.name) == intent.name, said


def test_no_example_is_read_equally_well_as_two_intents() -> None:
    tied = []
    for intent in CATALOGUE.intents.values():
        for said in intent.examples:
            ask = MATCHER.read(said, NAMES, NOW).ask
            if ask is not None and ask.why == "rivals":
                tied.append((said, ask.intents))
    assert tied == []
