"""An answer of a model is counted while it comes: no server may fill our memory, whatever it claims to send."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bot.models import MOST_BYTES


class TooLongError(Exception):
    """The answer went on beyond the limit, or came packed, so that its length cannot be known."""


def hooks(most: int = MOST_BYTES) -> dict[str, list[Callable[[Any], Awaitable[None]]]]:
    """For the `event_hooks` of an HTTP client of the httpx family."""

    async def limit(response: Any) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise TooLongError
        response.stream = _counted(response.stream, type(response).__module__.partition(".")[0], most)

    return {"response": [limit]}


def _counted(stream: Any, library: str, most: int) -> Any:
    base: Any = sys.modules[library].AsyncByteStream  # each library of the family insists on its own

    class Counted(base):  # type: ignore[misc]
        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = most
            async for chunk in stream:
                left -= len(chunk)
                if left < 0:
                    raise TooLongError
                yield chunk

        async def aclose(self) -> None:
            await stream.aclose()

    return Counted()
