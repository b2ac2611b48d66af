"""A Slack workspace on this machine to run against, and Stackhand's Slack beside it in this process.

Without a test bed beside the checkout, or without Node, the tests are skipped.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.adapters import Answerer
from bot.adapters.slack.app import SlackChat
from bot.metrics import Metrics
from bot.service import run_until
from bot.settings import Settings, load_settings
from storage.database import Database

PLACE = Path(__file__).parents[3] / "shared" / "testbed" / "chat"
needs_bed = pytest.mark.skipif(
    not (PLACE / "slack-up").exists() or not shutil.which("npm"), reason="there is no Slack test bed, or no npm"
)

TEAM, APP, BOT = "T000000001", "A0000OPS", "U0000BOT"
PEOPLE = {"alice": "UA11CE0000", "bob": "UB0B000000", "carol": "UCA2010000", "dave": "UDA7E00000"}
OPS, APPROVALS = "C095000000", "CA99200000"
Json = dict[str, Any]


class Bed:
    """The test bed's control address; `chat` is what is connected to it."""

    def __init__(self, port: int) -> None:
        self.chat: SlackChat | None = None
        self.api_url = f"http://127.0.0.1:{port}/api/"
        self._control = f"http://127.0.0.1:{port}/_control"

    async def call(self, what: str, /, **body: Any) -> Json:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self._control}/{what}", json=body or {}) as answer,
        ):
            return dict(await answer.json())

    async def faults(self, *faults: Json) -> None:
        async with aiohttp.ClientSession() as session, session.post(f"{self._control}/faults", json=list(faults)) as r:
            assert r.status == 200

    async def get(self, what: str) -> Json:
        async with aiohttp.ClientSession() as session, session.get(f"{self._control}/{what}") as answer:
            return dict(await answer.json())

    async def say(self, user: str, text: str, channel: str = "#ops", **more: Any) -> Json:
        """Mentions are written `@bot`."""
        text = text.replace("@bot", f"<@{BOT}>")
        return await self.call("message", user=user, text=text, channel=channel, **more)

    async def messages(self, channel: str = "#ops") -> list[Json]:
        return list((await self.get(f"messages/{channel.replace('#', '%23')}"))["messages"])

    async def by_bot(self, channel: str = "#ops", thread: str = "") -> list[Json]:
        found = [one for one in await self.messages(channel) if one.get("user") == BOT]
        return [one for one in found if not thread or one.get("thread_ts") == thread]

    async def answers(self, count: int, channel: str = "#ops", thread: str = "", seconds: float = 15) -> list[Json]:
        """The bot's messages when there are that many; fails when there are not in time."""
        found = await until(lambda: self.by_bot(channel, thread), lambda found: len(found) >= count, seconds)
        return list(found)

    async def settings(self, url: str, mode: str = "http") -> None:
        await self.call("config", events_url=url, mode=mode, enforce_rate=False)

    async def direct(self, user: str) -> str:
        """The channel of direct messages with the bot."""
        async with aiohttp.ClientSession() as session:
            headers = {"Authorization": "Bearer xoxb-" + "testbed-bot"}
            url = f"{self.api_url}conversations.open"
            async with session.post(url, json={"users": PEOPLE[user]}, headers=headers) as answer:
                return str((await answer.json())["channel"]["id"])


async def until(look: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 15) -> Any:
    """What `look` gives when it is good; fails with what it gave last."""
    end = time.monotonic() + seconds
    while True:
        found = await look()
        if good(found):
            return found
        assert time.monotonic() < end, f"not in {seconds} s: {found}"
        await asyncio.sleep(0.05)


def free_pair() -> int:
    """A free port whose follower is free too: the test bed takes both."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@contextmanager
def running_bed(directory: Path) -> Iterator[Bed]:
    port = int(os.environ.get("SLACK_TESTBED_PORT", "0")) or free_pair()
    environment = {**os.environ, "SLACK_TESTBED_PORT": str(port), "TESTBED_DIR": str(directory)}
    up = subprocess.run(
        [f"{PLACE}/slack-up"], env=environment, check=False, capture_output=True, text=True, timeout=120
    )
    if up.returncode != 0:
        pytest.skip(f"the Slack test bed did not start: {up.stderr[-300:]}")
    try:
        yield Bed(port)
    finally:
        subprocess.run([f"{PLACE}/slack-down"], env=environment, check=False, capture_output=True, timeout=30)


def settings_for(bed: Bed, mode: str = "http", teams: str = TEAM) -> Settings:
    return load_settings(
        slack_bot_token="xoxb-" + "testbed-bot",
        slack_app_token="xapp-" + "testbed-app",
        slack_signing_secret="testbed-signing-secret",
        slack_mode=mode,
        slack_teams=teams,
        slack_app_id=APP,
        slack_api_url=bed.api_url,
    )


@asynccontextmanager
async def chatting(
    bed: Bed, database: Database, answerer: Answerer, mode: str = "http", teams: str = TEAM, **pace: float
) -> AsyncIterator[SlackChat]:
    """Stackhand's Slack as a process would run it; it listens where the test bed delivers."""
    metrics, stop = Metrics(), asyncio.Event()
    chat = SlackChat(settings_for(bed, mode, teams), database, answerer, metrics, **{"pause_s": 0.02, **pace})
    app = web.Application()
    chat.add_routes(app)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await bed.settings(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events", mode)
    bed.chat = chat
    working = asyncio.create_task(run_until(stop, dict(chat.works), metrics))
    try:
        if mode == "socket":
            await until(lambda: bed.get("state"), lambda state: state["sockets"] > 0)
        yield chat
    finally:
        stop.set()
        await working
        await runner.cleanup()
        await chat.close()


def texts(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(one.get("text", "")) for one in messages]
