"""The doctor: each fault of a Slack set-up, with what to do."""

import email.utils
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.adapters.chats import examine_chats
from bot.adapters.slack.scopes import SCOPES
from bot.checks import Check
from bot.settings import Settings, load_settings
from tests.bot.adapters.slack.small_slack import APP, APP_TOKEN, TEAM, TOKEN, Fault, SmallSlack, small_slack

SECRET = "0123456789abcdef" * 2


@pytest.fixture
async def slack() -> AsyncIterator[SmallSlack]:
    async with small_slack() as slack:
        slack.headers = {"x-oauth-scopes": ",".join(SCOPES)}
        yield slack


def settings(slack: SmallSlack, **more: Any) -> Settings:
    told = {
        "slack_bot_token": TOKEN, "slack_signing_secret": SECRET, "slack_teams": TEAM, "slack_app_id": APP,
        "slack_api_url": slack.api_url, "slack_app_token": APP_TOKEN,
    }  # fmt: skip
    return load_settings(**{**told, **more})


async def look(slack: SmallSlack, **more: Any) -> dict[str, Check]:
    checks = await examine_chats(settings(slack, **more))
    assert all(check.fix for check in checks if check.state != "ok")
    assert TOKEN not in repr(checks) and APP_TOKEN not in repr(checks) and SECRET not in repr(checks)
    return {check.name: check for check in checks}


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_all_is_well(slack: SmallSlack, mode: str) -> None:
    found = await look(slack, slack_mode=mode)
    assert {check.state for check in found.values()} == {"ok"}, found
    assert len(found) >= 7 and found["slack channels"].detail == "in ops, guests"


async def test_nothing_is_said_of_what_is_not_set_up() -> None:
    assert await examine_chats(load_settings()) == []


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive", "something_new"])
async def test_a_token_that_slack_refuses(slack: SmallSlack, error: str) -> None:
    slack.faults = [Fault("auth.test", error=error)]
    found = await look(slack)
    assert found["slack token"].state == "failed" and error in found["slack token"].detail


async def test_a_token_of_the_wrong_kind(slack: SmallSlack) -> None:
    found = await look(slack, slack_bot_token="xoxp-" + "a-person")
    assert "xoxb" in found["slack token"].fix and found["slack token"].state == "failed"
    found = await look(slack, slack_mode="socket", slack_app_token="xoxb-" + "no-app-token")
    assert found["slack app token"].state == "failed"


async def test_slack_that_cannot_be_reached() -> None:
    found = await look(SmallSlack(url="http://127.0.0.1:1"))
    assert found["slack"].state == "failed" and "does not answer" in found["slack"].detail


async def test_scopes_that_are_missing_or_to_spare(slack: SmallSlack) -> None:
    slack.headers = {"x-oauth-scopes": ",".join(scope for scope in SCOPES if scope != "files:read")}
    found = await look(slack)
    assert found["slack scopes"].state == "failed" and "files:read" in found["slack scopes"].detail
    slack.headers = {"x-oauth-scopes": ",".join([*SCOPES, "admin"])}
    assert (await look(slack))["slack scopes"].state == "warning"
    slack.headers = {}
    assert (await look(slack))["slack scopes"].state == "warning"


async def test_another_workspace_and_another_app(slack: SmallSlack) -> None:
    found = await look(slack, slack_teams="T999999999", slack_app_id="A999999999")
    assert TEAM in found["slack workspace"].fix and APP in found["slack app"].fix
    assert {found["slack workspace"].state, found["slack app"].state} == {"failed"}


async def test_a_signing_secret_of_the_wrong_shape(slack: SmallSlack) -> None:
    assert (await look(slack, slack_signing_secret="x" * 31))["slack signing secret"].state == "warning"


@pytest.mark.parametrize(("skew_s", "state"), [(0, "ok"), (29, "ok"), (-45, "failed"), (600, "failed")])
async def test_a_clock_that_is_off(slack: SmallSlack, skew_s: int, state: str) -> None:
    slack.headers["Date"] = email.utils.formatdate(time.time() + skew_s, usegmt=True)
    assert (await look(slack))["slack clock"].state == state


async def test_no_channels_no_socket(slack: SmallSlack) -> None:
    slack.channels = {}
    slack.faults = [Fault("apps.connections.open", error="not_allowed_token_type")]
    found = await look(slack, slack_mode="socket")
    assert found["slack channels"].state == "warning" and "invite" in found["slack channels"].fix
    assert found["slack socket"].state == "failed" and "connections:write" in found["slack socket"].fix
    slack.faults = [Fault("users.conversations", error="missing_scope"), Fault("users.conversations", status=500)]
    for _ in range(2):
        assert (await look(slack))["slack channels"].state == "warning"
