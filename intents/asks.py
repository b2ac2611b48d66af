"""What must be asked back before a reading can be used."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from intents.gates import is_open
from intents.readings import Ask
from intents.registry import Intent
from intents.scenes import Scene
from intents.slots import NAME_KINDS, Filling
from intents.tokens import word_set

if TYPE_CHECKING:
    from intents.tally import Scored

_FREE = frozenset({"text", "value", "item", "name", "query", "target"})
# writes whose object may be one of several kinds
_ONE_OF = {
    "snapshot": ("vm", "volume"), "policy_assign": ("volume", "vm", "project"),
    "policy_remove": ("volume", "vm", "project"), "migration_map": ("tenant", "network"),
    "restore_cancel": ("vm", "job"), "migration_scope": ("tenant", "vm"),
}  # fmt: skip


def ask_back(intent: Intent, scene: Scene, filling: Filling, rivals: Sequence["Scored"], top: "Scored") -> Ask | None:
    """The first thing that stands in the way, or None."""
    for slot, names in filling.choices.items():
        return Ask("ambiguous", slot, names[0].name, names)
    missing = [slot for slot in intent.required if slot not in filling.slots]
    if missing:
        named = "name" in missing and bool(scene.namelike)  # a name that nobody bears says more than its missing kind
        return _missing("name" if named else missing[0], scene, filling)
    one_of = _ONE_OF.get(intent.name, ())
    if one_of and not filling.slots.keys() & set(one_of):
        return _missing(one_of[0], scene, filling)
    if unnamed := _unnamed(intent, scene, filling):
        return unnamed
    if intent.writes:
        tried = filling.slots.get("dry_run") is True and scene.mood == "command"  # it starts nothing
        return None if tried or is_open(intent, scene, filling, top) else Ask("confirm", intents=(intent.name,))
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
    """Something that looks like a name, or stands where one must stand, and no slot holds it."""
    if _FREE & set(intent.slots) or "new_name" in filling.slots:
        return None
    open_slots = [slot for slot in intent.slots if slot in NAME_KINDS and slot not in filling.slots]
    for slot in open_slots:
        if (at := _beside_noun(slot, scene)) is not None:
            return _unknown(slot, at, scene)
    said = " ".join(str(value).lower() for value in filling.slots.values())
    placed = [(at, _place(scene, at)) for at in scene.namelike] + _placed(scene)
    for at, place in placed:
        likely = ("vm",) if place == "of" and filling.slots.get("kind") in _PARTS_OF_VMS else _LIKELY.get(place, ())
        slot = next((s for s in likely if s in open_slots), open_slots[0] if open_slots else "")
        if slot and scene.folds[at] not in said:
            return _unknown(slot, at, scene)
    return None


def _unknown(slot: str, at: int, scene: Scene) -> Ask:
    said = scene.tokens[at].text
    return Ask("unknown", slot, said, scene.names.near(said, NAME_KINDS[slot], 3))


def _placed(scene: Scene) -> list[tuple[int, str]]:
    """Unknown words where only a name can stand: "vms in foo", "how many vms does foo have"."""
    found: list[tuple[int, str]] = []
    last = len(scene.tokens) - 1
    for at in scene.unknown:
        if scene.tokens[at].kind != "word" or at in scene.aside:
            continue
        before = scene.folds[at - 1] if at else ""
        after = scene.folds[at + 1] if at < last else ""
        ends = at == last or scene.tokens[at + 1].kind == "mark" or after in _AFTER or _timed(scene, at + 1)
        if (before in _BEFORE and ends) or (before in _DOES and after in _HAVE):
            found.append((at, before if before in _BEFORE else ""))
    return found


def _place(scene: Scene, at: int) -> str:
    before = scene.folds[at - 1] if at else ""
    return before if before in _BEFORE else ""


def _timed(scene: Scene, at: int) -> bool:
    return any(span.start == at for span in scene.spans)


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


_PARTS_OF_VMS = frozenset({"snapshot", "volume", "port", "floating_ip"})
_PLACES = word_set("in on of for from at inside the within under does has by")
_CALLED = word_set("called named is with")
_BEFORE = word_set("in on of for from inside within under by at")
_DOES = word_set("does do has is did")
_HAVE = word_set("have has use own run cost consume need hold using running own")
_AFTER = word_set(
    "please pls plz last this since until before after during and or now today yesterday right at in on per by with"
)
# a word behind a preposition -> the slots whose names it likely is
_LIKELY = {
    "": ("vm", "project", "user"), "on": ("host", "cluster", "vm", "network"), "by": ("user", "owner", "project"),
    **dict.fromkeys(("in", "of", "for", "from", "inside", "within", "under", "at"), ("project", "domain", "vm")),
}  # fmt: skip
