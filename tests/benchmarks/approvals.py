"""Fifty clicks at once on one request, again and again: one winner, one row of the record, one job, each time.

python -m tests.benchmarks.approvals [--rounds 200] [--clicks 50]
"""

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import structlog
from sqlalchemy import text

from scheduler.durable import prepare
from storage.database import Database, migrate
from storage.embedded import start
from tests.engines.changes.house import asked, furnish, say

_COUNTS = text(
    "SELECT (SELECT count(*) FROM job), (SELECT count(*) FROM audit WHERE action IN"
    " ('request.approved', 'request.denied')), (SELECT count(*) FROM request WHERE state IN ('approved', 'denied'))"
)


async def race(database: Database, clicks: int) -> tuple[int, float, bool]:
    """Winners, seconds until all were answered, and whether it was approved."""
    request = await asked(database)
    who = ("carol", "dave", "erin", "bob")
    begun = time.perf_counter()
    done = await asyncio.gather(
        *(say(database, request.token, who[at % 4], "deny" if at % 5 == 0 else "approve", "no") for at in range(clicks))
    )
    took = time.perf_counter() - begun
    won = [one for one in done if one.done and one.request is not None]
    return len(won), took, bool(won) and won[0].request is not None and won[0].request.state == "approved"


async def main(url: str, rounds: int, clicks: int) -> None:
    database = Database(url)
    await migrate(database)
    await prepare(url)
    await furnish(database)
    took: list[float] = []
    approved = 0
    for _ in range(rounds):
        winners, seconds, was_approved = await race(database, clicks)
        assert winners == 1, f"{winners} winners"
        approved += was_approved
        took.append(seconds)
    async with database.connect() as conn:
        jobs, recorded, decided = (await conn.execute(_COUNTS)).one()
    await database.close()
    assert (jobs, recorded, decided) == (approved, rounds, rounds), (jobs, recorded, decided)
    print(f"{rounds} races of {clicks} clicks: {rounds} winners, {recorded} rows of the record, {jobs} jobs"
          f" for {approved} approved; a race took {statistics.median(took) * 1000:.0f} ms (median),"
          f" {max(took) * 1000:.0f} ms at most")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--clicks", type=int, default=50)
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    state = Path(tempfile.mkdtemp(prefix="stackhand-approvals-"))
    state.chmod(0o711)
    try:
        with start(state / "db") as server:
            asyncio.run(main(server.url, given.rounds, given.clicks))
    finally:
        shutil.rmtree(state, ignore_errors=True)
