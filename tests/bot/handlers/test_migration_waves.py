"""Cohorts, waves and the target of a migration, in conversation."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from bot.replies import Reply
from engines.actions import Doing, StepError
from engines.migration import actions
from engines.plans import Plan, Step
from storage.database import Database
from tests.bot.exports import DC1, MADE, export, vm
from tests.bot.handlers.test_migrations import Office, office_of
from tests.bot.world import build, column, said_by, shown, table


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    yield await office_of(database)


async def test_cohorts_and_waves_are_built_and_shown(office: Office) -> None:
    await office.drop()
    none = await office.say("all waves of dc1")
    assert "No waves were built" in shown(none)
    cohorts = await office.say("build 2 cohorts easiest first for dc1")
    assert cohorts.outcome == "answered" and "dc1 in 2 cohorts, easiest first" in shown(cohorts), shown(cohorts)
    assert sum(column(table(cohorts), "vms")) == 4
    waves = await office.say("plan waves for dc1, pilot first")
    assert sum(column(table(waves), "vms")) == 4 and "pilot first" in shown(waves), shown(waves)
    one = await office.say("show wave 2")
    assert one.outcome == "answered" and "is planned" in shown(one), shown(one)
    pilot = await office.say("which vms go in the pilot wave")
    assert pilot.outcome == "answered" and "Pilot of dc1" in shown(pilot), shown(pilot)
    for said in said_by(waves):
        again = await office.say(said)
        assert again.outcome == "answered", (said, shown(again))
    assert "ends" in shown(await office.say("summary of the dc1 migration"))


async def test_a_dependency_is_kept_to_by_the_waves(office: Office) -> None:
    await office.drop()
    await office.say("lab-box-01 depends on fin-erp-db")
    reply = await office.say("build dependency ordered waves for dc1")
    assert reply.outcome == "answered", shown(reply)
    async with office.database.connect() as conn:
        rows = await conn.execute(text("SELECT vm_key, wave FROM migration_place"))
        wave = {str(row[0]): int(row[1]) for row in rows}
    assert wave["vm-2"] < wave["vm-3"] and len(wave) == 4


async def test_waves_with_so_many_vms_a_day(office: Office) -> None:
    rows = [vm(f"fin-{number:03}", number) for number in range(1, 41)]
    await office.drop(export(rows=rows, disks=[]))
    reply = await office.say("build risk tiered waves for dc1 with 10 vms a day")
    assert reply.slots["vms_per_day"] == 10 and max(column(table(reply), "vms")) <= 10, shown(reply)
    assert sum(column(table(reply), "vms")) == 40


async def test_items_are_ticked_and_a_wave_waits_for_its_blockers(office: Office) -> None:
    await office.drop()
    await office.say("plan waves for dc1, pilot first")
    refused = await office.say("confirm wave 1")
    assert "cannot confirm" in shown(refused) and "confirmed project" in shown(refused), shown(refused)
    for item in ("target project set", "network mapped", '"no critical gaps"', "quota sufficient", "agent reachable"):
        ticked = await office.say(f"tick {item} for wave 1")
        assert ticked.outcome == "answered" and "ticked" in shown(ticked), shown(ticked)
    asked = await office.say("confirm wave 1")
    assert asked.follows and "Confirm Pilot of dc1" in shown(asked), shown(asked)
    off = await office.say("untick agent reachable for wave 1")
    assert "open again" in shown(off), shown(off)


async def test_the_step_moves_a_wave_on_once(office: Office) -> None:
    await office.drop()
    await office.say("plan waves for dc1, pilot first")
    for item in ("target project set", "network mapped", '"no critical gaps"'):
        await office.say(f"tick {item} for wave 1")
    step = Step("move", actions.ACTION, "", {"migration": 1, "wave": 1, "move": "confirm", "by": "pia"})
    doing = Doing(1, Plan("wave_advance", "", (), (step,)), step, "JOB-1-1", office.database, None)  # type: ignore[arg-type]
    mover = actions.MoveWave()
    moved = await mover.act(doing)
    assert (moved["state"], moved["was"]) == ("confirmed", "planned")
    assert (await mover.act(doing))["was"] == "confirmed"
    assert "is confirmed already by pia" in shown(await office.say("confirm wave 1"))
    await mover.undo(doing, moved)
    assert "is planned" in shown(await office.say("show wave 1"))
    gone = Step("move", actions.ACTION, "", {"migration": 1, "wave": 99, "move": "confirm", "by": "pia"})
    with pytest.raises(StepError, match="no longer there"):
        await mover.act(Doing(1, doing.plan, gone, "JOB-1-2", office.database, doing.acting))


async def test_a_wave_is_set_aside_and_comes_back(office: Office) -> None:
    """Each by a change that is confirmed; what waits for it is told before, and the schedule is without its VMs."""
    await office.drop()
    await office.say("lab-box-01 depends on fin-web-01")
    await office.say("build waves for dc1 with 1 vms a day")
    waves = {row[0]: row for row in table(await office.say("all waves of dc1")).rows}
    first, behind = next((row[9][0], number) for number, row in waves.items() if row[9])
    asked = await office.say(f"put wave {first} on hold")
    assert asked.follows and f"cannot start before it: {waves[behind][1]}" in shown(asked), shown(asked)
    assert "4 VMs" in shown(await office.say("how long will the dc1 migration take"))
    asides = (("put wave {} on hold", "hold", "held", 3), ("cancel wave {}", "cancel", "cancelled", 3),
              ("reopen wave {}", "reopen", "planned", 4))  # fmt: skip
    for said, move, state, vms in asides:
        asked = await office.say(said.format(first))
        assert asked.intent == "wave_advance" and asked.slots["to"] == move and asked.follows, shown(asked)
        await _moved(office, int(first), move)
        again = await office.say(said.format(first))
        assert f"is {state} already" in shown(again), shown(again)
        assert f"{vms} VMs; from" in shown(await office.say("how long will the dc1 migration take"))
    assert "cannot fail" in shown(await office.say(f"mark wave {first} as failed"))
    await _moved(office, int(first), "hold")
    card = await office.say(f"show wave {first}")
    assert {"reopen", "cancel"} <= {said.split()[0] for said in said_by(card)} and "is held" in shown(card)
    await office.say("build waves for dc1 with 1 vms a day")
    kept = {row[0]: row[3] for row in table(await office.say("all waves of dc1")).rows}
    assert kept[int(first)] == "held" and len(kept) == 4, kept


async def _moved(office: Office, wave: int, move: str) -> None:
    step = Step("move", actions.ACTION, "", {"migration": 1, "wave": wave, "move": move, "by": "pia"})
    doing = Doing(1, Plan("wave_advance", "", (), (step,)), step, "JOB-1-1", office.database, None)  # type: ignore[arg-type]
    await actions.MoveWave().act(doing)


async def test_an_order_that_cannot_be_is_refused_when_it_is_built(office: Office) -> None:
    await office.drop()
    for wrong in ("build waves for dc1 with 100000 vms a day",):
        assert (await office.say(wrong)).outcome in ("incomplete", "answered")
    assert (await office.say("show wave 77 of dc1")).outcome in ("not_found", "incomplete", "answered")


async def test_readiness_and_sizing_against_the_live_inventory(database: Database) -> None:
    await build(database)
    office = await office_of(database, known=True)
    await office.drop(export(rows=[*DC1], made=MADE), by="root")
    ready: Reply = await office.say("readiness of the dc1 migration", "root")
    text_ = shown(ready)
    assert "tenants are ready" in text_ and "Gaps" in text_ and "mapping" in text_, text_
    one = await office.say("is tenant Finance ready to migrate", "root")
    assert "Tenant Finance is not ready" in shown(one), shown(one)
    sizing = await office.say("node sizing for dc1 with conservative overcommit", "root")
    assert sizing.outcome == "answered" and "hosts" in shown(sizing), shown(sizing)


async def test_nobody_else_sees_or_moves_waves(office: Office) -> None:
    await office.drop()
    await office.say("plan waves for dc1, pilot first")
    for said in ("show wave 1", "confirm wave 1", "tick network mapped for wave 1", "build 4 cohorts easiest first",
                 "readiness of the dc1 migration", "node sizing for dc1"):  # fmt: skip
        reply = await office.say(said, "olaf")
        assert reply.outcome != "answered" and "Pilot" not in shown(reply), (said, shown(reply))
