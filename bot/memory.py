"""Readings as they are kept with an exchange, and read back for a follow-up, a correction or "why?"."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from intents.readings import Ask, Evidence, Name, Reading


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
