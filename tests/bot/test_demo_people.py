"""The demo's people have the roles that the page says, and what was changed about them stays."""

from datetime import UTC, datetime

from bot.demo_people import PEOPLE, SPEAKERS, make_people
from bot.people import LOCAL, principal
from engines.clouds.demo import DemoWorld, week_start
from engines.inventory.collect import sync_source
from storage import audit
from storage.database import Database
from storage.people import Grant, everybody, revoke


async def test_they_are_made_once_with_their_roles(database: Database) -> None:
    world = DemoWorld(vms=100, epoch=week_start(datetime.now(UTC)))
    for cloud in world.clouds():
        await sync_source(database, cloud, asked_by="demo", wait=True)
    async with database.begin() as conn:
        await make_people(conn)
        people = {one.id: one for one in await everybody(conn)}
        assert set(people) == {one.id for one in PEOPLE} == {one.id for one in SPEAKERS} - {LOCAL}
        for one in PEOPLE:
            assert {grant.role for grant in people[one.id].grants} == {one.role}
        dave, bob = await principal(conn, "dave"), await principal(conn, "bob")
        assert dave and bob and bob.scope.everything and not dave.scope.everything
        assert not dave.everywhere and dave.roles == {"operator"}
        assert {grant.source for grant in dave.held} == {"demo-openstack", "demo-vmware"}
        assert await revoke(conn, "bob", Grant("operator"))
        await make_people(conn)
        assert [one.grants for one in await everybody(conn) if one.id == "bob"] == [()]
        assert (await audit.verify(conn)).bad is None


async def test_without_an_inventory_nobody_gets_more_than_they_should(database: Database) -> None:
    async with database.begin() as conn:
        await make_people(conn)
        dave = await principal(conn, "dave")
    assert dave is not None and not dave.roles and not dave.scope.everything
