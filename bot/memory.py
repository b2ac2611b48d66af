"""Readings as they are kept with an exchange, and read back for a follow-up, a correction or "why?"."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bot.replies import Part, Table, from_json
from intents.readings import Ask, Evidence, Name, Reading
from intents.registry import Catalogue
from storage.exchanges import Said

_NO_GROUND = frozenset({"why", "export", "help", "feedback"})  # they are about an answer, and none themselves


def reading_to_json(reading: Reading) -> dict[str, Any]:
    return asdict(reading)


def reading_from_json(data: Mapping[str, Any]) -> Reading:
    """The opposite; raises KeyError or TypeError on what was never written by `reading_to_json`."""
    asked = data["ask"]
    ask = (
        Ask(**{**asked, "names": tuple(Name(**one) for one in asked["names"]), "intents": tuple(asked["intents"])})
        if asked
        else None
    )
    return Reading(
        **{
            **data,
            "objects": {slot: Name(**one) for slot, one in data["objects"].items()},
            "ask": ask,
            "evidence": tuple(Evidence(**one) for one in data["evidence"]),
            "rivals": tuple((intent, score) for intent, score in data["rivals"]),
        }
    )


def last_reading(before: Sequence[Said], catalogue: Catalogue) -> Reading | None:
    """What a follow-up refers to: the newest read of these exchanges, or a change that misses one thing.

    `before` is newest first.
    """
    for said in before:
        intent = catalogue.intents.get(said.intent or "")
        if intent is None or intent.name in _NO_GROUND:
            continue
        reading = reading_from_json(said.reading)
        if not intent.writes or (reading.ask is not None and reading.ask.why == "missing"):
            return reading
    return None


def last_parts(before: Sequence[Said]) -> Sequence[Part]:
    """The parts of all replies to the last message."""
    replies = [from_json(said.reply) for said in before if said.at == before[0].at]
    return [part for reply in replies for part in reply.parts]


def row_opened(before: Sequence[Said], ordinal: Any) -> str | None:
    """What opens the n-th row (from 1; -1 is the last) of the newest answer with a table; None without such a row."""
    if not isinstance(ordinal, int) or ordinal == 0:
        return None
    tables = (part for said in before for part in from_json(said.reply).parts if isinstance(part, Table))
    opens = next((table.opens for table in tables if table.opens), ())
    at = ordinal - 1 if ordinal > 0 else ordinal
    return opens[at] if -len(opens) <= at < len(opens) else None
