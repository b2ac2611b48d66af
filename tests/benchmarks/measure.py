"""One measurement in a process of its own: `python -m tests.benchmarks.measure PART STATE_DIR SIZE ROUNDS`.

The database is that of the embedded server in STATE_DIR, which the caller holds.
"""

import asyncio
import sys
from pathlib import Path

import structlog

from storage.database import Database
from storage.embedded import running_url
from tests.benchmarks import cold


async def _with_database(part: str, state: Path, size: int, rounds: int) -> None:
    url = running_url(state)
    if url is None:
        raise SystemExit(f"no server runs in {state}; start the benchmarks with python -m tests.benchmarks")
    database = Database(url)
    try:
        await _measure(part, database, size, rounds)
    finally:
        await database.close()


async def _measure(part: str, database: Database, size: int, rounds: int) -> None:
    if part == "sync":
        from tests.benchmarks import syncs

        await syncs.measure(database, size, rounds)
        return
    if part == "chat":
        from tests.benchmarks import acks

        await acks.measure(database, size)
        return
    if part == "jobs":
        from tests.benchmarks import jobs

        await jobs.measure(database, size)
        return
    from tests.benchmarks import answers

    if part == "load":
        await answers.load(database, size)
    else:
        await answers.measure(database, rounds)


def main() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    part, state, size, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    if part == "cold":
        cold.measure(state, rounds)
    else:
        asyncio.run(_with_database(part, state, size, rounds))


if __name__ == "__main__":
    main()
