"""What goes out: a reply is data; each way out has one renderer for it.

Text is plain: a renderer escapes it for its surface. `**` and other markup mean nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
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
    """Rows of a longer whole: `total` counts all of them; a renderer says "N more" when it shows fewer.

    `opens` is what to say to see each row whole, empty for rows that stand for nothing.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    title: str = ""
    opens: tuple[str, ...] = ()


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
    """A file to download. `id` is where it is stored (`stored_file`), empty until it is."""

    name: str
    mime: str
    content: bytes = field(repr=False)
    id: str = ""


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


@dataclass(frozen=True, slots=True)
class Link:
    """To one of our own pages. `to` is its path there; a surface that is no page puts the public address before it,
    and shows nothing where it knows none."""

    label: str
    to: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A value for the eyes of the asker, now: it is in the reply at hand alone, and in nothing that is kept of it. An
    empty one was shown before."""

    label: str
    value: str = field(default="", repr=False)


Part = Text | Fields | Table | Chart | File | Choices | Progress | Link | Secret
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
    """One answer. `scope` is what was understood, in words; `demo` puts the label DEMO on it everywhere.

    `private`: for the asker alone, wherever it was asked; an adapter brings it to them directly. `about` are the kinds
    of objects that it shows where the question does not name them. `follows` is what it goes on telling of, such as
    sync/7 or request/7: where a message can be edited, it is until that has ended.
    """

    parts: tuple[Part, ...]
    outcome: Outcome = "answered"
    scope: str = ""
    freshness: Freshness | None = None
    demo: bool = False
    intent: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
    private: bool = False
    about: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()


def to_json(reply: Reply) -> dict[str, Any]:
    """A reply as JSON values, to be kept and shown again; the content of files stays where it is stored, and no
    secret is in it."""
    data = {f.name: getattr(reply, f.name) for f in fields(reply) if f.name not in ("parts", "freshness", "slots")}
    fresh = reply.freshness
    data["slots"] = dict(reply.slots)
    data["about"] = list(reply.about)
    data["follows"] = list(reply.follows)
    data["freshness"] = (
        None
        if fresh is None
        else {"oldest": fresh.oldest.isoformat() if fresh.oldest else None, "old": list(fresh.old)}
    )
    data["parts"] = [{"part": type(p).__name__.lower(), **asdict(_bare(p))} for p in reply.parts]
    for part in data["parts"]:
        part.pop("content", None)
    return data


def _bare(part: Part) -> Part:
    """Without what is not to be kept."""
    if isinstance(part, Secret):
        return Secret(part.label)
    return replace(part, content=b"") if isinstance(part, File) else part


def from_json(data: Mapping[str, Any]) -> Reply:
    """The opposite of `to_json`; raises KeyError or TypeError on what it never wrote."""
    fresh = data["freshness"]
    oldest = datetime.fromisoformat(fresh["oldest"]) if fresh and fresh["oldest"] else None
    return Reply(
        parts=tuple(_part(p) for p in data["parts"]),
        outcome=data["outcome"],
        scope=data["scope"],
        demo=data["demo"],
        intent=data["intent"],
        slots=data["slots"],
        private=data.get("private", False),
        about=tuple(data.get("about", ())),
        follows=tuple(data.get("follows", ())),
        freshness=None if fresh is None else Freshness(oldest, tuple(fresh["old"])),
    )


def _part(data: Mapping[str, Any]) -> Part:
    values = {k: v for k, v in data.items() if k != "part"}
    match data["part"]:
        case "text":
            return Text(**values)
        case "fields":
            return Fields(tuple((k, v) for k, v in values["pairs"]), values["title"])
        case "table":
            return Table(
                tuple(Column(**c) for c in values["columns"]),
                tuple(tuple(r) for r in values["rows"]),
                values["total"],
                values["title"],
                tuple(values.get("opens", ())),
            )
        case "chart":
            return Chart(**{**values, "bars": tuple(Bar(**b) for b in values["bars"])})
        case "file":
            return File(**values, content=b"")
        case "choices":
            return Choices(tuple(Choice(**c) for c in values["choices"]), values["question"])
        case "progress":
            return Progress(**values)
        case "link":
            return Link(**values)
        case "secret":
            return Secret(values["label"])
    raise KeyError(data["part"])
