"""The phrases of the lexicon and what each means, made one by one as sentences ask for them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from intents.inflection import Form

_POINTING = frozenset({"when", "who", "which", "what", "all", "any", "every", "me", "my", "i"})


class Sense(NamedTuple):
    """One meaning of a word: `concept` as claims write it; `value` for slot words (k:vm has the value "vm")."""

    concept: str
    value: str = ""
    form: Form = ""


@dataclass(frozen=True, slots=True)
class Phrase:
    words: tuple[str, ...]
    senses: tuple[Sense, ...]
    weight: float
    filler: bool
    own: int


class Phrases(Mapping[str, Sequence[Phrase]]):
    """First word, or first two -> phrases, longest first; each is made when it is first asked for.

    "power-on" is found as "power on".
    """

    def __init__(self, senses: Mapping[tuple[str, ...], Mapping[Sense, None]], fillers: Collection[str]) -> None:
        self.senses, self.fillers = senses, fillers
        self._keys: dict[str, list[tuple[str, ...]]] = {}
        self._made: dict[str, Sequence[Phrase]] = {}
        for words in senses:
            self._keys.setdefault(words[0] if len(words) == 1 else f"{words[0]} {words[1]}", []).append(words)

    def __getitem__(self, key: str) -> Sequence[Phrase]:
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(key)
        if not made:
            raise KeyError(key)
        return made

    def get(self, key: str, default: Any = ()) -> Any:
        made = self._made.get(key)
        if made is None and (key in self._keys or "-" in key):
            made = self._made[key] = self._make(key)
        return made or default

    def __contains__(self, key: object) -> bool:
        return key in self._keys or ("-" in str(key) and self._dashed(str(key)) in self.senses)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def _make(self, key: str) -> Sequence[Phrase]:
        found = [self._phrase(words, self.senses[words]) for words in self._keys.get(key, ())]
        if "-" in key and (parted := self.senses.get(self._dashed(key))):
            own = self.senses.get((key,), {})
            found = [self._phrase((key,), {**own, **parted}), *(phrase for phrase in found if len(phrase.words) > 1)]
        return sorted(found, key=lambda phrase: -len(phrase.words))

    def _dashed(self, key: str) -> tuple[str, ...]:
        return () if " " in key else tuple(key.split("-"))

    def _phrase(self, words: tuple[str, ...], senses: Mapping[Sense, None]) -> Phrase:
        filler = len(words) == 1 and words[0] in self.fillers
        weight = weigh(words, tuple(senses), filler)
        return Phrase(words, (*senses, *self._inner(words)), weight, filler, len(senses))

    def _inner(self, words: tuple[str, ...]) -> list[Sense]:
        """What parts of a phrase mean alone goes with it ("open requests" is open, and requests); values do not."""
        if len(words) == 1:
            return []
        held = self.senses[words]
        if any((s.value and s.concept != "event") or s.concept == "FOREIGN" for s in held):
            return []
        event = any(s.concept == "event" for s in held)
        found: dict[Sense, None] = {}
        for size in range(1, len(words)):
            for at in range(len(words) - size + 1):
                part = words[at : at + size]
                if size > 1 or part[0] not in self.fillers or part[0] in _POINTING:
                    senses = self.senses.get(part, {})
                    if not (event and any(s.concept == "DELETE" for s in senses)):  # "health drop" orders no dropping
                        found.update(dict.fromkeys(senses))
        meanings = (
            s
            for s in found
            if s.concept.startswith("k:")
            or s.concept in {"metric", "service", "field"}
            or (s.concept[0].isupper() and s.concept != "FOREIGN")
        )
        return [s for s in meanings if s not in held]


def weigh(words: Sequence[str], senses: Sequence[Sense], filler: bool) -> float:
    """A word of one meaning says much, one of ten meanings little; each further word of a phrase makes it surer."""
    several = len({sense.concept.removesuffix(".past") for sense in senses}) if len(senses) > 1 else 1
    weight = max(0.5, 2.2 - 0.25 * (several - 1))
    if filler and len(words) == 1:
        return 0.4
    return weight + 0.6 * (min(len(words), 4) - 1)
