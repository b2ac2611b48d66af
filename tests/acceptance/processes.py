"""Runs `stackhand` as its own process, as a user does, and always ends what it started."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, Self

ROOT = Path(__file__).parent.parent.parent
_NOTHING: Mapping[str, str] = MappingProxyType({})
STACKHAND = (sys.executable, "-m", "bot.cli")


def environment(**more: str) -> dict[str, str]:
    """This process's environment without any setting of Stackhand or OpenStack, so that a test means what it says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STACKHAND_", "OS_", "PG"))}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}


def run(
    *arguments: str, cwd: Path, seconds: float = 60, stdin: str = "", more: Mapping[str, str] = _NOTHING
) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself, within a bound."""
    return subprocess.run(
        [*STACKHAND, *arguments],
        cwd=cwd,
        env=environment(**more),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@dataclass
class Process:
    """A command that stays. What it prints goes to a file, so that no pipe fills up."""

    arguments: tuple[str, ...]
    cwd: Path
    more: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.output = self.cwd / f"output-{time.monotonic_ns()}"
        self._file: IO[bytes] = self.output.open("wb")
        self._process = subprocess.Popen(
            [*STACKHAND, *self.arguments],
            cwd=self.cwd,
            env=environment(**self.more),
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.stop(seconds=15, strict=False)
        self._file.close()

    @property
    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    @property
    def code(self) -> int | None:
        return self._process.poll()

    def wait_for(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        """The first match in what it prints; fails with all of it when it ends first, or time is up."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            ended = self.code is not None
            if found := re.search(pattern, self.printed):
                return found
            assert not ended, f"it ended with {self.code} before {pattern!r}:\n{self.printed}"
            time.sleep(0.1)
        raise AssertionError(f"no {pattern!r} within {seconds} s:\n{self.printed}")

    def kill(self) -> None:
        """As a power cut would: no chance to clean up."""
        self._process.kill()
        self._process.wait(10)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 15, strict: bool = True) -> float:
        """Asks it to stop; how many seconds that took."""
        begun = time.monotonic()
        self._process.send_signal(number)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
            assert not strict, f"it did not stop within {seconds} s:\n{self.printed}"
        return time.monotonic() - begun
