from pathlib import Path

import pytest

from engines.clouds.sources import CloudsFileError, open_clouds

AUTH = """
    auth:
      auth_url: http://127.0.0.1:9/v3
      username: a
      password: hunter2
      project_name: p
      user_domain_name: Default
      project_domain_name: Default
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "clouds.yaml"
    file.write_text(text)
    return file


def test_every_region_is_a_source(tmp_path: Path) -> None:
    text = f"clouds:\n  big:{AUTH}    regions: [North, {{name: South, values: {{interface: internal}}}}]\n"
    file = written(tmp_path, text + f"  small:{AUTH}    region_name: One\n  plain:{AUTH}")
    assert [cloud.source for cloud in open_clouds(file, [])] == ["big/North", "big/South", "plain", "small"]
    assert [cloud.source for cloud in open_clouds(file, ["small"])] == ["small"]
    assert [cloud.source for cloud in open_clouds(file, ["small", "small"])] == ["small"]


def test_the_environment_is_searched_when_no_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, f"clouds:\n  one:{AUTH}")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    monkeypatch.setenv("OS_USERNAME", "not-a-cloud")
    assert [cloud.source for cloud in open_clouds(None, [])] == ["one"]


def test_passwords_may_be_kept_apart(tmp_path: Path) -> None:
    file = written(tmp_path, f"clouds:\n  one:{AUTH.replace('      password: hunter2', '')}")
    (tmp_path / "secure.yaml").write_text("clouds:\n  one:\n    auth:\n      password: hunter2\n")
    assert [cloud.source for cloud in open_clouds(file, [])] == ["one"]


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        ("clouds: [", [], "not valid YAML in line 1"),
        ("a: 1", [], "no section 'clouds'"),
        ("", [], "no section 'clouds'"),
        ("clouds: {}", [], "no section 'clouds'"),
        (f"clouds:\n  one:{AUTH}", ["two"], "no cloud 'two'; it has: one"),
        ("clouds:\n  one: {region_name: x}", [], "no section 'auth'"),
        ("clouds:\n  one:", [], "'one'"),
        ("clouds:\n  one: {auth: {username: a}, auth_type: nonsense}", [], "'one'"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_and_what_to_do(
    tmp_path: Path, text: str, names: list[str], said: str
) -> None:
    with pytest.raises(CloudsFileError) as caught:
        open_clouds(written(tmp_path, text), names)
    assert said in str(caught.value) and caught.value.fix
    assert "\n" not in str(caught.value) and "hunter2" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CloudsFileError, match="does not exist"):
        open_clouds(tmp_path / "none.yaml", [])
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CloudsFileError, match="no clouds"):
        open_clouds(None, [])
