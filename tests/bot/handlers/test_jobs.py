"""Jobs in words: what somebody may see, how one stands, who may stop it, and what runs by itself."""

import pytest
from sqlalchemy import text

from bot.handlers.asking import Ask
from bot.handlers.jobs import restore_cancel
from bot.people import principal
from bot.replies import Choices, Progress, Reply, Table
from bot.scheduling import edit
from engines.changes.sagas import Workshop, run_job
from engines.plans import Target
from intents.readings import Name, Reading
from storage import claims, jobs, schedules
from storage.claims import Limits
from storage.database import Database
from storage.people import Grant, grant
from storage.schedules import Schedule
from tests.bot.world import CATALOGUE, NOW, World, build, heading, said_by, shown, table
from tests.bot.world_base import PCD, project_id
from tests.engines.changes.bed import Making, NoClouds, Scripted, Still, add_job, make_tables, plan, step

_ACME = Target(PCD, "vm", "v-1", "web-01", project_id("acme-prod"))
_GLOBEX = Target(PCD, "vm", "v-2", "gx-web-01", project_id("globex-prod"))


@pytest.fixture
async def world(database: Database) -> World:
    await make_tables(database)
    return await build(database)


async def one_of_acme(world: World, by: str = "ann") -> int:
    given = plan(step("a"), step("b"), targets=(_ACME,), title="Snapshot web-01")
    return await add_job(world.database, given, asked_by=by)


async def begun(world: World, id_: int) -> None:
    async with world.database.begin() as conn:
        held = await claims.claim(conn, id_, f"job:{id_}", Limits())
        assert held is not None
        await claims.begin_step(conn, id_, held.runner, 1, "a")
        told = {"step": 1, "steps": 2, "name": "make a", "done": 281, "of": 1240, "counts": {"made": 279, "failed": 2}}
        await claims.tell(conn, id_, held.runner, told)


async def test_nothing_runs(world: World) -> None:
    assert heading(await world.ask("what is running", "root")) == "Nothing is running."


async def test_what_runs_and_what_waits_is_told_with_its_progress(world: World) -> None:
    first, second = await one_of_acme(world), await one_of_acme(world)
    await begun(world, first)
    reply = await world.ask("what is running", "root")
    assert heading(reply) == "1 running job, 1 waiting job."
    rows = table(reply).rows
    assert [row[0] for row in rows] == [f"JOB-{first}", f"JOB-{second}"]
    assert rows[0][3] == "step 1 of 2, 281 of 1,240"
    assert table(reply).opens[0] == f"status of JOB-{first}"


async def test_one_job_is_told_with_its_steps_and_a_button_to_stop_it(world: World) -> None:
    id_ = await one_of_acme(world)
    await begun(world, id_)
    reply = await world.ask(f"status of JOB-{id_}", "ann")
    assert heading(reply) == f"JOB-{id_} is running: Snapshot web-01"
    (bar,) = [part for part in reply.parts if isinstance(part, Progress)]
    assert (bar.label, bar.done, bar.of, bar.note) == ("make a", 281, 1240, "279 made, 2 failed")
    assert [row[2] for row in table(reply).rows] == ["under way", "to come"]
    assert said_by(reply) == [f"cancel JOB-{id_}"]
    assert reply.follows == (f"job/{id_}",)


async def test_a_failure_says_what_to_do_and_what_is_left(world: World) -> None:
    stuck = Scripted("test.stuck", acts=[{"snapshot": "snap-77"}], undoes=[_step_error("it is in use", "detach it")])
    bad = Scripted("test.bad", acts=[_step_error("the quota is full", "raise it")])
    given = plan(step("a", "test.stuck"), step("b", "test.bad"), targets=(_ACME,))
    id_ = await add_job(world.database, given, asked_by="ann")
    shop = Workshop(world.database, {"test.stuck": stuck, "test.bad": bad}, NoClouds())
    await run_job(shop, id_, f"job:{id_}", Still())
    reply = await world.ask(f"status of JOB-{id_}", "ann")
    told = shown(reply)
    assert heading(reply) == f"JOB-{id_} failed: Make things"
    assert "the quota is full To do: raise it" in told
    assert "Left: make a (snapshot snap-77): it is in use. To do: detach it" in told
    assert said_by(reply) == [] and reply.follows == ()


def _step_error(what: str, fix: str) -> Exception:
    from engines.actions import StepError

    return StepError(what, fix)


async def test_nobody_learns_of_jobs_elsewhere(world: World) -> None:
    both = plan(step("a"), targets=(_ACME, _GLOBEX), title="Snapshot gx-secret")
    id_ = await add_job(world.database, both, asked_by="root")
    listed = await world.ask("what is running", "ann")
    one, none = await world.ask(f"status of JOB-{id_}", "ann"), await world.ask("status of JOB-999", "ann")
    assert heading(listed) == "Nothing is running." and "gx" not in shown(listed)
    assert heading(one).replace(str(id_), "N") == heading(none).replace("999", "N")
    assert heading(await world.ask(f"status of JOB-{id_}", "root")).endswith("Snapshot gx-secret")


async def test_the_asker_stops_their_job(world: World) -> None:
    id_ = await one_of_acme(world)
    async with world.database.begin() as conn:
        await grant(conn, "ann", Grant("operator", PCD, project_id("acme-prod")), "test")
    reply = await world.ask(f"abort JOB-{id_}", "ann")
    assert heading(reply) == f"JOB-{id_} stops at its next step, and undoes what it made."
    again = await world.ask(f"cancel JOB-{id_}", "ann")
    assert heading(again) == f"JOB-{id_} was asked to stop already."
    async with world.database.connect() as conn:
        rows = (await conn.execute(text("SELECT person, target FROM audit WHERE action = 'job.cancel'"))).all()
    assert [tuple(row) for row in rows] == [("ann", f"JOB-{id_}")]
    await run_job(Workshop(world.database, {"test.make": Making()}, NoClouds()), id_, f"job:{id_}:cancel", Still())
    assert heading(await world.ask(f"cancel JOB-{id_}", "ann")) == f"JOB-{id_} has ended already: it is cancelled."


@pytest.mark.parametrize(
    ("by", "role", "allowed"), [("ann", "operator", False), ("ann", "admin", True), ("root", "", True)]
)
async def test_who_may_stop_a_job_of_somebody_else(world: World, by: str, role: str, allowed: bool) -> None:
    id_ = await one_of_acme(world, by="schedule:nightly")
    if role:
        async with world.database.begin() as conn:
            await grant(conn, by, Grant(role, PCD, project_id("acme-prod")), "test")
    reply = await world.ask(f"cancel JOB-{id_}", by)
    assert (reply.outcome == "answered") is allowed
    async with world.database.connect() as conn:
        assert ((await jobs.states(conn, [id_]))[0].cancel_by == by) is allowed


async def test_a_viewer_stops_nothing(world: World) -> None:
    id_ = await one_of_acme(world, by="vic")
    assert (await world.ask(f"cancel JOB-{id_}", "vic")).outcome == "not_allowed"


async def test_a_number_that_no_job_can_have(world: World) -> None:
    for said in ("status of JOB-99999999999999999999999999", "cancel JOB-99999999999999999999999999"):
        assert (await world.ask(said, "root")).outcome in ("not_found", "not_understood", "incomplete")


async def test_a_restore_comes_later_and_the_jobs_that_go_on_are_offered(world: World) -> None:
    id_ = await one_of_acme(world)
    async with world.database.connect() as conn:
        who = await principal(conn, "root")
        assert who is not None
        ask = Ask(conn, who, "c", Reading("cancel the restore of web-01"), NOW, CATALOGUE, frozenset())
        reply = await restore_cancel(ask, Name("vm", "web-01"), None)
        neither = await restore_cancel(ask, None, None)
    assert "No restore of web-01 is running or waiting" in heading(reply) and reply.outcome == "not_found"
    assert heading(neither) == "Which job?"
    assert said_by(reply) == said_by(neither) == [f"cancel JOB-{id_}"]


async def test_syncs_are_listed_too(world: World) -> None:
    await world.ask("sync now", "root")
    reply = await world.ask("what is running", "root")
    assert "sync" in heading(reply)
    assert {row[1] for part in reply.parts if isinstance(part, Table) for row in part.rows} == {"waiting"}


async def test_what_runs_by_itself_is_shown_to_whom_it_belongs(world: World) -> None:
    async with world.database.begin() as conn:
        await schedules.save(
            conn, Schedule("nightly", "snapshot_run", "30 2 * * *", "ann", zone="Europe/Berlin"), "ann"
        )
        await schedules.save(conn, Schedule("of-others", "snapshot_run", "0 4 * * *", "gus"), "gus")
        await schedules.enable(conn, "of-others", False, "gus")
    assert [row[0] for row in table(await world.ask("jobs", "root")).rows] == ["nightly", "of-others"]
    (row,) = table(await world.ask("jobs", "ann")).rows
    assert row[:3] == ("nightly", "snapshot run", "30 2 * * * Europe/Berlin") and row[3]
    assert not [part for part in (await world.ask("jobs", "vic")).parts if isinstance(part, Choices)]


async def test_a_schedule_is_paused_by_its_owner_and_by_nobody_else(world: World) -> None:
    async def as_(person: str, verb: str = "pause") -> Reply:
        async with world.database.begin() as conn:
            who = await principal(conn, person)
            assert who is not None
            return await edit(conn, who, verb, "nightly")  # type: ignore[arg-type]

    async with world.database.begin() as conn:
        await schedules.save(conn, Schedule("nightly", "snapshot_run", "30 2 * * *", "ann"), "ann")
    assert (await as_("gus")).outcome == "not_found"
    assert (await as_("vic")).outcome == "not_allowed"
    assert heading(await as_("ann")) == "“nightly” is paused."
    assert heading(await as_("ann")) == "“nightly” is paused already."
    assert heading(await as_("root", "resume")) == "“nightly” runs again."
    assert heading(await as_("root", "remove")) == "“nightly” is removed."
    assert (await as_("root", "remove")).outcome == "not_found"
