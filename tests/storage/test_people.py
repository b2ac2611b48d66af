"""People, accounts that are never moved silently, grants that are held once."""

import asyncio

import pytest

from storage import people
from storage.database import Database
from storage.people import Grant, Person


async def test_people_are_added_once_and_set_aside(database: Database) -> None:
    async with database.begin() as conn:
        assert await people.add_person(conn, "ada", "Ada", "ada@example.org")
        assert not await people.add_person(conn, "ada", "Somebody Else")
        assert await people.add_person(conn, "bob", "Bob'); --")
        assert await people.set_active(conn, "bob", False)
        assert not await people.set_active(conn, "nobody", False)
        assert await people.everybody(conn) == [
            Person("ada", "Ada", "ada@example.org", True),
            Person("bob", "Bob'); --", None, False, disabled_by="hand"),
        ]
        assert await people.person_by_id(conn, "nobody") is None


async def test_an_account_belongs_to_one_person(database: Database) -> None:
    async with database.begin() as conn:
        for person in ("ada", "bob"):
            await people.add_person(conn, person, person)
        assert await people.link_account(conn, "page", "7", "ada")
        assert not await people.link_account(conn, "page", "7", "bob")
        assert not await people.link_account(conn, "page", "7", "ada")
        assert await people.link_account(conn, "console", "7", "bob")
        found = await people.person_by_account(conn, "page", "7")
        assert found is not None and found.id == "ada"
        assert await people.person_by_account(conn, "page", "8") is None
        assert await people.unlink_account(conn, "page", "7")
        assert not await people.unlink_account(conn, "page", "7")
        assert await people.person_by_account(conn, "page", "7") is None
        assert await people.link_account(conn, "page", "7", "bob")


async def test_two_claims_of_an_account_at_once(database: Database) -> None:
    async with database.begin() as conn:
        for number in range(4):
            await people.add_person(conn, f"p{number}", "x")

    async def link(number: int) -> bool:
        async with database.begin() as conn:
            return await people.link_account(conn, "page", "1", f"p{number}")

    assert sorted(await asyncio.gather(*(link(number) for number in range(4)))) == [False, False, False, True]


@pytest.mark.parametrize("held", [Grant("admin"), Grant("viewer", "one", "p"), Grant("'; --", "one", "%")])
async def test_a_grant_is_held_once_and_revoked_exactly(database: Database, held: Grant) -> None:
    async with database.begin() as conn:
        await people.add_person(conn, "ada", "Ada")
        assert await people.grant(conn, "ada", held, "root")
        assert not await people.grant(conn, "ada", held, "eve")
        other = Grant(held.role, "two", "p")
        assert await people.grant(conn, "ada", other, "root")
        found = await people.person_by_id(conn, "ada")
        assert found is not None and found.grants == (held, other)
        assert not await people.revoke(conn, "ada", Grant(held.role, "three", "p"))
        assert not await people.revoke(conn, "bob", held)
        assert await people.revoke(conn, "ada", held)
        assert not await people.revoke(conn, "ada", held)
        found = await people.person_by_id(conn, "ada")
        assert found is not None and found.grants == (other,)


async def test_each_person_has_their_own_grants(database: Database) -> None:
    async with database.begin() as conn:
        for person in ("ada", "bob", "eve"):
            await people.add_person(conn, person, person)
        await people.grant(conn, "ada", Grant("admin"), "root")
        await people.grant(conn, "bob", Grant("viewer", "one", "p"), "ada")
        held = {person.id: person.grants for person in await people.everybody(conn)}
    assert held == {"ada": (Grant("admin"),), "bob": (Grant("viewer", "one", "p"),), "eve": ()}
