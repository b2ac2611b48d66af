"""Which model the settings mean, what is refused, and that none is loaded before it is needed."""

from pathlib import Path

import pytest

from bot.app import known_secrets, serve_forever
from bot.models.opening import open_router
from bot.settings import SettingsError, load_settings
from tests.bot.test_cli_imports import loaded


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("STACKHAND_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_none_is_asked_unless_one_is_set() -> None:
    assert load_settings().model == "off" and open_router(load_settings()) is None


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({"model": "ollama", "model_name": "m"}, "ollama m"),
        ({"model": "openai", "model_name": "m", "model_key": "k"}, "openai m"),
        ({"model": "anthropic", "model_name": "m", "model_key": "k", "model_url": "http://h:1/"}, "anthropic m"),
    ],
)
def test_each_client_can_be_set(given: dict[str, str], about: str) -> None:
    router = open_router(load_settings(**given))
    assert router is not None and router.about == about


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"model": "ollama"}, ["STACKHAND_MODEL_NAME"]),
        ({"model": "openai", "model_name": "m"}, ["STACKHAND_MODEL_KEY"]),
        ({"model": "anthropic", "model_key": "canary"}, ["STACKHAND_MODEL_NAME"]),
        ({"model": "openai"}, ["STACKHAND_MODEL_NAME", "STACKHAND_MODEL_KEY"]),
        ({"model": "gpt"}, ["STACKHAND_MODEL"]),
        ({"model_url": "file:///canary"}, ["STACKHAND_MODEL_URL"]),
        ({"model_url": "http://u:canary@h"}, ["STACKHAND_MODEL_URL"]),
        ({"model_deadline_s": "0"}, ["STACKHAND_MODEL_DEADLINE_S"]),
        ({"model_deadline_s": "nan"}, ["STACKHAND_MODEL_DEADLINE_S"]),
        ({"model_calls_per_day": "-1"}, ["STACKHAND_MODEL_CALLS_PER_DAY"]),
    ],
)
def test_half_a_model_is_refused_and_what_is_missing_named(given: dict[str, str], named: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(**given)
    assert all(name in str(error.value) for name in named) and "canary" not in str(error.value)


def test_the_key_is_never_printed_and_known_to_the_log() -> None:
    settings = load_settings(model="openai", model_name="m", model_key="canary-key")
    assert "canary" not in repr(settings) and "canary-key" in known_secrets(settings)


async def test_without_the_package_nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.models.opening.find_spec", lambda name: None)
    from bot.app import Parts

    settings = load_settings(model="ollama", model_name="m", state_dir=tmp_path / "state")
    with pytest.raises(SettingsError) as error:
        await serve_forever(settings, Parts(page=False, worker=False), lambda link: None)
    assert "package ollama is not installed" in error.value.what and "stackhand[models]" in error.value.fix
    assert not (tmp_path / "state").exists()


def test_an_answer_that_was_understood_loads_no_client(tmp_path: Path, database_url: str) -> None:
    found = loaded(
        tmp_path,
        "ask",
        "how many VMs are there?",
        STACKHAND_DATABASE_URL=database_url,
        STACKHAND_MODEL="openai",
        STACKHAND_MODEL_NAME="m",
        STACKHAND_MODEL_KEY="k",
    )
    assert "sqlalchemy" in found and found & {"openai", "anthropic", "ollama", "httpx", "httpx2"} == set()
