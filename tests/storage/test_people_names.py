"""People by their first names: found, scoped, bounded, and quick in a large inventory."""

import time

import pytest

from storage.database import Database
from storage.people_names import people_with
from storage.scopes import EVERYTHING, Scope
from tests.storage.listed import A, row, write


async def _found(database: Database, *words: str, scope: Scope = EVERYTHING) -> set[tuple[str, str]]:
    async with database.connect() as conn:
        return {(one.kind, one.name) for one in await people_with(conn, scope, words)}


async def _people(database: Database) -> None:
    await write(
        database,
        "vm",
        [
            row("v1", "v1", "pa", technical_owner="Carol Díaz", business_owner="Bob Ray"),
            row("v2", "v2", "pb", technical_owner="Carol Übermüller", business_owner="Carolina Rey"),
            row("v3", "v3", "pb", {"created_by": "José Álvarez"}, technical_owner="carol"),
            row("v4", "v4", "pb", technical_owner="100% carol"),
        ],
    )
    await write(database, "user", [row("u1", "carol.diaz", None), row("u2", "carol-bot"), row("u3", "Carol Smith")])


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("carol", {"Carol Díaz", "Carol Übermüller", "carol.diaz", "Carol Smith"}),
        ("josé", {"José Álvarez"}),
        ("bob", {"Bob Ray"}),
        ("díaz", set()),
        ("caro", set()),
        ("%", set()),
        ("carol'; --", set()),
        ("", set()),
    ],
)
async def test_by_the_first_word_alone(word: str, names: set[str], database: Database) -> None:
    await _people(database)
    assert {name for _, name in await _found(database, word)} == names


async def test_only_what_the_scope_may_know(database: Database) -> None:
    await _people(database)
    assert await _found(database, "carol", scope=A) == {("owner", "Carol Díaz")}
    assert await _found(database, "carol", scope=Scope()) == set()


async def test_many_of_one_name_are_bounded(database: Database) -> None:
    await write(database, "vm", [row(f"v{n}", f"v{n}", "pa", technical_owner=f"Carol No{n}") for n in range(300)])
    assert len(await _found(database, "carol")) == 20


async def test_it_is_quick_among_many(database: Database) -> None:
    owners = [f"Owner{n} Family{n}" for n in range(500)]
    await write(database, "vm", [row(f"v{n}", f"v{n}", "pa", technical_owner=owners[n % 500]) for n in range(20_000)])
    async with database.connect() as conn:
        await conn.exec_driver_sql("ANALYZE resource")
        await people_with(conn, EVERYTHING, ["warm"])
        begun = time.perf_counter()
        for word in ("owner7", "nobody", "web", "snorkel", "family"):
            await people_with(conn, EVERYTHING, [word])
        assert (time.perf_counter() - begun) / 5 < 0.1
