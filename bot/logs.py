"""Structured logs: one event a line on stderr, with stable names in `event`, and no secret in any of them."""

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any, Literal

import structlog

from bot.redaction import hide_values

Event = MutableMapping[str, Any]
# At info these print addresses, headers and bodies.
_NOISY = (
    "openstack",
    "keystoneauth",
    "urllib3",
    "sqlalchemy",
    "apscheduler",
    "matplotlib",
    "aiohttp.access",
    "alembic",
    "openai",
    "anthropic",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
)


def configure(
    level: str = "info", form: Literal["json", "text"] = "json", secrets: Iterable[str] = (), stream: Any = None
) -> None:
    """Send structlog's and the standard library's records to one place, without secrets.

    `secrets` are values known from the settings and credentials; they are hidden wherever they turn up.
    """
    known = tuple(secrets)

    def redact(logger: Any, method: str, event: Event) -> Event:
        return {name: hide_values(name, value, known) for name, value in event.items()}

    first: list[Callable[..., Any]] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]
    end = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *first],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, end],
    )
    _route(formatter, level, stream or sys.stderr)
    structlog.configure(
        processors=[*first, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


class LateFile:
    """A stream to a private file that is made only when there is something to write, and is never in the way."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        return len(text)

    def flush(self) -> None:
        """Every write is whole."""


def _route(formatter: logging.Formatter, level: str, stream: Any) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
