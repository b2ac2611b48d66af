"""What can go wrong with a call to OpenStack, and the one line that an operator reads about it."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import requests
from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk
from urllib3.exceptions import ProtocolError

from engines.clouds import CloudError, Reason

SERVICES: Mapping[str, str] = MappingProxyType(
    {
        "compute": "Nova",
        "block_storage": "Cinder",
        "network": "Neutron",
        "image": "Glance",
        "identity": "Keystone",
        "placement": "Placement",
    }
)
_LONGEST = 240
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})
_SECRETS = (
    re.compile(r"(?i)//[^/\s@]*@"),  # user:password@host
    re.compile(r"gAAAA[\w=-]{8,}"),  # a Fernet token
    re.compile(r"(?i)(password|secret|token|api[_-]?key)(['\"]?\s*[:=]\s*)['\"]?[^\s'\",}]+"),
)


class HttpError(Exception):
    """The service answered, and the answer is an error. `text` is its own message, made one line."""

    def __init__(self, status: int, text: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status
        self.text = text
        self.retry_after_s = retry_after_s


class BrokenAnswerError(Exception):
    """The answer is not what the API promises: cut JSON, a missing list, a chain of pages that loops."""


def one_line(text: str) -> str:
    """Printable, without secrets, at most 240 characters."""
    for pattern in _SECRETS:
        text = pattern.sub(_hide, text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _hide(match: re.Match[str]) -> str:
    if match.lastindex:
        return f"{match.group(1)}{match.group(2)}***"
    return "//" if match.group(0).startswith("//") else "***"


def message_of(body: Any) -> str:
    """The message in an error body; every service wraps it in another way: {"forbidden": {"message": ...}}."""
    if isinstance(body, Mapping):
        for key in ("message", "detail", "title"):
            if isinstance(body.get(key), str) and body[key].strip():
                return one_line(str(body[key]))
        return next((found for value in body.values() if (found := message_of(value))), "")
    if isinstance(body, list):
        return next((found for value in body if (found := message_of(value))), "")
    return ""


def status_of(error: BaseException) -> int | None:
    if isinstance(error, HttpError):
        return error.status
    if isinstance(error, keystone.HttpError | sdk.HttpException):
        status = getattr(error, "http_status", None) or getattr(error, "status_code", None)
        return int(status) if status else None
    return None


def status_behind(error: BaseException) -> int | None:
    """The status of the answer that an error was made of, over any number of causes."""
    cause: BaseException | None = error
    while cause is not None and status_of(cause) is None:
        cause = cause.__cause__
    return status_of(cause) if cause is not None else None


def is_cut(error: BaseException) -> bool:
    """True when the peer answered and then broke the connection, or the body is incomplete."""
    if isinstance(error, BrokenAnswerError):
        return True
    origin = error.original if isinstance(error, keystone.UnknownConnectionError) else error.__context__
    if isinstance(origin, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return True
    return isinstance(origin, requests.exceptions.ConnectionError) and bool(
        origin.args and isinstance(origin.args[0], ProtocolError)
    )


def worth_retrying(error: BaseException) -> bool:
    status = status_of(error)
    if status is not None:
        return status in _RETRIED
    if isinstance(error, keystone.SSLError):
        return False
    return isinstance(error, BrokenAnswerError | keystone.ConnectionError | keystone.DiscoveryFailure)


def reason_of(error: BaseException) -> Reason:
    status = status_of(error)
    if status is not None:
        return _of_status(status)
    if isinstance(
        error,
        keystone.EndpointNotFound | keystone.VersionNotAvailable | sdk.ServiceDisabledException | sdk.NotSupported,
    ):
        return "unsupported"
    if isinstance(error, keystone.AuthPluginException | keystone.MissingAuthMethods | keystone.AuthorizationFailure):
        return "refused"
    if is_cut(error):
        return "cut_off"
    if isinstance(error, keystone.ConnectTimeout | TimeoutError):
        return "timeout"
    if isinstance(error, keystone.ConnectionError | keystone.DiscoveryFailure | sdk.ServiceDiscoveryException):
        return "unreachable"
    return "unexpected"


def _of_status(status: int) -> Reason:
    if status in (401, 403):
        return "refused"
    if status in (404, 410, 501):
        return "unsupported"
    if status in (502, 503):
        return "unreachable"
    return "timeout" if status in (408, 504) else "unexpected"


def explain(error: BaseException, service: str) -> str:
    """One line: which service, and what it did."""
    name = SERVICES.get(service, service)
    status = status_of(error)
    if isinstance(error, keystone.Unauthorized):
        return "Keystone refused the login (401)"
    if status is not None:
        text = error.text if isinstance(error, HttpError) else ""
        return one_line(f"{name} answered {status}" + (f": {text}" if text else ""))
    words: Mapping[Reason, str] = {
        "refused": f"the login data for Keystone are incomplete: {error}",
        "timeout": f"{name} did not answer in time",
        "cut_off": f"{name}: {error}" if isinstance(error, BrokenAnswerError) else f"{name} broke the connection",
        "unsupported": f"{name} is not in the service catalogue of this region",
        "unreachable": f"no connection to {name}: {_root(error)}",
        "unexpected": f"{name}: {type(error).__name__}: {error}",
    }
    return one_line(words[reason_of(error)])


def _root(error: BaseException) -> str:
    """The reason that the operating system gave, without the address in front of it."""
    found = re.search(r"\[Errno -?\d+\] [^'\"()]+|certificate verify failed|getaddrinfo failed", str(error))
    return found.group(0) if found else type(error).__name__


def fix_for(reason: Reason, service: str, source: str, error: BaseException | None = None) -> str:
    """What the operator does now."""
    name = SERVICES.get(service, service)
    if reason == "refused" and (isinstance(error, keystone.ClientException) or status_of_is(error, 401)):
        return f"check user name, password, project and domain names of {source} in clouds.yaml"
    fixes: Mapping[Reason, str] = {
        "refused": f"give the account of {source} a role that may read all projects in {name} (usually admin)",
        "timeout": f"check the load of {name}; the next sync tries again",
        "cut_off": f"check the log of {name} and of the proxy before it; the next sync tries again",
        "unsupported": f"nothing, when this cloud has no {name}; otherwise register its endpoint in the catalogue",
        "unreachable": f"check that the endpoint of {name} in the catalogue answers from this machine",
        "unexpected": f"check the log of {name}; the next sync tries again",
    }
    return fixes[reason]


def status_of_is(error: BaseException | None, status: int) -> bool:
    return error is not None and status_of(error) == status


def cloud_error(error: BaseException, service: str, source: str) -> CloudError:
    if isinstance(error, CloudError):
        return error
    reason = reason_of(error)
    return CloudError(reason, explain(error, service), fix_for(reason, service, source, error))
