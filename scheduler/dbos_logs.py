"""What the job library logs, brought into our logs: no handler of its own, no hints, no floods."""

import asyncio
import logging
import time
from collections.abc import Callable

_AGAIN_S = 30.0
_ON_PURPOSE = ("Asyncio task cancelled for workflow",)  # at the end of the process: they go on later
_OWN_ENDS = (asyncio.CancelledError,)


class Tamed(logging.Filter):
    """Drops tracebacks of work that was cancelled on purpose, and repeats of a warning."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, _OWN_ENDS) or type(error).__name__ == "DBOSWorkflowCancelledError":
            return False
        if record.levelno < logging.WARNING or record.getMessage().startswith(_ON_PURPOSE):
            return False
        told, now = record.getMessage()[:60], self._clock()
        if now - self._told.get(told, -_AGAIN_S) < _AGAIN_S:
            return False
        if len(self._told) > 200:
            self._told.clear()
        self._told[told] = now
        record.msg, record.args = " ".join(record.getMessage().split())[:300], ()
        return True


def tame() -> None:
    """Before the library starts: it adds a handler of its own only where there is none."""
    logger = logging.getLogger("dbos")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
        logger.addFilter(Tamed())
    logger.setLevel(logging.WARNING)
    logger.propagate = True
