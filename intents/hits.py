"""Where the names of the inventory stand in a sentence, and how sure it is that they are meant as names."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from intents.lexicon import Lexicon
from intents.names import LONGEST, Names, span_text
from intents.readings import Name
from intents.tokens import Token, word_set

OWN_KINDS = word_set("runbook report policy migration wave cohort")
_PREPOSITIONS = word_set("of for on from at in into called named off")
_SUREST = word_set("of for in on called named")
_AFTER_NAME = word_set("in of on for to from with and by pls please plz last this since until is are was up down")
_ALSO_CALLED = {"tenant": {"project", "domain"}, "owner": {"user"}, "project": {"tenant"}}


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

    @property
    def certain(self) -> bool:
        """Good enough for a write: as spelt and no ordinary word; names that we gave ourselves may lack a dash."""
        own = all(name.kind in OWN_KINDS for name in self.names)
        return not self.ordinary and (self.exact or (own and len(self.names) == 1))

    def of(self, kind: str) -> tuple[Name, ...]:
        return tuple(name for name in self.names if name.kind == kind)


def find_hits(text: str, tokens: Sequence[Token], names: Names, lexicon: Lexicon) -> tuple[Hit, ...]:
    found: list[Hit] = []
    at = 0
    while at < len(tokens):
        hit = _hit_at(text, tokens, at, names, lexicon)
        if hit:
            found.append(hit)
        at = hit.end if hit else at + 1
    return tuple(found)


def add_worded(
    hits: tuple[Hit, ...], tokens: Sequence[Token], names: Names, lexicon: Lexicon, repaired: Collection[int]
) -> tuple[Hit, ...]:
    """Runbooks and reports whose words were misspelt; no other name is ever found by a repaired word."""
    taken = {at for hit in hits for at in range(hit.start, hit.end)}
    found = list(hits)
    for at in range(len(tokens)):
        hit = None if at in taken else _worded(tokens, at, names, lexicon)
        if hit and not taken & set(range(hit.start, hit.end)) and set(range(hit.start, hit.end)) & set(repaired):
            found.append(hit)
            taken.update(range(hit.start, hit.end))
    return tuple(sorted(found, key=lambda hit: hit.start))


def _hit_at(text: str, tokens: Sequence[Token], at: int, names: Names, lexicon: Lexicon) -> Hit | None:
    """Exact names of several words, names of runbooks by their words, exact single words, loose spellings."""
    longest = min(LONGEST, len(tokens) - at) if names.may_begin(tokens[at].fold) else 1
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
        if len(said) >= 4 and said not in lexicon.runs and (entries := names.like(said)):
            words = all(lexicon.knows(token.fold) for token in tokens[at : at + size])
            return Hit(at, at + size, entries, False, not words, words)
    fold = tokens[at].fold
    roles = tuple(name for name in names.at(fold[:-1]) if name.kind == "role") if fold.endswith("s") else ()
    if entries := tuple(name for name in names.at(fold) if name.kind != "event") or roles:
        if all(name.kind in {"tag", "role"} for name in entries):
            return Hit(at, at + 1, entries, open=True)
        return _one_word(tokens, at, entries, lexicon)
    said = tokens[at].fold
    if len(said) >= 4 and not lexicon.knows(said) and (entries := names.like(said)):
        return Hit(at, at + 1, entries, False)
    return None


def _one_word(tokens: Sequence[Token], at: int, entries: tuple[Name, ...], lexicon: Lexicon) -> Hit | None:
    """A name of one word. One that is a word of the language too counts when quoted, beside its noun, or (no noun of
    ours) where only a name can stand; for a write only the first two are enough.
    """
    word = tokens[at].fold
    if tokens[at].kind == "quoted" or _beside_its_noun(tokens, at, entries, lexicon):
        return Hit(at, at + 1, entries)
    phrase = _in_phrase(tokens, at, lexicon)
    known = lexicon.knows(word)
    as_spelt = at > 0 and word != tokens[at].text and any(tokens[at].text == entry.name for entry in entries)
    if not phrase and (as_spelt or not (known or word in lexicon.ordinary)):
        return Hit(at, at + 1, entries)
    sure = not phrase and _stands_as_name(tokens, at, lexicon)
    roles = tuple(entry for entry in entries if entry.kind in {"role", "tag"})
    if roles and not sure:
        return Hit(at, at + 1, roles, open=True)
    if phrase or lexicon.is_noun(word):  # "how many snapshots": not the project of that name
        return None
    sure = sure or (not known and at > 0 and tokens[at - 1].fold in _PREPOSITIONS)
    return Hit(at, at + 1, entries, True, sure, False, True)


def _beside_its_noun(tokens: Sequence[Token], at: int, entries: tuple[Name, ...], lexicon: Lexicon) -> bool:
    kinds = {entry.kind for entry in entries}
    kinds |= {also for kind in kinds for also in _ALSO_CALLED.get(kind, ())}
    last = at + 1 >= len(tokens) or tokens[at + 1].kind == "mark"
    for there in (at - 1, at + 1):
        if not 0 <= there < len(tokens):
            continue
        noun = tokens[there].fold
        said = kinds & lexicon.kinds_of(noun)
        if said and there < at and noun.endswith("s") and not noun.endswith("ss") and lexicon.is_noun(tokens[at].fold):
            continue  # "volumes snapshots"
        if said and (there < at or not noun.endswith("s") or last):
            return True
    return False


def _stands_as_name(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> bool:
    before = tokens[at - 1].fold if at else ""
    after = tokens[at + 1].fold if at + 1 < len(tokens) else ""
    if before in {"does", "do"} and after in {"have", "has", "own", "use", "run", "hold"}:
        return True
    last = at + 1 >= len(tokens) or tokens[at + 1].kind == "mark" or after in _AFTER_NAME
    return before in (_SUREST if lexicon.means(tokens[at].fold) else _PREPOSITIONS) and last


def _in_phrase(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> bool:
    """Is the word part of a longer phrase of the lexicon ("back into service")?"""
    folds = [token.fold for token in tokens[max(0, at - 3) : at + 4]]
    here = min(at, 3)
    return any(
        " ".join(folds[start:end]) in lexicon.runs
        for start in range(here + 1)
        for end in range(max(here + 1, start + 2), len(folds) + 1)
    )


def _worded(tokens: Sequence[Token], at: int, names: Names, lexicon: Lexicon) -> Hit | None:
    """Names of runbooks and reports by two or more of their words, in order: "orphan cleanup"."""
    candidates = names.by_word.get(tokens[at].fold.rstrip("s"), ())
    for size in (5, 4, 3, 2) if candidates else ():
        if at + size > len(tokens):
            continue
        report = at + size < len(tokens) and tokens[at + size].fold == "report"
        if not report and " ".join(token.fold for token in tokens[at : at + size]) in lexicon.runs:
            continue
        words = [token.fold.rstrip("s") if len(token.fold) > 4 else token.fold for token in tokens[at : at + size]]
        found = [name for parts, name in candidates if _in_order(words, parts, name.name.lower())]
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
