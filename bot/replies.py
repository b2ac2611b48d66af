"""What goes out: a reply is data; each way out has one renderer for it.

Text is plain: a renderer escapes it for its surface. `**` and other markup mean nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

CellType = Literal["text", "int", "float", "flag", "time", "mib", "gib", "bytes", "percent", "list"]
Cell = Any
"""A JSON value by the column's type: text str, int/mib/gib/bytes int, float, flag bool, time ISO 8601 string in UTC,
percent a float where 12.5 is 12.5 %, list a list of str. None is unknown, and shown as an em dash, never as zero."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    title: str
    type: CellType = "text"


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph. `style`: heading is the answer itself in one line; note is small; warning stands out."""

    text: str
    style: Literal["heading", "plain", "note", "warning"] = "plain"


@dataclass(frozen=True, slots=True)
class Fields:
    """Label and value pairs of one object, under an optional title."""

    pairs: tuple[tuple[str, str], ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a longer whole: `total` counts all of them; a renderer says "N more" when it shows fewer."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    title: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart; `limit` is the end of the scale for it (a quota, a capacity), None if there is none."""

    label: str
    value: float
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Horizontal bars, longest first. `unit` is printed behind the values. `alt` says in words what it shows."""

    title: str
    bars: tuple[Bar, ...]
    unit: str = ""
    alt: str = ""


@dataclass(frozen=True, slots=True)
class File:
    name: str
    mime: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """A button. Pressing it says `said` in the same conversation; `hint` tells it from its neighbours."""

    label: str
    said: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    choices: tuple[Choice, ...]
    question: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    label: str
    done: int
    of: int
    note: str = ""


Part = Text | Fields | Table | Chart | File | Choices | Progress
Outcome = Literal["answered", "not_understood", "not_found", "ambiguous", "incomplete", "not_allowed", "failed"]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the data of an answer are: `oldest` is the time of the oldest complete listing behind it.

    `old` has one line for each source and kind whose last listing failed: what, since when, why, what to do.
    """

    oldest: datetime | None = None
    old: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `scope` is what was understood, in words; `demo` puts the label DEMO on it everywhere."""

    parts: tuple[Part, ...]
    outcome: Outcome = "answered"
    scope: str = ""
    freshness: Freshness | None = None
    demo: bool = False
    intent: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
