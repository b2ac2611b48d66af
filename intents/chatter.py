"""What colleagues say to each other about our things: thanks, reports, plans, hand-over notes, pasted alerts.

Real names are in it, so the names say nothing about whether the bot is meant. How it begins does, and whether a request
follows: a question, a please, or a clause that begins with an order.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intents.patterns import any_of, load_patterns
from intents.readings import Reading
from intents.statements import ASKING
from intents.tokens import word_set

if TYPE_CHECKING:
    from intents.hits import Hit
    from intents.lexicon import Mention
    from intents.mood import Words
    from intents.scenes import Scene

_HAILING = word_set(
    "hi hey hello yo morning evening thx thanks thank you cheers kudos congrats sorry well done nice one good job ok "
    "okay please pls haha lol so oh many great ty welcome back happy birthday dear poor"
)
_TO_YOU = word_set("you u you're you've you'd you'll your thanks thx")
_CAN = word_set("can could would will did do have are")
_PLEASE = re.compile(
    r"\?|\b(?:(?:do|does|did|have|has|is|are) (?:we|i|you|they|there)\b"
    r"|please|pls|plz|kindly|(?:can|could|would|will) (?:you|u|someone|somebody|i|we)\b"
    r"|i(?:'d| would)? (?:need|want|like)\b|we need|i must know|let me|stackhand|bot)\b|\?",
    re.IGNORECASE,
)
_WH = ASKING | word_set("why wat why's how's who's what's where's whose")
_RELATIVE = word_set("that which")
_NAME_SLOTS = word_set("name vm cluster host project domain tenant migration user volume owner network wave SAMEAGAIN")
_FINITE = word_set(
    "is was are were has had have 's isn't wasn't aren't weren't hasn't did didn't does doesn't do don't been got went "
    "came gets will won't"
)
_POINTERS = word_set("the that this these those a an my our your their his her all both every")
_REMARK = 3  # words beside a name that nothing was made of
_LOOKED_AT = 400  # characters


@dataclass(frozen=True)
class Chatter:
    """The patterns of chatter.txt."""

    told: re.Pattern[str]
    paper: re.Pattern[str]
    others: re.Pattern[str]
    remark: re.Pattern[str]
    pasted: re.Pattern[str]

    def holds(self, scene: "Scene", moods: "Words", text: str) -> bool:
        """Is it said to somebody else, or told, or pasted, and asks nothing of the bot? `text`: with its courtesies."""
        head = scene.text[:_LOOKED_AT]
        if _said_to(scene) or self.others.match(head) or self.pasted.search(head):
            return True
        if (self.paper.match(head) or _note_for(scene)) and not _PLEASE.search(text):
            return True
        told = self.told.match(head) or self.told.match(text) or self.remark.search(head) or _of_somebody(scene)
        about = bool(scene.hits) or any(feature.startswith("k:") for feature in scene.by_concept)
        return bool(told) and about and not _asks(scene, moods, text)


def _person(scene: "Scene", at: int) -> "Hit | None":
    hits = (hit for hit in scene.hits if hit.start == at)
    return next((hit for hit in hits if hit.of("user") or hit.of("owner")), None)


def _said_to(scene: "Scene") -> bool:
    """ "thx alice, ...", "hey bob, ...", "bob you saved ...", "carol can you ..."."""
    folds = scene.folds
    start = 0
    while start < len(folds) and (folds[start] in _HAILING or (start and folds[start] in {",", "!"})):
        start += 1
    hit = _person(scene, start)
    if hit is None or hit.end >= len(folds):
        return False
    after = folds[hit.end]
    if after in {":", ">"}:
        return True  # "dave: done"
    if start and after in {",", "!", ":", ".", "-"}:
        return True
    return after in _TO_YOU or (after in _CAN and folds[hit.end + 1 : hit.end + 2] in (("you",), ("u",)))


def _note_for(scene: "Scene") -> bool:
    """ "Note for dave: ..."."""
    return scene.folds[:1] in (("note",), ("notes",), ("message",), ("memo",)) and (
        scene.folds[1:2] in (("for",), ("to",)) and _person(scene, 2) is not None
    )


def _of_somebody(scene: "Scene") -> bool:
    """ "dave's theory is ...", "alice's talk about ...": something of a person that is no thing of ours."""
    hit = _person(scene, 0)
    if hit is None or scene.folds[hit.end : hit.end + 1] != ("'s",) or hit.end + 2 >= len(scene.folds):
        return False
    return scene.folds[hit.end + 1] in _OF_PEOPLE


_OF_PEOPLE = word_set(
    "theory talk idea opinion plan guess birthday kid kids wife husband desk phone boss manager team joke question "
    "point mail email ticket presentation slides meeting holiday vacation shift turn fault problem job laptop dog cat"
)


def only_tells(scene: "Scene", reading: Reading, moods: "Words", writes: bool, text: str) -> bool:
    """Is what was read no request, but a statement: somebody does, is or has something, or a name and remarks on it?"""
    folds = frozenset(scene.folds)
    if (
        reading.intent == "feedback"
        or folds & (_WH | _RELATIVE)
        or _asks(scene, moods, text)
        or _leads(scene, moods, 0)
    ):
        return False
    meant = {found.meant for found in reading.evidence if not found.meant.startswith("unused:")}
    if writes:
        does = any(concept.endswith(".s") for concept in meant) and any(_does(scene, m) for m in scene.mentions)
        return does or _is_sentence(scene, _POINTERS)
    if meant <= _NAME_SLOTS:
        if reading.intent == "owner":
            return len(scene.folds) > 1  # "web-01 up again": nobody asked whose it is
        plain = [
            at for at, word in enumerate(scene.folds) if word not in moods.single["polite"] and not scene.named[at]
        ]
        return sum(scene.tokens[at].kind == "word" for at in plain) >= _REMARK
    return _is_sentence(scene)


def _does(scene: "Scene", mention: "Mention") -> bool:
    """ "my script restarts jenkins", not "stop the alerts"."""
    verb = any(sense.form == "s" for sense in mention.senses[: mention.own])
    return verb and mention.start > 0 and scene.folds[mention.start - 1] not in _POINTERS | {"no"}


def _is_sentence(scene: "Scene", subjects: frozenset[str] = frozenset()) -> bool:
    """Has the first clause a finite verb behind its subject; with `subjects`: one that begins with such a word?"""
    first, last = scene.parts[0]
    if subjects and scene.folds[first] not in subjects:
        return False
    finite = (
        {m.start for m in scene.mentions if any(sense.form == "s" for sense in m.senses[: m.own])}
        if subjects
        else set()
    )
    listed = {m.end for m in scene.mentions if any(sense.concept.startswith("k:") for sense in m.senses)}
    return any(
        (scene.folds[at] in _FINITE or at in finite)
        and not scene.named[at]
        and not (scene.folds[at] == "'s" and at + 1 < last)  # "yesterday's changes"
        and not (scene.folds[at] == "are" and at in listed)  # "yellow vms are in phx-exit": a filter
        for at in range(first + 1, last)
    )


def _asks(scene: "Scene", moods: "Words", text: str) -> bool:
    """Does anything in it ask or order: a question mark, a please, or a clause that begins so?"""
    return bool(_PLEASE.search(text)) or any(_leads(scene, moods, at) for at in range(1, len(scene.parts)))


def _leads(scene: "Scene", moods: "Words", part: int) -> bool:
    """Does a clause begin as a question or an order?"""
    start, end = scene.parts[part]
    polite = moods.single["polite"]
    first = next((at for at in range(start, end) if scene.folds[at] not in polite), start)
    if scene.folds[first] in _WH | moods.single["imperatives"] or (
        not part and scene.folds[first] in moods.single["auxiliaries"]
    ):
        return True
    return any(
        m.start == first and m.end < end and any(s.form == "base" for s in m.senses[: m.own]) for m in scene.mentions
    )


def load_chatter() -> Chatter:
    """Those of chatter.txt. Raises PatternError."""
    lines = load_patterns("chatter.txt")
    return Chatter(
        any_of(lines["told"], r"\s*{}"),
        any_of(lines["paper"], r"\s*{}"),
        any_of(lines["others"], r"\s*{}"),
        any_of(lines["remark"]),
        any_of(lines["pasted"]),
    )
