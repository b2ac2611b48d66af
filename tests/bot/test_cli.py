"""The command line in this process: exit codes, one-line errors, and that secrets stay where they are."""

import json
from pathlib import Path

import pytest

from bot.commands.failures import Failure, guarded
from tests.bot.conftest import Run, is_one_line


def test_without_a_command_it_helps(run: Run) -> None:
    code, out, err = run()
    assert (code, err) == (0, "")
    assert all(word in out for word in ("demo", "serve", "ask", "doctor"))


def test_it_knows_its_version(run: Run) -> None:
    code, out, err = run("version")
    assert (code, err) == (0, "")
    assert out.startswith("stackhand")


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["ask"],
        ["ask", "--jason", "x"],
        ["intents"],
        ["intents", "explan"],
        ["serve", "--port", "70000"],
        ["demo", "--vms", "many"],
        ["people", "grant"],
    ],
)
def test_wrong_usage_is_one_line_and_code_2(run: Run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert is_one_line(err)
    assert "--help" in err


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("DATABASE_URL", "mysql://u:canary-4711@h/d", "STACKHAND_DATABASE_URL"),
        ("DATABASE_URL", "postgresql://u:canary-4711@127.0.0.1:1/d", "does not answer"),
        ("DATABASE_URL", "postgresql://u:canary-4711@no-such-host.invalid/d", "does not answer"),
        ("CLOUDS_FILE", "/nowhere/canary-4711", "STACKHAND_CLOUDS_FILE"),
        ("PAGE_PORT", "canary-4711", "STACKHAND_PAGE_PORT"),
    ],
)
def test_a_wrong_setting_is_one_line_without_its_value(
    run: Run, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"STACKHAND_{setting}", value)
    code, out, err = run("migrate-db")
    assert (code, out) == (1, "")
    assert is_one_line(err)
    assert said in err
    assert "canary" not in err


@pytest.mark.parametrize("command", ["serve", "worker", "sync"])
def test_without_a_cloud_it_says_what_is_missing(run: Run, command: str) -> None:
    options = ["--port", "0"] if command != "sync" else []
    code, _, err = run(command, *options)
    assert code == 1
    assert is_one_line(err)
    assert "STACKHAND_CLOUDS_FILE" in err


def test_a_half_configured_cloud_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clouds.yaml").write_text("clouds:\n  pcd-1:\n    region_name: R\n")
    code, _, err = run("serve", "--port", "0")
    assert (code, is_one_line(err)) == (1, True)
    assert "pcd-1" in err and "auth" in err
    (tmp_path / "clouds.yaml").write_text("clouds:\n  pcd-1: {auth: {auth_url: 'http://k', password: canary-4711}}\n")
    monkeypatch.setenv("STACKHAND_CLOUDS", "pcd-2")
    code, _, err = run("serve", "--port", "0")
    assert (code, is_one_line(err)) == (1, True)
    assert "pcd-2" in err and "canary" not in err


def test_a_page_that_others_reach_needs_its_own_name(run: Run) -> None:
    code, _, err = run("serve", "--host", "0.0.0.0", "--port", "0")
    assert (code, is_one_line(err)) == (1, True)
    assert "STACKHAND_PAGE_URL" in err


def test_an_unexpected_failure_gives_an_id_and_keeps_its_trace(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKHAND_STATE_DIR", str(tmp_path / "kept"))

    def fails() -> int:
        raise RuntimeError("wires crossed, password=canary-4711")

    assert guarded(fails) == 1
    err = capsys.readouterr().err
    kept = (tmp_path / "kept" / "errors.log").read_text()
    assert is_one_line(err)
    assert "wires crossed" in kept and "Traceback" in kept
    assert "canary" not in err + kept
    assert err.split("id ")[1].split(")")[0] in kept


def test_a_failure_cannot_forge_a_second_line(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> int:
        raise Failure("bad\nstackhand: all is well\r\n\x1b[2J", "try\nagain")

    assert guarded(fails) == 1
    err = capsys.readouterr().err
    assert is_one_line(err)
    assert "\x1b" not in err


def test_ctrl_c_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert guarded(interrupted) == 130
    assert capsys.readouterr().err == ""


def test_sentences_are_read_line_by_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "names.json").write_text('{"vm": ["web-01"], "project": ["acme-prod"]}')
    sentences = ["how many VMs are in acme-prod?", "show web-01"]
    with (tmp_path / "in.jsonl").open("w") as file:
        file.writelines(json.dumps({"text": text, "other": 1}) + "\n" for text in sentences)
    with (tmp_path / "in.jsonl").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        code, out, err = run("intents", "match", "--names", "names.json", "--now", "2026-11-22T09:00:00Z")
    readings = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [reading["intent"] for reading in readings] == ["count", "show"]
    assert readings[0]["slots"]["project"] == "acme-prod"
    assert set(readings[0]) >= {"intent", "slots", "confidence", "mood", "ask", "source", "cpu_ms"}


def test_a_bad_line_is_said_and_the_others_are_read(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.jsonl").write_text('not json\n{"text": 3}\n\n{"text": "how many VMs?"}\n')
    with (tmp_path / "in.jsonl").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        code, out, err = run("intents", "match")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert is_one_line(err)
    assert ["error" in answer for answer in answers] == [True, True, False]


@pytest.mark.parametrize("content", ["[1, 2", "[]", '{"vm": 7}', '{"vm": [7]}', None])
def test_a_file_of_names_that_is_none_is_said(run: Run, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "names.json").write_text(content)
    code, out, err = run("intents", "explain", "show web-01", "--names", "names.json")
    assert (code, out) == (1, "")
    assert is_one_line(err)
    assert "names.json" in err


def test_intents_are_listed_and_explained(run: Run) -> None:
    code, out, _ = run("intents", "list", "--json")
    listed = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {"count", "list", "show"} <= {intent["intent"] for intent in listed}
    code, out, _ = run("intents", "explain", "how many VMs are down?")
    assert code == 0
    assert "count" in out


def test_samples_are_read_back_as_what_they_are(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "names.json").write_text('{"vm": ["web-01"], "project": ["acme-prod"], "host": ["node-07"]}')
    code, out, err = run("intents", "sample", "show", "--names", "names.json", "--count", "4", "--seed", "1")
    assert (code, err) == (0, "")
    assert out == run("intents", "sample", "show", "--names", "names.json", "--count", "4", "--seed", "1")[1]
    assert all("web-01" in json.loads(line)["text"] for line in out.splitlines())
    (tmp_path / "in.jsonl").write_text(out)
    with (tmp_path / "in.jsonl").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        read = run("intents", "match", "--names", "names.json")[1]
    assert {json.loads(line)["intent"] for line in read.splitlines()} == {"show"}
    code, _, err = run("intents", "sample", "fly")
    assert (code, is_one_line(err)) == (2, True)


def test_the_doctor_names_what_is_wrong_and_how_to_mend_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKHAND_DATABASE_URL", "postgresql://u:canary-4711@127.0.0.1:1/d")
    monkeypatch.setenv("STACKHAND_DATABSE_URL", "typo")
    monkeypatch.setenv("STACKHAND_PAGE_PORT", "0")
    code, out, err = run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert (code, err) == (1, "")
    assert checks["database"]["state"] == "failed" and checks["database"]["fix"]
    assert checks["clouds.yaml"]["state"] == "failed"
    assert "STACKHAND_DATABSE_URL" in checks["settings"]["detail"]
    assert "canary" not in out
    code, out, err = run("doctor")
    assert code == 1
    assert is_one_line(err)
    assert "canary" not in out + err
