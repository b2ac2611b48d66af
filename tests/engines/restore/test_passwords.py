"""A new password inside of a VM that comes back: set or told why not, and read nowhere but by the one it is for."""

import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog
from sqlalchemy import update

from bot.logs import configure
from engines.changes.sagas import Workshop, run_job
from engines.changes.steps import Patience
from engines.clouds.acting import ActError
from engines.plans import Plan
from engines.restore.actions import actions_of
from engines.restore.checks import checks_of
from engines.restore.designs import design
from engines.restore.facts import facts_of
from engines.restore.wishes import Wish
from engines.sealing import Reader, about
from storage import jobs, passwords, restore_facts, restores
from storage.change_tables import job
from storage.database import Database
from storage.scopes import EVERYTHING
from tests.engines.changes.bed import Still, add_job
from tests.engines.restore.places import NOW, ON, planned, small_place, store
from tests.engines.restore.runs import QUICK, Killed
from tests.engines.restore.small_cloud import SmallCloud, http_500, lost, timed_out
from tests.storage.everything import found_in

Fault = Callable[[int], ActError | BaseException | None]
PATIENT = replace(QUICK, console_s=30.0)
READER = Reader()
HOUSE = replace(ON, reader=READER.key)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged, as detailed as can be."""
    root = logging.getLogger()
    before, stream = (root.handlers[:], root.level), io.StringIO()
    configure("debug", stream=stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    structlog.reset_defaults()


def at_password(fault: Fault) -> Callable[[str, int], ActError | BaseException | None]:
    """The fault of the n-th call that sets a password, from 0."""
    number = iter(range(10**6))
    return lambda name, _: fault(next(number)) if name == "change_password" else None


def shop(database: Database, cloud: SmallCloud, pace: Any = QUICK) -> Workshop:
    actions = {one.name: one for one in actions_of(pace)}
    return Workshop(database, actions, cloud, patience=Patience(faults=5, backoff_s=0.0), tell_every_s=0.0)


async def asked(database: Database, cloud: SmallCloud, wish: Wish, *, alive: bool = True) -> int:
    await store(database, cloud)
    if alive:
        async with database.begin() as conn:
            await passwords.beat(conn, READER.key)
    return await add_job(database, await planned(database, wish, house=HOUSE))


async def ran(
    database: Database, cloud: SmallCloud, wish: Wish | None = None, *, pace: Any = QUICK, alive: bool = True
) -> tuple[int, Any, Any]:
    """The job, how it stands, what became of the password."""
    id_ = await asked(database, cloud, wish or Wish(password=True), alive=alive)
    await run_job(shop(database, cloud, pace), id_, "w1", Still())
    return id_, *await stands(database, id_)


async def stands(database: Database, id_: int) -> tuple[Any, Any]:
    async with database.connect() as conn:
        (state,) = await jobs.states(conn, [id_])
        return state, await passwords.found(conn, id_)


def made(cloud: SmallCloud) -> Any:
    """The VM that came back."""
    return next(one for one in cloud.state.servers.values() if one.password or one.id.startswith("server"))


@pytest.mark.parametrize("wish", [
    Wish(password=True, stopped=True), Wish(mode="replace", password=True, safety=True),
])  # fmt: skip
async def test_it_is_set_and_sealed_for_the_asker(database: Database, wish: Wish, lines: io.StringIO) -> None:
    cloud = small_place(ready_after=2)
    id_, state, reset = await ran(database, cloud, wish)
    assert state.state == "done" and "A new password is set" in state.outcome["words"], state
    (secret,) = cloud.tried
    server = next(one for one in cloud.state.servers.values() if one.password)
    assert server.password == secret and server.id == reset.vm_id and server.id != "vm-db"
    assert (reset.state, reset.asker, reset.reader) == ("set", "ada", READER.key)
    assert READER.open(reset.sealed, about(id_, server.id)) == secret
    assert server.status == ("SHUTOFF" if wish.stopped else "ACTIVE")
    assert await found_in(database, secret) == [] and secret not in lines.getvalue()
    assert {"public.job_step", "public.password_reset"} <= set(await found_in(database, server.id))  # it would be found


SIDE, REPLACE = Wish(password=True), Wish(mode="replace", password=True)


@pytest.mark.parametrize(("error", "state", "words", "wish"), [
    (ActError("refused", "Nova answered 409: QEMU guest agent is not enabled", "x"), "refused", "not enabled", REPLACE),
    (ActError("unexpected", "Nova answered 400: Bad Request", "x"), "refused", "Bad Request", SIDE),
    (http_500(), "unsure", "HTTP 500", SIDE),
    (lost(), "unsure", "no answer came", REPLACE),
])  # fmt: skip
async def test_a_refusal_undoes_nothing(
    database: Database, error: ActError, state: str, words: str, wish: Wish
) -> None:
    cloud = small_place()
    cloud.fault = at_password(lambda _: error)
    _, job_state, reset = await ran(database, cloud, wish)
    told = job_state.outcome["words"]
    assert job_state.state == "done" and job_state.outcome["left"] == []
    assert words in told and f"openstack server set --password NEW-PASSWORD {reset.vm_id}" in told
    assert (reset.state, bool(reset.sealed)) == (state, state == "unsure")


async def test_an_agent_that_starts_late_is_waited_for(database: Database) -> None:
    cloud = small_place()
    faults = [ActError("busy", "Nova answered 501", "x"), timed_out(), ActError("throttled", "429", "x")]
    cloud.fault = at_password(lambda n: faults[n] if n < len(faults) else None)
    id_, state, reset = await ran(database, cloud, pace=PATIENT)
    assert (state.state, reset.state, len(cloud.tried)) == ("done", "set", 4)
    assert READER.open(reset.sealed, about(id_, reset.vm_id)) == cloud.tried[-1] == made(cloud).password


async def test_the_cloud_repeats_it_and_it_is_hidden(database: Database, lines: io.StringIO) -> None:
    """A schema error of Nova quotes what it did not like; anything may quote it."""
    cloud = small_place()
    cloud.fault = at_password(
        lambda _: ActError("unexpected", f"Value: {cloud.tried[-1]} is too long", cloud.tried[-1])
    )
    _, state, reset = await ran(database, cloud)
    assert state.state == "done" and "Value: (hidden) is too long" in state.outcome["words"]
    assert reset.state == "refused"
    cloud.fault = at_password(lambda _: ValueError(f"cannot send {cloud.tried[-1]}"))  # type: ignore[arg-type, return-value]
    id_ = await asked(database, cloud, Wish(password=True, new_name="db-again"))
    await run_job(shop(database, cloud), id_, "w1", Still())
    state, reset = await stands(database, id_)
    assert (state.state, reset.state) == ("done", "unsure") and "ValueError" in state.outcome["words"]
    for secret in cloud.tried:
        assert await found_in(database, secret) == [] and secret not in lines.getvalue()


@pytest.mark.parametrize("alive", [True, False])
async def test_nothing_is_set_that_nobody_could_be_shown(database: Database, alive: bool) -> None:
    """The process that could show it has ended while the request waited; or the key is none at all."""
    cloud = small_place()
    if alive:
        await store(database, cloud)
        plan = await planned(database, Wish(password=True), house=replace(ON, reader="none"))
        async with database.begin() as conn:
            await passwords.beat(conn, "none")
        await run_job(shop(database, cloud), id_ := await add_job(database, plan), "w1", Still())
        state, reset = await stands(database, id_)
    else:
        _, state, reset = await ran(database, cloud, alive=False)
    assert state.state == "done" and reset is None and cloud.tried == []
    assert "No new password was set" in state.outcome["words"] and "ended since" in state.outcome["words"]


@pytest.mark.parametrize("after", [False, True])
async def test_a_worker_that_dies_at_it(database: Database, after: bool) -> None:
    """The next one sets another password, and that is the one that is kept."""
    cloud, killed = small_place(), Killed()
    killed.after = after  # type: ignore[attr-defined]
    cloud.fault = at_password(lambda n: killed if n == 0 else None)
    id_ = await asked(database, cloud, Wish(password=True))
    with pytest.raises(Killed):
        await run_job(shop(database, cloud), id_, "w1", Still())
    async with database.begin() as conn:
        await conn.execute(update(job).where(job.c.id == id_).values(runner=None))
    await run_job(shop(database, cloud), id_, "w1", Still())
    state, reset = await stands(database, id_)
    assert (state.state, reset.state, len(set(cloud.tried))) == ("done", "set", 2)
    assert READER.open(reset.sealed, about(id_, reset.vm_id)) == cloud.tried[1] == made(cloud).password
    assert len(cloud.state.servers) == 3


async def test_what_is_undone_has_no_password_left(database: Database) -> None:
    cloud = small_place()
    id_ = await asked(database, cloud, Wish(password=True, stopped=True))
    cloud.fault = lambda name, _: ActError("refused", "no") if name == "stop_server" else None
    await run_job(shop(database, cloud), id_, "w1", Still())
    state, reset = await stands(database, id_)
    assert state.state == "failed" and reset.is_over and not reset.can_be_shown(NOW)
    async with database.begin() as conn:
        assert await passwords.lapse(conn) == 1
        assert await passwords.lapse(conn) == 0
    assert (await stands(database, id_))[1].sealed == b""


async def test_the_plan_says_what_the_image_says(database: Database) -> None:
    await store(database, small_place())
    async with database.connect() as conn:
        vm = await restore_facts.vm_of(conn, EVERYTHING, "one", "vm-db")
        assert vm is not None
        facts = await facts_of(conn, EVERYTHING, vm)
    for agent, words in ((True, "says that there is a guest"), (False, "there is no guest"), (None, "does not say")):
        plan = design(replace(facts, agent=agent), Wish(password=True), NOW)
        (check,) = (one for one in checks_of(plan, HOUSE) if one.name == "password")
        assert check.well and words in check.detail
    (check,) = (one for one in checks_of(plan, ON) if one.name == "password")
    assert not check.well and "ask on the page" in check.detail


def parts(plan: Plan) -> tuple[str, str]:
    facts = dict(plan.facts)
    return facts.get("password", ""), facts.get("not brought back", "")


async def test_the_plan_says_whether_there_will_be_a_new_one(database: Database) -> None:
    await store(database, small_place())
    told, lost_ = parts(await planned(database, Wish(password=True), house=HOUSE))
    assert "whoever asked is shown it once" in told and "password" not in lost_
    told, lost_ = parts(await planned(database, Wish(), house=HOUSE))
    assert told == "" and "reset the password" in lost_
    plan = await planned(database, Wish(mode="attach", password=True), house=HOUSE)
    assert not any(step.action == "restore.password" for step in plan.steps)
    assert any("a new password" in line for line in plan.warnings)
    names = [step.name for step in (await planned(database, Wish(password=True, stopped=True), house=HOUSE)).steps]
    assert names[-4:] == ["verify", "password", "switch off", "report"]


async def test_the_record_says_who_was_shown_it(database: Database) -> None:
    id_, _, reset = await ran(database, small_place())
    async with database.begin() as conn:
        (one,), _ = await restores.restores(conn, EVERYTHING, restores.Window(ids=(id_,)))
        assert one.reset == reset and not one.reset.shown_at
        await passwords.shown(conn, id_, NOW)
        (one,), _ = await restores.restores(conn, EVERYTHING, restores.Window(ids=(id_,)))
    assert one.reset is not None and (one.reset.sealed, one.reset.shown_at) == (b"", NOW)
