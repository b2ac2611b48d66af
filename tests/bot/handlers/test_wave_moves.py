"""A wave from its plan to its end: asked in words, decided, run by the saga runner, told on its card; and refused."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.followed import told_of
from bot.replies import Reply
from bot.settings import Settings
from bot.workshop import build_workshop
from engines.changes.rules import Rule
from engines.changes.sagas import run_job
from storage import change_rules, freezes, requests
from storage import migration_waves as waves
from storage.database import Database
from storage.people import Grant, add_person, grant
from tests.bot.exports import disk, export, vm
from tests.bot.handlers.test_migrations import NOW, Office, office_of
from tests.bot.world import said_by, shown
from tests.engines.changes.bed import NoClouds, Still

BLOCKERS = ("target project set", "network mapped", "no critical gaps", "quota sufficient", "agent reachable")


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    """A plan of ten VMs: a pilot of five, and a second wave."""
    found = await office_of(database)
    async with database.begin() as conn:
        await add_person(conn, "dora", "Dora")
        await grant(conn, "dora", Grant("technical"), "test")
    rows = [vm(f"fin-{number:02}", number) for number in range(1, 11)]
    await found.drop(export(rows=rows, disks=[disk(f"fin-{n:02}", n) for n in range(1, 11)]))
    await found.say("plan waves for dc1, pilot first")
    yield found


async def ready(office: Office, *numbers: int) -> None:
    for number in numbers:
        for item in BLOCKERS:
            reply = await office.say(f"tick {item} for wave {number}")
            assert reply.outcome == "answered", shown(reply)


async def decided(office: Office, asked: Reply, by: str = "pia", verb: str = "confirm") -> Reply:
    button = next(said for said in said_by(asked) if said.startswith(f"{verb} #request/"))
    return await office.say(button, by)


async def run(office: Office, number: int = 0) -> str:
    """What a worker does: the job of a request, else of the newest one, to its end; the state of it."""
    shop = build_workshop(office.database, Settings(), NoClouds())  # type: ignore[arg-type]
    async with office.database.connect() as conn:
        found = await requests.find(conn, number or await _newest(conn))
    assert found is not None and found.job_id is not None, found
    await run_job(shop, found.job_id, f"job:{found.job_id}", Still())  # type: ignore[arg-type]
    async with office.database.connect() as conn:
        ended = await requests.find(conn, found.id)
    assert ended is not None
    return ended.state


async def _newest(conn: Any) -> int:
    return int((await conn.execute(text("SELECT max(id) FROM request"))).scalar_one())


async def count(office: Office, what: str) -> int:
    async with office.database.connect() as conn:
        return int((await conn.execute(text(f"SELECT count(*) FROM {what}"))).scalar_one())


async def moved(office: Office, said: str, by: str = "pia") -> str:
    """Asked, confirmed, run."""
    asked = await office.say(said, by)
    assert asked.follows, shown(asked)
    await decided(office, asked, by)
    return await run(office)


async def states(office: Office) -> list[str]:
    async with office.database.connect() as conn:
        return [one.state for one in await waves.waves(conn, 1)]


async def test_a_wave_goes_its_whole_way(office: Office) -> None:
    await ready(office, 1, 2)
    asked = await office.say("confirm wave 1")
    assert "Confirm Pilot of dc1" in shown(asked) and "no VM is touched" in shown(asked), shown(asked)
    assert await states(office) == ["planned", "planned"], "asking changes nothing"
    await decided(office, asked)
    assert await run(office) == "done" and await states(office) == ["confirmed", "planned"]
    async with office.database.connect() as conn:
        told = await told_of(conn, asked.follows, late=False)
    assert told.ended and told.well and told.reply is not None and "done" in shown(told.reply), told
    assert await moved(office, "start wave 1") == "done"
    for number in (1, 2, 3):
        name = sorted(await members(office, 1))[number]
        said = {1: "copying", 2: "cut over", 3: "failed"}[number]
        assert (await office.say(f"mark {name} as {said}")).outcome == "answered"
    one = shown(await office.say("show wave 1"))
    assert "5: 2 pending, 1 copying, 1 cut over, 1 failed" in one, one
    stuck = await office.say("complete wave 1")
    assert stuck.outcome == "failed" and "1 VM of Pilot is being copied" in shown(stuck), shown(stuck)
    await office.say(f"mark {sorted(await members(office, 1))[1]} as cut over")
    asked = await office.say("complete wave 1")
    assert "2 VMs, of which nobody told anything, counted as cut over" in shown(asked), shown(asked)
    assert "1 VM failed: in a wave again" in shown(asked), shown(asked)
    await decided(office, asked)
    assert await run(office) == "done" and await states(office) == ["complete", "planned"]
    assert "4 cut over, 1 failed" in shown(await office.say("show wave 1"))


async def test_the_buttons_of_a_wave_say_what_moves_it_on(database: Database) -> None:
    """Also where the project's name is an ordinary word."""
    office = await office_of(database)
    await office.drop(said="keep it as workshop")
    await office.say("plan waves for workshop")
    await ready(office, 1)
    button = next(said for said in said_by(await office.say("show wave 1")) if said.startswith("confirm"))
    asked = await office.say(button)
    assert asked.follows and "Confirm Pilot of workshop" in shown(asked), (button, shown(asked))


async def members(office: Office, wave: int) -> list[str]:
    async with office.database.connect() as conn:
        return [f"fin-{int(key[1][3:]):02}" for key in await waves.vm_states(conn, 1, wave)]


async def test_it_is_refused_out_of_order_with_open_items_and_twice(office: Office) -> None:
    early = await office.say("confirm wave 1")
    assert early.outcome == "failed" and "has a confirmed project" in shown(early), shown(early)
    assert await count(office, "request") == 0
    await ready(office, 1, 2)
    assert "it cannot start" in shown(await office.say("start wave 1"))
    assert "it cannot complete" in shown(await office.say("complete wave 1"))
    assert await moved(office, "confirm wave 2") == "done"
    behind = await office.say("start wave 2")
    assert behind.outcome == "failed" and "Wave 2 comes after Pilot (planned)" in shown(behind), shown(behind)
    again = await office.say("confirm wave 2")
    assert "is confirmed already by pia" in shown(again) and not again.follows
    assert await states(office) == ["planned", "confirmed"]


async def test_of_two_requests_for_one_move_the_second_changes_nothing(office: Office) -> None:
    await ready(office, 1)
    first, second = await office.say("confirm wave 1"), await office.say("confirm wave 1")
    for number, asked in enumerate((first, second), 1):
        await decided(office, asked)
        assert await run(office, number) == "done"
    assert await states(office) == ["confirmed", "planned"]
    twice = await decided(office, first)
    assert await count(office, "job") == 2, shown(twice)


async def test_an_item_that_opens_between_the_decision_and_the_run_stops_it(office: Office) -> None:
    await ready(office, 1)
    asked = await office.say("confirm wave 1")
    await decided(office, asked)
    assert (await office.say("network mapped is not done for wave 1")).outcome == "answered"
    assert await run(office) == "failed" and await states(office) == ["planned", "planned"]
    async with office.database.connect() as conn:
        told = await told_of(conn, asked.follows, late=False)
    assert told.reply is not None and "all networks are mapped" in shown(told.reply), told


async def test_nothing_moves_on_frozen_days(office: Office) -> None:
    await ready(office, 1)
    asked = await office.say("confirm wave 1")
    async with office.database.begin() as conn:
        await freezes.add(conn, source=None, project_id=None, since=NOW - timedelta(hours=1),
                            until=NOW + timedelta(days=9999), words="year's end", by="root")  # fmt: skip
    refused = await office.say("confirm wave 1")
    assert refused.outcome == "failed" and "frozen" in shown(refused) and "year's end" in shown(refused)
    late = await decided(office, asked)
    assert "frozen" in shown(late) and await count(office, "job") == 0, shown(late)
    assert await states(office) == ["planned", "planned"]


async def test_where_the_rules_say_so_another_person_approves(office: Office) -> None:
    async with office.database.begin() as conn:
        rule = Rule(kinds=("wave_advance",), mode="approve", approver_role="technical")
        await change_rules.replace(conn, [rule.to_json()], "root")
    await ready(office, 1)
    asked = await office.say("confirm wave 1")
    assert "waits for approval" in shown(asked), shown(asked)
    async with office.database.connect() as conn:
        request = await requests.find(conn, await _newest(conn))
    assert request is not None
    own = await office.say(f"approve {request.name}")
    assert own.outcome == "not_allowed" and await count(office, "job") == 0, shown(own)
    for stranger in ("olaf", "vic"):
        assert (await office.say(f"approve {request.name}", stranger)).outcome != "answered"
    assert await states(office) == ["planned", "planned"]
    approved = await office.say(f"approve {request.name}", "dora")
    assert "Approved by Dora" in shown(approved), shown(approved)
    assert await run(office) == "done" and await states(office) == ["confirmed", "planned"]
