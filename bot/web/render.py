"""Reply → HTML. Every value passes `clean` and Jinja's escaping; text from outside stands in <bdi>."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bot import formats
from bot.deciding import without_marks
from bot.naming import without_ids
from bot.replies import Cell, Chart, Column, File, Reply, Table

HERE = Path(__file__).parent
MOST_ROWS = 200
FIRST_ROWS = 10
_MOST_CHARTS = 500

_GOOD = frozenset(
    {
        "active",
        "up",
        "ok",
        "available",
        "in-use",
        "enabled",
        "done",
        "complete",
        "completed",
        "running",
        "poweredon",
        "on",
        "yes",
    }
)
_BAD = frozenset({"error", "failed", "down", "dead", "critical", "unreachable", "error_deleting", "error_restoring"})
_BUSY = frozenset(
    {
        "build",
        "building",
        "migrating",
        "resize",
        "verify_resize",
        "reboot",
        "hard_reboot",
        "creating",
        "attaching",
        "detaching",
        "deleting",
        "rebuild",
        "warning",
        "waiting",
        "unknown",
        "partial",
        "maintenance",
        "downloading",
        "backing-up",
        "restoring-backup",
    }
)
_STATES = frozenset({"state", "status", "power", "outcome", "health"})


@dataclass(frozen=True, slots=True)
class ShownCell:
    text: str
    sort: str
    tone: str = ""
    percent: str = ""
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table as the template wants it: the first rows are seen at once, the rest on demand."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[ShownCell, ...], ...]
    total: int
    opens: tuple[str, ...] = ()

    @property
    def folded(self) -> int:
        return max(len(self.rows) - FIRST_ROWS, 0) if len(self.rows) > FIRST_ROWS + 2 else 0


class Charts:
    """Charts on show, by session and digest of what they say: a picture is drawn when a browser asks for it."""

    def __init__(self) -> None:
        self._charts: OrderedDict[tuple[str, str], Chart] = OrderedDict()

    def put(self, session: str, chart: Chart) -> str:
        digest = hashlib.sha256(repr(chart).encode("utf-8", "replace")).hexdigest()[:32]
        self._charts[(session, digest)] = chart
        self._charts.move_to_end((session, digest))
        while len(self._charts) > _MOST_CHARTS:
            self._charts.popitem(last=False)
        return digest

    def get(self, session: str, digest: str) -> Chart | None:
        return self._charts.get((session, digest))


def tone(value: Cell) -> str:
    """What colour a state has: good, bad, busy or idle."""
    word = str(value).strip().casefold()
    if word in _GOOD:
        return "good"
    if word in _BAD:
        return "bad"
    return "busy" if word in _BUSY else "idle"


def is_state(name: str) -> bool:
    return name.strip().casefold() in _STATES


def shown_table(table: Table, now: datetime) -> ShownTable:
    rows = tuple(_row(table.columns, row, now) for row in table.rows[:MOST_ROWS])
    return ShownTable(table.title, table.columns, rows, max(table.total, len(table.rows)), table.opens)


def _row(columns: tuple[Column, ...], row: tuple[Cell, ...], now: datetime) -> tuple[ShownCell, ...]:
    return tuple(_cell(column, value, now) for column, value in zip(columns, row, strict=False))


def _cell(column: Column, value: Cell, now: datetime) -> ShownCell:
    cell = ShownCell(formats.format_cell(value, column.type, now), formats.sort_value(value, column.type))
    if column.type == "percent" and cell.sort:
        full = formats.fullness(float(value), 100.0)
        return replace(cell, percent=f"{min(max(float(value), 0.0), 100.0):.1f}", tone=full)
    if column.type == "time":
        return replace(cell, time=formats.moment(value))
    if column.type == "text" and value is not None and (is_state(column.name) or is_state(column.title)):
        return replace(cell, tone=tone(value))
    return cell


def _clean_unless_markup(value: Any) -> Any:
    """Jinja's finalize: what is not markup made by a template is cleaned before it is escaped."""
    return formats.clean(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value


def _as_it_is(text: str) -> Markup:
    """Escaped, not cleaned: what a button says must be the very name, also one with hidden characters."""
    return escape(text.replace("\0", "").encode("utf-8", "replace").decode())


def _asset_version() -> str:
    digest = hashlib.sha256()
    for path in sorted((HERE / "static").iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class Renderer:
    """Holds the templates, and the charts that the HTML it made points to."""

    def __init__(self, charts: Charts) -> None:
        self.charts = charts
        self._jinja = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_clean_unless_markup,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters["as_it_is"] = _as_it_is
        self._jinja.globals.update(
            footing=formats.footing,
            secret=formats.secret,
            more=formats.more,
            kind_of=lambda part: type(part).__name__.lower(),
            is_numeric=formats.is_numeric,
            is_state=is_state,
            tone=tone,
            size=formats.size,
            stamp=formats.stamp,
            minute=formats.minute,
            cut=formats.cut,
            headed=headed,
            ago=formats.ago,
            count=formats.count,
            shown_table=shown_table,
            chart_alt=formats.chart_words,
            extension=extension,
            version=_asset_version(),
        )

    def reply(self, reply: Reply, session: str, now: datetime, live: str = "") -> str:
        """`live` is the key of a card that will be redrawn, empty for one that stays as it is."""
        return self._render("reply.html", reply=reply, session=session, now=now, live=live, put=self.charts.put)

    def said(self, text: str, files: tuple[str, ...], at: datetime, id_: str = "") -> str:
        shown = without_ids(without_marks(text))
        return self._render("said.html", text=shown, files=files, at=at.astimezone(UTC), id=id_)

    def page(self, **values: Any) -> str:
        return self._render("page.html", **values)

    def plan(self, template: str, **values: Any) -> str:
        """A page of a migration plan."""
        return self._render(template, **values)

    def enter(self) -> str:
        return self._render("enter.html")

    def notice(self, title: str, lines: tuple[str, ...]) -> str:
        return self._render("notice.html", title=title, lines=lines)

    def _render(self, template: str, **values: Any) -> str:
        return self._jinja.get_template(template).render(**values)


def headed(title: str) -> str:
    """A column's title begins large, unless its first word is a term such as vCPU."""
    first = title.partition(" ")[0]
    return title[:1].upper() + title[1:] if first.islower() else title


def extension(file: File) -> str:
    """What stands on the icon of a file: XLSX, CSV."""
    _, dot, end = file.name.rpartition(".")
    return end[:4].upper() if dot and end.isascii() and end.isalnum() else "FILE"
