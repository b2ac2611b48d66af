"""Claims: which meanings speak for which intent, and how much."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from intents.registry import Catalogue

_BONUS = re.compile(r"[+-]\d+(\.\d+)?")


class ClaimError(ValueError):
    """A claim cannot be read; the message names the line."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`needs`: one feature of each set; `never`: none of these; `also`: credited where they are there."""

    intent: str
    needs: tuple[tuple[str, ...], ...]
    never: frozenset[str]
    also: tuple[str, ...]
    bonus: float
    line: int


@dataclass(frozen=True)
class Claims:
    """All claims, indexed by the features of their rarest term so that a sentence meets only a few of them."""

    by_feature: Mapping[str, Sequence[Claim]]
    all: tuple[Claim, ...]
    families: Mapping[str, frozenset[str]]

    def for_features(self, features: Iterable[str]) -> Iterable[Claim]:
        seen: set[int] = set()
        for feature in features:
            for claim in self.by_feature.get(feature, ()):
                if claim.line not in seen:
                    seen.add(claim.line)
                    yield claim


def load_claims(catalogue: Catalogue, text: str | None = None) -> Claims:
    """The claims that come with the program, or those in `text`. Raises ClaimError."""
    if text is None:
        text = resources.files(__package__).joinpath("claims.txt").read_text(encoding="utf-8")
    claims = [_claim(number, name, body, catalogue) for number, name, body in _lines(text)]
    spread: dict[str, int] = {}
    for claim in claims:
        for feature in {feature for need in claim.needs for feature in need}:
            spread[feature] = spread.get(feature, 0) + 1
    index: dict[str, list[Claim]] = {}
    for claim in claims:
        rarest = min(claim.needs, key=lambda need: sum(spread[feature] for feature in need))
        for feature in rarest:
            index.setdefault(feature, []).append(claim)
    return Claims(index, tuple(claims), _families(claims))


def _families(claims: Iterable[Claim]) -> Mapping[str, frozenset[str]]:
    """Intent -> all meanings that any claim of it lives on."""
    found: dict[str, set[str]] = {}
    for claim in claims:
        meant = {feature for need in claim.needs for feature in need} | set(claim.also)
        found.setdefault(claim.intent, set()).update(feature for feature in meant if feature[0].isupper())
    return {intent: frozenset(meant) for intent, meant in found.items()}


def _forms(features: Iterable[str]) -> tuple[str, ...]:
    """A question may use any form of a verb ("which jobs are running"); a command only the forms that it names."""
    found: list[str] = []
    for feature in features:
        found.append(feature)
        if feature.isupper():
            found += [f"{feature}.ing", f"{feature}.s"]
    return tuple(found)


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """(line number, intent, terms) of each claim: "intent: terms" alone, or the indented lines below "intent:"."""
    block = shared = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(" "):
            if line.split()[0] == "all":
                shared = line.strip().removeprefix("all")
            else:
                yield number, block, line + shared
            continue
        name, colon, body = line.partition(":")
        if body.strip() or not colon:
            yield number, name, body
        else:
            block, shared = name, ""


def _claim(number: int, name: str, body: str, catalogue: Catalogue) -> Claim:
    if name.strip() not in catalogue.intents:
        raise ClaimError(f"claims line {number}: {name.strip()!r} is no intent of the catalogue")
    needs: list[tuple[str, ...]] = []
    never: set[str] = set()
    also: list[str] = []
    bonus = 0.0
    for term in body.split():
        if _BONUS.fullmatch(term):
            bonus += float(term)
        elif term.startswith("!"):
            never.add(term[1:])
        elif term.startswith("~"):
            also.extend(_forms((term[1:],)))
        else:
            needs.append(tuple(term.split("|")))
    if not catalogue.intents[name.strip()].writes:
        needs = [_forms(need) for need in needs]
    if not needs:
        raise ClaimError(f"claims line {number}: nothing is needed for {name.strip()!r}, so it would match everything")
    return Claim(name.strip(), tuple(needs), frozenset(never), tuple(also), bonus, number)
