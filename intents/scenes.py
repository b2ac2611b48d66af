"""A sentence taken apart: tokens, names, times, amounts, words with meaning, and the features that claims ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from intents.amounts import Amount, find_amounts
from intents.hits import Hit, add_worded, find_hits
from intents.lexicon import Lexicon, Mention, find_mentions
from intents.mood import Words, clause_moods, split_clauses
from intents.names import Names
from intents.readings import Mood
from intents.repairs import misspelt_names, repair_words
from intents.shapes import shape
from intents.times import Span, find_times
from intents.tokens import Token, clean, fold, tokenize, word_set

# Kinds whose names are people or things that an ordinary word may name without being one.
_VALUE_KINDS = frozenset({"tag", "role", "event", "report", "policy", "wave", "cohort"})
ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})  # addresses that mean the whole world
_CODES = frozenset({"ip", "mac", "uuid", "request", "job", "channel", "clock"})
_WEIGHT_NAME = 1.6
_AS_LIKELY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Scene:
    """What is known about a text before an intent is chosen.

    `respelt`: a courtesy around it was misspelt. `spellings`: a misspelt word -> what else it may have meant.
    `clauses`: (start, end, mood) of each. `shortened`: small talk was left out of it.
    """

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
    respelt: bool = False
    spellings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    clauses: tuple[tuple[int, int, str], ...] = ()
    shortened: bool = False

    @cached_property
    def folds(self) -> tuple[str, ...]:
        return tuple(token.fold for token in self.tokens)

    def as_meant(self, start: int, end: int) -> str:
        """The text of tokens [start:end], with misspelt words as they were meant."""
        found, last = [], self.tokens[start].start
        for token in self.tokens[start:end]:
            if token.kind == "word" and token.fold != fold(token.text):
                found += [self.text[last : token.start], token.fold]
                last = token.end
        found.append(self.text[last : self.tokens[end - 1].end])
        return "".join(found)

    @cached_property
    def meant(self) -> str:
        """The whole text, with misspelt words as they were meant."""
        return self.as_meant(0, len(self.tokens)) if self.tokens else self.text

    def mentions_of(self, concept: str) -> tuple[Mention, ...]:
        return tuple(self.mentions[at] for at in self.by_concept.get(concept, ()))

    @cached_property
    def by_concept(self) -> Mapping[str, Sequence[int]]:
        """Meaning -> the mentions that have it."""
        found: dict[str, list[int]] = {}
        for at, mention in enumerate(self.mentions):
            for concept in {sense.concept for sense in mention.senses}:
                found.setdefault(concept, []).append(at)
        return found

    def has(self, concept: str) -> bool:
        return concept in self.features

    @cached_property
    def named(self) -> tuple[bool, ...]:
        flags = [False] * len(self.tokens)
        for hit in self.hits:
            flags[hit.start : hit.end] = [True] * (hit.end - hit.start)
        return tuple(flags)

    @cached_property
    def parts(self) -> list[tuple[int, int]]:
        """The clauses, with those of a note."""
        return split_clauses(self.tokens, self.named)

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
        nouns = any(concept.startswith("k:") for concept in self.by_concept)
        return ids or nouns or any(hit.sure for hit in self.hits)

    def beside(self, mention: Mention) -> bool:
        """Is it only the noun of a name ("host compute-01")?"""
        return (mention.start, mention.end) in self._nouns

    @cached_property
    def _nouns(self) -> frozenset[tuple[int, int]]:
        """Where the noun of a name stands before or behind it."""
        edges: dict[int, set[str]] = {}
        for hit in self.hits:
            for edge in (hit.start, -hit.end):
                edges.setdefault(edge, set()).update(name.kind for name in hit.names)
        return frozenset(
            (m.start, m.end)
            for m in (self.mentions if edges else ())
            for s in m.senses
            if s.concept.startswith("k:")
            and (s.value in edges.get(m.end, ()) or (m.start and s.value in edges.get(-m.start, ())))
        )

    @cached_property
    def asks(self) -> bool:
        return self.mood == "question"

    @cached_property
    def afterthought(self) -> frozenset[int]:
        """What is only told behind the request: "…, it goes to the customer". Told before it, it may belong to it."""
        if not self.aside:
            return self.aside
        first = next((at for at in range(len(self.tokens)) if at not in self.aside), 0)
        return frozenset(at for at in self.aside if at > first)

    @cached_property
    def features(self) -> Mapping[str, float]:
        """Feature -> weight. See the head of claims.txt for the names."""
        found: dict[str, float] = {}
        for mention in self.mentions:
            if mention.start in self.afterthought:
                continue  # "…, it goes to the customer"
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
            if token.kind == "ip" and token.fold in ANYWHERE:
                found["OPEN"] = 2.2
            elif token.kind in _CODES:
                found[token.kind] = 2.0
        for amount in self.amounts:
            found["num" if amount.kind in {"number", "times"} else amount.kind] = 1.0
        found.update(shape(self))
        return found


def build_scene(
    text: str, names: Names, lexicon: Lexicon, moods: Words, now: datetime, spelling: Mapping[str, str] = _AS_LIKELY
) -> Scene:
    """`spelling`: a misspelt word -> the word to read it as, instead of the likeliest; "" to leave it as it is."""
    text, respelt = moods.courtesies.plain(clean(text), lexicon.base, names, lexicon.vocabulary)
    tokens = tokenize(text)
    hits = find_hits(text, tokens, names, lexicon)
    tokens, hits, repaired, spellings = _respell(tokens, hits, names, lexicon, moods, spelling)
    taken = _taken(tokens, hits)
    spans = tuple(
        s
        for s in find_times(tokens, now)
        if not any(taken[i] and tokens[i].kind != "clock" for i in range(s.start, s.end))
    )
    blocked = list(taken)
    for at in _called(tokens):
        taken[at] = True
    for span in spans:
        blocked[span.start : span.end] = [True] * (span.end - span.start)
    amounts = tuple(a for a in find_amounts(tokens) if not any(blocked[a.start : a.end]))
    mentions = tuple(find_mentions(lexicon, tokens, taken, repaired))
    mood, aside, clauses = _mood(moods, text, tokens, hits, mentions)
    return Scene(
        text, now, tokens, hits, spans, amounts, mentions, mood, aside, names, lexicon, respelt, spellings,
        tuple(clauses),
    )  # fmt: skip


def _respell(
    tokens: tuple[Token, ...],
    hits: tuple[Hit, ...],
    names: Names,
    lexicon: Lexicon,
    moods: Words,
    spelling: Mapping[str, str],
) -> tuple[tuple[Token, ...], tuple[Hit, ...], Mapping[int, str], Mapping[str, Sequence[str]]]:
    """The tokens read as they were meant, the names in them, which were repaired, and what else they may have meant."""
    slips = misspelt_names(tokens, names, lexicon)
    within = {at for hit, _, _ in slips for at in range(hit.start, hit.end)}
    if slips:
        kept = [hit for hit in hits if not within & set(range(hit.start, hit.end))]
        hits = tuple(sorted((*kept, *(hit for hit, _, _ in slips)), key=lambda hit: hit.start))
    named = _taken(tokens, hits)
    for hit in hits:
        if hit.end - hit.start == 1:  # words of longer names may be words of ours, with errors
            named[hit.start] = True
    options = repair_words(lexicon, tokens, named, names.words, moods.known)
    repaired = {at: spelling.get(tokens[at].fold, words[0]) for at, words in options.items() if at not in within}
    repaired = {at: word for at, word in repaired.items() if word}
    meant = {**repaired, **{at: word for _, at, word in slips}}
    if meant:
        spellings = {tokens[at].fold: words for at, words in options.items()}
        tokens = tuple(replace(t, fold=meant[at]) if at in meant else t for at, t in enumerate(tokens))
        return tokens, add_worded(hits, tokens, names, lexicon, repaired), repaired, spellings
    return tokens, hits, repaired, {}


_GREETINGS = word_set("hi hey hello ok okay so well yo dear please pls thanks thx and but hm no yes good "
                      "morning then now")  # fmt: skip
_OF_THE_BOT = word_set("status health ok okay alive state is self running up working 's selfcheck itself "
                       "online well of")  # fmt: skip
_GIVING = word_set("for with from to by , : ; . ! ? it that this then")


def _called(tokens: Sequence[Token]) -> list[int]:
    """Words that only call the bot or clear the throat: "ok so ...", "hi stackhand ...", "... bot"."""
    found: list[int] = []
    folds = [token.fold for token in tokens]
    for at, word in enumerate(folds[:-1]):
        if word in {"ok", "okay"} and not at and folds[1] not in _GIVING and tokens[1].kind == "word":
            found.append(at)
        elif word in {"stackhand", "bot"} and folds[at + 1] not in _OF_THE_BOT:
            found.append(at)
            break
        elif word not in _GREETINGS:
            break
    last = len(folds) - 1
    if last > 1 and folds[last] in {"stackhand", "bot"} and folds[last - 1] not in _AN_OBJECT:
        found.append(last)
    return found


_AN_OBJECT = word_set("the of with by from via in to a this that our your good bad is are status about for on using")


def _taken(tokens: Sequence[Token], hits: Sequence[Hit]) -> list[bool]:
    """Tokens that are names or codes and no words."""
    taken = [token.kind in _CODES for token in tokens]
    for hit in hits:
        if hit.sure and not hit.open:
            taken[hit.start : hit.end] = [True] * (hit.end - hit.start)
    return taken


def _mood(
    moods: Words, text: str, tokens: tuple[Token, ...], hits: Sequence[Hit], mentions: Sequence[Mention]
) -> tuple[Mood, frozenset[int], Sequence[tuple[int, int, str]]]:
    """The mood, the tokens that only tell something beside a request ("..., we dont need it any more")."""
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
    if _addressed(tokens, people, hits, mentions):
        return "other", frozenset(), ()
    cut = _note_start(tokens, mentions)
    kinds = {m.start for m in mentions if any(s.concept.startswith("k:") for s in m.senses)}
    mood, clauses = clause_moods(
        moods, text, tokens[:cut], named[:cut], people.__contains__, lambda at: forms.get(at, ""), kinds.__contains__
    )
    beside = {at for start, end, kind in clauses if kind in {"report", "other"} for at in range(start, end)}
    return mood, frozenset(beside) if mood in {"command", "question"} else frozenset(), clauses


def _addressed(tokens: Sequence[Token], people: set[int], hits: Sequence[Hit], mentions: Sequence[Mention]) -> bool:
    """ "bob, can you look at it", "Priya, have you ...": said to somebody else."""
    if len(tokens) < 4 or tokens[0].kind != "word" or tokens[1].fold not in {",", ":"}:
        return False
    if tokens[0].fold in _GREETINGS | {"bot", "stackhand"}:
        return False
    known = any(m.start == 0 for m in mentions) or any(hit.start == 0 for hit in hits)
    you = bool({"you", "your", "u"} & {token.fold for token in tokens[2:7]})
    return you and (0 in people or (not known and tokens[0].text.isalpha()))


def _note_start(tokens: Sequence[Token], mentions: Sequence[Mention]) -> int:
    """Where the text of a note begins: it has its own mood, which is not ours."""
    notes = [m.start for m in mentions if any(s.concept == "NOTE" for s in m.senses)]
    if notes:
        for at in range(notes[0] + 1, len(tokens)):
            if tokens[at].fold in {":", "-", "--", "saying", "that", "says"} or tokens[at].kind == "quoted":
                return at
    return len(tokens)
