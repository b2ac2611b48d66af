"""Words and shapes of dates, and steps in the calendar."""

import re
from datetime import datetime, timedelta

from intents.tokens import word_set

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_WORDS = {
    **{day: at for at, day in enumerate(DAYS)}, **{day[:3]: at for at, day in enumerate(DAYS)},
    **{day + "s": at for at, day in enumerate(DAYS)}, "tues": 1, "weds": 2, "thur": 3, "thurs": 3,
}  # fmt: skip
AMBIGUOUS_DAYS = frozenset({"sun", "sat", "wed", "mon"})  # are words or names too: only after "on", "since", "last"
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
MONTH_WORDS = {**{m: at for at, m in enumerate(MONTHS, 1)}, **{m[:3]: at for at, m in enumerate(MONTHS, 1)},
                "sept": 9}  # fmt: skip
UNITS = {
    word: unit
    for unit, words in {
        "minute": "minute minutes min mins", "hour": "hour hours h hr hrs", "day": "day days d", "week": "week weeks",
        "month": "month months", "quarter": "quarter quarters", "year": "year years",
    }.items()
    for word in words.split()
}  # fmt: skip
SHORT = re.compile(r"(\d{1,4})(h|hr|hrs|d|w|min|mins|m)")
CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?\s?(am|pm)?")
PLAIN_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:t(\d{2}):(\d{2})(?::\d{2})?z?)?")
DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})?")
ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_COUNTED = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth"
)
DAY_NUMBERS = {word: f"{at}." for at, word in enumerate(_COUNTED.split(), 1)}  # "the first of october"
SINCE = frozenset({"since", "from", "after", "starting", "beginning"})
UNTIL = frozenset({"until", "till", "til", "to", "before", "by", "-", "through", "up", "'til", "ending", "and"})
DURING = frozenset({"in", "during", "over", "for", "within", "on", "at", "of", "from"})
LAST = frozenset({"last", "past", "previous", "recent", "preceding", "prior"})
# a time begins with one of these, a number or a digit
FIRST_WORDS = (
    LAST | DAY_WORDS.keys() | MONTH_WORDS.keys() | DAY_NUMBERS.keys() | word_set(
        "this current next coming start beginning weekend today yesterday tomorrow tmrw tonight now day a an half "
        "quarter noon midday midnight"
    )
)  # fmt: skip
OLDER = frozenset({"older", "elder"})
NEWER = frozenset({"newer", "younger", "fresher"})
# an interval begins with one of these, a number or a digit
OPENERS = FIRST_WORDS | SINCE | DURING | LAST | UNTIL | OLDER | NEWER | word_set(
    "between from before by up valid the more over less under at until till til"
)  # fmt: skip
NTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)")
PARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (18, 30)}


def add(moment: datetime, unit: str, amount: float) -> datetime:
    """Calendar steps for months and more, where the day is cut to the month's last."""
    if unit in {"minute", "hour", "day", "week"}:
        return moment + timedelta(**{unit + "s": amount})
    months = int(amount * {"month": 1, "quarter": 3, "year": 12}[unit])
    at = moment.year * 12 + moment.month - 1 + months
    if not 12 <= at < 9999 * 12:
        return moment
    year, month = divmod(at, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1)


def weekend(today: datetime, word: str) -> tuple[datetime, datetime]:
    """The weekend that "this", "the", "last" or "next" means: Saturday to Monday, at midnight."""
    saturday = today - timedelta(days=(today.weekday() - 5) % 7)
    ahead = timedelta(days=(5 - today.weekday()) % 7 or 7)
    if word in {"next", "coming"}:
        saturday = today + ahead
    elif word in LAST and today.weekday() >= 5:
        saturday -= timedelta(days=7)
    return saturday, saturday + timedelta(days=2)


def nth_on(today: datetime, weekday: int, day: int, future: bool) -> datetime | None:
    """The nearest day of that number that is that day of the week: "monday the 30th"."""
    for step in range(12):
        months = today.year * 12 + today.month - 1 + (step if future else -step)
        found = day_of(today, months // 12, months % 12 + 1, day)
        if found and found.weekday() == weekday and (found >= today if future else found <= today):
            return found
    return None


def day_of(today: datetime, year: int, month: int, day: int) -> datetime | None:
    try:
        return today.replace(year=year, month=month, day=day)
    except ValueError:
        return None


def dated(today: datetime, day: int, month: int, year: str | None, future: bool) -> datetime | None:
    """Without a year, the nearest such day in that direction."""
    if year:
        return day_of(today, int(year) + (2000 if len(year) == 2 else 0), month, day)
    found = day_of(today, today.year, month, day)
    if found and future and found < today:
        return day_of(today, today.year + 1, month, day)
    if found and not future and found > today:
        return day_of(today, today.year - 1, month, day)
    return found
