"""The manifest asks for what the code needs, and for nothing else."""

from pathlib import Path
from typing import Any

import yaml

from bot.adapters.slack.edge import PATH
from bot.adapters.slack.listeners import COMMAND
from bot.adapters.slack.modals import ask_modal, feedback_modal
from bot.adapters.slack.scopes import EVENTS, SCOPES

MANIFEST = Path(__file__).parents[4] / "docs" / "slack-manifest.yaml"


def manifest() -> dict[str, Any]:
    loaded = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def test_the_scopes_are_the_listed_minimum() -> None:
    oauth = manifest()["oauth_config"]
    assert oauth["scopes"] == {"bot": sorted(SCOPES)}
    assert not {"chat:write.public", "chat:write.customize", "channels:join", "users:write"} & set(SCOPES)


def test_the_events_are_those_that_are_read() -> None:
    assert manifest()["settings"]["event_subscriptions"]["bot_events"] == sorted(EVENTS)


def test_everything_comes_in_at_one_address() -> None:
    told = manifest()
    urls = {
        told["settings"]["event_subscriptions"]["request_url"],
        told["settings"]["interactivity"]["request_url"],
        told["features"]["slash_commands"][0]["url"],
    }
    (url,) = urls
    assert url.startswith("https://") and url.endswith(PATH)


def test_command_shortcut_and_home_are_what_the_code_knows() -> None:
    features = manifest()["features"]
    assert [one["command"] for one in features["slash_commands"]] == [COMMAND]
    forms = {ask_modal("")["callback_id"], feedback_modal("")["callback_id"]}
    assert {one["callback_id"] for one in features["shortcuts"]} == forms
    assert features["app_home"]["home_tab_enabled"] and not features["app_home"]["messages_tab_read_only_enabled"]
    assert manifest()["settings"]["interactivity"]["is_enabled"]
