"""Sentence templates: `[optional] (a|b) {slot} <rule>`; parsed to a tree that can be matched and sampled."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

_PART = re.compile(r"\s*([\[\]()|]|\{\w+\}|<\w+>|[^\s\[\](){}<>|]+)")
MAX_DEPTH = 20


class GrammarError(ValueError):
    """A template cannot be read; the message says where."""


@dataclass(frozen=True, slots=True)
class Word:
    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    name: str


@dataclass(frozen=True, slots=True)
class Rule:
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these; an empty sequence among them makes it optional."""

    options: tuple["Sentence", ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    parts: tuple["Word | Slot | Rule | Choice", ...]


def parse(template: str) -> Sentence:
    """Raises GrammarError with the place of the fault."""
    parts: list[str] = []
    at = 0
    while template[at:].strip():
        match = _PART.match(template, at)
        if match is None:
            raise GrammarError(f"cannot read {template[at : at + 20]!r} in {template!r}")
        parts.append(match[1])
        at = match.end()
    tree, rest = _choice(parts, 0, template)
    if rest != len(parts):
        raise GrammarError(f"{parts[rest]!r} closes nothing in {template!r}")
    return tree


def _choice(parts: Sequence[str], at: int, template: str) -> tuple[Sentence, int]:
    options: list[Sentence] = []
    current: list[Word | Slot | Rule | Choice] = []
    while at < len(parts) and parts[at] not in "])":
        part = parts[at]
        if part == "|":
            options.append(Sentence(tuple(current)))
            current = []
            at += 1
        elif part in "[(":
            inner, at = _choice(parts, at + 1, template)
            if at >= len(parts) or parts[at] != {"[": "]", "(": ")"}[part]:
                raise GrammarError(f"{part!r} is not closed in {template!r}")
            current.append(Choice((inner, Sentence(()))) if part == "[" else Choice((inner,)))
            at += 1
        else:
            current.append(_leaf(part))
            at += 1
    options.append(Sentence(tuple(current)))
    if len(options) == 1:
        return options[0], at
    return Sentence((Choice(tuple(options)),)), at


def _leaf(part: str) -> Word | Slot | Rule:
    if part[0] == "{":
        return Slot(part[1:-1])
    if part[0] == "<":
        return Rule(part[1:-1])
    return Word(part)


def match(
    tree: Sentence, words: Sequence[str], slots: Mapping[str, frozenset[str]], rules: Mapping[str, Sentence] = {}
) -> dict[str, str] | None:
    """Slot values when `words` are a sentence of the template, else None. `slots`: name -> its folded values."""
    for end, found in _walk(tree, words, 0, slots, rules, 0):
        if end == len(words):
            return found
    return None


def _walk(
    node: Sentence | Word | Slot | Rule | Choice,
    words: Sequence[str],
    at: int,
    slots: Mapping[str, frozenset[str]],
    rules: Mapping[str, Sentence],
    depth: int,
) -> Iterator[tuple[int, dict[str, str]]]:
    if depth > MAX_DEPTH:
        return
    match node:
        case Word(text):
            if at < len(words) and words[at] == text:
                yield at + 1, {}
        case Slot(name):
            for size in range(min(5, len(words) - at), 0, -1):
                said = " ".join(words[at : at + size])
                if said in slots.get(name, ()):
                    yield at + size, {name: said}
        case Rule(name):
            if name in rules:
                yield from _walk(rules[name], words, at, slots, rules, depth + 1)
        case Choice(options):
            for option in options:
                yield from _walk(option, words, at, slots, rules, depth + 1)
        case Sentence(parts):
            yield from _walk_parts(parts, words, at, slots, rules, depth)


def _walk_parts(
    parts: Sequence[Word | Slot | Rule | Choice],
    words: Sequence[str],
    at: int,
    slots: Mapping[str, frozenset[str]],
    rules: Mapping[str, Sentence],
    depth: int,
) -> Iterator[tuple[int, dict[str, str]]]:
    if not parts:
        yield at, {}
        return
    for middle, first in _walk(parts[0], words, at, slots, rules, depth + 1):
        for end, rest in _walk_parts(parts[1:], words, middle, slots, rules, depth):
            yield end, {**first, **rest}


def sample(
    tree: Sentence, slots: Mapping[str, Sequence[str]], rules: Mapping[str, Sentence], dice: random.Random
) -> str:
    """One sentence that the template accepts."""
    return " ".join(word for word in _sample(tree, slots, rules, dice) if word)


def _sample(
    node: Sentence | Word | Slot | Rule | Choice,
    slots: Mapping[str, Sequence[str]],
    rules: Mapping[str, Sentence],
    dice: random.Random,
) -> Iterator[str]:
    match node:
        case Word(text):
            yield text
        case Slot(name):
            yield dice.choice(slots[name]) if slots.get(name) else "{" + name + "}"
        case Rule(name):
            yield from _sample(rules[name], slots, rules, dice)
        case Choice(options):
            yield from _sample(dice.choice(options), slots, rules, dice)
        case Sentence(parts):
            for part in parts:
                yield from _sample(part, slots, rules, dice)


@dataclass(frozen=True)
class Templates:
    """The templates of each intent, and the rules that they share."""

    by_intent: Mapping[str, tuple[Sentence, ...]]
    rules: Mapping[str, Sentence]

    def samples(self, intent: str, count: int, slots: Mapping[str, Sequence[str]], seed: int = 0) -> tuple[str, ...]:
        """At most `count` different sentences of an intent; the same seed gives the same ones.

        `slots`: values for {slot}; one without values stays as it is written.
        """
        trees = self.by_intent.get(intent, ())
        dice = random.Random(f"{intent} {seed}")  # noqa: S311 -- no secret depends on it
        found: dict[str, None] = {}
        for _ in range(count * 8 if trees else 0):
            found[sample(dice.choice(trees), slots, self.rules, dice)] = None
            if len(found) == count:
                break
        return tuple(found)


def load_templates(text: str | None = None) -> Templates:
    """The templates that come with the program, or those in `text`. Raises GrammarError."""
    if text is None:
        text = resources.files(__package__).joinpath("templates.txt").read_text(encoding="utf-8")
    by_intent: dict[str, tuple[Sentence, ...]] = {}
    rules: dict[str, Sentence] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, template = line.partition(":")
        if not colon or not template.strip():
            raise GrammarError(f"templates line {number}: write it as intent: template")
        if name.startswith("<"):
            rules[name.strip("<> ")] = parse(template)
        else:
            by_intent[name] = (*by_intent.get(name, ()), parse(template))
    return Templates(by_intent, rules)
