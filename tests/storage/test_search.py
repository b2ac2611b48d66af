"""Search by any part of a name, an address or an id; near names; names in sentences."""

import pytest

from storage import search
from storage.database import Database
from storage.scopes import EVERYTHING
from tests.storage.listed import A, row, two_customers, write


async def _found(database: Database, query: str, kind: str = "") -> tuple[list[str], bool]:
    async with database.connect() as conn:
        rows, total, near = await search.find(conn, EVERYTHING, query, kind=kind)
    assert total >= len(rows)
    return [r.external_id for r in rows], near


_UUID = "a1b2c3d4-1111-4222-8333-00deadbeef99"


async def _some(database: Database) -> None:
    addresses = [
        {"ip": "10.20.30.40", "mac": "FA:16:3E:0A:0B:0C", "network_id": "n"},
        {"ip": "2001:db8::17", "mac": "fa:16:3e:0a:0b:0d"},
    ]
    await write(
        database,
        "vm",
        [
            row(_UUID, "Web-Frontend-01", "p", addresses=addresses),
            row("vm-2", "web-backend-01", "p", addresses=[{"ip": "10.20.31.4"}]),
            row("vm-3", "100%_done", "p"),
            row("vm-4", "1000 done", "p"),
            row("vm-5", 'O\'Brien "x" \\ ; --', "p"),
            row("vm-6", "ＦＵＬＬwidth", "p"),
            row("vm-7", "b", "p"),
        ],
    )
    await write(database, "volume", [row("vol-1", "web-frontend-01-data", "p")])
    await write(database, "quota", [row("web-frontend-quota", "web-frontend-quota", "p")])


@pytest.mark.parametrize(
    ("query", "first", "near"),
    [
        ("web-frontend-01", _UUID, False),
        ("  WEB-frontend-01 ", _UUID, False),
        ("frontend", _UUID, False),
        ("01 backend", "vm-2", False),
        ("10.20.30.40", _UUID, False),
        ("10.20.30", _UUID, False),
        ("10.20.30.", _UUID, False),
        (".31.4", "vm-2", False),
        ("10.20.31.0/24", "vm-2", False),
        ("10.20.31.9/24", "vm-2", False),
        ("2001:db8::17", _UUID, False),
        ("2001:DB8::", _UUID, False),
        ("2001:db8::/32", _UUID, False),
        ("fa:16:3e:0a:0b:0c", _UUID, False),
        ("FA-16-3E-0A-0B-0C", _UUID, False),
        ("fa16.3e0a.0b0c", _UUID, False),
        ("fa163e0a0b0c", _UUID, False),
        ("fa:16:3e:0a", _UUID, False),
        ("0a-0b-0c", _UUID, False),
        (_UUID, _UUID, False),
        (_UUID.upper(), _UUID, False),
        ("a1b2c3d4", _UUID, False),
        ("a1b2c3d4-1111", _UUID, False),
        ("00deadbeef99", _UUID, False),
        ("4222-8333", _UUID, False),
        ("web-frontned-01", _UUID, True),
        ("webbackend01", "vm-2", True),
        ("100%", "vm-3", False),
        ("%_", "vm-3", False),
        ("o'brien", "vm-5", False),
        ('"x" \\', "vm-5", False),
        ("fullwidth", "vm-6", False),
        ("ｆｕｌｌ", "vm-6", False),
        ("b", "vm-7", False),
    ],
)
async def test_find(database: Database, query: str, first: str, near: bool) -> None:
    await _some(database)
    ids, forgiven = await _found(database, query)
    assert ids[:1] == [first]
    assert forgiven is near


async def test_wildcards_are_letters(database: Database) -> None:
    await _some(database)
    assert await _found(database, "100%_") == (["vm-3"], False)
    assert (await _found(database, "10%done"))[1]
    assert (await _found(database, "%%%"))[0] == []
    assert (await _found(database, "web_b"))[1]


async def test_a_kind_and_the_best_first(database: Database) -> None:
    await _some(database)
    assert await _found(database, "web-frontend-01") == ([_UUID, "vol-1"], False)
    assert await _found(database, "web-frontend-01", "volume") == (["vol-1"], False)
    assert (await _found(database, "web-frontend-quota"))[0][:1] != ["web-frontend-quota"]
    async with database.connect() as conn:
        rows, total, _ = await search.find(conn, EVERYTHING, "web", limit=1)
    assert (len(rows), total) == (1, 3)


_HOSTILE = (
    "", " ", "\x00", "\ud800", "'; DROP TABLE resource; --", "${x}", "{{x}}", "a\nb\tc", "%" * 50, "_", "\\", "/",
    "x" * 10_000, "word " * 3000, "👩‍👩‍👧", "\u202e", "999.999.999.999", "10.0.0.0/99", "::/0", "1.2.3.4.5", ":::",
    "...",    "fe80::1%eth0", "-" * 36, "İ" * 600, "0.0.0.0/0",
)  # fmt: skip


@pytest.mark.parametrize("query", _HOSTILE, ids=range(len(_HOSTILE)))
async def test_any_query_is_answered(database: Database, query: str) -> None:
    await _some(database)
    await _found(database, query)
    async with database.connect() as conn:
        await search.near(conn, EVERYTHING, query, [])
        await search.named(conn, EVERYTHING, [query, query + "x"])
        await search.clusters_named(conn, EVERYTHING, [query])
    assert (await _found(database, "frontend"))[0] != []


@pytest.mark.parametrize("query", ["", "   ", "\x00", "zzzzqqqq"])
async def test_nothing_is_found_for_nothing(database: Database, query: str) -> None:
    await _some(database)
    assert (await _found(database, query))[0] == []


async def test_addresses_of_the_deleted_are_not_found(database: Database) -> None:
    await _some(database)
    await write(database, "vm", [])
    assert (await _found(database, "10.20.30.40"))[0] == []
    assert (await _found(database, _UUID))[0] == []


async def test_near_names_by_likeness_and_beginning(database: Database) -> None:
    await _some(database)
    async with database.connect() as conn:
        assert [n.name for n in await search.near(conn, EVERYTHING, "web-frontent-01", ["vm"])][:1] == [
            "Web-Frontend-01"
        ]
        assert [n.name for n in await search.near(conn, EVERYTHING, "web-b", ["vm"])][:1] == ["web-backend-01"]
        assert await search.near(conn, EVERYTHING, "web-frontend-01", ["host"]) == []
        assert len(await search.near(conn, EVERYTHING, "web", [], limit=2)) == 2


async def test_near_and_find_work_in_either_kind_of_block_and_leave_no_setting(database: Database) -> None:
    await _some(database)
    async with database.begin() as conn:
        assert await search.near(conn, EVERYTHING, "web-frontned-01", [])
        assert (await search.find(conn, EVERYTHING, "web-frontned-01"))[2]
    async with database.connect() as conn:
        assert await search.near(conn, EVERYTHING, "web-frontned-01", [])
        assert (await search.find(conn, EVERYTHING, "web-frontned-01"))[2]
        await conn.rollback()
        shown = await conn.exec_driver_sql("SHOW pg_trgm.similarity_threshold")
        assert shown.scalar_one() == "0.3"


async def test_named_objects_owners_and_tags(database: Database) -> None:
    await two_customers(database)
    spans = ["alfa-web-1", "alfa-project", "vm1-alfa", "alfa tech", "alfa-tag", "alfa-creator", "web", "alfa-port"]
    async with database.connect() as conn:
        hits = await search.named(conn, A, spans)
        assert await search.named(conn, A, []) == []
        everyone = await search.named(conn, EVERYTHING, ["h-bravo", "bravo-web-1"])
        clusters = await search.clusters_named(conn, EVERYTHING, ["c-alfa", "nothing"])
    assert {(h.span, h.kind, h.name, h.external_id) for h in hits} == {
        ("alfa-web-1", "vm", "alfa-web-1", "vm1-alfa"),
        ("alfa-project", "project", "alfa-project", "pa"),
        ("alfa tech", "owner", "Alfa Tech", ""),
        ("alfa-creator", "owner", "alfa-creator", ""),
        ("alfa-tag", "tag", "Alfa-Tag", ""),
    }
    assert {(h.kind, h.source) for h in everyone} == {("vm", "one"), ("vm", "two"), ("host", "one"), ("host", "two")}
    assert [(c.kind, c.name, c.source) for c in clusters] == [("cluster", "c-alfa", "one")]


async def test_an_id_names_its_object(database: Database) -> None:
    await _some(database)
    async with database.connect() as conn:
        hits = await search.named(conn, EVERYTHING, [_UUID])
    assert [(h.span, h.kind, h.name) for h in hits] == [(_UUID, "vm", "Web-Frontend-01")]
