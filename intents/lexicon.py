"""Words to meanings: the lexicon file as a value, and the reading of tokens with it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Literal

from intents.tokens import Token

Form = Literal["base", "s", "ing", "past", ""]
GAP = 6  # words between the parts of "turn ... off"
REPAIR_FROM = 5
_PARTICLES = frozenset({"on", "off", "up", "down", "out", "back", "away", "in", "over", "from"})
_VOWELS = frozenset("aeiou")
_TWICE = re.compile(r".*[^aeiou][aeiou][bdgmnprt]")


class LexiconError(ValueError):
    """A line of the lexicon cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Sense:
    """One meaning of a word: `concept` as claims write it; `value` for slot words (k:vm has the value "vm")."""

    concept: str
    value: str = ""
    form: Form = ""


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


@dataclass(frozen=True)
class Lexicon:
    """`phrases`: first word -> [(all words, senses)], longest first; `split`: first word -> [(particle, senses)]."""

    phrases: Mapping[str, Sequence[tuple[tuple[str, ...], tuple[Sense, ...]]]]
    split: Mapping[str, Sequence[tuple[str, tuple[Sense, ...]]]]
    fillers: frozenset[str]
    foreign: frozenset[str]
    repairs: Mapping[str, Sequence[str]]

    def knows(self, word: str) -> bool:
        return word in self.fillers or word in self.foreign or any(len(w) == 1 for w, _ in self.phrases.get(word, ()))

    def repair(self, word: str) -> str:
        """The one word of the lexicon that is one edit away, or ""."""
        if len(word) < REPAIR_FROM or not word.isalpha():
            return ""
        found: dict[str, None] = {}
        for key in (word, *_deletes(word)):
            for candidate in self.repairs.get(key, ()):
                if one_edit(word, candidate):
                    found[candidate] = None
        best = [c for c in found if c[0] == word[0] or sorted(c) == sorted(word)] or []
        if len(best) > 1:
            swapped = [c for c in best if sorted(c) == sorted(word)]
            best = swapped or best
        return best[0] if best else ""


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

    def read(self, text: str) -> "_Builder":
        for number, line in enumerate(text.splitlines(), 1):
            line = line.partition("#")[0].strip() if line.startswith("#") else line.strip()
            if line:
                self._line(number, line)
        return self

    def _line(self, number: int, line: str) -> None:
        head, colon, tail = line.partition(":")
        parts = head.split()
        words = [word.strip() for word in tail.split(",") if word.strip()]
        match parts:
            case ["filler"]:
                self.fillers.update(words)
            case ["foreign"]:
                for word in words:
                    self._put(word, Sense("FOREIGN"))
                self.foreign.update(words)
            case ["kind", kind]:
                for word in words:
                    self._noun(word, Sense(f"k:{kind}", kind))
            case ["slot", slot, value]:
                for word in words:
                    self._put(word, Sense(slot, value))
            case ["noun", name]:
                for word in words:
                    self._noun(word, Sense(name))
            case ["word", name]:
                for word in words:
                    self._put(word, Sense(name))
            case ["verb", name]:
                for word in words:
                    self._verb(word, name)
            case _:
                raise LexiconError(f"lexicon line {number}: {head[:40]!r} is no declaration: use verb, noun, word, ...")
        if not colon or not words:
            raise LexiconError(f"lexicon line {number}: no words after {head[:40]!r}")

    def _put(self, phrase: str, sense: Sense) -> None:
        words = tuple(phrase.split())
        for form in (words, ("-".join(words),)) if len(words) > 1 else (words,):
            self.senses.setdefault(form, {})[sense] = None

    def _noun(self, phrase: str, sense: Sense) -> None:
        self._put(phrase, sense)
        head, _, last = phrase.rpartition(" ")
        self._put(f"{head} {plural(last)}".strip(), sense)

    def _verb(self, entry: str, name: str) -> None:
        phrase, _, past = entry.partition("/")
        first, _, rest = phrase.partition(" ")
        for form, word in verb_forms(first, past.split()[0] if past else ""):
            sense = Sense(name if form != "past" or word == first else f"{name}.past", "", form)
            self._put(f"{word} {rest}".strip(), sense)
            tail = rest.split()
            if tail and (tail[0] in _PARTICLES):
                self.split.setdefault(word, {}).setdefault(rest, {})[sense] = None

    def build(self) -> Lexicon:
        phrases: dict[str, list[tuple[tuple[str, ...], tuple[Sense, ...]]]] = {}
        for words, senses in self.senses.items():
            phrases.setdefault(words[0], []).append((words, tuple(senses)))
        for entries in phrases.values():
            entries.sort(key=lambda entry: -len(entry[0]))
        split = {
            word: sorted(((tail, tuple(senses)) for tail, senses in tails.items()), key=lambda pair: -len(pair[0]))
            for word, tails in self.split.items()
        }
        return Lexicon(
            MappingProxyType(phrases),
            MappingProxyType(split),
            frozenset(self.fillers),
            frozenset(self.foreign),
            MappingProxyType(self._repairs()),
        )

    def _repairs(self) -> dict[str, list[str]]:
        words = {word for phrase in self.senses for word in phrase} | self.fillers
        found: dict[str, list[str]] = {}
        for word in sorted(words):
            if len(word) >= REPAIR_FROM - 1 and word.isalpha():
                for key in (word, *_deletes(word)):
                    found.setdefault(key, []).append(word)
        return found


def verb_forms(base: str, past: str = "") -> Iterator[tuple[Form, str]]:
    yield "base", base
    if base.endswith(("s", "x", "ch", "sh", "z")) or (base.endswith("o") and len(base) < 4):
        yield "s", base + "es"
    elif base.endswith("y") and base[-2:-1] not in _VOWELS:
        yield "s", base[:-1] + "ies"
    else:
        yield "s", base + "s"
    stem = base
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")):
        stem = base[:-1]
    elif len(base) < 6 and _TWICE.fullmatch(base):
        stem = base + base[-1]
    yield "ing", stem + "ing"
    regular = base[:-1] + "ied" if base.endswith("y") and base[-2:-1] not in _VOWELS else stem.removesuffix("e") + "ed"
    yield "past", past or regular


def plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def _deletes(word: str) -> Iterator[str]:
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def one_edit(a: str, b: str) -> bool:
    """One letter more, less, other, or two neighbours swapped."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    if len(a) > len(b):
        a, b = b, a
    at = next((i for i, letter in enumerate(a) if letter != b[i]), len(a))
    if len(a) < len(b):
        return a[at:] == b[at + 1 :]
    return a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])


def weigh(words: Sequence[str], senses: Sequence[Sense], filler: bool) -> float:
    """A word of one meaning says much, one of ten meanings little; each further word of a phrase makes it surer."""
    several = len({sense.concept.removesuffix(".past") for sense in senses})
    weight = max(0.5, 2.2 - 0.25 * (several - 1))
    if filler and len(words) == 1:
        return 0.4
    return weight + 0.6 * (min(len(words), 4) - 1)


def find_mentions(lexicon: Lexicon, tokens: Sequence[Token], taken: Sequence[bool]) -> list[Mention]:
    """All recognised words; tokens that are `taken` (exact names, times) are passed over."""
    folds = [token.fold for token in tokens]
    found: list[Mention] = []
    used: set[int] = set()
    at = 0
    while at < len(folds):
        if taken[at] or tokens[at].kind == "quoted":
            at += 1
            continue
        split = _split(lexicon, folds, taken, at)
        if split:
            found.append(split)
            used.add(split.tail)
        mention = _phrase(lexicon, folds, taken, at) or (None if split else _repaired(lexicon, tokens[at], at))
        if mention and mention.start not in used and not (split and mention.end == at + 1):
            found.append(mention)
        at = mention.end if mention else at + 1
    return found


def _phrase(lexicon: Lexicon, folds: Sequence[str], taken: Sequence[bool], at: int) -> Mention | None:
    for words, senses in lexicon.phrases.get(folds[at], ()):
        end = at + len(words)
        if len(words) == 1 or (tuple(folds[at:end]) == words and not any(taken[at:end])):
            filler = len(words) == 1 and words[0] in lexicon.fillers
            return Mention(at, end, senses, weigh(words, senses, filler), filler)
    return None


def _split(lexicon: Lexicon, folds: Sequence[str], taken: Sequence[bool], at: int) -> Mention | None:
    """ "turn web-01 off": the second part within GAP words, before a mark."""
    for tail, senses in lexicon.split.get(folds[at], ()):
        words = tail.split()
        for there in range(at + 2, min(at + 2 + GAP, len(folds) - len(words) + 1)):
            if folds[there - 1] in {",", ";", "."}:
                break
            if folds[there : there + len(words)] == words and not taken[there]:
                weight = weigh((folds[at], *words), senses, filler=False)
                return Mention(at, at + 1, senses, weight, tail=there)
    return None


def _repaired(lexicon: Lexicon, token: Token, at: int) -> Mention | None:
    if token.kind != "word" or token.fold in lexicon.fillers:
        return None
    right = lexicon.repair(token.fold)
    if not right:
        return None
    filler = right in lexicon.fillers
    senses = next((senses for words, senses in lexicon.phrases.get(right, ()) if len(words) == 1), ())
    return Mention(at, at + 1, senses, 0.85 * weigh((right,), senses, filler), filler, repaired=right)


def concepts(mentions: Iterable[Mention]) -> set[str]:
    return {sense.concept for mention in mentions for sense in mention.senses}
