"""The demo cloud is coherent, has something to find, moves on, and is the same for the same time."""

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import Any

import pytest

from engines.clouds import CloudError, Resource
from engines.clouds.demo import DemoWorld
from engines.inventory.kinds import KINDS
from engines.inventory.rules import is_open

EPOCH = datetime(2026, 11, 23, tzinfo=UTC)
NOW = EPOCH + timedelta(days=2, hours=11, minutes=7)
Listed = dict[str, dict[str, list[Resource]]]  # {source: {kind: rows}}


async def _listed(world: DemoWorld, at: datetime) -> Listed:
    return {c.source: {k: list(await c.list(k)) for k in c.kinds} for c in world.clouds(at=at)}


@pytest.fixture(scope="module")
def world() -> DemoWorld:
    return DemoWorld(epoch=EPOCH, clock=lambda: NOW)


@pytest.fixture(scope="module", params=[-6, 0, 2, 6, 30], ids=lambda d: f"day{d}")
async def listed(request: pytest.FixtureRequest, world: DemoWorld) -> Listed:
    return await _listed(world, EPOCH + timedelta(days=request.param, hours=11))


@pytest.fixture(scope="module")
async def today(world: DemoWorld) -> Listed:
    return await _listed(world, NOW)


COUNTED = {
    "vms": "vm",
    "volumes": "volume",
    "snapshots": "snapshot",
    "ports": "port",
    "floating_ips": "floating_ip",
    "security_group_rules": "security_group_rule",
    "networks": "network",
    "routers": "router",
    "server_groups": "server_group",
}


def _all(listed: Listed, kind: str) -> list[Resource]:
    return [r for kinds in listed.values() for r in kinds.get(kind, ())]


def test_everything_follows_the_declared_kinds(today: Listed) -> None:
    for kinds in today.values():
        for kind, rows in kinds.items():
            declared = KINDS[kind]
            attrs = {f.name for f in declared.fields if f.where == "attrs"}
            derived = {f.name for f in declared.fields if f.where == "derived"}
            assert rows
            for row in rows:
                assert row.kind == kind
                assert set(row.attrs) <= attrs and set(row.derived) <= derived
                assert not declared.states or row.attrs["state"] in declared.states


def test_ids_are_unique_and_point_at_what_is_there(listed: Listed) -> None:
    points = {"image_id": "image", "network_id": "network", "user_id": "user", "domain_id": "domain"}
    for kinds in listed.values():
        there = {kind: {r.external_id for r in rows} for kind, rows in kinds.items()}
        for kind, rows in kinds.items():
            assert len(there[kind]) == len(rows), kind
            for row in rows:
                assert row.project_id is None or row.project_id in there["project"]
                for field, target in points.items():
                    assert row.attrs.get(field) is None or row.attrs[field] in there[target], (kind, field)
        volumes = there["volume"]
        assert all(set(vm.attrs["volume_ids"]) <= volumes for vm in kinds["vm"])


def test_both_sides_of_an_attachment_agree(listed: Listed) -> None:
    for kinds in listed.values():
        of_vm = {(v, vm.external_id) for vm in kinds["vm"] for v in vm.attrs["volume_ids"]}
        of_volume = {(v.external_id, a["vm_id"]) for v in kinds["volume"] for a in v.attrs["attachments"]}
        assert of_vm == of_volume
        for volume in kinds["volume"]:
            assert (volume.attrs["state"] == "attached") == bool(volume.attrs["attachments"])


def test_hosts_give_away_no_more_than_they_have_and_count_right(listed: Listed) -> None:
    for kinds in listed.values():
        on: dict[str, list[Resource]] = defaultdict(list)
        for vm in kinds["vm"]:
            if vm.attrs.get("host"):
                on[vm.attrs["host"]].append(vm)
        assert set(on) <= {h.name for h in kinds["host"]}
        for host in kinds["host"]:
            mine, a, d = on[host.name], host.attrs, host.derived
            assert d["vms"] == len(mine)
            assert d["vcpus_used"] == sum(vm.attrs["vcpus"] for vm in mine) <= a["vcpus"] * a["cpu_ratio"]
            assert d["memory_used_mib"] == sum(vm.attrs["memory_mib"] for vm in mine)
            assert d["memory_used_mib"] <= a["memory_mib"] * a["memory_ratio"] - a["memory_reserved_mib"]
            assert d["disk_used_gib"] <= a["disk_gib"]


def test_addresses_are_unique_and_inside_their_subnets(listed: Listed) -> None:
    for kinds in listed.values():
        addresses = [(vm, a) for vm in kinds["vm"] for a in vm.attrs["addresses"]]
        assert len({a["ip"] for _, a in addresses}) == len(addresses)
        fixed = [a for _, a in addresses if a["type"] == "fixed"]
        assert len({a["mac"] for a in fixed}) == len(fixed)
        ranges = {s.attrs["parent_id"]: ip_network(s.attrs["cidr"]) for s in kinds.get("subnet", ())}
        for a in fixed:
            assert not ranges or ip_address(a["ip"]) in ranges[a["network_id"]]
    everything = [s.attrs["cidr"] for s in _all(listed, "subnet")]
    assert not any(ip_network(a).overlaps(ip_network(b)) for i, a in enumerate(everything) for b in everything[:i])


def test_ports_and_floating_ips_are_those_of_the_vms(listed: Listed) -> None:
    kinds = listed["demo-openstack"]
    of_ports = {
        (p.attrs["parent_id"], p.attrs["ips"][0]) for p in kinds["port"] if p.attrs["device_owner"] == "compute:nova"
    }
    of_vms = {(v.external_id, a["ip"]) for v in kinds["vm"] for a in v.attrs["addresses"] if a["type"] == "fixed"}
    assert of_ports == of_vms
    floating = {f.attrs["address"] for f in kinds["floating_ip"] if f.attrs["state"] == "attached"}
    assert floating == {a["ip"] for v in kinds["vm"] for a in v.attrs["addresses"] if a["type"] == "floating"}
    assert {f.attrs.get("parent_id") for f in kinds["floating_ip"]} - {None} <= {p.external_id for p in kinds["port"]}
    every = [ip for p in kinds["port"] for ip in p.attrs["ips"]]
    assert len(every) == len(set(every))


def test_quotas_count_what_is_listed_and_nobody_is_over(listed: Listed) -> None:
    for source in ("demo-openstack", "demo-nutanix"):
        kinds = listed[source]
        counted: dict[str, Counter[str]] = defaultdict(Counter)
        for metric, kind in COUNTED.items():
            for row in kinds.get(kind, ()):
                counted[row.project_id or ""][metric] += 1
        for vm in kinds["vm"]:
            counted[vm.project_id or ""].update(cpu=vm.attrs["vcpus"], memory_mib=vm.attrs["memory_mib"])
        for row in [*kinds["volume"], *kinds["snapshot"]]:
            counted[row.project_id or ""].update(storage_gib=row.attrs["size_gib"])
        for quota in kinds["quota"]:
            limits, used = quota.attrs["limits"], quota.derived["used"]
            assert set(limits) == set(used)
            for metric in set(used) - {"subnets", "security_groups"}:
                assert used[metric] == counted[quota.external_id][metric], (quota.name, metric)
            over = {m: (used[m], limits[m]) for m in used if used[m] > limits[m]}
            assert not over, quota.name


def test_there_are_things_to_find(today: Listed) -> None:
    vms, hosts = _all(today, "vm"), _all(today, "host")
    assert 290 <= len(vms) <= 325
    assert len(_all(today, "project")) >= 14
    assert {d.name for d in _all(today, "domain")} == {"acme", "globex", "initech"}
    failed = [vm for vm in vms if vm.attrs["state"] == "error"]
    assert len(failed) >= 4 and all(vm.attrs["fault"] for vm in failed)
    down = {h.name for h in hosts if h.attrs["state"] == "down"}
    assert down and any(vm.attrs.get("host") in down for vm in vms)
    assert [h for h in hosts if not h.attrs["enabled"] and h.attrs["disabled_reason"]]
    assert sum(vm.name == "bastion" for vm in vms) == 2
    assert {"mail", "test", "backup", "SRV_FILE_03", "ERP DB Primary", "nx-vdi-0117"} <= {vm.name for vm in vms}
    assert {"<b>bold</b>", "=SUM(A1)", "🚀 launch pad"} <= {vm.name for vm in vms}
    assert {"windows", "ubuntu", "rhel", "debian"} <= {vm.attrs["os"] for vm in vms}
    assert sum("technical_owner" in vm.attrs for vm in vms) > len(vms) * 0.7
    assert [u for u in _all(today, "user") if not u.attrs["enabled"]]
    assert [p for p in _all(today, "project") if not p.attrs["enabled"]]
    assert [f for f in _all(today, "floating_ip") if f.attrs["state"] == "unused"]
    assert [i for i in _all(today, "image") if i.attrs["state"] == "disabled"]


def test_the_quotas_tell_a_story(today: Listed) -> None:
    shares = {
        (q.name, m): q.derived["used"][m] / limit
        for q in _all(today, "quota")
        for m, limit in q.attrs["limits"].items()
    }
    assert shares["acme-prod", "cpu"] == 1.0
    assert sum(0.8 <= share < 1 for share in shares.values()) >= 3


def test_the_world_gets_in_where_it_should_not(today: Listed) -> None:
    open_ports = {r.attrs["port_min"] for r in _all(today, "security_group_rule") if is_open(r.attrs)}
    assert {22, 3389, 3306, 5432} <= open_ports


def test_volumes_that_nobody_protects_or_uses(today: Listed) -> None:
    volumes, snapshots = _all(today, "volume"), _all(today, "snapshot")
    protected = {s.attrs["parent_id"] for s in snapshots}
    assert sum(v.attrs["state"] == "unattached" for v in volumes) >= 10
    assert 0.2 < sum(v.external_id not in protected for v in volumes) / len(volumes) < 0.7
    assert len([s for s in snapshots if s.attrs["parent_id"] not in {v.external_id for v in volumes}]) >= 5


async def test_the_same_time_looks_the_same_in_another_process_and_after_other_looks(today: Listed) -> None:
    other = DemoWorld(epoch=EPOCH, clock=lambda: NOW)
    await _listed(other, EPOCH - timedelta(days=3))
    assert await _listed(other, NOW) == today


async def test_it_changes_while_it_runs(world: DemoWorld, today: Listed) -> None:
    seen = [today, *[await _listed(world, NOW + timedelta(minutes=m)) for m in (10, 20, 30)]]
    assert len({repr(_all(one, "vm")) for one in seen}) >= 3


async def test_a_week_has_births_deaths_moves_and_new_rules(world: DemoWorld) -> None:
    points = [*world.history_points(NOW), NOW]
    assert points == sorted(points) and NOW - points[0] < timedelta(days=7)
    views = [await _listed(world, p) for p in points]
    made, gone, moved, resized = set[str](), set[str](), set[str](), set[str]()
    for before, after in pairwise(views):
        old, new = _by_id(_all(before, "vm")), _by_id(_all(after, "vm"))
        made |= new.keys() - old.keys()
        gone |= old.keys() - new.keys()
        moved |= {i for i in old.keys() & new.keys() if _differ(old[i], new[i], "host")}
        resized |= {i for i in old.keys() & new.keys() if _differ(old[i], new[i], "flavor")}
    assert min(len(made), len(gone), len(moved)) >= 5 and resized
    rules = [{r.external_id for r in _all(v, "security_group_rule")} for v in views]
    assert rules[-1] > rules[0]
    limits = [{q.name: q.attrs["limits"]["cpu"] for q in _all(v, "quota")} for v in views]
    assert limits[0]["acme-dev"] < limits[-1]["acme-dev"]


def _by_id(rows: Sequence[Resource]) -> dict[str, Resource]:
    return {row.external_id: row for row in rows}


def _differ(one: Resource, other: Resource, field: str) -> bool:
    return bool(one.attrs.get(field) != other.attrs.get(field))


async def test_a_fault_is_only_now_and_passes() -> None:
    times = [NOW.replace(minute=7)]
    world = DemoWorld(epoch=EPOCH, clock=lambda: times[-1])
    (nutanix,) = [c for c in world.clouds() if c.source == "demo-nutanix"]
    with pytest.raises(CloudError) as caught:
        await nutanix.list("host")
    assert caught.value.reason == "refused" and caught.value.fix
    assert await nutanix.list("vm")
    times.append(NOW.replace(minute=50))
    assert await nutanix.list("host")
    (past,) = [c for c in world.clouds(at=NOW) if c.source == "demo-nutanix"]
    assert await past.list("host")


async def test_a_world_without_faults_has_none() -> None:
    world = DemoWorld(epoch=EPOCH, clock=lambda: NOW, faults=frozenset())
    for cloud in world.clouds():
        assert cloud.demo
        for kind in cloud.kinds:
            assert await cloud.list(kind)


async def test_a_kind_that_a_platform_lacks_is_said(world: DemoWorld) -> None:
    with pytest.raises(CloudError) as caught:
        await world.clouds()[1].list("floating_ip")
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("vms", [0, 99, 200_001, -5])
def test_numbers_that_cannot_be_are_refused(vms: int) -> None:
    with pytest.raises(ValueError, match="choose a number"):
        DemoWorld(vms=vms, epoch=EPOCH)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="UTC"):
        DemoWorld(epoch=EPOCH.replace(tzinfo=None))


@pytest.mark.parametrize("vms", [100, 650, 900, 5000])
async def test_other_sizes_are_as_coherent(vms: int) -> None:
    listed = await _listed(DemoWorld(vms=vms, epoch=EPOCH), NOW)
    assert abs(len(_all(listed, "vm")) - vms) <= max(40, vms * 0.03)
    test_ids_are_unique_and_point_at_what_is_there(listed)
    test_hosts_give_away_no_more_than_they_have_and_count_right(listed)
    test_addresses_are_unique_and_inside_their_subnets(listed)
    test_ports_and_floating_ips_are_those_of_the_vms(listed)
    test_quotas_count_what_is_listed_and_nobody_is_over(listed)


async def test_a_listing_is_a_sequence() -> None:
    rows: Any = await DemoWorld(epoch=EPOCH).clouds(at=NOW)[0].list("vm")
    assert len(rows) == len(list(rows))
    assert list(rows[3:5]) == [rows[3], rows[4]] and rows[-1] == list(rows)[-1]
    with pytest.raises(IndexError):
        rows[len(rows)]


async def test_it_is_quick() -> None:
    start = time.process_time()
    await _listed(DemoWorld(epoch=EPOCH), NOW)
    assert time.process_time() - start < 3  # a tenth of it on an idle machine
