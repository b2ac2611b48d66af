"""Asking a model once, whatever happens: a deadline over everything, one retry, and a failure that is only a None."""

import asyncio
import time
from collections.abc import Iterator

import structlog

from bot.models import Called, Prompt, Router
from bot.models.limits import TooLongError

log = structlog.get_logger(__name__)
_PAUSE_S = 0.2
_BROKEN_OFF = frozenset({"APIConnectionError", "TransportError"})  # of the clients and of their HTTP libraries


async def ask(router: Router, prompt: Prompt, deadline_s: float) -> Called | None:
    """The one tool that the model called. None when it called none or several, failed, or took too long."""
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(deadline_s):
            calls = await _twice(router, prompt)
    except Exception as error:
        # Never the error's text: it may quote the sentence or the key.
        log.warning("model.failed", model=router.about, reason=reason(error), took_ms=_ms_since(begun))
        return None
    log.info("model.answered", model=router.about, calls=len(calls), took_ms=_ms_since(begun))
    return calls[0] if len(calls) == 1 else None


async def _twice(router: Router, prompt: Prompt) -> tuple[Called, ...]:
    try:
        return await router.route(prompt)
    except Exception as error:
        if not passes(error):
            raise
        await asyncio.sleep(_PAUSE_S)
        return await router.route(prompt)


def passes(error: Exception) -> bool:
    """Whether it may be over in a moment: no connection, too busy, or the server's own fault."""
    if any(isinstance(one, TooLongError) for one in _chain(error)):
        return False
    status = _status(error)
    return status == 429 or status >= 500 if status else _unreachable(error)


def reason(error: Exception) -> str:
    if any(isinstance(one, TooLongError) for one in _chain(error)):
        return "too long an answer"
    if isinstance(error, TimeoutError):
        return "deadline"
    if status := _status(error):
        return f"HTTP {status}"
    return "no connection" if _unreachable(error) else f"unexpected {type(error).__name__}"


def _status(error: Exception) -> int:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) and status >= 400 else 0


def _unreachable(error: Exception) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return (isinstance(error, OSError) and not isinstance(error, TimeoutError)) or bool(names & _BROKEN_OFF)


def _chain(error: BaseException) -> Iterator[BaseException]:
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__


def _ms_since(begun: float) -> int:
    return round((time.perf_counter() - begun) * 1000)
