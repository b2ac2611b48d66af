"""Two customers: whatever one of them asks, nothing of the other comes out."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import changes, inventory, search
from storage.changes import Window
from storage.database import Database
from storage.filters import Where
from storage.inventory import Found
from storage.scopes import EVERYTHING, Scope
from tests.storage.listed import A, B, two_customers

Ask = Callable[[AsyncConnection, Scope], Awaitable[Any]]

_KINDS = (
    "vm", "volume", "snapshot", "network", "subnet", "port", "router", "floating_ip", "security_group", "server_group",
    "keypair", "image", "project", "domain", "user", "host",
)  # fmt: skip
_BROAD = (
    "web", "bravo", "bravo-web-1", "brvo-web-1", "vm1-bravo", "bravo-creator", "Bravo-Tag", "10.2.0.1", "10.2", "10.3",
    "10.0.0.0/8", "0.0.0.0/0", "fa:16:3e", "fa:16:3e:02:00:01", "02-00-01", "198.51.100.2", "b", "%", "_", "*",
)  # fmt: skip
_EVERY_WHERE: dict[str, Callable[[str], Where]] = {
    "nothing": lambda kind: Where(kind),
    "platform": lambda kind: Where(kind, platform="openstack"),
    "project": lambda kind: Where(kind, projects=(("one", "pb"), ("two", "pa"))),
    "domain": lambda kind: Where(kind, domains=(("one", "dom-bravo"), ("two", "dom-alfa"))),
    "state": lambda kind: Where(kind, states=("active", "stopped", "error", "available", "in-use", "up")),
    "disabled": lambda kind: Where(kind, disabled=True),
    "host": lambda kind: Where(kind, host=(("one", "h-bravo"), ("two", "h-bravo"))),
    "cluster": lambda kind: Where(kind, cluster=(("one", "c-bravo"), ("two", "c-bravo"))),
    "os": lambda kind: Where(kind, os="linux"),
    "tag": lambda kind: Where(kind, tag="Bravo-Tag"),
    "owner": lambda kind: Where(kind, owner="bravo tech"),
    "network": lambda kind: Where(kind, networks=(("one", "net-bravo"), ("two", "net-alfa"))),
    "vm": lambda kind: Where(kind, vms=(("one", "vm1-bravo"), ("two", "vm1-alfa"))),
    "volume": lambda kind: Where(kind, volumes=(("one", "vol1-bravo"), ("two", "vol1-alfa"))),
    "attrs": lambda kind: Where(kind, attrs={"state": "active"}),
}


async def _all_rows(conn: AsyncConnection, scope: Scope, build: Callable[[str], Where]) -> list[Any]:
    got: list[Any] = []
    for kind in _KINDS:
        rows = await inventory.rows(conn, scope, build(kind), order="largest", limit=50)
        assert await inventory.count(conn, scope, build(kind)) == len(rows)
        got += rows
    return got


async def _all_parts(conn: AsyncConnection, scope: Scope, build: Callable[[str], Where]) -> list[Any]:
    return [
        await inventory.breakdown(conn, scope, build(kind), by) for kind in _KINDS for by in ("project", "host", *_BY)
    ]


_BY = ("state", "cluster", "os", "vm", "network", "user", "owner", "domain", "volume", "security_group", "flavor")


def _filtered(build: Callable[[str], Where], of: Callable[..., Awaitable[Any]]) -> Ask:
    return lambda conn, scope: of(conn, scope, build)


async def _foreign_vm(conn: AsyncConnection) -> Found:
    found = await inventory.one(conn, EVERYTHING, "vm", ("one", "vm1-bravo"))
    assert found is not None
    return found


async def _siblings(conn: AsyncConnection, scope: Scope) -> Any:
    return await inventory.siblings(conn, scope, await _foreign_vm(conn))


async def _near(conn: AsyncConnection, scope: Scope, query: str) -> Any:
    return await search.near(conn, scope, query, [])


async def _each(conn: AsyncConnection, scope: Scope, ask: Callable[..., Awaitable[Any]]) -> Any:
    return [await ask(conn, scope, query) for query in _BROAD]


_ASKS: dict[str, Ask] = {
    **{f"rows by {name}": _filtered(build, _all_rows) for name, build in _EVERY_WHERE.items()},
    **{f"breakdown by {name}": _filtered(_EVERY_WHERE[name], _all_parts) for name in ("nothing", "project", "vm")},
    "one": lambda c, s: inventory.one(c, s, "vm", ("one", "vm1-bravo")),
    "one in the other cloud": lambda c, s: inventory.one(c, s, "vm", ("two", "vm1-alfa")),
    "several": lambda c, s: inventory.several(c, s, "vm", [("one", "vm1-bravo"), ("two", "vm1-alfa")]),
    "siblings": _siblings,
    "group_uses": inventory.group_uses,
    "named": lambda c, s: search.named(
        c, s, ["bravo-web-1", "bravo-project", "vm1-bravo", "h-bravo", "bravo tech", "bravo-tag", "bravo-creator"]
    ),
    "clusters_named": lambda c, s: search.clusters_named(c, s, ["c-bravo"]),
    "near": lambda c, s: _each(c, s, _near),
    "find": lambda c, s: _each(c, s, search.find),
    "changes": lambda c, s: changes.changes(c, s, Window(), 100),
    "changes of an object": lambda c, s: changes.changes(
        c, s, Window(kind="vm", objects=(("one", "vm2-bravo"), ("two", "vm2-alfa"))), 100
    ),
    "changes of a project": lambda c, s: changes.changes(c, s, Window(projects=(("one", "pb"), ("two", "pa"))), 100),
    "deletions": lambda c, s: changes.deletions(c, s, Window(), 100),
    "change_counts": lambda c, s: changes.change_counts(c, s, Window(projects=(("one", "pb"), ("two", "pa")))),
}


@pytest.mark.parametrize("ask", _ASKS.values(), ids=_ASKS)
async def test_nothing_of_another_customer_comes_out(database: Database, ask: Ask) -> None:
    await two_customers(database)
    async with database.connect() as conn:
        theirs, mine = repr(await ask(conn, B)).lower(), repr(await ask(conn, A)).lower()
        nobody = repr(await ask(conn, Scope())).lower()
    assert "bravo" not in mine and "'pb'" not in mine and "'two'" not in mine
    assert "alfa-" not in theirs.replace("vm1-alfa", "")
    assert "bravo" not in nobody and "alfa" not in nobody


async def test_the_same_questions_answer_the_owner(database: Database) -> None:
    """Or else the test above would be blind."""
    await two_customers(database)
    async with database.connect() as conn:
        told = {name: repr(await ask(conn, B)).lower() for name, ask in _ASKS.items()}
    silent = {name for name, answer in told.items() if "bravo" not in answer and "'pb'" not in answer}
    assert silent == {"rows by disabled", "clusters_named", "change_counts"}  # of nobody's, or without names


async def test_totals_and_counts_are_of_ones_own(database: Database) -> None:
    await two_customers(database)
    async with database.connect() as conn:
        mine, theirs = await inventory.totals(conn, A), await inventory.totals(conn, B)
        all_of_it = await inventory.totals(conn, EVERYTHING)
        assert await inventory.totals(conn, Scope()) == {}
        assert await inventory.totals(conn, A, projects=[("one", "pb"), ("two", "pa")]) == {}
        assert await changes.changes(conn, A, Window(ops=("change",)), 1) != ([], 0)
        counted = [await changes.change_counts(conn, who, Window()) for who in (A, B, EVERYTHING)]
    assert (mine["vm"], theirs["vm"], all_of_it["vm"]) == (2, 4, 6)
    assert (mine["project"], theirs["project"]) == (1, 2)
    assert "host" not in mine and "user" not in mine and "domain" not in mine
    assert [{(k, o): n for k, o, n in one}[("vm", "change")] for one in counted] == [1, 2, 3]
