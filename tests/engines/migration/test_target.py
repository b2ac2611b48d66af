"""The target: quotas that the flavors fit into, hosts that survive a failure, gaps, and unknown kept unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.migration.assessment import assess
from engines.migration.calendars import Calendar
from engines.migration.flavors import choose_flavors, shape_of
from engines.migration.mappings import Mapped, Offer
from engines.migration.placing import NOTHING, Machine, Piece, machines_needed
from engines.migration.plans import MigrationPlan, Settings, make_plan
from engines.migration.preflights import preflight_of
from engines.migration.quotas import Place, quotas_of
from engines.migration.records import CpuUse, Host, Vm
from engines.migration.sizing import PRESETS, NodeProfile, Overcommit, size_target
from engines.migration.target_reports import TargetReport, compare_target
from engines.migration.targets import UNREACHED, FlavorOffer, ImageOffer, QuotaState, TargetHost, TargetState
from engines.migration.tenants import Tenants
from engines.migration.transfer import Transfer
from tests.engines.migration.estates import GIB, estate, nic, vm

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
FLAVORS = (FlavorOffer("1", "m.small", 2, 4 * GIB), FlavorOffer("2", "m.medium", 4, 8 * GIB),
           FlavorOffer("3", "m.large", 8, 16 * GIB))  # fmt: skip
PLENTY = {name: QuotaState(None) for name in "instances cores ram_mib volumes gigabytes snapshots ports".split()}  # noqa: SIM905
TARGET = TargetState(
    FLAVORS,
    (Offer("n1", "vlan10"),),
    (ImageOffer("i", "any", {"hw_firmware_type": "uefi", "os_secure_boot": "required"}),),
    (TargetHost("k1", 96, 768 * GIB), TargetHost("k2", 96, 768 * GIB)),
    {"p-acme": PLENTY},
)
ACME = Mapped("Acme", Offer("p-acme", "acme"), 100, "name", 3, confirmed=True)
VLAN10 = Mapped("VLAN10", Offer("n1", "vlan10"), 100, "name", 3, confirmed=True)


def acme(count: int = 3, **more: Any) -> list[Vm]:
    return [vm(f"acme-{n}", n, folder="/DC/vm/Acme", **more) for n in range(count)]


def plan_of(vms: Sequence[Vm], **more: Any) -> MigrationPlan:
    return make_plan(assess(estate(vms, **more)), Settings(Transfer(), Calendar(MONDAY)))


def report(
    vms: Sequence[Vm],
    target: TargetState = TARGET,
    projects: Sequence[Mapped] = (ACME,),
    networks: Sequence[Mapped] = (VLAN10,),
    decided: Mapping[str, str] | None = None,
) -> TargetReport:
    return compare_target(plan_of(vms), target, projects, networks, decided=decided)


def test_all_is_well() -> None:
    found = report(acme())
    assert found.gaps.gaps == () and found.gaps.unknown == () and found.readiness[0].is_ready
    assert [one.item for one in found.readiness[0].checks] == [
        "target_mapped", "networks_mapped", "flavors", "quota_sufficient", "no_critical_gaps", "no_blockers"
    ]  # fmt: skip


def test_an_unreachable_target_is_unknown_and_has_no_gaps() -> None:
    vms = [vm(f"v{n}", n, folder="/DC/vm/Acme", cpus=n + 1, firmware="efi") for n in range(50)]
    found = report(vms, UNREACHED)
    assert found.gaps.gaps == () and found.gaps.unknown == ("flavor", "network", "image", "quota")
    states = {one.item: one.state for one in found.readiness[0].checks}
    assert states["flavors"] == states["quota_sufficient"] == states["no_critical_gaps"] == "unknown"
    assert found.readiness[0].state == "unknown" and found.sizing.hosts is None and found.sizing.add is None
    assert found.sizing.total > 0 and {one.how for one in found.choices.values()} == {"unknown"}
    empty = replace(TARGET, flavors=())
    assert {one.kind for one in report(vms[:1], empty).gaps.gaps} == {"flavor"}


def test_flavors_are_never_smaller_and_waste_little() -> None:
    vms = assess(estate([vm("a", 1), vm("b", 2, cpus=1, memory_mib=2 * GIB), vm("c", 3, cpus=4, memory_mib=7 * GIB),
                         vm("d", 4, cpus=16), vm("e", 5, cpus=None, memory_mib=None)])).vms  # fmt: skip
    chosen = choose_flavors(vms, FLAVORS)
    found = {one.vm.name: chosen[shape_of(one)] for one in vms}
    assert [(name, one.how) for name, one in found.items()] == [
        ("a", "exact"), ("b", "make"), ("c", "larger"), ("d", "make"), ("e", "make"),
    ]  # fmt: skip
    assert found["c"].name == "m.medium" and found["b"].name == "1 vCPUs, 2 GiB"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 300), st.integers(0, 3)), min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(1, 48), st.integers(1, 400)), max_size=10),
    st.integers(0, 50),
)
def test_the_quota_fits_the_flavors(
    shapes: list[tuple[int, int, int]], offers: list[tuple[int, int]], growth: int
) -> None:
    """What is wanted is at least what the VMs are given plus what is used, and never less than there is."""
    vms = assess(estate([vm(f"v{n}", n, cpus=c, memory_mib=m * 512) for n, (c, m, _) in enumerate(shapes)])).vms
    flavors = tuple(FlavorOffer(str(n), f"f{n}", c, m * 512) for n, (c, m) in enumerate(offers))
    chosen = choose_flavors(vms, flavors)
    for one in vms:
        choice = chosen[shape_of(one)]
        assert choice.vcpus >= (one.vm.cpus or 1) and choice.memory_mib >= (one.vm.memory_mib or 1)
    tenant_of = {one.key: f"T{shapes[n][2]}" for n, one in enumerate(vms)}
    places = {"T0": Place("p0", "zero"), "T1": Place("p0", "zero"), "T2": Place("p2", "two")}
    current = {"p0": {"cores": QuotaState(50, 20), "ram_mib": QuotaState(None, 5)}, "p2": {"cores": QuotaState(9, 9)}}
    for quota in quotas_of(vms, tenant_of, places, chosen, current, growth):
        mine = [one for one in vms if tenant_of[one.key] in quota.tenants]
        cores = quota.need("cores")
        assert cores.needed == sum(chosen[shape_of(one)].vcpus for one in mine) and quota.vms == len(mine)
        assert quota.need("ram_mib").needed == sum(chosen[shape_of(one)].memory_mib for one in mine)
        reaches = cores.wanted if cores.wanted is not None else cores.limit
        assert reaches is not None and reaches >= cores.used + cores.needed and reaches >= (cores.limit or 0)


def test_tenants_of_one_project_are_summed_and_quotas_never_lowered() -> None:
    vms = assess(estate([vm("a", 1), vm("b", 2)])).vms
    tenant_of = {vms[0].key: "A", vms[1].key: "B"}
    places = {"A": Place("p", "one"), "B": Place("p", "one")}
    current = {"p": {"cores": QuotaState(100, 2), "instances": QuotaState(2, 1), "gigabytes": QuotaState(None, 7)}}
    (quota,) = quotas_of(vms, tenant_of, places, choose_flavors(vms, FLAVORS), current, 0)
    assert quota.tenants == ("A", "B") and quota.need("cores").needed == 4 and quota.need("cores").wanted is None
    assert (quota.need("instances").wanted, quota.need("instances").short) == (3, 1)
    assert quota.need("gigabytes").wanted is None and quota.need("gigabytes").needed == 80
    assert not quota.need("ports").known and quota.fits is None
    with pytest.raises(ValueError, match="growth"):
        quotas_of(vms, tenant_of, places, choose_flavors(vms, FLAVORS), current, -1)


def test_every_kind_of_gap() -> None:
    vms = [
        *acme(2, nics=(nic(1), nic(2, network="Backup"))),
        vm("efi", 5, folder="/DC/vm/Acme", firmware="efi", cpus=3, memory_mib=4 * GIB),
        vm("safe", 6, folder="/DC/vm/Orbit", firmware="efi", secure_boot=True),
    ]
    small = {**PLENTY, "cores": QuotaState(10, 8)}
    target = replace(TARGET, images=(ImageOffer("i", "plain"),), quotas={"p-acme": small})
    guess = replace(VLAN10, confirmed=False)
    found = report(vms, target, networks=(guess, Mapped("Backup", None, 0, "name", 2)))
    assert [(one.id, one.severity) for one in found.gaps.gaps] == [
        ("quota:p-acme:cores", "critical"),
        ("network:Backup", "critical"),
        ("image:secure-boot", "critical"),
        ("image:uefi", "critical"),
        ("mapping:Orbit", "critical"),
        ("network:VLAN10", "warning"),
        ("flavor:3x4096", "warning"),
    ]
    assert all(one.what and one.todo and one.tenants for one in found.gaps.gaps)
    assert found.gaps.count() == {"critical": 5, "warning": 2, "info": 0}
    by_tenant = {one.tenant: {c.item: c.state for c in one.checks} for one in found.readiness}
    assert by_tenant["Acme"]["quota_sufficient"] == by_tenant["Acme"]["networks_mapped"] == "fail"
    assert by_tenant["Orbit"]["target_mapped"] == "fail" and by_tenant["Orbit"]["quota_sufficient"] == "pending"


def test_what_was_decided_about_a_gap_holds_over_a_new_run() -> None:
    guess = replace(ACME, confirmed=False)
    first = report(acme(), projects=(guess,))
    (gap,) = first.gaps.gaps
    again = report(acme(5), projects=(guess,), decided={gap.id: "ann: agreed with the customer", "old:gone": "x"})
    assert again.gaps.gaps[0].decided and again.gaps.open_ones == () and again.gaps.count()["warning"] == 0


def test_vms_of_nobody_are_named_so() -> None:
    found = report([vm("a", 1, cluster=None, nics=(), folder=None, networks=())], projects=())
    assert found.readiness[0].tenant == "(no tenant)" and found.gaps.gaps[0].id == "mapping:(no tenant)"


def test_readiness_makes_the_preflight_of_a_wave() -> None:
    plan = plan_of(acme())
    keys = plan.waves.waves[0].keys
    good = preflight_of(keys, plan.tenants, report(acme()).readiness, MONDAY)
    assert {one.state for one in good.values()} == {"pass"} and "agent_reachable" not in good
    unknown = preflight_of(keys, plan.tenants, report(acme(), UNREACHED).readiness, MONDAY)
    assert (
        unknown["quota_sufficient"].state == "pending" and "could not be read" in unknown["quota_sufficient"].evidence
    )
    nobody = preflight_of(keys, Tenants((), {}, ()), report(acme()).readiness, MONDAY)
    assert {one.state for one in nobody.values()} == {"pending"}


def test_networks_that_an_export_does_not_name_are_not_mapped() -> None:
    """Unknown is neither passed nor failed; a VM without any NIC needs none."""
    for nics, state in ((None, "unknown"), (0, "pass")):
        found = report([vm("a", 1, nics=(), networks=(), nic_count=nics)])
        check = next(one for one in found.readiness[0].checks if one.item == "networks_mapped")
        assert check.state == state, check


def sized(vms: Sequence[Vm], hosts: Sequence[TargetHost] | None, preset: Any = "balanced", **more: Any) -> Any:
    known = more.pop("estate", {})
    found = assess(estate(vms, **known))
    return size_target(found.vms, found.estate, choose_flavors(found.vms, None), hosts, preset, **more)


HOST = TargetHost("k", 32, 256 * GIB)


def test_a_cluster_with_room_buys_nothing() -> None:
    """What its VMs were given counts against what it may give: 4:1 is not zero headroom."""
    busy = [replace(HOST, name=f"k{n}", vcpus_used=60, memory_used_mib=100 * GIB) for n in range(4)]
    found = sized([vm(f"v{n}", n) for n in range(20)], busy)
    assert (found.add, found.hosts, found.failures, found.bound) == (0, 4, 1, "vCPUs given")


def test_two_hosts_survive_one() -> None:
    """Both filled to 60 % of their memory: with one lost the other cannot hold it all."""
    two = [replace(HOST, name=f"k{n}") for n in range(2)]
    vms = [vm(f"v{n}", n, cpus=1, memory_mib=32 * GIB) for n in range(14)]
    found = sized(vms, two, "conservative", profile=NodeProfile(32, 256 * GIB))
    assert (found.add, found.bound) == (1, "failures")
    assert sized(vms, two, "conservative", failures=0).add == 0


def test_presets_and_hosts_off_duty() -> None:
    vms = [vm(f"v{n}", n, cpus=8, memory_mib=1 * GIB) for n in range(60)]
    hosts = [HOST, replace(HOST, name="off", enabled=False)]
    adds = [sized(vms, hosts, preset, profile=NodeProfile(32, 256 * GIB)).add for preset in PRESETS]
    assert adds == sorted(adds) and adds[0] < adds[2] and sized(vms, hosts).hosts == 1


def test_measured_use_counts_where_it_is_and_coverage_is_shown() -> None:
    known = {"estate": {"hosts": (Host(2, "esx1", speed_mhz=2000, server="vc1"),)}}
    calm = [vm(f"v{n}", n, cpus=4, cpu=CpuUse(2, overall_mhz=400)) for n in range(10)]
    found = sized([*calm, vm("x", 99, cpus=4), vm("off", 98, cpus=4, power="poweredOff")], [HOST], **known)
    assert (found.covered, found.powered_on) == (10, 11) and found.cores_used == 10 * 0.2 + 4 / 4
    assert "1 of 11 running VMs have no measured CPU" in found.notes[0]
    hot = [vm(f"v{n}", n, cpus=8, cpu=CpuUse(2, overall_mhz=14_000)) for n in range(12)]
    assert sized(hot, [HOST], **known).bound == "measured CPU"
    assert sized(hot, [HOST], **known).add > sized(hot, [HOST]).add


def test_a_vm_larger_than_any_host_is_named() -> None:
    found = sized([vm("huge", 1, memory_mib=4000 * GIB), vm("b", 2)], [HOST], profile=NodeProfile(32, 256 * GIB))
    assert found.too_large == ("huge",) and found.add == 1


def test_nothing_to_size_and_no_hosts() -> None:
    assert (sized([], []).add, sized([], []).bound) == (0, "")
    none = sized([vm("a", 1)], [])
    assert none.add == 2 and none.hosts == 0
    for wrong in ((0.5, 1, 1, 1, 0.5), (1, 1, 1, 1, 0), (1, 1, 1, 1, 2)):
        with pytest.raises(ValueError, match="overcommit"):
            Overcommit(*wrong)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 16), st.integers(1, 64), st.integers(0, 12)), max_size=30),
    st.lists(st.tuples(st.integers(8, 64), st.integers(64, 512), st.integers(0, 100)), max_size=6),
    st.integers(0, 3),
)
def test_what_is_bought_is_enough(
    pieces: list[tuple[int, int, int]], hosts: list[tuple[int, int, int]], failures: int
) -> None:
    """By sums, after the largest are lost; the search ends also where hosts are full beyond their measure."""
    live = [Machine(v, m, v, Piece(v * u / 100, m * u / 100, v * u / 200)) for v, m, u in hosts]
    new = Machine(32, 128, 24)
    counted: dict[Piece, int] = {}
    for v, m, c in pieces:
        counted[Piece(v, m, c)] = counted.get(Piece(v, m, c), 0) + 1
    add, bound = machines_needed(live, new, counted, failures)
    assert add <= len(pieces) + failures + 30 and bool(bound) == bool(pieces)
    if pieces:
        left = sorted([*live, *[new] * add], key=lambda one: -one.memory_mib)[failures:]
        asked = sum(p.memory_mib * n for p, n in counted.items()) + sum(one.used.memory_mib for one in live)
        assert asked <= sum(one.memory_mib for one in left) + 1e-6
    assert machines_needed(live, new, {}, failures) == (0, "") and Piece(0, 0, 0) == NOTHING
