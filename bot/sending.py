"""Messages of the outbox on their way to a chat platform: in order, paced, none lost and none twice."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from storage import outbox
from storage.database import Database, StorageUnavailable

log = structlog.get_logger(__name__)

Posted = Mapping[str, Any]
Note = Callable[[Posted], Awaitable[None]]

_LEASE = timedelta(seconds=20)
_POLL_S = 1.0
_PRUNE_S = 3600.0
_KEPT = timedelta(days=7)
_MOST_BACKOFF_S = 300.0
_GIVE_UP = timedelta(hours=24)


class HeldError(Exception):
    """The platform wants a rest: nothing was sent. `method` rests for `delay_s` seconds."""

    def __init__(self, method: str, delay_s: float) -> None:
        super().__init__(f"{method} rests for {delay_s:.0f} s")
        self.method = method
        self.delay_s = delay_s


class RefusedError(Exception):
    """The platform will never take this message. `instead` is what may be sent in its place."""

    def __init__(self, reason: str, instead: outbox.Draft | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.instead = instead


class LostError(Exception):
    """The call failed. `unsure`: the message may have arrived nevertheless."""

    def __init__(self, reason: str, *, unsure: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unsure = unsure


class Carrier(Protocol):
    """A platform's side. Both raise the errors above."""

    async def carry(self, message: outbox.Outgoing, note: Note) -> Posted:
        """Send it; what the platform calls it. `note` keeps what helps to find it when it is sent in two steps."""
        ...

    async def find(self, message: outbox.Outgoing) -> Posted | None:
        """Whether an attempt of which nobody knows the outcome had arrived."""
        ...


class Sender:
    """A Source of Rounds. `pause_s` is the least time between two messages of a lane, over all processes."""

    def __init__(self, database: Database, surface: str, owner: str, carrier: Carrier, *, pause_s: float = 1.0) -> None:
        self._database = database
        self._surface = surface
        self._owner = owner
        self._carrier = carrier
        self._pause = timedelta(seconds=pause_s)
        self._pruned = 0.0

    async def take(self, limit: int) -> Sequence[outbox.Outgoing]:
        await self._prune()
        async with self._database.begin() as conn:
            return await outbox.claim(conn, self._surface, self._owner, lease=_LEASE, pause=self._pause, limit=limit)

    async def renew(self, pieces: Sequence[outbox.Outgoing]) -> None:
        async with self._database.begin() as conn:
            await outbox.renew(conn, [piece.id for piece in pieces], self._owner, _LEASE)

    async def wait_s(self) -> float:
        async with self._database.connect() as conn:
            wait = await outbox.wait(conn, self._surface)
        return _POLL_S if wait is None else min(_POLL_S, max(wait.total_seconds(), 0.0))

    async def do(self, piece: outbox.Outgoing) -> None:
        try:
            posted = await self._found(piece) or await self._carrier.carry(piece, self._noting(piece))
        except HeldError as rest:
            await self._hold(piece, rest)
        except RefusedError as refusal:
            await self._give_up(piece, refusal.reason, refusal.instead)
        except LostError as lost:
            await self._later(piece, lost.reason, lost.unsure)
        except StorageUnavailable:  # it is looked for when the claim has run out
            raise
        except Exception as error:
            log.exception("message.fault", key=piece.key)
            await self._later(piece, type(error).__name__, unsure=True)
        else:
            async with self._database.begin() as conn:
                if not await outbox.sent(conn, piece, self._owner, posted):
                    log.warning("message.lost_claim", key=piece.key)

    async def _found(self, piece: outbox.Outgoing) -> Posted | None:
        if piece.unsure_since is None:
            return None
        try:
            found = await self._carrier.find(piece)
        except HeldError as rest:
            raise LostError(str(rest), unsure=True) from None
        log.info("message.looked_for", key=piece.key, found=found is not None)
        return found

    def _noting(self, piece: outbox.Outgoing) -> Note:
        async def note(posted: Posted) -> None:
            async with self._database.begin() as conn:
                await outbox.note(conn, piece, self._owner, posted)

        return note

    async def _hold(self, piece: outbox.Outgoing, rest: HeldError) -> None:
        log.info("message.held", key=piece.key, method=rest.method, delay_s=rest.delay_s)
        delay = timedelta(seconds=rest.delay_s)
        own = timedelta(0) if rest.method == piece.method else delay  # a step before the message's own call
        async with self._database.begin() as conn:
            await outbox.hold(conn, self._surface, rest.method, delay)
            await outbox.later(conn, piece, self._owner, delay=own, error=str(rest))

    async def _later(self, piece: outbox.Outgoing, reason: str, unsure: bool) -> None:
        if datetime.now(UTC) - piece.created_at > _GIVE_UP:
            await self._give_up(piece, reason, None)
            return
        delay_s = min(_MOST_BACKOFF_S, 2.0 ** min(piece.attempts, 9))
        log.warning("message.later", key=piece.key, reason=reason, delay_s=delay_s, unsure=unsure)
        async with self._database.begin() as conn:
            await outbox.later(conn, piece, self._owner, delay=timedelta(seconds=delay_s), error=reason, unsure=unsure)

    async def _give_up(self, piece: outbox.Outgoing, reason: str, instead: outbox.Draft | None) -> None:
        log.error("message.given_up", key=piece.key, reason=reason, instead=instead is not None)
        async with self._database.begin() as conn:
            await outbox.give_up(conn, piece, self._owner, reason)
            if instead is not None:
                await outbox.enqueue(conn, self._surface, instead)

    async def _prune(self) -> None:
        if time.monotonic() < self._pruned:
            return
        self._pruned = time.monotonic() + _PRUNE_S
        async with self._database.begin() as conn:
            await outbox.prune(conn, self._surface, _KEPT)
