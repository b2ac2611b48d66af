"""Measures answers over a large record: from the message to the reply, and the language part of it alone."""

import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any, NoReturn

import structlog
from sqlalchemy import text

from bot.messages import Message
from bot.naming import names_in
from bot.people import principal
from bot.pipeline import Pipeline
from engines.clouds.demo import DemoWorld
from engines.inventory.collect import sync_source
from intents.matcher import Matcher
from intents.registry import load_catalogue
from storage.database import Database
from tests.benchmarks.figures import Figure, peak_mib, percentile, say

_EPOCH = datetime(2026, 11, 23, tzinfo=UTC)
_LONGEST_S = 240.0  # of asking; slow machines ask fewer rounds
QUESTIONS = (
    ("count", "how many vms are off"),
    ("count", "how many vms are in error in acme-prod"),
    ("count", "how many windows vms are there"),
    ("count", "how many volumes are unattached"),
    ("count", "how many vms are in domain globex"),
    ("list", "list vms in error"),
    ("list", "list all vms"),
    ("list", "list the vms of acme-prod"),
    ("list", "list volumes of project Finance"),
    ("list", "list snapshots of volume db-02-data"),
    ("show", "show vm web-01"),
    ("show", "show prod-db-04"),
    ("show", "show ERP DB Primary"),
    ("show", "show host compute-05"),
    ("show", "show vm jenkins"),
    ("find", "find 10.20.0.15"),
    ("find", "find kafka"),
    ("find", "find nx-vdi-0117"),
    ("find", "find fa:16:3e:14:00:0f"),
    ("find", "who has ip 172.16.4.40"),
    ("per", "vms per project"),
    ("per", "vms per domain"),
    ("per", "volumes per project"),
    ("per", "vms per host"),
    ("per", "vms per os"),
    ("top", "largest vms"),
    ("top", "top 10 volumes by size"),
    ("top", "top 5 projects by cpu"),
    ("top", "which hosts have the most memory used"),
    ("top", "top 10 vms by memory in acme-prod"),
)


async def load(database: Database, vms: int) -> None:
    world = DemoWorld(vms=vms, epoch=_EPOCH)
    start, rows = time.perf_counter(), 0
    for cloud in world.clouds(at=_EPOCH):
        report = await sync_source(database, cloud, asked_by="benchmark", wait=True)
        if report.state != "done":
            raise RuntimeError(f"the sync of {cloud.source} ended {report.state}: {report.detail}")
        rows += sum(kind.rows for kind in report.kinds.values())
    say(Figure("answers", "resources loaded", rows, "rows", note=f"for {vms:,} VMs"))
    say(Figure("answers", "first load of all sources", time.perf_counter() - start, "s"))
    say(
        Figure(
            "answers", "peak memory of the load", peak_mib(), "MiB", note="not the figure of the sync: three sources"
        )
    )
    async with database.connect() as conn:
        settled = await conn.execution_options(isolation_level="AUTOCOMMIT")
        await settled.execute(text("SET statement_timeout = 0"))
        await settled.execute(text("VACUUM ANALYZE resource"))


async def measure(database: Database, rounds: int) -> None:
    """As many rounds as the time allows; the first, which fills the caches, counts only when it is the only one.

    What failed took the time of failing, and is told apart from the answers.
    """
    pipeline, until, faults = Pipeline(database), time.monotonic() + _LONGEST_S, Faults()
    structlog.configure(processors=[faults])
    took, unanswered, numbers = defaultdict[str, list[float]](list), dict[str, str](), count()
    for turn in range(rounds + 1):
        for _, question in QUESTIONS:
            if turn and time.monotonic() > until:
                break
            spent, outcome = await _asked(pipeline, question, next(numbers))
            if outcome != "failed":
                took[question].append(spent)
            if outcome != "answered":
                unanswered[question] = f"{outcome} {faults.last}".strip() if outcome == "failed" else outcome
    for kind in dict.fromkeys(k for k, _ in QUESTIONS):
        _told(kind, {q: took[q][1:] or took[q] for k, q in QUESTIONS if k == kind and took[q]})
    note = "; ".join(f'"{q}" {outcome}' for q, outcome in unanswered.items())
    say(Figure("answers", "questions not answered", len(unanswered), "", 0.0, note=note))
    await _language(database, rounds)
    say(Figure("answers", "peak memory of the process", peak_mib(), "MiB"))


class Faults:
    """Takes the place of the log, whose pictures of errors cost more than the answers that are measured."""

    def __init__(self) -> None:
        self.last = ""

    def __call__(self, logger: Any, name: str, event: Any) -> NoReturn:
        error = sys.exception()
        if error is not None:
            self.last = f"({type(error).__name__}: {(str(error).splitlines() or [''])[0][:150]})"
        raise structlog.DropEvent


async def _asked(pipeline: Pipeline, question: str, number: int) -> tuple[float, str]:
    """Milliseconds, and "answered" or the first other outcome."""
    message = Message(f"m{number}", "local", f"c{number}", question, datetime.now(UTC))
    start = time.perf_counter()
    replies = await pipeline.answer(message)
    spent = (time.perf_counter() - start) * 1000
    return spent, next((reply.outcome for reply in replies if reply.outcome != "answered"), "answered")


def _told(kind: str, took: Mapping[str, Sequence[float]]) -> None:
    """`took` are the milliseconds of each question of a kind."""
    every = [one for times in took.values() for one in times]
    if not every:
        say(Figure("answers", f"{kind}: all failed", sum(k == kind for k, _ in QUESTIONS), "", 0.0))
        return
    slowest = max(took, key=lambda q: percentile(took[q], 0.5))
    say(Figure("answers", f"{kind}: p50", percentile(every, 0.5), "ms", note=f"of {len(every)} answers"))
    note = f'slowest "{slowest}" p50 {percentile(took[slowest], 0.5):.0f} ms'
    say(Figure("answers", f"{kind}: p95", percentile(every, 0.95), "ms", 150.0, note=note))


async def _language(database: Database, rounds: int) -> None:
    """CPU of reading the sentence, and the wall time of fetching the names that it may contain."""
    matcher, now = Matcher(load_catalogue()), datetime.now(UTC)
    spent, fetched = list[float](), list[float]()
    async with database.connect() as conn:
        who = await principal(conn, "local")
        assert who is not None, "the local person is missing"
        until = time.monotonic() + _LONGEST_S / 4
        for turn in range(rounds + 1):
            for _, question in QUESTIONS:
                if turn > 1 and time.monotonic() > until:
                    break
                start = time.perf_counter()
                plain, names = await names_in(conn, who.scope, question)
                middle = time.process_time()
                fetched.append((time.perf_counter() - start) * 1000)
                matcher.read_all(plain, names, now, None)
                if turn:
                    spent.append((time.process_time() - middle) * 1000)
    say(Figure("answers", "language: CPU p50", percentile(spent, 0.5), "ms"))
    say(Figure("answers", "language: CPU p95", percentile(spent, 0.95), "ms", 10.0))
    say(Figure("answers", "names of a sentence: p95", percentile(fetched, 0.95), "ms"))
