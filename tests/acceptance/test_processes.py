"""Processes as an operator meets them: started twice, a port taken, a database that goes and comes back, stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.processes import STACKHAND, Process, environment, run

LONELY = ("--no-page", "--no-worker", "--port", "0")


def address(process: Process) -> str:
    return process.wait_for(r'"address": "(http://[^"]+)"')[1]


def get(url: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def eventually(holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"not {what} within {seconds} s"
        time.sleep(0.1)


def server_pid(state: Path) -> int:
    return int((state / "server" / "data" / "postmaster.pid").read_text().split()[0])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_it_keeps_running_while_the_database_is_away_and_says_so(place: Path, state: Path) -> None:
    with Process(("serve", *LONELY, "--state-dir", str(state)), place) as serving:
        at = address(serving)
        assert get(f"{at}/readyz")[0] == 200
        os.kill(server_pid(state), signal.SIGINT)
        eventually(lambda: get(f"{at}/readyz")[0] == 503, "unready")
        assert get(f"{at}/healthz") == (200, {"alive": True})
        eventually(lambda: get(f"{at}/readyz")[0] == 200, "ready again")
        assert serving.code is None
        assert serving.stop() < 10
        assert serving.code == 0
        assert "process.stopped" in serving.printed


def test_the_database_is_killed_and_recovers(place: Path, state: Path) -> None:
    with Process(("serve", *LONELY, "--state-dir", str(state)), place) as serving:
        at = address(serving)
        os.kill(server_pid(state), signal.SIGKILL)
        eventually(lambda: get(f"{at}/readyz")[0] == 200, "ready again after a crash", 60)
        assert serving.code is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_within_seconds_and_takes_its_database_along(place: Path, state: Path, number: signal.Signals) -> None:
    with Process(("serve", *LONELY, "--state-dir", str(state)), place) as serving:
        address(serving)
        server = server_pid(state)
        assert serving.stop(number) < 10
        assert serving.code == 0
        assert not alive(server)
        assert "Traceback" not in serving.printed


def test_the_last_process_takes_the_database_along_even_if_the_first_was_killed(place: Path, state: Path) -> None:
    arguments = ("serve", *LONELY, "--state-dir", str(state))
    with Process(arguments, place) as first, Process(arguments, place) as second:
        address(first), address(second)
        server = server_pid(state)
        first.kill()
        time.sleep(0.3)
        assert alive(server), "the second still needs it"
        second.stop()
        assert not alive(server)


def test_a_taken_port_is_one_line_and_an_exit_code(place: Path, state: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--no-page", "--port", str(port), "--state-dir", str(state), cwd=place)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"port {port}" in done.stderr and "STACKHAND_PAGE_PORT" in done.stderr
    assert not state.exists(), "nothing is begun before the port is ours"


def test_two_processes_starting_at_once_both_work(place: Path, state: Path) -> None:
    arguments = ("serve", *LONELY, "--state-dir", str(state))
    with Process(arguments, place) as first, Process(arguments, place) as second:
        places = address(first), address(second)
        assert places[0] != places[1]
        assert [get(f"{at}/readyz")[0] for at in places] == [200, 200]


def test_many_commands_at_once_on_nothing(place: Path, state: Path) -> None:
    """Each of them may be the one that makes the database, and any may be the last to leave."""
    command = [*STACKHAND, "migrate-db", "--state-dir", str(state)]
    running = [
        subprocess.Popen(command, cwd=place, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    printed = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0] * 4, printed


def _heed_interrupts() -> None:
    """A shell starts what runs in its background with SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_ctrl_c_ends_a_command_without_a_traceback(place: Path) -> None:
    with subprocess.Popen(
        [*STACKHAND, "intents", "match"],
        cwd=place,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_heed_interrupts,
    ) as reading:
        assert reading.stdin is not None and reading.stdout is not None
        reading.stdin.write(b'{"text": "how many VMs?"}\n' * 2000)
        reading.stdin.flush()
        assert reading.stdout.read(1) == b"{", "it is at work"
        reading.send_signal(signal.SIGINT)
        _, err = reading.communicate(timeout=20)
    assert (reading.returncode, err) == (130, b"")


def test_a_reader_that_leaves_early_is_no_failure_to_speak_of(place: Path) -> None:
    command = f"{sys.executable} -m bot.cli intents list --json | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=place, env=environment(), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_no_secret_is_printed_whatever_the_level(place: Path, state: Path) -> None:
    """Canaries in the credentials of the cloud and of the database; all output of several commands is searched."""
    secrets = {"PGPASSWORD": "canary-pg-4711", "STACKHAND_LOG_LEVEL": "debug"}
    printed: list[str] = []
    commands: list[tuple[str, ...]] = [("doctor",), ("doctor", "--json"), ("sync",)]
    for arguments in commands:
        done = run(*arguments, "--state-dir", str(state), cwd=place, more=secrets)
        printed.append(done.stdout + done.stderr)
        assert done.returncode == 1
    url = {"STACKHAND_DATABASE_URL": "postgresql://u:canary-url-4711@127.0.0.1:1/x", **secrets}
    commands = [("doctor",), ("ask", "hello"), ("serve", "--port", "0"), ("migrate-db",), ("audit", "verify")]
    for arguments in commands:
        done = run(*arguments, cwd=place, more=url)
        printed.append(done.stdout + done.stderr)
        assert done.returncode == 1
    with Process(("serve", "--no-page", "--port", "0", "--state-dir", str(state)), place, secrets) as serving:
        address(serving)
        time.sleep(2)
        serving.stop()
        printed.append(serving.printed)
    kept = "".join(path.read_text(errors="replace") for path in state.rglob("*.log"))
    assert "canary" not in "".join(printed) + kept
    assert all(printed)
    assert "unexpected" not in "".join(printed)
