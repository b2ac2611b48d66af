"""Cohorts: every tenant in one, guardrails kept, every strategy ends, scores that show what they are made of."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.migration.assessment import Assessed, Override, assess
from engines.migration.bonds import Wishes, bonds_of
from engines.migration.bundles import NO_TENANT, Bundle, bundles_of, circles
from engines.migration.cohorts import COHORT_STRATEGIES, CohortPlan, CohortRules, PlanRefused, Profile, build_cohorts
from engines.migration.ease import EaseWeights, ease_of
from engines.migration.packing import Limits
from engines.migration.parting import part_large
from engines.migration.records import Vm
from engines.migration.tenants import TenantRules, find_tenants
from tests.engines.migration.estates import GIB, disk, estate, nic, vm

WINDOWS, LINUX = "Microsoft Windows Server 2019 (64-bit)", "Red Hat Enterprise Linux 9 (64-bit)"


def tenant(name: str, count: int, first: int = 0, **more: Any) -> list[Vm]:
    return [vm(f"{name}-{n}", first + n, folder=f"/DC/vm/{name}", **more) for n in range(count)]


def bundles(vms: Sequence[Vm], wishes: Wishes | None = None, **more: Any) -> tuple[Bundle, ...]:
    found = assess(estate(vms), more.pop("decided", None))
    return bundles_of(bonds_of(found, wishes), find_tenants(found.vms), **more)


def tenants_of(plan: CohortPlan) -> list[tuple[str, ...]]:
    return [one.tenants for one in plan.cohorts]


def mixed() -> list[Vm]:
    """Alpha easy and Linux, Beta Windows, Gamma RED, Delta large."""
    return [
        *tenant("Alpha", 3, 0),
        *tenant("Beta", 4, 100, os_tools=WINDOWS),
        *tenant("Gamma", 3, 200, power="suspended", os_tools="Microsoft Windows Server 2003 (32-bit)"),
        *tenant("Delta", 60, 300, in_use_mib=100 * GIB, disks=(disk(size_gib=200),)),
    ]


@pytest.mark.parametrize("strategy", COHORT_STRATEGIES)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"count": 1},
        {"count": 4},
        {"count": 900},
        {"limits": Limits(vms=5)},
        {"limits": Limits(vms=1, mib=1, red=0), "count": 2},
        {"ramp": (Profile("All"),)},
        {"ramp": (Profile("Pilot", 5), Profile("Bulk"))},
        {"ramp": (Profile("Few", 1),)},
        {"pilot_vms": 1},
    ],
    ids=str,
)
def test_every_strategy_ends_with_everybody_once(strategy: Any, more: dict[str, Any]) -> None:
    """With a tenant above every guardrail, more cohorts than tenants, and a ramp of one step."""
    plan = build_cohorts(bundles(mixed()), CohortRules(strategy, **more))
    placed = [one.number for cohort in plan.cohorts for one in cohort.bundles]
    assert sorted(placed) == [0, 1, 2, 3] and set(plan.why) == {0, 1, 2, 3}
    assert sum(one.load.vms for one in plan.cohorts) == 70 and [one.number for one in plan.cohorts] == list(
        range(1, len(plan.cohorts) + 1)
    )
    for cohort in plan.cohorts:
        assert not cohort.warnings or len(cohort.bundles) == 1 or more.get("ramp")
    assert build_cohorts((), CohortRules(strategy, **more)).cohorts == ()


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": -1}, {"count": 5000}, {"strategy": "best"}, {"pilot_vms": 0},
                                   {"ramp": (Profile("None", 0),)}])  # fmt: skip
def test_what_cannot_be_made_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(PlanRefused) as refused:
        CohortRules(**wrong)
    assert refused.value.what and refused.value.fix


def test_without_guardrails_not_everything_is_in_the_first() -> None:
    plan = build_cohorts(bundles([v for n in range(9) for v in tenant(f"T{n}", 4, 10 * n)]), CohortRules(count=3))
    assert [one.load.vms for one in plan.cohorts] == [12, 12, 12]


def test_the_strategies_do_what_they_are_called() -> None:
    given_ones = bundles(mixed())

    def made(strategy: Any, **more: Any) -> CohortPlan:
        return build_cohorts(given_ones, CohortRules(strategy, 4, **more))

    eases = [one.ease for one in made("easiest_first").cohorts]
    assert eases == sorted(eases) and tenants_of(made("easiest_first"))[0] == ("Alpha", "Beta")
    assert tenants_of(made("riskiest_last"))[-1] == ("Gamma",)
    pilot = made("pilot_bulk", pilot_vms=4).cohorts[0]
    assert (pilot.name, pilot.tenants) == ("Pilot", ("Alpha",))
    assert {"Gamma"} <= set(tenants_of(made("os_first"))[-1]) and "Alpha" in tenants_of(made("os_first"))[0]
    assert "ease" in made("priority").why[0] and "by priority" in made("priority").why[0]


def test_balanced_is_about_data() -> None:
    vms = [v for n in range(8) for v in tenant(f"T{n}", 1 + n, 20 * n)]
    plan = build_cohorts(bundles(vms), CohortRules("balanced", 2))
    assert [one.load.mib for one in plan.cohorts] == [18 * 20 * GIB, 18 * 20 * GIB]


def test_priorities_of_tenants_and_vms() -> None:
    decided = {vm("x", 300).key: Override(priority=2)}
    found = bundles(mixed(), decided=decided, priorities={"Gamma": 1})
    plan = build_cohorts(found, CohortRules("priority", limits=Limits(vms=100, mib=10_000 * GIB)))
    assert plan.cohorts[0].tenants[:2] == ("Gamma", "Delta")


@pytest.mark.parametrize("strategy", COHORT_STRATEGIES)
def test_a_tenant_never_comes_before_one_that_it_needs(strategy: Any) -> None:
    wishes = Wishes({vm("x", 0).key: [vm("x", 200).key]})  # Alpha needs the risky Gamma
    plan = build_cohorts(bundles(mixed(), wishes), CohortRules(strategy, 4))
    at = {name: one.number for one in plan.cohorts for name in one.tenants}
    assert at["Gamma"] <= at["Alpha"]
    if at["Gamma"] < at["Alpha"]:
        assert plan.cohorts[at["Alpha"] - 1].after == (at["Gamma"],)


def test_tenants_that_need_one_another_or_share_a_disk_are_one_bundle() -> None:
    a, b, c = vm("x", 0).key, vm("x", 100).key, vm("x", 200).key
    both = bundles(mixed(), Wishes({a: [b], vm("x", 101).key: [vm("x", 1).key]}))
    assert [one.tenants for one in both if len(one.tenants) > 1] == [("Alpha", "Beta")]
    tied = bundles(mixed(), Wishes(together=[(a, c)]))
    assert [one.tenants for one in tied if len(one.tenants) > 1] == [("Alpha", "Gamma")]
    assert "cannot be parted" in build_cohorts(tied).why[0] and sum(one.load.vms for one in tied) == 70


def test_vms_of_nobody_stand_alone() -> None:
    found = assess(estate([vm("a", 1), vm("b", 2)]))
    made = bundles_of(bonds_of(found), find_tenants(found.vms, TenantRules(methods=("folder",))))
    assert [one.tenants for one in made] == [(NO_TENANT,), (NO_TENANT,)] and made[0].label == "VM a"


def test_an_asked_for_count_that_cannot_be_is_told() -> None:
    made = build_cohorts(bundles(mixed()), CohortRules(count=2, limits=Limits(vms=5)))
    assert "cohorts, 2 were asked for: the limits leave no other way" in made.notes[0]
    assert any("60 VMs, the limit is 5" in note for note in made.notes)


def test_a_tenant_larger_than_its_share_is_parted_along_its_needs() -> None:
    """Delta has 60 of 70 VMs; its first VM needs its last, and the second needs Alpha."""
    wishes = Wishes({vm("x", 300).key: [vm("x", 359).key], vm("x", 301).key: [vm("x", 0).key]})
    whole = bundles(mixed(), wishes)
    parted = part_large(whole, CohortRules(count=4))
    assert next(one.label for one in parted if one.part) == "Delta (part 1 of 7)"
    assert sorted(unit.number for one in parted for unit in one.units) == list(range(70))
    plan = build_cohorts(parted, CohortRules(count=4))
    at = {one.number: cohort.number for cohort in plan.cohorts for one in cohort.bundles}
    assert len(plan.cohorts) == 4 and all(at[need] <= at[one.number] for one in parted for need in one.needs)
    assert max(one.load.vms for one in plan.cohorts) <= 24
    for rules in (CohortRules(count=4, whole_tenants=True), CohortRules(), CohortRules(ramp=(Profile("x"),))):
        assert part_large(whole, rules) == whole
    small = part_large(whole, CohortRules(limits=Limits(vms=5)))
    assert max(one.load.vms for one in small) == 5
    assert not any(one.warnings for one in build_cohorts(small, CohortRules(limits=Limits(vms=5))).cohorts)


def of(**more: Any) -> Assessed:
    return assess(estate([vm(**more)])).vms[0]


def test_the_score_is_the_sum_of_what_is_shown() -> None:
    ease = ease_of([of(), of(power="poweredOff")], needs_of_others=3)
    assert ease.score == round(sum(one.points for one in ease.dimensions), 2)
    assert sum(one.weight for one in ease.dimensions) == pytest.approx(100)
    assert {one.id: one.why for one in ease.dimensions}["cold"] == "1 of 2 VMs"
    assert ease_of([]).score == 0 and ease_of([]).label == "Easy"


def test_a_tenant_without_a_supported_system_gets_all_the_points_for_it() -> None:
    odd = ease_of([of(os_tools="Microsoft Windows Server 2003 (32-bit)"), of(os_tools=None, os_config=None)])
    assert {one.id: one.part for one in odd.dimensions}["system"] == 1.0
    assert {one.id: one.part for one in ease_of([of()]).dimensions}["system"] == 0.0


def test_another_tenant_changes_no_score() -> None:
    alone = bundles(tenant("Alpha", 3))
    beside = bundles([*tenant("Alpha", 3), *tenant("Huge", 50, 100, in_use_mib=900 * GIB)])
    assert alone[0].ease == beside[0].ease


def test_confirmed_networks_make_it_easier_and_weights_are_chosen() -> None:
    one = of(nics=(nic(1), nic(2, network="VLAN20")))
    assert ease_of([one], 0, {"VLAN10", "VLAN20"}).score == pytest.approx(ease_of([one]).score - 2)
    only = ease_of(
        [one], weights=EaseWeights(disk=0, risk=0, system=0, vms=0, networks=7, needs=0, cold=0, unconfirmed=0)
    )
    assert only.score == 10.0
    for wrong in ({"disk": -1.0}, {"disk": float("nan")}):
        with pytest.raises(ValueError, match="weights"):
            EaseWeights(**wrong)


def test_circles() -> None:
    assert circles({1: [2], 2: [3], 3: [1, 4], 4: [], 5: [5]}) == [[1, 2, 3], [4], [5]]
    long = {n: [n + 1] for n in range(50_000)} | {50_000: [0]}
    assert len(circles(long)) == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(1, 300), st.booleans()), max_size=30),
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=10),
    st.sampled_from(COHORT_STRATEGIES),
    st.one_of(st.none(), st.integers(1, 9)),
    st.one_of(st.none(), st.integers(1, 12)),
    st.one_of(st.none(), st.integers(1, 2000)),
)
def test_cohorts_hold(
    rows: list[tuple[int, int, bool]],
    pairs: list[tuple[int, int]],
    strategy: Any,
    count: int | None,
    most_vms: int | None,
    most_gib: int | None,
) -> None:
    vms = [
        vm(f"v{n}", n, folder=f"/DC/vm/T{t}", in_use_mib=gib * GIB, power="suspended" if red else "poweredOn",
           disks=(disk(size_gib=400),))
        for n, (t, gib, red) in enumerate(rows)
    ]  # fmt: skip
    after = {vms[max(p)].key: [vms[min(p)].key] for p in pairs if max(p) < len(vms) and p[0] != p[1]}
    made = bundles(vms, Wishes(after))
    limits = Limits(most_vms, most_gib and most_gib * GIB)
    plan = build_cohorts(made, CohortRules(strategy, count, limits))
    at = {one.number: cohort.number for cohort in plan.cohorts for one in cohort.bundles}
    assert sorted(at) == sorted(one.number for one in made)
    assert all(at[need] <= at[one.number] for one in made for need in one.needs)
    for cohort in plan.cohorts:
        assert limits.fits(cohort.load) != bool(cohort.warnings)
        assert limits.fits(cohort.load) or len(cohort.bundles) == 1
    assert plan == build_cohorts(made, CohortRules(strategy, count, limits))
