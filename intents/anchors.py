"""Which world a message is about: ours, or one where flights are cancelled and the volume is turned up.

Everyday words have two lives, so none of them says that our cloud is meant. What anchors a message is a name of the
inventory, an id, or a word that only a cloud team uses. Without any, one word of a foreign topic is enough to leave the
message alone, and so is a word that nobody knows where little else is understood.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from intents.tokens import word_set

if TYPE_CHECKING:
    from intents.hits import Hit
    from intents.lexicon import Lexicon, Mention
    from intents.scenes import Scene

_CODES = word_set("ip mac uuid request job")
_LOOSE_KINDS = word_set("tag role event wave cohort user owner")  # people, and words that everybody uses
_NAMING = word_set("called named name domain customer client tenant project onboard user group with containing")
_SELF = MappingProxyType({"i": 1, "my": 2})  # how many words behind it are looked at
# what a cloud costs is asked in the words of a bank
_MONEY = word_set(
    "cost costs costing price prices spend spending spent budget budgets bill bills billed invoice invoices charge "
    "charges charged charging expensive cheap expense expenses credit"
)
_PLACING = word_set("in of for owns own")
_ASKED = word_set("which what how who where list show give count find")
_AMOUNT = word_set("many much")
_YEAR = re.compile(r"1[0-9]\d\d|200\d")
_LONGEST = 4  # words of a topic's phrase
_SHORT = 4
_PER_STRANGER = 2  # words that must be understood for each that is not


class TopicError(ValueError):
    """A line of foreign.txt cannot be read; the message names it."""


@dataclass(frozen=True)
class Worlds:
    """`foreign`, `aside`, `ours`: words and phrases of foreign.txt; `topics`: what topic a foreign one is of."""

    topics: Mapping[str, str]
    foreign: frozenset[str]
    aside: frozenset[str]
    ours: frozenset[str]
    soft: frozenset[str]
    both: frozenset[str]

    def is_foreign(self, scene: "Scene") -> bool:
        """Is it about another world, and names nothing of ours?"""
        if not scene.tokens or (scene.folds[0] == "help" and len(scene.tokens) < _SHORT):
            return False  # "help frobnication": that there is none is told
        hits = [hit for hit in scene.hits if hit.sure]
        if any(token.kind in _CODES for token in scene.tokens) or any(_is_name(scene, hit) for hit in hits):
            return False
        if any(hit.of("user") or hit.of("owner") for hit in hits) and self._has_noun(scene):
            return False  # "bob is back from holiday, enable his user"
        if self._runs(scene.folds, self.ours):
            return False
        strange = self._places(scene, self.foreign) | _long_ago(scene)
        loose = any(hit.end - hit.start > 1 or hit.ordinary or hit.of("user") or hit.of("owner") for hit in hits)
        if len(scene.parts) > 1 and any(self._is_clear(scene, start, end, strange) for start, end in scene.parts):
            return False
        beside = strange
        if not loose and not self._runs(scene.folds, self.soft):
            if strange or self._twice(scene) or self._personal(scene):
                return True
            beside = self._places(scene, self.aside) | _other_places(scene)
        unknown = set() if scene.tokens[0].kind == "mention" or _is_search(scene) else self._strangers(scene)
        if scene.hits:  # a note on a thing that an ordinary word names
            beside, unknown = ({at for at in places if at < scene.tail} for places in (beside, unknown))
        if not beside and not unknown:
            return False
        return not any(self._stands(scene, start, end, beside, unknown) for start, end in scene.parts)

    def is_unknown(self, scene: "Scene") -> bool:
        """Is it left alone only because its words are strange, not because they are of another world?"""
        return not self._places(scene, self.foreign)

    def _has_noun(self, scene: "Scene") -> bool:
        """Is there the noun of a kind that has no other life?"""
        return any(
            sense.concept.startswith("k:") and scene.folds[mention.start] not in self.topics
            for mention in scene.mentions
            for sense in mention.senses
        )

    def is_mixed(self, scene: "Scene", slots: Mapping[str, Any]) -> bool:
        """Does a foreign word that no slot holds stand beside a name: "restart web-01 and the oven"?"""
        held = " ".join(str(value).casefold() for value in slots.values())
        strange = {at for at in self._places(scene, self.foreign) if scene.folds[at] not in held and at < scene.tail}
        return any(
            start <= at < end and any(start <= hit.start < end for hit in scene.hits)
            for at in strange
            for start, end in scene.parts
        )

    def _stands(self, scene: "Scene", start: int, end: int, beside: set[int], unknown: set[int]) -> bool:
        """Is the clause a request by itself: understood, and of no other world?"""
        places = range(start, end)
        if any(at in beside for at in places):
            return False
        said, content = 0.0, set()
        for mention in scene.mentions:
            if mention.senses and not mention.filler and not mention.repaired and mention.start in places:
                told = {at for at in range(mention.start, mention.end) if scene.folds[at] not in scene.lexicon.fillers}
                content |= told
                said += not told and not _is_how_many(scene, mention)  # "what am i": words that only join
        content |= {at for hit in scene.hits if hit.start in places for at in range(hit.start, hit.end)}
        said += sum(0.5 if scene.folds[at] in self.both else 1.0 for at in content)
        return said > 0 and said >= _PER_STRANGER * sum(at in unknown for at in places)

    def _is_clear(self, scene: "Scene", start: int, end: int, strange: set[int]) -> bool:
        """Does a clause ask for things of a kind of ours, and for nothing else: "…, which hosts are down"?"""
        places = range(start, end)
        nouns = {
            at
            for mention in scene.mentions
            if any(sense.concept.startswith("k:") for sense in mention.senses)
            for at in range(mention.start, mention.end)
        }
        others = strange | self._places(scene, self.aside) | _other_places(scene) | set(scene.unknown)
        others |= {at for at, word in enumerate(scene.folds) if word in self.topics and at not in nouns}
        asked = scene.folds[start] in _ASKED and not any(scene.folds[at] in _SELF for at in places)
        return asked and any(at in nouns for at in places) and not any(at in others for at in places)

    def _strangers(self, scene: "Scene") -> set[int]:
        """Unknown words; but for the one that stands in the place of a name."""
        found = {
            at
            for at in scene.unknown
            if at not in scene.namelike
            and scene.tokens[at].kind == "word"
            and scene.folds[at] not in self.both
            and not _is_called(scene, at)
            and not (at and scene.lexicon.is_noun(scene.folds[at - 1]))
        }
        placed = len(found) == 1 and any(at and scene.folds[at - 1] in _PLACING for at in found)
        return set() if placed else found

    def _twice(self, scene: "Scene") -> bool:
        """Are two words with two lives of the same topic: "cancel the transfer", "move it from savings to checking"?"""
        words = {word for at, word in enumerate(scene.folds) if not scene.named[at]} - _MONEY
        topics = [self.topics[word] for word in words if word in self.topics]
        return len(set(topics)) < len(topics)

    def _personal(self, scene: "Scene") -> bool:
        """ "my keys", "my new account", "did i spend": what somebody owns or does at home."""
        return any(
            width and not self.topics.keys().isdisjoint(scene.folds[at + 1 : at + 1 + width])
            for at, word in enumerate(scene.folds)
            if (width := _SELF.get(word, 0))
        )

    def _places(self, scene: "Scene", words: frozenset[str]) -> set[int]:
        """Tokens that mark a topic: listed, and without a meaning of ours."""
        meant = {
            at
            for m in scene.mentions
            if m.end - m.start > 1 and not _is_other(m.senses)
            for at in range(m.start, m.end)
        }
        return {
            at
            for start, end in self._runs(scene.folds, words)
            for at in range(start, end)
            if at not in meant
            and not scene.named[at]
            and not _is_called(scene, at)
            and (end - start > 1 or not scene.lexicon.means(scene.folds[at]))
        }

    def _runs(self, folds: Sequence[str], words: frozenset[str]) -> list[tuple[int, int]]:
        """Where words and phrases of the list stand; "sick-note" is found as "sick note"."""
        plain = [fold.replace("-", " ") for fold in folds]
        return [
            (at, at + size)
            for size in range(1, _LONGEST + 1)
            for at in range(len(plain) - size + 1)
            if " ".join(plain[at : at + size]) in words
        ]


def _is_name(scene: "Scene", hit: "Hit") -> bool:
    """Is it a name that nothing else bears?"""
    if hit.open or hit.ordinary or all(name.kind in _LOOSE_KINDS for name in hit.names):
        return False
    words = scene.folds[hit.start : hit.end]
    return len(words) > 1 or not (words[0].isalpha() and _is_word(scene.lexicon, words[0]))


def _other_places(scene: "Scene") -> set[int]:
    """The foreign words of the lexicon, but for those that a name is said to hold."""
    return {
        at
        for mention in scene.mentions_of("FOREIGN")
        for at in range(mention.start, mention.end)
        if not scene.lexicon.means(scene.folds[at]) and not _is_called(scene, at)
    }


def _is_other(senses: Sequence[object]) -> bool:
    return all(getattr(sense, "concept", "") == "FOREIGN" for sense in senses)


def _is_word(lexicon: "Lexicon", word: str) -> bool:
    return lexicon.knows(word) or word in lexicon.plain or word in lexicon.ordinary


def _is_called(scene: "Scene", at: int) -> bool:
    """Does the word stand where a new name stands: "customer umbrella", "something with vpn in the name"?"""
    return at > 0 and scene.folds[at - 1] in _NAMING


def _is_search(scene: "Scene") -> bool:
    """ "find wobble": whatever is sought is no word that we should know."""
    words = [token for token in scene.tokens if token.kind != "mark"]
    seeking = any(mention.start == 0 for mention in scene.mentions_of("FIND"))
    return seeking and len(words) == 2


def _long_ago(scene: "Scene") -> set[int]:
    """Years before there were clouds: "what happened in 1989"."""
    pairs = enumerate(zip(scene.folds, scene.folds[1:], strict=False))
    return {at + 1 for at, (word, year) in pairs if word == "in" and _YEAR.fullmatch(year)}


def _is_how_many(scene: "Scene", mention: "Mention") -> bool:
    return scene.folds[mention.start] == "how" and scene.folds[mention.start + 1] in _AMOUNT


def load_worlds(text: str | None = None) -> Worlds:
    """Those of foreign.txt, or of `text`. Raises TopicError."""
    if text is None:
        text = resources.files(__package__).joinpath("foreign.txt").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line and not line.startswith("#"):
            heading, colon, rest = line.partition(": ")
            if not colon or not heading or not rest:
                raise TopicError(f"foreign.txt line {number}: no words after {heading[:40]!r}")
            found.setdefault(heading, []).extend(rest.split(", "))
    ours, soft, both, aside = (frozenset(found.pop(heading, ())) for heading in ("ours", "soft", "both", "aside"))
    topics = {word: topic for topic, words in found.items() for word in words}
    return Worlds(topics, frozenset(topics) - aside, aside, ours, soft, both)
