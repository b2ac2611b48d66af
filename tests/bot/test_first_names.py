"""People are called by their first names; who is meant is asked when it is not sure, and never guessed for a change."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.messages import Message
from bot.pipeline import Pipeline
from bot.replies import Choices, Reply
from storage.database import Database
from storage.people import Grant, add_person, grant
from tests.storage.listed import row, write


@pytest.fixture
async def asking(database: Database) -> Pipeline:
    def vm(name: str, project: str, derived: dict[str, Any], **owners: Any) -> Any:
        return row(name, name, project, derived, state="on", **owners)

    await write(
        database,
        "vm",
        [
            vm("web-01", "pa", {}, technical_owner="Priya Shah"), vm("web-02", "pa", {}, business_owner="Priya Shah"),
            vm("db-01", "pb", {}, technical_owner="Carol Díaz"), vm("db-02", "pb", {"created_by": "carol"}),
        ],
    )  # fmt: skip
    await write(database, "user", [row("u1", "carol"), row("u2", "priya.shah")])
    async with database.begin() as conn:
        for person, one in (("root", Grant("superadmin")), ("ann", Grant("viewer", "one", "pb"))):
            await add_person(conn, person, person)
            await grant(conn, person, one, "test")
    return Pipeline(database)


async def say(to: Pipeline, said: str, by: str = "root", where: str = "c") -> Reply:
    (reply,) = await to.answer(Message("m", by, f"{where} {said}", said, datetime.now(UTC)))
    return reply


def buttons(reply: Reply) -> list[str]:
    return [choice.said for part in reply.parts if isinstance(part, Choices) for choice in part.choices]


@pytest.mark.parametrize(
    "said", ["how many vms does priya own?", "count vms of Priya", "how many vms are owned by priya shah?"]
)
async def test_a_first_name_finds_the_owner(said: str, asking: Pipeline) -> None:
    reply = await say(asking, said)
    assert (reply.outcome, reply.slots.get("owner")) == ("answered", "Priya Shah")


async def test_two_that_may_be_meant_are_asked_and_each_button_means_one(asking: Pipeline) -> None:
    reply = await say(asking, "list vms owned by carol")
    assert reply.outcome == "ambiguous"
    answers = [await say(asking, said) for said in buttons(reply)]
    assert [one.outcome for one in answers] == ["answered", "answered"]
    assert {one.slots.get("owner") for one in answers} == {"carol", "Carol Díaz"}


async def test_somebody_elses_people_are_not_known(asking: Pipeline) -> None:
    assert (await say(asking, "count vms owned by priya", "ann")).slots.get("owner") is None
    assert "Priya" not in str(await say(asking, "count vms owned by priya", "ann"))


async def test_a_first_name_never_completes_a_change(asking: Pipeline) -> None:
    reply = await say(asking, "make priya technical owner of db-01")
    assert reply.outcome != "answered"
    assert reply.intent is None or "request" not in reply.slots
