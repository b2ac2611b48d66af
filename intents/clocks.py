"""Hours of the day as people write and say them."""

from collections.abc import Callable

from intents.amounts import number
from intents.calendars import CLOCK

_AFTERNOON = frozenset({"afternoon", "evening"})
_MARKS = frozenset({"am", "pm", "a.m", "p.m", "o'clock", "oclock", "uhr", "h"})


def read_clock(word: Callable[[int], str], at: int, *, needs_mark: bool) -> tuple[int, int, int] | None:
    """(hour, minute, token behind) of the clock at token `at`; `word(i)` is token i, "" where there is none.

    `needs_mark`: a bare number is not an hour without ":", am, pm or o'clock.
    """
    if word(at) in {"noon", "midday", "midnight"}:
        return (0 if word(at) == "midnight" else 12), 0, at + 1
    spoken = _spoken(word, at)
    if spoken:
        return spoken
    match = CLOCK.fullmatch(word(at))
    if not match:
        return _worded(word, at)
    half, end = match[3] or "", at + 1
    if not half and word(end) in _MARKS:
        half, end = word(end).replace(".", ""), end + 1
    hour, behind = _half_of_day(word, int(match[1]), half, end)
    if needs_mark and not (match[2] or half or behind > end):
        return None
    minute = int(match[2] or 0)
    return (hour, minute, behind) if hour <= 24 and minute < 60 else None


def _spoken(word: Callable[[int], str], at: int) -> tuple[int, int, int] | None:
    """ "half past seven", "a quarter to 8", "ten past nine"."""
    at += 1 if word(at) == "a" and word(at + 1) == "quarter" else 0
    minutes = {"half": 30.0, "quarter": 15.0}.get(word(at)) or number(word(at))
    towards = word(at + 1)
    hour = number(word(at + 2)) if towards in {"past", "to", "after"} else None
    if not minutes or hour is None or not 0 < minutes < 60 or not 0 < hour <= 24:
        return None
    if word(at) not in {"half", "quarter"} and (towards == "after" or word(at - 1) != "at"):
        return None  # "from 5 to 8" are two hours
    whole, end = _half_of_day(word, int(hour), "", at + 3)
    past = whole * 60 + int(minutes) if towards != "to" else whole * 60 - int(minutes)
    return past // 60, past % 60, end


def _worded(word: Callable[[int], str], at: int) -> tuple[int, int, int] | None:
    """ "seven o'clock", "eight in the morning"."""
    hour = number(word(at))
    if hour is None or not 0 < hour <= 12 or hour != int(hour):
        return None
    marked = word(at + 1) in _MARKS
    whole, end = _half_of_day(word, int(hour), word(at + 1).replace(".", "") if marked else "", at + 1 + marked)
    return (whole, 0, end) if end > at + 1 else None


def _half_of_day(word: Callable[[int], str], hour: int, half: str, end: int) -> tuple[int, int]:
    """The hour of 24 and the token behind "pm", "in the evening", "in the morning"."""
    if half not in {"am", "pm"} and word(end) == "in" and word(end + 1) == "the":
        part = word(end + 2)
        half = "pm" if part in _AFTERNOON else "am" if part == "morning" else ""
        end += 3 if half else 0
    if half not in {"am", "pm"}:
        return hour, end
    return (hour % 12 + (12 if half == "pm" else 0) if hour <= 12 else hour), end
