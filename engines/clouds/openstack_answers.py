"""Reading an answer of OpenStack: its JSON, or the error that it is."""

import email.utils
import time
from typing import Any

import requests

from engines.clouds.openstack_errors import BrokenAnswerError, HttpError, message_of

_LONGEST_WAIT_S = 3600.0


def json_of(response: requests.Response, path: str, *, may_be_empty: bool = False) -> dict[str, Any]:
    """The object in the answer. Raises HttpError for an error, BrokenAnswerError for what is no whole object."""
    if response.status_code >= 300:
        raise HttpError(response.status_code, _message(response), retry_after_s(response.headers.get("Retry-After")))
    if may_be_empty and not response.content.strip():
        return {}
    try:
        body = response.json()
    except ValueError as error:
        raise BrokenAnswerError(f"the answer to {path} is not whole JSON") from error
    if not isinstance(body, dict):
        raise BrokenAnswerError(f"the answer to {path} is not an object")
    return body


def _message(response: requests.Response) -> str:
    try:
        return message_of(response.json())
    except ValueError:
        return ""


def retry_after_s(value: str | None) -> float | None:
    """Seconds, or a date of HTTP as seconds from now; never more than an hour. None: nothing sensible was said."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), _LONGEST_WAIT_S)
    try:
        until = email.utils.parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(0.0, until - time.time()), _LONGEST_WAIT_S)
