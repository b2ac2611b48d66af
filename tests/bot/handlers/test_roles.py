"""Roles in words: exactly who, shown first, counted once confirmed, and nobody raises themselves."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.replies import Reply
from storage import audit, people
from storage.database import Database
from storage.people import Grant
from tests.bot.world import NOW, World, build, heading, said_by, shown
from tests.bot.world_base import PCD, project_id


@pytest.fixture
async def house(database: Database) -> AsyncIterator[World]:
    world = await build(database)
    async with database.begin() as conn:
        for id_, name, email in (
            ("bob", "Bob Ray", "bob@example.org"), ("bray", "Bob Ray", None), ("alice", "Alice Chen", "al@example.org"),
            ("o'neil", 'Ann "O" Neil', None), ("x/y#z", "Zoë Öz", None), ("Tim", "Tim", None), ("chris", "Chris", None),
        ):  # fmt: skip
            await people.add_person(conn, id_, name, email)
        await people.link_account(conn, "chat", "T1/U77", "alice")
        await people.grant(conn, "chris", Grant("superadmin"), "test")
    yield world


async def grants(world: World, person: str) -> set[Grant]:
    async with world.database.connect() as conn:
        found = await people.person_by_id(conn, person)
        assert found is not None
        return set(found.grants)


async def do(world: World, said: str, by: str = "root") -> Reply:
    """Ask, and press the button."""
    preview = await world.ask(said, by, where="roles")
    assert preview.outcome == "incomplete", shown(preview)
    return await world.ask(said_by(preview)[0], by, where="roles")


@pytest.mark.parametrize(
    "said",
    ["make alice operator", "grant Alice Chen the operator role", "give al@example.org the operator role",
     "promote alice to operator", "make AL@EXAMPLE.ORG operator", "grant operator to alice", "make T1/U77 operator",
     'make "Alice Chen" operator'],
)  # fmt: skip
async def test_nothing_counts_before_it_is_confirmed(house: World, said: str) -> None:
    """alice is also a user of the cloud: people of Stackhand are meant."""
    preview = await house.ask(said, where="roles")
    assert preview.outcome == "incomplete" and heading(preview) == "Alice Chen (alice) would get a role:"
    assert "al@example.org" in shown(preview) and "operator everywhere" in shown(preview)
    assert await grants(house, "alice") == set()
    done = await house.ask(said_by(preview)[0], where="roles")
    assert heading(done) == "Alice Chen (alice) is operator everywhere now."
    assert await grants(house, "alice") == {Grant("operator")}
    again = await house.ask(said_by(preview)[0], where="roles")
    assert "already" in heading(again)
    back = await house.ask(said_by(done)[0], where="roles")
    assert heading(back) == "Alice Chen (alice) would lose:"
    assert "no longer operator everywhere" in heading(await house.ask(said_by(back)[0], where="roles"))
    assert await grants(house, "alice") == set()


async def test_it_is_in_the_record(house: World) -> None:
    await do(house, "make alice operator in acme-prod")
    assert await grants(house, "alice") == {Grant("operator", PCD, project_id("acme-prod"))}
    async with house.database.connect() as conn:
        rows = (await audit.entries(conn, limit=10))[0]
        assert (await audit.verify(conn)).bad is None
    (row,) = [row for row in rows if row.action == "role.grant"]
    assert (row.person, row.target, row.outcome) == ("root", "alice", "done")
    assert row.detail["roles"] == [f"operator on project {project_id('acme-prod')} of pcd-1"]
    asked = [(row.action, row.target, row.outcome) for row in rows if row.action == "role_grant"]
    assert asked == [("role_grant", "Alice Chen", "answered"), ("role_grant", "Alice Chen", "incomplete")]


async def test_two_of_a_name_are_asked_back(house: World) -> None:
    asked = await house.ask("make Bob Ray viewer")
    assert asked.outcome == "ambiguous" and len(said_by(asked)) == 2
    for said, id_ in zip(said_by(asked), ("bob", "bray"), strict=True):
        assert f"Bob Ray ({id_}) is viewer everywhere now" in heading(await do(house, said))
        assert await grants(house, id_) == {Grant("viewer")}


@pytest.mark.parametrize("id_", ["o'neil", "x/y#z", "Tim"])
async def test_odd_names_and_ids_are_told_apart_on_buttons(house: World, id_: str) -> None:
    async with house.database.connect() as conn:
        found = await people.person_by_id(conn, id_)
    assert found is not None
    from bot.handlers.people import _marked

    await do(house, f"grant {_marked(found)} the viewer role")
    assert await grants(house, id_) == {Grant("viewer")}


@pytest.mark.parametrize("said", ["make chen operator", "make alic operator", "make nosuch viewer",
                                  "make gxhank operator",
                                  "remove nosuch's rights", "revoke operator from gxhank"])  # fmt: skip
async def test_a_name_that_is_not_exact_is_nobodys(house: World, said: str) -> None:
    reply = await house.ask(said)
    assert reply.outcome == "not_found" and "I know no person" in heading(reply), shown(reply)


@pytest.mark.parametrize(
    "said",
    ["make alica viewer on acme-prod", "make alica a viewer in acme-prod", "give alica viewer rights in acme-prod"],
)
async def test_somebody_whom_only_we_know_is_no_word_of_the_language(house: World, said: str) -> None:
    """ "alica" is one slip away from "alive", and in no cloud."""
    async with house.database.begin() as conn:
        await people.add_person(conn, "alica", "Alica Novak", None)
    done = await do(house, said)
    assert heading(done) == f"Alica Novak (alica) is viewer on project acme-prod (acme) of {PCD} now."


async def test_who_has_no_role_is_told_how_to_get_one(house: World) -> None:
    for said in ("who am i", "how many vms are there", "restart web-01"):
        reply = await house.ask(said, "alice")
        assert reply.outcome == "not_allowed" and "hold no role" in heading(reply), shown(reply)
        assert "people grant alice viewer" in shown(reply)


@pytest.mark.parametrize("by", ["vic", "ann", "nobody", "gone", "a stranger"])
async def test_only_a_superadmin_of_everything_may_and_nobody_learns_who_is_there(house: World, by: str) -> None:
    for said in (
        "make {} operator",
        "grant {} the admin role",
        "remove {}'s rights",
        "make user x #stackhand/{} viewer",
    ):
        there, nonsense = await house.ask(said.format("bob"), by), await house.ask(said.format("bub"), by)
        assert there.outcome in ("not_allowed", "not_understood", "not_found", "failed"), shown(there)
        assert shown(there).replace("bob", "X") == shown(nonsense).replace("bub", "X")
        assert "example.org" not in shown(there)
    assert await grants(house, "bob") == set()


async def test_a_superadmin_of_one_customer_may_not(house: World) -> None:
    async with house.database.begin() as conn:
        await people.grant(conn, "alice", Grant("superadmin", PCD, project_id("acme-prod")), "test")
    assert (await house.ask("make bob operator", "alice")).outcome == "not_allowed"


async def test_nobody_raises_themselves(house: World) -> None:
    reply = await house.ask("make root viewer")
    assert reply.outcome == "not_allowed" and "yourself" in heading(reply)
    reply = await house.ask("make chris admin in acme-prod", "chris")
    assert reply.outcome == "not_allowed" and await grants(house, "chris") == {Grant("superadmin")}


async def test_the_last_superadmin_stays(house: World) -> None:
    await do(house, "remove chris's rights")
    assert await grants(house, "chris") == set()
    last = await house.ask("remove root's rights")
    assert last.outcome == "not_allowed" and "last superadmin" in heading(last)
    assert await grants(house, "root") == {Grant("superadmin")}


async def test_a_confirmation_is_bound_to_whom_what_and_who_asked(house: World) -> None:
    preview = await house.ask("make alice viewer", where="roles")
    (said, *_) = said_by(preview)
    other = said[:-1] + ("0" if said[-1] != "0" else "1")
    of_bob = f"make bob operator{said[said.index(' #confirm') :]}"
    for forged in (said.replace("viewer", "superadmin"), said.replace("/alice", "/bray"), of_bob, other):
        assert (await house.ask(forged, where="roles")).outcome in ("incomplete", "not_found")
    assert (await house.ask(said, "chris", where="roles")).outcome == "incomplete", "another superadmin saw no preview"
    late = replace(house, pipeline=type(house.pipeline)(house.database, clock=lambda: NOW + timedelta(minutes=16)))
    assert (await late.ask(said, where="roles", at=NOW + timedelta(minutes=16))).outcome == "incomplete"
    for person in ("alice", "bob", "bray"):
        assert await grants(house, person) == set()
    assert (await house.ask(said, where="another conversation")).outcome == "answered", (
        "answered privately, clicked there"
    )


async def test_a_right_that_went_away_between_preview_and_click(house: World) -> None:
    preview = await house.ask("make alice viewer", "chris", where="roles")
    async with house.database.begin() as conn:
        await people.revoke(conn, "chris", Grant("superadmin"))
    assert (await house.ask(said_by(preview)[0], "chris", where="roles")).outcome == "not_allowed"
    assert await grants(house, "alice") == set()


async def test_a_grant_that_came_meanwhile_makes_a_removal_ask_anew(house: World) -> None:
    await do(house, "make alice viewer")
    preview = await house.ask("remove alice's rights", where="roles")
    async with house.database.begin() as conn:
        await people.grant(conn, "alice", Grant("admin"), "test")
    assert (await house.ask(said_by(preview)[0], where="roles")).outcome == "incomplete"
    assert await grants(house, "alice") == {Grant("viewer"), Grant("admin")}


async def test_what_the_directory_gave_is_not_taken_by_hand(house: World) -> None:
    async with house.database.begin() as conn:
        await people.grant(conn, "alice", Grant("operator", via="directory"), "directory")
    reply = await house.ask("revoke alice's operator role")
    assert reply.outcome == "failed" and "directory" in shown(reply)
    await do(house, "make alice operator")
    assert await grants(house, "alice") == {Grant("operator", via="directory"), Grant("operator")}
    await do(house, "remove alice's rights")
    assert await grants(house, "alice") == {Grant("operator", via="directory")}


async def test_a_disabled_person_gets_no_role(house: World) -> None:
    async with house.database.begin() as conn:
        await people.set_active(conn, "alice", False)
    reply = await house.ask("make alice viewer")
    assert reply.outcome == "failed" and "people enable alice" in shown(reply)


@pytest.mark.parametrize(
    "said",
    ["make alice a sandwich", "who is operator", "what roles does alice have", "alice is admin now",
     "don't make alice admin",
     "what if I make alice admin?", "yesterday I made alice admin", "give me all vms of acme-prod",
     "remove the router acme-edge", "take a snapshot of web-01"],
)  # fmt: skip
async def test_what_only_sounds_like_it_changes_nothing(house: World, said: str) -> None:
    for reply in await house.ask_all(said):
        assert not any("#confirm/" in button for button in said_by(reply)), shown(reply)
    assert await grants(house, "alice") == set()


async def test_who_am_i_names_places_and_accounts(house: World) -> None:
    async with house.database.begin() as conn:
        await people.grant(conn, "alice", Grant("viewer", PCD, project_id("acme-prod")), "test")
    told = shown(await house.ask("who am I", "alice"))
    assert "viewer on project acme-prod (acme) of pcd-1" in told and "chat T1/U77" in told
    assert "this machine" in shown(await house.ask("who am I", "local"))
