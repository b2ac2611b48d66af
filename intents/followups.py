"""The second sentence of a conversation: refinements, answers to a question, corrections, "the second one".

Nothing is inherited into a write: a write that was asked for a slot comes back to be confirmed, named in full.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from intents.readings import Ask, Evidence, Mood, Name, Reading
from intents.registry import Intent
from intents.scenes import Scene
from intents.slots import NAME_KINDS, Filling, fill, take_hit

_MARKER = re.compile(
    r"^\s*(?:and|or|only|just|what about|how about|same|also|but|now|then|instead|rather|the same|sort|order|without|"
    r"show only|list only|limit|restrict|filter|narrow|with|for|in|on|of|per|as|those|these|the|which of)\b",
    re.IGNORECASE,
)
_CORRECTION = re.compile(r"\b(?:i\s+mean[t]?|meant|sorry|no,|nope,|rather|not that|wrong one)\b", re.IGNORECASE)
_ORDINALS = {
    word: place
    for place, words in enumerate(
        ("first 1st", "second 2nd", "third 3rd", "fourth 4th", "fifth 5th", "sixth 6th", "seventh 7th", "eighth 8th",
         "ninth 9th", "tenth 10th"), 1)
    for word in words.split()
}  # fmt: skip
_ORDINAL = re.compile(
    r"\b(?:the\s+)?(" + "|".join(_ORDINALS) + r"|last)\s*(?:one|row|entry|line|result)?\s*[?.!]*$"
    r"|\b(?:number|no\.?|#|row|entry|line)\s*(\d{1,3})\s*[?.!]*$",
    re.IGNORECASE,
)


def follow(scene: Scene, alone: Reading, last: Reading, intents: Mapping[str, Intent]) -> Reading | None:
    """The sentence as a continuation of `last`, or None when it stands alone."""
    intent = intents.get(last.intent or "")
    if intent is None:
        return None
    asked = last.ask is not None and last.ask.why in {"missing", "unknown", "ambiguous"}
    if asked and not _stands(alone, last) and (answer := _answer(scene, last, intent)):
        return answer
    if intent.writes:
        return None
    return _ordinal(scene, alone) or _refine(scene, alone, last, intent)


def _stands(alone: Reading, last: Reading) -> bool:
    """A whole question of its own is no answer to ours; a bare name, which reads as "show", is."""
    return alone.intent not in {None, "show", "find", last.intent} and alone.ask is None and alone.confidence >= 0.6


def _answer(scene: Scene, last: Reading, intent: Intent) -> Reading | None:
    """Just the value that was asked for: a name, an owner, a number, a platform."""
    slot = last.ask.slot if last.ask else ""
    if len(scene.tokens) > 8 or not slot:
        return None
    filling = fill(intent, scene)
    hit = next((at for at, hit in enumerate(scene.hits) for kind in NAME_KINDS.get(slot, ()) if hit.of(kind)), None)
    if hit is not None and slot not in filling.slots:
        kind = next(kind for kind in NAME_KINDS[slot] if scene.hits[hit].of(kind))
        take_hit(slot, kind, hit, scene, filling)
    if slot not in filling.slots or _other_words(scene, filling):
        return None
    ask = Ask("ambiguous", slot, str(filling.slots[slot]), filling.choices[slot]) if slot in filling.choices else None
    return _merged(scene, last, intent, filling, ask)


def _other_words(scene: Scene, filling: Filling) -> bool:
    """Is there more than the value: verbs, other nouns, words that nobody knows?"""
    said = " ".join(evidence.words.lower() for evidence in filling.evidence)
    return any(
        not mention.filler
        and mention.senses
        and not scene.named[mention.start]
        and scene.folds[mention.start] not in said
        for mention in scene.mentions
        if not scene.beside(mention)
    ) or any(scene.folds[at] not in said for at in scene.unknown)


def _merged(scene: Scene, last: Reading, intent: Intent, filling: Filling, ask: Ask | None) -> Reading:
    slots: dict[str, Any] = {**last.slots, **filling.slots}
    objects: dict[str, Name] = {**last.objects, **filling.objects}
    missing = [name for name in intent.required if name not in slots]
    if ask is None and missing:
        ask = Ask("missing", missing[0])
    if ask is None and intent.writes:
        ask = Ask("confirm", intents=(intent.name,))
    inherited = tuple(
        Evidence(str(value), f"{slot} (from before)") for slot, value in last.slots.items() if slot not in filling.slots
    )
    return Reading(
        scene.text, intent.name, slots, objects, 0.9, _said_as(scene), "followup", ask,
        (*filling.evidence, *inherited),
    )  # fmt: skip


def _said_as(scene: Scene) -> Mood:
    return "command" if scene.mood == "other" else scene.mood


def _ordinal(scene: Scene, alone: Reading) -> Reading | None:
    """ "show the second one": the row of the last answer; who has the rows puts its name in."""
    match = _ORDINAL.search(scene.text)
    if match is None or scene.hits or len(scene.tokens) > 8 or _is_of_a_detail(match[1], alone):
        return None
    place = _ORDINALS.get((match[1] or "").lower(), int(match[2]) if match[2] else -1)
    found = (Evidence(match[0].strip(), "ordinal"),)
    return replace(alone, intent="show", slots={"ordinal": place}, objects={}, confidence=0.9, source="followup",
                   mood="command", ask=None, evidence=found, rivals=())  # fmt: skip


def _is_of_a_detail(word: str | None, alone: Reading) -> bool:
    """ "easiest first" says in which order, not which row."""
    last_words = [
        evidence.words.lower().split() for evidence in alone.evidence if not evidence.meant.startswith("unused")
    ]
    return (
        bool(word)
        and alone.intent is not None
        and any(len(words) > 1 and words[-1] == str(word).lower() for words in last_words)
    )


def _refine(scene: Scene, alone: Reading, last: Reading, intent: Intent) -> Reading | None:
    corrects = bool(_CORRECTION.search(scene.text)) and bool(scene.hits)
    marked = bool(_MARKER.match(scene.text)) or corrects
    if not marked and (alone.intent is not None or scene.mood in {"report", "other"}):
        return None
    if len(scene.tokens) > 15 or _own_request(scene, alone, last):
        return None
    filling = fill(intent, scene)
    changed = {slot: value for slot, value in filling.slots.items() if last.slots.get(slot) != value}
    if not changed or scene.mentions_of("FOREIGN") or len(scene.unknown) > 1:
        return None
    if "kind" in changed and "kind" in last.slots and not marked:
        return None
    if corrects and "name" in changed:
        changed["kind"] = filling.slots.get("kind", last.slots.get("kind"))
    filling.slots = changed
    return _merged(scene, last, intent, filling, None)


def _own_request(scene: Scene, alone: Reading, last: Reading) -> bool:
    """A whole request of its own ("and who owns web-01") is no refinement, unless it is a filter of the same list."""
    if alone.ask and alone.ask.why in {"missing", "unknown"}:
        return False
    if alone.intent in {None, "show", "list", last.intent} or alone.confidence < 0.5:
        return False
    return not (alone.intent in {"export", "overview", "capacity", "per", "deleted"} and alone.confidence < 0.6)
