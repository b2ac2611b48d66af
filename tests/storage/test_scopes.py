"""What a scope sees beside its own rows: what a cloud offers to all of its customers."""

from sqlalchemy import select

from storage.database import Database
from storage.scopes import EVERYTHING, Place, Scope, owned, projects_of, scope_of, visible
from storage.tables import deletion, history, resource
from tests.storage.listed import row, write

_MINE = Scope(projects=frozenset({("one", "p")}))


async def _visible(database: Database, scope: Scope) -> set[str]:
    async with database.connect() as conn:
        found = await conn.execute(select(resource.c.source, resource.c.external_id).where(visible(scope)))
        return {f"{source}/{external_id}" for source, external_id in found}


async def test_what_is_offered_is_seen_in_the_own_sources_only(database: Database) -> None:
    for source in ("one", "two"):
        await write(database, "flavor", [row("flavor")], source=source)
        await write(database, "volume_type", [row("type")], source=source)
        images = [row("public", "", "x", visibility="public"), row("shared", "", "x", visibility="shared")]
        await write(database, "image", [*images, row("own", "", "p", visibility="private")], source=source)
        nets = [row("ext", "", "x", external=True), row("common", "", "x", shared=True), row("private", "", "x")]
        await write(database, "network", nets, source=source)
        await write(database, "project", [row("p", "", "p"), row("x", "", "x")], source=source)
        await write(database, "host", [row("host")], source=source)
    mine = {"flavor", "type", "public", "own", "ext", "common", "p"}
    assert await _visible(database, _MINE) == {f"one/{external_id}" for external_id in mine}
    assert await _visible(database, Scope()) == set()
    assert len(await _visible(database, EVERYTHING)) == 22


async def test_an_offer_must_be_said_plainly(database: Database) -> None:
    odd = [row(f"n{n}", "", "x", shared=value) for n, value in enumerate(("TRUE", 1, "yes", [True], None, False))]
    await write(database, "network", odd)
    assert await _visible(database, _MINE) == set()


async def test_history_and_deletions_are_the_owners_alone(database: Database) -> None:
    await write(database, "network", [row("common", "", "x", shared=True), row("own", "", "p")])
    await write(database, "project", [row("p"), row("x")])
    await write(database, "network", [])
    async with database.connect() as conn:
        for table, seen in ((history, {"own", "p"}), (deletion, {"own"})):
            found = await conn.execute(select(table.c.external_id).where(owned(_MINE, table)))
            assert set(found.scalars()) == seen
            assert (await conn.execute(select(table.c.id).where(owned(Scope(), table)))).all() == []
            assert len((await conn.execute(select(table.c.id).where(owned(EVERYTHING, table)))).all()) >= 2


async def test_hostile_ids_in_a_scope_are_ids(database: Database) -> None:
    await write(database, "vm", [row("a", "", "p"), row("b", "", "') OR true --")])
    scope = Scope(projects=frozenset({("one", "') OR true --"), ("%", "%")}))
    assert await _visible(database, scope) == {"one/b"}
    assert scope.sources == {"one", "%"}


async def test_a_domain_is_itself_its_people_and_its_projects(database: Database) -> None:
    for source in ("one", "two"):
        await write(database, "domain", [row("d"), row("e")], source=source)
        projects = [
            row("p", "", "p", domain_id="d"),
            row("q", "", "q", domain_id="d"),
            row("x", "", "x", domain_id="e"),
        ]
        await write(database, "project", projects, source=source)
        await write(database, "user", [row("in", domain_id="d"), row("out", domain_id="e"), row("odd")], source=source)
        await write(database, "vm", [row("mine", "", "q", domain_id="e"), row("theirs", "", "x")], source=source)
        await write(database, "host", [row("host", domain_id="d")], source=source)
    await write(database, "project", [row("p", "", "p", domain_id="d")], source="one")
    async with database.connect() as conn:
        scope = await scope_of(conn, [Place("one", "d"), Place("two", None, "x")])
        assert await projects_of(conn, []) == {}
    assert scope.projects == {("one", "p"), ("one", "q"), ("two", "x")}, "also the project that is gone"
    assert scope.domains == {("one", "d")} and scope.sources == {"one", "two"}
    assert await _visible(database, scope) == {"one/d", "one/p", "one/q", "one/in", "one/mine", "two/x", "two/theirs"}


async def test_a_domain_without_projects_is_not_everything(database: Database) -> None:
    await write(database, "vm", [row("a", "", "p"), row("b", "", None)])
    async with database.connect() as conn:
        scope = await scope_of(conn, [Place("one", "') OR true --")])
        assert await scope_of(conn, []) == Scope() and await scope_of(conn, [Place()]) == EVERYTHING
    assert await _visible(database, scope) == set()


def test_what_both_may_see() -> None:
    mine = Scope(projects=frozenset({("one", "p"), ("one", "q")}), domains=frozenset({("one", "d")}))
    other = Scope(projects=frozenset({("one", "q"), ("two", "q")}), domains=frozenset({("one", "e")}))
    assert mine.cut(EVERYTHING) == EVERYTHING.cut(mine) == mine and EVERYTHING.cut(EVERYTHING) == EVERYTHING
    assert mine.cut(other) == other.cut(mine) == Scope(projects=frozenset({("one", "q")}))
    assert mine.cut(Scope()) == Scope()
