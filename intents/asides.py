"""What stands around a request and is not it: "Customer says web-01 hangs, please reboot it", "Acme asks which of …".

The request is given back as a colleague would have put it alone, with the name where "it" stood for one. It only ever
adds a reading: whoever uses it asks back before a change, for the rest of the message may speak against it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intents.statements import ASKING
from intents.tokens import word_set

if TYPE_CHECKING:
    from intents.hits import Hit
    from intents.lexicon import Mention
    from intents.mood import Words
    from intents.scenes import Scene

_TELLS_MORE = re.compile(
    r"(?:which|who|whom)\s+(?:the|nobody|no|we|i|they|it|he|she|you|is|was|were|did|does|has|had|made|means|caused|would|"
    r"will|should|could|can|everybody|everyone|all|our|my|their|of)\b|whose\b",
    re.IGNORECASE,
)
_ASIDES = re.compile(r"\s*(?:[:;,!.]\s+|\s-+\s|\bso that\b|\bbecause (?=(?:i|we|my|our)\b)|\bas i\b)\s*", re.IGNORECASE)
_CODES = frozenset({"ip", "mac", "uuid", "request", "job"})
_POINTING = frozenset({"it", "that", "this", "them", "those", "these", "they", "its", "their"})
_OPENING = word_set("please pls plz so then and now just kindly therefore thus hence also ok")
_FINITE = word_set(
    "is are was were has have had will would wants want needs need asks asked says say tells told gets got goes did "
    "does must should can cannot complains hangs runs called calls opened closes moved signed decided"
)
_AUXILIARIES = word_set("is are can could does do did has have will was were would may shall should")
_NO_THINGS = frozenset({"tag", "policy", "role", "event", "report", "runbook"})
_RELATIVE = word_set("which whose whom")
_SOME = word_set("all any every everything each")
_PLEASE = word_set("please pls plz kindly")
_MODAL = word_set("can may should must could shall")
_HENCE = word_set("so hence therefore thus")
_AND = word_set("and so hence therefore thus but")
_SUBORDINATE = word_set("before after since as while although though because now whereas")
_WOULD = (("would", "like"), ("would", "need"), ("would", "love"), ("would", "want"), ("would", "appreciate"))
_ASKED_OF_YOU = (("would", "you"), ("will", "you"), ("could", "you"), ("can", "you"), ("you", "can"), ("you", "may"))
_POINTS = re.compile(r"\b(it|its|that vm|this vm|that one|the vm|that machine|the machine)\b", re.IGNORECASE)
_THEIRS = re.compile(r"\b(their|they|them|his|her)\b", re.IGNORECASE)
_ASKS = re.compile(
    r"^(?P<who>(?:[\w.'-]+ ){1,6}?)(?:asks?|is asking|are asking|(?:wants?|needs?|would like) to (?:know|see)"
    r"|wonders?|(?P<wants>wants?|needs?|would like))(?: us| me)?(?: for| about)?\s+"
    r"(?P<rest>(?P<if>if|whether)\b.*|(?:the|all|which|what|how|when|who|where|why|drift|numbers)\b.*"
    r"|an? (?:[\w-]+ ){0,3}?"
    r"(?:list|overview|report|summary|export|count|forecast|status|update|estimate)\b.*)$",
    re.IGNORECASE | re.DOTALL,
)
_NOBODY = word_set("i we you please show list give tell find who what which how when where why can could would if")


def request_in(scene: "Scene", moods: "Words") -> str:
    """The request without what is told around it; empty where nothing of that kind stands there."""
    return _behind_statement(scene, moods) or _asked_for(scene)


def is_quoted(scene: "Scene", moods: "Words") -> bool:
    """ "mia wrote: reboot web-01", "step 3: ...": said by somebody else, or elsewhere."""
    at = scene.folds.index(":") if ":" in scene.folds else 0
    return bool(moods.single["told"] & set(scene.folds[:at]))


@dataclass(frozen=True, slots=True)
class Part:
    """A clause with an aside around it. `asks`: it asks or orders in so many words; `orders`: there is a verb of ours
    in it; `hangs`: it means nothing alone, for it points to a name in another part, or is about another world.
    """

    text: str
    asks: bool
    orders: bool
    hangs: bool


def parts_of(scene: "Scene") -> list[Part]:
    found: list[Part] = []
    codes = [at for at, token in enumerate(scene.tokens) if token.kind in _CODES]
    begin = 0
    for end, behind in [
        *((match.start(), match.end()) for match in _ASIDES.finditer(scene.text)),
        (len(scene.text),) * 2,
    ]:
        text = scene.text[begin:end]
        if len(text.split()) >= 2 and (not found or text[-1] == "?" or not _TELLS_MORE.match(text)):
            found.append(_part(scene, text, begin, end, codes))
        begin = behind
    return found


def _part(scene: "Scene", text: str, begin: int, end: int, codes: Sequence[int]) -> Part:
    inside = [at for at, token in enumerate(scene.tokens) if begin <= token.start < end]
    if not inside:
        return Part(text, asks=False, orders=False, hangs=True)
    first, last = inside[0], inside[-1] + 1
    mentions = [m for m in scene.mentions if first <= m.start < last]
    named = sum(first <= hit.start < last for hit in scene.hits) + sum(first <= at < last for at in codes)
    points = bool(_POINTING & set(scene.folds[first:last])) and named < len(scene.hits) + len(codes)
    foreign = any(s.concept == "FOREIGN" for m in mentions for s in m.senses)
    orders = any(s.form == "base" for m in mentions if not m.filler for s in m.senses)
    return Part(text, asks_or_orders(scene, first, last), orders, points or foreign)


def _behind_statement(scene: "Scene", moods: "Words") -> str:
    """ "web-01 hangs, please reboot it" -> "please reboot web-01"."""
    clauses = _with_wishes(scene, scene.parts)
    for at in range(1, min(len(clauses), 4)):
        start = clauses[at][0]
        if asks_or_orders(scene, *clauses[at]):
            before = range(start)
            if _is_told(scene, moods, start) or not all(_states(scene, moods, *one) for one in clauses[:at]):
                return ""
            return _named_again(scene, start, before)
    return ""


def _with_wishes(scene: "Scene", clauses: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The clauses, cut once more before "and would like to see …", "so I need …"."""
    found: list[tuple[int, int]] = []
    for start, end in clauses:
        verbs = {m.start for m in scene.mentions if any(s.form == "base" for s in m.senses)}
        at = next(
            (
                i
                for i in range(start + 2, end - 2)
                if scene.folds[i] in _AND and (_wishes(scene, i + 1) or (scene.folds[i] in _HENCE and i + 1 in verbs))
            ),
            None,
        )
        found += [(start, end)] if at is None else [(start, at), (at + 1, end)]
    return found


def _wishes(scene: "Scene", at: int) -> bool:
    return scene.folds[at : at + 2] in _WOULD or _wants(scene, at) or scene.folds[at : at + 2] in _ASKED_OF_YOU


def asks_or_orders(scene: "Scene", start: int, end: int) -> bool:
    at = next((i for i in range(start, end) if scene.folds[i] not in _OPENING), end)
    at += 3 if scene.folds[at : at + 3] == ("go", "ahead", "and") else 0
    if at >= end:
        return False
    word = scene.folds[at]
    ends = scene.folds[end] if end < len(scene.folds) else ""
    verb = any(m.start == at and any(s.form == "base" for s in m.senses) for m in scene.mentions)
    shows = word not in _SOME and any(
        m.start == at and any(s.concept in {"SHOW", "COUNT", "LIST"} for s in m.senses) for m in scene.mentions
    )
    polite = word in {"can", "could"} or scene.folds[at : at + 2] in _ASKED_OF_YOU or _wishes(scene, at)
    if (
        word in _RELATIVE
        and at
        and ends != "?"
        and not any(m.start in {at, at + 1} and _is_kind(m) for m in scene.mentions)
    ):
        return False  # "…, which nobody liked"
    polite = polite or bool(_PLEASE & set(scene.folds[at:]) and _MODAL & set(scene.folds[at:end]))
    return word in ASKING or verb or shows or (word in _AUXILIARIES and ends == "?") or polite


def _is_kind(mention: "Mention") -> bool:
    return any(sense.concept.startswith("k:") for sense in mention.senses)


def _wants(scene: "Scene", at: int) -> bool:
    """ "i would like to see", "we need", "i'd like"."""
    said = scene.folds[at : at + 3]
    if said[:1] in (("i'd",), ("we'd",)):
        return said[1:2] in (("like",), ("love",), ("need",))
    wanting = said[1:2] in (("need",), ("want",)) or said[1:] in _WOULD
    return said[:1] in (("i",), ("we",)) and wanting


def _states(scene: "Scene", moods: "Words", start: int, end: int) -> bool:
    """Is something told in it: a subject, then a verb that is no order? A heading before a colon counts too."""
    if asks_or_orders(scene, start, end):
        return False
    if scene.folds[end : end + 1] == (":",) and not any(scene.named[start:end]):
        return True
    first = next((at for at in range(start, end) if scene.folds[at] not in moods.single["polite"]), start)
    if scene.folds[first] in _SUBORDINATE | moods.single["pronouns"] | moods.single["contracted"]:
        return True
    return any(
        scene.folds[at] in _FINITE
        or scene.folds[at] in moods.single["past verbs"] | moods.single["talking"]
        or any(m.start == at and any(s.form in {"s", "past"} for s in m.senses) for m in scene.mentions)
        or (scene.folds[at].endswith("s") and at in scene.unknown)
        for at in range(start + 1, end)
    )


def _is_told(scene: "Scene", moods: "Words", start: int) -> bool:
    """ "mia wrote: reboot web-01": said by somebody else, to somebody else."""
    return scene.folds[start - 1] == ":" and bool(moods.single["told"] & set(scene.folds[:start]))


def _named_again(scene: "Scene", start: int, before: Sequence[int]) -> str:
    text = scene.text[scene.tokens[start].start :]
    own = any(hit.start >= start and hit.sure and not _describes(hit) for hit in scene.hits)
    if scene.folds[start : start + 2] in _WOULD:
        text = f"i {text}"
    points = _POINTS.search(text)
    if own or (not points and (_THEIRS.search(text) or scene.folds[start] not in ASKING)):
        return text if own or not _THEIRS.search(text) else ""
    said = [hit for hit in scene.hits if hit.start in before and hit.sure]
    codes = [at for at in before if scene.tokens[at].kind in {"request", "job"}]
    if not points and len(said) + len(codes) != 1:
        return text
    if len(said) + len(codes) != 1 or any(_describes(hit) for hit in said):
        return ""  # what else was said of it belongs to the request
    first, last = (said[0].start, said[0].end - 1) if said else (codes[0], codes[0])
    first = first if said and said[0].of("wave") else _with_noun(scene, first)
    name = scene.text[scene.tokens[first].start : scene.tokens[last].end]
    if not points:
        return f"{name}: {text}"  # "web-01 hangs again, who's the owner"
    return _POINTS.sub(lambda match: f"{name}'s" if match[1].lower() == "its" else name, text, count=1)


def _with_noun(scene: "Scene", at: int) -> int:
    """ "i know of the drift on web-01, ack it": what "it" is begins before the name."""
    if at < 2 or scene.folds[at - 1] not in {"of", "on", "for"}:
        return at
    return next((m.start for m in scene.mentions if m.end in {at - 1, at} and m.start < at - 1 and not m.filler), at)


def _describes(hit: "Hit") -> bool:
    """A tag or a policy is put on something; what that is, another clause may have told."""
    return all(name.kind in _NO_THINGS for name in hit.names)


def _asked_for(scene: "Scene") -> str:
    """ "Acme asks which of their vms are off" -> "which of acme's vms are off"."""
    match = _ASKS.match(scene.text)
    if match is None or _NOBODY & set(match["who"].lower().split()):
        return ""
    rest = match["rest"]
    if match["if"]:
        rest = "check whether" + rest[len(match["if"]) :]
    who = match["who"].strip()
    whose = next((hit for hit in scene.hits if hit.sure and hit.end <= len(who.split())), None)
    if whose is not None:
        name = scene.text[scene.tokens[whose.start].start : scene.tokens[whose.end - 1].end]
        rest = _THEIRS.sub(lambda found: name if found[1].lower() in {"they", "them"} else f"{name}'s", rest, count=1)
    return rest
