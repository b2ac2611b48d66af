"""The gate of the writes: what must hold so that a change may be started from a sentence without asking back.

It is about structure, not about scores: who says it, in which place of the clause the verb stands, what is named.
"""

import re
from typing import TYPE_CHECKING

from intents.lexicon import Mention
from intents.plain import is_plain
from intents.registry import Intent
from intents.scenes import Scene
from intents.slots import NAME_KINDS, Filling
from intents.tokens import fold, word_set

if TYPE_CHECKING:
    from intents.tally import Scored

MOST_CHARACTERS = 500
MOST_UNEXPLAINED = 2.0
# what may stand before the verb of a command: politeness, "could you", "I want you to", the bot's name
_LEAD = re.compile(
    r"(?:(?:please|pls|plz|plase|kindly|hey|hi|hello|ok|okay|so|and|then|just|now|also|quick|quickly|well|alright|yo|oh|"
    r"thanks|thx|yes|yeah|stackhand|bot|again|simply|directly|@\S+)\s*)*"
    r"(?:(?:can|could|would|will)\s+you\s*|i\s+(?:want|need)\s+(?:you\s+)?to\s*|"
    r"i(?:'d|\s+would)\s+like\s+(?:you\s+)?to\s*|i\s*|go\s+ahead\s+and\s*|time\s+to\s*|you\s+can\s*|(?:for|on|in)\s+)?"
    r"(?:(?:please|pls|plz|plase|kindly|just|also|now|quickly)\s*)*",
    re.IGNORECASE,
)
_WANTING = word_set("want need approve deny reject decline withdraw accept confirm refuse acknowledge ack retract veto")
# these make a command depend on something, or put it off
_DEPENDING = word_set("if when once unless while whenever after before until till soon assuming otherwise case")
_FINITE = word_set(
    "is was were are has had did does done went took failed finished completed worked works started "
    "starts ends begins lasts comes"
)
_TURNING = word_set("as to")  # "mark it as failed": what it becomes
_POINTERS = word_set("it this that them these those everything all me us")
_TOLD = word_set("says said wrote write writes asked told asks tells ticket step comment quote mail runbook")
_BIDDING = re.compile(
    r"(?:(?:please|pls|plz|just|so|kindly|now|then|and)\s+)*(?:do (?:it|so|that)|please do|pls do|go ahead)"
    r"(?:\s+(?:please|pls|plz|now|asap))*"
)
_FORBIDDING = word_set("don't dont never nobody don")
_DENYING = word_set("no not never nothing none neither nor without nowhere hardly cannot")
_DOUBTING = word_set("not don't dont never maybe if should could would might whether who ?")
_FINITE_PAST = word_set("was were did done took failed needed has had been")
_LIVED = word_set("had have has feel feels felt am was were went got")
_LATER = word_set("tomorrow tmrw tonight midnight noon later next soon")
SURE = 0.72
_NAMING = frozenset({"create", "tenant_create"})
_MAKING = word_set(
    "create make add build provision spin allocate register deploy launch new onboard onboarding generate set"
)
_NAMED_SO = word_set("called named name : customer client tenant domain organisation organization")
_SPARE = word_set("ip mac uuid request job")
_NAMED = word_set("name request job item")
_MAY_DEPEND = frozenset({"subscribe", "unsubscribe", "freeze", "migration_depend", "note_set"})


def is_open(intent: Intent, scene: Scene, filling: Filling, top: "Scored") -> bool:
    """A plain command, to the bot, with its own verb unrepaired, every object certain, nothing else in the message."""
    if intent.name == "feedback":
        lived = bool({"i", "we", "he", "she", "they"} & set(scene.folds[:1])) and bool(_LIVED & set(scene.folds[1:3]))
        return not scene.strangers and not scene.spans and not lived  # of an answer, not of last weekend or a bad day
    return (
        scene.mood == "command"
        and not scene.shortened
        and not top.soft
        and len(scene.text) <= MOST_CHARACTERS
        and not filling.unsure & set(intent.slots)
        and not _foreign(intent, scene)
        and _unexplained(intent, scene, top) <= MOST_UNEXPLAINED
        and not _respelt(intent, scene)
        and (intent.topic == "notifications" or not _FORBIDDING & set(scene.folds[: _own_words(intent, scene)]))
        and not _strange(intent, scene, filling, top)
        and (_commanded(scene, top) or _bidden(scene, top) or _reopened(scene, filling))
        and not _second_object(scene, filling)
        and (not _points_back(scene) or _bidden(scene, top))
        and not _spare_code(intent, scene, filling)
        and ("text" in intent.slots or _share(top) >= SURE or _reopened(scene, filling))
        and ("item" not in filling.slots or _in_one_clause(scene, str(filling.slots["item"])))
        and (intent.name not in _NAMING or _makes(scene, filling))
        and (intent.name in _MAY_DEPEND or not _depends(scene))
        and not _denied(intent, scene, filling, top)
        and is_plain(intent, scene, filling, top)
        and ("since" in intent.slots or "time" in intent.slots or not _timed(intent, scene))
    )


def _denied(intent: Intent, scene: Scene, filling: Filling, top: "Scored") -> bool:
    """ "restart of jenkins not needed", "delete it not": a no or not beside the verb that nothing read accounts for."""
    tail = _own_words(intent, scene) if "item" not in intent.slots else 0
    said = {word for value in filling.slots.values() for word in fold(str(value)).split()}
    read = {at for n in top.mentions for at in range(scene.mentions[n].start, scene.mentions[n].end)}
    verbs = {scene.mentions[n].start for n in top.mentions if any(s.form for s in scene.mentions[n].senses)}
    near = {at for start, end in scene.parts if verbs & set(range(start, end)) for at in range(start, end)}
    return any(
        (word in _DENYING or word.endswith("n't")) and at in near and at < tail
        and at not in read and word not in said and not scene.named[at]
        for at, word in enumerate(scene.folds)
    )  # fmt: skip


def _respelt(intent: Intent, scene: Scene) -> bool:
    """Was any word of the request read as another one? A repaired word may be the "not" that was meant."""
    tail = scene.tail if "text" in intent.slots else len(scene.tokens)
    return scene.respelt or any(fold(token.text) != token.fold for token in scene.tokens[:tail])


def _strange(intent: Intent, scene: Scene, filling: Filling, top: "Scored") -> bool:
    """A word that nobody knows beside the verb, outside a free text and the values taken from the sentence."""
    tail = scene.tail if "text" in intent.slots else 0 if "item" in intent.slots else len(scene.tokens)
    said = " ".join(str(value) for value in filling.slots.values())
    starts = {scene.mentions[at].start for at in top.mentions if any(s.form for s in scene.mentions[at].senses)}
    near = {at for s, e in scene.parts if starts & set(range(s, e)) for at in range(s, e)}
    return any(at < tail and at in near and scene.tokens[at].text not in said for at in scene.unknown)


def _foreign(intent: Intent, scene: Scene) -> bool:
    tail = _own_words(intent, scene)
    return any(mention.start < tail and not scene.named[mention.start] for mention in scene.mentions_of("FOREIGN"))


def _unexplained(intent: Intent, scene: Scene, top: "Scored") -> float:
    """The weight of what was recognised and has no part in this; politeness ("would you", "do it") weighs nothing."""
    tail = _own_words(intent, scene) if "item" not in intent.slots else 0
    lost = 0.0
    for at, mention in enumerate(scene.mentions):
        said = scene.folds[mention.start : mention.end]
        idle = at not in top.mentions and not mention.filler and mention.senses and mention.start < tail
        if idle and mention.start not in scene.aside and not all(word in scene.lexicon.fillers for word in said):
            lost += mention.weight
    return lost


def _commanded(scene: Scene, top: "Scored") -> bool:
    """Does a verb of this intent, as it was typed, stand where a command begins?"""
    wanted = {feature for need in top.claim.needs for feature in need} | set(top.claim.also)
    named = any(slot in NAME_KINDS or slot in _NAMED for slot in top.intent.required)
    return any(
        not mention.repaired
        and any(sense.concept in wanted for sense in mention.senses[: mention.own])
        and any(sense.form == "base" for sense in mention.senses[: mention.own])
        and _leads(scene, mention, named, finite=top.intent.topic == "notifications")
        for mention in (scene.mentions[at] for at in top.mentions)
    )


def _bidden(scene: Scene, top: "Scored") -> bool:
    """ "web-01 needs a reboot, do it": what is to be done and to what, then nothing but the order to do it."""
    clauses = scene.parts
    if len(clauses) != 2 or _BIDDING.fullmatch(" ".join(scene.folds[slice(*clauses[1])])) is None:
        return False
    first = range(*clauses[0])
    if not any(_is_object(scene, at) for at in first) or _DOUBTING & set(scene.folds):
        return False
    if any(at in scene.aside for at in first) or any(scene.folds[at] in _FINITE_PAST for at in first):
        return False
    wanted = {feature for need in top.claim.needs for feature in need}
    return any(
        scene.mentions[at].start in first
        and not scene.mentions[at].repaired
        and any(s.concept.removesuffix(".past") in wanted and s.concept.isupper() for s in scene.mentions[at].senses)
        for at in top.mentions
    )


def _reopened(scene: Scene, filling: Filling) -> bool:
    """ "agent reachable is not done for wave 1": told of now, it opens an item again; that starts nothing."""
    return (
        filling.slots.get("on_off") == "off"
        and "item" in filling.slots
        and not (_FINITE_PAST - {"done"}) & set(scene.folds)
    )


def _leads(scene: Scene, mention: Mention, object_needed: bool, finite: bool = False) -> bool:
    clause = next(((s, e) for s, e in scene.parts if s <= mention.start < e), None)
    if clause is None or (clause[0] and _told(scene, clause[0])):
        return False
    start, end = clause
    rest = range(max(mention.end, mention.start + 1), end)
    finites = [at for at in rest if scene.folds[at] in _FINITE and not scene.named[at]]
    if not finite and any(scene.folds[at - 1] not in _TURNING for at in finites):
        return False  # "tag pci was removed", "reboot done on web-01": the verb is a noun there
    headed = bool(start) and all(scene.named[at] or scene.tokens[at].kind != "word" for at in range(start))
    if object_needed and not headed and not any(_is_object(scene, at) for at in range(start, end)):
        return False
    lead = " ".join(scene.folds[at] for at in range(start, mention.start) if not scene.named[at])
    if lead.endswith(" i") or lead == "i":
        return scene.folds[mention.start] in _WANTING
    return _LEAD.fullmatch(lead + " " if lead else "") is not None


def _is_object(scene: Scene, at: int) -> bool:
    said = scene.tokens[at].kind not in {"word", "mark"} or scene.folds[at] in _POINTERS
    return said or scene.named[at] or at in scene.unknown


def _told(scene: Scene, start: int) -> bool:
    """What stands before a colon and is more than a name: "mia wrote:", "ticket 4711:", "step 3:"."""
    before = scene.folds[:start]
    if before[-1] != ":":
        return bool(_TOLD & set(before)) and "i" not in before
    return any(not scene.named[at] and scene.tokens[at].kind in {"word", "number"} for at in range(start - 1)) and not (
        set(before[:-1]) <= {"stackhand", "bot", "hey", "hi", "please", "pls", "now"}
    )


def _depends(scene: Scene) -> bool:
    return bool(_DEPENDING & set(scene.folds))


def _timed(intent: Intent, scene: Scene) -> bool:
    """ "tomorrow", "at midnight", "yesterday": another time than now, for an intent that knows none."""
    if "vms_per_day" in intent.slots:
        return bool(_LATER & set(scene.folds))
    tail = _own_words(intent, scene)
    return any(span.start < tail for span in scene.spans) or bool(_LATER & set(scene.folds[:tail]))


def _own_words(intent: Intent, scene: Scene) -> int:
    """Where the request itself ends: behind it stands a free text, if the intent has one."""
    return scene.tail if "text" in intent.slots else len(scene.tokens)


def _share(top: "Scored") -> float:
    """How much of what was said the reading explains, 0 to 1."""
    return top.explained / max(0.01, top.explained + max(0.0, top.unexplained))


def _in_one_clause(scene: Scene, item: str) -> bool:
    """ "all vms moved, set wave 2 to complete": what was ticked must stand in the clause that says so."""
    at = scene.text.casefold().find(item.casefold())
    clauses = scene.parts
    holding = [(s, e) for s, e in clauses if scene.tokens[s].start <= at <= scene.tokens[e - 1].end]
    return len(clauses) == 1 or any(hit.of("wave") for s, e in holding for hit in scene.hits if s <= hit.start < e)


def _makes(scene: Scene, filling: Filling) -> bool:
    """Where an unknown word becomes the name of something new: a verb that makes, and the name in its place."""
    name = str(filling.slots.get("name") or filling.slots.get("domain") or "")
    at = next((i for i, token in enumerate(scene.tokens) if token.text == name), None)
    if at is None or not _MAKING & set(scene.folds) or scene.names.like(name.casefold()):
        return False
    return at in scene.namelike or scene.folds[at - 1] in _NAMED_SO or bool(scene.lexicon.kinds_of(scene.folds[at - 1]))


def _points_back(scene: Scene) -> bool:
    """ "audit wants the tag on web-01, put it on": what "it" is was told in another clause, about which we may err."""
    return any(scene.folds[at] in _POINTERS and at not in scene.aside for at in range(len(scene.folds))) and any(
        hit.start in scene.aside for hit in scene.hits
    )


def _spare_code(intent: Intent, scene: Scene, filling: Filling) -> bool:
    """An address, id or request that this change has no place for: something else is meant."""
    tail = _own_words(intent, scene)
    held = " ".join(str(value).casefold() for value in filling.slots.values())
    return any(
        token.kind in _SPARE and at < tail and token.fold not in held and not scene.named[at]
        and not (token.kind == "request" and "request" in filling.slots)
        and not (token.kind == "job" and "job" in filling.slots)
        for at, token in enumerate(scene.tokens)
    )  # fmt: skip


def _second_object(scene: Scene, filling: Filling) -> bool:
    """ "restart web-01 and web-02", "remove daily_5 from web-01" read as a deletion: a name that the write leaves over.

    Only the project that an object lies in may be said beside it.
    """
    homes = {name.project for name in filling.objects.values()} | {name.domain for name in filling.objects.values()}
    spare = [hit for at, hit in enumerate(scene.hits) if at not in filling.used and hit.sure and not hit.open]
    return any(not {name.name for name in hit.names} & homes for hit in spare if hit.start not in scene.aside)
