"""Who reads an answer decides where it goes: restricted things, refusals and guests."""

import pytest
from sqlalchemy import text

from bot.messages import Channel, Message, Upload
from bot.replies import Reply
from engines.policy import RESTRICTED, RESTRICTED_KINDS, Audience, goes_privately
from storage import channels
from storage.channels import Binding
from storage.database import Database
from storage.scopes import Place
from tests.bot.world import CATALOGUE, NOW, World, build, shown
from tests.bot.world_base import PCD, uid

MEMBERS, GUESTS, DIRECT = (Channel("chat", f"C-{who}", who) for who in ("members", "guests", "asker"))  # type: ignore[arg-type]
_RESTRICTED_SENTENCES = (
    "list users",
    "how many users", "users per domain", "show user alice", "find gxhank", "list groups", "list keypairs",
    "list role assignments", "what roles does alice have", "who is member in acme-prod", "list security group rules",
    "which security groups are open to the world", "show the audit log", "verify the audit log", "who am I",
    "what users changed this week", "export all users as csv", "vms per user", "show user nosuchuser",
    "make vic operator", "remove vic's rights",
)  # fmt: skip
_OPEN_SENTENCES = (
    "how many vms", "list vms", "show web-01",
    "platform overview", "quota for acme-prod", "status", "help", "list hosts",
    "top projects by memory", "vms per project", "when was the last sync", "nonsense beyond words", "show vm nosuchvm",
)  # fmt: skip


async def ask(world: World, said: str, channel: Channel | None, by: str = "root", where: str = "") -> list[Reply]:
    number = next(world.numbers)
    message = Message(f"m{number}", by, where or f"audience {number}", said, NOW, channel=channel)
    return list(await world.pipeline.answer(message))


@pytest.mark.parametrize("said", _RESTRICTED_SENTENCES)
async def test_what_is_restricted_is_for_the_asker_alone(world: World, said: str) -> None:
    for reply in await ask(world, said, MEMBERS):
        assert reply.private and reply.outcome != "not_understood", shown(reply)
    for channel in (None, DIRECT):
        assert not any(reply.private for reply in await ask(world, said, channel))


@pytest.mark.parametrize("said", _OPEN_SENTENCES)
async def test_what_is_not_is_answered_before_members(world: World, said: str) -> None:
    assert [reply.private for reply in await ask(world, said, MEMBERS)] == [False]
    assert [reply.private for reply in await ask(world, said, GUESTS)] == [said != "help"]


async def test_a_refusal_is_private_too(world: World) -> None:
    for by, said in (("nobody", "how many vms"), ("a stranger", "how many vms"), ("gone", "help"), ("vic", "sync now"),
                     ("root", "x" * 5000)):  # fmt: skip
        for channel in (MEMBERS, GUESTS):
            (reply,) = await ask(world, said, channel, by)
            assert reply.private or (channel is MEMBERS and len(said) == 5000), (by, shown(reply))


async def test_what_was_told_privately_is_not_told_again_to_all(world: World) -> None:
    for number, said in enumerate(("what roles does alice have", "list users")):
        where = f"told {number}"
        assert (await ask(world, said, MEMBERS, where=where))[0].private
        for after in ("why?", "export that as csv", "that was wrong"):
            for reply in await ask(world, after, MEMBERS, where=where):
                assert reply.private, (after, shown(reply))
    assert not (await ask(world, "list vms", MEMBERS, where="vms"))[0].private
    assert not (await ask(world, "export that as csv", MEMBERS, where="vms"))[0].private


async def test_files_that_came_along_are_spoken_of_privately_before_guests(world: World) -> None:
    message = Message("m", "root", "uploads here", "how many vms", NOW, (Upload("plan.xlsx", b"PK"),), GUESTS)
    assert [reply.private for reply in await world.pipeline.answer(message)] == [True, True]


async def test_a_bound_channel_with_guests_answers_about_its_customer_only(database: Database) -> None:
    world = await build(database)
    async with database.begin() as conn:
        await channels.bind(conn, Binding("chat", GUESTS.id, Place(PCD, uid("domain acme"))), "test")
    (vms,) = await ask(world, "list vms", GUESTS)
    assert not vms.private and "web-01" in shown(vms) and "gx-" not in shown(vms) and "lab-01" not in shown(vms)
    (users,) = await ask(world, "list users", GUESTS)
    assert users.private and "alice" in shown(users) and "gxhank" not in shown(users)
    (foreign,), (nonsense,) = await ask(world, "show gx-web-01", GUESTS), await ask(world, "show gk-web-01", GUESTS)
    assert shown(foreign).replace("gx-web-01", "X") == shown(nonsense).replace("gk-web-01", "X")
    (other,) = await ask(world, "list vms", GUESTS, by="gus")
    assert "gx-" not in shown(other) and "web-01" not in shown(other), "neither theirs nor the channel's"


async def test_the_record_tells_where_and_to_whom(world: World) -> None:
    await ask(world, "list users", MEMBERS, where="recorded")
    await ask(world, "how many vms", GUESTS, by="a stranger", where="recorded")
    await ask(world, "my password is hunter2 " + "x" * 4000, GUESTS, by="vic", where="recorded")
    await ask(world, "how many vms", None, where="recorded")
    async with world.database.connect() as conn:
        query = (
            "SELECT person, action, outcome, detail FROM audit WHERE detail ->> 'conversation' = 'recorded' ORDER BY id"
        )
        rows = (await conn.execute(text(query))).all()
    assert [(row.person, row.outcome) for row in rows] == [
        ("root", "answered"), ("a stranger", "not_allowed"), ("vic", "not_understood"), ("root", "answered"),
    ]  # fmt: skip
    assert rows[0].detail | {"slots": {}} == {
        "slots": {}, "conversation": "recorded", "surface": "chat", "account": "", "channel": "C-members",
        "readers": "members", "private": True,
    }  # fmt: skip
    assert rows[1].detail["private"] is True and rows[2].detail["channel"] == "C-guests"
    assert "surface" not in rows[3].detail and "hunter2" not in str(rows)


def test_every_restricted_intent_and_kind_exists() -> None:
    from engines.inventory.kinds import KINDS

    assert set(CATALOGUE.intents) >= RESTRICTED
    assert set(KINDS) >= RESTRICTED_KINDS


@pytest.mark.parametrize("intent", [None, *CATALOGUE.intents], ids=str)
def test_alone_all_is_said_and_before_guests_nothing_but_help(intent: str | None) -> None:
    alone, guests = Audience("asker"), Audience("guests")
    assert not goes_privately(alone, intent=intent, kinds={"user"}, allowed=False)
    assert not goes_privately(Audience("asker", bound=True), intent=intent, kinds=(), allowed=True)
    assert goes_privately(guests, intent=intent, kinds=(), allowed=True) == (intent != "help")
    assert goes_privately(Audience("members"), intent=intent, kinds=(), allowed=True) == (intent in RESTRICTED)
    assert goes_privately(Audience("guests", bound=True), intent=intent, kinds=("group",), allowed=True)
