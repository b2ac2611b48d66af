"""The catalogue: complete, with slots as declared; and faults that are named."""

import pytest

from intents.claims import ClaimError, load_claims
from intents.lexicon import LexiconError, load_lexicon
from intents.registry import CatalogueError, load_catalogue

CATALOGUE = load_catalogue()
_ONE = "x: {does: d, risk: read, slots: '', examples: []}"


def test_all_intents_are_there_with_their_slots() -> None:
    assert len(CATALOGUE.intents) == 102
    assert CATALOGUE.intents["list"].required == ("kind",)
    assert "sort" in CATALOGUE.intents["list"].optional
    assert CATALOGUE.intents["help"].slots == ("text",)
    assert CATALOGUE.topics[0] == "inventory"


def test_every_intent_has_a_claim() -> None:
    assert {claim.intent for claim in load_claims(CATALOGUE).all} == set(CATALOGUE.intents)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"a:\n  {_ONE}\n  {_ONE}", "twice"),
        ("a:\n  x: {does: d, risk: odd, slots: '', examples: []}", "risk"),
        ("a:\n  x: {does: d, risk: read}", "lacks"),
        ("- 1", "no mapping|not a mapping"),
    ],
)
def test_a_broken_catalogue_is_named(text: str, told: str) -> None:
    with pytest.raises(CatalogueError, match=told):
        load_catalogue(text)


def test_a_claim_for_nothing_is_named() -> None:
    with pytest.raises(ClaimError, match="line 1"):
        load_claims(CATALOGUE, "no_such: WORD")
    with pytest.raises(ClaimError, match="match everything"):
        load_claims(CATALOGUE, "help: ~WORD +1")


@pytest.mark.parametrize("line", ["nonsense: a", "verb: a", "verb X:", "kind vm"])
def test_a_broken_line_of_the_lexicon_is_named(line: str) -> None:
    with pytest.raises(LexiconError, match="line 1"):
        load_lexicon(line)


def test_verbs_are_known_in_all_forms_and_plurals_are_derived() -> None:
    lexicon = load_lexicon("verb STOP: stop, shut down/shut down\nnoun BOX: box, policy\nfiller: the")
    assert {"stops", "stopping", "stopped", "shutting", "boxes", "policies"} <= lexicon.vocabulary


@pytest.mark.parametrize(
    ("said", "meant"),
    [("restrat", "restart"), ("snapshto", "snapshot"), ("volme", "volume"), ("xyzzy", ""), ("vm", "")],
)
def test_one_edit_is_repaired(said: str, meant: str) -> None:
    assert load_lexicon().repair(said) == meant
