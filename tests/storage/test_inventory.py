"""Counting, listing, breaking down; every condition on every kind that it applies to."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from storage import inventory, search
from storage.database import Database
from storage.filters import Where
from storage.inventory import Order, Part
from storage.scopes import EVERYTHING
from tests.storage.listed import A, B, day, row, two_customers, write

_ONE, _BOTH = (("one", "pa"),), (("one", "pa"), ("two", "pa"))


async def _ids(database: Database, where: Where, **how: Any) -> list[str]:
    """Of cloud one unless the source is not that, then with it: "two/…"."""
    async with database.connect() as conn:
        found = await inventory.rows(conn, EVERYTHING, where, **how)
        if "limit" not in how:
            assert await inventory.count(conn, EVERYTHING, where) == len(found)
    return sorted(r.external_id if r.source == "one" else f"two/{r.external_id}" for r in found)


_A1, _N = ("one", "vm1-alfa"), (("one", "net-alfa"),)
_CASES: list[tuple[Where, Sequence[str]]] = [
    (Where("vm"), ["two/vm1-alfa", "two/vm2-alfa", "vm1-alfa", "vm1-bravo", "vm2-alfa", "vm2-bravo"]),
    (Where("nonsense"), []),
    (Where("vm", platform="vsphere"), []),
    (Where("vm", projects=_ONE), ["vm1-alfa", "vm2-alfa"]),
    (Where("vm", projects=_BOTH, states=("active",)), ["two/vm1-alfa", "vm1-alfa"]),
    (Where("vm", domains=(("one", "dom-alfa"),)), ["vm1-alfa", "vm2-alfa"]),
    (Where("project", domains=(("one", "dom-alfa"),)), ["pa"]),
    (Where("user", domains=(("two", "dom-alfa"),)), ["two/u-alfa"]),
    (Where("vm", states=("stopped", "nothing")), ["two/vm2-alfa", "vm2-alfa", "vm2-bravo"]),
    (Where("volume", states=("available",), projects=_ONE), ["vol2-alfa"]),
    (Where("user", disabled=True, domains=(("one", "dom-alfa"),)), ["u-alfa"]),
    (Where("user", disabled=False), []),
    (Where("project", disabled=False), ["pa", "pb", "two/pa"]),
    (Where("vm", host=(("one", "h-alfa"),)), ["vm1-alfa"]),
    (Where("vm", host=(("two", "h-alfa"),)), []),
    (Where("host", host=(("one", "h-bravo"),)), ["h-bravo"]),
    (Where("vm", cluster=(("one", "c-alfa"),)), ["vm1-alfa"]),
    (Where("host", cluster=(("two", "c-bravo"),)), ["two/h-bravo"]),
    (Where("vm", os="linux", projects=_ONE), ["vm1-alfa"]),
    (Where("vm", os="Linux"), []),
    (Where("vm", tag="alfa-TAG"), ["vm1-alfa"]),
    (Where("vm", tag="shared"), ["two/vm1-alfa", "vm1-alfa", "vm1-bravo"]),
    (Where("vm", owner="ALFA tech"), ["vm1-alfa"]),
    (Where("vm", owner="alfa boss"), ["vm2-alfa"]),
    (Where("vm", owner="alfa-creator"), ["vm1-alfa", "vm2-alfa"]),
    (Where("vm", owner="al%"), []),
    (Where("vm", networks=_N), ["vm1-alfa", "vm2-alfa"]),
    (Where("port", networks=_N), ["port-alfa"]),
    (Where("subnet", networks=_N), ["sub-alfa"]),
    (Where("router", networks=_N), ["rt-alfa"]),
    (Where("floating_ip", networks=(("two", "net-alfa"),)), ["two/fip-alfa"]),
    (Where("vm", vms=(_A1,)), ["vm1-alfa"]),
    (Where("volume", vms=(_A1,)), ["vol1-alfa"]),
    (Where("snapshot", vms=(_A1,)), ["snap-alfa"]),
    (Where("port", vms=(_A1, ("one", "vm1-bravo"))), ["port-alfa", "port-bravo"]),
    (Where("floating_ip", vms=(_A1,)), ["fip-alfa"]),
    (Where("network", vms=(_A1,)), ["net-alfa"]),
    (Where("security_group", vms=(_A1,)), ["sg-alfa"]),
    (Where("server_group", vms=(_A1,)), ["srv-alfa"]),
    (Where("vm", volumes=(("one", "vol1-alfa"),)), ["vm1-alfa"]),
    (Where("snapshot", volumes=(("two", "vol1-alfa"),)), ["two/snap-alfa"]),
    (Where("volume", volumes=(("one", "vol2-alfa"),)), ["vol2-alfa"]),
    (Where("vm", attrs={"flavor": "small"}, projects=_ONE), ["vm1-alfa"]),
    (Where("vm", attrs={"vcpus": 8}, projects=_ONE), ["vm2-alfa"]),
    (Where("vm", attrs={"vcpus": "8"}), []),
    (Where("vm", created_since=datetime(2026, 1, 15, tzinfo=UTC), created_until=datetime(2026, 2, 15, tzinfo=UTC),
           projects=_ONE), ["vm1-alfa"]),
    (Where("vm", created_since=datetime(2026, 2, 1, tzinfo=UTC), projects=_ONE), ["vm1-alfa", "vm2-alfa"]),
    (Where("vm", created_until=datetime(2026, 2, 1, tzinfo=UTC)), []),
    (Where("volume", created_since=day(0), projects=_ONE), ["vol1-alfa", "vol2-alfa"]),
    (Where("volume", created_since=day(1)), []),
]  # fmt: skip
_HOSTILE = [
    "'; DROP TABLE resource; --",
    "%",
    "_",
    "${x}",
    "{{x}}",
    "a\nb",
    '"',
    "\\",
    "👩‍👩‍👧",
    "x" * 10_000,
    ":x",
    "$1",
]


async def test_every_condition(database: Database) -> None:
    await two_customers(database)
    wrong = [(where, ids, got) for where, ids in _CASES if (got := await _ids(database, where)) != list(ids)]
    assert wrong == []


@pytest.mark.parametrize("text", _HOSTILE, ids=range(len(_HOSTILE)))
async def test_conditions_take_any_text_as_itself(database: Database, text: str) -> None:
    await write(
        database, "vm", [row("plain", "plain", "p", state="active", tags=["t"]), row("odd", text, text, state=text)]
    )
    ref = (("one", text),)
    for where in (
        Where("vm", platform=text), Where("vm", os=text), Where("vm", tag=text), Where("vm", owner=text),
        Where("vm", host=ref), Where("vm", cluster=ref), Where("vm", networks=ref), Where("vm", volumes=ref),
        Where("vm", domains=ref), Where("vm", attrs={text: text}), Where(text),
    ):  # fmt: skip
        assert await _ids(database, where) == []
    if len(text) < 500:
        assert await _ids(database, Where("vm", states=(text,))) == ["odd"]
        assert await _ids(database, Where("vm", projects=ref)) == ["odd"]


@pytest.mark.parametrize(
    ("order", "size", "ids"),
    [
        ("name", "", "a b c d"),
        ("largest", "memory_mib", "c a b d"),
        ("smallest", "memory_mib", "a b c d"),
        ("largest", "vcpus", "d a b c"),
        ("smallest", "rows", "b a c d"),
        ("newest", "", "b a c d"),
        ("oldest", "", "a b c d"),
    ],
)
async def test_the_orders_put_the_unknown_last_on_every_page(
    database: Database, order: Order, size: str, ids: str
) -> None:
    listed = [
        row("d", vcpus=9),
        row("c", memory_mib=3),
        row("b", memory_mib=2, created="2026-02-01T00:00:00Z", rows=1),
        row("a", memory_mib=2, created="2026-01-01T00:00:00Z", rows=5),
    ]
    await write(database, "vm", listed)
    expected = ids.split()
    if order == "oldest":
        expected = ["a", "b", "d", "c"]
    async with database.connect() as conn:
        for limit, offset in ((None, 0), (4, 0), (2, 0), (2, 1), (2, 2), (3, 2), (9, 0), (2, 9), (1, 3)):
            found = await inventory.rows(
                conn, EVERYTHING, Where("vm"), order=order, size=size, limit=limit, offset=offset
            )
            end = None if limit is None else offset + limit
            assert [r.external_id for r in found] == expected[offset:end], (limit, offset)


async def test_breakdowns_count_and_sum_by_source(database: Database) -> None:
    await two_customers(database)
    async with database.connect() as conn:
        by_state = await inventory.breakdown(conn, EVERYTHING, Where("vm", projects=_BOTH), "state")
        by_host = await inventory.breakdown(conn, A, Where("vm"), "host")
        by_vm = await inventory.breakdown(conn, A, Where("volume"), "vm")
        by_owner = await inventory.breakdown(conn, A, Where("vm"), "owner")
        with pytest.raises(KeyError):
            await inventory.breakdown(conn, A, Where("vm"), "shoe size")
    assert by_state == [
        Part("one", "active", 1, 2, 4096, 0),
        Part("two", "active", 1, 2, 4096, 0),
        Part("one", "stopped", 1, 8, 16384, 0),
        Part("two", "stopped", 1, 8, 16384, 0),
    ] or {(p.source, p.key, p.count, p.vcpus) for p in by_state} == {
        (s, k, 1, v) for s in ("one", "two") for k, v in (("active", 2), ("stopped", 8))
    }
    assert by_host == [Part("one", "h-alfa", 1, 2, 4096, 0), Part("one", None, 1, 8, 16384, 0)]
    assert by_vm == [Part("one", "vm1-alfa", 1, 0, 0, 10), Part("one", None, 1, 0, 0, 500)]
    assert [(p.key, p.count) for p in by_owner] == [("Alfa Boss", 1), ("Alfa Tech", 1)]
    assert inventory.can_break_down_by("state") and not inventory.can_break_down_by("shoe size")


async def test_one_several_and_what_belongs_to_a_vm(database: Database) -> None:
    await two_customers(database)
    async with database.connect() as conn:
        vm = await inventory.one(conn, A, "vm", _A1)
        assert (
            vm is not None and vm.ref == _A1 and vm.value("flavor") == "small" and vm.value("domain") == "alfa-domain"
        )
        assert vm.value("name") == "alfa-web-1" and vm.value("nothing") is None
        assert await inventory.one(conn, A, "volume", _A1) is None
        assert await inventory.one(conn, A, "snapshot", ("one", "old-snap-alfa")) is None
        pair = await inventory.several(conn, EVERYTHING, "vm", [("one", "vm2-alfa"), _A1, ("one", "gone")])
        assert [r.external_id for r in pair] == ["vm1-alfa", "vm2-alfa"]
        assert await inventory.several(conn, EVERYTHING, "vm", []) == []
        parts = [(r.source, r.external_id) for r in await inventory.siblings(conn, EVERYTHING, vm)]
        assert parts == [("one", "vol1-alfa"), ("one", "port-alfa"), ("one", "snap-alfa")]
        names = await inventory.names_of(conn, EVERYTHING, "vm", [_A1, ("one", "gone")])
        assert {ref: r.name for ref, r in names.items()} == {_A1: "alfa-web-1"}
        assert await inventory.names_of(conn, EVERYTHING, "vm", []) == {}
        assert await inventory.group_uses(conn, A) == [(("one", "pa", "alfa-group"), 1)]
        assert len(await inventory.group_uses(conn, B, [("two", "pa")])) == 1


async def test_totals(database: Database) -> None:
    await two_customers(database)
    async with database.connect() as conn:
        assert (await inventory.totals(conn, EVERYTHING))["snapshot"] == 3
        assert await inventory.totals(conn, EVERYTHING, platform="vsphere") == {}
        in_domain = await inventory.totals(conn, EVERYTHING, domains=[("one", "dom-alfa")])
        assert (in_domain["vm"], in_domain["project"], in_domain["user"]) == (2, 1, 1)
        assert (await inventory.totals(conn, EVERYTHING, projects=[("one", "pb")]))["volume"] == 2


@pytest.mark.parametrize("odd", ["not a list", 5, {"a": "not a list"}, None, [None, {"a": 1}, 5]], ids=range(5))
async def test_a_platform_may_put_anything_where_a_list_belongs(database: Database, odd: object) -> None:
    given: dict[str, Any] = {
        "tags": odd,
        "security_groups": odd,
        "volume_ids": odd,
        "member_ids": odd,
        "addresses": odd,
    }
    for kind in ("vm", "server_group", "security_group"):
        await write(database, kind, [row("odd", "odd", "p", **given), row("web", "web", "p", tags=["t"])])
    ref = (("one", "not a list"),)
    async with database.connect() as conn:
        await inventory.group_uses(conn, EVERYTHING)
        for kind in ("vm", "server_group", "security_group", "network"):
            await inventory.rows(conn, EVERYTHING, Where(kind, vms=(("one", "odd"), *ref)))
            await inventory.rows(conn, EVERYTHING, Where(kind, volumes=ref, networks=ref))
        assert await inventory.count(conn, EVERYTHING, Where("vm", tag="t")) == 1
        assert [n.name for n in await search.named(conn, EVERYTHING, ["t", "a"]) if n.kind == "tag"] == ["t"]
        await search.named(conn, EVERYTHING, ["not a list"])
