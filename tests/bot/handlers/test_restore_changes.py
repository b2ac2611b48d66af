"""A restore wished otherwise: buttons and sentences mean what they say, a change is a new request, a name is typed."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.messages import Message
from bot.pipeline import Pipeline
from bot.replies import Choices, Fields, Reply
from bot.restore_wishes import sentence, tokens, vm_words, with_tokens
from engines.clouds.acting_servers import KEPT
from engines.plans import to_json
from engines.restore.designs import point_of
from engines.restore.facts import facts_of
from engines.restore.planning import plan_of
from engines.restore.wishes import Wish
from storage import requests, restore_facts
from storage.change_tables import job, job_step, request
from storage.database import Database
from storage.people import Grant, add_person, grant
from storage.scopes import EVERYTHING
from tests.bot.world import CATALOGUE, heading, said_by, shown
from tests.engines.restore.places import NOW, ON, YESTERDAY, planned, small_place, store
from tests.engines.restore.small_cloud import SmallCloud, Snapshot

Say = Callable[..., Awaitable[Reply]]
PEOPLE = {"ann": "technical", "tom": "technical", "dan": "superadmin", "eve": "superadmin"}
EARLIER = "from 2026-11-20 02:00"


@pytest.fixture
async def cloud(database: Database) -> SmallCloud:
    cloud = small_place()
    for at, volume in enumerate(("v-root", "v-data", "v-log")):
        taken = YESTERDAY - timedelta(days=1)
        cloud.state.snapshots[f"old-{at}"] = Snapshot(f"old-{at}", volume, 40 if at == 0 else 200, taken, f"old-{at}")
    await store(database, cloud)
    return cloud


@pytest.fixture
async def say(database: Database, cloud: SmallCloud) -> Say:
    async with database.begin() as conn:
        for person, role in PEOPLE.items():
            await add_person(conn, person, person.capitalize())
            await grant(conn, person, Grant(role), "test")
    pipeline = Pipeline(database, catalogue=CATALOGUE, clock=lambda: NOW, house=ON)
    numbers = iter(range(1000))

    async def ask(said: str, by: str = "ann") -> Reply:
        number = next(numbers)
        return (await pipeline.answer(Message(f"m{number}", by, f"c-{by}", said, NOW)))[0]

    return ask


def fields(reply: Reply) -> dict[str, str]:
    return dict(next(part for part in reply.parts if isinstance(part, Fields)).pairs)


def pressing(reply: Reply, label: str) -> str:
    found = [c.said for part in reply.parts if isinstance(part, Choices) for c in part.choices if c.label == label]
    assert len(found) == 1, (label, said_by(reply))
    return found[0]


async def states(database: Database) -> dict[int, str]:
    async with database.connect() as conn:
        rows = (await conn.execute(select(request.c.id, request.c.state))).mappings()
        return {row["id"]: row["state"] for row in rows}


async def options_of(database: Database, id_: int) -> dict[str, object]:
    async with database.connect() as conn:
        found = await requests.find(conn, id_)
    assert found is not None
    return dict(found.plan["options"])


WISHES = [
    Wish(), Wish(strategy="try_same_ips"), Wish(strategy="same_ips_or_fail", new_name="db-99-copy"),
    Wish(mode="replace"), Wish(mode="replace", strategy="new_ips", safety=True), Wish(mode="attach"),
    Wish(mode="replace", strategy="try_same_ips", safety=True, stopped=True), Wish(mode="attach", disks="data"),
    Wish(mode="attach", disks="root"), Wish(mode="attach", volumes=("db-data",)), Wish(stopped=True, macs="same"),
    Wish(new_name="db-99-copy", macs="new", stopped=True, strategy="new_ips"),
]  # fmt: skip


async def test_what_a_button_says_is_understood_as_it_was_wished(database: Database, say: Say) -> None:
    """Each choice of a dry run is a sentence: said by hand, it means the same."""
    async with database.connect() as conn:
        vm = await restore_facts.vm_of(conn, EVERYTHING, "one", "vm-db")
        assert vm is not None
        facts = await facts_of(conn, EVERYTHING, vm)
    for wish in (replace(one, snapshot=key) for one in WISHES for key in ("", "old-0")):
        said = sentence("plan a restore of", vm_words(facts), wish, facts, point_of(facts, wish))
        reply = await say(said)
        wanted = plan_of(facts, wish, NOW, ON)
        assert (reply.intent, heading(reply)) == ("restore_plan", f"{wanted.title}: a dry run, nothing is changed"), (
            said
        )
        assert [fields(reply)[label] for label, _ in wanted.facts] == [told for _, told in wanted.facts], said
        assert with_tokens(Wish(), tokens(wish, Wish())) == wish


async def test_words(database: Database, say: Say) -> None:
    for number, (said, wish) in enumerate(
        [
            ("restore db-02 from yesterday, try to keep its ips", {"strategy": "try_same_ips"}),
            ("restore only the data volume of db-02", {"mode": "attach", "disks": "data"}),
            ("replace db-02 with the copy of last friday, snapshot it first", {"mode": "replace", "safety": True}),
            ("restore db-02 and leave it stopped", {"stopped": True}),
            ("restore db-02 in place and take a safety snapshot first", {"mode": "replace", "safety": True}),
        ],
        1,
    ):
        reply = await say(said)
        assert reply.outcome == "answered", shown(reply)
        told = dict((await options_of(database, number))["wish"])  # type: ignore[call-overload]
        told.pop("snapshot")
        assert told == wish


async def test_what_clashes_or_is_no_order_asks_for_nothing(database: Database, say: Say) -> None:
    for said in (
        "restore only the data volume of db-02 in place", "restore db-02 but don't take a snapshot first",
        "don't restore db-02, snapshot it first", "should I restore db-02 and leave it stopped?",
        "restore db-02 and leave it stopped and leave it running",
    ):  # fmt: skip
        await say(said)
        assert await states(database) == {}, said


async def test_a_change_by_buttons_is_a_new_request_and_the_old_one_is_withdrawn(database: Database, say: Say) -> None:
    card = await say("restore db-02")
    form = await say(pressing(card, "change…"))
    assert heading(form) == "REQ-1: what should be different?" and await states(database) == {1: "pending"}
    drafted = await say(pressing(form, "replace it"))
    assert heading(drafted).startswith("Replace db-02 by its state") and await states(database) == {1: "pending"}
    older = await say(pressing(drafted, "2026-11-20 02:00 UTC"))
    saved = await say(pressing(older, "snapshot it first"))
    asked = await say(pressing(saved, "ask for this instead of REQ-1"))
    assert "REQ-1 is withdrawn: REQ-2 takes its place" in shown(asked)
    assert await states(database) == {1: "withdrawn", 2: "pending"}
    told = await options_of(database, 2)
    assert (told["mode"], told["typed"], told["safety"]) == ("replace", "db-02", True)
    assert told["point_at"] != (await options_of(database, 1))["point_at"]


async def test_a_change_by_words_and_what_is_not_understood(database: Database, say: Say) -> None:
    await say("restore db-02")
    asked = await say("change REQ-1 to in place with new ips, snapshot it first")
    assert "REQ-2 takes its place" in shown(asked), shown(asked)
    told = await options_of(database, 2)
    assert (told["mode"], told["ip_strategy"], told["safety"]) == ("replace", "new_ips", True)
    lost = await say("change REQ-2 to something nicer")
    assert "I did not understand “something nicer”" in shown(lost)
    assert await states(database) == {1: "withdrawn", 2: "pending"}
    again = await say("change REQ-2 to from 2026-11-20 02:00")
    assert "REQ-3 takes its place" in shown(again) and (await options_of(database, 3))["mode"] == "replace"


async def test_the_safety_snapshot_is_offered_on_the_card_of_a_replace(database: Database, say: Say) -> None:
    asked = await say(pressing(await say("restore db-02 in place"), "snapshot it first"))
    assert "safety snapshots of the original first" in shown(asked)
    assert await states(database) == {1: "withdrawn", 2: "pending"}
    assert "snapshot it first" not in [c.label for p in asked.parts if isinstance(p, Choices) for c in p.choices]


async def test_only_the_asker_changes_it_and_only_while_it_waits(database: Database, say: Say) -> None:
    card = await say("restore db-02")
    change = pressing(card, "change…")
    for by in ("tom", "dan"):
        assert (await say(change, by)).outcome == "not_allowed"
        assert (await say(f"{change} ask mode=replace", by)).outcome == "not_allowed"
    await say("approve REQ-1", "tom")
    late = await say(f"{change} ask mode=replace")
    assert late.outcome == "not_allowed" and "not changed any more" in shown(late)
    assert await states(database) == {1: "approved"}


async def test_forged_changes_change_nothing(database: Database, say: Say) -> None:
    change = pressing(await say("restore db-02"), "change…")
    for tail in (
        "ask mode=away",
        "ask safety=maybe",
        "ask typed=x",
        "ask mode",
        "with snapshot=",
        "with volumes=%00,x",
    ):
        await say(f"{change} {tail}")
        await say(f"change #request/{'0' * 32} {tail}")
        assert await states(database) == {1: "pending"}


async def test_what_cannot_be_asked_for_leaves_the_old_one(database: Database, say: Say) -> None:
    change = pressing(await say("restore db-02"), "change…")
    reply = await say(f"{change} ask snapshot=gone")
    assert reply.outcome == "failed" and await states(database) == {1: "pending"}


async def test_a_new_name_is_typed(database: Database, say: Say) -> None:
    form = await say(pressing(await say("restore db-02"), "change…"))
    name = pressing(form, "another name…")
    assert "Say: change REQ-1 to side by side as" in shown(await say(name))
    drafted = await say(f"{name} typed db 02; copy")
    await say(pressing(drafted, "ask for this instead of REQ-1"))
    assert (await options_of(database, 2))["new_name"] == "db 02; copy"


async def test_a_replace_counts_only_with_its_name_typed(database: Database, say: Say) -> None:
    card = await say("restore db-02 in place")
    token = pressing(card, "withdraw").rpartition("/")[2]
    for typed in ("", " DB-02", " db-2", " db-02 please", " db\u201102", " web-01", " db-02-restored"):
        reply = await say(f"approve REQ-1{typed}", "dan")
        assert reply.outcome == "incomplete" and "approve REQ-1 db-02" in shown(reply), typed
        await say(f"approve by name #request/{token} typed{typed or ' '}", "dan")
    for said in ("approve", "approve by name", "confirm", "approve because db-02"):
        verb, _, tail = said.partition(" because")
        assert (await say(f"{verb} #request/{token}{tail and f' because{tail}'}", "dan")).outcome != "answered"
    assert await states(database) == {1: "pending"}
    assert (await say("approve REQ-1 db-02", "tom")).outcome == "not_allowed", "a superadmin decides on a replace"
    assert (await say("approve REQ-1 db-02", "ann")).outcome == "not_allowed", "nobody decides on their own"
    done = await say(f"approve by name #request/{token} typed db-02", "dan")
    assert heading(done).startswith("Approved by Dan") and await states(database) == {1: "approved"}
    assert "nothing is left to decide" in shown(await say("approve REQ-1 db-02", "eve"))


async def test_a_name_for_what_asks_for_none_is_left_to_the_language(database: Database, say: Say) -> None:
    await say("restore db-02")
    assert (await say("approve REQ-1 db-02", "tom")).outcome != "answered"
    assert await states(database) == {1: "pending"}


async def _replaced(database: Database, cloud: SmallCloud, days: float) -> int:
    """A replace that was done `days` ago, as its job and the cloud have it."""
    plan = await planned(database, Wish(mode="replace"))
    kept = next(step.arguments["kept"] for step in plan.steps if step.action == "restore.rename")
    ended = NOW - timedelta(days=days)
    async with database.begin() as conn:
        values = {
            "kind": plan.kind, "plan": to_json(plan), "source": "one", "project_id": "pa", "asked_by": "tom",
            "state": "done", "created_at": ended, "started_at": ended, "ended_at": ended,
        }  # fmt: skip
        id_ = int((await conn.execute(insert(job).values(**values).returning(job.c.id))).scalar_one())
        for number, step in enumerate(plan.steps, 1):
            result = {"server": {"id": "vm-new"}, "mark original": {"mark": "JOB-K"}}.get(step.name, {})
            await conn.execute(insert(job_step).values(job_id=id_, number=number, name=step.name, state="done",
                                                       began_at=ended, ended_at=ended, result=result))  # fmt: skip
    old = cloud.state.servers["vm-db"]
    new = type(old)("vm-new", "db-02", metadata={"stackhand_key": "x"})
    cloud.state.servers["vm-new"] = new
    old.name, old.status, old.metadata = kept, "SHUTOFF", {KEPT: "JOB-K"}
    await store(database, cloud, 0.001)
    return id_


async def test_a_kept_original_is_deleted_by_a_change_of_its_own(
    database: Database, say: Say, cloud: SmallCloud
) -> None:
    await _replaced(database, cloud, days=8)
    for said in ("delete the kept original of db-02", "delete db-02-before-20261122-0902"):
        reply = await say(said)
        assert heading(reply) == "Delete db-02-before-20261122-0902, the original of db-02: waits for approval", shown(
            reply
        )
        assert "It cannot be undone." in shown(reply) and "superadmin" in shown(reply)
    assert (await say("approve REQ-1 db-02-before-20261122-0902", "tom")).outcome == "not_allowed"
    assert "letter by letter" in shown(await say("approve REQ-1", "dan"))
    done = await say("approve REQ-1 db-02-before-20261122-0902", "dan")
    assert heading(done).startswith("Approved by Dan")


async def test_what_speaks_against_deleting_a_kept_original(database: Database, say: Say, cloud: SmallCloud) -> None:
    await _replaced(database, cloud, days=8)
    old, new = cloud.state.servers["vm-db"], cloud.state.servers["vm-new"]
    name, mark, at = old.name, dict(old.metadata), 0.002

    async def refused(said: str, told: str) -> None:
        nonlocal at
        await store(database, cloud, at)
        at += 0.001
        reply = await say(said)
        assert reply.outcome == "failed" and told in shown(reply), shown(reply)
        assert await states(database) == {}

    old.status = "ACTIVE"
    await refused("delete the kept original of db-02", "it is on: stop it first")
    old.status, old.metadata = "SHUTOFF", {}
    await refused("delete the kept original of db-02", "it does not bear the mark of JOB-1")
    old.metadata, old.name = mark, "db-prod"
    await refused("delete the kept original of db-02", "somebody uses it")
    old.name, old.locked = name, True
    await refused("delete the kept original of db-02", "it is locked")
    old.locked = False
    async with database.begin() as conn:
        await conn.execute(update(job).values(ended_at=NOW - timedelta(days=4)))
    await refused("delete the kept original of db-02", "it is kept until 2026-11-25 09:02 UTC")
    del cloud.state.servers["vm-new"]
    await refused(f"delete {name}", "the original is all that is left")
    cloud.state.servers["vm-new"] = new


async def test_nothing_else_is_deleted(database: Database, say: Say) -> None:
    for said in ("delete vm db-02", "delete the kept original of db-02", "delete volume db-data"):
        reply = await say(said)
        assert reply.outcome == "not_found" and "I delete only what a restore of mine has kept" in shown(reply)
        assert await states(database) == {}


async def test_a_replace_that_rules_allow_at_once_still_asks_for_the_name(database: Database, say: Say) -> None:
    from engines.changes.rules import Rule
    from storage import change_rules

    async with database.begin() as conn:
        await change_rules.replace(conn, [Rule(kinds=("restore_replace",), mode="at_once").to_json()], "dan")
    await say("restore db-02 in place")
    assert await states(database) == {1: "pending"}
    assert (await say("approve REQ-1")).outcome == "incomplete"
    await say("approve REQ-1 db-02")
    assert await states(database) == {1: "approved"}


async def test_a_plan_that_was_altered_on_its_way_is_not_run(database: Database, say: Say) -> None:
    """The name that is asked for is bound by the digest."""
    await say("restore db-02 in place")
    async with database.begin() as conn:
        plan = (await requests.find(conn, 1)).plan  # type: ignore[union-attr]
        plan["options"].pop("typed")
        await conn.execute(update(request).values(plan=plan))
    await say("approve REQ-1", "dan")
    assert await states(database) == {1: "changed"}
