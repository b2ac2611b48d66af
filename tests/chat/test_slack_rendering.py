"""Every kind of reply, posted to a workspace that checks blocks as Slack does."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError

from bot.adapters.slack.blocks import render
from tests.bot.adapters.samples import NOW
from tests.bot.adapters.slack.samples import SAMPLES, listed, many
from tests.bot.adapters.slack.test_views import VIEWS
from tests.chat.conftest import SlackBed

OPS, ALICE = "C095000000", "UA11CE0000"
REPLIES = {**SAMPLES, "many-rows": listed(10_000, 10_000), "many-choices": many(250)}


@pytest.mark.parametrize("name", REPLIES)
async def test_a_reply_is_taken_and_kept_as_it_was_sent(name: str, slack_bed: SlackBed) -> None:
    client = slack_bed.client()
    asked = await client.chat_postMessage(channel=OPS, text=f"the thread of {name}")
    for post in render(REPLIES[name], now=NOW).posts:
        await client.chat_postMessage(
            channel=OPS, thread_ts=asked["ts"], text=post.text, blocks=post.blocks, mrkdwn=False,
            unfurl_links=False, unfurl_media=False,
        )  # fmt: skip
        thread = await client.conversations_replies(channel=OPS, ts=asked["ts"])
        last = thread["messages"][-1]
        assert (last["text"], last["blocks"]) == (post.text, list(post.blocks))


async def test_a_home_is_published(slack_bed: SlackBed) -> None:
    for view in (VIEWS["home"], VIEWS["home-empty"], VIEWS["home-unknown"]):
        assert (await slack_bed.client().views_publish(user_id=ALICE, view=view))["view"]["blocks"] == view["blocks"]


@pytest.fixture
async def triggers(slack_bed: SlackBed) -> AsyncIterator[list[str]]:
    """Trigger ids of what people do, as they are delivered to a bot."""
    heard: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        heard.extend(value for value in [(await request.post()).get("trigger_id")] if isinstance(value, str))
        return web.Response()

    app = web.Application()
    app.router.add_post("/slack/events", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    before = await _control(slack_bed, "config", {})
    await _control(slack_bed, "config", {"events_url": address})
    yield heard
    await _control(slack_bed, "config", {"events_url": before["config"]["events_url"]})
    await runner.cleanup()


@pytest.mark.parametrize("name", ["modal-ask", "modal-feedback", "modal-error"])
async def test_a_modal_opens(name: str, slack_bed: SlackBed, triggers: list[str]) -> None:
    await _control(slack_bed, "command", {"user": "alice", "channel": "#ops", "command": "/stackhand", "text": ""})
    opened = await slack_bed.client().views_open(trigger_id=triggers[-1], view=VIEWS[name])
    assert opened["view"]["title"] == VIEWS[name]["title"]


async def _control(bed: SlackBed, call: str, body: dict[str, Any]) -> Any:
    async with aiohttp.ClientSession() as session, session.post(f"{bed.control_url}/{call}", json=body) as answer:
        return json.loads(await answer.text())


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([{"type": "divider"}] * 51, "invalid_blocks"),
        ([{"type": "no_such_block"}], "invalid_blocks"),
        ([{"type": "section", "text": {"type": "plain_text", "text": "x" * 2900}}] * 5, "msg_blocks_too_long"),
    ],
)
async def test_the_workspace_would_notice(blocks: list[dict[str, Any]], error: str, slack_bed: SlackBed) -> None:
    with pytest.raises(SlackApiError) as refused:
        await slack_bed.client().chat_postMessage(channel=OPS, text="x", blocks=blocks)
    assert refused.value.response["error"] == error
