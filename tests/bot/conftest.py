"""The command line in this process, away from the settings of whoever runs the tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in an empty directory: its exit code, and what it printed on each stream."""
    for name in [name for name in os.environ if name.startswith(("STACKHAND_", "OS_", "PG"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKHAND_STATE_DIR", str(tmp_path / "state"))

    def running(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out, printed.err

    return running


def is_one_line(err: str) -> bool:
    """Whether an error is what it shall be: one line, and no traceback."""
    return err.startswith("stackhand: ") and err.count("\n") == 1 and err.endswith("\n") and "Traceback" not in err
