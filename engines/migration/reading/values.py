"""One cell: whatever was written there, as a text, a whole number, a truth value or a time.

Nothing is refused here: a blank in any spelling is None, and what cannot be read is UNREADABLE, to be counted.
"""

import math
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, get_args

Cell = str | float | int | bool | datetime | date | time | timedelta | None
Kind = Literal["text", "count", "flag", "time"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Unreadable:
    """The type of UNREADABLE."""


UNREADABLE: Final = Unreadable()

_BLANKS = frozenset({"", "-", "n/a", "na", "null", "none given", "#n/a"})
_LONGEST_BLANK = max(map(len, _BLANKS))
_TRUE = frozenset({"true", "1", "yes", "y", "on", "wahr", "ja", "vrai", "oui"})
_FALSE = frozenset({"false", "0", "no", "n", "off", "falsch", "nein", "faux", "non"})
_SIGNS = "., '’\u00a0\u202f\u2009_"
_GROUPED = re.compile(rf"[1-9]\d{{0,2}}(?:[{_SIGNS}]\d{{2,3}})*[{_SIGNS}]\d{{3}}")
_DECIMAL = re.compile(rf"(\d[\d{_SIGNS}]*)([.,])(\d+)")
_STRIP = str.maketrans("", "", _SIGNS)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")
_EXCEL_START = datetime(1899, 12, 30, tzinfo=UTC)
_MOST = 10**15  # above it a number is no size, count or frequency
_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
)


def text(value: Cell) -> str | None:
    """Trimmed, one line, without control characters; a number that Excel made of a name is written out again."""
    if isinstance(value, str):
        found = value if value.isprintable() else _CONTROL.sub(" ", value)
        found = found.strip()
        return None if len(found) <= _LONGEST_BLANK and found.lower() in _BLANKS else found
    if value is None:
        return None
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def count(value: Cell) -> int | Unreadable | None:
    """A whole number: in a text every dot, comma, blank and apostrophe between groups of three is grouping."""
    if isinstance(value, (float, int)):
        return round(value) if math.isfinite(value) and abs(value) < _MOST else UNREADABLE
    if not isinstance(value, str):
        return None if value is None else UNREADABLE
    found = value.strip().removesuffix("%").strip()
    if found.lower() in _BLANKS:
        return None
    sign = -1 if found[:1] == "-" else 1
    number = _digits(found[1:] if found[:1] in "+-" else found)
    return UNREADABLE if number is None or number >= _MOST else sign * number


def _digits(found: str) -> int | None:
    if found.isascii() and found.isdigit():
        return int(found) if len(found) < 20 else None
    if len(found) > 40:
        return None
    if _is_grouped(found):
        return int(found.translate(_STRIP))
    decimal = _DECIMAL.fullmatch(found)
    if decimal is None:
        return None
    whole, point = decimal[1], decimal[2]
    if not whole.isdigit() and (point in whole or not _is_grouped(whole)):
        return None
    return round(float(f"{whole.translate(_STRIP)}.{decimal[3]}"))


def _is_grouped(found: str) -> bool:
    """By one sign throughout."""
    return _GROUPED.fullmatch(found) is not None and len({sign for sign in found if not sign.isdigit()}) == 1


def flag(value: Cell) -> bool | Unreadable | None:
    if isinstance(value, bool):
        return value
    found = text(value)
    if found is None:
        return None
    lowered = found.lower()
    return True if lowered in _TRUE else False if lowered in _FALSE else UNREADABLE


def moment(value: Cell) -> datetime | Unreadable | None:
    """A time as UTC: an export says the time of the computer it was made on, without a zone."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, (float, int)) and not isinstance(value, bool):
        return _EXCEL_START + timedelta(seconds=round(value * 86_400)) if 1 <= value < 200_000 else UNREADABLE
    if not isinstance(value, str):
        return None if value is None else UNREADABLE
    found = text(value)
    return None if found is None else _written(found)


def _written(found: str) -> datetime | Unreadable | None:
    if len(found) > 40:
        return UNREADABLE
    try:
        at = datetime.fromisoformat(found)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    for form in _FORMATS:
        try:
            return datetime.strptime(found, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    serial = count(found) if re.fullmatch(r"\d{5}(?:[.,]\d+)?", found) else None
    return moment(float(found.replace(",", "."))) if isinstance(serial, int) else UNREADABLE


PARSERS: Final = {"text": text, "count": count, "flag": flag, "time": moment}
