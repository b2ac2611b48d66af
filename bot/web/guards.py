"""What every request of the page must pass: the right host, the right origin, a bounded body; and strict headers."""

import json
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

LOOPBACK: frozenset[str] = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_FRAME_BYTES = 2**20
DEEPEST_JSON = 20

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


def host_allowed(host: str | None, allowed: Collection[str]) -> bool:
    """Whether the Host header names one of ours, at any port: a rebound DNS name does not."""
    try:
        name = urlsplit(f"//{host or ''}").hostname
    except ValueError:
        return False
    return name is not None and name in allowed


def origin_allowed(origin: str | None, host: str | None) -> bool:
    """Whether the request comes from our own page: Origin must be there, and be the very host and port spoken to."""
    try:
        parts = urlsplit(origin or "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and parts.netloc.lower() == (host or "").lower()


def check_host(request: web.Request, allowed: Collection[str]) -> None:
    if not host_allowed(request.headers.get("Host"), allowed):
        raise web.HTTPMisdirectedRequest(text="This address is not served here. Open the link that Stackhand printed.")


def check_origin(request: web.Request) -> None:
    if not origin_allowed(request.headers.get("Origin"), request.headers.get("Host")):
        raise web.HTTPForbidden(text="This request did not come from the Stackhand page. Reload the page.")


def bounded_json(text: str) -> dict[str, Any]:
    """A JSON object no deeper than DEEPEST_JSON; ValueError for anything else."""
    try:
        data = json.loads(text)
    except RecursionError as e:
        raise ValueError("nested too deep") from e
    if not isinstance(data, dict):
        raise ValueError("not an object")
    level: list[Any] = [data]
    for _ in range(DEEPEST_JSON):
        level = [child for value in level for child in _children(value)]
        if not level:
            return data
    raise ValueError("nested too deep")


def _children(value: Any) -> list[Any]:
    """The objects and lists directly inside."""
    inside = value.values() if isinstance(value, dict) else value
    return [child for child in inside if isinstance(child, dict | list)]
