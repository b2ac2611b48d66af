"""Which restores begin: so many of a cloud, one of a VM, none where an admin switched them off meanwhile; and what they
used."""

import csv
import io
import json
from dataclasses import replace
from functools import partial

from sqlalchemy import text

from bot.commands.restores import metered
from engines.changes.sagas import Workshop, run_job
from engines.changes.steps import Patience
from engines.plans import Plan
from engines.restore.actions import actions_of
from engines.restore.metering import Metered, as_csv, as_rows
from engines.restore.switches import shut
from engines.restore.wishes import House, Wish
from storage import claims, jobs, restores
from storage.claims import Limits
from storage.database import Database
from storage.scopes import EVERYTHING
from tests.engines.changes.bed import Still, add_job
from tests.engines.changes.bed import plan as other_plan
from tests.engines.restore.places import planned, small_place, store
from tests.engines.restore.runs import QUICK
from tests.engines.restore.small_cloud import SmallCloud


async def plan(database: Database, wish: Wish | None = None) -> Plan:
    await store(database, small_place())
    return await planned(database, wish or Wish())


def elsewhere(one: Plan, name: str) -> Plan:
    """The same of another VM."""
    return replace(one, targets=(replace(one.targets[0], external_id=name),))


async def begins(database: Database, job_id: int, limits: Limits | None = None) -> bool:
    async with database.begin() as conn:
        held = await claims.claim(conn, job_id, f"job:{job_id}", limits or Limits())
    return held is not None and held.verdict == "begin"


async def note(database: Database, job_id: int) -> str:
    async with database.connect() as conn:
        (state,) = await jobs.states(conn, [job_id])
    return str(state.progress.get("note", ""))


async def ends(database: Database, job_id: int) -> None:
    async with database.begin() as conn:
        runner = (await conn.execute(text("SELECT runner FROM job WHERE id = :id"), {"id": job_id})).scalar_one()
        await claims.end(conn, job_id, runner, "done", {}, "", "")


async def woken(database: Database, job_id: int) -> bool:
    async with database.connect() as conn:
        query = text("SELECT count(*) FROM dbos.workflow_status WHERE workflow_uuid LIKE :id")
        return bool((await conn.execute(query, {"id": f"job:{job_id}:after:%"})).scalar_one())


async def test_so_many_restores_of_a_cloud_and_the_next_is_woken(database: Database) -> None:
    one = await plan(database)
    first, second, third = [await add_job(database, elsewhere(one, name)) for name in "abc"]
    snapshot = await add_job(database, replace(other_plan(), targets=(replace(one.targets[0], external_id="d"),)))
    limits = Limits(restores=1)
    assert [await begins(database, id_, limits) for id_ in (first, second, third)] == [True, False, False]
    assert await note(database, second) == "as many restores run there as may (1)"
    assert await begins(database, snapshot, limits), "other changes are not held up by restores"
    await ends(database, first)
    assert (await woken(database, second), await woken(database, third)) == (True, False)
    assert await begins(database, second, limits) and not await begins(database, third, limits)


async def test_one_restore_of_a_vm_at_a_time(database: Database) -> None:
    side, instead = await plan(database), await plan(database, Wish(mode="replace"))
    first, second = await add_job(database, side), await add_job(database, instead)
    assert await begins(database, first) and not await begins(database, second)
    assert "another change of the same object goes first" in await note(database, second)
    await ends(database, first)
    assert await begins(database, second)


def shop(database: Database, cloud: SmallCloud, house: House) -> Workshop:
    does = {one.name: one for one in actions_of(QUICK)}
    return Workshop(database, does, cloud, patience=Patience(5, 0.0), tell_every_s=0.0, gate=partial(shut, house))


async def test_switched_off_meanwhile_it_ends_before_the_first_act(database: Database) -> None:
    one, cloud = await plan(database), small_place()
    id_ = await add_job(database, one)
    await run_job(shop(database, cloud, House(frozenset({"two"}))), id_, "w1", Still())
    async with database.connect() as conn:
        (state,) = await jobs.states(conn, [id_])
        assert await jobs.steps(conn, id_) == []
    assert state.state == "failed" and "switched off for one" in state.error and "RESTORE_EXECUTE=one" in state.fix
    assert state.outcome["words"] == "Nothing was changed." and cloud.calls == []


async def test_one_that_began_goes_on_to_its_end(database: Database) -> None:
    """Half a restore helps nobody: it is finished, or cancelled by a person."""
    one, cloud = await plan(database), small_place()
    id_ = await add_job(database, one)
    async with database.begin() as conn:
        held = await claims.claim(conn, id_, "w1", Limits())
        assert held is not None
        await claims.begin_step(conn, id_, held.runner, 1, one.steps[0].name)
    await run_job(shop(database, cloud, House()), id_, "w1", Still())
    async with database.connect() as conn:
        (state,) = await jobs.states(conn, [id_])
    assert state.state == "done", state.error
    counts = {"VM": 1, "volumes": 3, "ports": 2, "GiB of volumes": 440}
    assert state.outcome["counts"] == counts, "each thing once"
    assert "db-02-restored" in state.outcome["said"] and "runs with 10.20.0." in state.outcome["said"]


async def test_other_changes_do_not_ask_for_that_switch() -> None:
    assert shut(House(), other_plan()) is None


async def rows(database: Database) -> list[Metered]:
    async with database.connect() as conn:
        return await metered(conn, restores.Window())


async def test_what_restores_used_is_told_one_row_each(database: Database) -> None:
    done = await add_job(database, await plan(database))
    await run_job(shop(database, small_place(), House(frozenset({"*"}))), done, "w1", Still())
    broken = small_place()
    broken.broken_servers = True
    undone = await add_job(database, await plan(database))
    await run_job(shop(database, broken, House(frozenset({"*"}))), undone, "w2", Still())
    waits = await add_job(database, await plan(database, Wish(new_name="=cmd()")))
    third, second, first = await rows(database)
    assert [one.restore for one in (first, second, third)] == [f"JOB-{id_}" for id_ in (done, undone, waits)]
    assert (first.outcome, first.vms, first.volumes, first.gib, first.ports) == ("done", 1, 3, 440, 2)
    assert first.project == "acme-prod" and first.vm_id == "vm-db" and first.asked_by == "ada"
    assert (second.outcome, second.vms, second.volumes, second.gib, second.ports) == ("failed", 0, 0, 0, 0)
    assert third.outcome == "waiting" and third.steps == () and third.seconds is None
    assert first.seconds is not None and {step.state for step in first.steps} == {"done"}
    assert [step.step for step in first.steps][:2] == ["check", "volume 1"]
    assert all(step.seconds is not None and step.seconds >= 0 for step in first.steps)
    table = list(csv.DictReader(io.StringIO(as_csv([first, second, third]).decode("utf-8-sig"))))
    assert table[0]["gib"] == "440" and "check" in table[0]["steps"] and len(table) == 3
    assert json.loads(json.dumps(as_rows([first])))[0]["steps"][0]["step"] == "check"
    async with database.connect() as conn:
        past = await restores.past_seconds(conn, "one", "side_by_side")
        assert len(past) == 1 and (await restores.restores(conn, EVERYTHING, restores.Window()))[1] == 3
    again = dict((await plan(database)).facts)["takes"]
    assert again == "about 1 min (last 1: 1)", "the estimate is of past restores"


async def test_a_cell_that_looks_like_a_formula_is_told_as_text() -> None:
    one = Metered("JOB-1", "one", "p", "=1+1", "@x", "v", "", "+a", (), "", None, None, "done", None, False)
    (row,) = csv.DictReader(io.StringIO(as_csv([one]).decode("utf-8-sig")))
    assert (row["project"], row["vm"], row["asked_by"]) == ("'=1+1", "'@x", "'+a")
