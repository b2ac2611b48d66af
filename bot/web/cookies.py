"""The page's cookies: which conversation, which session; strict, and kept apart by port."""

from contextlib import suppress
from urllib.parse import urlsplit

from aiohttp import web

from bot.web.sessions import SESSION_LIFETIME


def cookie(request: web.Request, name: str) -> str:
    """Cookies are not kept apart by port, so the port is in the name: two Stackhands on one machine get along."""
    with suppress(ValueError):
        port = urlsplit(f"//{request.headers.get('Host', '')}").port
        return f"stackhand_{name}_{port}" if port else f"stackhand_{name}"
    return f"stackhand_{name}"


def keep(request: web.Request, response: web.Response, name: str, value: str, *, secure: bool) -> None:
    """`secure`: for https alone."""
    response.set_cookie(
        cookie(request, name),
        value,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=secure,
    )


def drop(request: web.Request, response: web.Response, name: str) -> None:
    response.del_cookie(cookie(request, name), httponly=True, samesite="Strict")
