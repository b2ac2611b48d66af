"""Small talk around a request: "Beers all round, …", "No rush at all, but …", "…? I'd like to go home".

A clause that names nothing of ours, asks nothing and orders nothing neither forbids a request nor puts it off; what it
says of weekends, moods and weather is no filter either. The message is read without it. A change is then asked back.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from intents.hits import Hit
from intents.lexicon import Mention
from intents.statements import ASKING
from intents.tokens import Token, word_set

if TYPE_CHECKING:
    from intents.mood import Words
    from intents.scenes import Scene

_CODES = word_set("ip mac uuid request job channel clock date quoted")
_VALUES = word_set(
    "metric platform os format sort severity strategy wave_strategy restore_mode ip_strategy days event service field "
    "profile move"
)
_MEASURES = word_set("vcpus gib size gbps")
_TELLING = word_set("report other wish negated conditional")
_NOT_LATER = word_set("not yet later wait until before after unless when once")  # they put a request off
_KEPT_TEXT = word_set("NOTE DENY NOPE FREEZE UNFREEZE ACK NOCHANGES NOCHANGESIN")  # a reason follows, or a remark
_SOMEBODY = word_set("customer customers client clients user users account people group")
_OTHERS = word_set(
    "had got been lost my it's it there's you there i'd we'd they'd he'd she'd everyone's everybody's nobody's "
    "somebody's someone's that's don't dont didn't can't cant couldn't haven't nothing nobody procurement sales "
    "support finance legal marketing devs"
)
_WHOSE = word_set("my our the this a some that every their another")
_NAMING = word_set("named called name call it as to of for on in from")
_JOINTS = word_set("but because cause cuz")
_ANSWERS = word_set("yes no nope nah not never don't dont stop cancel wait")


def without_talk(scene: "Scene", moods: "Words", loosely: bool = False) -> str:
    """The message without its small talk; empty where there is none, or nothing else.

    `loosely`: without every clause that names nothing of ours, for a message that makes no sense as a whole.
    """
    if len(scene.clauses) < 2 or scene.tokens[0].kind == "mention":
        return ""
    drop = [(_is_apart if loosely else _is_talk)(scene, moods, at) for at in range(len(scene.clauses))]
    if all(drop) or not any(drop) or not _stands_alone(scene, moods, drop):
        return ""
    if _KEPT_TEXT & scene.by_concept.keys() or any(hit.of("tenant") for hit in scene.hits):
        first = drop.index(False)
        drop = [dropped and at < first for at, dropped in enumerate(drop)]
        if not any(drop):
            return ""
    return _rest(scene, drop)


def _stands_alone(scene: "Scene", moods: "Words", drop: Sequence[bool]) -> bool:
    """Is what is left a request: about something of ours, or a question or an order in so many words?

    Where other worlds were spoken of it must name something certain: "the garage is full, when do we get more space".
    """
    dropped = [clause for clause, out in zip(scene.clauses, drop, strict=True) if out]
    kept = [clause for clause, out in zip(scene.clauses, drop, strict=True) if not out]
    foreign = any(start <= m.start < end for m in scene.mentions_of("FOREIGN") for start, end, _ in dropped)
    if foreign:
        return any(is_named(scene, start, end) for start, end, _ in kept)
    return any(is_ours(scene, start, end) or _orders(scene, moods, start, end) for start, end, _ in kept)


def is_named(scene: "Scene", start: int, end: int) -> bool:
    kinds = (m for m in scene.mentions if start <= m.start < end and not _is_somebody(scene, m, start))
    return (
        any(start <= hit.start < end and _counts(hit) for hit in scene.hits)
        or any(scene.tokens[i].kind in _CODES for i in range(start, end))
        or any(s.concept.startswith("k:") or s.concept in _TOPICS for m in kinds for s in m.senses)
    )


def _orders(scene: "Scene", moods: "Words", start: int, end: int) -> bool:
    """Does it begin as a question or with a verb of ours, or end with a question mark?"""
    if end < len(scene.tokens) and scene.folds[end] == "?":
        return True
    first = next((i for i in range(start, end) if scene.folds[i] not in moods.single["polite"]), start)
    if scene.folds[first] in ASKING | moods.single["auxiliaries"] | moods.single["imperatives"]:
        return True
    return any(m.start == first and any(s.form == "base" for s in m.senses[: m.own]) for m in scene.mentions)


_TOPICS = word_set(
    "MIGRATIONQ REPORT RUNBOOKQ APPROVALS FREEZE DIGEST DRIFT AUDIT COVERAGE IDLE SNAPSHOTN RESTOREN PRICES"
)


def _rest(scene: "Scene", drop: Sequence[bool]) -> str:
    parts: list[str] = []
    for at, (start, end, _) in enumerate(scene.clauses):
        if drop[at]:
            continue
        follows = at + 1 < len(drop) and not drop[at + 1]
        begin = start + 1 if scene.folds[start] in _JOINTS and (not at or drop[at - 1]) and end - start > 1 else start
        behind = len(scene.tokens) if at == len(drop) - 1 else end + 1  # a note is no clause
        last = scene.clauses[at + 1][0] if follows else min(behind, len(scene.tokens))
        stop = scene.tokens[last].start if follows else scene.tokens[last - 1].end
        parts.append(scene.text[scene.tokens[begin].start : stop])
        parts.append("" if follows else " ")
    text = "".join(parts).strip().rstrip(",;:-").strip()
    asked = scene.folds[-1] == "?" and drop[-1] and text[-1:] not in {"?", "."}
    return text + "?" if asked else text


def _is_talk(scene: "Scene", moods: "Words", at: int) -> bool:
    start, end, mood = scene.clauses[at]
    if start and scene.folds[start - 1] == ":" and at:
        return False  # what a colon announces is said about something
    if is_ours(scene, start, end):
        return False
    words = scene.folds[start:end]
    if mood in _TELLING and speaks_of_people(scene, moods, start, end):
        return not (_NOT_LATER & set(words) and mood in {"negated", "conditional"})
    if (
        mood == "fragment"
        and speaks_of_people(scene, moods, start, end)
        and _BEING & set(words[1:3])
        and end - start > 3
    ):
        return True  # "everyone's off for the weekend"
    if not any(scene.named[:end]) and at + 1 < len(scene.clauses) and _only_joins(scene, start, end):
        return True  # "well, ...", "because I will, ..."
    if words[0] in {"before", "while", "as", "since", "until"} and words[1:2] in (("i",), ("we",)) and not start:
        return True  # "before I execute it, what does it do"
    if mood in {"negated", "conditional"}:
        return mood == "negated" and _is_strange(scene, start, end)
    return says_nothing(scene, start, end) and _is_strange(scene, start, end) and mood != "question"


_BEING = word_set("'s is are was were has 're 'm")


def _only_joins(scene: "Scene", start: int, end: int) -> bool:
    """No word with a meaning, no time, no number, and nothing that denies or puts off."""
    words = scene.folds[start:end]
    timed = any(span.start < end and span.end > start for span in scene.spans)
    plain = all(
        word in scene.lexicon.fillers or scene.tokens[at].kind == "mark" for at, word in enumerate(words, start)
    )
    said = any(start <= m.start < end and m.senses and not m.filler for m in scene.mentions)
    return plain and not timed and not said and not (_ANSWERS | _NOT_LATER | ASKING) & set(words)


def _is_apart(scene: "Scene", moods: "Words", at: int) -> bool:
    """Does it name nothing of ours, and say more than when or not?"""
    start, end, mood = scene.clauses[at]
    words = scene.folds[start:end]
    if _is_talk(scene, moods, at):
        return True
    if is_ours(scene, start, end) or (at and scene.folds[start - 1] == ":") or _orders(scene, moods, start, end):
        return False
    if mood == "conditional":
        return words[1:2] in (("you",), ("i",), ("we",), ("that's",))
    spans = {i for span in scene.spans for i in range(span.start, span.end)}
    return any(
        i not in spans and (i in scene.unknown or word not in scene.lexicon.fillers)
        for i, word in enumerate(words, start)
        if scene.tokens[i].kind == "word"
    )


def is_ours(scene: "Scene", start: int, end: int) -> bool:
    """Is a name, a code, a kind, a measure or a value of ours in it?"""
    if any(start <= hit.start < end and _counts(hit) for hit in scene.hits):
        return True
    if any(scene.tokens[i].kind in _CODES or _is_name(scene, i) for i in range(start, end)):
        return True
    if any(start <= amount.start < end and amount.kind in _MEASURES for amount in scene.amounts):
        return True
    return any(
        (sense.concept.startswith("k:") and not _is_somebody(scene, mention, start))
        or (sense.concept in _VALUES and sense in mention.senses[: mention.own])
        for mention in scene.mentions
        if start <= mention.start < end
        for sense in mention.senses
    )


def _is_name(scene: "Scene", at: int) -> bool:
    """Does an unknown word look like a name? A dash alone does not: "heebie-jeebies"."""
    marked = any(c.isdigit() or c in "_." for c in scene.tokens[at].text)
    return at in scene.namelike and (marked or (at > 0 and scene.folds[at - 1] in _NAMING))


def _counts(hit: Hit) -> bool:
    return hit.sure and not (hit.ordinary and hit.open)


def _is_somebody(scene: "Scene", mention: Mention, start: int) -> bool:
    """ "the customer", "my users", "customer called again": who wants it."""
    word = scene.folds[mention.start]
    whose = mention.start > 0 and scene.folds[mention.start - 1] in _WHOSE
    return word in _SOMEBODY and (whose or (mention.start == start and not word.endswith("s")))


def speaks_of_people(scene: "Scene", moods: "Words", start: int, end: int) -> bool:
    """Who speaks, or the world: "I'm up anyway", "it's been a day", "everyone's off", "the boss is waiting"."""
    first = next((i for i in range(start, end) if scene.folds[i] not in moods.single["polite"] | _JOINTS), end - 1)
    word = scene.folds[first]
    lists = moods.single
    people = lists["pronouns"] | lists["contracted"] | lists["people"] | _OTHERS
    named = word in _WHOSE and any(scene.folds[i] in lists["people"] | _SOMEBODY for i in range(first + 1, end))
    return word in people or named


def says_nothing(scene: "Scene", start: int, end: int) -> bool:
    """No word of ours with a meaning that a request could live on."""
    return not any(
        start <= mention.start < end
        and not mention.filler
        and any(sense.concept not in _IDLE for sense in mention.senses[: mention.own])
        for mention in scene.mentions
    )


_IDLE = frozenset({"FOREIGN", "GOOD", "FEEDBACK"})


def _is_strange(scene: "Scene", start: int, end: int) -> bool:
    """Is there a word in it that is no word of ours, nor one that only joins, denies or puts off?"""
    if _ANSWERS & set(scene.folds[start:end]) and end - start < 3:
        return False
    foreign = {i for m in scene.mentions_of("FOREIGN") for i in range(m.start, m.end)}
    return any(i in scene.unknown or i in foreign for i in range(start, end) if _is_word(scene.tokens[i]))


def _is_word(token: Token) -> bool:
    return token.kind == "word" and token.fold not in ASKING
