"""How a column is declared."""

from dataclasses import dataclass

from engines.migration.reading.values import Kind


@dataclass(frozen=True, slots=True)
class Field:
    """`titles`: the first is RVTools' own in 4.x, the others are what it was called before or by others."""

    name: str
    titles: tuple[str, ...]
    kind: Kind


def text(name: str, *titles: str) -> Field:
    return Field(name, titles, "text")


def number(name: str, *titles: str) -> Field:
    """A whole number: RVTools has no others that are read here."""
    return Field(name, titles, "count")


def flag(name: str, *titles: str) -> Field:
    return Field(name, titles, "flag")


def time(name: str, *titles: str) -> Field:
    return Field(name, titles, "time")
