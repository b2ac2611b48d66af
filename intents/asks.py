"""What must be asked back before a reading can be used."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from intents.gates import is_open
from intents.readings import Ask
from intents.registry import Intent
from intents.scenes import Scene
from intents.slots import NAME_KINDS, Filling

if TYPE_CHECKING:
    from intents.matcher import Scored

_FREE = frozenset({"text", "value", "item", "name", "query", "target"})


def ask_back(intent: Intent, scene: Scene, filling: Filling, rivals: Sequence["Scored"], top: "Scored") -> Ask | None:
    """The first thing that stands in the way, or None."""
    for slot, names in filling.choices.items():
        return Ask("ambiguous", slot, names[0].name, names)
    missing = [slot for slot in intent.required if slot not in filling.slots]
    if missing:
        named = "name" in missing and bool(scene.namelike)  # a name that nobody bears says more than its missing kind
        return _missing("name" if named else missing[0], scene, filling)
    if unnamed := _unnamed(intent, scene, filling):
        return unnamed
    if intent.writes:
        return None if is_open(intent, scene, filling, top) else Ask("confirm", intents=(intent.name,))
    if rivals and not rivals[0].intent.writes:
        return Ask("rivals", intents=(intent.name, rivals[0].intent.name))
    return None


def _missing(slot: str, scene: Scene, filling: Filling) -> Ask:
    kinds = NAME_KINDS.get(slot, ())
    if kinds or slot == "name":
        for at in scene.namelike or scene.unknown:
            said = scene.tokens[at].text
            return Ask("unknown", slot, said, scene.names.near(said, kinds, 3))
    return Ask("missing", slot)


def _unnamed(intent: Intent, scene: Scene, filling: Filling) -> Ask | None:
    """Something that looks like a name stands in the sentence, and no slot holds it."""
    if _FREE & set(intent.slots) or "new_name" in filling.slots:
        return None
    open_slots = [slot for slot in intent.slots if slot in NAME_KINDS and slot not in filling.slots]
    for slot in open_slots:
        at = _beside_noun(slot, scene)
        if at is not None:
            return _unknown(slot, at, scene)
    at = scene.namelike[0] if scene.namelike else _last_of(scene)
    if at is None or not open_slots:
        return None
    return _unknown("host" if "host" in open_slots and scene.folds[at - 1] == "on" else open_slots[0], at, scene)


def _unknown(slot: str, at: int, scene: Scene) -> Ask:
    said = scene.tokens[at].text
    return Ask("unknown", slot, said, scene.names.near(said, NAME_KINDS[slot], 3))


def _last_of(scene: Scene) -> int | None:
    """An unknown word that ends the sentence behind "of": "history of foo"."""
    words = [at for at, token in enumerate(scene.tokens) if token.kind != "mark"]
    last = words[-1] if words else 0
    return last if last in scene.unknown and last > 1 and scene.folds[last - 1] == "of" else None


def _beside_noun(slot: str, scene: Scene) -> int | None:
    """An unknown word where the name of a kind must stand: "in project foo", "on the host called foo"."""
    nouns = {
        mention.end
        for mention in scene.mentions
        if any(sense.concept == f"k:{slot}" for sense in mention.senses)
        and not scene.folds[mention.end - 1].endswith("s")
        and mention.start
        and scene.folds[mention.start - 1] in _PLACES
    }
    return next(
        (at for at in scene.unknown if at in nouns or (at - 1 in nouns and scene.folds[at - 1] in _CALLED)), None
    )


_PLACES = frozenset({"in", "on", "of", "for", "from", "at", "inside", "the", "within", "under"})
_CALLED = frozenset({"called", "named", "is", "with"})
