from datetime import UTC, datetime, timedelta

import pytest

from bot.web.gantt import Bar, cohort_bars, gantt, grouped, stack, wave_bars
from storage.migration_pages import WaveCount

START = datetime(2026, 12, 7, 8, tzinfo=UTC)


def wave(number: int, cohort: int, begin_h: float | None, hours: float = 4, state: str = "planned") -> WaveCount:
    start = None if begin_h is None else START + timedelta(hours=begin_h)
    end = None if start is None else start + timedelta(hours=hours)
    return WaveCount(number, f"Wave {number}", cohort, state, start, end, 10, 2048, 7, 2, 1)


def test_bars_stand_where_their_time_is() -> None:
    chart = gantt(wave_bars([wave(1, 0, 0, 16), wave(2, 0, 16, 23)]), START + timedelta(hours=16))
    first, second = (one.share for one in chart.bars)
    assert first and second and first.x == "16.67%" and first.width == "33.33%" and second.x == "50.00%"
    assert chart.now == "50.00%" and [tick.words for tick in chart.ticks] == ["7 Dec", "8 Dec"]


@pytest.mark.parametrize("days", [1, 3, 20, 90, 400, 4000])
def test_however_long_it_takes_there_are_few_ticks_and_no_bar_leaves(days: int) -> None:
    chart = gantt(wave_bars([wave(1, 0, 0, 0.01), wave(2, 0, days * 24 - 10, 2)]), START - timedelta(days=9))
    assert 1 <= len(chart.ticks) <= 9 and chart.now == ""
    for one in chart.bars:
        assert one.share is not None
        left, width = (float(text.rstrip("%")) for text in (one.share.x, one.share.width))
        assert width >= 0.7 and left >= 0 and left + width <= 100.01


def test_what_has_no_time_has_no_bar() -> None:
    assert gantt([], START).ticks == ()
    chart = gantt(wave_bars([wave(1, 0, None), wave(2, 0, 0)]), START)
    assert chart.bars[0].share is None and chart.bars[1].share is not None
    assert gantt(wave_bars([wave(1, 0, None)]), START).starts_at is None


def test_cohorts_add_up_and_lead_their_waves() -> None:
    waves = [wave(1, 1, 0, state="complete"), wave(2, 2, 4), wave(3, 1, 8)]
    cohorts = cohort_bars(waves, {1: "Easy"})
    assert [(one.name, one.vms, one.waves, one.state) for one in cohorts] == [
        ("Easy", 20, 2, "running"),
        ("Cohort 2", 10, 1, "planned"),
    ]
    rows: list[Bar] = grouped(cohorts, wave_bars(waves))
    assert [one.name for one in rows] == ["Easy", "Wave 1", "Wave 3", "Cohort 2", "Wave 2"]
    assert [one.name for one in grouped([], wave_bars([wave(1, 0, 0)]))] == ["Wave 1"]


def test_shares_fill_a_width_and_nothing_has_none() -> None:
    parts = stack((("red", 1), ("yellow", 0), ("green", 3)))
    assert [(name, share.x, share.width) for name, share in parts] == [
        ("red", "0.00%", "25.00%"),
        ("green", "25.00%", "75.00%"),
    ]
    assert stack((("red", 0),)) == []
