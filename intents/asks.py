"""What must be asked back, and the gate that no write passes unasked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from intents.readings import Ask
from intents.registry import Intent
from intents.scenes import Scene
from intents.slots import NAME_KINDS, Filling

if TYPE_CHECKING:
    from intents.matcher import Scored

_FREE = frozenset({"text", "value", "item", "name", "query", "target"})
WRITE_LIMIT = 500


def ask_back(intent: Intent, scene: Scene, filling: Filling, rivals: Sequence["Scored"], top: "Scored") -> Ask | None:
    """The first thing that stands in the way, or None."""
    for slot, names in filling.choices.items():
        return Ask("ambiguous", slot, names[0].name, names)
    missing = [slot for slot in intent.required if slot not in filling.slots]
    if missing:
        return _missing(missing[0], scene, filling)
    if unnamed := _unnamed(intent, scene, filling):
        return unnamed
    if intent.writes:
        return _gate(intent, scene, filling, top)
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
    if _FREE & set(intent.slots) or not scene.namelike or "new_name" in filling.slots:
        return None
    for slot in intent.slots:
        if slot in NAME_KINDS and slot not in filling.slots:
            said = scene.tokens[scene.namelike[0]].text
            return Ask("unknown", slot, said, scene.names.near(said, NAME_KINDS[slot], 3))
    return None


def _gate(intent: Intent, scene: Scene, filling: Filling, top: "Scored") -> Ask | None:
    """Own verb, unrepaired; objects exact and sure; a command; short. Anything less is shown and asked."""
    if intent.name == "feedback" and not scene.strangers:
        return None  # a word of praise or blame about an answer changes nothing but our own list
    mentions = [scene.mentions[at] for at in top.mentions]
    wanted = {feature for need in top.claim.needs for feature in need} | set(top.claim.also)
    verbs = [m for m in mentions if any(s.concept in wanted for s in m.senses) and any(s.form == "base" for s in m.senses)]
    if (
        scene.mood != "command"
        or top.soft
        or _second_object(scene, filling)
        or _tells_the_past(intent, scene)
        or len(scene.text) > WRITE_LIMIT
        or not any(not m.repaired for m in verbs)
        or filling.unsure & set(intent.slots)
        or scene.mentions_of("FOREIGN")
    ):
        return Ask("confirm", intents=(intent.name,))
    return None


def _tells_the_past(intent: Intent, scene: Scene) -> bool:
    """ "shut down web-01 yesterday": a time gone by that the intent has no use for."""
    return "since" not in intent.slots and any(span.since and span.since < scene.now for span in scene.spans)


def _second_object(scene: Scene, filling: Filling) -> bool:
    """ "restart web-01 and web-02": one write has one object of a kind."""
    kinds = {name.kind for name in filling.objects.values()}
    spare = [hit for at, hit in enumerate(scene.hits) if at not in filling.used and hit.sure and not hit.open]
    return any(name.kind in kinds for hit in spare for name in hit.names)
