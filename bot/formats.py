"""How one value reads, the same on every surface; and what makes foreign text harmless."""

import math
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Literal

from bot.replies import Cell, CellType, Chart, Reply, Secret

UNKNOWN = "—"

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?|\x9b[0-?]*[ -/]*[@-~]")
# Marks that reorder or hide text: direction, zero width space, joiners of nothing, invisible tags, annotations.
_HIDDEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SPACE = re.compile("[\n\t\u2028\u2029]+")
_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')
_NUMERIC: frozenset[CellType] = frozenset({"int", "float", "mib", "gib", "bytes", "percent"})


def clean(text: str, *, lines: bool = False) -> str:
    """Text from outside without terminal escapes, control, direction and hidden characters; one line unless `lines`."""
    if text.isascii() and text.isprintable():
        return text
    text = _ANSI.sub("", text.replace("\r\n", "\n"))
    text = _CONTROL.sub("", _HIDDEN.sub("", _SURROGATE.sub("\ufffd", text)))
    return _few_marks(text if lines else _SPACE.sub(" ", text))


def _few_marks(text: str) -> str:
    """At most three combining marks in a row: more of them paint over the neighbouring lines."""
    if text.isascii():
        return text
    out: list[str] = []
    run = 0
    for char in text:
        run = run + 1 if unicodedata.combining(char) else 0
        if run <= 3:
            out.append(char)
    return "".join(out)


def cut(text: str, length: int) -> str:
    """At most `length` characters, with an ellipsis where something is left out."""
    return text if len(text) <= length else text[: max(length - 1, 0)].rstrip() + "…"


def file_name(name: str) -> str:
    """A name to keep a file under: the last part of a path of any system, cleaned, never empty, of bounded length."""
    base = _NOT_IN_NAMES.sub("_", clean(name).replace("\\", "/").rpartition("/")[2]).strip(". ")
    stem, dot, end = base.rpartition(".")
    short = f"{stem[:120]}{dot}{end[:20]}" if dot else base[:120]
    return short.strip(". ") or "file"


def is_numeric(type_: CellType) -> bool:
    return type_ in _NUMERIC


def format_cell(value: Cell, type_: CellType, now: datetime) -> str:
    """A cell in words. A value that is not of its column's type is shown as it is, cleaned: never an error."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return UNKNOWN
    if type_ == "list" and isinstance(value, (list, tuple)):
        return ", ".join(clean(str(item)) for item in value) or "none"
    if type_ == "flag" and isinstance(value, bool):
        return "yes" if value else "no"
    if type_ == "time":
        return _time(value, now)
    if type_ in _NUMERIC and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value, type_)
    return clean(str(value))


def _number(value: float, type_: CellType) -> str:
    match type_:
        case "mib":
            return size(value * 2**20)
        case "gib":
            return size(value * 2**30)
        case "bytes":
            return size(value)
        case "percent":
            return f"{_short(value, 1)} %"
    return count(value)


def _time(value: Cell, now: datetime) -> str:
    at = moment(value)
    return clean(str(value)) if at is None else f"{stamp(at)} ({ago(now - at)})"


def moment(value: Cell) -> datetime | None:
    """The time of an ISO 8601 text (without a zone it is UTC), None if it is not one."""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def stamp(at: datetime) -> str:
    return f"{minute(at)} UTC"


def size(size_bytes: float) -> str:
    """Bytes in the largest binary unit that leaves at least 1: 68719476736 is 64 GiB."""
    unit = 0
    while abs(size_bytes) >= 1024 and unit < len(_BYTES) - 1:
        size_bytes, unit = size_bytes / 1024, unit + 1
    return f"{_short(size_bytes, 1 if abs(size_bytes) < 100 else 0)} {_BYTES[unit]}"


def count(value: float) -> str:
    """A number; thousands are set apart from 10,000 on, so that ports and years stay as they are written."""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    return f"{value:,.1f}" if abs(value) >= 10_000 else _short(value, 2)


def _short(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}" if abs(value) >= 10_000 else f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def age(delta: timedelta) -> str:
    """A span in one or two units: 40 s, 3 min, 4 h 12 min, 31 h, 6 days, 5 months, 3 years."""
    seconds = max(int(delta.total_seconds()), 0)
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < 10 * _HOUR and seconds % _HOUR >= _MINUTE:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h"
    days = seconds // _DAY
    if days < 60:
        return f"{days} days"
    return f"{days // 30} months" if days < 730 else f"{days // 365} years"


def ago(delta: timedelta) -> str:
    if delta < timedelta(0):
        return f"in {age(-delta)}"
    return "just now" if delta < timedelta(seconds=5) else f"{age(delta)} ago"


def sort_value(value: Cell, type_: CellType) -> str:
    """What a cell is sorted by: seconds for times, plain numbers, text folded; empty for unknown, which goes last."""
    if value is None:
        return ""
    if type_ == "time":
        at = moment(value)
        return "" if at is None else str(at.timestamp())
    if type_ in _NUMERIC or type_ == "flag":
        return str(float(value)) if isinstance(value, (int, float)) and math.isfinite(value) else ""
    if isinstance(value, (list, tuple)):
        return str(len(value)).zfill(6)
    return clean(str(value)).casefold()[:200]


def footing(reply: Reply, now: datetime) -> str:
    """The line below an answer: what was understood, and how old the data are."""
    parts = [clean(reply.scope)] if reply.scope else []
    if reply.freshness is not None:
        oldest = reply.freshness.oldest
        parts.append("age of the data unknown" if oldest is None else f"{age(now - oldest)} old")
    return " · ".join(parts)


def more(shown: int, total: int) -> str:
    """The sentence for what a table leaves out, empty when it is whole."""
    return f"{count(total - shown)} more of {count(total)}" if total > shown else ""


def amount(value: float | None) -> float:
    """The length of a bar: never negative, never endless."""
    return value if value is not None and math.isfinite(value) and value > 0 else 0.0


def bar_value(value: float, limit: float | None, unit: str) -> str:
    """The words behind a bar: 38 of 40 VMs, 12.5 %, 3 TiB."""
    if unit == "%" and limit == 100:
        limit = None  # everybody knows the whole of a percentage
    behind = f" {clean(unit)}" if unit else ""
    words = [count(number) if math.isfinite(number) else UNKNOWN for number in (value, limit) if number is not None]
    return " of ".join(words) + behind


def fullness(value: float, limit: float | None) -> Literal["fine", "near", "over"]:
    """`over` at or past the limit, `near` from 85 % of it on, else `fine`."""
    if limit is None or limit <= 0 or value < 0.85 * limit:
        return "fine" if limit is None or limit > 0 or value <= 0 else "over"
    return "over" if value >= limit else "near"


def chart_words(chart: Chart) -> str:
    """The words for who does not see the picture: the chart's own, or its bars read out."""
    if chart.alt:
        return chart.alt
    bars = ", ".join(f"{bar.label} {bar_value(bar.value, bar.limit, chart.unit)}" for bar in chart.bars[:8])
    return f"{chart.title}: {bars}" if bars else chart.title


def secret(part: Secret) -> str:
    """Its value; of one that is not here any more, that."""
    return part.value or "not shown here, and not kept"
