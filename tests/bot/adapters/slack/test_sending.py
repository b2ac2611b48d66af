"""Messages on their way to Slack: its refusals, its pauses, its silences; each arrives once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.adapters.slack import drafts
from bot.adapters.slack.blocks import Attachment, Post
from bot.adapters.slack.calls import client
from bot.adapters.slack.carrier import SlackCarrier
from bot.adapters.slack.directory import Directory
from bot.adapters.slack.hearing import Heard
from bot.rounds import Rounds
from bot.sending import Sender
from storage import exchanges, outbox
from storage.database import Database
from storage.outbox import Draft, Outgoing
from tests.bot.adapters.slack.small_slack import TEAM, TOKEN, Fault, SmallSlack, small_slack
from tests.bot.world import NOW

HEARD = Heard("k", TEAM, "UALICE", "C1", "c", "how many?", NOW, thread="1.1")


@pytest.fixture
async def slack() -> AsyncIterator[SmallSlack]:
    async with small_slack() as slack:
        yield slack


def said(text: str = "Yes.") -> Post:
    return drafts.plain_post(text)


async def write(database: Database, *written: Draft) -> None:
    async with database.begin() as conn:
        for draft in written:
            await outbox.enqueue(conn, "slack", draft)


def rounds(database: Database, slack: SmallSlack, owner: str = "me") -> Rounds[Outgoing]:
    calls = client(TOKEN, slack.api_url)
    carrier = SlackCarrier(calls, database, Directory(calls, {TEAM}))
    return Rounds("sending", Sender(database, "slack", owner, carrier, pause_s=0.001), 4, 5.0)


async def send_all(database: Database, slack: SmallSlack, *, hurry: bool = True, seconds: float = 15) -> None:
    """Until nothing waits. In a `hurry` waiting times pass at once."""
    stop = asyncio.Event()
    running = asyncio.create_task(rounds(database, slack).run(stop))
    try:
        async with asyncio.timeout(seconds):
            while await pending(database):
                if hurry:
                    await pass_time(database)
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        await running


async def pending(database: Database) -> int:
    async with database.connect() as conn:
        return await outbox.pending(conn)


async def pass_time(database: Database) -> None:
    async with database.begin() as conn:
        await conn.execute(text("UPDATE outbox SET not_before = now() WHERE claimed_by IS NULL AND sent_at IS NULL"))
        await conn.execute(text("UPDATE pace SET next_at = now()"))


async def rows(database: Database) -> list[Any]:
    query = text(
        "SELECT key, sent_at IS NOT NULL AS sent, failed_at IS NOT NULL AS failed, error, posted, attempts"
        " FROM outbox ORDER BY id"
    )
    async with database.connect() as conn:
        return list((await conn.execute(query)).all())


async def test_a_post_goes_to_its_thread_and_is_known_by_its_ts(database: Database, slack: SmallSlack) -> None:
    await write(database, drafts.post(HEARD, "k1", said("One & <two>")))
    await send_all(database, slack)
    (posted,) = slack.posted["C1"]
    assert (posted["thread_ts"], posted["text"]) == ("1.1", "One &amp; &lt;two&gt;")
    assert posted["mrkdwn"] is False and posted["link_names"] is False and posted["unfurl_links"] is False
    assert posted["blocks"][0]["text"]["text"] == "One &amp; &lt;two&gt;"
    (row,) = await rows(database)
    assert row.sent and row.posted == {"channel": "C1", "ts": posted["ts"]}


async def test_a_pause_holds_the_method_and_loses_nothing(database: Database, slack: SmallSlack) -> None:
    slack.faults = [Fault("chat.postMessage", status=429, retry_after=2)]
    await write(database, *(drafts.post(HEARD, f"k{n}", said(f"{n}")) for n in range(3)))
    begun = asyncio.get_running_loop().time()
    await send_all(database, slack, hurry=False)
    assert asyncio.get_running_loop().time() - begun >= 2
    assert slack.texts("C1") == ["0", "1", "2"] and len(slack.called("chat.postMessage")) == 4


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_dropped_connection_neither_loses_nor_doubles(database: Database, slack: SmallSlack, drop: str) -> None:
    slack.faults = [Fault("chat.postMessage", drop=drop)]
    await write(database, *(drafts.post(HEARD, f"k{n}", said(f"{n}")) for n in range(3)))
    await send_all(database, slack)
    assert slack.texts("C1") == ["0", "1", "2"]
    assert slack.called("conversations.replies")


async def test_an_error_of_slacks_own_is_looked_after_and_tried_again(database: Database, slack: SmallSlack) -> None:
    slack.faults = [Fault("chat.postMessage", status=503), Fault("chat.postMessage", error="fatal_error")]
    await write(database, drafts.post(HEARD, "k1", said()))
    await send_all(database, slack)
    assert slack.texts("C1") == ["Yes."]


async def test_a_lookup_that_fails_sends_nothing_twice(database: Database, slack: SmallSlack) -> None:
    slack.faults = [
        Fault("chat.postMessage", drop="after"),
        Fault("conversations.replies", status=429),
        Fault("conversations.replies", status=500),
        Fault("conversations.replies", drop="before", count=2),
    ]
    await write(database, drafts.post(HEARD, "k1", said()))
    await send_all(database, slack)
    assert slack.texts("C1") == ["Yes."] and not any(fault.count for fault in slack.faults)


async def test_a_message_of_a_dead_sender_is_found_among_many(database: Database, slack: SmallSlack) -> None:
    await write(database, drafts.post(HEARD, "k1", said("mine")))
    await send_all(database, slack)
    for number in range(7):  # several pages
        slack.posted["C1"].insert(0, {"ts": f"1.{number}", "thread_ts": "1.1", "text": "other", "blocks": [{}]})
    async with database.begin() as conn:
        await conn.execute(text("UPDATE outbox SET sent_at = NULL, started_at = now(), posted = NULL"))
    await send_all(database, slack)
    assert len(slack.called("chat.postMessage")) == 1
    (row,) = await rows(database)
    assert row.sent and row.posted["ts"]


async def test_what_cannot_be_posted_there_goes_to_the_person(database: Database, slack: SmallSlack) -> None:
    away = Heard("k", TEAM, "UALICE", "C9", "c", "x", NOW, thread="1.1")
    alone = Heard("k", TEAM, "UALICE", "C9", "d", "x", NOW, alone=True)
    await write(database, drafts.post(away, "k1", said("one")), drafts.post(alone, "k2", said("two")))
    await send_all(database, slack)
    assert sorted(slack.texts("DUALICE")) == ["one", "two"] and "C9" not in slack.posted
    assert [(row.key, row.sent, row.failed, row.error) for row in await rows(database)][:2] == [
        ("k1", False, True, "channel_not_found"),
        ("k2", False, True, "channel_not_found"),
    ]


async def test_a_shape_that_slack_refuses_is_told_in_plain_words(database: Database, slack: SmallSlack) -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    too_many, too_long = Post("a", (block,) * 51), Post("b", ({**block, "text": {"text": "y" * 3001}},))
    await write(database, drafts.post(HEARD, "k1", too_many), drafts.post(HEARD, "k2", too_long))
    await write(database, drafts.post(HEARD, "k3", said("and on")))
    await send_all(database, slack)
    told = slack.texts("C1")
    assert told[0] == "and on" and len(told) == 3 and all("cannot be shown" in one for one in told[1:])


async def test_what_is_refused_for_good_ends_and_holds_nobody_up(database: Database, slack: SmallSlack) -> None:
    slack.faults = [
        Fault("chat.postMessage", error="channel_not_found", count=2),
        Fault("chat.postMessage", error="odd"),
    ]
    direct = Heard("k", TEAM, "UALICE", "", "c", "x", NOW, direct=True)
    await write(database, drafts.privately(direct, "k1", said()), drafts.post(HEARD, "k2", said("on")))
    await send_all(database, slack)
    assert not any(fault.count for fault in slack.faults)
    assert [row.key for row in await rows(database) if row.failed] == ["k1", "k2", "k2:instead"]


async def test_a_token_that_is_wrong_keeps_everything(database: Database, slack: SmallSlack) -> None:
    slack.faults = [Fault("chat.postMessage", error="token_revoked", count=3)]
    await write(database, drafts.post(HEARD, "k1", said()))
    await send_all(database, slack)
    (row,) = await rows(database)
    assert row.sent and row.attempts == 4 and slack.texts("C1") == ["Yes."]


async def test_an_update_edits_what_its_key_posted(database: Database, slack: SmallSlack) -> None:
    working = drafts.post(HEARD, "working", said("Working"))
    await write(database, working, drafts.update(drafts.post(HEARD, "k1", said("Done.")), "working"))
    await send_all(database, slack)
    assert slack.texts("C1") == ["Done."] and len(slack.called("chat.update")) == 1


async def test_an_update_of_what_was_never_posted_is_a_post(database: Database, slack: SmallSlack) -> None:
    slack.faults = [Fault("chat.postMessage", error="odd")]
    await write(database, drafts.post(HEARD, "working", said("Working")))
    await write(database, drafts.update(drafts.post(HEARD, "k1", said("Done.")), "working"))
    await send_all(database, slack)
    assert slack.texts("C1") == ["Done."] and not slack.called("chat.update")


async def test_an_update_of_what_was_deleted_is_a_post(database: Database, slack: SmallSlack) -> None:
    slack.faults = [Fault("chat.update", error="message_not_found")]
    await write(database, drafts.post(HEARD, "working", said("Working")))
    await write(database, drafts.update(drafts.post(HEARD, "k1", said("Done.")), "working"))
    await send_all(database, slack)
    assert slack.texts("C1") == ["Working", "Done."]


async def test_the_person_alone_is_told_in_the_channel(database: Database, slack: SmallSlack) -> None:
    alone = Heard("k", TEAM, "UALICE", "C1", "c", "x", NOW, alone=True)
    await write(database, drafts.post(alone, "k1", said()))
    await send_all(database, slack)
    (told,) = slack.ephemeral
    assert (told["channel"], told["user"], told["text"]) == ("C1", "UALICE", "Yes.") and not slack.posted


async def test_a_home_tab_is_published(database: Database, slack: SmallSlack) -> None:
    await write(database, drafts.home(TEAM, "UALICE", "k1", {"type": "home", "blocks": []}))
    await send_all(database, slack)
    assert slack.homes == {"UALICE": {"type": "home", "blocks": []}}


async def file_of(database: Database, heard: Heard, content: bytes, **more: bool) -> Draft:
    async with database.begin() as conn:
        id_ = await exchanges.store_file(conn, "root", "a.csv", "text/csv", content)
    file = Attachment("a.csv", "text/csv", b"", id_, "All of it", "a sheet")
    return drafts.upload(heard, "f1", file, "root", private=more.get("private", False))


async def test_a_file_is_uploaded_into_the_thread_without_the_token(database: Database, slack: SmallSlack) -> None:
    content = bytes(range(256)) * 1000
    await write(database, await file_of(database, HEARD, content))
    await send_all(database, slack)
    (file,) = slack.files.values()
    assert (file["content"], file["channels"], file["name"]) == (content, ["C1"], "a.csv")
    assert slack.posted["C1"][0]["thread_ts"] == "1.1" and slack.tokens == [""]


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_cut_off_upload_is_shared_once(database: Database, slack: SmallSlack, drop: str) -> None:
    slack.faults = [Fault("files.completeUploadExternal", drop=drop)]
    await write(database, await file_of(database, HEARD, b"abc"))
    await send_all(database, slack)
    assert [file["channels"] for file in slack.files.values() if file["channels"]] == [["C1"]]


async def test_a_private_file_goes_to_the_person(database: Database, slack: SmallSlack) -> None:
    await write(database, await file_of(database, HEARD, b"abc", private=True))
    await send_all(database, slack)
    assert [file["channels"] for file in slack.files.values()] == [["DUALICE"]]


async def test_a_file_that_has_expired_is_given_up(database: Database, slack: SmallSlack) -> None:
    draft = await file_of(database, HEARD, b"abc")
    async with database.begin() as conn:
        await conn.execute(text("DELETE FROM stored_file"))
    await write(database, draft)
    await send_all(database, slack)
    (row,) = await rows(database)
    assert row.failed and row.error == "file_expired" and not slack.files


async def test_what_nobody_takes_for_a_day_is_given_up(database: Database, slack: SmallSlack) -> None:
    slack.faults = [Fault("chat.postMessage", status=503, count=99)]
    await write(database, drafts.post(HEARD, "k1", said()))
    async with database.begin() as conn:
        await conn.execute(text("UPDATE outbox SET created_at = now() - CAST(:age AS interval)"), {"age": DAY})
    await send_all(database, slack)
    (row,) = await rows(database)
    assert row.failed and row.attempts == 1


DAY = timedelta(hours=25)


async def test_slack_that_is_not_there_is_waited_for(database: Database, slack: SmallSlack) -> None:
    away = SmallSlack(url="http://127.0.0.1:1")
    await write(database, drafts.post(HEARD, "k1", said()))
    stop = asyncio.Event()
    running = asyncio.create_task(rounds(database, away).run(stop))
    await until(lambda: _attempts(database), lambda found: found >= 1)
    stop.set()
    await running
    async with database.connect() as conn:
        assert (await conn.execute(text("SELECT started_at IS NULL FROM outbox"))).scalar_one()  # certainly not sent
    await send_all(database, slack)
    assert slack.texts("C1") == ["Yes."] and not slack.called("conversations.replies")


async def _attempts(database: Database) -> int:
    (row,) = await rows(database)
    return int(row.attempts)


async def until(look: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 10) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not good(await look()):
        assert asyncio.get_running_loop().time() < end, f"not in {seconds} s"
        await asyncio.sleep(0.05)


async def test_four_processes_send_five_hundred_once_and_in_order(database: Database, slack: SmallSlack) -> None:
    slack.faults = [Fault("chat.postMessage", drop="after"), Fault("chat.postMessage", status=429, count=2)]
    async with database.begin() as conn:
        for number in range(500):
            heard = Heard("k", TEAM, "UALICE", "C1", f"c{number % 25}", "x", NOW, thread=f"1.{number % 25}")
            draft = replace(drafts.post(heard, f"k{number}", said(f"{number}")), lane=f"l{number}")
            await outbox.enqueue(conn, "slack", draft)
    stop = asyncio.Event()
    running = [asyncio.create_task(rounds(database, slack, f"p{n}").run(stop)) for n in range(4)]
    await until(lambda: _waiting(database), lambda found: found == 0, 60)
    stop.set()
    await asyncio.gather(*running)
    found = [int(one) for one in slack.texts("C1")]
    assert sorted(found) == list(range(500))
    for number in range(25):
        assert [one for one in found if one % 25 == number] == list(range(number, 500, 25))


async def _waiting(database: Database) -> int:
    await asyncio.sleep(0.5)
    return await pending(database)


async def test_a_pause_before_the_messages_own_call_is_kept_to(database: Database, slack: SmallSlack) -> None:
    """Opening the direct messages, or asking where to upload: nobody hammers meanwhile."""
    slack.faults = [
        Fault(name, status=429, retry_after=1) for name in ("conversations.open", "files.getUploadURLExternal")
    ]
    direct = Heard("k", TEAM, "UALICE", "", "c", "x", NOW, direct=True)
    await write(database, drafts.privately(direct, "k1", said()), await file_of(database, HEARD, b"abc"))
    await send_all(database, slack, hurry=False)
    assert len(slack.called("conversations.open")) == 2 and len(slack.called("files.getUploadURLExternal")) == 2
    assert slack.texts("DUALICE") == ["Yes."] and [file["channels"] for file in slack.files.values()] == [["C1"]]
