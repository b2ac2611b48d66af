"""What people decide about VMs of a migration by words: kept, shown, taken back, and told to the waves."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.replies import Reply
from storage import migration_decisions as decisions
from storage import migration_waves as waves
from storage.database import Database
from tests.bot.exports import DC1, MADE, disk, export, vm
from tests.bot.handlers.test_migrations import Office, office_of
from tests.bot.world import column, said_by, shown, table

WEB, ERP, BOX = ("vc1", "vm-1"), ("vc1", "vm-2"), ("vc1", "vm-3")


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    found = await office_of(database)
    await found.drop()
    yield found


async def places(office: Office) -> dict[tuple[str, str], int | None]:
    async with office.database.connect() as conn:
        return await waves.places(conn, 1)


async def set_wave(office: Office, number: int, state: str) -> None:
    async with office.database.begin() as conn:
        await conn.execute(text("UPDATE migration_wave SET state = :s WHERE number = :n"), {"s": state, "n": number})


def undo_of(reply: Reply) -> str:
    return next(
        said
        for said in said_by(reply)
        if "summary" not in said and "show wave" not in said and "plan waves" not in said
    )


@pytest.mark.parametrize(
    ("said", "told", "before", "after"),
    [
        ("migrate fin-web-01 cold", "fin-web-01 moves cold, by hand", "warm", "cold"),
        ("migrate fin-erp-db warm", "fin-erp-db moves warm, by hand", "cold", "warm"),
        ("exclude fin-web-01 from dc1", "fin-web-01 is out of the plan, by hand", "yes", "no: left out by hand"),
        ("include fin-template in the dc1 plan", "fin-template is in the plan, by hand", "no: left out by hand", "yes"),
    ],
)
async def test_a_decision_changes_the_vm_and_is_taken_back(
    office: Office, said: str, told: str, before: str, after: str
) -> None:
    reply = await office.say(said)
    assert reply.outcome == "answered" and told in shown(reply), shown(reply)
    assert after in table(reply).rows[0], table(reply).rows
    undone = await office.say(undo_of(reply))
    assert undone.outcome == "answered" and before in table(undone).rows[0], shown(undone)


async def test_holding_ranking_and_back(office: Office) -> None:
    await office.say("plan waves for dc1, pilot first")
    held = await office.say("put fin-erp-db on hold because the owner is away")
    assert "fin-erp-db is on hold" in shown(held) and "out of date" in shown(held), shown(held)
    async with office.database.connect() as conn:
        assert (await decisions.overrides(conn, 1))[ERP]["reason"] == "the owner is away"
    built = await office.say("plan waves for dc1")
    assert "1 VM in scope is in no wave" in shown(built) and ("fin-erp-db", "no wave") in {
        (row[0], row[2]) for part in built.parts if hasattr(part, "rows") for row in part.rows
    }, shown(built)
    assert "on hold, by hand" in shown(await office.say("why is fin-erp-db red"))
    back = await office.say(undo_of(held))
    assert "fin-erp-db is open again" in shown(back)
    first = await office.say("set the migration priority of lab-old-01 to 1")
    assert "comes with priority 1" in shown(first), shown(first)
    await office.say("build risk tiered waves for dc1")
    assert "priority 1" in shown(await office.say("why is lab-old-01 yellow"))
    none = await office.say(undo_of(first))
    assert "comes without a priority" in shown(none), shown(none)


async def test_several_vms_and_a_whole_tenant_at_once(office: Office) -> None:
    both = await office.say("exclude fin-web-01 and lab-box-01 from dc1")
    assert "fin-web-01 and lab-box-01 are out of the plan, by hand" in shown(both), shown(both)
    assert "dc1: 2 VMs" in shown(await office.say("summary of the dc1 migration"))
    assert "are in the plan" in shown(await office.say(undo_of(both)))
    cold = await office.say("migrate tenant Lab cold")
    assert sorted(column(table(cold), "vm")) == ["lab-box-01", "lab-old-01"], shown(cold)
    assert set(column(table(cold), "mode")) == {"cold"}
    missing = await office.say("exclude fin-web-01 and no-such-vm from dc1")
    assert missing.outcome != "answered" or "no-such-vm" not in shown(missing)


@pytest.mark.parametrize(
    "said",
    ["should we migrate fin-web-01 cold?", "we put fin-web-01 on hold", "fin-web-01 was excluded from dc1",
     "don't exclude fin-web-01 from dc1", "fin-web-01 is cut over", "give fin-web-01 priority 100000",
     "if the owner agrees exclude fin-web-01 from dc1", "bob wrote: migrate fin-web-01 cold"],
)  # fmt: skip
async def test_talk_and_nonsense_decide_nothing(office: Office, said: str) -> None:
    await office.say(said)
    async with office.database.connect() as conn:
        assert await decisions.overrides(conn, 1) == {}


async def test_nobody_else_decides(office: Office) -> None:
    for by in ("olaf", "vic"):
        reply = await office.say("exclude fin-web-01 from dc1", by)
        assert reply.outcome != "answered" and "VLAN" not in shown(reply), shown(reply)
    async with office.database.connect() as conn:
        assert await decisions.overrides(conn, 1) == {}


async def test_decisions_are_kept_over_a_newer_export_which_makes_the_waves_stale(office: Office) -> None:
    await office.say("migrate fin-web-01 cold")
    await office.say("put lab-box-01 on hold")
    await office.say("plan waves for dc1")
    rows = [vm("fin-web-renamed", 1), *DC1[1:3], DC1[4], vm("fin-new-01", 9)]
    reply = await office.drop(export(rows=rows, made=MADE + timedelta(days=7)))
    assert "out of date" in shown(reply) and "a newer export: 1 came, 1 went, 1 changed" in shown(reply), shown(reply)
    why = shown(await office.say("explain the risk of fin-web-renamed in dc1"))
    assert "cold: chosen by hand" in why, why
    stale = await office.say("confirm wave 1")
    assert stale.outcome == "failed" and "has changed since it was built" in shown(stale)
    built = await office.say(next(said for said in said_by(stale) if said.startswith("plan waves")))
    assert "out of date" not in shown(built) and "fin-new-01" in shown(built), shown(built)
    same = await office.drop(export(rows=rows, made=MADE + timedelta(days=8)))
    assert "Nothing has changed" in shown(same) and "out of date" not in shown(same), shown(same)


async def test_a_change_takes_a_confirmation_back_and_none_comes_to_a_wave_that_runs(office: Office) -> None:
    await office.say("plan waves for dc1, pilot first")
    wave = (await places(office))[WEB]
    assert wave is not None
    await set_wave(office, wave, "confirmed")
    reply = await office.say("migrate fin-web-01 cold")
    assert "was confirmed, and is planned again" in shown(reply), shown(reply)
    await set_wave(office, wave, "running")
    for said in ("migrate fin-web-01 warm", "exclude fin-web-01 from dc1"):
        refused = await office.say(said)
        assert refused.outcome == "failed" and "which is running" in shown(refused), shown(refused)
    assert "Pilot is running" in shown(await office.say("plan waves for dc1"))


async def test_what_goes_on_stays_when_the_rest_is_built_anew(office: Office) -> None:
    rows = [vm(f"fin-{number:02}", number) for number in range(1, 21)]
    await office.drop(export(rows=rows, disks=[disk(f"fin-{n:02}", n) for n in range(1, 21)], made=MADE + timedelta(1)))
    await office.say("plan waves for dc1, pilot first")
    pilot = {key for key, wave in (await places(office)).items() if wave == 1}
    assert len(pilot) == 5
    names = {key: f"fin-{int(key[1][3:]):02}" for key in pilot}
    await set_wave(office, 1, "running")
    failed, copied, *_ = sorted(pilot)
    assert "cut over" in shown(await office.say(f"mark {names[copied]} as cut over"))
    assert "failed" in shown(await office.say(f"mark {names[failed]} as failed in wave 1"))
    again = await office.say(f"mark {names[copied]} as copying")
    assert again.outcome == "failed" and "is cut over: it cannot become copying" in shown(again), shown(again)
    async with office.database.begin() as conn:
        await waves.set_vm_states(conn, 1, 1, "pending", "cut_over", "pia", MADE)
    await set_wave(office, 1, "complete")
    assert "complete, 4 of 5 cut over, 1 failed" in shown(await office.say("all waves of dc1"))
    built = await office.say("plan waves for dc1")
    now = await places(office)
    assert set(now) == {("vc1", f"vm-{n}") for n in range(1, 21)} and now[failed] == 2, shown(built)
    assert {key for key, wave in now.items() if wave == 1} == pilot - {failed}
    assert "complete" in shown(built) and names[failed] in shown(built)
    async with office.database.connect() as conn:
        assert (await waves.vm_states(conn, 1, 1))[copied] == "cut_over"
    rest = shown(await office.say("how long will the dc1 migration take"))
    assert "16 VMs" in rest, rest


async def test_what_is_ticked_stays_with_a_wave_of_the_same_vms(office: Office) -> None:
    await office.say("plan waves for dc1, pilot first")
    await office.say("tick owners told for wave 1")
    await office.say("plan waves for dc1")
    assert "pia" in shown(await office.say("show wave 1"))
    await office.say("exclude fin-web-01 from dc1")
    await office.say("plan waves for dc1")
    assert "pia" not in [part for part in shown(await office.say("show wave 1")).split() if part == "pia"]


async def test_a_dependency_is_taken_back(office: Office) -> None:
    made = await office.say("fin-web-01 depends on fin-erp-db")
    undo = next(said for said in said_by(made) if "longer" in said)
    gone = await office.say("remove the dependency of fin-web-01 on fin-erp-db")
    assert "no longer waits" in shown(gone), shown(gone)
    assert "nothing was changed" in shown(await office.say("remove the dependency of fin-web-01 on fin-erp-db"))
    assert "no longer depends" in undo


async def test_agents_that_a_day_takes(office: Office) -> None:
    reply = await office.say("how many agents do we need to finish dc1 by march 1")
    assert reply.outcome == "answered" and "1 agent is needed to be over by 2027-03-01" in shown(reply), shown(reply)
    never = await office.say("how many agents do we need to finish dc1 by november 25")
    assert "No number of agents up to 64" in shown(never) and column(table(never), "meets") == ["no"], shown(never)
