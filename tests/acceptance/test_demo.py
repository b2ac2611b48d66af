"""The demo from nothing, as a newcomer runs it: answers within a minute, survives being killed, stays apart."""

import json
import re
import signal
import time
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import new_state_dir
from tests.acceptance.processes import Process, run
from tests.acceptance.test_processes import eventually

LINK = r"(http://127\.0\.0\.1:\d+)/\?token=([\w-]+)"


def demo(state: Path, *more: str) -> tuple[str, ...]:
    return ("demo", "--vms", "300", "--port", "0", "--state-dir", str(state), *more)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, Path, float]]:
    """A demo that runs, its state directory, and the seconds from nothing to its link."""
    begun = time.monotonic()
    with new_state_dir() as state, Process(demo(state), tmp_path_factory.mktemp("demo")) as process:
        process.wait_for(LINK)
        yield process, state, time.monotonic() - begun


def ask(state: Path, cwd: Path, question: str, *more: str) -> dict[str, Any]:
    done = run("ask", question, "--json", "--state-dir", str(state), *more, cwd=cwd)
    assert done.stderr == "", done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def test_the_first_answer_comes_within_a_minute_from_nothing(
    running: tuple[Process, Path, float], tmp_path: Path
) -> None:
    _, state, seconds = running
    begun = time.monotonic()
    answer = ask(state, tmp_path, "how many VMs are there?")
    assert seconds + time.monotonic() - begun < 60
    assert (answer["intent"], answer["outcome"], answer["demo"]) == ("count", "answered", True)
    assert answer["confidence"] > 0.5 and answer["source"]
    assert re.search(r"\d+", answer["text"])
    assert "DEMO" in answer["text"]
    assert answer["data_age_s"] < 120


def test_it_has_a_past_and_things_to_find(running: tuple[Process, Path, float], tmp_path: Path) -> None:
    _, state, _ = running
    changes = ask(state, tmp_path, "what changed in the last 7 days?")
    assert changes["table"] is not None, changes["text"]
    assert changes["table"]["total"] > 0
    for question in ("list VMs in error", "which VMs are down?"):
        found = ask(state, tmp_path, question)
        assert found["table"] is not None, found["text"]
        assert found["table"]["total"] > 0


def test_a_question_that_is_not_understood_is_no_success(running: tuple[Process, Path, float], tmp_path: Path) -> None:
    _, state, _ = running
    done = run("ask", "the weather is nice", "--state-dir", str(state), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_files_are_written_where_they_were_wanted(running: tuple[Process, Path, float], tmp_path: Path) -> None:
    _, state, _ = running
    ask(state, tmp_path, "list all VMs", "--conversation", "files")
    answer = ask(state, tmp_path, "export as csv", "--conversation", "files", "--out", str(tmp_path / "out"))
    (file,) = answer["files"]
    content = (tmp_path / file["path"]).read_bytes()
    assert len(content) == file["bytes"]
    assert content.count(b"\n") > 100


def test_the_link_opens_the_page_once(running: tuple[Process, Path, float]) -> None:
    process, _, _ = running
    found = process.wait_for(LINK)
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with opener.open(found[0], timeout=10) as answer:
        page = answer.read().decode()
    assert "DEMO" in page
    assert "You speak as" in page and all(name in page for name in ("alice", "bob", "carol", "dave", "erin"))
    stranger = urllib.request.build_opener()
    with pytest.raises(urllib.error.HTTPError) as refused:
        stranger.open(found[0], timeout=10)
    assert refused.value.code == 403
    with opener.open(f"{found[1]}/metrics", timeout=10) as answer:
        assert "stackhand_resources{" in answer.read().decode()


def test_what_was_begun_is_waited_for(running: tuple[Process, Path, float], tmp_path: Path) -> None:
    _, state, _ = running
    done = run("ask", "sync the inventory now", "--wait", "--json", "--state-dir", str(state), cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert answer["intent"] == "sync" and answer["demo"]
    said = answer["said"][0]["text"]
    assert re.match(r"The sync of demo-[\w, -]+ is done( in part)?\.", said)
    assert done.returncode == (0 if said.endswith("is done.") else 1)
    first, *_, last = done.stderr.splitlines()
    assert "asked for" in first and last.startswith("The sync of demo-")


def test_its_people_may_what_the_page_says(running: tuple[Process, Path, float], tmp_path: Path) -> None:
    _, state, _ = running
    everybody = ask(state, tmp_path, "how many VMs are there?", "--as", "alice")["text"]
    assert ask(state, tmp_path, "how many VMs are there?", "--as", "dave")["text"] != everybody
    refused = run("ask", "sync now", "--as", "alice", "--wait", "--state-dir", str(state), cwd=tmp_path)
    assert refused.returncode == 1 and "It needs the role operator" in refused.stdout


def test_the_console_answers_a_pipe(running: tuple[Process, Path, float], tmp_path: Path) -> None:
    _, state, _ = running
    done = run("chat", "--state-dir", str(state), cwd=tmp_path, stdin="how many VMs are there?\nquit\n")
    assert done.returncode == 0
    assert "DEMO" in done.stdout
    assert done.stderr == ""


def test_a_second_demo_beside_it_is_told_how(running: tuple[Process, Path, float], tmp_path: Path) -> None:
    _, state, _ = running
    done = run("demo", "--vms", "200", "--port", "0", "--state-dir", str(state), cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "--fresh" in done.stderr
    done = run("demo", "--vms", "200", "--port", "0", "--state-dir", str(state), "--fresh", cwd=tmp_path)
    assert done.returncode == 1
    assert "Stop it first" in done.stderr


def test_a_directory_of_something_else_is_not_touched(tmp_path: Path, state: Path) -> None:
    state.mkdir()
    (state / "thesis.txt").write_text("years of work")
    done = run(*demo(state, "--fresh"), cwd=tmp_path)
    assert done.returncode == 1
    assert (state / "thesis.txt").read_text() == "years of work"
    assert list(state.iterdir()) == [state / "thesis.txt"]


def test_killed_while_it_fills_and_started_again_nothing_is_lost(tmp_path: Path, state: Path) -> None:
    with Process(demo(state), tmp_path) as first:
        first.wait_for(r"filling the inventory: 2 of")
        first.kill()
    with Process(demo(state), tmp_path) as second:
        second.wait_for(LINK)
        count = ask(state, tmp_path, "how many VMs are there?")
        assert count["outcome"] == "answered"
        verified = run("audit", "verify", "--state-dir", str(state), cwd=tmp_path)
        assert verified.returncode == 0, verified.stderr
        second.stop()
        assert second.code == 0
        assert "Traceback" not in second.printed


def test_a_real_database_in_the_environment_is_left_alone(tmp_path: Path, state: Path) -> None:
    """The demo must not fill the database of somebody's production with inventions."""
    url = "postgresql://u:canary-4711@127.0.0.1:1/production"
    with Process(demo(state), tmp_path, {"STACKHAND_DATABASE_URL": url}) as process:
        process.wait_for(LINK)
        process.stop(signal.SIGINT)
        assert process.code == 0
        assert "canary" not in process.printed


def test_it_goes_on_where_it_was_and_keeps_changing(tmp_path: Path, state: Path) -> None:
    with Process(demo(state), tmp_path) as first:
        first.wait_for(LINK)
        first.stop()
    alone = run("ask", "sync now", "--wait", "--state-dir", str(state), cwd=tmp_path)
    assert alone.returncode == 1 and "no Stackhand runs" in alone.stderr and alone.stderr.count("\n") == 1
    begun = time.monotonic()
    with Process(demo(state), tmp_path) as second:
        second.wait_for(LINK)
        assert time.monotonic() - begun < 30
        there = time.monotonic()
        eventually(lambda: _age(state, tmp_path) < time.monotonic() - there - 5, "synced again", 55)


def _age(state: Path, cwd: Path) -> int:
    time.sleep(1)
    return int(ask(state, cwd, "how many VMs are there?")["data_age_s"])
