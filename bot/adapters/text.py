"""Reply → plain text, for terminals, pipes and tests. Lines carry a tone, so that a terminal may colour them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rich.cells import cell_len, set_cell_size

from bot import formats
from bot.replies import Chart, Choices, Column, Fields, File, Link, Part, Progress, Reply, Secret, Table, Text

Tone = Literal["heading", "plain", "note", "warning", "label", "choice", "bar", "near", "over"]

_TimeForm = Literal["whole", "minute", "age"]
_TIMES: tuple[_TimeForm, ...] = ("whole", "minute", "age")

MOST_ROWS = 100
MOST_BARS = 25
_WIDEST, _NARROWEST = 60, 8
_GAP = "  "
_BAR = 30


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    tone: Tone = "plain"


def render(reply: Reply, now: datetime, *, width: int = 110, first_choice: int = 1) -> str:
    """The whole reply. `width` is in terminal cells; choices are numbered from `first_choice` on."""
    return "\n".join(line.text for line in lines(reply, now, width=width, first_choice=first_choice)) + "\n"


def lines(reply: Reply, now: datetime, *, width: int = 110, first_choice: int = 1) -> Iterator[Line]:
    """The lines of a reply, with an empty one between its parts."""
    number = first_choice
    between = False
    for part in reply.parts:
        if between and not _belongs(part):
            yield Line("")
        yield from _part(part, now, width, number)
        number += len(part.choices) if isinstance(part, Choices) else 0
        between = True
    old = reply.freshness.old if reply.freshness else ()
    yield from (Line(f"! {formats.clean(line)}", "warning") for line in old)
    foot = " · ".join(words for words in ("DEMO" if reply.demo else "", formats.footing(reply, now)) if words)
    if foot:
        yield from (Line(""), Line(foot, "note"))


def choices_of(replies: Sequence[Reply]) -> list[str]:
    """What pressing each numbered choice says, in the order of the numbers."""
    parts = [part for reply in replies for part in reply.parts if isinstance(part, Choices)]
    return [choice.said for part in parts for choice in part.choices]


def _belongs(part: Part) -> bool:
    """Whether a part stands right below the one before."""
    return isinstance(part, Text) and part.style in ("note", "plain")


def _part(part: Part, now: datetime, width: int, number: int) -> Iterator[Line]:
    match part:
        case Text():
            yield from _text(part)
        case Fields():
            yield from _fields(part)
        case Table():
            yield from _table(part, now, width)
        case Chart():
            yield from _chart(part)
        case Choices():
            yield from _choices(part, number)
        case File():
            size = f" ({formats.size(len(part.content))})" if part.content else ""
            yield Line(f"file: {formats.clean(part.name)}{size}", "label")
        case Progress():
            yield from _progress(part)
        case Secret():
            yield Line(f"{formats.clean(part.label)}: {formats.secret(part)}", "label")
        case Link():
            if part.to.startswith("http"):
                yield Line(f"{formats.clean(part.label)}: {formats.clean(part.to)}", "note")


def _text(part: Text) -> Iterator[Line]:
    before = "! " if part.style == "warning" else ""
    for line in formats.clean(part.text, lines=True).split("\n"):
        yield Line(before + line, part.style)
        before = ""


def _title(title: str) -> Iterator[Line]:
    if title:
        yield Line(formats.clean(title), "label")


def _fields(part: Fields) -> Iterator[Line]:
    yield from _title(part.title)
    labels = [formats.cut(formats.clean(label), 40) for label, _ in part.pairs]
    widest = max((cell_len(label) for label in labels), default=0)
    for label, (_, value) in zip(labels, part.pairs, strict=True):
        first, *rest = formats.clean(value or formats.UNKNOWN, lines=True).split("\n")
        yield Line(f"{_fit(label, widest)}{_GAP}{first}")
        yield from (Line(f"{' ' * widest}{_GAP}{line}") for line in rest)


def _table(part: Table, now: datetime, width: int) -> Iterator[Line]:
    yield from _title(part.title)
    total = max(part.total, len(part.rows))
    if not part.rows:
        yield Line("no rows" if not total else f"none of {formats.count(total)} rows is shown", "note")
        return
    yield from grid(part, now, width)
    if missing := left_out(part, now, width):
        yield Line(f"… {len(missing)} more columns: {', '.join(missing)}", "note")
    if left := formats.more(min(len(part.rows), MOST_ROWS), total):
        yield Line(f"… {left}", "note")


def grid(part: Table, now: datetime, width: int) -> Iterator[Line]:
    """The titles and the first MOST_ROWS rows in aligned columns, without those that do not fit in `width` cells."""
    titles, *rows = _cells(part, now, width)
    widths = _widths([titles, *rows], width)
    yield Line(_row(titles, widths, part.columns), "label")
    yield Line(_GAP.join("─" * w for w in widths), "note")
    yield from (Line(_row(row, widths, part.columns)) for row in rows)


def left_out(part: Table, now: datetime, width: int) -> list[str]:
    """The titles of the columns for which `grid` has no room."""
    titles, *rows = _cells(part, now, width)
    return titles[len(_widths([titles, *rows], width)) :]


def _cells(part: Table, now: datetime, width: int) -> list[list[str]]:
    """Titles and rows in words. Where they are too wide, a time is its minute alone, or its age alone."""
    cells: list[list[str]] = []
    for form in _TIMES:
        cells = [[_header(column, form) for column in part.columns]]
        for row in part.rows[:MOST_ROWS]:
            cells.append([_cell(cell, column, now, form) for cell, column in zip(row, part.columns, strict=False)])
        wide = sum(max(cell_len(row[at]) if at < len(row) else 0 for row in cells) for at in range(len(cells[0])))
        if wide + len(_GAP) * (len(part.columns) - 1) <= width:
            break
    return cells


def _header(column: Column, form: _TimeForm) -> str:
    title = _cut_cells(formats.clean(column.title), _WIDEST)
    return f"{title} UTC" if form == "minute" and column.type == "time" else title


def _cell(value: object, column: Column, now: datetime, form: _TimeForm) -> str:
    at = formats.moment(value) if column.type == "time" and value is not None else None
    if at is not None and form != "whole":
        return formats.minute(at) if form == "minute" else formats.ago(now - at)
    return _cut_cells(formats.format_cell(value, column.type, now), _WIDEST)


def _widths(rows: list[list[str]], width: int) -> list[int]:
    """The width of each column that fits: the widest give way first, then the last columns are left out."""
    widths = [max(cell_len(row[at]) if at < len(row) else 0 for row in rows) for at in range(len(rows[0]))]
    while len(widths) > 1 and sum(min(w, _NARROWEST) + len(_GAP) for w in widths) > width:
        widths.pop()
    while (over := sum(widths) + len(_GAP) * (len(widths) - 1) - width) > 0 and max(widths) > _NARROWEST:
        at = widths.index(max(widths))
        second = max((w for n, w in enumerate(widths) if n != at), default=0)
        widths[at] = max(widths[at] - over, min(second, widths[at] - 1), _NARROWEST)
    return widths


def _row(cells: list[str], widths: list[int], columns: tuple[Column, ...]) -> str:
    fitted = [
        _fit(cell, width, right=formats.is_numeric(column.type))
        for cell, width, column in zip(cells, widths, columns, strict=False)
    ]
    return _GAP.join(fitted).rstrip()


def _fit(text: str, width: int, *, right: bool = False) -> str:
    """Text in exactly `width` terminal cells; a wide character takes two."""
    text = _cut_cells(text, width)
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def _cut_cells(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


def _chart(part: Chart) -> Iterator[Line]:
    yield from _title(part.title)
    bars = part.bars[:MOST_BARS]
    labels = [_cut_cells(formats.clean(bar.label), 32) for bar in bars]
    widest = max((cell_len(label) for label in labels), default=0)
    share = bool(bars) and all(bar.limit is not None and bar.limit > 0 for bar in bars)
    longest = max((max(formats.amount(bar.value), formats.amount(bar.limit)) for bar in bars), default=0.0)
    for label, bar in zip(labels, bars, strict=True):
        full: Literal["fine", "near", "over"] = formats.fullness(bar.value, bar.limit)
        scale = bar.limit if share and bar.limit else longest
        words = formats.bar_value(bar.value, bar.limit, part.unit) + ("" if full == "fine" else f" ({_SAID[full]})")
        drawn = f"{_fit(label, widest)}{_GAP}{_bar(bar.value, scale)}{_GAP}{words}"
        yield Line(drawn, "bar" if full == "fine" else full)
    if left := formats.more(len(bars), len(part.bars)):
        yield Line(f"… {left}", "note")


_SAID: Mapping[str, str] = {"near": "near the limit", "over": "at the limit"}


def _bar(value: float, scale: float) -> str:
    scale = formats.amount(scale)
    full = round(min(formats.amount(value) / scale, 1.0) * _BAR) if scale else 0
    return "█" * full + "░" * (_BAR - full)


def _choices(part: Choices, number: int) -> Iterator[Line]:
    yield from _title(part.question)
    for at, choice in enumerate(part.choices, number):
        hint = f" · {formats.cut(formats.clean(choice.hint), 80)}" if choice.hint else ""
        yield Line(f"{at:>3}) {formats.cut(formats.clean(choice.label), 80)}{hint}", "choice")


def _progress(part: Progress) -> Iterator[Line]:
    share = f"{100 * part.done / part.of:.0f} %" if part.of > 0 else ""
    note = f" · {formats.clean(part.note)}" if part.note else ""
    yield Line(f"{formats.clean(part.label)}  {_bar(part.done, part.of)}  {share}{note}", "bar")
