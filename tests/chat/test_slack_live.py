"""Stackhand in a Slack workspace: what people do there, and what they get."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from sqlalchemy import text

from bot.adapters.slack.signatures import SIGNATURE, TIMESTAMP, sign
from bot.messages import Message
from bot.replies import File, Reply, Text
from storage import sync
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.people import link_account
from tests.bot.world import World, build
from tests.chat.bed import APP, APPROVALS, BOT, OPS, PEOPLE, TEAM, Bed, chatting, needs_bed, running_bed, until
from tests.conftest import TEMPLATE, execute, url_of

pytestmark = needs_bed
MANY_ROWS = "list all vms"


@pytest.fixture(scope="module")
def bed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    with running_bed(tmp_path_factory.mktemp("bed")) as bed:
        yield bed


@pytest.fixture
async def bed(bed_server: Bed) -> Bed:
    await bed_server.call("reset")
    return bed_server


async def link(database: Database) -> None:
    """Alice may see everything, bob some projects; carol is not linked."""
    async with database.begin() as conn:
        await link_account(conn, "slack", f"{TEAM}/{PEOPLE['alice']}", "root")
        await link_account(conn, "slack", f"{TEAM}/{PEOPLE['bob']}", "ann")


@pytest.fixture(scope="module")
async def world(_server: Database, postgres: EmbeddedServer) -> AsyncIterator[World]:
    name = "small_world_of_chat"
    await execute(_server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    database = Database(url_of(postgres.url, name))
    world = await build(database)
    await link(database)
    yield world
    await database.close()
    await execute(_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
async def linked(world: World) -> World:
    """The shared world, with nothing in the way in and the way out."""
    async with world.database.begin() as conn:
        await conn.execute(text("TRUNCATE inbox, outbox, pace, exchange, follow"))
    return world


@pytest.fixture(params=["http", "socket"])
async def slack(request: Any, bed: Bed, linked: World) -> AsyncIterator[Bed]:
    """Both ways in."""
    async with chatting(bed, linked.database, linked.pipeline, request.param):
        yield bed


@pytest.fixture
async def by_http(bed: Bed, linked: World) -> AsyncIterator[Bed]:
    async with chatting(bed, linked.database, linked.pipeline):
        yield bed


def acked(said: dict[str, Any]) -> bool:
    return all(one["status"] == 200 and one["ms"] < 1000 for one in said["deliveries"])


def buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for block in message["blocks"] for e in block.get("elements", ()) if e.get("type") == "button"]


def shown(message: dict[str, Any]) -> str:
    return f"{message['text']} {message.get('blocks')}"


async def test_a_mention_is_answered_in_its_thread(slack: Bed) -> None:
    said = await slack.say("alice", "@bot how many vms are there?")
    assert acked(said)
    (answer,) = await slack.answers(1)
    assert answer["thread_ts"] == said["ts"] and "VM" in answer["text"]


async def test_a_reply_of_the_asker_in_the_thread_needs_no_mention(slack: Bed) -> None:
    said = await slack.say("alice", "@bot how many vms are there?")
    await slack.answers(1)
    await slack.say("bob", "nice", thread_ts=said["ts"])
    await slack.say("alice", "and hosts?", thread_ts=said["ts"])
    await slack.say("alice", "nobody is asked here")
    found = await slack.answers(2)
    await asyncio.sleep(0.5)
    assert len(await slack.by_bot()) == 2
    assert found[1]["thread_ts"] == said["ts"] and "host" in found[1]["text"].lower()


async def test_a_sync_has_one_message_that_ends_with_what_came_of_it(by_http: Bed, linked: World) -> None:
    said = await by_http.say("alice", "@bot sync now")
    (answer,) = await by_http.answers(1)
    assert "asked for" in answer["text"] and answer["thread_ts"] == said["ts"]
    async with linked.database.begin() as conn:
        claimed = [await sync.claim_run(conn, [source]) for source in ("lab-2", "pcd-1")]
    await until(by_http.by_bot, lambda found: "is running" in found[0]["text"])
    async with linked.database.begin() as conn:
        for run in filter(None, claimed):
            await sync.close_run(conn, run.run_id, state="done", detail="", kinds={"vm": {"outcome": "complete"}})
    (last,) = await until(by_http.by_bot, lambda found: "is done" in found[0]["text"])
    assert last["ts"] == answer["ts"] and "nothing changed" in shown(last)


async def test_a_direct_message_is_answered_there(slack: Bed) -> None:
    await slack.say("alice", "how many vms are there?", "dm")
    channel = await slack.direct("alice")
    (answer,) = await slack.answers(1, channel)
    assert "thread_ts" not in answer and "VM" in answer["text"]


async def test_several_of_a_name_a_button_and_its_answer(slack: Bed) -> None:
    said = await slack.say("alice", "@bot show web-01")
    (asked,) = await slack.answers(1)
    choice = buttons(asked)[0]
    clicked = await slack.call("action", user="alice", channel=OPS, ts=asked["ts"], action_id=choice["action_id"])
    assert clicked["status"] == 200 and clicked["ms"] < 1000
    answer = (await slack.answers(2))[1]
    assert answer["thread_ts"] == said["ts"]
    assert PEOPLE["alice"] in shown(answer)  # others see who pressed what


async def test_a_command_is_answered_to_the_person_alone(slack: Bed) -> None:
    done = await slack.call(
        "command", user="alice", channel="#ops", command="/stackhand", text="how many vms are there?"
    )
    assert done["status"] == 200
    found = await until(lambda: slack.get("messages/%23ops"), lambda found: bool(found["ephemeral"]))
    assert found["ephemeral"][0]["user"] == PEOPLE["alice"] and "VM" in found["ephemeral"][0]["text"]
    assert await slack.by_bot() == []


async def test_a_command_where_the_bot_is_not_is_answered_in_a_direct_message(by_http: Bed) -> None:
    await by_http.call("command", user="alice", channel="#secret", command="/stackhand", text="how many vms are there?")
    (answer,) = await by_http.answers(1, await by_http.direct("alice"))
    assert "VM" in answer["text"]


async def test_a_file_that_is_asked_for_is_uploaded_into_the_thread(by_http: Bed) -> None:
    said = await by_http.say("alice", "@bot list all vms as csv")
    found = await until(
        lambda: by_http.messages(), lambda found: any(one.get("files") and one["user"] == BOT for one in found)
    )
    (posted,) = [one for one in found if one.get("files") and one["user"] == BOT]
    assert posted["thread_ts"] == said["ts"] and posted["files"][0]["name"].endswith(".csv")


class Keeping:
    """An answerer that keeps what it was told."""

    def __init__(self, *replies: Reply) -> None:
        self.heard: list[Message] = []
        self.replies = replies or (Reply((Text("Yes.", "heading"),)),)

    async def answer(self, message: Message) -> tuple[Reply, ...]:
        self.heard.append(message)
        return self.replies


async def test_a_file_that_somebody_drops_arrives_whole(bed: Bed, linked: World) -> None:
    keeping, content = Keeping(), bytes(range(256)) * 400
    async with chatting(bed, linked.database, keeping):
        file = {"name": "plan.xlsx", "content_base64": base64.b64encode(content).decode()}
        await bed.say("alice", "what is this?", "dm", files=[file])
        await bed.answers(1, await bed.direct("alice"))
    (message,) = keeping.heard
    assert [(one.name, one.content) for one in message.files] == [("plan.xlsx", content)]
    assert message.channel is not None and message.channel.readers == "asker"


async def test_an_unlinked_person_is_told_privately_and_once(by_http: Bed) -> None:
    await by_http.say("carol", "@bot how many vms are there?")
    channel = await by_http.direct("carol")
    (told,) = await by_http.answers(1, channel)
    await by_http.say("carol", "@bot how many vms are there?")
    await asyncio.sleep(0.7)
    assert len(await by_http.by_bot(channel)) == 1 and await by_http.by_bot() == []
    assert "VM" not in told["text"]


async def test_a_private_reply_leaves_a_note_in_the_thread(bed: Bed, linked: World) -> None:
    secret = Reply((Text("It is a secret.", "heading"),), private=True)
    async with chatting(bed, linked.database, Keeping(secret)):
        said = await bed.say("alice", "@bot tell")
        (told,) = await bed.answers(1, await bed.direct("alice"))
        (note,) = await bed.answers(1)
    assert "secret" in told["text"] and "secret." not in shown(note)
    assert note["thread_ts"] == said["ts"]


async def test_the_same_delivery_again_and_again_acts_once(slack: Bed) -> None:
    said = await slack.say("alice", "@bot how many vms are there?")
    event = said["deliveries"][0]["event_id"]
    for number, pause in ((1, 0.0), (2, 0.3), (3, 0.6)):
        await asyncio.sleep(pause)
        assert (await slack.call("redeliver", event_id=event, retry_num=number))["status"] == 200
    again = await asyncio.gather(*(slack.call("redeliver", event_id=event, retry_num=1) for _ in range(20)))
    assert {one["status"] for one in again} == {200}
    await asyncio.sleep(0.5)
    assert len(await slack.by_bot()) == 1


async def test_a_workspace_that_is_not_on_the_list_is_refused(bed: Bed, linked: World) -> None:
    async with chatting(bed, linked.database, linked.pipeline, teams="T999999999"):
        said = await bed.say("alice", "@bot how many vms are there?")
        assert {one["status"] for one in said["deliveries"]} == {403}
        await asyncio.sleep(0.3)
        assert await bed.by_bot() == []


async def test_a_bad_signature_and_an_old_one_are_refused(by_http: Bed) -> None:
    for wrong in ({"signature": "bad"}, {"timestamp_offset": -301}, {"timestamp_offset": 310}):
        said = await by_http.say("alice", "@bot how many vms are there?", auto_retry=False, **wrong)
        assert {one["status"] for one in said["deliveries"]} == {401}
    await asyncio.sleep(0.3)
    assert await by_http.by_bot() == []


async def test_edits_deletions_and_bots_start_nothing(by_http: Bed, linked: World) -> None:
    said = await by_http.say("alice", "@bot how many vms are there?")
    await by_http.answers(1)
    edited = {"type": "message", "user": PEOPLE["alice"], "text": f"<@{BOT}> delete all vms", "ts": said["ts"]}
    events: list[dict[str, Any]] = [
        {"type": "message", "subtype": "message_changed", "channel": OPS, "ts": "1.1", "message": edited},
        {"type": "message", "subtype": "message_deleted", "channel": OPS, "ts": "1.2", "deleted_ts": said["ts"]},
        {
            "type": "message",
            "subtype": "bot_message",
            "channel": OPS,
            "ts": "1.3",
            "bot_id": "B1",
            "text": f"<@{BOT}> x",
        },
        {"type": "app_mention", "channel": OPS, "ts": "1.4", "user": "U9", "bot_id": "B1", "text": f"<@{BOT}> x"},
        {"type": "message", "channel": OPS, "ts": "1.5", "user": BOT, "text": f"<@{BOT}> x"},
        {"type": "message", "subtype": "channel_join", "channel": OPS, "ts": "1.6", "user": "U9", "text": f"<@{BOT}>"},
    ]
    for event in events:
        assert (await by_http.call("event", event=event))["status"] == 200
    await asyncio.sleep(0.4)
    assert len(await by_http.by_bot()) == 1
    async with linked.database.connect() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM inbox"))).scalar_one() == 1


async def test_the_home_tab_shows_rights_and_health(slack: Bed) -> None:
    assert (await slack.call("home", user="alice"))["status"] == 200
    found = await until(lambda: slack.get("views"), lambda found: PEOPLE["alice"] in found["homes"])
    assert "superadmin" in str(found["homes"][PEOPLE["alice"]])


async def test_an_assistant_thread_is_offered_prompts_and_answered_in_the_thread(by_http: Bed) -> None:
    thread = await by_http.call("assistant", user="alice")
    calls = await until(
        lambda: by_http.get("log"),
        lambda found: any(one.get("method") == "assistant.threads.setSuggestedPrompts" for one in found["log"]),
    )
    assert calls
    await by_http.say("alice", "how many vms are there?", "dm", thread_ts=thread["thread_ts"])
    (answer,) = await by_http.answers(1, thread["channel"], thread["thread_ts"])
    assert "VM" in answer["text"]


async def test_feedback_by_a_form(by_http: Bed, linked: World) -> None:
    await by_http.say("alice", "@bot how many vms are there?")
    (answer,) = await by_http.answers(1)
    await shortcut(by_http, "alice", "feedback", {"type": "message_action", "channel": {"id": OPS}, "message": answer})
    view = await opened(by_http, "feedback")
    sent = await by_http.call("view_submit", user="alice", view_id=view["id"], values={"words": "I meant hosts"})
    assert sent["status"] == 200 and not sent["open"]
    (told,) = await by_http.answers(1, await by_http.direct("alice"))
    assert "wrong" in told["text"]
    async with linked.database.connect() as conn:
        row = (await conn.execute(text("SELECT good, remark FROM exchange"))).one()
    assert tuple(row) == (False, "I meant hosts")


async def test_a_question_in_a_form_is_answered_in_a_direct_message(slack: Bed) -> None:
    await shortcut(slack, "alice", "ask", {"type": "shortcut"})
    view = await opened(slack, "ask")
    sent = await slack.call(
        "view_submit", user="alice", view_id=view["id"], values={"words": "how many vms are there?"}
    )
    assert sent["status"] == 200 and not sent["open"]
    (answer,) = await slack.answers(1, await slack.direct("alice"))
    assert "VM" in answer["text"]


async def test_whoever_is_not_known_is_told_so_in_the_form(by_http: Bed) -> None:
    await shortcut(by_http, "carol", "ask", {"type": "shortcut"})
    view = await opened(by_http, "error")
    assert "words" not in str(view["blocks"])


async def opened(bed: Bed, purpose: str) -> dict[str, Any]:
    found = await until(lambda: bed.get("views"), lambda found: bool(found["views"]))
    view = found["views"][0]
    assert view["callback_id"] == purpose
    return dict(view)


async def shortcut(bed: Bed, user: str, purpose: str, more: dict[str, Any]) -> None:
    """The test bed has no shortcuts of its own: one signed as Slack signs, or said over its WebSocket's edge."""
    state = await bed.get("state")
    headers = {"Authorization": "Bearer " + state["bot"]["token"]}
    async with aiohttp.ClientSession() as session:
        url = f"{bed.api_url}views.generateTriggerId"
        async with session.post(url, json={"user_id": PEOPLE[user]}, headers=headers) as answer:
            trigger = (await answer.json())["trigger_id"]
    payload = {
        "callback_id": purpose, "trigger_id": trigger, "api_app_id": APP, "team": {"id": TEAM},
        "user": {"id": PEOPLE[user]}, **more,
    }  # fmt: skip
    if state["config"]["mode"] == "socket":
        assert bed.chat is not None
        assert (await bed.chat.edge.accept_from_socket(payload)).status == 200
        return
    body, stamp = urlencode({"payload": json.dumps(payload)}).encode(), str(int(time.time()))
    signed = {
        TIMESTAMP: stamp, SIGNATURE: sign(body, stamp, state["signing_secret"]),
        "Content-Type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    url = state["config"]["events_url"]
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=signed) as done:
        assert done.status == 200


class Slow(Keeping):
    async def answer(self, message: Message) -> tuple[Reply, ...]:
        await asyncio.sleep(1.0)
        return await super().answer(message)


async def test_a_slow_answer_takes_the_place_of_a_word_that_says_so(bed: Bed, linked: World) -> None:
    async with chatting(bed, linked.database, Slow(), slow_s=0.1):
        await bed.say("alice", "@bot think")
        (working,) = await bed.answers(1)
        assert "Working" in working["text"]
        (answer,) = await until(lambda: bed.by_bot(), lambda found: "Yes" in found[0]["text"])
    assert answer["ts"] == working["ts"]


async def test_five_hundred_replies_with_many_429s_arrive_once_and_in_order(bed: Bed, linked: World) -> None:
    from storage import outbox
    from storage.outbox import Draft

    threads = [(await bed.say("bob", f"thread {n}", channel))["ts"] for n, channel in enumerate(("#ops", "#approvals"))]
    faults = [{"method": "chat.postMessage", "status": 429, "retry_after": 1, "count": 1} for _ in range(3)]
    places = list(zip((OPS, APPROVALS), threads, strict=True))
    async with linked.database.begin() as conn:
        for number in range(500):
            channel, thread = places[number % 2]
            block = {"type": "section", "text": {"type": "mrkdwn", "text": f"{number}"}}
            body = {"op": "chat.postMessage", "channel": channel, "thread_ts": thread, "text": f"{number}"}
            draft = Draft(f"c{number % 2}", f"k{number}", {**body, "blocks": [block]}, channel, "chat.postMessage")
            await outbox.enqueue(conn, "slack", draft)
    await bed.faults(*faults)
    async with (
        chatting(bed, linked.database, linked.pipeline, pause_s=0.002),
        chatting(bed, linked.database, linked.pipeline, pause_s=0.002),
    ):
        for at, channel in enumerate(("#ops", "#approvals")):
            await bed.answers(250, channel, seconds=60)
            found = [int(one["text"]) for one in await bed.by_bot(channel)]
            assert found == list(range(at, 500, 2))
    log = (await bed.get("log"))["log"]
    assert sum(1 for one in log if one["kind"] == "api_answer" and one["method"] == "chat.postMessage") <= 500


async def test_a_file_too_large_for_an_answer_is_not_silent(bed: Bed, linked: World) -> None:
    file = Reply((Text("Here it is.", "heading"), File("all.txt", "text/plain", b"x" * 300_000)))
    async with chatting(bed, linked.database, Keeping(file)):
        await bed.say("alice", "@bot give")
        found = await until(
            lambda: bed.messages(), lambda found: any(one.get("files") and one["user"] == BOT for one in found)
        )
    (posted,) = [one for one in found if one.get("files") and one["user"] == BOT]
    assert posted["files"][0]["size"] == 300_000
