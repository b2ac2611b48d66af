"""Cohorts and waves along time, as a browser draws them: shares of a width, in percent, and what stands below."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from storage.migration_pages import WaveCount

_STEPS_DAYS = (1, 2, 7, 14, 28, 56, 91, 182, 365, 730)
_MOST_TICKS = 8
_LEAST_PERCENT = 0.7  # of a bar, so that a short wave of a long plan is seen
_ORDER = ("running", "failed", "confirmed", "planned", "complete", "held", "cancelled")


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a width: where it begins and how wide it is, as SVG takes it."""

    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Tick:
    at: str
    words: str
    minor: bool  # left out where there is little room


@dataclass(frozen=True, slots=True)
class Bar:
    """`waves` is empty for a wave; `share` None for what has no time."""

    number: int
    name: str
    cohort: int
    state: str
    starts_at: datetime | None
    ends_at: datetime | None
    vms: int
    move_mib: int
    green: int
    yellow: int
    red: int
    share: Share | None = None
    waves: int = 0


@dataclass(frozen=True, slots=True)
class Gantt:
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    now: str  # where today is; "" outside
    starts_at: datetime | None
    ends_at: datetime | None


def gantt(bars: Sequence[Bar], now: datetime) -> Gantt:
    """The whole days from the first start to the last end."""
    starts = [one.starts_at for one in bars if one.starts_at]
    ends = [one.ends_at for one in bars if one.ends_at]
    if not starts or not ends:
        return Gantt(tuple(bars), (), "", None, None)
    first, last = min(starts), max(*ends, *starts)
    begin = datetime.combine(first.astimezone(UTC).date(), time(), UTC)
    end = datetime.combine(last.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    placed = tuple(_placed(one, begin, end) for one in bars)
    today = _percent(_part(now, begin, end)) if begin <= now <= end else ""
    return Gantt(placed, _ticks(begin, end), today, first, last)


def _placed(one: Bar, begin: datetime, end: datetime) -> Bar:
    if one.starts_at is None or one.ends_at is None:
        return one
    left = _part(one.starts_at, begin, end)
    width = max(_LEAST_PERCENT, _part(one.ends_at, begin, end) - left)
    return replace(one, share=Share(_percent(min(left, 100 - width)), _percent(width)))


def _part(at: datetime, begin: datetime, end: datetime) -> float:
    return 100 * (at - begin) / (end - begin)


def _percent(value: float) -> str:
    return f"{min(max(value, 0.0), 100.0):.2f}%"


def _ticks(begin: datetime, end: datetime) -> tuple[Tick, ...]:
    """Days in equal steps, Mondays where the step is of weeks."""
    days = (end - begin).days
    step = next((one for one in _STEPS_DAYS if days / one <= _MOST_TICKS), _STEPS_DAYS[-1])
    first = begin.date()
    if step >= 7 and days > 7:
        first += timedelta(days=-first.weekday() % 7)
    found = [first + timedelta(days=n * step) for n in range(days // step + 1)]
    kept = [day for day in found if _part(_midnight(day), begin, end) <= 94]  # a word at the edge would be cut
    return tuple(
        Tick(_percent(_part(_midnight(day), begin, end)), _words(day, step), minor=at % 2 == 1)
        for at, day in enumerate(kept)
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _words(day: date, step: int) -> str:
    return f"{day:%b %Y}" if step > 60 else f"{day.day} {day:%b}"


def wave_bars(waves: Sequence[WaveCount]) -> list[Bar]:
    return [
        Bar(
            one.number, one.name, one.cohort, one.state, one.starts_at, one.ends_at, one.vms, one.move_mib, one.green,
            one.yellow, one.red,
        )
        for one in waves
    ]  # fmt: skip


def cohort_bars(waves: Sequence[WaveCount], names: dict[int, str]) -> list[Bar]:
    """Each cohort from the start of its first wave to the end of its last, with what its waves add up to."""
    by_cohort: dict[int, list[WaveCount]] = {}
    for one in waves:
        by_cohort.setdefault(one.cohort, []).append(one)
    return [_cohort(number, names.get(number, ""), by_cohort[number]) for number in sorted(by_cohort) if number]


def _cohort(number: int, name: str, waves: Sequence[WaveCount]) -> Bar:
    states = {one.state for one in waves}
    state = next((one for one in _ORDER if one in states), "planned")
    if state == "planned" and "complete" in states:
        state = "running"
    return Bar(
        number,
        name or f"Cohort {number}",
        number,
        state,
        min((one.starts_at for one in waves if one.starts_at), default=None),
        max((one.ends_at for one in waves if one.ends_at), default=None),
        sum(one.vms for one in waves),
        sum(one.move_mib for one in waves),
        sum(one.green for one in waves),
        sum(one.yellow for one in waves),
        sum(one.red for one in waves),
        waves=len(waves),
    )


def grouped(cohorts: Sequence[Bar], waves: Sequence[Bar]) -> list[Bar]:
    """Each cohort, then its waves."""
    found: list[Bar] = []
    for one in cohorts:
        own = [wave for wave in waves if wave.cohort == one.number]
        found += [one, *own] if own else []
    return [*found, *(wave for wave in waves if not wave.cohort)]


def stack(parts: Sequence[tuple[str, int]]) -> list[tuple[str, Share]]:
    """Amounts side by side, as shares of their sum; what is nothing has no share."""
    total = sum(amount for _, amount in parts)
    found, left = [], 0.0
    for name, amount in parts:
        if amount > 0:
            width = 100 * amount / total
            found.append((name, Share(_percent(left), _percent(width))))
            left += width
    return found
