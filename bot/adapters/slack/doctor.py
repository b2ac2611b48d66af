"""The doctor's look at Slack: tokens, scopes, app, workspace, way in, clock and channels; each fault with its fix."""

import email.utils
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import ClientConnectorError, ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.calls import client
from bot.adapters.slack.deliveries import items_of, text_of
from bot.adapters.slack.edge import PATH
from bot.adapters.slack.scopes import APP_SCOPE, SCOPES
from bot.adapters.slack.signatures import WINDOW_S
from bot.checks import Check, failed, ok, warned
from bot.settings import Settings

_MOST_SKEW_S = WINDOW_S / 10
_PAGES = "https://api.slack.com/apps"
_REINSTALL = (
    f"paste docs/slack-manifest.yaml into the app's manifest at {_PAGES}, then install it to the workspace again"
)
_FIXES = {
    "invalid_auth": f"copy the bot token anew from {_PAGES}, OAuth & Permissions, into STACKHAND_SLACK_BOT_TOKEN",
    "token_revoked": "install the app to the workspace again, and set STACKHAND_SLACK_BOT_TOKEN to the new token",
    "account_inactive": "the app was removed from the workspace: install it again, and set the new token",
    "not_allowed_token_type": "STACKHAND_SLACK_BOT_TOKEN needs the token that starts with xoxb-",
}


async def examine(settings: Settings) -> list[Check]:
    """In the order in which a fault explains those after it."""
    checks = _written(settings)
    if any(check.name == "slack token" for check in checks):
        return checks
    calls = client(_secret(settings.slack_bot_token), settings.slack_api_url)
    try:
        answer = await calls.auth_test()
    except (SlackApiError, ClientError, TimeoutError, OSError) as error:
        return [*checks, _refused(settings, error)]
    told = answer.data if isinstance(answer.data, Mapping) else {}
    checks += [
        ok("slack token", f"{text_of(told, 'user')} in {text_of(told, 'team')}"),
        _workspace(settings, told), await _app(settings, calls, told), _scopes(answer.headers), _clock(answer.headers),
        await _channels(calls),
    ]  # fmt: skip
    return [*checks, await _way_in(settings)]


def _secret(value: Any) -> str:
    return value.get_secret_value() if value else ""


def _written(settings: Settings) -> list[Check]:
    """What the settings alone tell."""
    checks: list[Check] = []
    token, app_token = _secret(settings.slack_bot_token), _secret(settings.slack_app_token)
    if not token.startswith("xoxb-"):
        checks.append(
            failed("slack token", "STACKHAND_SLACK_BOT_TOKEN is no bot token", _FIXES["not_allowed_token_type"])
        )
    if settings.slack_mode == "http":
        secret = _secret(settings.slack_signing_secret)
        if len(secret) != 32 or any(c not in "0123456789abcdef" for c in secret):
            what = "STACKHAND_SLACK_SIGNING_SECRET does not look like Slack's: 32 hexadecimal digits"
            checks.append(warned("slack signing secret", what, f"copy it from {_PAGES}, Basic Information"))
        else:
            checks.append(ok("slack signing secret", "it has the right shape; only a delivery proves it"))
    elif not app_token.startswith("xapp-"):
        fix = f"make one with {APP_SCOPE} at {_PAGES}, Basic Information, App-Level Tokens"
        checks.append(failed("slack app token", "STACKHAND_SLACK_APP_TOKEN is no app-level token", fix))
    return checks


def _refused(settings: Settings, error: Exception) -> Check:
    if isinstance(error, SlackApiError):
        code = _code(error)
        return failed("slack token", f"Slack refused it: {code}", _FIXES.get(code, _REINSTALL))
    what = "does not answer" if isinstance(error, ClientConnectorError) else f"failed ({type(error).__name__})"
    return failed(
        "slack", f"{settings.slack_api_url} {what}", "check the network, a proxy, and STACKHAND_SLACK_API_URL"
    )


def _code(error: SlackApiError) -> str:
    data = getattr(error.response, "data", None)
    return str(data.get("error", "unknown"))[:80] if isinstance(data, Mapping) else "unknown"


def _workspace(settings: Settings, told: Mapping[str, Any]) -> Check:
    team = text_of(told, "team_id")
    if team in settings.slack_team_ids:
        return ok("slack workspace", f"{team} is on the list")
    fix = f"set STACKHAND_SLACK_TEAMS to {team}, if that is the right workspace"
    return failed("slack workspace", f"the token is for {team}, which is not in STACKHAND_SLACK_TEAMS", fix)


async def _app(settings: Settings, calls: AsyncWebClient, told: Mapping[str, Any]) -> Check:
    """The app that the bot belongs to."""
    app = text_of(told, "app_id")
    if not app:
        try:
            app = text_of((await calls.bots_info(bot=text_of(told, "bot_id"))).get("bot"), "app_id")
        except (SlackApiError, ClientError, TimeoutError, OSError):
            return warned("slack app", "Slack does not tell which app the token belongs to", "compare it by hand")
    if app == settings.slack_app_id:
        return ok("slack app", f"the token belongs to {app}")
    what = f"the token belongs to {app}, STACKHAND_SLACK_APP_ID is {settings.slack_app_id}"
    return failed("slack app", what, f"set STACKHAND_SLACK_APP_ID to {app}, or use the other app's token")


def _scopes(headers: Mapping[str, Any]) -> Check:
    told = next((str(value) for name, value in headers.items() if name.lower() == "x-oauth-scopes"), None)
    if told is None:
        return warned("slack scopes", "Slack did not tell them", "compare them with docs/slack-manifest.yaml")
    held = {scope.strip() for scope in told.split(",")}
    missing, spare = [scope for scope in SCOPES if scope not in held], sorted(held - set(SCOPES) - {"", "identify"})
    if missing:
        what = "; ".join(f"{scope} is missing ({SCOPES[scope]})" for scope in missing)
        return failed("slack scopes", what, _REINSTALL)
    if spare:
        return warned("slack scopes", f"more than needed: {', '.join(spare)}", _REINSTALL)
    return ok("slack scopes", f"all {len(SCOPES)} that are needed, and no other")


def _clock(headers: Mapping[str, Any]) -> Check:
    told = next((str(value) for name, value in headers.items() if name.lower() == "date"), "")
    try:
        skew_s = abs(time.time() - email.utils.parsedate_to_datetime(told).timestamp())
    except ValueError:
        return warned("slack clock", "Slack did not tell the time", "compare this machine's clock by hand")
    if skew_s > _MOST_SKEW_S:
        what = f"this machine's clock is off by {skew_s:.0f} s; from {WINDOW_S} s on every delivery is refused"
        return failed("slack clock", what, "set the clock with NTP")
    return ok("slack clock", "this machine and Slack agree")


async def _channels(calls: AsyncWebClient) -> Check:
    try:
        answer = await calls.users_conversations(
            types="public_channel,private_channel", exclude_archived=True, limit=200
        )
    except SlackApiError as error:
        fix = _REINSTALL if _code(error) == "missing_scope" else "look into the bot's channels in Slack"
        return warned("slack channels", f"they cannot be listed: {_code(error)}", fix)
    except (ClientError, TimeoutError, OSError) as error:
        return warned("slack channels", f"they cannot be listed: {type(error).__name__}", "try again")
    names: Sequence[str] = [text_of(one, "name") for one in items_of(answer.data, "channels")]
    if not names:
        return warned(
            "slack channels", "the bot is in no channel", "say /invite @Stackhand in a channel; direct messages work"
        )
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ok("slack channels", f"in {', '.join(names[:5])}{more}")


async def _way_in(settings: Settings) -> Check:
    """Whether deliveries can arrive: a WebSocket can be tried, a request of Slack's cannot."""
    if settings.slack_mode == "http":
        at = f"{settings.page_url or 'https://…'}{PATH}"
        return ok(
            "slack requests", f"Slack must reach {at}: set it as the request URL of events, interactivity and command"
        )
    calls = client(_secret(settings.slack_app_token), settings.slack_api_url)
    try:
        await calls.apps_connections_open(app_token=_secret(settings.slack_app_token))
    except SlackApiError as error:
        code = _code(error)
        fix = f"make an app-level token with {APP_SCOPE} at {_PAGES}, and turn Socket Mode on"
        return failed("slack socket", f"Slack gave no WebSocket: {code}", fix)
    except (ClientError, TimeoutError, OSError) as error:
        fix = "check the network: wss://wss-primary.slack.com must be reached"
        return failed("slack socket", f"it cannot be opened: {type(error).__name__}", fix)
    return ok("slack socket", "Slack gives one")
