"""The saga runner on a real database: every way in which a job can end, and what is on record then."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.actions import Action, Doing, NotYet, Result, StepError, Telling, UnsureError
from engines.changes.sagas import Workshop, run_job
from engines.changes.steps import Patience, Stopping
from engines.clouds.acting import ActError
from engines.plans import Plan
from storage import claims, jobs
from storage.claims import Limits, LostJobError
from storage.database import Database, StorageUnavailable
from storage.jobs import JobState
from storage.scopes import EVERYTHING, Scope
from tests.engines.changes.bed import (
    Making,
    NoClouds,
    Scripted,
    Still,
    add_job,
    effects,
    make_tables,
    plan,
    step,
    target,
)

_QUICK = Patience(faults=3, backoff_s=1.0)


def workshop(database: Database, *actions: Action, **more: object) -> Workshop:
    known: Mapping[str, Action] = {action.name: action for action in (Making(), *actions)}
    values: dict[str, object] = {"patience": _QUICK, "tell_every_s": 0.0, "clouds": NoClouds(), **more}
    return Workshop(database, known, **values)  # type: ignore[arg-type]


async def run(shop: Workshop, job_id: int, engine: object = None, workflow: str = "") -> JobState:
    await run_job(shop, job_id, workflow or f"job:{job_id}", engine or Still())  # type: ignore[arg-type]
    return await state(shop.database, job_id)


async def state(database: Database, job_id: int) -> JobState:
    async with database.connect() as conn:
        return (await jobs.states(conn, [job_id]))[0]


async def steps(database: Database, job_id: int) -> list[tuple[str, str, int]]:
    async with database.connect() as conn:
        return [(s.name, s.state, s.attempts) for s in await jobs.steps(conn, job_id)]


async def test_a_job_does_all_its_steps_and_says_so(database: Database) -> None:
    await make_tables(database)
    told: list[tuple[int, str]] = []

    async def ended(conn: AsyncConnection, job_id: int, how: str) -> None:
        told.append((job_id, how))

    id_ = await add_job(database, plan(step("a"), step("b"), step("c")))
    found = await run(workshop(database, ended=ended), id_)
    assert (found.state, found.outcome["words"], found.outcome["counts"]) == (
        "done",
        "All 3 steps are done.",
        {"made": 3},
    )
    assert told == [(id_, "done")]
    assert (await effects(database))[0] == [f"JOB-{id_}-1", f"JOB-{id_}-2", f"JOB-{id_}-3"]
    assert await steps(database, id_) == [("a", "done", 1), ("b", "done", 1), ("c", "done", 1)]
    async with database.connect() as conn:
        rows = (await conn.execute(text("SELECT person, action, outcome FROM audit"))).all()
        held = (await conn.execute(text("SELECT count(*) FROM job_target"))).scalar()
        asked = (await conn.execute(text("SELECT state FROM request"))).scalar()
    assert [tuple(row) for row in rows] == [("ada", "job.end", "done")]
    assert (held, asked) == (0, "running")


async def test_run_again_after_its_end_does_nothing(database: Database) -> None:
    await make_tables(database)
    shop = workshop(database)
    id_ = await add_job(database, plan(step("a")))
    await run(shop, id_)
    await run(shop, id_)
    assert (await effects(database))[1] == [f"made JOB-{id_}-1"]


async def test_a_step_that_cannot_be_done_undoes_those_before_in_reverse_and_nothing_else(database: Database) -> None:
    await make_tables(database)
    bad = Scripted("test.bad", acts=[StepError("the cloud said no to c", "free some quota")])
    id_ = await add_job(database, plan(step("a"), step("b", undo=""), step("b2"), step("c", "test.bad"), step("d")))
    found = await run(workshop(database, bad), id_)
    assert (found.state, found.error, found.fix) == ("failed", "the cloud said no to c", "free some quota")
    assert found.outcome == {"words": "What was done is undone.", "counts": {"made": 3}, "left": []}
    made, calls = await effects(database)
    assert calls[-2:] == [f"undone JOB-{id_}-3", f"undone JOB-{id_}-1"]
    assert made == [f"JOB-{id_}-2"], "a step without undo stays"
    assert bad.calls == ["look c", "act c"]


async def test_what_was_done_already_is_not_done_again(database: Database) -> None:
    there = Scripted("test.there", looks=[{"id": "snap-1"}])
    id_ = await add_job(database, plan(step("a", "test.there")))
    assert (await run(workshop(database, there), id_)).state == "done"
    assert there.calls == ["look a"]


async def test_nobody_knows_whether_it_took_effect(database: Database) -> None:
    await make_tables(database)
    dark = Scripted("test.dark", acts=[UnsureError("the answer to deleting x was lost", "look at x in the cloud")])
    id_ = await add_job(database, plan(step("a"), step("b", "test.dark"), step("c")))
    shop = workshop(database, dark)
    found = await run(shop, id_)
    assert (found.state, found.error, found.fix) == (
        "unsure", "the answer to deleting x was lost", "look at x in the cloud",
    )  # fmt: skip
    assert (await effects(database))[1] == [f"made JOB-{id_}-1"], "nothing undone"
    assert dark.calls == ["look b", "act b"], "nothing repeated"
    await run(shop, id_)
    assert dark.calls == ["look b", "act b"]


async def test_a_step_waits_for_the_cloud(database: Database) -> None:
    slow = Scripted("test.slow", looks=[None, NotYet(3, "creating"), {"id": "s"}], acts=[NotYet(2, "asked")])
    id_ = await add_job(database, plan(step("a", "test.slow")))
    engine = Still()
    assert (await run(workshop(database, slow), id_, engine)).state == "done"
    assert engine.slept == [2, 3]
    assert slow.calls == ["look a", "act a", "look a", "look a"]


async def test_a_fault_is_tried_again_by_looking_first(database: Database) -> None:
    lost = ActError("timeout", "no answer in 30 s", maybe_done=True)
    shaky = Scripted("test.shaky", looks=[None, None, {"id": "s"}], acts=[lost, RuntimeError("boom")])
    id_ = await add_job(database, plan(step("a", "test.shaky")))
    engine = Still()
    assert (await run(workshop(database, shaky), id_, engine)).state == "done"
    assert engine.slept == [1.0, 2.0]
    assert shaky.calls == ["look a", "act a", "look a", "act a", "look a"]


async def test_a_throttled_call_waits_as_long_as_the_cloud_says(database: Database) -> None:
    shaky = Scripted("test.shaky", acts=[ActError("throttled", "429", retry_after_s=17.0)])
    id_ = await add_job(database, plan(step("a", "test.shaky")))
    engine = Still()
    assert (await run(workshop(database, shaky), id_, engine)).state == "done"
    assert engine.slept == [17.0]


async def test_faults_that_do_not_end_fail_and_what_may_be_there_is_looked_for(database: Database) -> None:
    faults: list[object] = [ActError("unreachable", "connection refused", "start it", maybe_done=True)] * 4
    shaky = Scripted("test.shaky", looks=[None] * 4 + [{"id": "left-over"}], acts=faults)
    id_ = await add_job(database, plan(step("a", "test.shaky")))
    found = await run(workshop(database, shaky), id_)
    assert (found.state, found.error, found.fix) == ("failed", "make a: connection refused", "start it")
    assert shaky.calls[-2:] == ["look a", "undo a"]


async def test_a_refusal_is_final(database: Database) -> None:
    refused = Scripted("test.no", acts=[ActError("over_limit", "quota exceeded", "raise it")])
    id_ = await add_job(database, plan(step("a", "test.no")))
    found = await run(workshop(database, refused), id_)
    assert (found.state, found.error, refused.calls) == ("failed", "make a: quota exceeded", ["look a", "act a"])


async def test_an_unexpected_fault_shows_no_secret_and_no_traceback(database: Database) -> None:
    bad = Scripted("test.bad", acts=[RuntimeError("password=canary-1234")] * 9)
    id_ = await add_job(database, plan(step("a", "test.bad")))
    found = await run(workshop(database, bad), id_)
    assert found.state == "failed" and "RuntimeError" in found.error
    async with database.connect() as conn:
        everything = await conn.execute(text("SELECT job::text FROM job UNION ALL SELECT job_step::text FROM job_step"))
        assert "canary" not in "".join(everything.scalars())


async def test_what_cannot_be_undone_is_listed_with_what_to_do(database: Database) -> None:
    await make_tables(database)
    stuck = Scripted("test.stuck", acts=[{"snapshot": "snap-77"}], undoes=[StepError("it is in use", "detach it")])
    bad = Scripted("test.bad", acts=[StepError("no")])
    id_ = await add_job(database, plan(step("a"), step("b", "test.stuck"), step("c", "test.bad")))
    found = await run(workshop(database, stuck, bad), id_)
    assert found.state == "failed" and found.outcome["words"] == "It could not be undone whole: 1 left."
    (left,) = found.outcome["left"]
    assert left == {"step": "b", "does": "make b", "made": {"snapshot": "snap-77"}, "what": "it is in use",
                    "fix": "detach it"}  # fmt: skip
    assert (await effects(database))[0] == [], "the others are undone all the same"


async def test_cancel_takes_effect_at_the_next_step_and_undoes(database: Database) -> None:
    await make_tables(database)

    async def cancel() -> None:
        async with database.begin() as conn:
            assert await jobs.ask_cancel(conn, id_, "bob")
            assert not await jobs.ask_cancel(conn, id_, "bob")

    class Waiting(Still):
        async def sleep(self, seconds: float) -> None:
            await cancel()

    slow = Scripted("test.slow", acts=[NotYet(5)], looks=[None, {"id": "half-made"}])
    id_ = await add_job(database, plan(step("a"), step("b", "test.slow"), step("c")))
    found = await run(workshop(database, slow), id_, Waiting())
    assert (found.state, found.cancel_by) == ("cancelled", "bob")
    assert slow.calls == ["look b", "act b", "look b", "undo b"], "what was begun is looked for before it is undone"
    assert (await effects(database))[0] == []


async def test_a_cancel_after_the_last_step_comes_too_late(database: Database) -> None:
    await make_tables(database)
    id_ = await add_job(database, plan(step("a")))
    await run(workshop(database), id_)
    async with database.begin() as conn:
        assert not await jobs.ask_cancel(conn, id_, "bob")


async def test_cancelled_before_it_began(database: Database) -> None:
    await make_tables(database)
    id_ = await add_job(database, plan(step("a")))
    async with database.begin() as conn:
        await jobs.ask_cancel(conn, id_, "bob")
    clouds = NoClouds()
    found = await run(workshop(database, clouds=clouds), id_)
    assert (found.state, found.started_at, clouds.opened) == ("cancelled", None, [])
    assert (await effects(database))[1] == []


async def test_too_late_to_begin(database: Database) -> None:
    await make_tables(database)
    id_ = await add_job(database, plan(step("a")), run_by=datetime.now(UTC) - timedelta(seconds=1))
    found = await run(workshop(database), id_)
    assert (found.state, found.outcome["words"]) == ("expired", "Nothing was changed.")
    assert "did not begin in time" in found.error
    assert (await effects(database))[1] == []


@pytest.mark.parametrize("how", ["pending", "denied", "withdrawn", "expired", "changed", "done"])
async def test_only_an_approved_request_lets_a_cloud_be_opened(database: Database, how: str) -> None:
    opens = _Opens()
    clouds = NoClouds()
    id_ = await add_job(database, plan(step("a", "test.opens")), state=how)
    found = await run(workshop(database, opens, clouds=clouds), id_)
    assert (found.state, found.error) == ("failed", f"Its request is {how}, not approved.")
    assert clouds.opened == []


class _Opens:
    name = "test.opens"

    def __init__(self, source: str = "pcd") -> None:
        self._source = source

    async def look(self, doing: Doing) -> Result | None:
        await doing.acting(self._source)
        return {}

    async def act(self, doing: Doing) -> Result:
        return {}

    async def undo(self, doing: Doing, result: Result) -> None: ...


async def test_another_plan_than_the_approved_one_opens_nothing(database: Database) -> None:
    clouds = NoClouds()
    id_ = await add_job(database, plan(step("a", "test.opens")))
    async with database.begin() as conn:
        await conn.execute(text("UPDATE job SET plan = jsonb_set(plan, '{steps,0,arguments}', '{\"force\": true}')"))
    found = await run(workshop(database, _Opens(), clouds=clouds), id_)
    assert (found.state, found.error) == ("failed", "Its plan is not the one that was approved.")
    assert clouds.opened == []


async def test_a_job_without_a_request_changes_nothing(database: Database) -> None:
    clouds = NoClouds()
    id_ = await add_job(database, plan(step("a", "test.opens")))
    async with database.begin() as conn:
        await conn.execute(text("UPDATE job SET request_id = NULL, asked_by = 'schedule:nightly'"))
    found = await run(workshop(database, _Opens(), clouds=clouds), id_)
    assert found.state == "failed" and clouds.opened == []


async def test_a_plan_that_cannot_be_read_fails_and_a_foreign_source_is_not_opened(database: Database) -> None:
    clouds = NoClouds()
    shop = workshop(database, _Opens("other"), clouds=clouds)
    id_ = await add_job(database, plan(step("a", "test.opens")))
    found = await run(shop, id_)
    assert (found.state, found.error, clouds.opened) == ("failed", "the plan does not change other", [])
    id_ = await add_job(database, plan(step("a", "test.opens")))
    async with database.begin() as conn:
        await conn.execute(text("UPDATE job SET plan = plan - 'steps' WHERE id = :i"), {"i": id_})
    assert (await run(shop, id_)).error == "Its plan cannot be read."


async def test_clients_are_the_owners_to_close(database: Database) -> None:
    clouds = NoClouds()
    steps_ = [step(f"s{n}", "test.opens", together="all") for n in range(5)]
    id_ = await add_job(database, plan(*steps_))
    assert (await run(workshop(database, _Opens(), clouds=clouds), id_)).state == "done"
    assert set(clouds.opened) == {"pcd"} and clouds.closed == 0  # the next run uses them


class _Counts:
    """How many run at the same time; each waits a while for `company`, so that a slow machine counts as a fast one."""

    name = "test.counts"

    def __init__(self, company: int = 1) -> None:
        self.now = self.most = 0
        self.company = company

    async def look(self, doing: Doing) -> Result | None:
        return None

    async def act(self, doing: Doing) -> Result:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(500):
            await asyncio.sleep(0.02)
            if self.most >= self.company:
                break
        self.now -= 1
        return {}

    async def undo(self, doing: Doing, result: Result) -> None: ...


async def test_neighbours_run_side_by_side_up_to_a_limit(database: Database) -> None:
    counts = _Counts(company=3)
    together = [step(f"s{n}", "test.counts", together="x") for n in range(7)]
    id_ = await add_job(database, plan(*together))
    assert (await run(workshop(database, counts, together=3), id_)).state == "done"
    assert counts.most == 3
    alone = _Counts()
    id_ = await add_job(database, plan(*(step(f"s{n}", "test.counts") for n in range(3))))
    await run(workshop(database, alone), id_)
    assert alone.most == 1


async def test_one_of_several_fails_and_the_others_come_to_rest_before_all_is_undone(database: Database) -> None:
    await make_tables(database)
    bad = Scripted("test.bad", acts=[StepError("no")])
    steps_ = [step("a", together="x", seconds=0.05), step("b", "test.bad", together="x"), step("c", together="x")]
    id_ = await add_job(database, plan(*steps_))
    found = await run(workshop(database, bad), id_)
    assert found.state == "failed"
    assert (await effects(database))[0] == []


async def test_an_unknown_action_fails_and_undoes(database: Database) -> None:
    await make_tables(database)
    id_ = await add_job(database, plan(step("a"), step("b", "test.of-tomorrow")))
    found = await run(workshop(database), id_)
    assert (found.state, found.fix) == ("failed", "update the workers, then ask again")
    assert (await effects(database))[0] == []


async def test_progress_is_told_but_not_more_often_than_allowed(database: Database) -> None:
    class Tells(_Counts):
        async def act(self, doing: Doing) -> Result:
            for n in range(1, 50):
                await doing.tell(Telling(n, 50, {"made": n}, "going on"))
            return {}

    writes = 0
    real = claims.tell

    async def counted(*args: object) -> None:
        nonlocal writes
        writes += 1
        await real(*args)  # type: ignore[arg-type]

    id_ = await add_job(database, plan(step("a", "test.counts"), step("b", "test.counts")))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(claims, "tell", counted)
        found = await run(workshop(database, Tells(), tell_every_s=1.0), id_)
    assert writes <= 2
    assert found.progress["steps"] == 2 and found.progress["name"] == "make a"


async def test_a_run_that_stops_goes_on_where_it_was(database: Database) -> None:
    await make_tables(database)

    class Stops(Still):
        def __init__(self, after: int) -> None:
            super().__init__()
            self.after = after

        def check(self) -> None:
            self.after -= 1
            if self.after < 0:
                raise Stopping

    shop = workshop(database)
    id_ = await add_job(database, plan(step("a"), step("b"), step("c")))
    with pytest.raises(Stopping):
        await run(shop, id_, Stops(1))
    assert (await state(database, id_)).state == "running"
    assert (await run(shop, id_)).state == "done"
    assert (await effects(database))[1] == [f"made JOB-{id_}-{n}" for n in (1, 2, 3)]


async def test_undoing_that_stops_goes_on_undoing(database: Database) -> None:
    await make_tables(database)

    class StopsAtUndo(Still):
        def __init__(self, allowed: int) -> None:
            super().__init__()
            self.allowed = allowed

        def check(self) -> None:
            self.allowed -= 1
            if self.allowed < 0:
                raise Stopping

    bad = Scripted("test.bad", acts=[StepError("no", "then do this")])
    shop = workshop(database, bad)
    id_ = await add_job(database, plan(step("a"), step("b"), step("c", "test.bad")))
    with pytest.raises(Stopping):
        await run(shop, id_, StopsAtUndo(4))  # three steps and one undo
    found = await run(shop, id_)
    assert (found.state, found.error, found.fix) == ("failed", "no", "then do this")
    assert (await effects(database))[0] == []
    assert bad.calls == ["look c", "act c"]


async def test_an_outage_is_no_fault_of_a_step(database: Database) -> None:
    away = Scripted("test.away", acts=[StorageUnavailable("the database is away", "wait")])
    id_ = await add_job(database, plan(step("a", "test.away")))
    shop = workshop(database, away)
    with pytest.raises(StorageUnavailable):
        await run(shop, id_)
    assert (await run(shop, id_)).state == "done"
    assert await steps(database, id_) == [("a", "done", 2)]


async def test_who_was_thought_dead_may_not_write_any_more(database: Database) -> None:
    await make_tables(database)
    shop = workshop(database)

    class Overtaken(_Counts):
        async def act(self, doing: Doing) -> Result:
            async with database.begin() as conn:  # another worker takes over in the middle of the act
                assert (await claims.claim(conn, id_, f"job:{id_}", Limits())) is not None
            return {}

    id_ = await add_job(database, plan(step("a", "test.counts"), step("b")))
    await run(workshop(database, Overtaken()), id_)
    assert (await state(database, id_)).state == "running"
    assert await steps(database, id_) == [("a", "begun", 1)]
    with pytest.raises(LostJobError):
        async with database.begin() as conn:
            await claims.end_step(conn, id_, "an older run", 1, "done", {})
    await run(replace(shop, actions={**shop.actions, "test.counts": _Counts()}), id_)
    assert (await state(database, id_)).state == "done"


async def test_another_workflow_of_the_same_job_leaves_it_alone(database: Database) -> None:
    id_ = await add_job(database, plan(step("a")))
    async with database.begin() as conn:
        assert await claims.claim(conn, id_, f"job:{id_}", Limits()) is not None
    async with database.begin() as conn:
        assert await claims.claim(conn, id_, f"job:{id_}:after:3", Limits()) is None


def _jobs_on(*names: str) -> Plan:
    return plan(step("a"), targets=tuple(target(name) for name in names))


async def test_an_object_is_changed_by_one_job_at_a_time_the_first_come_first(database: Database) -> None:
    await make_tables(database)
    shop = workshop(database)
    first = await add_job(database, _jobs_on("x", "y"))
    second = await add_job(database, _jobs_on("y", "z"))
    other = await add_job(database, _jobs_on("q"))
    assert (await run(shop, second)).state == "waiting"
    assert (await run(shop, other)).state == "done"
    assert (await run(shop, first)).state == "done"
    async with database.connect() as conn:
        woken = await conn.scalars(
            text("SELECT workflow_uuid FROM dbos.workflow_status WHERE workflow_uuid LIKE '%after%'")
        )
        assert list(woken) == [f"job:{second}:after:{first}"]
    assert (await run(shop, second, workflow=f"job:{second}:after:{first}")).state == "done"


@pytest.mark.parametrize("limits", [Limits(per_cloud=2), Limits(per_project=2)])
async def test_limits_hold_and_the_next_is_woken(database: Database, limits: Limits) -> None:
    await make_tables(database)
    shop = workshop(database, limits=limits)
    ids = [await add_job(database, _jobs_on(f"vm-{n}")) for n in range(3)]
    for id_ in ids[:2]:
        async with database.begin() as conn:
            assert await claims.claim(conn, id_, f"job:{id_}", limits) is not None
    assert (await run(shop, ids[2])).state == "waiting"
    await run(shop, ids[0])
    assert (await run(shop, ids[2], workflow=f"job:{ids[2]}:after:{ids[0]}")).state == "done"


async def test_what_everybody_forgot_is_woken_by_the_sweep(database: Database) -> None:
    await make_tables(database)
    shop = workshop(database)
    first, second = await add_job(database, _jobs_on("x")), await add_job(database, _jobs_on("x"))
    await run(shop, second)
    async with database.begin() as conn:
        assert await claims.sweep(conn) == 0
        await conn.execute(text("UPDATE job SET run_by = now() - interval '1 s' WHERE id = :i"), {"i": second})
        assert await claims.sweep(conn) == 1
        assert await claims.sweep(conn) == 0
    assert (await run(shop, second, workflow="job:sweep")).state == "expired"
    assert (await state(database, first)).state == "waiting"


async def test_fifty_claims_at_once_have_one_winner(database: Database) -> None:
    wide = database.beside(20)
    try:
        for _ in range(5):
            ids = [await add_job(database, _jobs_on("same")) for _ in range(6)]

            async def one(id_: int) -> int | None:
                async with wide.begin() as conn:
                    held = await claims.claim(conn, id_, f"job:{id_}", Limits())
                    return held.id if held else None

            won = [id_ for id_ in await asyncio.gather(*(one(id_) for id_ in ids * 3)) if id_ is not None]
            assert set(won) == {ids[0]}
            async with database.begin() as conn:
                await conn.execute(text("UPDATE job SET state = 'done'"))
    finally:
        await wide.close()


async def test_a_rollback_leaves_no_job_and_no_workflow(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.begin() as conn:
            from tests.engines.changes.bed import add_job_in

            await add_job_in(conn, plan(step("a")))
            raise RuntimeError
    async with database.connect() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM dbos.workflow_status"))).scalar() == 0
        assert await jobs.open_jobs(conn, EVERYTHING) == []


async def test_jobs_are_listed_for_a_scope(database: Database) -> None:
    mine = await add_job(database, plan(step("a"), targets=(target("x", "p1"),)))
    both = await add_job(database, plan(step("a"), targets=(target("x", "p1"), target("y", "p2"))))
    other = await add_job(database, plan(step("a"), targets=(target("y", "p2"),)))
    nothing = await add_job(database, plan(step("a"), targets=()))
    async with database.connect() as conn:

        async def seen(scope: Scope) -> list[int]:
            return [job.id for job in await jobs.open_jobs(conn, scope)]

        assert await seen(EVERYTHING) == [mine, both, other, nothing]
        assert await seen(Scope(projects=frozenset({("pcd", "p1")}))) == [mine]
        assert await seen(Scope(projects=frozenset({("pcd", "p1"), ("pcd", "p2")}))) == [mine, both, other]
        assert await seen(Scope(projects=frozenset({("other", "p1")}))) == []
        assert await seen(Scope()) == []
        assert await jobs.visible_job(conn, Scope(projects=frozenset({("pcd", "p1")})), other) is None
