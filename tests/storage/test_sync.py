"""Listings become the record: differences, history, deletions, addresses; whatever a platform says."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from storage.database import Database
from storage.sync import (
    Row,
    ask_run,
    claim_run,
    close_run,
    open_run,
    record_listing,
    shrunk,
    write_listing,
)
from tests.storage.listed import T0, day, row, values, write


async def _ops(database: Database) -> list[tuple[Any, ...]]:
    return await values(database, "SELECT op, external_id, changed FROM history ORDER BY id")


async def _addresses(database: Database) -> list[tuple[Any, ...]]:
    return await values(
        database,
        "SELECT r.external_id, host(ip), mac, a.network_id, a.network, a.type FROM address a"
        " JOIN resource r ON r.id = a.resource_id ORDER BY 1, 2, 3",
    )


async def test_add_change_delete_and_return(database: Database) -> None:
    first = await write(database, "vm", [row("a", "web", "p", state="active"), row("b", "db", "p", state="active")])
    assert (first.rows, first.added, first.changed, first.deleted) == (2, 2, 0, 0)
    second = await write(database, "vm", [row("a", "web", "p", state="error")], at=day(1))
    assert (second.rows, second.added, second.changed, second.deleted) == (1, 0, 1, 1)
    third = await write(
        database, "vm", [row("a", "web", "p", state="error"), row("b", "db", "q", state="active")], at=day(2)
    )
    assert (third.rows, third.returned, third.changed) == (2, 1, 0)
    assert await _ops(database) == [
        ("add", "a", {}),
        ("add", "b", {}),
        ("change", "a", {"state": ["active", "error"]}),
        ("delete", "b", {}),
        ("return", "b", {}),
    ]
    gone = await values(database, "SELECT external_id, name, project_id, attrs, last_seen, deleted_at FROM deletion")
    assert gone == [("b", "db", "p", {"state": "active"}, T0, day(1))]
    living = await values(database, "SELECT external_id, project_id, deleted_at FROM resource ORDER BY 1")
    assert living == [("a", "p", None), ("b", "q", None)]


async def test_each_changed_field_is_told_with_both_values(database: Database) -> None:
    await write(database, "vm", [row("a", "old", "p", state="active", tags=["x"], gone=1)])
    await write(database, "vm", [row("a", "new", None, state="error", tags=["x"], come={"k": None})], at=day(1))
    assert (await _ops(database))[-1] == (
        "change",
        "a",
        {
            "name": ["old", "new"],
            "project_id": ["p", None],
            "state": ["active", "error"],
            "gone": [1, None],
            "come": [None, {"k": None}],
        },
    )


async def test_derived_values_change_without_history_and_nothing_without_difference(database: Database) -> None:
    await write(database, "vm", [row("a", "web", "p", {"image": "old"}, vcpus=1)])
    await write(database, "vm", [row("a", "web", "p", {"image": "new"}, vcpus=1)], at=day(1))
    before = await values(database, "SELECT xmin::text, ctid::text, derived, changed_at FROM resource")
    assert before[0][2:] == ({"image": "new"}, T0)
    written = await write(database, "vm", [row("a", "web", "p", {"image": "new"}, vcpus=1)], at=day(2))
    assert (written.rows, written.added, written.changed, written.returned, written.deleted) == (1, 0, 0, 0, 0)
    assert await values(database, "SELECT xmin::text, ctid::text, derived, changed_at FROM resource") == before
    assert len(await _ops(database)) == 1


async def test_a_return_to_an_earlier_state_is_history(database: Database) -> None:
    for number, state in enumerate(("active", "stopped", "active")):
        await write(database, "vm", [row("a", state=state)], at=day(number))
    assert [changed for _, _, changed in await _ops(database)][1:] == [
        {"state": ["active", "stopped"]},
        {"state": ["stopped", "active"]},
    ]


async def test_of_duplicates_the_last_counts(database: Database) -> None:
    written = await write(database, "vm", [row("a", "first"), row("b"), row("a", "second"), row("a", "third")])
    assert (written.rows, written.added) == (2, 2)
    assert await values(database, "SELECT name FROM resource WHERE external_id = 'a'") == [("third",)]


async def test_the_same_id_of_another_kind_or_source_is_another_resource(database: Database) -> None:
    await write(database, "vm", [row("1")])
    await write(database, "volume", [row("1")])
    await write(database, "vm", [row("1")], source="two")
    await write(database, "vm", [], at=day(1))
    alive = "SELECT source, kind FROM resource WHERE deleted_at IS NULL ORDER BY 1, 2"
    assert await values(database, alive) == [("one", "volume"), ("two", "vm")]


_HOSTILE: list[dict[str, Any]] = [
    {"state": "a\x00b"},
    {"state": "\ud800half", "note": "\udfff"},
    {"load": float("nan"), "size_gib": float("inf")},
    {"load": 10**400, "huge": 10**5000, "nested": {"deep": [10**5000]}},
    {"vcpus": "abc"},
    {"vcpus": 2**40, "memory_mib": 2**90, "size_gib": -(2**90)},
    {"vcpus": "9" * 5000},
    {"vcpus": [1], "memory_mib": {"a": 1}, "state": ["x"], "host": {"y": 2}, "parent_id": 7},
    {"state": "ﷺ" * 500, "technical_owner": "".join(chr(0x4E00 + n) for n in range(10_000))},
    {"technical_owner": 5, "business_owner": ["a"], "tags": "not a list"},
    {"tags": [None, 3, "x" * 5000, {"a": "b"}]},
    {"addresses": "none", "ips": 4},
    {"addresses": [None, 3, "x", {}, {"ip": 5, "mac": "z" * 9000, "network_id": "n" * 9000}]},
    {"\x00key": {"\ud800": {1, 2}}, "bytes": b"\x00\xff", "tuple": (float("nan"),)},
    {"created": 12, "os": True, "cluster": 1.5},
    {"literal": "\\u0000 and \\ud800"},
]


@pytest.mark.parametrize("attrs", _HOSTILE, ids=lambda attrs: ",".join(attrs).encode("ascii", "replace").decode())
async def test_one_odd_row_never_stops_a_listing(database: Database, attrs: dict[str, Any]) -> None:
    odd = Row("odd", "odd", "p", attrs, {**attrs, "created_by": attrs.get("technical_owner")})
    for kind in ("vm", "port"):
        written = await write(database, kind, [row("before"), odd, row("after")])
        assert written.rows == 3
        again = await write(database, kind, [row("before"), odd, row("after")], at=day(1))
        assert (again.changed, again.added, again.deleted) == (0, 0, 0)


@pytest.mark.parametrize(
    "name",
    ["x" * 10_000, "ﷺ" * 10_000, "\x00", "a\x00b", "\ud800", "<!channel>", "=cmd()", "\u202egnp.exe", "👩‍👩‍👧" * 300,
     "".join(chr(0x4E00 + n) for n in range(5000)), "'; DROP TABLE resource; --", "%_\\", "   ", "İ" * 5000],
    ids=range(14),
)  # fmt: skip
async def test_any_name_id_and_project_fits(database: Database, name: str) -> None:
    rows = [Row(name, name, name, {"state": name, "host": name}, {"project": name}), row("plain")]
    written = await write(database, "vm", rows)
    again = await write(database, "vm", rows, at=day(1))
    assert written.rows == again.rows == (1 if name == "\x00" else 2)  # a row without an id cannot be kept
    assert again.changed == 0
    assert await values(database, "SELECT count(*) FROM resource WHERE length(name) > 500") == [(0,)]


async def test_hot_fields_keep_what_fits(database: Database) -> None:
    rows = [row("a", vcpus=4, memory_mib=2.0, size_gib="30"), row("b", vcpus="abc", memory_mib=2**70, state=7)]
    await write(database, "vm", rows)
    found = await values(database, "SELECT vcpus, memory_mib, size_gib, state FROM resource ORDER BY external_id")
    assert found == [(4, 2, 30, None), (None, None, None, "7")]


async def test_only_a_complete_listing_deletes(database: Database) -> None:
    await write(database, "vm", [row("a"), row("b")])
    written = await write(database, "vm", [row("a", "renamed"), row("c")], at=day(1), complete=False)
    assert (written.rows, written.deleted, written.added, written.changed) == (3, 0, 1, 1)
    assert (await write(database, "vm", [], at=day(2), complete=False)).rows == 3


async def test_a_sudden_shrinking_waits_for_a_second_sighting(database: Database) -> None:
    many = [row(f"v{n}") for n in range(20)]
    await write(database, "vm", many)
    held = await write(database, "vm", [*many[:9], row("new")], at=day(1))
    assert (held.shrunk, held.deleted, held.rows) == (True, 0, 21)
    sure = await write(database, "vm", [*many[:9], row("new")], at=day(2))
    assert (sure.shrunk, sure.deleted, sure.rows) == (False, 11, 10)
    assert await values(database, "SELECT DISTINCT last_seen FROM deletion") == [(T0,)]


async def test_a_shrinking_that_was_a_mistake_is_forgotten(database: Database) -> None:
    many = [row(f"v{n}") for n in range(20)]
    await write(database, "vm", many)
    assert (await write(database, "vm", [], at=day(1))).shrunk
    assert (await write(database, "vm", many, at=day(2))).rows == 20
    assert (await write(database, "vm", [], at=day(3))).shrunk
    assert await values(database, "SELECT count(*) FROM deletion") == [(0,)]


@pytest.mark.parametrize(("before", "now", "doubtful"), [(9, 0, False), (10, 5, False), (10, 4, True), (0, 0, False)])
def test_more_than_half_is_doubted(before: int, now: int, doubtful: bool) -> None:
    assert shrunk(before, now) is doubtful


async def test_half_is_believed_and_a_change_of_all_ids_is_not(database: Database) -> None:
    many = [row(f"v{n}") for n in range(20)]
    await write(database, "vm", many)
    assert (await write(database, "vm", many[:10], at=day(1))).deleted == 10
    swapped = await write(database, "vm", [row(f"w{n}") for n in range(20)], at=day(2))
    assert (swapped.shrunk, swapped.deleted, swapped.added, swapped.rows) == (True, 0, 20, 30)


async def test_what_breaks_in_the_middle_leaves_nothing(database: Database) -> None:
    def cut_off() -> Iterator[Row]:
        yield row("a", addresses=[{"ip": "10.0.0.1"}])
        raise ConnectionError("the cloud went away")

    with pytest.raises(ConnectionError):
        await write(database, "vm", cut_off())
    with pytest.raises(RuntimeError):
        async with database.begin() as conn:
            await write_listing(
                conn,
                source="one",
                platform="openstack",
                kind="vm",
                rows=[row("a", addresses=[{"ip": "10.0.0.1"}])],
                run_id=1,
                at=T0,
                complete=True,
            )
            raise RuntimeError("killed before the commit")
    for table in ("resource", "history", "address", "listing", "sync_run"):
        assert await values(database, f"SELECT count(*) FROM {table}") == [(0,)]
    assert (await write(database, "vm", [row("a")])).added == 1


async def test_several_kinds_in_one_transaction(database: Database) -> None:
    async with database.begin() as conn:
        for kind in ("vm", "volume", "vm"):
            await write_listing(
                conn, source="one", platform="demo", kind=kind, rows=[row(kind)], run_id=1, at=T0, complete=True
            )
    assert await values(database, "SELECT kind FROM resource ORDER BY 1") == [("vm",), ("volume",)]


async def test_addresses_of_every_kind_that_has_some(database: Database) -> None:
    fixed = {"ip": "10.0.0.5", "mac": "FA-16-3E-00-00-05", "network_id": "n1", "network": "lan", "type": "fixed"}
    await write(database, "vm", [row("vm", addresses=[fixed, {"ip": "203.0.113.9", "type": "floating"}])])
    port = row(
        "port", "", None, {"network": "lan"}, ips=["10.0.0.5", "fd00::5"], mac="fa:16:3e:00:00:05", network_id="n1"
    )
    await write(database, "port", [port, row("bare", mac="fa:16:3e:00:00:06")])
    await write(database, "router", [row("rt", external_ips=["192.0.2.1", "bad"], external_network_id="ext")])
    await write(database, "floating_ip", [row("fip", address="203.0.113.9", network_id="ext"), row("no", address=None)])
    await write(database, "host", [row("h", ip="172.16.0.1"), row("h2", ip="unknown")])
    mac = "fa:16:3e:00:00:05"
    assert await _addresses(database) == [
        ("bare", None, "fa:16:3e:00:00:06", None, None, "fixed"),
        ("fip", "203.0.113.9", None, "ext", None, "floating"),
        ("h", "172.16.0.1", None, None, None, "fixed"),
        ("port", "10.0.0.5", mac, "n1", "lan", "fixed"),
        ("port", "fd00::5", mac, "n1", "lan", "fixed"),
        ("rt", "192.0.2.1", None, "ext", None, "fixed"),
        ("vm", "10.0.0.5", mac, "n1", "lan", "fixed"),
        ("vm", "203.0.113.9", None, None, None, "floating"),
    ]


async def test_addresses_follow_change_deletion_and_return(database: Database) -> None:
    def vm(*ips: str) -> Row:
        return row("a", addresses=[{"ip": ip, "type": "fixed"} for ip in ips])

    async def ips() -> list[str]:
        return [found[1] for found in await _addresses(database)]

    await write(database, "vm", [vm("10.0.0.1", "10.0.0.2"), row("b", addresses=[{"ip": "10.9.9.9"}])])
    await write(database, "vm", [vm("10.0.0.2", "10.0.0.3"), row("b", addresses=[{"ip": "10.9.9.9"}])], at=day(1))
    assert await ips() == ["10.0.0.2", "10.0.0.3", "10.9.9.9"]
    await write(database, "vm", [row("b", addresses=[{"ip": "10.9.9.9"}])], at=day(2))
    assert await ips() == ["10.9.9.9"]
    await write(database, "vm", [vm("10.0.0.4"), row("b", addresses=[{"ip": "10.9.9.9"}])], at=day(3))
    assert await ips() == ["10.0.0.4", "10.9.9.9"]


@pytest.mark.parametrize("bad", ["", "10.0.0.256", "10.0.0.1; DROP", "1" * 300, None, 7, {"a": 1}, [], "::g"])
async def test_a_bad_ip_is_left_out(database: Database, bad: object) -> None:
    await write(database, "vm", [row("vm", addresses=[{"ip": bad, "mac": "aa:bb:cc:00:00:01"}, {"ip": "10.0.0.1"}])])
    await write(database, "port", [row("port", ips=[bad, "10.0.0.1"])])
    await write(database, "router", [row("rt", external_ips=[bad, "10.0.0.1"])])
    await write(database, "floating_ip", [row("fip", address=bad)])
    await write(database, "host", [row("h", ip=bad)])
    found = [(who, ip) for who, ip, *_ in await _addresses(database) if ip is not None]
    assert found == [("port", "10.0.0.1"), ("rt", "10.0.0.1"), ("vm", "10.0.0.1")]


async def test_twenty_thousand_rows_are_quick_and_leave_fresh_statistics(database: Database) -> None:
    def vms(changed: int) -> Iterator[Row]:
        for n in range(20_000):
            yield row(f"vm-{n}", f"web-{n}", f"p{n % 50}", state="error" if n < changed else "active", vcpus=n % 16 + 1)

    begun = time.monotonic()
    assert (await write(database, "vm", vms(0))).added == 20_000
    loaded = time.monotonic()
    assert (await write(database, "vm", vms(200), at=day(1))).changed == 200
    ended = time.monotonic()
    assert loaded - begun < 15 and ended - loaded < 8  # about 1.5 s and 0.7 s on an idle machine
    assert await values(database, "SELECT reltuples::int FROM pg_class WHERE relname = 'resource'") == [(20_000,)]


async def test_two_syncs_of_different_kinds_at_once(database: Database) -> None:
    rows = [row(f"r{n}") for n in range(1500)]
    done = await asyncio.gather(*(write(database, kind, rows) for kind in ("vm", "volume", "port", "snapshot")))
    assert [one.added for one in done] == [1500] * 4


async def test_a_listing_remembers_since_when_it_fails(database: Database) -> None:
    async def note(outcome: str, number: int) -> tuple[Any, ...]:
        async with database.begin() as conn:
            await record_listing(
                conn,
                source="one",
                platform="openstack",
                demo=True,
                kind="vm",
                outcome=outcome,
                detail="d" * 900,
                fix="f",
                at=day(number),
                rows=number,
            )
        told = "SELECT outcome, attempted_at, complete_at, failing_since, rows, length(detail) FROM listing"
        return (await values(database, told))[0]

    assert await note("refused", 0) == ("refused", T0, None, T0, 0, 500)
    assert await note("timeout", 1) == ("timeout", day(1), None, T0, 1, 500)
    assert await note("complete", 2) == ("complete", day(2), day(2), None, 2, 500)
    assert await note("shrunk", 3) == ("shrunk", day(3), day(2), day(3), 3, 500)
    assert await note("unreachable", 4) == ("unreachable", day(4), day(2), day(3), 4, 500)


async def test_one_run_waits_and_each_tick_is_asked_once(database: Database) -> None:
    async def ask(source: str, tick: int | None = None) -> int | None:
        async with database.begin() as conn:
            at = None if tick is None else day(tick)
            return await ask_run(conn, source, asked_by="clock", tick=at)

    asked = await asyncio.gather(*(ask("one", 1) for _ in range(6)))
    assert len([run for run in asked if run]) == 1
    assert await ask("one") is None
    assert await ask("two") is not None
    async with database.begin() as conn:
        claimed = await claim_run(conn, ["one"])
        assert claimed is not None and claimed.source == "one" and claimed.asked_by == "clock"
    assert await ask("one", 1) is None
    assert await ask("one", 2) is not None


async def test_no_two_claimers_get_one_run(database: Database) -> None:
    async with database.begin() as conn:
        for source in ("one", "two"):
            await ask_run(conn, source, asked_by="ada")
    async with database.begin() as first, database.begin() as second, database.begin() as third:
        sources = ["one", "two"]
        claims = [await claim_run(conn, sources) for conn in (first, second, third)]
    assert [claim.source if claim else None for claim in claims] == ["one", "two", None]
    async with database.begin() as conn:
        assert await claim_run(conn, sources) is None and await claim_run(conn, []) is None


async def test_a_claim_that_is_rolled_back_can_be_claimed_again(database: Database) -> None:
    async with database.begin() as conn:
        await ask_run(conn, "one", asked_by="ada")
    with pytest.raises(RuntimeError):
        async with database.begin() as conn:
            assert await claim_run(conn, ["one"])
            raise RuntimeError("died")
    async with database.begin() as conn:
        assert await claim_run(conn, ["one"])


async def test_a_run_is_closed_with_what_it_found(database: Database) -> None:
    async with database.begin() as conn:
        run = await open_run(conn, "one", asked_by="ada")
        await close_run(conn, run, state="partial", detail="vm: refused", kinds={"vm": {"outcome": "refused"}})
        found = (await conn.execute(text("SELECT state, detail, kinds, finished_at >= started_at FROM sync_run"))).one()
    assert tuple(found) == ("partial", "vm: refused", {"vm": {"outcome": "refused"}}, True)
