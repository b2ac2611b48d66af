"""Runbooks in sentences: the list, one of them, a dry run, the run itself, past runs; each sees only what is theirs."""

from collections.abc import Awaitable, Callable

import pytest

from bot.messages import Message
from bot.pipeline import Pipeline
from bot.replies import Reply
from engines.runbooks.runbook import find_runbooks
from storage.database import Database
from storage.people import Grant, add_person, grant
from tests.bot.world import CATALOGUE, heading, said_by, shown, table
from tests.engines.drills.drill_cloud import DrillCloud, drill_place
from tests.engines.drills.running import ran
from tests.engines.restore.places import NOW, ON, store

Say = Callable[..., Awaitable[Reply]]
PEOPLE = {"root": Grant("superadmin"), "tom": Grant("technical", "one", "pa"), "vic": Grant("viewer", "one", "pa"),
          "gus": Grant("technical", "one", "pb")}  # fmt: skip
DRILL = "disaster_recovery_drill"


@pytest.fixture
async def cloud(database: Database) -> DrillCloud:
    made = drill_place()
    await store(database, made)
    async with database.begin() as conn:
        for person, right in PEOPLE.items():
            await add_person(conn, person, person.capitalize())
            await grant(conn, person, right, "test")
    return made


@pytest.fixture
def say(database: Database, cloud: DrillCloud) -> Say:
    pipeline = Pipeline(database, catalogue=CATALOGUE, clock=lambda: NOW, house=ON)
    numbers = iter(range(1000))

    async def ask(said: str, by: str = "root") -> Reply:
        number = next(numbers)
        return (await pipeline.answer(Message(f"m{number}", by, f"c{number}", said, NOW)))[0]

    return ask


async def test_the_list_and_what_one_does(say: Say) -> None:
    listed = await say("which runbooks are there", "vic")
    assert [row[0] for row in table(listed).rows] == list(find_runbooks()) and "needs a role" in shown(listed)
    told = await say("what does the dr drill do")
    assert told.intent == "runbook_show" and heading(told) == "Disaster recovery drill"
    assert "a confirmation" in shown(told) and f"run {DRILL} on PROJECT for real" in shown(told)
    none = await say("runbooks for quota")
    assert none.outcome == "not_found" and heading(none) == "There is no runbook about quota."


@pytest.mark.parametrize("said", [
    "run disaster recovery drill on vm db-02", f"execute {DRILL} for db-02", "run the restore drill on db-02, dry run",
])  # fmt: skip
async def test_a_run_is_a_dry_run_unless_told_otherwise(say: Say, database: Database, said: str) -> None:
    reply = await say(said, "tom")
    assert reply.intent == "runbook_run" and "a dry run, nothing is changed" in heading(reply), shown(reply)
    assert "without a router" in shown(reply)
    again = await say(said_by(reply)[-1], "tom")
    assert again.intent == "runbook_run" and "Restore drill of 1 VM of acme-prod" in heading(again)
    assert "dry run" not in heading(again) and again.follows


async def test_a_run_for_real_is_confirmed_and_proves_something(
    say: Say, database: Database, cloud: DrillCloud
) -> None:
    asked = await say("run the restore drill on db-02 for real", "tom")
    assert asked.outcome == "incomplete", shown(asked)
    done = await say("approve REQ-1", "tom")
    assert done.outcome == "answered", shown(done)
    await ran(database, cloud, 1)
    past = await say("last runs of the restore drill", "tom")
    assert past.intent == "runbook_history" and table(past).rows[0][1] == "db-02", shown(past)
    other = await say("runbook history", "gus")
    assert other.outcome == "not_found" and "db-02" not in shown(other)


@pytest.mark.parametrize(("by", "outcome"), [("vic", "not_allowed"), ("gus", "not_found")])
async def test_who_may_not_is_told_so(say: Say, by: str, outcome: str) -> None:
    reply = await say("run the restore drill on db-02 for real", by)
    assert reply.outcome == outcome, shown(reply)
    assert "10.20.0." not in shown(reply)


async def test_what_it_cannot_be_run_on_is_said(say: Say) -> None:
    nothing = await say("run the restore drill")
    assert nothing.outcome == "incomplete" and "on what?" in heading(nothing)
    strange = await say("run orphan resource cleanup on acme-prod")
    assert strange.outcome != "answered"
    both = await say("run the restore drill on project globex-prod for vm db-02")
    assert both.outcome in ("not_found", "ambiguous", "incomplete")
