"""The names of the inventory, as sentences use them: which spans to look up, and what was found."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from intents.readings import Name
from intents.tokens import Token, clean, fold, tokenize

__all__ = ["Names", "fold", "loose", "spans"]

HEAD = 3  # letters by which a word that begins no name is told
LONGEST = 5  # words in one name
_SHARED = 40  # names with one word in common that are looked at when another of their words is misspelt
_SEPARATORS = re.compile(r"[-_\s.]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "í": "i", "ó": "o", "á": "a"})
_SKIP = frozenset({"mark"})
# People are called by their first names: "carol" is "Carol Díaz", and the user carol.diaz.
_PEOPLE = frozenset({"owner", "user"})
_FIRST = re.compile(r"(\w+)[ .]\w")
# Kinds that are few and are said loosely ("orphan cleanup"): they are matched by their words as well.
LOOSE_KINDS = frozenset({"runbook", "report"})


def loose(text: str) -> str:
    """The second form of a name: without dashes, dots, underscores and blanks."""
    return _SEPARATORS.sub("", fold(text))


def spans(text: str) -> tuple[str, ...]:
    """Folded candidates for names in `text`, longest first, each once; joined forms included ("acme prod": acme-prod).

    For the one look-up in the database that fills `Names`.
    """
    cleaned = clean(text)
    tokens = tokenize(cleaned)
    found: dict[str, None] = {}
    for size in range(LONGEST, 0, -1):
        for at in range(len(tokens) - size + 1):
            said = span_text(cleaned, tokens, at, at + size)
            if said:
                found.update(dict.fromkeys(_forms(said)))
    return tuple(found)


def span_text(text: str, tokens: Sequence[Token], start: int, end: int) -> str:
    """The folded text of tokens[start:end], or "" where no name can lie (a mark at an edge, a line break)."""
    first, last = tokens[start], tokens[end - 1]
    if first.kind in _SKIP or (last.kind in _SKIP and last.text not in ")]"):
        return ""
    if end - start == 1:
        return first.fold
    said = text[first.start : last.end]
    if "\n" in said:
        return ""
    return fold(" ".join(said.split()) if "  " in said or "\t" in said else said)


def _forms(said: str) -> tuple[str, ...]:
    if " " not in said:
        return (said,)
    return (said, said.replace(" ", "-"), said.replace(" ", "_"), said.replace(" ", "."), said.replace(" ", ""))


class Names:
    """Folded span -> the entries that bear it. Immutable once built: a sync builds a new one and swaps it in."""

    def __init__(self, entries: Iterable[Name | tuple[str, Name]] = ()) -> None:
        self._exact: dict[str, tuple[Name, ...]] = {}
        self._loose: dict[str, tuple[Name, ...]] = {}
        self._kinds: dict[str, list[Name]] = {}
        self._heads: set[str] = set()
        for entry in entries:
            span, name = (fold(entry.name), entry) if isinstance(entry, Name) else (fold(entry[0]), entry[1])
            self._add(span, name)

    def _add(self, span: str, name: Name) -> None:
        held = self._exact.get(span)
        if held is not None and name in held:
            return
        self._exact[span] = (name,) if held is None else (*held, name)
        bare = _SEPARATORS.sub("", span)
        self._heads.add(bare[:HEAD])
        if bare != span or not bare.isascii():
            if not bare.isascii():
                plain = bare.translate(_UMLAUTS)
                self._loose[plain] = (*self._loose.get(plain, ()), name)
            self._loose[bare] = (*self._loose.get(bare, ()), name)
        self._kinds.setdefault(name.kind, []).append(name)
        if name.kind in _PEOPLE and (first := _FIRST.match(span)):
            self._loose[first[1]] = (*self._loose.get(first[1], ()), name)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Names":
        """From kind -> list of names, or of objects with a name, project, platform and addresses."""
        return cls(name for kind, entries in data.items() for entry in entries for name in _from_entry(kind, entry))

    def __len__(self) -> int:
        return len(self._exact)

    def __contains__(self, folded: object) -> bool:
        """Is it a name, or a word of one that is said loosely?"""
        return folded in self._exact or folded in self.words

    def may_begin(self, folded: str) -> bool:
        """Can a name begin with this word? True for some that none begins with."""
        head = _SEPARATORS.sub("", folded)[:HEAD]
        return head in self._heads if len(head) == HEAD else head in self._short_heads

    @cached_property
    def _short_heads(self) -> frozenset[str]:
        """What the heads of the names begin with, and the empty word."""
        return frozenset(head[:size] for head in self._heads for size in range(HEAD))

    def at(self, folded: str) -> tuple[Name, ...]:
        """Entries whose name is exactly this."""
        return self._exact.get(folded, ())

    def like(self, folded: str) -> tuple[Name, ...]:
        """Entries whose name differs from this only in dashes, dots, underscores and blanks."""
        return self._loose.get(_SEPARATORS.sub("", folded), ()) or self._loose.get(folded, ())

    def of(self, kind: str) -> Sequence[Name]:
        return self._kinds.get(kind, ())

    def near(self, said: str, kinds: Collection[str], limit: int) -> tuple[Name, ...]:
        """The most similar names of these kinds (of any kind when empty), nearest first; an offer, never an answer."""
        from rapidfuzz import fuzz, process  # only a miss pays for the import

        wanted = fold(said)
        halves = self._halves
        shortlist = {span for key in _half_keys(wanted) for span in halves.get(key, ())}
        found: list[Name] = []
        for span, _, _ in process.extract(wanted, shortlist, scorer=fuzz.ratio, limit=limit * 4, score_cutoff=70):
            found += [name for name in self._exact[span] if not kinds or name.kind in kinds]
        return tuple(dict.fromkeys(found))[:limit]

    @cached_property
    def _halves(self) -> Mapping[str, Sequence[str]]:
        """First half and last half of every name: one typing error leaves one of the two whole."""
        halves: dict[str, list[str]] = {}
        for span in self._exact:
            middle = len(span) // 2
            halves.setdefault("<" + span[:middle], []).append(span)
            halves.setdefault(">" + span[-middle:], []).append(span)
        return halves

    @cached_property
    def by_part(self) -> Mapping[str, Sequence[tuple[tuple[str, ...], int]]]:
        """Names of several words by each of their words, with its place among them; for words that many share, few."""
        found: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        for span in self._exact:
            if " " in span and len(words := tuple(span.split(" "))) <= LONGEST:
                for place, word in enumerate(words):
                    held = found.setdefault(word, [])
                    if len(held) < _SHARED:
                        held.append((words, place))
        return found

    @cached_property
    def by_word(self) -> Mapping[str, Sequence[tuple[frozenset[str], Name]]]:
        """Names of LOOSE_KINDS by each of their words, without a plural s."""
        found: dict[str, list[tuple[frozenset[str], Name]]] = {}
        for words, name in self.worded:
            for word in words:
                found.setdefault(word.rstrip("s"), []).append((words, name))
        return found

    @cached_property
    def words(self) -> frozenset[str]:
        """All words of the names of LOOSE_KINDS, for spelling."""
        return frozenset(word for words, _ in self.worded for word in words)

    @cached_property
    def worded(self) -> Sequence[tuple[frozenset[str], Name]]:
        """The words of names of LOOSE_KINDS."""
        return [
            (frozenset(_SEPARATORS.split(fold(name.name))), name)
            for kind in sorted(LOOSE_KINDS)
            for name in dict.fromkeys(self.of(kind))
        ]


def _from_entry(kind: str, entry: str | Mapping[str, Any]) -> Iterable[Name]:
    if isinstance(entry, str):
        return (Name(kind, entry),)
    fields = {key: str(entry.get(key, "")) for key in ("name", "id", "project", "domain", "platform", "source")}
    return (Name(kind, **fields),)


def _half_keys(wanted: str) -> Iterable[str]:
    for length in (len(wanted) - 1, len(wanted), len(wanted) + 1):
        middle = length // 2
        if middle > 0:
            yield "<" + wanted[:middle]
            yield ">" + wanted[-middle:]
