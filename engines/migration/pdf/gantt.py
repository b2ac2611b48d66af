"""Cohorts and waves on a line of time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engines.migration.pdf.charts import INK, box, canvas, rule, ticks, words
from engines.migration.plans import MigrationPlan
from engines.migration.wave_times import WaveTimes, wave_times
from engines.migration.waves import Wave
from engines.papers.fonts import Fonts
from engines.papers.pages import GREY, LIGHT

_ROW, _TOP, _LEFT, _RIGHT = 12.0, 20.0, 150.0, 60.0
_ROWS_A_PAGE = 35
_MOST_BARS = 60  # of waves; where there are more, those that follow one another share one
_COLOURS = ("#2E75B6", "#5FB567", "#E0912F", "#8E6BBF", "#3FA7A0", "#C4567A", "#7A8B2F", "#6B7A86")


@dataclass(frozen=True, slots=True)
class Bar:
    """A wave, or a cohort around its waves."""

    label: str
    start: datetime
    end: datetime
    vms: int
    colour: str
    is_cohort: bool


def gantt_bars(plan: MigrationPlan) -> list[Bar]:
    """Cohorts with their waves below them."""
    times = {one.wave: one for one in wave_times(plan.waves.waves, plan.rows, plan.schedule)}
    by_cohort: dict[int, list[Wave]] = defaultdict(list)
    for wave in plan.waves.waves:
        by_cohort[wave.cohort].append(wave)
    together = -(-len(plan.waves.waves) // _MOST_BARS)
    names = {one.number: f"{one.number}. {one.name}" for one in (plan.cohorts.cohorts if plan.cohorts else ())}
    found: list[Bar] = []
    for cohort, waves in by_cohort.items():
        if cohort in names:
            found.append(_bar(names[cohort], waves, times, is_cohort=True))
        parts = [waves[at : at + together] for at in range(0, len(waves), together)]
        found += [_bar(_named(part), part, times, is_cohort=False) for part in parts]
    return found


def _named(waves: Sequence[Wave]) -> str:
    return waves[0].name if len(waves) == 1 else f"{waves[0].name} to {waves[-1].number}"


def _bar(label: str, waves: Sequence[Wave], times: Mapping[int, WaveTimes], *, is_cohort: bool) -> Bar:
    spans = [times[wave.number] for wave in waves]
    return Bar(
        label=label,
        start=min(one.start_at for one in spans),
        end=max(one.end_at for one in spans),
        vms=sum(wave.load.vms for wave in waves),
        colour=_colour(waves[0].cohort),
        is_cohort=is_cohort,
    )


def _colour(cohort: int) -> str:
    return _COLOURS[(cohort - 1) % len(_COLOURS)]


def gantts(fonts: Fonts, bars: Sequence[Bar], width: float) -> list[Any]:
    """As many drawings as it takes, all on the same scale."""
    if not bars:
        return []
    first, last = min(one.start for one in bars), max(one.end for one in bars)
    first = first.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = -(-len(bars) // -(-len(bars) // _ROWS_A_PAGE))  # as many on each page
    pages = [bars[at : at + rows] for at in range(0, len(bars), rows)]
    return [_drawn(fonts, page, first, last, width) for page in pages]


def _drawn(fonts: Fonts, bars: Sequence[Bar], first: datetime, last: datetime, width: float) -> Any:
    height = _TOP + _ROW * len(bars) + 6
    drawing = canvas(width, height)
    span = max((last - first).total_seconds(), 1.0)
    room = width - _LEFT - _RIGHT

    def x_of(at: datetime) -> float:
        return _LEFT + room * (at - first).total_seconds() / span

    for number in range(0, len(bars), 2):
        drawing.add(box(0, height - _TOP - _ROW * (number + 1), width, _ROW, LIGHT))
    for at in ticks(first, last):
        drawing.add(rule(x_of(at), 4, x_of(at), height - _TOP + 4))
        drawing.add(words(fonts, x_of(at), height - _TOP + 8, f"{at:%d %b}", 7, GREY, "middle"))
    for number, one in enumerate(bars):
        _row(drawing, fonts, one, height - _TOP - _ROW * (number + 1), (x_of(one.start), x_of(one.end)))
    return drawing


def _row(drawing: Any, fonts: Fonts, one: Bar, y: float, ends: tuple[float, float]) -> None:
    begin, end = ends
    indent = 2 if one.is_cohort else 12
    drawing.add(words(fonts, indent, y + 3.4, one.label, 7.5, INK, bold=one.is_cohort, most=_LEFT - indent - 8))
    if one.is_cohort:
        drawing.add(box(begin, y + 4.6, max(end - begin, 2), 3, one.colour))
        for at in (begin, max(end - 2, begin)):
            drawing.add(box(at, y + 2.6, 2, 7, one.colour))
    else:
        drawing.add(box(begin, y + 2, max(end - begin, 2), _ROW - 4, one.colour, 2))
    drawing.add(words(fonts, max(end, begin + 2) + 4, y + 3.4, f"{one.vms:,} VMs", 6.8, GREY, bold=one.is_cohort))
