"""How fast a project's cloud is asked: a token bucket, few calls at once, and patience where the cloud asks for it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar

from engines.clouds.acting import ActError

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
_TRIES: Mapping[str, int] = MappingProxyType({"throttled": 8, "busy": 4, "unreachable": 4})
_TRIES_OF_READS: Mapping[str, int] = MappingProxyType({**_TRIES, "unexpected": 4})
_LONGEST_WAIT_S = 120.0


def _now() -> datetime:
    return datetime.now(UTC)


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Tempo:
    """Limits of one project, and the times that things may take. Tests hand in shorter ones.

    A request whose answer never came, because the worker died, is over `settle_s` after it was sent.
    """

    per_s: float = 5.0
    burst: int = 10
    at_once: int = 4
    poll_s: float = 2.0
    poll_for_s: float = 30.0
    again_s: float = 10.0
    settle_s: float = 60.0
    made_within_s: float = 3600.0
    clock: Callable[[], datetime] = field(default=_now)
    sleep: Sleep = field(default=_sleep)


class Pace:
    """One project's calls: never more than `burst` at once and `per_s` in the long run, `at_once` under way."""

    def __init__(self, tempo: Tempo) -> None:
        self.tempo = tempo
        self._tokens = float(tempo.burst)
        self._filled = tempo.clock()
        self._under_way = asyncio.Semaphore(tempo.at_once)

    async def read(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the cloud tells: it can be asked again whatever became of the question. Raises the last ActError."""
        return await self.call(ask, _TRIES_OF_READS, reads=True)

    async def call(
        self, ask: Callable[[], Awaitable[T]], most: Mapping[str, int] = _TRIES, *, reads: bool = False
    ) -> T:
        """What the cloud answers. What it surely has not done is asked again a few times; raises the last ActError."""
        tries = 0
        while True:
            async with self._under_way:
                await self._token()
                try:
                    return await ask()
                except ActError as error:
                    tries += 1
                    if (error.maybe_done and not reads) or tries >= most.get(error.reason, 1):
                        raise
                    wait = self._wait(error, tries)
            await self.tempo.sleep(wait)

    def _wait(self, error: ActError, tries: int) -> float:
        """Being throttled holds the whole project; other waits grow, and differ so that not all come back at once."""
        if error.reason == "throttled":
            wait = min(max(error.retry_after_s, self.tempo.poll_s), _LONGEST_WAIT_S)
            self._tokens = 0.0
            return wait
        longest = min(self.tempo.poll_s * 2.0**tries, _LONGEST_WAIT_S)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311

    async def _token(self) -> None:
        while True:
            now = self.tempo.clock()
            gained = max((now - self._filled).total_seconds(), 0.0) * self.tempo.per_s
            self._tokens, self._filled = min(self._tokens + gained, float(self.tempo.burst)), now
            if self._tokens >= 1.0 - 1e-9:
                self._tokens -= 1.0
                return
            await self.tempo.sleep((1.0 - self._tokens) / self.tempo.per_s)


async def in_turns(works: Iterable[Coroutine[Any, Any, None]], at_once: int) -> None:
    """One after the other, `at_once` at the same time: none is begun before it is its turn."""
    waiting = iter(works)

    async def take() -> None:
        for work in waiting:
            await work

    await together(take() for _ in range(at_once))


async def together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All at the same time; the first that fails stops the others, and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
