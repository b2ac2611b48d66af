"""Measures `stackhand ask` from nothing: a new process, a question, an answer, against a database that runs."""

import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.figures import Figure, percentile, say

_QUESTIONS = ("how many vms are off", "show vm web-01", "vms per project")


def measure(state: Path, rounds: int) -> None:
    """The state directory's server runs, and is not kept alive by these processes."""
    took: list[float] = []
    for turn in range(rounds + 1):
        for question in _QUESTIONS:
            command = [sys.executable, "-m", "bot.cli", "ask", question, "--state-dir", str(state)]
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            if turn:  # the first round reads the files from disk
                took.append(time.perf_counter() - start)
            if done.returncode:
                say(Figure("cold", f"failed: {question}", done.returncode, "", 0.0, note=done.stderr.strip()[-200:]))
    say(Figure("cold", "stackhand ask: median", percentile(took, 0.5), "s", 1.5))
    say(Figure("cold", "stackhand ask: slowest", max(took), "s", note=f"of {len(took)}"))
