"""Is a message of our world? Words of everyday life ("volume", "account", "forecast") need company before they count.

A message that names nothing of ours and no term of the trade is refused as soon as one word in it is strange: it is
"the volume of a sphere", not a volume.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from intents.tokens import word_set

if TYPE_CHECKING:
    from intents.scenes import Scene
    from intents.slots import Filling

_CODES = frozenset({"request", "job", "uuid", "mac", "ip", "channel"})
_SIDE = frozenset({"tag", "role", "event", "wave", "cohort"})  # names that are words of the language, or numbers
_PARTS = re.compile(r"[-/_.]")
_OWNED = word_set("my your his her our their a an the some any this that another")
_SOUGHT = frozenset({"find", "create", "tenant_create"})


def is_ours(scene: "Scene") -> bool:
    """Does it hold a term of the trade, an id, or a name of the inventory that is no ordinary word?"""
    terms = scene.lexicon.terms
    for token in scene.tokens:
        if token.kind in _CODES or token.fold in terms:
            return True
        if not token.fold.isalnum() and not terms.isdisjoint(_PARTS.split(token.fold)):
            return True
    return any(
        hit.sure and not hit.ordinary and not all(name.kind in _SIDE for name in hit.names) for hit in scene.hits
    )


def is_strange(scene: "Scene", filling: "Filling", intent: str, mentions: Collection[int]) -> bool:
    """Is there a word that nobody knows beside what was understood, or one of another world anywhere?"""
    if scene.mentions_of("FOREIGN"):
        return True
    said = " ".join(str(value) for value in filling.slots.values())
    starts = {scene.mentions[at].start for at in mentions}
    near = {at for start, end in scene.parts if starts & set(range(start, end)) for at in range(start, end)}
    return any(
        at in near and at not in scene.aside and not (scene.tokens[at].text in said and _may_be_new(scene, at, intent))
        for at in scene.unknown
    )


def _may_be_new(scene: "Scene", at: int, intent: str) -> bool:
    """A word that stands for a new or a sought name: "user mkeller", "domain wayne"; not "my bakery"."""
    if intent not in _SOUGHT or at in scene.namelike:
        return True
    before = scene.folds[at - 1] if at else ""
    return before not in _OWNED
