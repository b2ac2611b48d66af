"""A whole migration played through: nothing lost, no limit exceeded at any moment, the same each time."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.migration.calendars import Calendar
from engines.migration.dependencies import CircleFound
from engines.migration.runs import Moment
from engines.migration.schedules import Caps, Schedule
from engines.migration.simulator import simulate
from engines.migration.times import Job, Pace
from engines.migration.transfer import Transfer, host_limit, site_limits

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
ALWAYS = Calendar(MONDAY)
OFFICE = Calendar(MONDAY, 8, 16, frozenset(range(5)))
QUIET = Pace(change_percent_a_day=0, prepare_minutes=0)
GIB = 1024


def job(number: int, size_gib: float = 100, way: str = "warm", **more: object) -> Job:
    return replace(
        Job(("vc", f"vm-{number}"), f"vm{number}", int(size_gib * GIB), way, host=f"h{number % 3}", fixed_s=1200.0),
        **more,  # type: ignore[arg-type]
    )


def test_lanes_are_used_again_within_a_day() -> None:
    """500 small VMs on 10 lanes: as many a day as the lanes allow, not ten."""
    schedule = simulate([job(n, 5) for n in range(500)], Transfer(), ALWAYS, QUIET, Caps(per_host=None))
    assert max(Counter(row.lane for row in schedule.rows).values()) > 40 and schedule.days[0].vms > 400
    assert {row.lane for row in schedule.rows} == set(range(1, 11))


def test_a_schedule_by_hand() -> None:
    """Two lanes, 100 MiB/s for both together: while both copy each has half of it."""
    transfer = Transfer(agents=1, vms_per_agent=2, target_write_mb_s=104.8576, stream_mb_s=1000, host_mb_s=1000)
    jobs = [job(1, 0, size_mib=60_000), job(2, 0, size_mib=60_000), job(3, 0, size_mib=30_000)]
    schedule = simulate(jobs, transfer, ALWAYS, QUIET)
    ends = {row.name: (row.start_s, row.copied_s, row.end_s) for row in schedule.rows}
    assert ends["vm1"] == pytest.approx((0, 1200, 2400)) and ends["vm2"] == pytest.approx((0, 1200, 2400))
    assert ends["vm3"] == pytest.approx((2400, 2700, 3900))
    assert schedule.peak_mib_s == pytest.approx(100) and schedule.copied_mib == pytest.approx(150_000)


def test_more_data_than_a_day_is_split_over_days() -> None:
    schedule = simulate([job(1, 8000)], Transfer(), OFFICE, QUIET)
    assert len(schedule.days) > 3 and schedule.held_back["working hours"] > 16
    assert sum(day.copied_mib for day in schedule.days) == pytest.approx(8000 * GIB)


@pytest.mark.parametrize(
    ("jobs", "transfer", "caps", "said"),
    [
        ([job(n, 200) for n in range(40)], Transfer(), Caps(per_host=None), "target storage"),
        ([job(n, 200) for n in range(40)], Transfer(topology="internet"), Caps(), "internet"),
        ([job(n, 5) for n in range(40)], Transfer(agents=1, vms_per_agent=1), Caps(), "agent slots"),
        ([job(n, 50, host="one") for n in range(40)], Transfer(), Caps(per_host=1), "VMs per host"),
        ([job(n, 50, datastore="d") for n in range(40)], Transfer(), Caps(None, 1), "VMs per datastore"),
        ([job(1, 500)], Transfer(), Caps(), "disk stream"),
        ([job(n, 500, host="one", streams=8) for n in range(8)], Transfer(), Caps(), "source host"),
        ([job(1, 0)], Transfer(), Caps(), "conversion and checks"),
    ],
)
def test_it_says_the_bottleneck(jobs: list[Job], transfer: Transfer, caps: Caps, said: str) -> None:
    transfer = replace(transfer, target_usable=0.9)
    assert simulate(jobs, transfer, ALWAYS, QUIET, caps).bottleneck == said


def test_dependencies_and_dates_are_kept() -> None:
    first, second = job(1), replace(job(2), after=(("vc", "vm-1"),))
    late = replace(job(3), not_before_s=7 * 86_400.0)
    rows = {row.name: row for row in simulate([second, late, first], Transfer(), ALWAYS, QUIET).rows}
    assert rows["vm2"].start_s >= rows["vm1"].end_s and rows["vm3"].start_s >= 7 * 86_400


def test_a_circle_and_an_unknown_one_are_refused() -> None:
    with pytest.raises(CircleFound):
        simulate(
            [replace(job(1), after=(("vc", "vm-2"),)), replace(job(2), after=(("vc", "vm-1"),))], Transfer(), ALWAYS
        )
    with pytest.raises(ValueError, match="vm-9, which is not among"):
        simulate([replace(job(1), after=(("vc", "vm-9"),))], Transfer(), ALWAYS)
    with pytest.raises(ValueError, match="twice"):
        simulate([job(1), job(1)], Transfer(), ALWAYS)


def test_nothing_to_do_is_a_schedule_too() -> None:
    schedule = simulate([], Transfer(), OFFICE)
    assert (schedule.rows, schedule.bottleneck, schedule.end_at) == ((), "", MONDAY)


def test_a_cutover_waits_for_its_hours_and_copies_need_not() -> None:
    calendar = Calendar(MONDAY, 8, 16, copies_any_time=True)
    (row,) = simulate([job(1, 200)], Transfer(), calendar, QUIET).rows
    assert row.start_s == 0 and row.copied_s < 8 * 3600 and row.down_s == pytest.approx(8 * 3600)


def test_what_fits_no_day_starts_all_the_same_and_is_told() -> None:
    (row,) = simulate([job(1, 100, "cold", fixed_s=9 * 3600.0)], Transfer(), OFFICE, QUIET).rows
    assert "longer than a whole day" in row.warning and row.downtime_s > 16 * 3600


def test_what_does_not_fit_today_is_moved_tomorrow() -> None:
    jobs = [job(1, 1400, "cold", host="a"), job(2, 1400, "cold", host="b")]
    one_lane = Transfer(agents=1, vms_per_agent=1)
    first, second = simulate(jobs, one_lane, OFFICE, QUIET).rows
    assert second.start_s == pytest.approx(32 * 3600) and not second.warning and first.end_s < 16 * 3600


def test_a_day_off_is_kept() -> None:
    off = frozenset({date(2026, 11, 30), date(2026, 12, 1)})
    (row,) = simulate([job(1, 5)], Transfer(), replace(OFFICE, blackout=off), QUIET).rows
    assert row.start_s == 56 * 3600


def test_fast_changes_take_rounds_and_are_told_when_they_do_not_end() -> None:
    pace = Pace(prepare_minutes=0)
    slow = Transfer(stream_mb_s=10)
    (some,) = simulate([job(1, 500, change_mib_s=2.0)], slow, ALWAYS, pace).rows
    assert some.rounds >= 1 and not some.warning
    (never,) = simulate([job(1, 500, change_mib_s=50.0)], slow, ALWAYS, pace).rows
    assert never.rounds == pace.most_rounds and "move it cold" in never.warning


_JOBS = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.sampled_from(["warm", "cold"]),
        st.integers(1, 4),
        st.sampled_from(["", "h1", "h2", "h3"]),
        st.sampled_from(["", "d1", "d2"]),
        st.floats(60, 20_000),
        st.floats(0, 2),
        st.integers(0, 6),
        st.floats(0, 200_000),
    ),
    max_size=16,
)
_TRANSFERS = st.builds(
    Transfer,
    agents=st.integers(1, 3),
    vms_per_agent=st.integers(1, 4),
    target_write_mb_s=st.sampled_from([50.0, 500.0]),
    host_mb_s=st.sampled_from([60.0, 253.0]),
    datastore_mb_s=st.sampled_from([None, 80.0]),
)
_CALENDARS = st.builds(
    Calendar,
    start=st.sampled_from([MONDAY, MONDAY.replace(hour=13, minute=7)]),
    from_hour=st.sampled_from([0, 6, 8.5]),
    to_hour=st.sampled_from([16, 24]),
    weekdays=st.sampled_from([frozenset(range(7)), frozenset(range(5)), frozenset({5, 6})]),
    blackout=st.sampled_from([frozenset[date](), frozenset({date(2026, 12, 1), date(2026, 12, 5)})]),
    copies_any_time=st.booleans(),
    zone=st.sampled_from(["UTC", "Europe/Berlin"]),
)
_CAPS = st.builds(Caps, per_host=st.sampled_from([None, 1, 2]), per_datastore=st.sampled_from([None, 1]))


def built(drawn: list[tuple[int, str, int, str, str, float, float, int, float]]) -> list[Job]:
    """Each may need one that stands before it in the list, so that there is no circle."""
    jobs: list[Job] = []
    for number, (size, way, streams, host, store, fixed, change, needs, date_s) in enumerate(drawn):
        after = (jobs[number - needs].key,) if 0 < needs <= number else ()
        later = date_s if needs == 0 else 0.0
        jobs.append(
            Job(
                ("v", str(number)),
                str(number),
                size * GIB,
                way,
                streams,
                host,
                store,
                fixed,
                change if way == "warm" else 0.0,
                after,
                later,
            )
        )
    return jobs


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_JOBS, _TRANSFERS, _CALENDARS, _CAPS)
def test_no_limit_is_exceeded_at_any_moment(
    drawn: list[tuple[int, str, int, str, str, float, float, int, float]],
    transfer: Transfer,
    calendar: Calendar,
    caps: Caps,
) -> None:
    jobs = built(drawn)
    moments: list[Moment] = []
    schedule = simulate(jobs, transfer, calendar, Pace(), caps, moments.append)
    known = {job.key: job for job in jobs}
    site, host = site_limits(transfer)[0].mib_s, host_limit(transfer).mib_s
    for moment in moments:
        assert len(moment.running) <= transfer.slots
        assert sum(moment.rates.values()) <= site * (1 + 1e-6)
        hosts = Counter(known[key].host for key in moment.running if known[key].host)
        stores = Counter(known[key].datastore for key in moment.running if known[key].datastore)
        assert caps.per_host is None or all(count <= caps.per_host for count in hosts.values())
        assert caps.per_datastore is None or all(count <= caps.per_datastore for count in stores.values())
        for name in hosts:
            assert sum(rate for key, rate in moment.rates.items() if known[key].host == name) <= host * (1 + 1e-6)
        assert not moment.rates or moment.copying_open or moment.cutover_open
    assert all(a.end_s <= b.begin_s + 1e-6 for a, b in itertools.pairwise(moments))
    check_rows(schedule, jobs)


def check_rows(schedule: Schedule, jobs: list[Job]) -> None:
    rows = {row.key: row for row in schedule.rows}
    assert sorted(rows) == sorted(job.key for job in jobs) and len(schedule.rows) == len(jobs)
    for one in jobs:
        row = rows[one.key]
        assert one.not_before_s <= row.start_s + 1e-3 and row.start_s <= row.copied_s <= row.end_s
        assert row.down_s <= row.end_s and row.end_s - row.start_s >= one.fixed_s - 1e-3
        assert all(rows[needed].end_s <= row.start_s + 1e-3 for needed in one.after)
    assert sum(day.vms for day in schedule.days) == len(jobs)
    assert sum(day.copied_mib for day in schedule.days) == pytest.approx(schedule.copied_mib, rel=1e-6, abs=1e-3)
    assert schedule.copied_mib >= sum(job.size_mib for job in jobs) * (1 - 1e-6)


@settings(max_examples=40, deadline=None)
@given(_JOBS, _TRANSFERS, _CALENDARS, _CAPS)
def test_work_is_done_in_working_hours_only(
    drawn: list[tuple[int, str, int, str, str, float, float, int, float]],
    transfer: Transfer,
    calendar: Calendar,
    caps: Caps,
) -> None:
    moments: list[Moment] = []
    schedule = simulate(built(drawn), transfer, calendar, Pace(), caps, moments.append)
    again = simulate(built(drawn), transfer, calendar, Pace(), caps)
    assert schedule == again  # the same input, the same plan
    for moment in moments:
        if moment.rates and not calendar.copies_any_time:
            middle = calendar.at((moment.begin_s + moment.end_s) / 2)
            from zoneinfo import ZoneInfo

            local = middle.astimezone(ZoneInfo(calendar.zone))
            assert local.weekday() in calendar.weekdays and local.date() not in calendar.blackout
            assert calendar.from_hour <= local.hour + local.minute / 60 + local.second / 3600 <= calendar.to_hour
    for row in schedule.rows:
        windows = calendar.windows()
        assert any(begin - 1e-3 <= row.end_s <= end + 1e-3 for begin, end in _until(windows, row.end_s))


def _until(windows: object, end_s: float) -> list[tuple[float, float]]:
    found = []
    for begin, end in windows:  # type: ignore[attr-defined]
        found.append((begin, end))
        if begin > end_s:
            break
    return found
