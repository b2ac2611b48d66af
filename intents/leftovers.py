"""Words that narrow a question and that its reading does not hold: they are told, never dropped in silence.

An answer about more than was asked looks right and is wrong. Each comparison, negation, filter and name of a sentence
is therefore either in a slot, or in the evidence as "unused:slot ..." or "unused:not ...".
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from intents.lexicon import Mention
from intents.readings import Evidence
from intents.scenes import Scene
from intents.slots import Filling, state_said, words_of
from intents.tokens import word_set

if TYPE_CHECKING:
    from intents.tally import Scored

_MEASURED = word_set("vcpus memory_gb value bandwidth_gbps text item")
_FREE = word_set("text value item query target name new_name")
_MORE = word_set(
    "more less fewer greater larger bigger smaller higher lower over under above below least most > < >= <="
)
_WITHOUT = word_set("without no lacking lack lacks excluding except minus")
_NOT = word_set("not isn't isnt aren't arent non but except excluding outside beyond")
_FILTERED = word_set("list count per top find export deleted changes efficiency hotspots migration_vms")
_SKIPPED = word_set("the a an any in on of from at to is are with in project projects all")


def leftovers(scene: Scene, top: "Scored", filling: Filling) -> list[Evidence]:
    """What was said to narrow the answer and has no place in it."""
    if top.intent.writes:
        return list(_filters(scene, top, filling))
    return [
        *_denied_names(scene, filling),
        *_compared(scene, top, filling),
        *_lacking(scene, top, filling),
        *_filters(scene, top, filling),
        *_unnamed(scene, top, filling),
    ]


def _filters(scene: Scene, top: "Scored", filling: Filling) -> Iterator[Evidence]:
    """Names, times, sizes, platforms, systems, states that this intent cannot take."""
    query = str(filling.slots.get("query", "")).casefold()
    for at, hit in enumerate(scene.hits):
        searched = words_of(scene, hit.start, hit.end).casefold() in query
        if hit.sure and not hit.open and not searched and at not in filling.used and hit.start not in scene.aside:
            yield Evidence(words_of(scene, hit.start, hit.end), f"unused:slot {hit.names[0].kind}")
    slots = set(top.intent.slots)
    if scene.spans and not {"since", "time", "hours_per_day"} & slots and _is_past(scene):
        yield Evidence(words_of(scene, scene.spans[0].start, scene.spans[0].end), "unused:slot time")
    if not _MEASURED & slots:
        for amount in scene.amounts:  # "VMs with more than 16 vCPUs" are not all VMs
            if amount.kind in {"vcpus", "gib", "size"} and amount.start not in scene.aside:
                yield Evidence(words_of(scene, amount.start, amount.end), "unused:slot size")
    item = str(filling.slots.get("item", ""))  # "no critical gaps" names what is ticked
    for slot in ("platform", "os", "severity"):
        for mention in scene.mentions_of(slot):
            if words_of(scene, mention.start, mention.end).casefold() in item:
                continue
            if slot not in filling.slots and slot not in slots and mention.start not in scene.aside:
                yield Evidence(words_of(scene, mention.start, mention.end), f"unused:slot {slot}")
    if top.intent.name in _FILTERED and "state" not in slots:
        for mention in scene.mentions_of("state"):
            if (_before_noun(scene, mention) or _after_verb(scene, mention)) and state_said(
                scene, mention.start, mention.end
            ):
                yield Evidence(words_of(scene, mention.start, mention.end), "unused:slot state")


def _is_past(scene: Scene) -> bool:
    """A closed time before today ("yesterday", "last week"); "last night" and "this morning" mean the newest run."""
    span = scene.spans[0]
    today = scene.now.replace(hour=0, minute=0, second=0, microsecond=0)
    return span.until is not None and span.until <= today


def _before_noun(scene: Scene, mention: Mention) -> bool:
    """ "running vms per host": the state is part of what is counted."""
    return any(m.start == mention.end and any(s.concept.startswith("k:") for s in m.senses) for m in scene.mentions)


def _after_verb(scene: Scene, mention: Mention) -> bool:
    """ "how many vms are off per project": the state of what is counted, told of it."""
    return scene.folds[mention.start - 1 : mention.start] in (("are",), ("is",))


def _denied_names(scene: Scene, filling: Filling) -> Iterator[Evidence]:
    """ "vms not in acme-prod": the name must not become the filter that it excludes."""
    for at in sorted(filling.used):
        hit = scene.hits[at]
        word = _denial(scene, hit.start)
        slot = next((s for s, n in filling.objects.items() if n in hit.names and s in filling.slots), "")
        if word and slot and slot != "vm":
            del filling.slots[slot], filling.objects[slot]
            filling.choices.pop(slot, None)
            yield Evidence(f"{word} {words_of(scene, hit.start, hit.end)}", f"unused:not {slot}")


def _denial(scene: Scene, at: int) -> str:
    for back in range(at - 1, max(-1, at - 5), -1):
        word = scene.folds[back]
        if word in _NOT:
            return word if word != "but" else ""
        if word not in _SKIPPED:
            return ""
    return ""


def _compared(scene: Scene, top: "Scored", filling: Filling) -> Iterator[Evidence]:
    """ "with more than 2 volumes": no number of rows, and no filter that the intents know."""
    if {"count", "vms_per_day", "agents", "retention", *_MEASURED} & set(top.intent.slots):
        return
    for amount in scene.amounts:
        before = set(scene.folds[max(0, amount.start - 2) : amount.start])
        if amount.kind != "number" or not before & _MORE or amount.start in scene.aside:
            continue
        if any(mention.start <= amount.start < mention.end for mention in scene.mentions if mention.end > amount.end - 1
               and mention.end - mention.start > 1):  # fmt: skip
            continue  # "above 80" is a phrase of the lexicon
        if filling.slots.get("limit") == amount.value:
            del filling.slots["limit"]
        if amount.value not in filling.slots.values():
            yield Evidence(words_of(scene, amount.start, amount.end), "unused:slot number")


def _lacking(scene: Scene, top: "Scored", filling: Filling) -> Iterator[Evidence]:
    """ "machines without owner", "projects with no vms": a condition that no filter expresses."""
    if top.intent.name not in _FILTERED:
        return
    phrases = {at for m in scene.mentions if m.end - m.start > 1 for at in range(m.start, m.end)}
    told = " ".join(e.words.lower() for e in filling.evidence)
    for at, word in enumerate(scene.folds[:-1]):
        if word not in _WITHOUT or at in phrases or not at or scene.named[at]:
            continue
        if word == "no" and scene.folds[at - 1] not in {"with", "have", "has", "having", "of"}:
            continue
        rest = [m for m in scene.mentions if at < m.start <= at + 2 and m.senses]
        if (rest or at + 1 in scene.unknown) and f"{word} " not in told:
            end = rest[0].end if rest else at + 2
            yield Evidence(words_of(scene, at, end), "unused:not there")


def _unnamed(scene: Scene, top: "Scored", filling: Filling) -> Iterator[Evidence]:
    """A word that looks like a name and is in no slot of an intent that knows no names."""
    if _FREE & set(top.intent.slots):
        return
    said = " ".join(str(value).lower() for value in filling.slots.values())
    for at in scene.namelike:
        if scene.folds[at] not in said and at not in scene.aside:
            yield Evidence(scene.tokens[at].text, "unused:slot name")
