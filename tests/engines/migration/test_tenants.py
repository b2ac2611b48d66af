"""Whose a VM is, the way it was told, and what is left without an answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engines.migration.assessment import assess
from engines.migration.reading.reader import read_export
from engines.migration.tenants import TenantRules, find_tenants
from tests.engines.migration.estates import estate, vm

_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def tenants_of(*vms: Any, rules: TenantRules | None = None) -> dict[str, tuple[str, int]]:
    found = find_tenants(assess(estate(list(vms))).vms, rules)
    return {one.name: (one.method, len(one.keys)) for one in found.tenants}


@pytest.mark.parametrize(
    ("more", "tenant", "method"),
    [
        ({"folder": "/DC/Tenants/Acme/Production"}, "Acme", "folder"),
        ({"folder": "/DC/vm/Acme"}, "Acme", "folder"),
        ({"folder": "/DC/acme-VDC-12/x"}, "acme", "folder"),
        ({"folder": f"/DC/Acme ({_ID})/Dev ({_ID})"}, "Acme", "folder"),
        ({"folder": "/DC/Discovered virtual machine", "vapp": "Acme"}, "Acme", "vapp"),
        ({"folder": "/DC/Linux", "pool": "/DC/C1/Resources/Acme"}, "Acme", "pool"),
        ({"folder": "/DC", "attributes": (("Backup", "Gold"), ("Owner", "Acme"))}, "Acme", "attribute"),
        ({"attributes": (("Owner", "Bob"), ("Customer", "Acme"))}, "Acme", "attribute"),
        ({"attributes": (("Owner", "(hidden: it seems to hold a password)"),)}, "C1", "cluster"),
        ({}, "C1", "cluster"),
        ({"cluster": None}, "VLAN10", "network"),
    ],
)  # fmt: skip
def test_each_way(more: dict[str, Any], tenant: str, method: str) -> None:
    assert tenants_of(vm(**more)) == {tenant: (method, 1)}


def test_without_any_answer_a_vm_is_counted_as_such() -> None:
    found = find_tenants(assess(estate([vm(cluster=None, nics=())])).vms)
    assert found.tenants == () and len(found.without) == 1


def test_a_prefix_counts_when_enough_have_it_and_roles_do_not() -> None:
    vms = [vm(f"acme-web{n}", n) for n in range(5)] + [vm(f"sql-{n}", 10 + n) for n in range(5)] + [vm("zeta-1", 20)]
    assert tenants_of(*vms) == {"acme": ("prefix", 5), "C1": ("cluster", 6)}


def test_vapps_of_one_stem_are_of_one_tenant() -> None:
    found = find_tenants(
        assess(estate([vm("a", 1, vapp="Acme-web"), vm("b", 2, vapp="Acme-db"), vm("c", 3, vapp="Solo-x")])).vms
    )
    assert {one.name: one.parts for one in found.tenants} == {"Acme": ("Acme-db", "Acme-web"), "Solo-x": ()}


def test_a_tenant_of_three_parts_is_counted_once() -> None:
    vms = [vm(f"v{n}", n, folder=f"/DC/Tenants/{name}/{part}") for n, (name, part) in
           enumerate([("Acme", "a"), ("ACME", "b"), ("Acme", "c")])]  # fmt: skip
    (one,) = find_tenants(assess(estate(vms)).vms).tenants
    assert (one.name, one.parts, len(one.keys), one.confidence) == ("Acme", ("a", "b", "c"), 3, "high")
    assert one.evidence == "Folder /DC/Tenants/Acme/a"


def test_the_order_and_the_depth_are_chosen() -> None:
    one = vm(folder="/DC/Sites/Berlin/Acme", pool="/DC/C1/Resources/Gold")
    assert tenants_of(one) == {"Sites": ("folder", 1)}
    assert tenants_of(one, rules=TenantRules(folder_depth=3)) == {"Acme": ("folder", 1)}
    assert tenants_of(one, rules=TenantRules(methods=("pool",))) == {"Gold": ("pool", 1)}


def test_templates_have_no_tenant() -> None:
    assert tenants_of(vm(template=True)) == {}


@pytest.mark.parametrize("seed", ["7", "8"])
def test_the_generated_tenants_are_found(generated: Callable[..., Path], seed: str) -> None:
    path = generated("e.xlsx", "--vms", "300", "--seed", seed)
    wanted = json.loads(Path(f"{path}.answers.json").read_text())["tenants"]
    found = {name: count for name, (_, count) in tenants_of(*read_export(path).vms).items()}
    for name, told in wanted.items():
        if told["visible_in"] != "name prefix":  # those show their code, not their name
            assert found[name] == told["vms"]
