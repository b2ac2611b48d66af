"""Working off what waits in the database: a bounded number at once, at once when nudged, in any number of processes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from typing import Generic, Protocol, TypeVar

import structlog

from storage.database import StorageUnavailable

log = structlog.get_logger(__name__)

_GRACE_S = 3.0  # what is under way gets at the end; it is taken up again by another process otherwise
_AWAY_S = 2.0
_LEAST_S = 0.05  # what is due may be held elsewhere
T = TypeVar("T")


class Source(Protocol[T]):
    """Where work comes from. Every method may raise StorageUnavailable."""

    async def take(self, limit: int) -> Sequence[T]:
        """Up to `limit` pieces, claimed for this process."""
        ...

    async def do(self, piece: T) -> None:
        """Work it off; failures are its own affair."""
        ...

    async def renew(self, pieces: Sequence[T]) -> None:
        """Keep the claims on what is under way alive."""
        ...

    async def wait_s(self) -> float:
        """Seconds until there may be something to take."""
        ...


class Rounds(Generic[T]):
    """Takes and does, until told to stop. `most` at once; claims are renewed every `renew_s` seconds."""

    def __init__(self, name: str, source: Source[T], most: int, renew_s: float) -> None:
        self._name = name
        self._source = source
        self._most = most
        self._renew_s = renew_s
        self._woken = asyncio.Event()
        self._tasks: dict[asyncio.Task[None], T] = {}

    def nudge(self) -> None:
        """There is something to take: do not wait."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        renewing = asyncio.create_task(self._renewing())
        waking = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                await self._safely(self._round())
        finally:
            await _ended(renewing, waking)
            await self._settle()

    async def _round(self) -> None:
        self._woken.clear()
        free = self._most - len(self._tasks)
        taken = await self._source.take(free) if free > 0 else ()
        for piece in taken:
            self._begin(piece)
        if free <= 0:
            await self._woken.wait()  # until something ends
        elif len(taken) < free:
            await self._rest()

    def _begin(self, piece: T) -> None:
        task = asyncio.create_task(self._safely(self._source.do(piece)))
        self._tasks[task] = piece
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        self._woken.set()

    async def _rest(self) -> None:
        wait_s = await self._source.wait_s()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), max(wait_s, _LEAST_S))

    async def _renewing(self) -> None:
        while True:
            await asyncio.sleep(self._renew_s)
            if self._tasks:
                await self._safely(self._source.renew(tuple(self._tasks.values())))

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()

    async def _safely(self, work: Awaitable[None]) -> None:
        """A fault of one piece must not stop the others; a database that is away comes back."""
        try:
            await work
        except StorageUnavailable as away:
            log.warning("rounds.no_database", work=self._name, what=away.what)
            await asyncio.sleep(_AWAY_S)
        except Exception:
            log.exception("rounds.fault", work=self._name)
            await asyncio.sleep(_AWAY_S)

    async def _settle(self) -> None:
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=_GRACE_S)
        if late:
            log.warning("rounds.cut_off", work=self._name, pieces=len(late))
        await _ended(*late)


async def _ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
