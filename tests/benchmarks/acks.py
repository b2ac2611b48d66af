"""Measures how soon a chat platform is acknowledged while every answer takes half a minute."""

import asyncio
import json
import time

import aiohttp
from aiohttp import web
from sqlalchemy import text

from bot.adapters.slack.app import SlackChat
from bot.adapters.slack.edge import PATH
from bot.adapters.slack.signatures import SIGNATURE, TIMESTAMP, sign
from bot.messages import Message
from bot.metrics import Metrics
from bot.replies import Reply, Text
from bot.service import run_until
from bot.settings import load_settings
from storage.database import Database
from storage.people import Grant, add_person, grant, link_account
from tests.benchmarks.figures import Figure, percentile, say
from tests.bot.adapters.slack.small_slack import APP, TEAM, TOKEN, small_slack

_SECRET = "a-secret-of-the-benchmark"
_A_SECOND = 20
_ENGINE_S = 30.0


class _Slow:
    """As an engine whose cloud does not answer: it holds a connection of the pipeline's pool all the while."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.begun = 0

    async def answer(self, message: Message) -> tuple[Reply, ...]:
        self.begun += 1
        async with self._database.begin() as conn:
            await conn.execute(text("SELECT 1"))
            await asyncio.sleep(_ENGINE_S)
        return (Reply((Text("Late.", "heading"),)),)


async def measure(database: Database, messages: int) -> None:
    async with database.begin() as conn:
        await add_person(conn, "alice", "Alice")
        await grant(conn, "alice", Grant("viewer"), "benchmark")
        await link_account(conn, "slack", f"{TEAM}/UALICE", "alice")
    async with small_slack() as slack:
        settings = load_settings(
            slack_bot_token=TOKEN, slack_signing_secret=_SECRET, slack_teams=TEAM, slack_app_id=APP,
            slack_api_url=slack.api_url,
        )  # fmt: skip
        metrics, stop, slow = Metrics(), asyncio.Event(), _Slow(database)
        chat, app = SlackChat(settings, database, slow, metrics), web.Application()
        chat.add_routes(app)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        running = asyncio.create_task(run_until(stop, dict(chat.works), metrics))
        took, statuses = await _deliver(f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}", messages)
        say(Figure("chat", "acknowledgement p50", percentile(took, 0.5) * 1000, "ms"))
        note = f"{messages} at {_A_SECOND} a second, {slow.begun} answers of {_ENGINE_S:.0f} s begun"
        say(Figure("chat", "acknowledgement p99", percentile(took, 0.99) * 1000, "ms", 1000, note=note))
        say(Figure("chat", "acknowledgements that failed", sum(status != 200 for status in statuses), "", 0))
        stop.set()
        await running
        await runner.cleanup()
        await chat.close()


async def _deliver(url: str, messages: int) -> tuple[list[float], list[int]]:
    """Each is sent at its time, however long those before it take."""
    async with aiohttp.ClientSession() as session:

        async def one(number: int) -> tuple[float, int]:
            await asyncio.sleep(number / _A_SECOND)
            event = {"type": "message", "channel_type": "im", "channel": f"D{number % 97}", "user": "UALICE"}
            event |= {"ts": f"1.{number}", "text": "how many vms are there?"}
            payload = {"type": "event_callback", "team_id": TEAM, "api_app_id": APP, "event": event}
            body, stamp = json.dumps(payload).encode(), str(int(time.time()))
            headers = {TIMESTAMP: stamp, SIGNATURE: sign(body, stamp, _SECRET), "Content-Type": "application/json"}
            begun = time.perf_counter()
            async with session.post(url, data=body, headers=headers) as answer:
                return time.perf_counter() - begun, answer.status

        found = await asyncio.gather(*(one(number) for number in range(messages)))
    return [took for took, _ in found], [status for _, status in found]
