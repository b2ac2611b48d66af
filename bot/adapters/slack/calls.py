"""Calls of Slack's Web API, and what their failures mean."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientConnectorError, ClientError
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.sending import HeldError, LostError, RefusedError

_SDK = ("slack_bolt", "slack_sdk")  # at info their loggers print headers and bodies
_TIMEOUT_S = 15
_REST_S = 60.0  # after an answer that says the app itself is not right: all that waits stays
_APP_WRONG = frozenset({
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "no_permission", "org_login_required", "ekm_access_denied", "team_access_not_granted", "not_allowed_token_type",
})  # fmt: skip
_SLACK_WRONG = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)


def client(token: str, api_url: str) -> AsyncWebClient:
    """Without the SDK's own retries: a message that may have arrived is looked for, not sent again."""
    for name in _SDK:
        logging.getLogger(name).setLevel(logging.WARNING)
    return AsyncWebClient(token=token, base_url=api_url, timeout=_TIMEOUT_S, retry_handlers=[])


def failure(method: str, error: Exception) -> Exception:
    """One of the errors of bot.sending. Nothing of the response but its error code is kept."""
    response = getattr(error, "response", None)
    if not isinstance(response, AsyncSlackResponse):
        unsure = not isinstance(error, ClientConnectorError)
        return LostError(f"{method}: {type(error).__name__}", unsure=unsure)
    data = response.data if isinstance(response.data, dict) else {}
    code = str(data.get("error", ""))[:80]
    if response.status_code == 429 or code in ("ratelimited", "rate_limited"):
        return HeldError(method, _seconds(response.headers))
    if code in _APP_WRONG:
        return HeldError(method, _REST_S)
    if not code or code in _SLACK_WRONG or response.status_code >= 500:
        return LostError(f"{method}: {code or response.status_code}", unsure=True)
    return RefusedError(code)


def _seconds(headers: Any) -> float:
    """What Retry-After says; something sensible when it says nothing."""
    for name, value in headers.items():
        if name.lower() == "retry-after" and str(value).isascii() and str(value).isdigit():
            return float(min(int(value), 3600))
    return 1.0


async def calling(method: str, call: Awaitable[AsyncSlackResponse]) -> dict[str, Any]:
    """The JSON of the answer; raises HeldError, RefusedError or LostError."""
    try:
        async with asyncio.timeout(_TIMEOUT_S * 2):
            answer = await call
    except (SlackClientError, ClientError, TimeoutError, OSError) as error:
        raise failure(method, error) from None
    return answer.data if isinstance(answer.data, dict) else {}


async def again(make: Callable[[], Awaitable[AsyncSlackResponse]], tries: int = 3) -> None:
    """The same call of `views.update` a few times, which changes nothing when it arrives twice; raises as `calling`."""
    for attempt in range(1, tries + 1):
        try:
            await calling("views.update", make())
            return
        except (HeldError, LostError) as error:
            if attempt == tries:
                raise
            await asyncio.sleep(min(getattr(error, "delay_s", 0.5), 2.0))
