"""Listing all kinds of a source side by side: bounded, each under its own timeout, each failure kept to itself."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import structlog

from engines.clouds import Cloud, CloudError, Reason, Resource

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, and how long. `kind_s` is for one kind with all its pages and repetitions."""

    kinds_at_once: int = 6
    kind_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Gathered:
    """What came of one kind. `rows` of an outcome other than complete are a part of it, or nothing."""

    kind: str
    outcome: Literal["complete"] | Reason
    rows: tuple[Resource, ...]
    detail: str = ""
    fix: str = ""
    took_ms: int = 0

    @property
    def complete(self) -> bool:
        return self.outcome == "complete"


async def gather_kinds(cloud: Cloud, limits: Limits) -> list[Gathered]:
    """Every kind of the source, in its order. Raises nothing but cancellation."""
    gate = asyncio.Semaphore(limits.kinds_at_once)

    async def one(kind: str) -> Gathered:
        async with gate:
            return await _gather(cloud, kind, limits.kind_s)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(kind)) for kind in cloud.kinds]
    return [task.result() for task in tasks]


async def _gather(cloud: Cloud, kind: str, kind_s: float) -> Gathered:
    started = time.monotonic()
    outcome: Literal["complete"] | Reason = "complete"
    rows: Sequence[Resource] = ()
    detail = fix = ""
    try:
        async with asyncio.timeout(kind_s):
            rows = await cloud.list(kind)
    except CloudError as error:
        outcome, rows, detail, fix = error.reason, error.rows, error.detail, error.fix
    except TimeoutError:
        outcome, detail = "timeout", f"the listing took longer than {kind_s:g} s"
        fix = "check the load of the service; the next sync tries again"
    except Exception as error:  # a fault in a platform's module must not take the other kinds with it
        log.exception("sync.fault", source=cloud.source, kind=kind)
        outcome, detail = "unexpected", f"{type(error).__name__} while listing"
        fix = "see the log of this process; the next sync tries again"
    took_ms = round((time.monotonic() - started) * 1000)
    return Gathered(kind, outcome, _own(kind, rows), detail, fix, took_ms)


def _own(kind: str, rows: Sequence[Resource]) -> tuple[Resource, ...]:
    """Each id once, and of this kind only: (source, kind, id) is the key of the table."""
    return tuple({row.external_id: row for row in rows if row.kind == kind}.values())
