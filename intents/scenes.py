"""A sentence taken apart: tokens, names, times, amounts, words with meaning, and the features that claims ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from intents.amounts import Amount, find_amounts
from intents.items import EDGES, item_run
from intents.lexicon import Lexicon, Mention, find_mentions
from intents.mood import Words, clause_moods
from intents.names import LONGEST, Names, span_text
from intents.readings import Mood, Name
from intents.times import Span, find_times
from intents.tokens import Token, clean, tokenize

# Kinds whose names are people or things that an ordinary word may name without being one.
_VALUE_KINDS = frozenset({"tag", "role", "event", "report", "policy", "wave", "cohort"})
_CODES = frozenset({"ip", "mac", "uuid", "request", "job", "channel", "clock"})
_PREPOSITIONS = frozenset(
    [
        "of",
        "for",
        "on",
        "from",
        "at",
        "to",
        "in",
        "into",
        "under",
        "off",
        "called",
        "named",
        "with",
        "about",
        "behind",
        "vm",
        "and",
        "is",
    ]
)
_AFTER_NAME = frozenset("in of on for to from with and by pls please plz last this since until is are was".split())
_WEIGHT_NAME = 1.6
_NAME_WORDS = frozenset(
    [
        "vm",
        "server",
        "machine",
        "host",
        "project",
        "tenant",
        "domain",
        "user",
        "network",
        "volume",
        "instance",
        "box",
        "customer",
    ]
)


@dataclass(frozen=True, slots=True)
class Hit:
    """Names found at tokens [start:end]. `exact`: as spelt; `sure`: where a name must stand, or no ordinary word.

    `ordinary`: a word of the language that is neither quoted nor beside its noun.
    `open`: its words are read as words too ("snapshot quota forecast").
    """

    start: int
    end: int
    names: tuple[Name, ...]
    exact: bool = True
    sure: bool = True
    open: bool = False
    ordinary: bool = False

    def of(self, kind: str) -> tuple[Name, ...]:
        return tuple(name for name in self.names if name.kind == kind)


@dataclass(frozen=True)
class Scene:
    """What is known about a text before an intent is chosen."""

    text: str
    now: datetime
    tokens: tuple[Token, ...]
    hits: tuple[Hit, ...]
    spans: tuple[Span, ...]
    amounts: tuple[Amount, ...]
    mentions: tuple[Mention, ...]
    mood: Mood
    aside: frozenset[int]
    names: Names
    lexicon: Lexicon

    @cached_property
    def folds(self) -> tuple[str, ...]:
        return tuple(token.fold for token in self.tokens)

    def mentions_of(self, concept: str) -> tuple[Mention, ...]:
        return tuple(m for m in self.mentions if any(s.concept == concept for s in m.senses))

    def has(self, concept: str) -> bool:
        return concept in self.features

    @cached_property
    def named(self) -> tuple[bool, ...]:
        flags = [False] * len(self.tokens)
        for hit in self.hits:
            flags[hit.start : hit.end] = [True] * (hit.end - hit.start)
        return tuple(flags)

    @cached_property
    def unknown(self) -> tuple[int, ...]:
        """Content words that nothing explains."""
        covered = list(self.named)
        ranges = [(s.start, s.end) for s in self.spans] + [(a.start, a.end) for a in self.amounts]
        for start, end in ranges + [(m.start, m.end) for m in self.mentions]:
            covered[start:end] = [True] * (end - start)
        return tuple(
            at
            for at, token in enumerate(self.tokens)
            if not covered[at]
            and (token.kind == "word" or token.kind == "quoted")
            and token.fold not in self.lexicon.fillers
        )

    @cached_property
    def strangers(self) -> int:
        """How many unknown words stand in the request itself."""
        return sum(at not in self.aside for at in self.unknown)

    @cached_property
    def namelike(self) -> tuple[int, ...]:
        """Unknown tokens that look like a name: quoted, or with digits, dashes, dots, underscores."""
        return tuple(
            at
            for at in self.unknown
            if self.tokens[at].kind == "quoted" or any(c.isdigit() or c in "-_." for c in self.tokens[at].text)
        )

    @cached_property
    def tail(self) -> int:
        """Where free text may begin: behind the first colon, comma, dash or "because" that follows something."""
        for at, token in enumerate(self.tokens):
            if at and token.fold in {":", ",", "-", "--", "because", "reason", "saying", "since", "that", "."}:
                return at
        return len(self.tokens)

    @cached_property
    def anchored(self) -> bool:
        """Does anything in it belong to our world: a sure name, an id, a noun of the inventory; and nothing foreign?"""
        if self.mentions_of("FOREIGN") or self.strangers > 3:
            return False
        ids = any(token.kind in {"request", "job", "uuid", "mac", "ip"} for token in self.tokens)
        nouns = any(s.concept.startswith("k:") for m in self.mentions for s in m.senses)
        return ids or nouns or any(hit.sure for hit in self.hits)

    def beside(self, mention: Mention) -> bool:
        """Is it only the noun of a name ("host compute-01")?"""
        kinds = {sense.value for sense in mention.senses if sense.concept.startswith("k:")}
        return any(
            (hit.start == mention.end or hit.end == mention.start) and any(name.kind in kinds for name in hit.names)
            for hit in self.hits
        )

    @cached_property
    def asks(self) -> bool:
        return self.mood == "question"

    @cached_property
    def features(self) -> Mapping[str, float]:
        """Feature -> weight. See the head of claims.txt for the names."""
        found: dict[str, float] = {}
        for mention in self.mentions:
            for sense in mention.senses:
                found[sense.concept] = max(found.get(sense.concept, 0.0), mention.weight)
                if sense.concept.startswith("k:") and not self.beside(mention):
                    found["k"] = max(found.get("k", 0.0), mention.weight)
        for hit in self.hits:
            for kind in {name.kind for name in hit.names}:
                found[f"@{kind}"] = _WEIGHT_NAME if hit.sure else 0.8
                if kind not in _VALUE_KINDS:
                    found["@"] = _WEIGHT_NAME if hit.sure else 0.8
        for token in self.tokens:
            if token.kind in _CODES:
                found[token.kind] = 2.0
        for amount in self.amounts:
            found["num" if amount.kind in {"number", "times"} else amount.kind] = 1.0
        found.update(_shape(self))
        return found


def build_scene(text: str, names: Names, lexicon: Lexicon, moods: Words, now: datetime) -> Scene:
    text = clean(text)
    tokens = tokenize(text)
    hits = _find_hits(text, tokens, names, lexicon)
    taken = [token.kind in _CODES for token in tokens]
    for hit in hits:
        if hit.sure and not hit.open:
            taken[hit.start : hit.end] = [True] * (hit.end - hit.start)
    spans = tuple(
        s
        for s in find_times(tokens, now)
        if not any(taken[i] and tokens[i].kind != "clock" for i in range(s.start, s.end))
    )
    blocked = list(taken)
    for span in spans:
        blocked[span.start : span.end] = [True] * (span.end - span.start)
    amounts = tuple(a for a in find_amounts(tokens) if not any(blocked[a.start : a.end]))
    mentions = tuple(find_mentions(lexicon, tokens, taken))
    mood, aside = _mood(moods, text, tokens, hits, mentions)
    return Scene(text, now, tokens, hits, spans, amounts, mentions, mood, aside, names, lexicon)


def _mood(moods: Words, text: str, tokens: tuple[Token, ...], hits: Sequence[Hit], mentions: Sequence[Mention]
) -> tuple[Mood, frozenset[int]]:
    """The mood, and the tokens that only tell something beside a request ("..., we dont need it any more")."""
    people = {at for hit in hits if hit.of("user") or hit.of("owner") for at in range(hit.start, hit.end)}
    forms: dict[int, str] = {}
    for mention in mentions:
        said = [sense.form for sense in mention.senses if sense.form]
        if said and tokens[mention.end : mention.end + 1] and tokens[mention.end].fold == "of" and mention.tail < 0:
            continue  # "snapshot of": the noun
        if said:
            forms[mention.start] = "base" if "base" in said else said[0]
    named = [False] * len(tokens)
    for hit in hits:
        named[hit.start : hit.end] = [True] * (hit.end - hit.start)
    cut = _note_start(tokens, mentions)
    fixed = {m.start: m.repaired for m in mentions if m.repaired and " " not in m.repaired and m.end == m.start + 1}
    tokens = tuple(replace(t, fold=fixed[at]) if at in fixed else t for at, t in enumerate(tokens))
    mood, clauses = clause_moods(moods, text, tokens[:cut], named[:cut], people.__contains__, lambda at: forms.get(at, ""))
    beside = {at for start, end, kind in clauses if kind in {"report", "other"} for at in range(start, end)}
    return mood, frozenset(beside) if mood in {"command", "question"} else frozenset()


def _note_start(tokens: Sequence[Token], mentions: Sequence[Mention]) -> int:
    """Where the text of a note begins: it has its own mood, which is not ours."""
    notes = [m.start for m in mentions if any(s.concept == "NOTE" for s in m.senses)]
    if notes:
        for at in range(notes[0] + 1, len(tokens)):
            if tokens[at].fold in {":", "-", "--", "saying", "that", "says"} or tokens[at].kind == "quoted":
                return at
    return len(tokens)


def _find_hits(text: str, tokens: Sequence[Token], names: Names, lexicon: Lexicon) -> tuple[Hit, ...]:
    found: list[Hit] = []
    at = 0
    while at < len(tokens):
        hit = _hit_at(text, tokens, at, names, lexicon)
        if hit:
            found.append(hit)
        at = hit.end if hit else at + 1
    return tuple(found)


def _hit_at(text: str, tokens: Sequence[Token], at: int, names: Names, lexicon: Lexicon) -> Hit | None:
    """Exact names of several words, names of runbooks by their words, exact single words, loose spellings."""
    longest = min(LONGEST, len(tokens) - at)
    for size in range(longest, 1, -1):
        said = span_text(text, tokens, at, at + size)
        if said and (entries := names.at(said)):
            return Hit(at, at + size, entries)
    if worded := _worded(tokens, at, names, lexicon):
        return worded
    if tokens[at].kind in {"mark", "request", "job", "channel", "clock"}:
        return None
    for size in range(min(4, longest), 1, -1):
        said = span_text(text, tokens, at, at + size)
        if len(said) >= 4 and not _phrase_known(lexicon, said) and (entries := names.like(said)):
            words = all(lexicon.knows(token.fold) for token in tokens[at : at + size])
            return Hit(at, at + size, entries, False, not words, words)
    if entries := tuple(name for name in names.at(tokens[at].fold) if name.kind != "event"):
        if all(name.kind in {"tag", "role"} for name in entries):
            return Hit(at, at + 1, entries, open=True)
        plain = _is_ordinary(tokens, at, lexicon)
        return Hit(at, at + 1, entries, True, _is_sure(tokens, at, at + 1, lexicon), False, plain)
    said = tokens[at].fold
    if len(said) >= 4 and not lexicon.knows(said) and (entries := names.like(said)):
        return Hit(at, at + 1, entries, False)
    return None


def _phrase_known(lexicon: Lexicon, said: str) -> bool:
    words = tuple(said.split())
    return any(phrase.words == words for phrase in lexicon.phrases.get(words[0], ()))


def _is_ordinary(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> bool:
    """An ordinary word that is neither quoted nor beside its noun: never enough for a write."""
    beside = {tokens[there].fold for there in (at - 1, at + 1) if 0 <= there < len(tokens)}
    return tokens[at].kind != "quoted" and lexicon.knows(tokens[at].fold) and not beside & _NAME_WORDS


def _is_sure(tokens: Sequence[Token], start: int, end: int, lexicon: Lexicon) -> bool:
    """A name that is an ordinary word too counts when quoted, beside its noun, or where only a name can stand."""
    word = tokens[start].fold
    if tokens[start].kind == "quoted" or not lexicon.knows(word):
        return True
    before = tokens[start - 1].fold if start else ""
    after = tokens[end].fold if end < len(tokens) else ""
    if before in _NAME_WORDS or after in _NAME_WORDS:
        return True
    if _in_phrase(tokens, start, lexicon):
        return False
    last = end >= len(tokens) or tokens[end].kind == "mark" or after in _AFTER_NAME
    return before in _PREPOSITIONS and last


def _in_phrase(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> bool:
    """Is the word part of a longer phrase of the lexicon ("back into service")?"""
    folds = [token.fold for token in tokens]
    for start in range(max(0, at - 3), at + 1):
        for phrase in lexicon.phrases.get(folds[start], ()):
            size = len(phrase.words)
            if size > 1 and start + size > at and tuple(folds[start : start + size]) == phrase.words:
                return True
    return False


def _worded(tokens: Sequence[Token], at: int, names: Names, lexicon: Lexicon) -> Hit | None:
    """Names of runbooks and reports by two or more of their words, in order: "orphan cleanup"."""
    for size in (5, 4, 3, 2):
        if at + size > len(tokens):
            continue
        if _phrase_known(lexicon, " ".join(token.fold for token in tokens[at : at + size])):
            continue
        words = [token.fold.rstrip("s") if len(token.fold) > 4 else token.fold for token in tokens[at : at + size]]
        found = [name for parts, name in names.worded if _in_order(words, parts, name.name.lower())]
        if found:
            best = min(len(name.name.split("_")) for name in found)
            closest = tuple(name for name in found if len(name.name.split("_")) == best)
            return Hit(at, at + size, closest, False, True, True)
    return None


def _in_order(words: Sequence[str], parts: frozenset[str], name: str) -> bool:
    place = 0
    for word in words:
        if len(word) < 2:
            return False
        place = name.find(word, place)
        if place < 0 or (place and name[place - 1] not in "_ -"):
            return False
        place += len(word)
        if place < len(name) and name[place] not in "_ -s":
            return False
    return len(words) >= 2


def _shape(scene: Scene) -> dict[str, float]:
    """Features that come from how the parts stand to each other."""
    found: dict[str, float] = {}
    if scene.spans:
        found["time"] = 1.0
    if scene.asks:
        found["q"] = 0.3
    if scene.mood == "command":
        found["cmd"] = 0.1
    if any(token.kind == "quoted" for token in scene.tokens):
        found["quoted"] = 1.0
    if scene.namelike:
        found["unknown"] = 1.0
    if len(scene.unknown) in {1, 2}:
        found["UNKNOWNWORD"] = 0.3
    solid = [m for m in scene.mentions if not m.filler]
    if len(solid) + len(scene.hits) <= 2 and not scene.unknown:
        found["BARE"] = 0.3
    rest = [m for m in scene.mentions if not scene.beside(m) and m.senses and not scene.named[m.start]]
    if scene.hits and not scene.unknown and not rest and not scene.spans:
        found["NAMEONLY"] = 1.0
    if scene.mood == "negated":
        found["neg"] = 0.5
    _kinds_shape(scene, found)
    if len([hit for hit in scene.hits if hit.of("vm")]) > 1:
        found["TWOVMS"] = 1.0
    if not scene.mentions_of("FOREIGN") and _why_bare(scene):
        found["WHYBARE"] = 1.0
    if {"bot", "stackhand", "you", "yourself"} & set(scene.folds):
        found["SELFBOT"] = 0.5
    if (
        any(f in {":", "=", "->", "=>"} for f in scene.folds)
        or scene.namelike
        or any(t.kind in {"ip", "quoted"} for t in scene.tokens)
    ):
        found["VALUE"] = 0.5
    waves = {at for hit in scene.hits if hit.of("wave") for at in range(hit.start, hit.end)}
    if waves and item_run(scene.tokens, waves | {m.start for m in scene.mentions if m.repaired in EDGES}):
        found["ITEM"] = 0.5
    if "runs" in scene.folds:
        found["RUNS"] = 0.5
    if "called" in scene.folds or "named" in scene.folds or "call" in scene.folds:
        found["CALLED"] = 0.5
    return found


def _why_bare(scene: Scene) -> bool:
    words = [f for f in scene.folds if f.isalpha()]
    return words in (
        ["why"],
        ["why", "so"],
        ["how", "so"],
        ["but", "why"],
        ["how", "come"],
        ["and", "why"],
        ["why", "that"],
        ["why", "is", "that"],
    )


def _kinds_shape(scene: Scene, found: dict[str, float]) -> None:
    """ "vms per project", "which domain has how many users": two kinds, one broken down by the other."""
    words = scene.folds
    if len({s.value for m in scene.mentions for s in m.senses if s.concept.startswith("k:") and not scene.beside(m)}) > 2 and "," in words:
        found["OVERVIEW"] = found["MANYKINDS"] = 2.0
    kinds = [m for m in scene.mentions if any(s.concept.startswith("k:") for s in m.senses)]
    for mention in scene.mentions:
        if mention.start and any(
            s.concept.startswith("k:") or s.concept in {"os", "platform", "state"} or s.value == "os"
            for s in mention.senses
        ):
            before = words[mention.start - 1]
            before2 = words[mention.start - 2 : mention.start]
            if before in {"per", "by", "over", "across", "each", "every"} or tuple(before2) in {("for", "every"), ("in", "every"), ("on", "each"), ("of", "each"), 
                ("for", "each"),
                ("in", "each"),
                ("each", "of"),
            }:
                if len(kinds) > 1 or not any(s.concept.startswith("k:") for s in mention.senses):
                    found["PERKINDS"] = 1.5
    for at, word in enumerate(words[1:], 1):
        if word in {"os", "platform", "state", "status", "platforms", "states"} and words[at - 1] in {"per", "by", "over", "across", "each"}:
            found["PERKINDS"] = 1.5
    if len(kinds) == 2 and "how" in words and kinds[0].start < words.index("how") < kinds[1].start:
        found["PERKINDS"] = 1.5
