"""Settings: their order, their limits, and what is said of a wrong one."""

from pathlib import Path

import pytest

from bot.app import known_secrets
from bot.directories import mapping_of, open_directory
from bot.directory_settings import DirectorySettings
from bot.settings import Settings, SettingsError, load_settings, unknown_variables


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory without files of settings, and an environment without ours."""
    import os

    for name in [name for name in os.environ if name.startswith("STACKHAND_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings()
    assert settings.database_url is None
    assert (settings.page_host, settings.page_port) == ("127.0.0.1", 8765)


def test_the_command_line_beats_the_environment_beats_env_file_beats_toml(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alone / "stackhand.toml").write_text('page_port = 1001\nlog_level = "error"\nclouds = "from-toml"\n')
    (alone / ".env").write_text("STACKHAND_PAGE_PORT=1002\nSTACKHAND_CLOUDS=from-env-file\n")
    monkeypatch.setenv("STACKHAND_PAGE_PORT", "1003")
    assert load_settings().page_port == 1003
    assert load_settings(page_port=1004).page_port == 1004
    assert load_settings(page_port=None).page_port == 1003
    assert load_settings().clouds == "from-env-file"
    assert load_settings().log_level == "error"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAGE_PORT", "70000"),
        ("PAGE_PORT", "http"),
        ("SYNC_EVERY_S", "1"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("CLOUDS_FILE", "nowhere/clouds.yaml"),
        ("DATABASE_URL", "mysql://u:canary-in-url@h/d"),
        ("DATABASE_URL", "canary-in-url"),
        ("PAGE_URL", "stackhand.example.org"),
        ("PAGE_URL", "javascript:alert(1)"),
        ("PAGE_URL", "https://stackhand.example.org/below"),
        ("SLACK_API_URL", "http://slack.com/api/"),
        ("SLACK_API_URL", "https://canary@slack.com/api/"),
        ("SLACK_API_URL", "slack.com"),
        ("SLACK_TEAMS", "our workspace"),
        ("SLACK_TEAMS", "T0123ABCD,U0123ABCD"),
        ("SLACK_APP_ID", "T0123ABCD"),
        ("SLACK_MODE", "rtm"),
        ("SERVICE_CLOUDS", "pcd-1"),
        ("SERVICE_CLOUDS", "pcd-1="),
        ("SERVICE_CLOUDS", "=canary"),
        ("SERVICE_CLOUDS", "pcd-1/RegionOne=canary"),
        ("SERVICE_CLOUDS", "pcd-1=a, pcd-1=canary"),
    ],
)
def test_a_wrong_value_is_named_but_not_repeated(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"STACKHAND_{name}", value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    said = str(error.value)
    assert f"STACKHAND_{name}" in said
    assert "canary" not in said
    assert "\n" not in said
    assert error.value.__cause__ is None, "the cause holds the value"


def test_service_users_are_named_by_cloud() -> None:
    assert load_settings().service_entries == {}
    told = load_settings(service_clouds=" pcd-1 = pcd-1-service ,pcd-2=b,")
    assert told.service_entries == {"pcd-1": "pcd-1-service", "pcd-2": "b"}


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKHAND_DATABASE_URL", "")
    monkeypatch.setenv("STACKHAND_SYNC_EVERY_S", "")
    assert load_settings().database_url is None
    assert load_settings().sync_every_s == 900


def test_a_broken_file_is_said_in_one_line(alone: Path) -> None:
    (alone / "stackhand.toml").write_text("page_port = = 3")
    with pytest.raises(SettingsError, match=r"stackhand\.toml"):
        load_settings()


def test_a_secret_never_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKHAND_DATABASE_URL", "postgresql://u:canary-4711@h/d")
    settings = load_settings()
    assert "canary-4711" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


SLACK = {
    "slack_bot_token": "xoxb-" + "canary-1",
    "slack_teams": "T0123ABCD, T0456EFGH",
    "slack_app_id": "A0123ABCD",
    "slack_signing_secret": "canary-2",
}


def test_slack_is_set_up_as_a_whole_or_not_at_all() -> None:
    whole = load_settings(**SLACK)
    assert whole.slack_team_ids == {"T0123ABCD", "T0456EFGH"}
    assert load_settings(slack_mode="socket", match_email=True).slack_bot_token is None
    for missing in SLACK:
        with pytest.raises(SettingsError) as error:
            load_settings(**{name: value for name, value in SLACK.items() if name != missing})
        assert f"STACKHAND_{missing.upper()} missing" in str(error.value) and "canary" not in str(error.value)
    with pytest.raises(SettingsError, match="STACKHAND_SLACK_APP_TOKEN missing"):
        load_settings(**SLACK, slack_mode="socket")
    with pytest.raises(SettingsError, match="STACKHAND_SLACK_BOT_TOKEN missing"):
        load_settings(**{**SLACK, "slack_bot_token": ""})


def test_every_secret_is_known_to_the_logs() -> None:
    from bot.app import known_secrets

    settings = load_settings(**SLACK, slack_app_token="canary-3", model_key="canary-4")
    assert {"canary-2", "canary-3", "canary-4", SLACK["slack_bot_token"]} <= set(known_secrets(settings))


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().page_port = 1


def test_names_of_clouds_are_taken_apart() -> None:
    assert load_settings(clouds=" a, b ,,c").cloud_names == ("a", "b", "c")
    assert load_settings().cloud_names == ()


def test_a_misspelt_variable_is_noticed() -> None:
    environment = {"STACKHAND_DATABSE_URL": "x", "STACKHAND_CLOUDS": "y", "STACKHAND_TEST_CLOUD": "z", "HOME": "/"}
    assert unknown_variables(environment) == ("STACKHAND_DATABSE_URL",)


def test_every_setting_says_what_it_is() -> None:
    import ast
    import inspect
    import textwrap

    ours = [ast.parse(textwrap.dedent(inspect.getsource(one))) for one in (Settings, DirectorySettings)]
    bodies = [node for tree in ours for node in tree.body if isinstance(node, ast.ClassDef)]
    described = {
        field.target.id
        for body in bodies
        for field, said in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant)
    }
    assert set(Settings.model_fields) == described


_BOTH = {"group": "o", "role": "viewer", "source": "s", "domain": "d", "project": "p"}
_LDAP = {
    "ldap_url": "ldaps://ldap.example.org",
    "ldap_bind_dn": "cn=bot",
    "ldap_password": "canary",
    "ldap_base": "dc=t",
    "ldap_groups": [{"group": "ops", "role": "operator"}],
}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ldap_password": None}, "STACKHAND_LDAP_PASSWORD missing"),
        ({"ldap_bind_dn": None, "ldap_base": None}, "STACKHAND_LDAP_BIND_DN and STACKHAND_LDAP_BASE missing"),
        ({"ldap_groups": None}, "STACKHAND_LDAP_GROUPS missing"),
        ({"ldap_url": "ldap://ldap.example.org"}, "in the clear"),
        ({"ldap_url": "http://ldap.example.org"}, "not the address of a directory"),
        ({"ldap_url": "ldaps://user:canary@ldap.example.org"}, "not the address of a directory"),
        ({"ldap_start_tls": True}, "ldap:// only"),
        ({"ldap_ca_file": "/no/such/file"}, "STACKHAND_LDAP_CA_FILE"),
        ({"ldap_groups": [{"group": "ops", "role": "king"}]}, "ROLE"),
        ({"ldap_groups": [{"group": "", "role": "viewer"}]}, "GROUP"),
        ({"ldap_groups": [{"group": "ops", "role": "viewer", "source": "s"}]}, "half a place"),
        (
            {"ldap_groups": [{"group": "o", "role": "viewer", "source": "s", "domain": "d", "project": "p"}]},
            "a domain and",
        ),
        ({"ldap_groups": [{"group": "ops", "role": "viewer", "scope": "all"}]}, "SCOPE"),
    ],
    ids=str,
)
def test_half_a_directory_is_refused_without_its_password(given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings(**(_LDAP | given))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"ldap_url": "ldap://127.0.0.1:3890"},
        {"ldap_url": "ldap://l.example.org", "ldap_start_tls": True},
        {"ldap_url": ""},
    ],
)
def test_a_whole_directory_is_taken_and_its_password_hidden(given: dict[str, object]) -> None:
    settings = load_settings(**(_LDAP | given))
    assert "canary" not in repr(settings) and settings.ldap_groups is not None
    assert (open_directory(settings) is None) == (settings.ldap_url == "")
    assert "canary" in known_secrets(settings), "it is hidden in logs"
    assert [one.role for one in mapping_of(settings)] == ["operator"]
    assert "canary" not in repr(open_directory(settings))
