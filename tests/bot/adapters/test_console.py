import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from rich.console import Console

from bot.adapters.console import Conversation, save
from bot.replies import File
from tests.bot.adapters.samples import HOSTILE, Memory

ROOT = Path(__file__).parents[3]


async def talk(
    said: Iterable[str], *, out: Path | None = None, interactive: bool = True, height: int = 500
) -> tuple[Memory, str]:
    """What was heard, and what the terminal shows; the input ends after the last line."""
    lines, screen, memory = iter(said), io.StringIO(), Memory()

    async def ask(prompt: str) -> str | None:
        screen.write(prompt)
        return next(lines, None)

    console = Console(file=screen, width=100, height=height, soft_wrap=True, highlight=False)
    await Conversation(memory, console, ask, "ann", interactive, out).run()
    return memory, screen.getvalue()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_it_answers_line_by_line_in_one_conversation_until_quit() -> None:
    memory, shown = await talk(["count", "", "  ", "card", "quit", "never"])
    assert [m.text for m in memory.heard] == ["count", "card"]
    assert len({m.conversation for m in memory.heard}) == 1 and {m.person for m in memory.heard} == {"ann"}
    assert "7 of 41 VMs are off" in shown and shown.endswith("Bye.\n")


async def test_a_number_picks_a_choice_of_the_last_answer_only() -> None:
    memory, shown = await talk(["count", "2", "2", "99", "٢"])
    assert [m.text for m in memory.heard] == ["count", "export that", "2", "99", "٢"]
    assert "› export that" in shown


async def test_a_failure_is_said_without_its_inside_and_the_talk_goes_on() -> None:
    memory, shown = await talk(["boom", "count"])
    assert f"log for message {memory.heard[0].id}" in shown and "hunter2" not in shown and "Traceback" not in shown
    assert "7 of 41" in shown


async def test_files_are_saved_only_when_the_person_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, shown = await talk(["card", "n", "n"])
    assert not _names(tmp_path) and shown.count("Not saved") == 2
    await talk(["card", "y", "n"])
    assert _names(tmp_path) == ["rows.csv"]


async def test_a_pipe_saves_only_into_a_named_directory(tmp_path: Path) -> None:
    _, shown = await talk(["card"], interactive=False)
    assert "name a directory with --out" in shown
    await talk(["card", "card"], interactive=False, out=tmp_path / "new")
    assert _names(tmp_path / "new") == ["lost-2.xlsx", "lost.xlsx", "rows-2.csv", "rows.csv"]


async def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    _, shown = await talk(["card"], out=tmp_path / "taken")
    assert "was not saved" in shown and "Try another --out" in shown


async def test_long_answers_come_a_screenful_at_a_time() -> None:
    _, all_of_it = await talk(["hostile"], height=500)
    _, first = await talk(["hostile", "q"], height=20)
    _, more = await talk(["hostile", "", "q"], height=20)
    assert "more lines: Enter goes on" in first
    assert len(first.splitlines()) < len(more.splitlines()) < len(all_of_it.splitlines())


@pytest.mark.parametrize("name", [*HOSTILE, "", "..", "/", "a/../../b", "C:\\x\\y.csv", "." * 300, "con:aux|?*"])
def test_a_saved_file_stays_in_its_directory(name: str, tmp_path: Path) -> None:
    path = save(File(name, "text/plain", b"x"), tmp_path / "in")
    assert path.parent == tmp_path / "in" and path.read_bytes() == b"x"
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


SCRIPT = """
import asyncio, sys
from bot.adapters.console import chat
from tests.bot.adapters.samples import Memory
sys.exit(asyncio.run(chat(Memory(), person="ann")))
"""


def test_the_program_reads_a_pipe_with_bytes_that_are_no_text() -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=b"count\n\xff\xfe\n\ncard", capture_output=True, cwd=ROOT, timeout=60
    )
    assert run.returncode == 0 and not run.stderr
    assert "7 of 41" in run.stdout.decode() and "203.0.113.9" in run.stdout.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("ending", [b"\x04", b"half a line\x03"], ids=["ctrl-d", "ctrl-c"])
def test_the_terminal_is_left_clean(ending: bytes) -> None:
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", SCRIPT])
    try:
        shown = _until(terminal, b"you \xe2\x80\xba ")
        os.write(terminal, ending)
        shown += _until(terminal, b"Bye.")
        assert b"Traceback" not in shown and os.waitstatus_to_exitcode(_wait(pid)) == 0
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.close(terminal)


WATCHING = """
import asyncio, sys
from bot.adapters.console import chat
from tests.bot.adapters.samples import Memory, Tells, job
memory = Memory()
memory.more["job"] = job(0)
sys.exit(asyncio.run(chat(memory, person="ann", telling=Tells(2))))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("key", [b"c", b"\x03"], ids=["a key", "ctrl-c"])
def test_a_key_ends_the_watching_alone_and_is_not_lost(key: bytes) -> None:
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ["TERM"] = "xterm"
        os.execv(sys.executable, [sys.executable, "-c", WATCHING])
    try:
        _until(terminal, b"you \xe2\x80\xba ")
        os.write(terminal, b"job\r")
        _until(terminal, b"2 of 4")
        os.write(terminal, key)
        shown = _until(terminal, b"you \xe2\x80\xba ")
        assert b"it goes on" in shown and b"Cancel" in shown
        os.write(terminal, b"ount\r" if key == b"c" else b"count\r")
        _until(terminal, b"7 of 41")  # what was typed while it was watched was its first letter
        os.write(terminal, b"quit\r")
        shown = _until(terminal, b"Bye.")
        assert b"Traceback" not in shown and os.waitstatus_to_exitcode(_wait(pid)) == 0
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.close(terminal)


def _until(terminal: int, end: bytes) -> bytes:
    import select

    shown = b""
    while end not in shown:
        ready, _, _ = select.select([terminal], [], [], 30)
        assert ready, shown
        shown += os.read(terminal, 65536)
    return shown


def _wait(pid: int) -> int:
    import time

    for _ in range(300):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.1)
    raise AssertionError("the process goes on after the end")
