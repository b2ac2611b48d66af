"""Times as people say them: a closed grammar from tokens to (since, until); the clock is handed in.

Nothing is guessed: what the grammar does not know is not a time. All results are in the zone of `now`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from intents.amounts import is_number_word, number
from intents.calendars import (
    AMBIGUOUS_DAYS,
    DAY_NUMBERS,
    DAY_WORDS,
    DOTTED_DATE,
    DURING,
    FIRST_WORDS,
    LAST,
    MONTH_WORDS,
    NEWER,
    NTH,
    OLDER,
    OPENERS,
    ORDINAL,
    PARTS,
    PLAIN_DATE,
    SHORT,
    SINCE,
    UNITS,
    UNTIL,
    add,
    dated,
    day_of,
    nth_on,
    weekend,
)
from intents.clocks import read_clock
from intents.moments import Moment, Span, iso, merge
from intents.tokens import Token

__all__ = ["Span", "find_times", "iso", "merge"]


def find_times(tokens: Sequence[Token], now: datetime, future: bool = False) -> tuple[Span, ...]:
    """All times in order. `future`: a bare weekday, date or hour means the next one, not the last one."""
    clock = _Clock(tokens, now, future)
    found: list[Span] = []
    at = 0
    while at < len(tokens):
        word = tokens[at].fold
        span = clock.span(at) if word in OPENERS or is_number_word(word) or not word.isalpha() else None
        if span and span.end > at:
            found.append(span)
            at = span.end
        else:
            at += 1
    return tuple(found)


@dataclass(frozen=True)
class _Clock:
    tokens: Sequence[Token]
    now: datetime
    future: bool

    def word(self, at: int) -> str:
        return self.tokens[at].fold if 0 <= at < len(self.tokens) else ""

    def today(self) -> datetime:
        return self.now.replace(hour=0, minute=0, second=0, microsecond=0)

    def span(self, at: int) -> Span | None:
        word = self.word(at)
        if aged := self._aged(at, word):
            return aged
        if word in {"between", "from"} and (both := self._both(at)):
            return both
        if word in SINCE and (moment := self._edge(at + 1)):
            if word == "from" and not self.future and self._is_whole(at + 1, moment):
                return Span(at, moment.end, moment.since, moment.until)
            return self._then_until(Span(at, moment.end, moment.since, None))
        if word in {"until", "till", "til", "before", "by"} and (moment := self._edge(at + 1)):
            # "until friday" is the start of friday; an interval that was named whole ends where it ends
            return Span(at, moment.end, None, moment.since)
        if word in {"up", "valid"} and self.word(at + 1) in {"to", "until"} and (moment := self._edge(at + 2)):
            return Span(at, moment.end, None, moment.since)
        lead = 1 if word in DURING else 0
        lead += 1 if lead and self.word(at + lead) == "the" else 0
        if word == "the" and self.word(at + 1) in LAST:
            lead = 1
        moment = self._moment(at + lead, bare=lead == 0)
        if moment is None:
            return None
        return self._then_until(Span(at, moment.end, moment.since, None if moment.open else moment.until))

    def _aged(self, at: int, word: str) -> Span | None:
        """ "older than 30 days", "newer than january", "more than a year old", "less than two weeks old"."""
        than = at + (2 if self.word(at + 1) == "than" else 1)
        if word in OLDER | NEWER and than == at + 2 and (moment := self._edge(than)):
            old = (word in OLDER) != (self.word(at - 1) in {"not", "no", "never"})
            return Span(at, moment.end, None if old else moment.since, moment.since if old else None)
        if word in {"more", "over", "less", "under", "at"} and not self.future:
            than += 1 if word == "at" and self.word(at + 1) == "least" else 0
            moment = self._duration(than, self.word(than), bare=False)
            if moment and self.word(moment.end) in {"old", "ago", "of"} and self.word(moment.end) != "of":
                newer = word in {"less", "under"}
                return Span(at, moment.end + 1, moment.since if newer else None, None if newer else moment.since)
        return None

    def _is_whole(self, at: int, moment: Moment) -> bool:
        """ "from yesterday", "from last week": what is of that time; "from monday on" begins there."""
        if moment.open or self.word(moment.end) in {"on", "onwards", "onward", "until", "till", "to", "-"}:
            return False
        owning = self.word(moment.end) in {"'s", "snapshot", "backup"}  # "from friday's snapshot"
        return owning or self.word(at) in LAST | {"yesterday"}

    def _both(self, at: int) -> Span | None:
        first = self._day_of(at + 1) or self._edge(at + 1, hours=True)
        if first is None or self.word(first.end) not in UNTIL:
            return None
        second = self._edge(first.end + 1, hours=True)
        if second is None:
            return None
        since, until = first.since, second.since
        months = {self.word(at + 1), self.word(first.end + 1)} <= MONTH_WORDS.keys()  # "from july to september"
        if second.until - second.since >= timedelta(days=1) and (months or self.word(at) == "between"):
            until = second.until
        turn = timedelta(days=7 if {self.word(at + 1), self.word(first.end + 1)} & DAY_WORDS.keys() else 1)
        if until <= since and until + turn > since:
            since, until = (since, until + turn) if self.future else (since - turn, until)
        return Span(at, second.end, since, until) if until > since else None

    def _day_of(self, at: int) -> Moment | None:
        """The "3rd" of "between the 3rd and the 10th of november"."""
        at += 1 if self.word(at) == "the" else 0
        ahead = at + 2 + (1 if self.word(at + 2) == "the" else 0)
        match = ORDINAL.fullmatch(self.word(at))
        if match is None or self.word(at + 1) not in UNTIL:
            return None
        other = self._worded_date(ahead, self.word(ahead))
        if other is None or int(match[1]) >= other.since.day:
            return None
        day = day_of(self.today(), other.since.year, other.since.month, int(match[1]))
        return Moment(day, day + timedelta(days=1), at + 1) if day else None

    def _then_until(self, span: Span) -> Span:
        """`since X` followed by `until Y`."""
        if self.word(span.end) in {"until", "till", "til", "to", "-"} and span.since:
            end = self._edge(span.end + 1, hours=True)
            if end and self.future and self.word(span.end + 1) in DAY_WORDS and end.since <= span.since:
                end = replace(end, since=end.since + timedelta(days=7), until=end.until + timedelta(days=7))
            if end and end.since > span.since:
                return replace(span, end=end.end, until=end.since)
        return span

    def _edge(self, at: int, hours: bool = False) -> Moment | None:
        """A moment as one side of a window; `hours` lets a bare number be an hour ("between 6 and 8")."""
        at += 1 if self.word(at) in {"the", "on", "about", "around"} else 0
        moment = self._moment(at, bare=False)
        if moment is None and hours and (value := number(self.word(at))) is not None and 0 <= value <= 24:
            return self._hour(int(value), 0, at + 1)
        return moment

    def _moment(self, at: int, bare: bool) -> Moment | None:
        word = self.word(at)
        if not (word in FIRST_WORDS or is_number_word(word) or any(letter.isdigit() for letter in word)):
            return None
        return (
            self._named_day(at, word)
            or self._relative(at, word)
            or self._weekday(at, word, bare)
            or self._date(at, word)
            or self._month(at, word, bare)
            or self._duration(at, word, bare)
            or self._clock_time(at, word, bare)
        )

    # --- days -----------------------------------------------------------------------------------------------------

    def _named_day(self, at: int, word: str) -> Moment | None:
        today = self.today()
        offsets = {"today": 0, "yesterday": -1, "tomorrow": 1, "tmrw": 1, "tonight": 0}
        if word == "now":
            return Moment(self.now, self.now, at + 1, open=True) if self.future else None
        if word == "day" and self.word(at + 1) == "before" and self.word(at + 2) == "yesterday":
            return self._timed(today - timedelta(days=2), at + 3)
        if word not in offsets or word == "tonight":
            return None
        return self._timed(today + timedelta(days=offsets[word]), at + 1, open_=word == "today")

    def _weekday(self, at: int, word: str, bare: bool) -> Moment | None:
        if word not in DAY_WORDS or (bare and (word in AMBIGUOUS_DAYS or word.endswith("days"))):
            return None  # "mondays" is any of them
        today = self.today()
        ahead = (DAY_WORDS[word] - today.weekday()) % 7
        day = today + timedelta(days=ahead or 7) if self.future else today - timedelta(days=(7 - ahead) % 7 or 7)
        comma = at + (2 if self.word(at + 1) == "," else 1)
        dated = self._date(comma, self.word(comma))  # "monday 30.11.": the date decides
        if dated and dated.since.weekday() == DAY_WORDS[word]:
            return dated
        if numbered := self._numbered(DAY_WORDS[word], comma):
            return numbered
        return self._timed(day, at + 1)

    def _numbered(self, weekday: int, at: int) -> Moment | None:
        """The "30th" of "monday the 30th"."""
        at += 1 if self.word(at) == "the" else 0
        match = NTH.fullmatch(self.word(at))
        day = nth_on(self.today(), weekday, int(match[1]), self.future) if match else None
        return self._timed(day, at + 1) if day else None

    def _timed(self, day: datetime, end: int, open_: bool = False) -> Moment:
        """A day, or the hour of it that follows: "friday 18:00", "yesterday at 2 pm", "yesterday evening"."""
        ahead = end + (1 if self.word(end) in {"at", "around", "about", ","} else 0)
        clock = read_clock(self.word, ahead, needs_mark=ahead == end)
        if clock:
            hour, minute, after = clock
            moment = day + timedelta(hours=hour, minutes=minute)
            return Moment(moment, moment, after)
        if self.word(ahead if ahead > end else end) in {"between", "from"} and (hours := self._hours(day, end)):
            return hours
        if self.word(end) in PARTS:
            first, last = PARTS[self.word(end)]
            return Moment(day + timedelta(hours=first), day + timedelta(hours=last), end + 1)
        return Moment(day, day + timedelta(days=1), end, open_)

    def _hours(self, day: datetime, at: int) -> Moment | None:
        """ "yesterday between 14:00 and 16:00"."""
        first = read_clock(self.word, at + 1, needs_mark=False)
        if first is None or self.word(first[2]) not in {"and", "to", "until", "till", "-"}:
            return None
        last = read_clock(self.word, first[2] + 1, needs_mark=False)
        if last is None or last[:2] <= first[:2]:
            return None
        since, until = (day + timedelta(hours=hour, minutes=minute) for hour, minute, _ in (first, last))
        return Moment(since, until, last[2])

    def _date(self, at: int, word: str) -> Moment | None:
        if match := PLAIN_DATE.fullmatch(word):
            year, month, day = int(match[1]), int(match[2]), int(match[3])
            moment = day_of(self.today(), year, month, day)
            if moment and match[4]:
                exact = moment + timedelta(hours=int(match[4]), minutes=int(match[5]))
                return Moment(exact, exact, at + 1)
            return self._timed(moment, at + 1) if moment else None
        if match := DOTTED_DATE.fullmatch(word):
            return self._dated(int(match[1]), int(match[2]), match[3], at + 1)
        return self._worded_date(at, word)

    def _worded_date(self, at: int, word: str) -> Moment | None:
        """ "3 nov", "3rd of november 2026", "nov 3"."""
        if word in MONTH_WORDS and (match := ORDINAL.fullmatch(self.word(at + 1))):
            return self._dated(int(match[1]), MONTH_WORDS[word], *self._year(at + 2))
        match = ORDINAL.fullmatch(DAY_NUMBERS.get(word, word).rstrip("."))
        skip = at + (2 if self.word(at + 1) == "of" else 1)
        if match and (month := MONTH_WORDS.get(self.word(skip))):
            return self._dated(int(match[1]), month, *self._year(skip + 1))
        return None

    def _year(self, at: int) -> tuple[str | None, int]:
        return (self.word(at), at + 1) if re.fullmatch(r"20\d\d", self.word(at)) else (None, at)

    def _dated(self, day: int, month: int, year: str | None, end: int) -> Moment | None:
        moment = dated(self.today(), day, month, year, self.future)
        return self._timed(moment, end) if moment else None

    # --- weeks, months, durations ---------------------------------------------------------------------------------

    def _month(self, at: int, word: str, bare: bool) -> Moment | None:
        month = MONTH_WORDS.get(word)
        if ORDINAL.fullmatch(self.word(at - 1)):
            return None  # "31 february": no such day is no month either
        if month is None or (bare and word in {"may", "mar", "march"}):
            return None
        said, end = self._year(at + 1)
        year = int(said) if said else self.now.year
        if not said and not self.future and month > self.now.month:
            year -= 1
        if not said and self.future and month < self.now.month:
            year += 1
        first = self.today().replace(year=year, month=month, day=1)
        return Moment(first, add(first, "month", 1), end, open=first <= self.now < add(first, "month", 1))

    def _relative(self, at: int, word: str) -> Moment | None:
        """ "this month", "last week", "last night", "last 14 days", "past day", "next monday"."""
        if word in {"start", "beginning", "weekend"}:
            return self._started(at, word)
        if word not in LAST | {"this", "current", "next", "coming"}:
            return None
        following = self.word(at + 1)
        if following == "weekend":
            return Moment(*weekend(self.today(), word), at + 2, open=word == "this")
        amount, unit = (3, UNITS.get(self.word(at + 2))) if following == "few" else (number(following), None)
        at += 1 if self.word(at + 2) == "of" else 0  # "the last couple of days"
        unit = unit or UNITS.get(self.word(at + 2))
        if word in LAST and amount is not None and unit:
            return Moment(add(self.now, unit, -amount), self.now, at + 3, open=True)
        if word in LAST and (short := self._short(following)):
            return Moment(self.now - short, self.now, at + 2, open=True)
        if following in PARTS:
            return self._part(word, following, at + 2)
        if following in DAY_WORDS:
            return replace(self, future=word in {"next", "coming"})._weekday(at + 1, following, bare=False)
        unit = UNITS.get(following)
        if unit in {None, "minute"}:
            return None
        return self._whole_unit(word, str(unit), at + 2)

    def _started(self, at: int, word: str) -> Moment | None:
        """ "since the start of the month", "since the weekend"."""
        if word == "weekend":
            return Moment(*weekend(self.today(), "the"), at + 1) if self.word(at - 1) == "the" else None
        skip = at + 2 + (1 if self.word(at + 2) in {"the", "this"} else 0)
        unit = UNITS.get(self.word(skip), "")
        if self.word(at + 1) != "of" or unit not in {"week", "month", "quarter", "year"}:
            return None
        return Moment(self._first_of(unit), self.now, skip + 1, open=True)

    def _part(self, word: str, part: str, end: int) -> Moment | None:
        first, last = PARTS[part]
        day = self.today() - timedelta(days=1 if word in LAST else 0)
        if word == "next":
            return None
        return Moment(day + timedelta(hours=first), day + timedelta(hours=last), end, open=word == "this")

    def _whole_unit(self, word: str, unit: str, end: int) -> Moment:
        if unit in {"hour", "day"}:
            sign = 1 if word in {"next", "coming"} else -1
            edge = add(self.now, unit, sign)
            return Moment(min(edge, self.now), max(edge, self.now), end, open=sign < 0)
        first = self._first_of(unit)
        if word == "past":
            return Moment(add(self.now, unit, -1), self.now, end, open=True)
        if word in LAST:
            return Moment(add(first, unit, -1), first, end)
        if word in {"next", "coming"}:
            return Moment(add(first, unit, 1), add(first, unit, 2), end)
        return Moment(first, add(first, unit, 1), end, open=True)

    def _first_of(self, unit: str) -> datetime:
        today = self.today()
        if unit == "week":
            return today - timedelta(days=today.weekday())
        if unit == "year":
            return today.replace(month=1, day=1)
        if unit == "quarter":
            return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        return today.replace(day=1)

    def _short(self, word: str) -> timedelta | None:
        match = SHORT.fullmatch(word)
        if not match:
            return None
        value = int(match[1])
        return {"h": timedelta(hours=value), "d": timedelta(days=value), "w": timedelta(weeks=value),
                "m": timedelta(minutes=value)}[match[2][0]]  # fmt: skip

    def _duration(self, at: int, word: str, bare: bool) -> Moment | None:
        """ "3 days ago"; and where "in", "for", "over" stand before it, "14 days": the time up to now."""
        amount, unit, end = number(word), UNITS.get(self.word(at + 1)), at + 2
        if word in {"a", "an"} and unit:
            amount = 1
        short = self._short(word)
        if short:
            since, end = self.now - short, at + 1
        elif amount is not None and unit and amount < 10**4:
            since = add(self.now, unit, -amount)
        else:
            return None
        if self.word(end) in {"ago", "back"}:
            day = since.replace(hour=0, minute=0, second=0, microsecond=0)
            whole = unit in {"day", "week", "month", "year"}
            return Moment(day, day + timedelta(days=1), end + 1) if whole else Moment(since, since, end + 1)
        if bare and not self.future and end >= len(self.tokens) and unit in {"hour", "day", "week", "month"}:
            return Moment(since, self.now, end, open=True)
        if bare or self.future:
            return Moment(self.now, self.now + (self.now - since), end) if self.future and not bare else None
        return Moment(since, self.now, end, open=True)

    # --- hours ----------------------------------------------------------------------------------------------------

    def _clock_time(self, at: int, word: str, bare: bool) -> Moment | None:
        clock = read_clock(self.word, at, needs_mark=True)
        if clock is None or (bare and not self.future):
            return None
        return self._hour(*clock)

    def _hour(self, hour: int, minute: int, end: int) -> Moment:
        named = self._named_day(end, self.word(end)) if self.word(end) in {"today", "yesterday", "tomorrow"} else None
        if named:
            exact = named.since.replace(hour=0, minute=0) + timedelta(hours=hour, minutes=minute)
            return Moment(exact, exact, named.end)
        exact = self.today() + timedelta(hours=hour, minutes=minute)
        if self.future and exact < self.now:
            exact += timedelta(days=1)
        elif not self.future and exact > self.now:
            exact -= timedelta(days=1)
        return Moment(exact, exact, end)
