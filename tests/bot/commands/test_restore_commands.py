"""`stackhand restores metering`: in words, as CSV, as JSON, into a file."""

import json
from pathlib import Path

import pytest

from tests.bot.conftest import Run, is_one_line


def test_nothing_on_record_is_said_in_every_form(
    run: Run, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACKHAND_DATABASE_URL", database_url)
    code, out, err = run("restores", "metering", "--since", "2026-11-01", "--until", "2026-12-01T00:00:00")
    assert code == 0 and "No restore is on record" in out, err
    assert json.loads(run("restores", "metering", "--json")[1]) == {"restores": []}
    assert run("restores", "metering", "--csv")[1].startswith("restore,source,project_id,")
    file = tmp_path / "restores.csv"
    assert "0 restores" in run("restores", "metering", "--csv", "--out", str(file))[1]
    assert file.read_bytes().startswith(b"\xef\xbb\xbfrestore,")


@pytest.mark.parametrize(
    "wrong", [("--csv", "--json"), ("--since", "yesterday"), ("--out", "/nowhere/at/all.csv"), ("--frob",)]
)
def test_wrong_options_are_one_line(
    run: Run, wrong: tuple[str, ...], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACKHAND_DATABASE_URL", database_url)
    code, _, err = run("restores", "metering", *wrong)
    assert code != 0 and is_one_line(err), err
