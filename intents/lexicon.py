"""Words to meanings: the lexicon file as a value, and the reading of tokens with it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from types import MappingProxyType

from intents.inflection import PARTICIPLES, Form, plural, verb_forms
from intents.phrases import Phrases, Sense, weigh
from intents.spelling import deletes, one_edit
from intents.tokens import Token

GAP = 6  # words between the parts of "turn ... off"
REPAIR_FROM = 5
_PARTICLES = frozenset({"on", "off", "up", "down", "out", "back", "away"})
_POSSESSIVE = re.compile(r"(?<=\w)'s\b")  # a token of its own
_PASSIVE = frozenset({"was", "were", "been", "got"})
_OWN_PARTICIPLES = frozenset({"run", "set", "put", "cut", "reset", "shut", "split"})
_CAUSING = frozenset({"want", "wants", "need", "needs", "like", "get", "gets"})


class LexiconError(ValueError):
    """A line of the lexicon cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Words that were recognised: tokens [start:end] (`tail` is the second part of a split verb)."""

    start: int
    end: int
    senses: tuple[Sense, ...]
    weight: float
    filler: bool = False
    repaired: str = ""
    tail: int = -1
    own: int = 99
    width: int = 0


@dataclass(frozen=True)
class Lexicon:
    """`phrases`: first word, or first two -> phrases, longest first; `split`: first word -> [(particle, senses)].

    `bases`: "restarting" -> "restart".
    """

    phrases: Phrases
    split: Mapping[str, Sequence[tuple[str, tuple[Sense, ...]]]]
    fillers: frozenset[str]
    foreign: frozenset[str]
    vocabulary: frozenset[str]
    ordinary: frozenset[str]
    runs: frozenset[str]
    bases: Mapping[str, str]
    plain: frozenset[str] = frozenset()
    trade: frozenset[str] = frozenset()

    @cached_property
    def terms(self) -> frozenset[str]:
        """Terms of the trade, with their plurals: words that hardly anybody uses of anything else."""
        return frozenset({*self.trade, *(plural(word) for word in self.trade)})

    @cached_property
    def apart(self) -> frozenset[str]:
        """Words that mean another world or nothing by themselves: no slip of the finger is read as one of them."""
        return self.plain | frozenset(word for word in self.foreign if not self.means(word))

    @cached_property
    def common(self) -> Mapping[str, int]:
        """How many phrases hold a word: of two words one edit away the more usual one is meant."""
        found = dict.fromkeys(self.fillers, 5)
        for words in self.phrases.senses:
            for word in words:
                found[word] = found.get(word, 0) + 1
        return found

    @cached_property
    def repairs(self) -> Mapping[str, Sequence[str]]:
        """A word with any one letter left out -> the words of the lexicon that it may be; made when first asked for."""
        found: dict[str, list[str]] = {}
        for word in sorted(self.vocabulary - self.apart):
            if len(word) >= REPAIR_FROM - 1 and word.isalpha():
                for key in (word, *deletes(word)):
                    found.setdefault(key, []).append(word)
        return found

    def knows(self, word: str) -> bool:
        return word in self.fillers or word in self.foreign or word in self.phrases

    def kinds_of(self, word: str) -> set[str]:
        """The kinds that a noun stands for: "server" is a vm."""
        return {s.value for p in self.phrases.get(word, ()) for s in p.senses if s.concept.startswith("k:")}

    def means(self, word: str) -> bool:
        """Has it a meaning of ours by itself, and not only a place in the language?"""
        return any(s.concept != "FOREIGN" for p in self.phrases.get(word, ()) for s in p.senses)

    def is_noun(self, word: str) -> bool:
        """Is it the noun of a kind: "snapshots", "network"?"""
        return bool(self.kinds_of(word))

    def base(self, word: str) -> str:
        """ "restarting" -> "restart", with an error in it too; "" where it is no verb of ours."""
        return self.bases.get(word) or self.bases.get(self.repair(word), "")

    def repair(self, word: str) -> str:
        """The one word of the lexicon that is one edit away, or ""."""
        return next(iter(self.candidates(word)), "")

    def candidates(self, word: str) -> Sequence[str]:
        """The words of the lexicon that are one edit away, the likeliest first."""
        if len(word) < REPAIR_FROM - 1 or not word.isalpha():
            return ()
        found: dict[str, None] = {}
        for key in (word, *deletes(word)):
            for candidate in self.repairs.get(key, ()):
                if one_edit(word, candidate) and (
                    max(len(word), len(candidate)) >= REPAIR_FROM or sorted(word) == sorted(candidate)
                ):
                    found[candidate] = None
        best = [c for c in found if c[0] == word[0] or sorted(c) == sorted(word)]
        return sorted(best, key=lambda c: (sorted(c) != sorted(word), -self.common.get(c, 0), c))


def load_lexicon(text: str | None = None) -> Lexicon:
    """The lexicon that comes with the program, or the one in `text`. Raises LexiconError."""
    if text is None:
        text = resources.files(__package__).joinpath("lexicon.txt").read_text(encoding="utf-8")
    return _Builder().read(text).build()


class _Builder:
    def __init__(self) -> None:
        self.senses: dict[tuple[str, ...], dict[Sense, None]] = {}
        self.split: dict[str, dict[str, dict[Sense, None]]] = {}
        self.fillers: set[str] = set()
        self.foreign: set[str] = set()
        self.ordinary: set[str] = set()
        self.plain: set[str] = set()
        self.trade: set[str] = set()
        self.bases: dict[str, str] = {}

    def read(self, text: str) -> "_Builder":
        for number, line in enumerate(text.splitlines(), 1):
            line = line.partition("#")[0].strip() if line.startswith("#") else line.strip()
            if line:
                self._line(number, line)
        return self

    def _line(self, number: int, line: str) -> None:
        head, colon, tail = line.partition(":")
        parts = head.split()
        words = [word.strip() for word in tail.split(",") if word.strip()]  # of "plain" lines blanks part them too
        match parts:
            case ["filler"]:
                self.fillers.update(words)
            case ["ordinary"]:
                self.ordinary.update(words)
            case ["plain"]:
                self.plain.update(tail.split())
            case ["trade"]:
                self.trade.update(tail.split())
            case ["foreign"]:
                for word in words:
                    self._put(word, Sense("FOREIGN"))
                self.foreign.update(words)
            case ["kind", kind]:
                for word in words:
                    self._noun(word, Sense(f"k:{kind}", kind))
            case ["slot", slot, value]:
                for word in words:
                    (self._noun if slot == "event" else self._put)(word, Sense(slot, value))
            case ["noun", name]:
                for word in words:
                    self._noun(word, Sense(name))
            case ["word", name]:
                for word in words:
                    self._put(word, Sense(name))
            case ["stem", name]:
                for word in words:
                    self._stem(word, name)
            case ["verb", name]:
                for word in words:
                    self._verb(word, name)
            case _:
                raise LexiconError(f"lexicon line {number}: {head[:40]!r} is no declaration: use verb, noun, word, ...")
        if not colon or not words:
            raise LexiconError(f"lexicon line {number}: no words after {head[:40]!r}")

    def _put(self, phrase: str, sense: Sense) -> None:
        words = tuple(_POSSESSIVE.sub(" 's", phrase).split())
        self.senses.setdefault(words, {})[sense] = None

    def _noun(self, phrase: str, sense: Sense) -> None:
        self._put(phrase, sense)
        head, _, last = phrase.rpartition(" ")
        self._put(f"{head} {plural(last)}".strip(), sense)

    def _stem(self, entry: str, name: str) -> None:
        phrase, _, past = entry.partition("/")
        first, _, rest = phrase.partition(" ")
        for _, word in verb_forms(first, past.split()[0] if past else ""):
            self._put(f"{word} {rest}".strip(), Sense(name))

    def _verb(self, entry: str, name: str) -> None:
        phrase, _, past = entry.partition("/")
        first, _, rest = phrase.partition(" ")
        for form, word in verb_forms(first, past.split()[0] if past else ""):
            tense = "" if word == first or form == "base" else f".{form}"
            sense = Sense(name + tense, "", form)
            self._put(f"{word} {rest}".strip(), sense)
            if form == "past" and word in PARTICIPLES:
                self._put(f"{PARTICIPLES[word]} {rest}".strip(), sense)
            tail = rest.split()
            if form == "ing" and not rest:
                self.bases.setdefault(word, first)
            if form == "base" and tail and len(tail) == 1 and len(word + rest) >= 5:
                self._put(word + rest, sense)  # "shutdown", "rollback"
            if tail and (tail[0] in _PARTICLES):
                self.split.setdefault(word, {}).setdefault(rest, {})[sense] = None

    def _several_foreign(self) -> None:
        """The plurals of foreign nouns, where they mean nothing here."""
        known = self.plain | self.fillers | self.ordinary
        for word in [plural(word) for word in self.foreign if word.isalpha() and len(word) > 3]:
            if (word,) not in self.senses and word not in known:
                self._put(word, Sense("FOREIGN"))
                self.foreign.add(word)

    def build(self) -> Lexicon:
        self._several_foreign()
        split = {
            word: sorted(((tail, tuple(senses)) for tail, senses in tails.items()), key=lambda pair: -len(pair[0]))
            for word, tails in self.split.items()
        }
        return Lexicon(
            Phrases(self.senses, self.fillers),
            MappingProxyType(split),
            frozenset(self.fillers),
            frozenset(self.foreign),
            self._vocabulary(),
            frozenset(self.ordinary),
            frozenset(" ".join(words) for words in self.senses if len(words) > 1),
            MappingProxyType(self.bases),
            frozenset(self.plain - {word for phrase in self.senses for word in phrase}),
            frozenset(self.trade),
        )

    def _vocabulary(self) -> frozenset[str]:
        return frozenset({word for phrase in self.senses for word in phrase} | self.fillers | self.plain)


def find_mentions(
    lexicon: Lexicon, tokens: Sequence[Token], taken: Sequence[bool], repaired: Mapping[int, str]
) -> list[Mention]:
    """All recognised words; tokens that are `taken` (exact names) are passed over; `repaired` ones are marked."""
    words = ["" if taken[at] or token.kind == "quoted" else token.fold for at, token in enumerate(tokens)]
    found: list[Mention] = []
    tails: set[int] = set()
    at = reach = 0
    while at < len(words):
        if not words[at]:
            at += 1
            continue
        split = _split(lexicon, words, at)
        if split:
            found.append(_mark(split, repaired))
            tails.update(range(split.tail, split.tail + split.width))
        mention = _phrase(lexicon, words, at)
        if mention and mention.end <= reach:
            mention = None  # inside the last one
        if mention and at in tails and mention.end == at + 1:
            mention = None  # the second part of a split verb
        if mention and split and mention.end == at + 1:
            found[-1] = _with_word(found[-1], mention)
            mention = None
        if mention:
            found.append(_mark(mention, repaired))
            reach = mention.end
        at += 1
    return found


def _with_word(split: Mention, word: Mention) -> Mention:
    """The first word of a split verb keeps its own meanings beside those of the verb."""
    extra = tuple(sense for sense in word.senses if sense not in split.senses)
    return replace(split, senses=(*split.senses, *extra), own=len(split.senses))


def _mark(mention: Mention, repaired: Mapping[int, str]) -> Mention:
    said = [repaired[at] for at in (*range(mention.start, mention.end), mention.tail) if at in repaired]
    return replace(mention, repaired=" ".join(said), weight=0.9 * mention.weight) if said else mention


def _phrase(lexicon: Lexicon, words: Sequence[str], at: int) -> Mention | None:
    longer = lexicon.phrases.get(f"{words[at]} {words[at + 1]}", ()) if at + 1 < len(words) else ()
    for phrase in (*longer, *lexicon.phrases.get(words[at], ())):
        end = at + len(phrase.words)
        if len(phrase.words) == 1 or tuple(words[at:end]) == phrase.words:
            senses = _passive(phrase.senses, words, at)
            own = phrase.own + len(senses) - len(phrase.senses)
            return Mention(at, end, senses, phrase.weight, phrase.filler, own=own)
    return Mention(at, at + 1, (), 0.0, True) if words[at] in lexicon.fillers else None


def _passive(senses: tuple[Sense, ...], words: Sequence[str], at: int) -> tuple[Sense, ...]:
    """ "can be deleted", "must be enabled" ask for it: the participle counts as the verb (never as a plain command).

    So do "i want web-01 rebooted" and "web-01 needs restarting".
    """
    if not at:
        return senses
    before = words[max(0, at - 2) : at]
    wanted: Form = "past"
    if before[-1] in {"needs", "need"}:
        wanted = "ing"
    elif before[-1] in {"start", "begin"}:  # "start protecting web-01"
        return (*(Sense(s.concept.removesuffix(".ing"), "", "ing") for s in senses if s.form == "ing"), *senses)
    elif "did" in words[max(0, at - 5) : at] or (_PASSIVE & set(before) and words[at] in _OWN_PARTICIPLES):
        # "did anybody delete any snapshots", "which runbooks were run"
        return (*(Sense(f"{s.concept}.past", "", "past") for s in senses if s.form == "base"), *senses)
    elif "be" not in before and not _caused(words, at):
        return senses
    return (
        *(Sense(s.concept.removesuffix(f".{wanted}"), "", wanted) for s in senses if s.form == wanted), *senses,
    )  # fmt: skip


def _caused(words: Sequence[str], at: int) -> bool:
    """ "have the tag taken off web-01", "i want web-01 rebooted", "please get it restarted"."""
    head = [word for word in words[:at] if word not in {"please", "pls", "kindly", "just", "now", "and", "also"}]
    if head[:1] == ["have"]:
        return not {"i", "we", "you", "they", "any", "been", "there"} & set(head[1:2])
    return words[at - 1] in {"", "it", "them"} and bool(_CAUSING & set(words[max(0, at - 7) : at]))


def _split(lexicon: Lexicon, words: Sequence[str], at: int) -> Mention | None:
    """ "turn web-01 off": the second part within GAP words, before a mark."""
    for tail, senses in lexicon.split.get(words[at], ()):
        parts = tail.split()
        for there in range(at + 2, min(at + 2 + GAP, len(words) - len(parts) + 1)):
            if words[there - 1] in {",", ";", "."}:
                break
            if list(words[there : there + len(parts)]) == parts:
                weight = weigh((words[at], *parts), senses, filler=False)
                return Mention(at, at + 1, senses, weight, tail=there, width=len(parts))
    return None


def concepts(mentions: Iterable[Mention]) -> set[str]:
    return {sense.concept for mention in mentions for sense in mention.senses}
