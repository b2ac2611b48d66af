"""Slack put together: the edge, the inbox, Bolt, the outbox, and the WebSocket where that is the way in."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.adapters import Answerer
from bot.adapters.slack import SURFACE
from bot.adapters.slack.answering import Answering, Parts
from bot.adapters.slack.calls import client
from bot.adapters.slack.carrier import SlackCarrier
from bot.adapters.slack.directory import Directory
from bot.adapters.slack.downloads import Downloads
from bot.adapters.slack.drafts import edit
from bot.adapters.slack.edge import PATH, Allowed, Edge
from bot.adapters.slack.editing import in_one, with_address
from bot.adapters.slack.files import Files
from bot.adapters.slack.listeners import Listeners
from bot.adapters.slack.notifying import Notifier, Piece
from bot.following import Follower
from bot.metrics import Metrics
from bot.receiving import Handling, Receiver
from bot.replies import Reply
from bot.rounds import Rounds
from bot.sending import Sender
from bot.service import Work
from bot.settings import Settings, SettingsError
from storage.database import Database
from storage.follows import Followed
from storage.inbox import Taken
from storage.outbox import Draft, Outgoing

log = structlog.get_logger(__name__)

_RENEW_S = 5.0
_MOST_ANSWERS = 8  # at once: each may hold a connection of the pipeline's pool for as long as an engine takes
_MOST_SENDS = 8
_MOST_FOLLOWED = 1  # each holds a connection while it is drawn
_POOL, _EDGE_POOL = 3, 2


class SlackChat:
    """A Chat. The edge has a pool of its own: acknowledging never waits for those who answer."""

    name = SURFACE

    def __init__(
        self,
        settings: Settings,
        database: Database,
        answerer: Answerer,
        metrics: Metrics,
        *,
        pause_s: float = 1.0,
        slow_s: float = 3.0,
    ) -> None:
        """`pause_s` is Slack's pace in a channel; `slow_s` is how long an answer may take before a word about it.

        Raises SettingsError when the environment would make the SDK forget the bot's token.
        """
        _check_surroundings(os.environ)
        token, secret = settings.slack_bot_token, settings.slack_signing_secret
        bot_token = token.get_secret_value() if token else ""
        self._settings = settings
        self._edge_pool, self._pool = database.beside(_EDGE_POOL), database.beside(_POOL)
        calls, owner = client(bot_token, settings.slack_api_url), f"{SURFACE}-{secrets.token_hex(6)}"
        directory = Directory(calls, settings.slack_team_ids)
        sender = Sender(self._pool, SURFACE, owner, SlackCarrier(calls, self._pool, directory), pause_s=pause_s)
        self._sending: Rounds[Outgoing] = Rounds("sending", sender, _MOST_SENDS, _RENEW_S)
        files = Files(calls, Downloads(bot_token, settings.slack_api_url))
        parts = Parts(
            self._pool, answerer, directory, files, self._sending.nudge, settings.match_email, slow_s=slow_s,
            page_url=settings.page_url,
        )  # fmt: skip
        self._listeners = Listeners(calls, Answering(parts), self._pool)
        handling = Handling(self._listeners.handle, self._listeners.excuse)
        receiver = Receiver(self._pool, SURFACE, owner, handling, metrics, self._sending.nudge)
        self._receiving: Rounds[Taken] = Rounds("receiving", receiver, _MOST_ANSWERS, _RENEW_S)
        follower = Follower(self._pool, SURFACE, partial(_edited, settings.page_url), self._sending.nudge)
        self._following: Rounds[int] = Rounds("following", follower, _MOST_FOLLOWED, _RENEW_S)
        notifier = Notifier(self._pool, settings.slack_team_ids, settings.slack_approvals_channel, self._sending.nudge)
        self._notifying: Rounds[Piece] = Rounds("notifying", notifier, _MOST_FOLLOWED, _RENEW_S)
        allowed = Allowed(settings.slack_team_ids, settings.slack_app_id)
        by_http = settings.slack_mode == "http" and secret is not None
        self.edge = Edge(
            self._edge_pool, allowed, secret.get_secret_value() if by_http and secret else "", metrics,
            self._receiving.nudge,
        )  # fmt: skip

    def add_routes(self, app: web.Application) -> None:
        if self._settings.slack_mode == "http":
            app.router.add_post(PATH, self.edge.receive)

    @property
    def works(self) -> Mapping[str, Work]:
        works: dict[str, Work] = {
            "slack receiving": self._receiving.run,
            "slack sending": self._sending.run,
            "slack following": self._following.run,
            "slack notifying": self._notifying.run,
        }
        if self._settings.slack_mode == "socket":
            works["slack socket"] = self._listen
        return works

    async def _listen(self, stop: asyncio.Event) -> None:
        """Hold the WebSocket until `stop`; the SDK opens a new one when Slack closes it."""
        token = self._settings.slack_app_token
        app_token = token.get_secret_value() if token else ""
        own = client(app_token, self._settings.slack_api_url)
        handler = _Socket(self._listeners.bolt, app_token, web_client=own)
        handler.edge = self.edge
        socket: Any = handler.client  # its methods have no types
        try:
            await socket.connect()
            log.info("socket.connected", surface=SURFACE)
            await stop.wait()
        finally:
            await socket.close()

    async def close(self) -> None:
        await self._pool.close()
        await self._edge_pool.close()


async def _edited(page_url: str, held: Followed, reply: Reply) -> Draft:
    drawn = await asyncio.to_thread(in_one, with_address(reply, page_url), now=datetime.now(UTC))
    return edit(held, drawn.posts[0])


def _check_surroundings(environment: Mapping[str, str]) -> None:
    """With these two set Bolt looks for installations of its own, and knows no token."""
    if {"SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"} <= environment.keys():
        raise SettingsError(
            "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are in the environment: with them the SDK ignores the bot's token",
            "unset them for Stackhand",
        )


class _Socket(AsyncSocketModeHandler):
    """The SDK's WebSocket; what it hears goes through the same edge, and is acknowledged when it was kept."""

    edge: Edge

    async def handle(self, client: AsyncBaseSocketModeClient, req: SocketModeRequest) -> None:
        verdict = await self.edge.accept_from_socket(req.payload)
        if verdict.status < 500:  # else Slack delivers it again
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))


@asynccontextmanager
async def open_slack(
    settings: Settings, database: Database, answerer: Answerer, metrics: Metrics, **pace: Any
) -> AsyncIterator[SlackChat]:
    chat = SlackChat(settings, database, answerer, metrics, **pace)
    try:
        yield chat
    finally:
        await chat.close()
