"""Numbers and sizes: "5", "five", "a dozen", "8/64", "64 gb", "10 gbit", "16 vcpus"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from intents.tokens import Token

AmountKind = Literal["number", "gib", "vcpus", "gbps", "times", "size"]

_WORDS = {
    word: value
    for value, words in {
        0: "zero", 1: "one", 2: "two couple", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight",
        9: "nine", 10: "ten", 11: "eleven", 12: "twelve dozen", 13: "thirteen", 14: "fourteen", 15: "fifteen",
        16: "sixteen", 17: "seventeen", 18: "eighteen", 19: "nineteen", 20: "twenty", 30: "thirty", 40: "forty",
        50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety", 100: "hundred", 1000: "thousand",
    }.items()
    for word in words.split()
}  # fmt: skip
_SIZE = re.compile(r"([\d.,]+)\s*([a-z/]+)")
_UNITS: dict[str, tuple[AmountKind, float]] = {
    "gib": ("gib", 1), "gb": ("gib", 1), "g": ("gib", 1), "gig": ("gib", 1), "gigs": ("gib", 1), "gigabyte": ("gib", 1),
    "gigabytes": ("gib", 1), "tb": ("gib", 1024), "tib": ("gib", 1024), "t": ("gib", 1024), "terabyte": ("gib", 1024),
    "terabytes": ("gib", 1024), "mb": ("gib", 1 / 1024), "mib": ("gib", 1 / 1024), "gbit": ("gbps", 1),
    "gbps": ("gbps", 1), "gbit/s": ("gbps", 1), "gigabit": ("gbps", 1),
    "mbit": ("gbps", 0.001), "mbps": ("gbps", 0.001),
    "vcpu": ("vcpus", 1), "vcpus": ("vcpus", 1), "cpu": ("vcpus", 1), "cpus": ("vcpus", 1), "core": ("vcpus", 1),
    "cores": ("vcpus", 1), "x": ("times", 1), "times": ("times", 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amount:
    """`value` in the unit of `kind`: GiB, vCPUs, Gbit/s. A size "8/64" has `second` (GiB of memory) too."""

    kind: AmountKind
    value: int | float
    start: int
    end: int
    second: int | float = 0


def is_number_word(word: str) -> bool:
    return word in _WORDS


def number(word: str) -> int | float | None:
    """A number in digits or words; a comma or point with three digits after it is a thousands mark."""
    if len(word) > 15:
        return None
    if word in _WORDS:
        return _WORDS[word]
    if not word[:1].isdigit():
        return None
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", word):
        return int(re.sub(r"[.,]", "", word))
    try:
        return tidy(float(word.replace(",", ".")))
    except ValueError:
        return None


def tidy(value: float) -> int | float:
    return int(value) if value == int(value) else round(value, 3)


def find_amounts(tokens: Sequence[Token]) -> tuple[Amount, ...]:
    """Every amount, left to right."""
    found: list[Amount] = []
    at = 0
    while at < len(tokens):
        amount = _amount(tokens, at)
        if amount:
            found.append(amount)
        at = amount.end if amount else at + 1
    return tuple(found)


def _amount(tokens: Sequence[Token], at: int) -> Amount | None:
    token = tokens[at]
    if token.kind == "size":
        return _sized(token.fold, at)
    if token.kind not in {"number", "word"}:
        return None
    if token.kind == "word" and token.fold not in _WORDS:
        return None
    if token.fold == "couple" and (at + 1 >= len(tokens) or tokens[at + 1].fold != "of"):
        return None  # "couple it to the policy"
    value = number(token.fold)
    if value is None or value > 10**12:
        return None
    unit = _UNITS.get(tokens[at + 1].fold) if at + 1 < len(tokens) and tokens[at + 1].kind == "word" else None
    if unit:
        return Amount(unit[0], tidy(value * unit[1]), at, at + 2)
    return Amount("number", value, at, at + 1)


def _sized(said: str, at: int) -> Amount | None:
    if "/" in said and said[-1].isdigit():
        first, _, second = said.partition("/")
        return Amount("size", int(first), at, at + 1, int(second)) if len(said) < 20 else None
    match = _SIZE.fullmatch(said)
    value = number(match[1]) if match else None
    if match is None or value is None or match[2] not in _UNITS:
        return None
    kind, factor = _UNITS[match[2]]
    return Amount(kind, tidy(value * factor), at, at + 1)
