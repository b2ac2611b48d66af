"""Those who could approve a request are told: by a direct message each, or together in the approvals channel."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from bot.adapters.slack import SURFACE, drafts
from bot.adapters.slack.blocks import render
from bot.adapters.slack.posts import Post
from bot.cards_of_changes import View, card
from bot.deciding import REVEAL, button
from bot.notices import WHATS, Notice, What, lead, notice, take
from bot.replies import Choices, Reply, Text
from storage import follows, outbox, requests
from storage.database import Database
from storage.outbox import Draft

log = structlog.get_logger(__name__)
_POLL_S = 1.0
_USER = re.compile(r"[UW][A-Z0-9]{1,30}")
Piece = tuple[What, int]


class Notifier:
    """A Source of Rounds. Each notice is written once, whatever process finds it, with the messages that tell it."""

    def __init__(self, database: Database, teams: frozenset[str], channel: str, told: Callable[[], None]) -> None:
        """`channel` is the id of the approvals channel, empty for none; `told` is called when something waits."""
        self._database = database
        self._teams = teams
        self._channel = channel
        self._told = told

    async def take(self, limit: int) -> Sequence[Piece]:
        found: list[Piece] = []
        async with self._database.connect() as conn:
            for what in WHATS:
                found += [(what, id_) for id_ in await requests.untold(conn, SURFACE, what, limit)]
        return found[:limit]

    async def renew(self, pieces: Sequence[Piece]) -> None:
        """Not needed: what is told is marked in the transaction that writes it."""

    async def wait_s(self) -> float:
        return _POLL_S

    async def do(self, piece: Piece) -> None:
        what, id_ = piece
        async with self._database.begin() as conn:
            request = await take(conn, SURFACE, what, id_)
            if request is None:
                return
            told = await notice(conn, request, what, SURFACE, self._channel)
            made = await asyncio.to_thread(self._drafts, told)
            for draft in made:
                if await outbox.enqueue(conn, SURFACE, draft) and draft.follows:
                    await follows.begin(conn, SURFACE, draft)
        if not made:
            log.warning("request.nobody_told", request=request.name, what=what)
        self._told()

    def _drafts(self, told: Notice) -> list[Draft]:
        split = [account.partition("/") for account in told.accounts]
        users = [user for team, _, user in split if team in self._teams and _USER.fullmatch(user)]
        if told.channel:
            return [self._in_channel(told, users)]
        return [self._direct(told, user) for user in dict.fromkeys(users)]

    def _direct(self, told: Notice, user: str) -> Draft:
        post = _post(told, "approver")
        body = {"op": drafts.POST, "user": user, "text": post.text, "blocks": list(post.blocks)}
        return _draft(told, user, body, f"user:{user}", "/approver")

    def _in_channel(self, told: Notice, users: Sequence[str]) -> Draft:
        """The card under a line that mentions those who could approve."""
        post, body = _post(told, "all"), {"op": drafts.POST, "channel": told.channel}
        mentions = " ".join(f"<@{user}>" for user in dict.fromkeys(users))
        blocks = list(post.blocks)
        if mentions:
            first = {"type": "context", "elements": [{"type": "mrkdwn", "text": mentions[:2900]}]}
            blocks = [first, *blocks]
        return _draft(told, told.channel, {**body, "text": post.text, "blocks": blocks, "led": bool(mentions)},
                      told.channel, "")  # fmt: skip


def _draft(told: Notice, place: str, body: Mapping[str, Any], lane: str, view: str) -> Draft:
    key = f"{told.request.token}:{told.what}:{place}"
    refs = (f"request/{told.request.id}{view}",) if told.what == "asked" else ()
    return Draft(f"{SURFACE}:request:{told.request.id}:{place}", key, body, lane, drafts.POST, refs)


def _post(told: Notice, view: View) -> Post:
    now = datetime.now(UTC)
    if told.what == "asked":
        reply = card(told.card, view, now)
        return render(reply, now=now).posts[0]
    shows = told.what == "password"
    press = button("show the password once", REVEAL, told.request.token)
    open_it = Choices((press if shows else button("open", "show", told.request.token),))
    first = Text(lead(told), "warning" if told.what == "broken" else "heading")
    return render(Reply((first, open_it), demo=told.card.plan.demo), now=now).posts[0]
