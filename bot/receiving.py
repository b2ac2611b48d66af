"""Deliveries of a chat platform, from the inbox to what is said about them: each once, whatever is killed meanwhile."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.metrics import Metrics
from storage import follows, inbox, outbox
from storage.database import Database, StorageUnavailable

log = structlog.get_logger(__name__)

_LEASE = timedelta(seconds=20)
_POLL_S = 1.0  # what another process left behind is found this late at most, its lease apart
_PRUNE_S = 300.0
_MOST_ATTEMPTS = 4


class TryAgain(Exception):  # noqa: N818 - a state of the world, not a programmer's error
    """The delivery cannot be worked off just now, but may be in a while: `reason` in a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Handling:
    """`handle` gives what is to be said about a delivery, or raises TryAgain. `excuse` gives what is said when it
    failed for good."""

    handle: Callable[[inbox.Taken], Awaitable[Sequence[outbox.Draft]]]
    excuse: Callable[[inbox.Taken], Sequence[outbox.Draft]]


class Receiver:
    """A Source of Rounds. What is said and the end of the delivery are committed together."""

    def __init__(
        self,
        database: Database,
        surface: str,
        owner: str,
        handling: Handling,
        metrics: Metrics,
        told: Callable[[], None],
    ) -> None:
        """`told` is called when there is something to send."""
        self._database = database
        self._surface = surface
        self._owner = owner
        self._handling = handling
        self._metrics = metrics
        self._told = told
        self._pruned = 0.0

    async def take(self, limit: int) -> Sequence[inbox.Taken]:
        await self._prune()
        async with self._database.begin() as conn:
            return await inbox.take(conn, self._surface, self._owner, lease=_LEASE, limit=limit)

    async def renew(self, pieces: Sequence[inbox.Taken]) -> None:
        async with self._database.begin() as conn:
            await inbox.renew(conn, [piece.id for piece in pieces], self._owner, _LEASE)

    async def wait_s(self) -> float:
        return _POLL_S

    async def do(self, piece: inbox.Taken) -> None:
        if piece.attempts > _MOST_ATTEMPTS:
            await self._fail(piece, "it was begun too often")
            return
        try:
            drafts = await self._handling.handle(piece)
        except TryAgain as wait:
            await self._again(piece, wait.reason)
        except StorageUnavailable:  # it is taken up again when the claim has run out
            raise
        except Exception as error:
            self._metrics.failed("receiving")
            log.exception("delivery.fault", key=piece.key)
            await self._fail(piece, type(error).__name__)
        else:
            await self._finish(piece, drafts, "")

    async def _again(self, piece: inbox.Taken, reason: str) -> None:
        if piece.attempts >= _MOST_ATTEMPTS:
            await self._fail(piece, reason)
            return
        log.warning("delivery.later", key=piece.key, reason=reason, attempt=piece.attempts)
        async with self._database.begin() as conn:
            await inbox.later(conn, piece, self._owner, timedelta(seconds=2**piece.attempts), reason)

    async def _fail(self, piece: inbox.Taken, reason: str) -> None:
        log.error("delivery.failed", key=piece.key, reason=reason)
        await self._finish(piece, self._handling.excuse(piece), reason)

    async def _finish(self, piece: inbox.Taken, drafts: Sequence[outbox.Draft], error: str) -> None:
        async with self._database.begin() as conn:
            if not await inbox.finish(conn, piece, self._owner, error=error):
                log.warning("delivery.lost_claim", key=piece.key)
                return
            for draft in drafts:
                await outbox.enqueue(conn, self._surface, draft)
                if draft.follows:
                    await follows.begin(conn, self._surface, draft)
        if drafts:
            self._told()

    async def _prune(self) -> None:
        if time.monotonic() < self._pruned:
            return
        self._pruned = time.monotonic() + _PRUNE_S
        async with self._database.begin() as conn:
            given_up = await inbox.prune(conn, self._surface)
        if given_up:
            log.warning("delivery.too_old", deliveries=given_up)
