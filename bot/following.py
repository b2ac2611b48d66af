"""Messages that tell of what goes on, edited meanwhile: durable, by any number of processes, none told twice."""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from hashlib import sha256

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.followed import LASTING, patience, told_of
from bot.replies import Reply, to_json
from storage import follows, outbox
from storage.database import Database
from storage.follows import Followed
from storage.outbox import Draft

log = structlog.get_logger(__name__)

_LEASE = timedelta(seconds=5)  # until another process looks, when this one died
_PAUSE = timedelta(seconds=1)  # between two edits of a message
_POLL_S = 1.0
_FORGET = timedelta(hours=2)  # what could not even be given up
_FORGET_LASTING = timedelta(days=7)


class Follower:
    """A Source of Rounds. `draw` makes the edit of a message; `told` is called when one waits to be sent."""

    def __init__(
        self,
        database: Database,
        surface: str,
        draw: Callable[[Followed, Reply], Awaitable[Draft]],
        told: Callable[[], None],
    ) -> None:
        self._database = database
        self._surface = surface
        self._draw = draw
        self._told = told

    async def take(self, limit: int) -> Sequence[int]:
        async with self._database.begin() as conn:
            forgotten = await follows.prune(conn, self._surface, _FORGET, lasting=LASTING, lasting_age=_FORGET_LASTING)
            found = await follows.take(conn, self._surface, _LEASE, limit)
        if forgotten:
            log.warning("follow.forgotten", messages=forgotten)
        return found

    async def renew(self, pieces: Sequence[int]) -> None:
        """Not needed: the row is locked while it is worked on."""

    async def wait_s(self) -> float:
        return _POLL_S

    async def do(self, piece: int) -> None:
        """The edit, and what is known to be shown, are committed together."""
        async with self._database.begin() as conn:
            held = await follows.hold(conn, piece)
            edited = held is not None and await self._bring(conn, held)
        if edited:
            self._told()

    async def _bring(self, conn: AsyncConnection, held: Followed) -> bool:
        """Whether there is an edit to send."""
        late = held.age > patience(held.refs)
        if held.failed or (late and not held.sent):
            log.warning("follow.not_sent", key=held.key)
            await follows.end(conn, held.id)
            return False
        told = await told_of(conn, held.refs, late=late) if held.sent else None
        if told is None or (told.reply is None and not told.ended):
            await follows.again(conn, held.id, held.shown, _PAUSE)
            return False
        if late:
            log.warning("follow.given_up", key=held.key, refs=list(held.refs))
        if told.reply is None:
            await follows.end(conn, held.id)
            return False
        return await self._tell(conn, held, told.reply, is_last=told.ended)

    async def _tell(self, conn: AsyncConnection, held: Followed, reply: Reply, *, is_last: bool) -> bool:
        shown = sha256(json.dumps(to_json(reply), sort_keys=True).encode()).hexdigest()
        edited = shown != held.shown
        if edited:
            await outbox.replace(conn, self._surface, await self._draw(held, reply))
        if is_last:
            await follows.end(conn, held.id)
        else:
            await follows.again(conn, held.id, shown, _PAUSE)
        return edited
