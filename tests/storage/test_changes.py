"""What changed and what was deleted, in a window."""

from typing import Any

import pytest

from storage import changes
from storage.changes import Window
from storage.database import Database
from storage.scopes import EVERYTHING
from storage.sync import open_run
from tests.storage.listed import T0, A, day, row, two_customers, values, write


async def _seen(database: Database, window: Window, limit: int = 50) -> tuple[list[tuple[str, str, str]], int]:
    async with database.connect() as conn:
        found, total = await changes.changes(conn, EVERYTHING, window, limit)
    return [(c.op, c.kind, c.external_id) for c in found], total


async def _history(database: Database) -> None:
    """Three syncs of a source; what the first found is no change."""
    async with database.begin() as conn:
        runs = [await open_run(conn, "one", asked_by="test") for _ in range(3)]
    await write(database, "vm", [row("a", "a", "p"), row("b", "b", "p")], run_id=runs[0])
    await write(database, "vm", [row("a", "a2", "p"), row("c", "c", "q")], at=day(1), run_id=runs[1])
    await write(database, "vm", [row("a", "a2", "p"), row("b", "b", "p")], at=day(2), run_id=runs[2])
    await write(database, "volume", [row("v", "v", "q")], at=day(2), run_id=runs[2])


async def test_the_newest_first_without_what_the_first_sync_found(database: Database) -> None:
    await _history(database)
    vms = [("delete", "vm", "c"), ("return", "vm", "b")]
    seen, total = await _seen(database, Window())
    assert total == len(seen) == 6
    assert seen[0] == ("add", "volume", "v") and sorted(seen[1:3]) == vms
    assert sorted(seen[3:]) == [("add", "vm", "c"), ("change", "vm", "a"), ("delete", "vm", "b")]
    assert await _seen(database, Window(), 1) == ([("add", "volume", "v")], 6)


@pytest.mark.parametrize(
    ("window", "many"),
    [
        (Window(since=day(1), until=day(2)), 3),
        (Window(since=day(2)), 3),
        (Window(until=day(1)), 0),
        (Window(kind="volume"), 1),
        (Window(kind="' OR ''='"), 0),
        (Window(projects=(("one", "q"),)), 3),
        (Window(projects=(("two", "q"),)), 0),
        (Window(ops=("add",)), 2),
        (Window(ops=("delete", "return")), 3),
        (Window(kind="vm", objects=(("one", "a"),)), 2),
        (Window(kind="vm", objects=(("one", "a"),), ops=("add",)), 1),
        (Window(kind="vm", objects=(("one", "%"),)), 0),
    ],
)
async def test_each_condition(database: Database, window: Window, many: int) -> None:
    await _history(database)
    seen, total = await _seen(database, window)
    assert total == len(seen) == many
    async with database.connect() as conn:
        assert sum(number for *_, number in await changes.change_counts(conn, EVERYTHING, window)) == many


async def test_counts_by_kind_and_op(database: Database) -> None:
    await _history(database)
    async with database.connect() as conn:
        counts = await changes.change_counts(conn, EVERYTHING, Window())
    assert counts[0] == ("vm", "delete", 2)
    assert sorted(counts) == [
        ("vm", "add", 1),
        ("vm", "change", 1),
        ("vm", "delete", 2),
        ("vm", "return", 1),
        ("volume", "add", 1),
    ]


async def test_a_change_tells_both_values(database: Database) -> None:
    await _history(database)
    async with database.connect() as conn:
        (change,), _ = await changes.changes(conn, EVERYTHING, Window(ops=("change",)), 5)
    assert (change.at, change.name, change.project_id, change.changed) == (day(1), "a2", "p", {"name": ["a", "a2"]})


async def test_deletions_keep_the_last_state_also_of_what_came_back(database: Database) -> None:
    await two_customers(database)

    async def gone(window: Window, **how: Any) -> list[str]:
        async with database.connect() as conn:
            found, total = await changes.deletions(conn, how.get("scope", EVERYTHING), window, how.get("limit", 9))
        assert total >= len(found)
        return [d.name for d in found]

    assert sorted(await gone(Window())) == ["alfa-snap-old", "bravo-snap-old", "bravo-snap-old"]
    assert await gone(Window(), scope=A) == ["alfa-snap-old"]
    assert await gone(Window(until=day(1))) == []
    assert len(await gone(Window(kind="snapshot"), limit=2)) == 2
    assert await gone(Window(objects=(("two", "old-snap-alfa"),))) == ["bravo-snap-old"]
    async with database.connect() as conn:
        (last,), _ = await changes.deletions(conn, A, Window(), 1)
    assert (last.attrs, last.last_seen, last.deleted_at) == ({"size_gib": 1}, T0, day(1))
    await write(database, "snapshot", [row("old-snap-alfa", "alfa-snap-old", "pa")], at=day(2), complete=False)
    assert await gone(Window(), scope=A) == ["alfa-snap-old"]


async def test_when_the_record_begins(database: Database) -> None:
    async with database.connect() as conn:
        assert await changes.first_sync(conn) is None
    await write(database, "vm", [row("a")], at=day(3))
    await write(database, "vm", [row("a")], at=day(1), source="two")
    async with database.connect() as conn:
        assert await changes.first_sync(conn) == day(1)
        assert await changes.first_sync(conn, ["one"]) == day(3)
        assert await changes.first_sync(conn, ["none"]) is None
    assert await values(database, "SELECT count(*) FROM history") == [(2,)]
