"""`stackhand snapshots rules`: checked, tried, loaded, shown."""

from pathlib import Path

import pytest

from tests.bot.conftest import Run, is_one_line

GOOD = """
policies:
  - {name: nightly_gold, cron: "30 1 * * 0", zone: Europe/Berlin, retention: 14}
rules:
  - {name: no labs, deny: true, priority: 10, match: {project: [lab, playground]}}
  - {name: all, allow: [daily_5, nightly_gold], retention: {daily_5: 7}, match: {}}
exclusions:
  - {source: pcd-1, project: p-9, reason: is moved, until: 2099-12-24}
"""


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_good_file_is_well(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("snapshots", "rules", "check", written(tmp_path, GOOD))
    assert code == 0 and "1 policies, 2 rules, 1 exclusions" in out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: [{name: a, allow: [daily_5], match: {typ: ssd}}]", "rules[1].match.typ"),
        ("rulez: []", "rulez"),
        ("[1, 2]", "no mapping"),
        ("a: [", "no YAML"),
        ("policies: [{name: daily_5, cron: '0 1 * * *', retention: 3}]", "policies[1].name"),
        ("policies: [{name: gold, cron: '0 1 * *', retention: 3}]", "policies[1].cron"),
        ("policies: [{name: gold, cron: '0 1 * * *', retention: true}]", "policies[1].retention"),
        ("exclusions: [{source: a, volume: v}]", "exclusions[1].reason"),
        ("exclusions: [{source: a, volume: v, project: p, reason: x}]", "exclusions[1]"),
        ("exclusions: [{source: a, volume: v, reason: x, until: soon}]", "exclusions[1].until"),
        ("rules: {a: 1}", "rules"),
    ],
)
def test_a_bad_file_names_its_key_in_one_line(run: Run, tmp_path: Path, text: str, words: str) -> None:
    code, _, err = run("snapshots", "rules", "check", written(tmp_path, text))
    assert code != 0 and is_one_line(err) and words in err


def test_a_missing_file_and_one_of_bytes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name in ("nowhere.yaml", "bytes"):
        code, _, err = run("snapshots", "rules", "check", str(tmp_path / name))
        assert code != 0 and is_one_line(err)


def test_a_dry_run_loads_nothing_and_a_load_does(
    run: Run, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACKHAND_DATABASE_URL", database_url)
    file = written(tmp_path, GOOD)
    code, out, err = run("snapshots", "rules", "load", file, "--dry-run")
    assert code == 0 and "nothing was loaded" in out, err
    assert "no rule is loaded" in run("snapshots", "rules", "show")[1]
    code, out, err = run("snapshots", "rules", "load", file)
    assert code == 0 and "loaded: 1 policies, 2 rules, 1 exclusions" in out, err
    shown = run("snapshots", "rules", "show")[1]
    assert "policy nightly_gold: 30 1 * * sun Europe/Berlin, keeps 14" in shown
    assert shown.index("denies everything") < shown.index("allows daily_5, nightly_gold")
    assert "excluded pcd-1 project p-9 until 2099-12-24" in shown
