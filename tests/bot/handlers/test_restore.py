"""Restores in sentences: points, dry runs, asking, status and record, history; each sees only what is theirs."""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import insert

from bot.messages import Message
from bot.pipeline import Pipeline
from bot.replies import Fields, File, Reply
from engines.plans import Plan, to_json
from engines.restore.wishes import Wish
from storage.change_tables import job, job_step, request, request_vote
from storage.database import Database
from storage.people import Grant, add_person, grant
from tests.bot.world import CATALOGUE, heading, said_by, shown, table
from tests.engines.restore.places import NOW, ON, planned, small_place, store

Say = Callable[..., Awaitable[Reply]]
PEOPLE = {
    "root": Grant("superadmin"), "tom": Grant("technical", "one", "pa"), "vic": Grant("viewer", "one", "pa"),
    "gus": Grant("technical", "one", "pb"),
}  # fmt: skip


@pytest.fixture
async def say(database: Database) -> Say:
    cloud = small_place()
    await store(database, cloud)
    async with database.begin() as conn:
        for person, right in PEOPLE.items():
            await add_person(conn, person, person.capitalize())
            await grant(conn, person, right, "test")
    pipeline = Pipeline(database, catalogue=CATALOGUE, clock=lambda: NOW, house=ON)
    numbers = iter(range(1000))

    async def ask(said: str, by: str = "root", where: str = "") -> Reply:
        number = next(numbers)
        return (await pipeline.answer(Message(f"m{number}", by, where or f"c{number}", said, NOW)))[0]

    return ask


def fields(reply: Reply) -> dict[str, str]:
    return dict(next(part for part in reply.parts if isinstance(part, Fields)).pairs)


async def test_restore_points(say: Say) -> None:
    reply = await say("restore points of db-02")
    assert heading(reply) == (
        "db-02 has 1 restore point, 1 complete; the newest is of 2026-11-21 02:01 UTC, 31 hours ago"
    ) or heading(reply).startswith("db-02 has 1 restore point, 1 complete; the newest is of 2026-11-21 02:01 UTC")
    assert table(reply).rows[0][1:3] == ("snapshots", "complete (3 of 3 volumes)")
    opened = await say(table(reply).opens[0])
    assert opened.intent == "restore_plan" and "2026-11-21 02:01 UTC" in fields(opened)["from"]


async def test_a_dry_run_shows_everything_and_offers_to_ask(say: Say) -> None:
    reply = await say("plan a restore of db-02 from 2026-11-21")
    assert heading(reply) == "Restore db-02 side by side as db-02-restored-20261122: a dry run, nothing is changed"
    assert fields(reply)["undo"].startswith("everything made is removed")
    assert "41 free" not in shown(reply) and "10.20.0.0/24 has" in shown(reply)
    assert said_by(reply)[0] == "restore vm db-02 #one/vm-db from 2026-11-21 02:01 side by side"
    assert reply.outcome == "answered"


async def test_asking_for_a_restore_shows_its_plan(say: Say) -> None:
    reply = await say("restore db-02 from yesterday", "tom")
    assert reply.intent == "restore" and "Restore db-02 side by side" in heading(reply)


@pytest.mark.parametrize(("by", "outcome"), [("vic", "not_allowed"), ("gus", "not_found")])
async def test_who_may_not_is_told_so(say: Say, by: str, outcome: str) -> None:
    reply = await say("restore db-02 from yesterday", by)
    assert reply.outcome == outcome or (by == "gus" and reply.outcome in ("not_found", "not_allowed"))
    assert "10.20.0.22" not in shown(reply)


async def test_a_replace_needs_the_name_typed(say: Say) -> None:
    await say("show db-02", where="here")
    reply = await say("restore it in place", where="here")
    if reply.intent == "restore":
        assert "type its name: restore db-02 in place" in shown(reply) and reply.outcome == "incomplete"
    typed = await say("restore db-02 in place keeping its ip")
    assert "Replace db-02 by its state of" in heading(typed) and "type its name" not in shown(typed)


async def test_a_time_without_a_point(say: Say) -> None:
    reply = await say("plan a restore of db-02 from last week")
    assert reply.outcome == "failed" and "no restore point in that time" in heading(reply)


async def test_a_deleted_vm(say: Say, database: Database) -> None:
    cloud = small_place()
    del cloud.state.servers["vm-db"]
    for port_id in ("p-db", "p-mgmt"):
        del cloud.state.ports[port_id]
    cloud.state.floating.clear()
    await store(database, cloud, 0.0001)
    reply = await say("restore points of db-02")
    assert "db-02, which is deleted, has 1 restore point" in heading(reply), shown(reply)


async def _ran(database: Database, state: str = "done") -> int:
    plan: Plan = await planned(database, Wish())
    async with database.begin() as conn:
        values = {
            "token": f"t-{state}", "kind": plan.kind, "plan": to_json(plan), "digest": plan.digest, "asker": "tom",
            "mode": "approve", "state": state, "created_at": NOW, "approve_by": NOW, "run_within_s": 1,
        }  # fmt: skip
        asked = (await conn.execute(insert(request).values(**values).returning(request.c.id))).scalar_one()
        await conn.execute(insert(request_vote).values(request_id=asked, person="root", verdict="approve", at=NOW))
        running = state == "running"
        values = {
            "request_id": asked, "kind": plan.kind, "plan": to_json(plan), "source": "one", "project_id": "pa",
            "asked_by": "tom", "state": state, "created_at": NOW, "started_at": NOW,
            "ended_at": None if running else NOW + timedelta(seconds=340),
            "progress": {"step": 2, "steps": 11, "name": "make volume"} if running else {},
            "outcome": {"words": "All 11 steps are done."} if state == "done" else {
                "left": [{"what": "port p9 could not be deleted", "fix": "openstack port delete p9"}]
            },
            "error": "" if state == "done" else "=cmd|the cloud could not start it",
        }  # fmt: skip
        id_ = int((await conn.execute(insert(job).values(**values).returning(job.c.id))).scalar_one())
        for number, step in enumerate(plan.steps, 1):
            await conn.execute(
                insert(job_step).values(
                    job_id=id_, number=number, name=step.name, state="done", began_at=NOW,
                    ended_at=NOW + timedelta(seconds=number), result={}, error="",
                )
            )  # fmt: skip
    return id_


async def test_status_history_and_record(say: Say, database: Database) -> None:
    id_ = await _ran(database)
    reply = await say(f"restore status of JOB-{id_}", "vic")
    assert heading(reply).endswith("done in 5 min 40 s") and fields(reply)["approved by"] == "root"
    files = {part.name: part for part in reply.parts if isinstance(part, File)}
    assert set(files) == {f"restore-JOB-{id_}.pdf", f"restore-JOB-{id_}.csv"}
    past = await say("restores this month", "vic")
    assert heading(past) == "1 restore, 1 of the 1 shown done" and table(past).rows[0][3] == "root"
    assert (await say(f"restore status of JOB-{id_}", "gus")).outcome == "not_found"
    assert "No restore is on record" in heading(await say("restores this month", "gus"))
    again = await say("plan a restore of db-02")
    assert "about 6 min (last 1: 6)" in fields(again)["takes"]


async def test_one_that_runs_is_followed(say: Say, database: Database) -> None:
    id_ = await _ran(database, "running")
    reply = await say("how is the restore of db-02 going")
    assert reply.follows == (f"job/{id_}",) and not [part for part in reply.parts if isinstance(part, File)]
    assert (await say("restore status")).follows == (f"job/{id_}",)


async def test_what_was_left_is_told_with_its_command(say: Say, database: Database) -> None:
    id_ = await _ran(database, "failed")
    reply = await say(f"restore status of JOB-{id_}")
    assert "openstack port delete p9" in shown(reply)


async def test_no_number_and_hostile_numbers(say: Say) -> None:
    for said in ("restore status of JOB-999999", "restore status of JOB-99999999999999999999999"):
        assert (await say(said)).outcome == "not_found"
    assert heading(await say("restore status")) == "No restore is running."


async def test_the_csv_holds_no_formula(say: Say, database: Database) -> None:
    id_ = await _ran(database, "failed")
    reply = await say(f"restore status of JOB-{id_}")
    (told,) = [part for part in reply.parts if isinstance(part, File) and part.mime == "text/csv"]
    content = told.content or b""
    if content:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        assert not any(cell[:1] in "=+-@" for row in rows for cell in row if cell)
