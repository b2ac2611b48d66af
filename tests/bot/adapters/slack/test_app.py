"""Slack put together: what must hold before anything is begun."""

import pytest

from bot.adapters.slack.app import SlackChat
from bot.metrics import Metrics
from bot.settings import SettingsError, load_settings
from storage.database import Database


async def test_an_environment_that_would_hide_the_token_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the two alone changes nothing."""
    settings = load_settings(
        slack_bot_token="xoxb-1", slack_signing_secret="s" * 32, slack_teams="T0123ABCD", slack_app_id="A0123ABCD"
    )
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    await SlackChat(settings, database, _Nobody(), Metrics()).close()
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "canary-5f2")
    with pytest.raises(SettingsError, match="SLACK_CLIENT_ID and SLACK_CLIENT_SECRET") as refused:
        SlackChat(settings, database, _Nobody(), Metrics())
    assert "canary" not in str(refused.value)


class _Nobody:
    async def answer(self, message: object) -> tuple[()]:
        raise AssertionError("nobody asks")
