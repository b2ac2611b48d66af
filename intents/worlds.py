"""Is a message of our world? Words of everyday life ("volume", "account", "forecast") need company before they count.

A message that names nothing of ours and no term of the trade is refused as soon as something in it is strange: it is
"the volume of a sphere", not a volume.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from intents.registry import Intent
from intents.tokens import word_set

if TYPE_CHECKING:
    from intents.scenes import Scene
    from intents.slots import Filling

_CODES = frozenset({"request", "job", "uuid", "mac", "ip", "channel"})
_SIDE = frozenset({"tag", "role", "event", "user", "owner"})  # words of the language, and first names
_COUNTED = frozenset({"wave", "cohort"})  # of a marathon too
_NOISE = word_set("lol haha hehe um uh hmm lmao rofl omg ffs tbh imho eh huh reckon honest honestly brutal quick")
_LONGEST_WORD = 40  # letters of a word; above it somebody wrote a name
_SHORT = 4
_PARTS = re.compile(r"[-/_.]")
_OWNED = word_set("my your his her our their a an the some any this that another")
_SOUGHT = frozenset({"find", "create", "tenant_create"})
# what a person has here: "my requests", "my role"
_MINE = word_set("APPROVALS REQUEST MYREQ MINE WAITING SUBSCRIPTIONS ALERTS SUBSCRIBE RIGHTS ROLES WHOAMI k:role JOB "
                 "FEEDBACK ANSWERREF DIGEST k:vm k:project RUNBOOKQ RUNBOOKS ACTIONS APPROVE EXPORT")  # fmt: skip
_PERSONAL = word_set("whoami approval_list approval_show subscriptions subscribe unsubscribe help why runbook_list "
                     "report_list feedback digest status jobs find")  # fmt: skip
_AUXILIARIES = word_set("did do can could should may must will am have was would")
_ASKING = word_set("have get see ask know look find view read export please also just quickly check expect say trust")
_ANSWERING = word_set("why feedback export approve deny withdraw")  # they point at an answer of ours, or a request
_POINTING = word_set("it that they them this these those")


def is_ours(scene: "Scene") -> bool:
    """Does it hold a term of the trade, an id, or a name of the inventory that is no ordinary word?"""
    terms = scene.lexicon.terms
    for token in scene.tokens:
        if token.kind in _CODES or token.fold in terms:
            return True
        if not token.fold.isalnum() and not terms.isdisjoint(_PARTS.split(token.fold)):
            return True
    if any(amount.kind in {"vcpus", "gbps"} for amount in scene.amounts):
        return True
    side = _SIDE | _COUNTED if scene.mentions_of("FOREIGN") else _SIDE
    return any(hit.sure and not hit.ordinary and not all(name.kind in side for name in hit.names) for hit in scene.hits)


def is_strange(scene: "Scene", filling: "Filling", intent: Intent, mentions: Collection[int], sought: str = "") -> bool:
    """Is there a word that nobody knows beside what was understood, one of another world, or somebody's own life?

    `sought`: the name that nobody bears and that is asked back.
    """
    if intent.name == "help" and scene.folds[0] == "help" and len(scene.tokens) < _SHORT:
        return False  # on what there is none, that is told
    tail = scene.tail if "text" in intent.slots else len(scene.tokens)
    said = " ".join(str(value) for value in filling.slots.values())
    if any(m.start < tail and scene.tokens[m.start].text not in said for m in scene.mentions_of("FOREIGN")):
        return True
    if intent.name not in _PERSONAL and _of_oneself(scene, tail):
        return True
    starts = {scene.mentions[at].start for at in mentions}
    near = {at for start, end in scene.parts if starts & set(range(start, end)) for at in range(start, end)}
    return any(
        at in near
        and at not in scene.aside
        and scene.folds[at] not in _NOISE
        and "'" not in scene.folds[at]
        and not _is_namelike(scene, at, sought)
        and not (scene.tokens[at].text in said and _may_be_new(scene, at, intent.name))
        for at in scene.unknown
    )


def points_away(scene: "Scene", intent: str) -> bool:
    """ "a hotel booking, how long does it take": what is asked points at something of another world."""
    if _POINTING.isdisjoint(scene.folds):
        return False
    strange = any(scene.folds[at] in scene.lexicon.plain for at in scene.unknown)
    return bool(scene.mentions_of("FOREIGN")) or (strange and intent not in _ANSWERING)


def _is_namelike(scene: "Scene", at: int, sought: str) -> bool:
    """ "web-91", "foo" of "cost of foo": no word of the language, and written like a name or standing for one."""
    word = scene.folds[at]
    if word in scene.lexicon.plain:
        return False
    if at in scene.namelike or word[0].isdigit() or (bool(sought) and scene.tokens[at].text == sought):
        return True
    return len(word) > _LONGEST_WORD or _is_whole(scene, at)


def _is_whole(scene: "Scene", at: int) -> bool:
    """ "show user mkeller": a verb, a noun of a kind, and a name that nobody bears, and nothing else."""
    noun = bool(at) and bool(scene.lexicon.kinds_of(scene.folds[at - 1]))
    return noun and at == len(scene.tokens) - 1 and scene.mood == "command" and len(scene.tokens) <= _SHORT


def _may_be_new(scene: "Scene", at: int, intent: str) -> bool:
    """A word that stands for a new or a sought name: "user mkeller", "domain wayne"; not "my bakery"."""
    if intent not in _SOUGHT or at in scene.namelike:
        return True
    before = scene.folds[at - 1] if at else ""
    return before not in _OWNED


def _of_oneself(scene: "Scene", tail: int) -> bool:
    """ "my bills", "did i sleep": what somebody has or does at home."""
    for at, fold in enumerate(scene.folds[:tail]):
        after = scene.folds[at + 1] if at + 1 < len(scene.folds) else ""
        if fold == "i" and at and scene.folds[at - 1] in _AUXILIARIES and after not in _ASKING:
            return True
        if fold == "my" and not any(
            mention.start in (at, at + 1, at + 2) and any(s.concept in _MINE for s in mention.senses[: mention.own])
            for mention in scene.mentions
        ):
            return True
    return False
