from collections.abc import Mapping, Sequence
from typing import Any

from engines.clouds import Resource
from engines.inventory.books import Books
from engines.inventory.kinds import KINDS
from engines.inventory.resolve import missing, resolve


def row(kind: str, external_id: str, name: str = "", project: str | None = None, **attrs: Any) -> Resource:
    return Resource(kind, external_id, name or external_id, project, attrs)


CLOUD: Mapping[str, list[Resource]] = {
    "domain": [row("domain", "d1", "acme"), row("domain", "d2", "globex")],
    "project": [
        row("project", "p1", "production", "p1", domain_id="d1"),
        row("project", "p2", "production", "p2", domain_id="d2"),
    ],
    "user": [row("user", "u1", "ann", domain_id="d1")],
    "group": [row("group", "g1", "ops", domain_id="d1")],
    "role": [row("role", "r1", "admin")],
    "role_assignment": [
        row("role_assignment", "a1", "-", "p2", role_id="r1", user_id="u1"),
        row("role_assignment", "a2", "-", None, role_id="r1", group_id="g1", domain_id="d1"),
    ],
    "flavor": [row("flavor", "f1", "m1.small")],
    "image": [row("image", "i1", "debian-12", os="debian", os_version="debian 12")],
    "host": [row("host", "h1", "compute-01", cluster="ssd"), row("host", "h2", "compute-02")],
    "cluster": [row("cluster", "c1", "ssd")],
    "network": [
        row("network", "n1", "net", "p1"),
        row("network", "n2", "net", "p2"),
        row("network", "n3", "public", "p9", external=True),
    ],
    "subnet": [
        row("subnet", "s1", "sub", "p1", parent_id="n1", cidr="10.1.0.0/24"),
        row("subnet", "s2", "sub6", "p1", parent_id="n1", cidr="10.0.0.0/24"),
    ],
    "port": [row("port", "o1", "", "p1", network_id="n1", parent_id="v1", ips=["10.1.0.5"])],
    "floating_ip": [row("floating_ip", "x1", "203.0.113.5", "p1", network_id="n3", parent_id="o1")],
    "router": [row("router", "t1", "r", "p1", external_network_id="n3")],
    "vm": [
        row(
            "vm",
            "v1",
            "web-1",
            "p1",
            flavor="m1.small",
            image_id="i1",
            user_id="u1",
            host="compute-01",
            volume_ids=["w1"],
            addresses=[{"ip": "10.1.0.5", "network": "net"}, {"ip": "203.0.113.5", "network": "public"}],
        ),
        row("vm", "v2", "db-1", "p2", volume_ids=["w2"], addresses=[{"ip": "10.2.0.5", "network": "net"}]),
    ],
    "volume": [
        row("volume", "w1", "data", "p1", size_gib=5, attachments=[{"vm_id": "v1", "device": "/dev/vdb"}]),
        row(
            "volume",
            "w2",
            "boot",
            "p2",
            size_gib=9,
            bootable=True,
            image="Ubuntu 24.04",
            attachments=[{"vm_id": "v2", "device": "/dev/vda"}],
        ),
    ],
    "snapshot": [
        row("snapshot", "z1", "snap", "p1", parent_id="w1", state="available"),
        row("snapshot", "z2", "lost", "p1", parent_id="w9", state="available"),
        row("snapshot", "z3", "bad", "p1", parent_id="w9", state="error"),
    ],
    "security_group": [row("security_group", "q1", "web", "p1"), row("security_group", "q2", "none", "p1")],
    "security_group_rule": [row("security_group_rule", "k1", "rule", "p1", parent_id="q1")],
    "server_group": [row("server_group", "e1", "anti", "p1", member_ids=["v2", "v1"])],
    "keypair": [row("keypair", "u1/key", "key", user_id="u1")],
    "quota": [row("quota", "p2", "production", "p2", limits={})],
}


def resolved(
    listed: Mapping[str, Sequence[Resource]] = CLOUD, *, without: str = "", books: Books | None = None
) -> dict[str, Resource]:
    rows = {kind: list(found) for kind, found in listed.items() if kind != without}
    books = books or Books(rows, whole=rows)
    return {r.external_id: r for kind, found in rows.items() for r in resolve(kind, found, books)}


def test_same_named_projects_of_two_domains_stay_apart() -> None:
    found = resolved()
    assert (found["v1"].derived["project"], found["v1"].derived["domain"]) == ("production", "acme")
    assert (found["v2"].derived["project"], found["v2"].derived["domain"]) == ("production", "globex")


def test_a_vm_gets_every_name() -> None:
    vm = resolved()["v1"]
    assert vm.attrs["flavor_id"] == "f1" and vm.attrs["cluster"] == "ssd"
    assert vm.attrs["os"] == "debian" and vm.attrs["os_version"] == "debian 12"
    assert vm.attrs["server_group"] == "anti"
    assert vm.derived["image"] == "debian-12" and vm.derived["created_by"] == "ann"
    assert vm.derived["volumes"] == [{"id": "w1", "name": "data", "size_gib": 5, "device": "/dev/vdb"}]
    assert [a["network_id"] for a in vm.attrs["addresses"]] == ["n1", "n3"]


def test_a_vm_that_starts_from_a_volume_is_known_by_the_volumes_image() -> None:
    vm = resolved()["v2"]
    assert vm.derived["image"] == "Ubuntu 24.04" and vm.attrs["os"] == "ubuntu"
    assert vm.attrs["addresses"][0]["network_id"] == "n2", "the network of its own project, not the namesake"


def test_everything_else_gets_its_names() -> None:
    found = resolved()
    names = {key: dict(found[key].derived) for key in ("w1", "z1", "s1", "o1", "x1", "t1", "k1", "e1", "u1/key", "p2")}
    assert names["w1"]["vm"] == "web-1"
    assert names["z1"]["volume"] == "data" and names["z1"]["vm"] == "web-1"
    assert names["s1"]["network"] == "net"
    assert names["o1"]["network"] == "net" and names["o1"]["vm"] == "web-1"
    assert names["x1"]["network"] == "public" and names["x1"]["vm"] == "web-1"
    assert names["t1"]["network"] == "public"
    assert names["k1"]["security_group"] == "web"
    assert names["e1"]["members"] == ["db-1", "web-1"]
    assert names["u1/key"]["user"] == "ann"
    assert names["p2"] == {"project": "production", "domain": "globex"}
    assert found["n1"].derived["subnets"] == ["10.0.0.0/24", "10.1.0.0/24"]
    assert found["u1"].derived["domain"] == "acme"


def test_counts() -> None:
    found = resolved()
    assert (found["q1"].derived["rules"], found["q2"].derived["rules"]) == (1, 0)
    assert (found["h1"].derived["vms"], found["h2"].derived["vms"]) == (1, 0)
    assert found["c1"].derived["hosts"] == 1


def test_role_assignments_are_named() -> None:
    found = resolved()
    assert found["a1"].name == "admin"
    assert found["a1"].derived == {"project": "production", "domain": "globex", "role": "admin", "user": "ann"}
    assert found["a2"].derived == {"role": "admin", "group": "ops", "domain": "acme"}


def test_a_snapshot_is_orphaned_only_when_the_volumes_are_all_known() -> None:
    found = resolved()
    assert [found[key].attrs["state"] for key in ("z1", "z2", "z3")] == ["available", "orphaned", "error"]
    assert resolved(without="volume")["z2"].attrs["state"] == "available"


def test_a_snapshot_stays_orphaned_when_the_volumes_cannot_be_listed() -> None:
    listed = {"snapshot": CLOUD["snapshot"]}
    remembered = {"volume": [row("volume", "w9", "old")]}
    books = Books(listed, remembered, gone={"volume": frozenset({"w9"})}, whole=["snapshot"])
    found = resolved(listed, books=books)
    assert found["z2"].attrs["state"] == "orphaned" and found["z2"].derived["volume"] == "old"


def test_what_is_not_known_stays_absent() -> None:
    found = resolved({"vm": CLOUD["vm"], "host": CLOUD["host"], "security_group": CLOUD["security_group"]})
    assert not {"project", "domain", "image", "created_by", "volumes"} & set(found["v1"].derived)
    assert not {"flavor_id", "os", "server_group"} & set(found["v1"].attrs)
    assert "network_id" not in found["v1"].attrs["addresses"][0]
    assert "rules" not in found["q1"].derived, "no rules listing: the number is unknown, not zero"
    only_hosts = resolved({"host": CLOUD["host"]})
    assert "vms" not in only_hosts["h1"].derived


def test_what_failed_is_remembered() -> None:
    listed = {"vm": CLOUD["vm"]}
    remembered = {kind: rows for kind, rows in CLOUD.items() if kind != "vm"}
    found = resolved(listed, books=Books(listed, remembered, whole=["vm"]))
    assert found["v1"] == resolved()["v1"]


def test_a_name_that_is_gone_survives() -> None:
    listed = {"vm": CLOUD["vm"], "image": []}
    books = Books(listed, {"image": CLOUD["image"]}, gone={"image": frozenset({"i1"})}, whole=["vm", "image"])
    assert resolved(listed, books=books)["v1"].derived["image"] == "debian-12"


def test_an_ambiguous_network_name_is_not_guessed() -> None:
    listed = {
        "vm": [row("vm", "v", "x", "p1", addresses=[{"ip": "10.0.0.1", "network": "net"}])],
        "network": [row("network", "n1", "net", "p1"), row("network", "n2", "net", "p1")],
    }
    assert "network_id" not in resolved(listed)["v"].attrs["addresses"][0]


def test_missing_names_what_must_be_remembered() -> None:
    wanted = missing({"vm": list(CLOUD["vm"]), "project": list(CLOUD["project"]), "snapshot": list(CLOUD["snapshot"])})
    assert wanted["image"] == {"i1"} and wanted["user"] == {"u1"}
    assert wanted["volume"] == {"w1", "w2", "w9"}
    assert "project" not in wanted, "both projects are in this run"


def test_resolving_twice_changes_nothing() -> None:
    once = resolved()
    rows: dict[str, list[Resource]] = {}
    for resource in once.values():
        rows.setdefault(resource.kind, []).append(resource)
    assert resolved(rows) == once


def test_derived_fields_are_declared() -> None:
    for resource in resolved().values():
        declared = {field.name for field in KINDS[resource.kind].fields if field.where == "derived"}
        assert set(resource.derived) <= declared, resource.kind


def test_a_backup_is_named_after_its_volume_and_outlives_it() -> None:
    """It is no orphan: that its volume is gone is what it is for."""
    volume = row("volume", "x1", "pg-data", "p1", attachments=[{"vm_id": "v1"}])
    vm, backup = row("vm", "v1", "db-01", "p1"), row("volume_backup", "b1", "", "p1", state="available", parent_id="x1")
    books = Books({**CLOUD, "volume": [volume], "vm": [vm]}, whole={"volume", "vm"})
    (known,) = resolve("volume_backup", [backup], books)
    assert (known.derived["volume"], known.derived["vm"], known.derived["project"]) == (
        "pg-data",
        "db-01",
        "production",
    )
    (alone,) = resolve("volume_backup", [backup], Books({**CLOUD, "volume": []}, whole={"volume"}))
    assert alone.attrs["state"] == "available" and "vm" not in alone.derived
