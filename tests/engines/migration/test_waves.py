"""Waves: nobody lost, nothing before what it needs, no limit exceeded, the same plan for the same input, and why."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.migration.assessment import Assessment, Override, assess
from engines.migration.bonds import Wishes, bonds_of
from engines.migration.calendars import Calendar
from engines.migration.cohorts import COHORT_STRATEGIES, CohortRules, PlanRefused
from engines.migration.dependencies import CircleFound
from engines.migration.packing import Limits, total
from engines.migration.plans import MigrationPlan, Ordering, Settings, jobs_of, make_plan
from engines.migration.reading.reader import read_export
from engines.migration.records import Key
from engines.migration.runs import Moment
from engines.migration.simulator import simulate
from engines.migration.transfer import Transfer, host_limit, site_limits
from engines.migration.wave_times import wave_times
from engines.migration.waves import WAVE_STRATEGIES, WaveRules
from tests.engines.migration.estates import GIB, disk, estate, vm

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
ALWAYS = Calendar(MONDAY)


def key(number: int) -> Key:
    return ("vc1", f"vm-{number}")


def some(count: int = 40, **more: object) -> list[object]:
    """VMs of four tenants, of growing size; every fifth has been off, every seventh is RED."""
    return [
        vm(
            f"t{n % 4}-app{n}",
            n,
            folder=f"/DC/vm/Tenant{n % 4}",
            in_use_mib=(5 + n) * GIB,
            power="suspended" if n % 7 == 0 else "poweredOff" if n % 5 == 0 else "poweredOn",
            os_tools="Microsoft Windows Server 2019 (64-bit)" if n % 3 else "Debian GNU/Linux 12 (64-bit)",
            **more,
        )
        for n in range(1, count + 1)
    ]


def plan_of(found: Assessment, ordering: Ordering, calendar: Calendar = ALWAYS) -> MigrationPlan:
    return make_plan(found, Settings(Transfer(), calendar, ordering=ordering))


def is_whole(plan: MigrationPlan) -> None:
    """In scope = in exactly one wave + unplaced; sums are those of the VMs; no need is in a later wave."""
    placed = [k for wave in plan.waves.waves for k in wave.keys]
    assert max(Counter(placed).values(), default=1) == 1
    in_scope = {one.key for one in plan.assessment.in_scope}
    assert set(placed) | set(plan.waves.unplaced) == in_scope and not set(placed) & set(plan.waves.unplaced)
    assert set(plan.waves.why) == set(placed) and all(plan.waves.why.values()) and all(plan.waves.unplaced.values())
    assert [wave.number for wave in plan.waves.waves] == list(range(1, len(plan.waves.waves) + 1))
    for wave in plan.waves.waves:
        assert wave.units and wave.load == total([unit.load for unit in wave.units])
        assert wave.load.vms == len(wave.vms) and wave.load.mib == sum(one.sizes.move_mib for one in wave.vms)
    for one, needs in plan.waves.after.items():
        assert all(plan.waves.wave_of[need] <= plan.waves.wave_of[one] for need in needs)
        assert all(plan.rows[need].end_s <= plan.rows[one].start_s + 1e-3 for need in needs)
    assert set(plan.rows) == set(placed)


def keeps_limits(plan: MigrationPlan, limits: Limits) -> None:
    """A wave above a limit holds one unit, and says so."""
    for wave in plan.waves.waves:
        assert limits.fits(wave.load) != bool(wave.warnings)
        assert limits.fits(wave.load) or len(wave.units) == 1


def runs_wave_by_wave(plan: MigrationPlan) -> None:
    times = wave_times(plan.waves.waves, plan.rows, plan.schedule)
    assert all(a.end_at <= b.start_at for a, b in pairwise(times))


@pytest.mark.parametrize("cohorts", [None, *COHORT_STRATEGIES])
@pytest.mark.parametrize("way", WAVE_STRATEGIES)
def test_every_vm_is_in_one_wave(way: str, cohorts: str | None) -> None:
    limits = Limits(vms=6, mib=150 * GIB, red=3)
    ordering = Ordering(
        Wishes({key(1): [key(40)], key(2): [key(1)], key(9): [key(30), key(31)]}, [(key(3), key(8), key(12))]),
        CohortRules(cohorts, 3) if cohorts else None,  # type: ignore[arg-type]
        WaveRules(way, limits),  # type: ignore[arg-type]
    )
    plan = plan_of(assess(estate(some())), ordering)
    is_whole(plan)
    keeps_limits(plan, limits)
    runs_wave_by_wave(plan)
    assert len({plan.waves.wave_of[key(n)] for n in (3, 8, 12)}) == 1
    assert plan == plan_of(assess(estate(some())), ordering)
    assert [wave.cohort for wave in plan.waves.waves] == sorted(wave.cohort for wave in plan.waves.waves)


@pytest.mark.parametrize("way", WAVE_STRATEGIES)
def test_a_vm_above_the_disk_cap_is_alone_and_told(way: str) -> None:
    vms = [*some(10), vm("huge", 99, in_use_mib=900 * GIB, disks=(disk(size_gib=2000),))]
    limits = Limits(vms=30, mib=100 * GIB)
    plan = plan_of(assess(estate(vms)), Ordering(cohorts=None, waves=WaveRules(way, limits)))  # type: ignore[arg-type]
    is_whole(plan)
    keeps_limits(plan, limits)
    huge = plan.waves.waves[plan.waves.wave_of[key(99)] - 1]
    assert huge.keys == (key(99),) and huge.warnings == ("900 GiB to copy, the limit is 100",)
    assert f"{huge.name} is above a limit: 900 GiB to copy, the limit is 100" in plan.waves.notes


@pytest.mark.parametrize("way", WAVE_STRATEGIES)
def test_one_vm_and_none(way: str) -> None:
    ordering = Ordering(waves=WaveRules(way))  # type: ignore[arg-type]
    is_whole(plan_of(assess(estate([vm()])), ordering))
    nothing = plan_of(assess(estate([])), ordering)
    assert nothing.waves.waves == () and nothing.cohorts is not None and nothing.cohorts.cohorts == ()


def test_a_circle_is_refused_with_the_names_on_the_way() -> None:
    found = assess(estate(some(3)))
    with pytest.raises(CircleFound, match="t1-app1 needs t2-app2 needs t3-app3 needs t1-app1"):
        bonds_of(found, Wishes({key(1): [key(2)], key(2): [key(3)], key(3): [key(1)]}))
    with pytest.raises(CircleFound, match="t1-app1 needs t1-app1"):
        bonds_of(found, Wishes({key(1): [key(1)]}))


def test_a_circle_through_a_group_is_refused() -> None:
    """1 and 2 share a disk; 3 needs 1, and 2 needs 3: the two could not move together."""
    found = assess(estate(some(3)))
    with pytest.raises(CircleFound, match="t1-app1 with t2-app2 needs t3-app3 needs t1-app1 with t2-app2"):
        bonds_of(found, Wishes({key(3): [key(1)], key(2): [key(3)]}, [(key(1), key(2))]))


def test_those_that_share_a_disk_or_a_rule_are_one_unit() -> None:
    shared = disk(2, path="[ds1] shared/quorum.vmdk", sharing="sharingMultiWriter")
    rule = {"rule": "Affinity", "rule_names": "app, with its cache"}
    vms = [
        vm("a", 1, disks=(disk(), shared)),
        vm("b", 2, disks=(disk(), shared)),
        vm("c", 3, **rule),
        vm("d", 4, **rule),
        vm("e", 5, rule="Anti Affinity", rule_names="apart"),
        vm("f", 6, rule="Anti Affinity", rule_names="apart"),
        vm("g", 7, rule="Host Affinity", rule_names="licensed"),
        vm("h", 8, rule="Host Affinity", rule_names="licensed"),
        vm("i", 9, server="vc2", **rule),
    ]
    bonds = bonds_of(assess(estate(vms)))
    named = [tuple(one.vm.name for one in unit.vms) for unit in bonds.units]
    assert named == [("a", "b"), ("c", "d"), ("e",), ("f",), ("g",), ("h",), ("i",)]
    assert bonds.units[0].ties == ("one disk, [ds1] shared/quorum.vmdk",)
    assert bonds.units[1].ties == ("affinity rule app, with its cache",)
    plan = plan_of(assess(estate(vms)), Ordering())
    assert "together with b (one disk, [ds1] shared/quorum.vmdk)" in plan.waves.why[key(1)]


def test_what_is_on_hold_holds_those_who_need_it_and_done_holds_nobody() -> None:
    decided = {key(1): Override(status="hold"), key(5): Override(status="done")}
    wishes = Wishes({key(2): [key(1)], key(3): [key(2)], key(6): [key(5)]}, [(key(3), key(4))])
    plan = plan_of(assess(estate(some(6)), decided), Ordering(wishes))
    assert dict(plan.waves.unplaced) == {
        key(1): "on hold, by hand",
        key(2): "needs t1-app1, which is on hold",
        key(3): "needs t2-app2, which is on hold",
        key(4): "moves together with t3-app3, which is on hold",
        key(5): "moved already",
    }
    is_whole(plan)
    assert key(6) in plan.rows


def test_a_need_of_what_is_not_in_the_plan_is_a_note() -> None:
    decided = {key(2): Override(exclude=True)}
    bonds = bonds_of(assess(estate(some(3)), decided), Wishes({key(1): [key(2), ("vc9", "vm-9")]}))
    assert bonds.notes == (
        "t1-app1 needs t2-app2: t2-app2 is left out of the plan",
        "t1-app1 needs vm-9: vm-9 is not in the export",
    )
    assert bonds.after == {}


def test_powered_off_vms_are_in_waves_and_excluded_ones_are_not() -> None:
    decided = {key(5): Override(exclude=True)}
    plan = plan_of(assess(estate(some(10)), decided), Ordering())
    assert key(10) in plan.rows and key(5) not in plan.rows and key(5) not in plan.waves.unplaced


def waves_of(plan: MigrationPlan) -> list[list[str]]:
    return [[one.vm.name for one in wave.vms] for wave in plan.waves.waves]


def test_the_pilot_is_of_many_kinds_and_of_nobody_who_would_be_missed() -> None:
    plan = plan_of(assess(estate(some())), Ordering(cohorts=None))
    pilot = plan.waves.waves[0]
    assert pilot.name == "Pilot" and len(pilot.vms) == 5
    assert {one.guest.family for one in pilot.vms} == {"windows", "debian"}
    assert {one.mode.way for one in pilot.vms} == {"warm", "cold"}
    assert all(one.risk.colour != "RED" for one in pilot.vms) and "pilot" in plan.waves.why[pilot.keys[0]]
    bad = [vm("sql-01", 1), vm("off", 2, power="suspended")]
    assert plan_of(assess(estate(bad)), Ordering(cohorts=None)).waves.waves[0].name == "Wave 1"


def test_risk_tiers_do_not_mix_and_a_need_pulls_back() -> None:
    ordering = Ordering(Wishes({key(2): [key(7)]}), None, WaveRules("risk_tiered"))
    plan = plan_of(assess(estate(some(12))), ordering)
    assert [wave.load.red for wave in plan.waves.waves][:-1] == [0] * (len(plan.waves.waves) - 1)
    assert plan.waves.wave_of[key(2)] == plan.waves.wave_of[key(7)] == len(plan.waves.waves)


def test_even_spread_is_even() -> None:
    plan = plan_of(assess(estate(some(60))), Ordering(cohorts=None, waves=WaveRules("even_spread", Limits(vms=10))))
    sizes = [wave.load.mib for wave in plan.waves.waves]
    assert len(sizes) == 6 and max(sizes) < 1.2 * min(sizes)


def test_steps_of_dependencies() -> None:
    ordering = Ordering(Wishes({key(1): [key(2)], key(2): [key(3)]}), None, WaveRules("dependency_ordered"))
    plan = plan_of(assess(estate(some(6))), ordering)
    assert [plan.waves.wave_of[key(n)] for n in (3, 2, 1)] == [1, 2, 3]
    assert "not before t2-app2 of wave 2" in plan.waves.why[key(1)]
    assert plan.waves.waves[2].after == (2,)


def test_paced_waves_take_about_a_day() -> None:
    ordering = Ordering(cohorts=None, waves=WaveRules("bandwidth_paced", Limits()))
    office = Calendar(MONDAY, 8, 18, frozenset(range(5)))
    plan = plan_of(assess(estate(some(200, disks=(disk(size_gib=300),)))), ordering, office)
    times = wave_times(plan.waves.waves, plan.rows, plan.schedule)
    assert len(times) >= 3 and max(one.days for one in times) <= 2 and "can copy" in plan.waves.why[key(1)]


@pytest.mark.parametrize("way", WAVE_STRATEGIES)
def test_priority_comes_first(way: str) -> None:
    decided = {key(33): Override(priority=1), key(34): Override(priority=2)}
    rules = WaveRules(way, Limits(vms=5), pilot_vms=0)  # type: ignore[arg-type]
    plan = plan_of(assess(estate(some(40)), decided), Ordering(cohorts=None, waves=rules))
    assert plan.waves.wave_of[key(33)] == 1 and "priority 1" in plan.waves.why[key(33)]


def test_freeze_days_and_wave_dates_are_kept() -> None:
    off = frozenset({date(2026, 11, 30), date(2026, 12, 2)})
    calendar = replace(Calendar(MONDAY, 8, 16), blackout=off)
    rules = WaveRules("pilot_first", Limits(vms=10))
    ordering = Ordering(cohorts=None, waves=rules, wave_starts={3: datetime(2026, 12, 10, tzinfo=UTC)})
    plan = plan_of(assess(estate(some(40))), ordering, calendar)
    times = wave_times(plan.waves.waves, plan.rows, plan.schedule)
    assert times[0].start_at == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert times[2].start_at == datetime(2026, 12, 10, 8, tzinfo=UTC) and times[3].start_at >= times[2].end_at
    for row in plan.rows.values():
        assert {calendar.at(at).date() for at in (row.start_s, row.down_s, row.end_s - 1)} & off == set()


def test_waves_are_found_by_number_and_name() -> None:
    waves = plan_of(assess(estate(some())), Ordering()).waves
    assert waves.named("pilot") is waves.named("1") is waves.named("wave 1") is waves.waves[0]
    assert waves.named("Wave 2") is waves.waves[1]
    assert waves.named("wave 99") is None and waves.named("") is None


@pytest.mark.parametrize(
    "wrong",
    [{"strategy": "random"}, {"days": 0}, {"pilot_vms": -1}, {"days": 10_000}],
)
def test_rules_that_make_no_sense(wrong: Mapping[str, object]) -> None:
    with pytest.raises(PlanRefused):
        WaveRules(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least"):
        Limits(vms=0)


_VMS = st.lists(
    st.tuples(
        st.integers(0, 4),  # tenant
        st.integers(0, 400),  # GiB
        st.sampled_from(["poweredOn", "poweredOff", "suspended"]),
        st.sampled_from(["h1", "h2"]),
        st.integers(0, 30),  # group; below 4 it ties
        st.one_of(st.none(), st.integers(1, 3)),  # priority
        st.sampled_from([None, None, None, "hold", "done"]),
    ),
    max_size=24,
)
_LIMITS = st.builds(
    Limits,
    vms=st.one_of(st.none(), st.integers(1, 8)),
    mib=st.one_of(st.none(), st.integers(1, 800 * GIB)),
    red=st.one_of(st.none(), st.integers(0, 3)),
)
_PAIRS = st.lists(st.tuples(st.integers(0, 23), st.integers(0, 23)), max_size=12)


def _estate(rows: Sequence[tuple[object, ...]], pairs: Sequence[tuple[int, int]]) -> tuple[Assessment, Wishes]:
    vms, decided, groups = [], {}, {}
    for n, (tenant, gib, power, host, group, priority, status) in enumerate(rows):
        big = (disk(size_gib=500),)
        vms.append(vm(f"v{n}", n, folder=f"/DC/vm/T{tenant}", in_use_mib=gib * GIB, power=power, host=host, disks=big))  # type: ignore[operator]
        decided[key(n)] = Override(priority=priority, status=status)  # type: ignore[arg-type]
        if group < 4:  # type: ignore[operator]
            groups.setdefault(group, []).append(key(n))
    after: dict[Key, list[Key]] = {}
    for a, b in pairs:
        if a != b and max(a, b) < len(rows):
            after.setdefault(key(max(a, b)), []).append(key(min(a, b)))
    return assess(estate(vms), decided), Wishes(after, list(groups.values()))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    _VMS, _PAIRS, _LIMITS, st.sampled_from(WAVE_STRATEGIES), st.sampled_from([None, *COHORT_STRATEGIES]),
    st.integers(1, 5), st.booleans(),
)  # fmt: skip
def test_a_plan_holds(
    rows: list[tuple[object, ...]],
    pairs: list[tuple[int, int]],
    limits: Limits,
    way: str,
    cohorts: str | None,
    count: int,
    office: bool,
) -> None:
    found, wishes = _estate(rows, pairs)
    ordering = Ordering(
        wishes,
        CohortRules(cohorts, count) if cohorts else None,  # type: ignore[arg-type]
        WaveRules(way, limits),  # type: ignore[arg-type]
    )
    calendar = Calendar(MONDAY, 7, 19, frozenset(range(5)), frozenset({date(2026, 12, 1)})) if office else ALWAYS
    try:
        plan = plan_of(found, ordering, calendar)
    except CircleFound as circle:  # only a group can make one: what is needed always has the lower number
        assert circle.path[0] == circle.path[-1] and any(len(one) > 1 for one in wishes.together)
        return
    is_whole(plan)
    keeps_limits(plan, limits)
    runs_wave_by_wave(plan)
    assert plan == plan_of(found, ordering, calendar)
    for group in wishes.together:
        assert (
            len({plan.waves.wave_of.get(one) for one in group if plan.waves.unplaced.get(one) != "moved already"}) <= 1
        )
    _holds_at_every_moment(plan)


def _holds_at_every_moment(plan: MigrationPlan) -> None:
    """Played through once more, watched: lanes, hosts, bandwidth, hours, and one wave at a time."""
    seen: list[Moment] = []
    chosen = plan.settings
    jobs = {job.key: job for job in jobs_of(plan.waves, chosen)}
    simulate(list(jobs.values()), chosen.transfer, chosen.calendar, chosen.pace, chosen.caps, seen.append)
    site, host = site_limits(chosen.transfer)[0].mib_s, host_limit(chosen.transfer).mib_s
    for moment in seen:
        assert len(moment.running) <= chosen.transfer.slots
        assert sum(moment.rates.values()) <= site * (1 + 1e-6)
        assert len({plan.waves.wave_of[one] for one in moment.running}) <= 1
        by_host: Counter[str] = Counter()
        rates: Counter[str] = Counter()
        for one in moment.running:
            by_host[jobs[one].host] += 1
            rates[jobs[one].host] += moment.rates.get(one, 0.0)  # type: ignore[assignment]
        assert max(by_host.values(), default=0) <= (chosen.caps.per_host or 99)
        assert all(rate <= host * (1 + 1e-6) for rate in rates.values())
        assert moment.copying_open or not any(moment.rates.values())


def test_a_generated_export_holds(generated: Callable[..., Path]) -> None:
    """Shared disks, dirty cells, two vCenters with the same ids: still everybody once, whatever the strategy."""
    found = assess(read_export(generated("e.xlsx", "--vms", "250", "--vcenters", "2", "--dirty")))
    assert any(unit.ties for unit in bonds_of(found).units)
    for cohorts, way in zip([*COHORT_STRATEGIES], [*WAVE_STRATEGIES, "pilot_first"], strict=True):
        limits = Limits(vms=25, mib=4096 * GIB)
        plan = plan_of(found, Ordering(cohorts=CohortRules(cohorts, 4), waves=WaveRules(way, limits)))  # type: ignore[arg-type]
        is_whole(plan)
        keeps_limits(plan, limits)
        runs_wave_by_wave(plan)
