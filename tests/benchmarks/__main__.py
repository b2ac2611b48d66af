"""The figures that Stackhand is held to, measured here and now.

    python -m tests.benchmarks [--quick] [--only sync|answers|cold|chat|jobs] [--json]

Every part has an embedded server of its own in a temporary directory, which is removed afterwards. A figure that
misses its goal is shown as such and is no error: a slow machine tells of itself. Interrupted or told to end, the
measuring process, the server and the directory go too.
"""

import argparse
import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from storage.database import Database, migrate
from storage.embedded import start
from tests.benchmarks.figures import Figure, heard, line, told

_LONGEST_S = 600  # a measuring process; those of the answers stop by themselves before


@dataclass(frozen=True, slots=True)
class Sizes:
    """`resources` of the sync, `naive` rows of its yardstick, `vms` of the answers, `rounds` of each question,
    `chat` messages that are acknowledged, `jobs` on two workers."""

    resources: int = 100_000
    naive: int = 2_000
    vms: int = 100_000
    rounds: int = 12
    cold: int = 4
    chat: int = 600
    jobs: int = 10_000


QUICK = Sizes(resources=10_000, naive=400, vms=5_000, rounds=3, cold=1, chat=200, jobs=1_000)


@contextmanager
def _server() -> Iterator[Path]:
    """A state directory with a running server and current tables. Directly under the temporary directory, where the
    account that the server runs as can reach it."""
    state = Path(tempfile.gettempdir()) / f"stackhand-bench-{os.getpid()}-{secrets.token_hex(3)}"
    try:
        with start(state) as server:
            asyncio.run(_migrated(server.url))
            yield state
    finally:
        shutil.rmtree(state, ignore_errors=True)


async def _migrated(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


def _figures(part: str, state: Path, size: int, rounds: int) -> Generator[Figure]:
    """What a measuring process says while it runs; its end by error or by time is a figure too."""
    command = [sys.executable, "-m", "tests.benchmarks.measure", part, str(state), str(size), str(rounds)]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            ["timeout", str(_LONGEST_S), *command] if shutil.which("timeout") else command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            for text in process.stdout or ():
                yield heard(text)
            code = process.wait()
        finally:
            process.terminate()  # nothing, when it has ended
        errors.seek(0)
        if code:
            why = (errors.read().strip().splitlines() or ["it took too long"])[-1]
            yield Figure(part, "did not finish", code, "", 0.0, note=why[:300])


def _all(sizes: Sizes, only: str | None) -> Generator[Figure]:
    if only in (None, "sync"):
        with _server() as state:
            yield from _figures("sync", state, sizes.resources, sizes.naive)
    if only in (None, "chat"):
        with _server() as state:
            yield from _figures("chat", state, sizes.chat, 0)
    if only in (None, "jobs"):
        with _server() as state:
            yield from _figures("jobs", state, sizes.jobs, 0)
    if only in (None, "answers", "cold"):
        with _server() as state:
            yield from _figures("load", state, sizes.vms, 0)
            if only != "cold":
                yield from _figures("answers", state, sizes.vms, sizes.rounds)
            if only != "answers":
                yield from _figures("cold", state, sizes.vms, sizes.cold)


def _leave(number: int, frame: FrameType | None) -> None:
    """Ends by an exception, so that what was begun is cleared away; a signal's own way would leave it all."""
    signal.signal(number, signal.SIG_IGN)  # a second one does not cut the clearing short
    raise SystemExit(128 + number)


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, a minute in all")
    parser.add_argument("--only", choices=("sync", "answers", "cold", "chat", "jobs"))
    parser.add_argument("--json", action="store_true", help="a line of JSON for each figure")
    asked = parser.parse_args()
    with closing(_all(QUICK if asked.quick else Sizes(), asked.only)) as figures:
        for figure in figures:
            print(told(figure) if asked.json else line(figure), flush=True)


if __name__ == "__main__":
    main()
