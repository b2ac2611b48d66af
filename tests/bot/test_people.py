"""Rights as they are now and here: everywhere, on a domain, on a project, in a channel."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.messages import Channel
from bot.people import LOCAL, Principal, before_whom, principal
from engines.clouds import Resource
from engines.inventory.collect import sync_source
from engines.policy import Audience
from storage import channels, people
from storage.channels import Binding
from storage.database import Database
from storage.people import Grant
from storage.scopes import EVERYTHING, Place, Scope
from tests.bot.world import CATALOGUE, NOW, World, build
from tests.bot.world_base import LAB, PCD, own, project_id, uid

ACME = uid("domain acme")
HERE = Channel("chat", "C1", "members")
PROJECTS = frozenset({(PCD, project_id("acme-prod")), (PCD, project_id("acme-dev"))})


async def who(database: Database, *grants: Grant, channel: Channel | None = None) -> Principal:
    async with database.begin() as conn:
        await people.add_person(conn, "zed", "Zed")
        for one in grants:
            await people.grant(conn, "zed", one, "test")
        found = await principal(conn, "zed", channel)
        assert found is not None
        return found


async def test_a_domain_stands_for_its_projects_of_that_source(database: Database) -> None:
    await build(database)
    zed = await who(database, Grant("operator", PCD, domain_id=ACME))
    assert zed.scope == Scope(projects=PROJECTS, domains=frozenset({(PCD, ACME)}))
    assert zed.roles == {"operator"} and zed.everywhere == frozenset()
    assert zed.grants == (f"operator on domain {ACME} of pcd-1",)
    assert zed.roles_on(PCD, project_id("acme-dev")) == {"operator"}
    for source, project in ((PCD, "globex-prod"), (LAB, "acme-lab"), (LAB, "acme-prod"), (PCD, "nothing")):
        assert zed.roles_on(source, project_id(project)) == frozenset()


async def test_a_project_that_is_made_later_belongs_to_its_domain(database: Database) -> None:
    world = await build(database)
    zed = await who(database, Grant("viewer", PCD, domain_id=ACME))
    cloud = world.clouds[0]
    new = own("project", "acme-new", "acme-new", project_id("acme-new"), state="enabled", domain_id=ACME)
    cloud.rows["project"] = [*cloud.rows["project"], new]
    cloud.rows["vm"] = [*cloud.rows["vm"], Resource("vm", uid("new"), "gadget-77", project_id("acme-new"), {})]
    await sync_source(database, cloud, at=NOW)
    later = await who(database)
    assert later.scope.projects - zed.scope.projects == {(PCD, project_id("acme-new"))}
    assert (await world.ask("show gadget-77", "zed")).outcome == "answered"


async def test_of_a_domain_its_users_are_seen_and_no_others(database: Database) -> None:
    world = await build(database)
    await who(database, Grant("viewer", PCD, domain_id=ACME))
    users = await world.ask("list users", "zed")
    assert "alice" in str(users.parts) and "gxhank" not in str(users.parts) and users.outcome == "answered"
    assert "acme" in str((await world.ask("list domains", "zed")).parts)


async def test_the_role_on_the_target_counts_not_the_highest_anywhere(database: Database) -> None:
    prod, dev = (PCD, project_id("acme-prod")), (PCD, project_id("acme-dev"))
    zed = await who(database, Grant("viewer", *prod), Grant("admin", *dev))
    stop, freeze, show = (CATALOGUE.intents[name] for name in ("vm_stop", "freeze", "show"))
    assert zed.may(show).allowed and zed.may(stop, dev).allowed
    assert not zed.may(stop, prod).allowed and zed.may(stop, prod).needs == "operator"
    assert not zed.may(stop, (LAB, dev[1])).allowed
    assert not zed.may(freeze).allowed and not zed.may(freeze, dev).allowed, "a freeze is of the whole house"


@pytest.mark.parametrize("intent", ["role_grant", "role_revoke", "audit_verify", "freeze"])
async def test_a_superadmin_of_one_customer_is_none_of_the_house(database: Database, intent: str) -> None:
    await build(database)
    zed = await who(database, Grant("superadmin", PCD, domain_id=ACME), Grant("viewer"))
    assert zed.scope == EVERYTHING
    assert not zed.may(CATALOGUE.intents[intent]).allowed
    assert (await who(database, Grant("superadmin"))).may(CATALOGUE.intents[intent]).allowed


async def test_a_role_for_one_channel_counts_nowhere_else(database: Database) -> None:
    given = Grant("superadmin", surface="chat", channel="C1")
    assert (await who(database, given, channel=HERE)).everywhere == {"superadmin"}
    for elsewhere in (None, replace(HERE, id="C2"), replace(HERE, surface="page"), replace(HERE, id="c1")):
        zed = await who(database, channel=elsewhere)
        assert zed.roles == frozenset() and zed.scope == Scope()


async def test_an_unknown_role_opens_nothing(database: Database) -> None:
    await build(database)
    zed = await who(database, Grant("janitor"), Grant("viewer", PCD, project_id("acme-dev")))
    assert zed.scope == Scope(projects=frozenset({(PCD, project_id("acme-dev"))}))


async def test_a_bound_channel_cuts_what_is_seen(database: Database) -> None:
    await build(database)
    async with database.begin() as conn:
        await channels.bind(conn, Binding("chat", "C1", Place(PCD, ACME)), "test")
        await channels.bind(conn, Binding("chat", "C1", Place(LAB, None, project_id("acme-lab"))), "test")
        here, about = PROJECTS | {(LAB, project_id("acme-lab"))}, frozenset({(PCD, ACME)})
        for person, projects in (
            (LOCAL, here),
            ("vic", here),
            ("ann", here),
            ("gus", frozenset()),
            ("nobody", frozenset()),
        ):
            found = await principal(conn, person, HERE)
            assert found is not None
            cut, audience = await before_whom(conn, found, HERE)
            assert cut.scope.projects == projects and audience == Audience("members", bound=True)
            assert cut.scope.domains == (about if person in (LOCAL, "vic") else frozenset())
            free, other = await before_whom(conn, found, replace(HERE, id="C2", readers="guests"))
            assert free.scope == found.scope and other == Audience("guests")


async def test_rights_are_looked_up_for_every_message(database: Database) -> None:
    world: World = await build(database)
    await who(database, Grant("viewer", PCD, domain_id=ACME))
    assert (await world.ask("how many vms", "zed", where="open")).outcome == "answered"
    async with database.begin() as conn:
        await people.revoke(conn, "zed", Grant("viewer", PCD, domain_id=ACME))
    later = await world.ask("and volumes?", "zed", where="open", at=NOW + timedelta(seconds=1))
    assert later.outcome in ("not_allowed", "not_understood")
