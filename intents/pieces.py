"""The pieces of a chatty message, cut where people change the subject, and which of them are no part of a request.

"Customer finally pays so put acme-dev under daily_5", "... or should I cancel lunch", "(sorry, on my phone) …": the
marks do not tell where the request begins. What is left is read as if it had been said alone; before a change it is
asked back, for the rest of the message may speak against it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from intents.asides import asks_or_orders
from intents.statements import ASKING
from intents.talk import is_named, is_ours, says_nothing, speaks_of_people
from intents.tokens import word_set

if TYPE_CHECKING:
    from intents.mood import Words
    from intents.readings import Reading
    from intents.scenes import Scene

_MARKS = frozenset({".", "!", "?", ";", ",", "\n", "-", "--", ":", "(", ")", "[", "]"})
_HENCE = word_set("so therefore thus hence and but then anyway anyways now")
_REASON = word_set(
    "so before because cause coz cos cuz since as while otherwise or and but until till else though although"
)
_TEMPER = word_set("if when whenever once unless")
_SPEAKER = word_set(
    "i i'm i'd i'll i've im ive we we're we'd we'll we've he he's she she's they they're they've everyone everybody "
    "someone somebody nobody my our his her their me us"
)
_COURTEOUS = word_set("you u ya you've you're you'd it it's its that that's thats this possible i we there's time")
_WILLING = word_set(
    "have 've get got find can could would 'd please like feel fancy wish are 're were know not don't dont wouldn't "
    "may might must need manage happen"
)
_EASY = word_set(
    "ok okay fine possible trouble bother much convenient cool easy alright right hard late no not possible allowed "
    "works suits helps difficult inconvenient doable problem hassle busy asking mistaken wrong honest remember free"
)
_MODAL = word_set("can could would will please pls plz kindly")
_HALTS = word_set(
    "don't dont never stop wait hold cancel nevermind forget kidding joking joke scratch ignore not no nope later "
    "undo yet until before tomorrow unless"
)
_PUTS_OFF = word_set("yet wait later until tomorrow cancel undo kidding joking joke nevermind")
_HARMLESS = word_set(
    "laugh judge ask worry panic cry hate shoot mind blame freak drunk urgent rush hurry sure good native disturbing "
    "funny mad angry stress worries idea clue joke pain bother important great best english amused happy"
)
_FEELING = word_set(
    "hope hoping hopefully guess thought wish sorry thanks thank promise swear asking wondering preparing feeling been "
    "would gotta trying apologies bless love loving hate cheers"
)
_KEEPS = word_set("is are 's keeps keep kept was were been started starts")
_NAGGING = word_set(
    "nagging pestering bugging chasing hassling pushing shouting yelling screaming calling ringing asking begging "
    "pressing waiting bothering hounding harassing killing driving complaining moaning whining grumbling nervous mad "
    "angry furious impatient hovering breathing"
)
_EXCLAIMS = word_set("what such how")
_CORRECTING = (("i", "mean"), ("i", "meant"), ("or", "rather"), ("no", "sorry"))
_BUSY = (("need", "to"), ("have", "to"), ("want", "to"), ("got", "to"), ("trying", "to"), ("going", "to"),
         ("about", "to"), ("like", "to"), ("had", "to"))  # fmt: skip
_BUSY_WORDS = word_set("gotta wanna must gonna")
_OUGHT = word_set("know see have get find show list check export tell count compare understand learn view be look")
_DOING_GOOD = word_set("'d would will 'll makes make helps saves")
_POINTERS = word_set("it its that this them those these him her there")
_CODES = word_set("ip mac uuid request job")
_TELLS = word_set(
    "called asked told wrote pinged mailed emailed messaged phoned rang contacted reminded texted begged woke bugged "
    "nagged chased approached visited drove made sent gave got"
)
_TAILS = word_set("text item")
_OWN = word_set("item domain query")
_TIMES = word_set("since until time")
MOST = 9  # pieces of one message


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens [start:end]. `idle`: no part of any request; `asks`: it asks or orders in so many words; `says`: it is
    more than a name; `halts`: it may deny or put off what the others ask for.
    """

    start: int
    end: int
    idle: bool
    asks: bool
    says: bool
    halts: bool


def pieces_of(scene: "Scene", moods: "Words") -> list[Piece]:
    """The pieces in order; empty where there is only one, or far too many."""
    ranges = list(_ranges(scene))
    if not 1 < len(ranges) <= MOST:
        return []
    found: list[Piece] = []
    for start, end in ranges:
        idle = _is_idle(scene, moods, start, end)
        if idle and found and not found[-1].idle:
            idle = not _adds_a_value(scene, start, end)
        if scene.folds[start : start + 2] in _CORRECTING and end - start > 2:
            start += 2
            idle = False
            found = [replace(one, idle=one.idle or not is_ours(scene, one.start, one.end)) for one in found]
        depends = not idle and scene.folds[start] in _TEMPER and not bids(scene, start, end)
        asks, says = asks_or_orders(scene, start, end), _says_more_than_a_name(scene, start, end)
        found.append(Piece(start, end, idle, asks, says, depends or _halts(scene, start, end)))
    return found


def _adds_a_value(scene: "Scene", start: int, end: int) -> bool:
    """ "…, first 5", "… and keep 14 of them", "…, taken yesterday": told by nobody of himself."""
    if _SPEAKER & set(scene.folds[start:end]) or end - start > 6:
        return False
    if any(start <= mention.start < end for mention in scene.mentions_of("FOREIGN")):
        return False
    starts = {*(amount.start for amount in scene.amounts), *(span.start for span in scene.spans)}
    return any(start <= at < end for at in starts)


def _says_more_than_a_name(scene: "Scene", start: int, end: int) -> bool:
    return any(
        start <= m.start < end and m.senses and not m.filler and not scene.named[m.start] for m in scene.mentions
    ) or bool(ASKING & set(scene.folds[start:end]))


def lives_on_idle(reading: "Reading", scene: "Scene", pieces: Sequence[Piece]) -> str:
    """Did a word of an idle piece, that no other piece says too, become part of what was understood: "ahead", "behind"?

    Behind the request a value or a free text may stand: there only what the words mean counts.
    """
    first = next((at for at, piece in enumerate(pieces) if not piece.idle), 0)
    kept, ahead, behind = (
        " ".join(scene.text[scene.tokens[p.start].start : scene.tokens[p.end - 1].end] for p in some)
        for some in ([p for p in pieces if not p.idle], pieces[:first], [p for p in pieces[first:] if p.idle])
    )
    if ahead and any(str(reading.slots.get(slot, "")) in scene.text for slot in _TAILS & reading.slots.keys()):
        return "ahead"  # what is told before a request is no remark to it
    used = [e for e in reading.evidence if e.words not in kept and not e.meant.startswith("unused")]
    if any(found.words in ahead and found.meant not in _TIMES for found in used):
        return "ahead"
    if {"text", "value"} & reading.slots.keys():
        return ""
    meant = any(found.words in behind and (found.meant.isupper() or found.meant in _OWN | _TIMES) for found in used)
    return "behind" if meant else ""


def speaks_of_another_world(scene: "Scene", pieces: Sequence[Piece]) -> bool:
    """Is it about offices and parties, where nothing of ours is named: "the garage is full, when do we get space"?"""
    foreign = any(
        piece.start <= mention.start < piece.end and not _SPEAKER & set(scene.folds[piece.start : piece.end])
        for mention in scene.mentions_of("FOREIGN")
        for piece in pieces
        if piece.idle
    )
    return foreign and not any(is_named(scene, piece.start, piece.end) for piece in pieces if not piece.idle)


def text_of(scene: "Scene", pieces: Sequence[Piece]) -> str:
    """The pieces as they stood, with what stood between neighbours, and the mark behind the last."""
    parts: list[str] = []
    for at, piece in enumerate(pieces):
        start, last = scene.tokens[piece.start].start, scene.tokens[piece.end - 1].end
        if at and pieces[at - 1].end >= piece.start - 2:
            start = scene.tokens[pieces[at - 1].end - 1].end
        elif at:
            parts.append(", ")
        if not at and scene.folds[piece.start] in _REASON | _HENCE and piece.end - piece.start > 1:
            start = scene.tokens[piece.start + 1].start
        parts.append(scene.text[start:last])
    behind = scene.folds[pieces[-1].end :]
    asked = behind[:1] == ("?",) or (behind[-1:] == ("?",) and "or" not in behind[:2] and not _is_tag(behind))
    return "".join(parts).strip() + ("?" if asked else "")


def _is_tag(behind: Sequence[str]) -> bool:
    """ "…, ok?", "…, right?"."""
    return any(word in _MARKS for word in behind[-4:-1])


def _ranges(scene: "Scene") -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start = 0
    verbs = {m.start for m in scene.mentions if any(s.form == "base" for s in m.senses[: m.own])}
    for at, word in enumerate(scene.folds):
        if scene.named[at] or scene.tokens[at].kind == "quoted":
            continue
        mark = word in _MARKS and scene.tokens[at].kind == "mark"
        if mark or (at > start and _changes_subject(scene, start, at, verbs)):
            if at > start:
                found.append((start, at))
            start = at + 1 if mark else at
    if start < len(scene.folds):
        found.append((start, len(scene.folds)))
    return found


def _changes_subject(scene: "Scene", start: int, at: int, verbs: set[int]) -> bool:
    """ "… so put", "… because my boss", "… if you have a minute", "… or do I hide"."""
    word, after = scene.folds[at], scene.folds[at + 1] if at + 1 < len(scene.folds) else ""
    if word in _REASON and after in _SPEAKER:
        return word != "and" or at - start > 2
    if word in _HENCE and (after in _MODAL or at + 1 in verbs or after in ASKING):
        return word != "and" or after not in ASKING
    if word in _TEMPER and after in _COURTEOUS:
        return True
    return word == "or" and after in {"do", "should", "shall", "can", "will", "is", "am"}


def _halts(scene: "Scene", start: int, end: int) -> bool:
    """ "don't", "no, wait", "not yet": not "I never get my lunch", "don't laugh", "if that's not too much to ask"."""
    words = [word for word in scene.folds[start:end] if word not in _REASON]
    if not _HALTS & set(scene.folds[start:end]) or _HARMLESS & set(words) or scene.folds[start] in _TEMPER:
        return False
    return bool(_PUTS_OFF & set(words)) or not words or words[0] not in _SPEAKER


def _is_idle(scene: "Scene", moods: "Words", start: int, end: int) -> bool:
    first = next((i for i in range(start, end) if scene.folds[i] not in moods.single["polite"] | _HENCE | {"or"}), end)
    words = scene.folds[first:end]
    if not words or _nags(words) or (_feels(scene, words, first) and not asks_or_orders(scene, start, end)):
        return True
    if _is_busy(scene, words, first):
        return True
    if is_ours(scene, start, end):
        return False
    if words[0] in {"that'd", "it'd", "that'll", "it'll"} or (
        words[0] in {"that", "it", "this"} and words[1:2] and words[1] in _DOING_GOOD
    ):
        return True  # "that'd make me very happy"
    if words[0] == "got" and words[1:2] and words[1] in {"a", "an", "the", "my", "some"}:
        return True  # "got a salesman here"
    if scene.folds[start] == "or" and words[0] in moods.single["auxiliaries"]:
        return True  # "or do I hide under the desk"
    if words[0] in _TEMPER:
        return _is_courteous(words[1:]) and not bids(scene, start, end)
    if words[0] in _REASON:
        return says_nothing(scene, first, end) or speaks_of_people(scene, moods, first + 1, end)
    if words[0] in _EXCLAIMS and words[1:2] and words[1] in {"a", "an"}:
        return True
    if words[0] in moods.single["pronouns"] | moods.single["contracted"] | _FEELING and not _wishes(words):
        return True
    if words[0] in ASKING | moods.single["auxiliaries"] | moods.single["imperatives"] | _MODAL:
        return says_nothing(scene, first, end) and words[0] in moods.single["auxiliaries"]
    if any(m.start == first and m.end - first > 1 and m.senses and not m.filler for m in scene.mentions):
        return False  # "my permissions"
    if speaks_of_people(scene, moods, first, end) and not _wishes(words):
        return True
    if any(start <= mention.start < end for mention in scene.mentions_of("FOREIGN")):
        return not asks_or_orders(scene, start, end)
    return says_nothing(scene, start, end)


def _is_busy(scene: "Scene", words: Sequence[str], first: int) -> bool:
    """ "need to ring the owners", "we have to tell the customer", "wanna look good": what somebody is about to do."""
    at = 1 if words[0] in {"i", "we", "i'm", "we're", "i've", "we've"} else 0
    verb = (
        at + 2
        if tuple(words[at : at + 2]) in _BUSY
        else at + 1
        if words[at : at + 1] and words[at] in _BUSY_WORDS
        else 0
    )
    if not verb or verb >= len(words) or any(scene.named[first : first + len(words)]):
        return False
    look = words[verb] == "look" and words[verb + 1 : verb + 2] != ("at",)
    ours = any(m.start == first + verb and any(s.form == "base" for s in m.senses) for m in scene.mentions)
    return look or (words[verb] not in _OUGHT and not ours)


def bids(scene: "Scene", start: int, end: int) -> bool:
    """ "so if you could delete that snapshot, please": an order put as a condition."""
    at = next((i for i in range(start, end) if scene.folds[i] == "if"), -1)
    if at < 0 or scene.folds[at + 1 : at + 3] not in (("you", "could"), ("you", "can"), ("you", "would")):
        return False
    rest = range(at + 3, min(at + 6, end))
    return any(m.start in rest and any(s.form == "base" for s in m.senses[: m.own]) for m in scene.mentions)


def points_elsewhere(scene: "Scene", pieces: Sequence[Piece]) -> bool:
    """Does what is asked or ordered point to a thing that another piece names?"""
    return any(_points(scene, piece) and _objects(scene, 0, piece.start) for piece in pieces[1:])


def named_again(scene: "Scene", pieces: Sequence[Piece]) -> tuple[str, str]:
    """The piece that points back, with the one name or code that stands before it in place of the pointer; that name.

    "Some bloke goes on about 10.20.1.7, which machine is that" -> "which machine is 10.20.1.7". Empty for none or two.
    """
    for piece in pieces[1:]:
        said = _objects(scene, 0, piece.start) if _points(scene, piece) else []
        at = next((i for i in range(piece.start, piece.end) if scene.folds[i] in _POINTERS), -1)
        if len(said) == 1 and at >= 0:
            name = scene.text[scene.tokens[said[0][0]].start : scene.tokens[said[0][1] - 1].end]
            text = text_of(scene, [piece])
            word = scene.tokens[at].text
            owned = f"{name}'s" if scene.folds[at] == "its" else name
            before, _, behind = re.split(rf"(\b{re.escape(word)}\b)", text, maxsplit=1)
            return before + owned + behind, name
    return "", ""


def _points(scene: "Scene", piece: Piece) -> bool:
    asks = not piece.idle and (piece.asks or bids(scene, piece.start, piece.end))
    return asks and bool(_POINTERS & set(scene.folds[piece.start : piece.end]))


def _objects(scene: "Scene", start: int, end: int) -> list[tuple[int, int]]:
    """Where the names and codes stand; one that is told twice counts once."""
    hits = [(h.start, h.end) for h in scene.hits if start <= h.start < end and h.sure]
    codes = [(i, i + 1) for i in range(start, end) if scene.tokens[i].kind in _CODES and not scene.named[i]]
    return list({" ".join(scene.folds[s:e]): (s, e) for s, e in (*hits, *codes)}.values())


def _feels(scene: "Scene", words: Sequence[str], first: int) -> bool:
    """ "that red dot drives me mad", "HR just called me about it": what happens to the one who writes."""
    at = next((i for i, word in enumerate(words) if i > 1 and word in {"me", "us"}), 0)
    if not at or at > 7:
        return False
    verb = words[at - 2] if words[at - 1] in {"at", "to", "on", "about", "for", "up", "out"} else words[at - 1]
    named = any(scene.named[first : first + len(words)])
    return verb in _TELLS if named else verb.endswith(("s", "ed", "ing")) or verb in _TELLS


def _nags(words: Sequence[str]) -> bool:
    """ "Finance is nagging me", "the project lead keeps asking": about people, whatever they are called."""
    there = next((at for at, word in enumerate(words[:7]) if word in _NAGGING), 0)
    return there > 1 and words[there - 1] in _KEEPS and (words[there + 1 : there + 2] in ((), ("me",), ("us",)))


def _is_courteous(words: Sequence[str]) -> bool:
    """ "if you have a minute", "whenever you've got a second", "if that's not too much to ask"."""
    if not words or len(words) > 9:
        return False
    if words[0] in {"you", "u", "ya"}:
        return len(words) > 1 and words[1] in _WILLING
    if words[0] in {"you've", "you're", "you'd", "possible", "time"}:
        return True
    return bool(_EASY & set(words[1:]))


def _wishes(words: Sequence[str]) -> bool:
    """ "i need", "we'd like", "i would love"."""
    return bool(word_set("need want like love require") & set(words[1:3]))
