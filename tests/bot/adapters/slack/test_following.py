"""One message for a sync: it is edited while the run goes on, whoever looks after it, and ends with what came of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from bot.adapters.slack import drafts
from bot.adapters.slack.app import _edited
from bot.following import Follower
from bot.replies import Reply, Text, from_json, to_json
from storage import follows, outbox, sync
from storage.database import Database
from storage.outbox import Draft
from tests.bot.adapters.slack.small_slack import Fault, SmallSlack, small_slack
from tests.bot.adapters.slack.test_sending import HEARD, rows, said, send_all
from tests.conftest import execute

CLICKED = replace(HEARD, clicked=True, text="sync now")
VM = {"outcome": "complete", "rows": 1200, "added": 3, "changed": 2, "deleted": 1, "returned": 0}
BAD = {
    "outcome": "refused",
    "rows": 4,
    "detail": "403 <!channel> not you, says *cinder*",
    "fix": "give the account the reader role",
}


@pytest.fixture
async def slack() -> AsyncIterator[SmallSlack]:
    async with small_slack() as slack:
        yield slack


async def ask(database: Database, *sources: str) -> tuple[int, ...]:
    async with database.begin() as conn:
        asked = [await sync.ask_run(conn, source, asked_by="alice") for source in sources]
    return tuple(run for run in asked if run is not None)


async def write(database: Database, *runs: int, draft: Draft | None = None) -> None:
    """The answer and what it follows, as the receiver commits them."""
    draft = replace(draft or drafts.post(HEARD, "k1", said("Asked for.")), follows=tuple(f"sync/{run}" for run in runs))
    async with database.begin() as conn:
        await outbox.enqueue(conn, "slack", draft)
        await follows.begin(conn, "slack", draft)


async def begin(database: Database, *sources: str) -> None:
    async with database.begin() as conn:
        for source in sources:
            assert await sync.claim_run(conn, [source]) is not None


async def close(
    database: Database, run: int, state: str = "done", kinds: Mapping[str, Any] | None = None, detail: str = ""
) -> None:
    async with database.begin() as conn:
        await sync.close_run(conn, run, state=state, detail=detail, kinds=kinds or {})


def follower(database: Database) -> Follower:
    return Follower(database, "slack", partial(_edited, ""), lambda: None)


async def look(database: Database, slack: SmallSlack) -> None:
    """A process that begins now, looks once and sends."""
    await execute(database, "UPDATE follow SET next_at = now() - interval '1 s'")
    one = follower(database)
    for piece in await one.take(10):
        await one.do(piece)
    await send_all(database, slack)


async def followed(database: Database) -> int:
    async with database.connect() as conn:
        return int((await conn.execute(text("SELECT count(*) FROM follow"))).scalar_one())


def shown(slack: SmallSlack) -> str:
    (message,) = slack.posted["C1"]
    return f"{message['text']} {message['blocks']}"


async def test_one_message_tells_a_sync_from_asked_for_to_done(database: Database, slack: SmallSlack) -> None:
    one, two = await ask(database, "lab-2", "pcd-1")
    await write(database, one, two)
    await look(database, slack)
    await look(database, slack)
    assert slack.texts("C1") == ["Asked for."] and not slack.called("chat.update")
    await begin(database, "lab-2")
    await look(database, slack)
    assert "A sync of lab-2, pcd-1 is running" in shown(slack) and "pcd-1 waits for a worker" in shown(slack)
    await begin(database, "pcd-1")
    await close(database, one, kinds={"vm": VM, "host": {"outcome": "complete", "rows": 34}})
    await look(database, slack)
    assert "1,234 rows, 3 added, 2 changed, 1 deleted" in shown(slack) and "pcd-1 running since" in shown(slack)
    await close(database, two, kinds={"vm": {"outcome": "complete", "rows": 7}})
    await look(database, slack)
    assert "The sync of lab-2, pcd-1 is done." in shown(slack) and "7 rows, nothing changed" in shown(slack)
    assert slack.posted["C1"][0]["thread_ts"] == "1.1" and len(slack.called("chat.update")) == 3
    assert await followed(database) == 0


async def test_what_has_not_changed_is_not_edited_again(database: Database, slack: SmallSlack) -> None:
    (run,) = await ask(database, "lab-2")
    await write(database, run)
    await begin(database, "lab-2")
    for _ in range(4):
        await look(database, slack)
    assert len(slack.called("chat.update")) == 1


async def test_a_source_tells_in_its_own_words_why_it_failed(database: Database, slack: SmallSlack) -> None:
    (run,) = await ask(database, "lab-2")
    await write(database, run)
    await begin(database, "lab-2")
    await look(database, slack)
    await close(database, run, "partial", {"vm": VM, "volume": BAD}, "volume: refused")
    await look(database, slack)
    told = shown(slack)
    assert "The sync of lab-2 is done in part." in told and "give the account the reader role" in told
    elements = [e for block in slack.posted["C1"][0]["blocks"] for part in block.get("elements", ())
                for e in part.get("elements", ())]  # fmt: skip
    (words,) = [e for e in elements if "403" in e.get("text", "")]
    assert words["type"] == "text" and "403 <!channel> not you, says *cinder*" in words["text"]  # which is not markup
    assert "<!channel>" not in slack.texts("C1")[0]


async def test_a_run_that_died_tells_its_detail(database: Database, slack: SmallSlack) -> None:
    (run,) = await ask(database, "lab-2")
    await write(database, run)
    await begin(database, "lab-2")
    await look(database, slack)
    await close(database, run, "failed", detail="the worker died")
    await look(database, slack)
    assert "The sync of lab-2 failed." in shown(slack) and "the worker died" in shown(slack)


async def test_many_failures_still_make_one_message(database: Database, slack: SmallSlack) -> None:
    sources = [f"cloud-{number:02}" for number in range(30)]
    runs = await ask(database, *sources)
    await write(database, *runs)
    await begin(database, *sources)
    long = {f"kind_{n}": {**BAD, "detail": "<&>" * 400, "fix": "f" * 900} for n in range(30)}
    await look(database, slack)
    for run in runs:
        await close(database, run, "failed", long)
    await look(database, slack)
    await look(database, slack)
    assert "The sync of cloud-00" in shown(slack) and "There is more to tell: say freshness." in shown(slack)
    assert all(not row.failed for row in await rows(database)) and await followed(database) == 0


async def test_several_processes_do_not_double(database: Database, slack: SmallSlack) -> None:
    (run,) = await ask(database, "lab-2")
    await write(database, run)
    await send_all(database, slack)
    await begin(database, "lab-2")
    some = [follower(database) for _ in range(4)]
    taken = await asyncio.gather(*(one.take(10) for one in some))
    assert sorted(map(len, taken)) == [0, 0, 0, 1]
    piece = next(found[0] for found in taken if found)
    await asyncio.gather(*(one.do(piece) for one in some))  # as if the lease had run out meanwhile
    await send_all(database, slack)
    async with database.connect() as conn:
        version = (await conn.execute(text("SELECT version FROM outbox WHERE key = 'k1:progress'"))).scalar_one()
    assert (version, len(slack.called("chat.update"))) == (1, 1)


async def test_at_most_one_edit_a_second_and_a_dead_process_is_followed_by_another(
    database: Database, slack: SmallSlack
) -> None:
    (run,) = await ask(database, "lab-2")
    await write(database, run)
    await send_all(database, slack)
    await begin(database, "lab-2")
    assert len(await follower(database).take(10)) == 1  # and dies
    assert await follower(database).take(10) == []
    await look(database, slack)
    assert await follower(database).take(10) == []
    async with database.connect() as conn:
        pause = (await conn.execute(text("SELECT next_at - now() FROM follow"))).scalar_one()
    assert pause.total_seconds() > 0.2 and "is running" in shown(slack)


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_an_edit_that_is_cut_off_is_made_again(database: Database, slack: SmallSlack, drop: str) -> None:
    (run,) = await ask(database, "lab-2")
    await write(database, run)
    await begin(database, "lab-2")
    slack.faults = [Fault("chat.update", drop=drop)]
    await look(database, slack)
    await look(database, slack)
    assert "is running" in shown(slack)


async def test_a_message_that_somebody_deleted_is_told_anew_once(database: Database, slack: SmallSlack) -> None:
    (run,) = await ask(database, "lab-2")
    await write(database, run)
    await look(database, slack)
    slack.posted["C1"].clear()
    await begin(database, "lab-2")
    await look(database, slack)
    await look(database, slack)
    await close(database, run, kinds={"vm": VM})
    await look(database, slack)
    assert "The sync of lab-2 is done." in shown(slack)


async def test_a_run_that_never_ends_is_given_up_with_a_word(database: Database, slack: SmallSlack) -> None:
    (run,) = await ask(database, "lab-2")
    await write(database, run)
    await look(database, slack)
    await execute(database, "UPDATE follow SET created_at = created_at - interval '61 min'")
    await look(database, slack)
    assert "The sync of lab-2 has not ended." in shown(slack) and "Is a worker running?" in shown(slack)
    assert await followed(database) == 0


async def test_a_run_that_is_on_no_record_ends_it(database: Database, slack: SmallSlack) -> None:
    await write(database, 10**12)
    await look(database, slack)
    await look(database, slack)
    assert "not on record" in shown(slack) and await followed(database) == 0


async def test_a_message_that_was_refused_is_not_followed(database: Database, slack: SmallSlack) -> None:
    (run,) = await ask(database, "lab-2")
    await write(database, run, draft=drafts.post(replace(HEARD, channel="C404"), "k1", said("Asked for.")))
    await begin(database, "lab-2")
    await look(database, slack)
    await look(database, slack)
    assert await followed(database) == 0 and not slack.called("chat.update")
    assert [row.key for row in await rows(database)] == ["k1", "k1:instead"]


async def test_the_line_on_who_pressed_the_button_stays(database: Database, slack: SmallSlack) -> None:
    (run,) = await ask(database, "lab-2")
    await write(database, run, draft=drafts.post(CLICKED, "k1", drafts.asked_by(CLICKED, said("Asked for."))))
    await begin(database, "lab-2")
    await look(database, slack)
    await look(database, slack)
    first, second, *_ = slack.posted["C1"][0]["blocks"]
    assert first["elements"][0]["text"] == "<@UALICE>" and "is running" in str(second)


def test_what_is_followed_is_kept_with_the_reply_and_older_ones_still_load() -> None:
    reply = Reply((Text("Asked for."),), follows=("sync/7", "sync/8"))
    data = to_json(reply)
    assert from_json(data) == reply
    del data["follows"]
    assert from_json(data).follows == ()
