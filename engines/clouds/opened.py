"""Clients that change clouds, by source."""

import asyncio
from collections.abc import Callable, Mapping

from engines.clouds.acting import ActError, Acting

Opener = Callable[[], Acting]


class OpenedClouds:
    """Clients by source: each is opened when it is first asked for, kept, and closed with the others."""

    def __init__(self, openers: Mapping[str, Opener], refusal: Callable[[str], ActError]) -> None:
        self._openers = openers
        self._refusal = refusal
        self._opened: dict[str, Acting] = {}
        self._lock = asyncio.Lock()

    @property
    def sources(self) -> tuple[str, ...]:
        """Those that can be changed."""
        return tuple(self._openers)

    async def open(self, source: str) -> Acting:
        """Raises ActError where changing this source was not set up, with what to do."""
        async with self._lock:
            if source not in self._opened:
                opener = self._openers.get(source)
                if opener is None:
                    raise self._refusal(source)
                self._opened[source] = await asyncio.to_thread(opener)
            return self._opened[source]

    async def close(self) -> None:
        opened, self._opened = list(self._opened.values()), {}
        await asyncio.gather(*(acting.close() for acting in opened), return_exceptions=True)
