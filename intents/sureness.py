"""How sure a reading must be to stand, as a whole message and as a part of one."""

from intents.readings import Mood, Reading
from intents.registry import Catalogue

SURE = 0.42
PART_SURE = 0.6  # each part of a message must stand on its own
CLAUSE_SURE = 0.72
WHOLE_SURE = 0.75
WEAK = 0.85  # below it a message with small talk in it is read once more without
REFUSING: frozenset[Mood] = frozenset({"negated", "conditional"})


def says_more(whole: Reading, part: Reading) -> bool:
    """The same request, and the rest of the message is part of it: "…, with the names masked"."""
    return whole.intent == part.intent and part.slots.items() <= whole.slots.items()


def says_enough(reading: Reading, catalogue: Catalogue, least: float = WHOLE_SURE) -> bool:
    """A request that says enough without any name: it is sure, and needs no slot."""
    if reading.intent == "help":
        return False  # "the projector shows an error, who can help"
    return reading.confidence >= least and not catalogue.intents[reading.intent or ""].required


def is_refused(reading: Reading) -> bool:
    """Was nothing understood, or something that does not hold the message together?"""
    asks = reading.ask is not None and reading.ask.why in ("missing", "unknown")
    return reading.intent is None or reading.confidence < (CLAUSE_SURE if asks else PART_SURE)
