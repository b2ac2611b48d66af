"""The way in and out: links of the terminal, which are followed; links of a chat, which need a button; signing out.

Whatever reads a chat follows the links in it, to show what they lead to. So a link of a chat opens a page with a
button, and holds its token behind the `#`, which no browser and no robot sends: it is in no log of a server on the way.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web

from bot.web import guards
from bot.web.addresses import ENTER
from bot.web.cookies import cookie, drop, keep
from bot.web.frames import bounded_body
from bot.web.render import Renderer
from bot.web.sessions import Session, Sessions
from bot.web.uploads import UploadError
from storage.database import StorageUnavailable

log = structlog.get_logger(__name__)

NO_SESSION = 4401
"""The close code that tells the page that its session has ended and that trying again is no use."""
_LOOK_EVERY_S = 5.0
_MOST_BYTES = 1000
_NEW_LINK = (
    "Everybody sees what they may see: that takes a link of your own, which works once, for one browser.",
    "In your team's chat: ask me in private, “open the page”, and press the button that I answer with.",
    "In a terminal: stackhand people page-link PERSON. Each start of Stackhand prints a fresh link too, for a day.",
)
_BACK = "Then open this address again, or press “sign in and open” where you found it."
_DEAD = (
    "This link does not work any more, or never did. It works once, and for the time that was told with it: "
    "ask for another one where you got it."
)


class Entrance:
    """Who comes and goes. It knows the open sockets of each session, and ends them with it."""

    def __init__(self, sessions: Sessions, render: Renderer, *, secure: bool = False) -> None:
        self._sessions = sessions
        self._render = render
        self._secure = secure
        self._sockets: dict[web.WebSocketResponse, str] = {}

    def add_to(self, app: web.Application, guarded: Callable[..., Any]) -> None:
        app.router.add_get(ENTER, guarded(self.page), allow_head=False)
        app.router.add_post(ENTER, guarded(self.enter, origin=True))
        app.router.add_post("/leave", guarded(self.leave, origin=True))

    async def session(self, request: web.Request) -> Session | None:
        """As it is now: whoever was disabled meanwhile has none. Raises StorageUnavailable."""
        return await self._sessions.find(request.cookies.get(cookie(request, "session")))

    async def required(self, request: web.Request) -> Session:
        session = await self.session(request)
        if session is None:
            raise web.HTTPUnauthorized(text=" ".join(_NEW_LINK))
        return session

    def ask_for_a_link(self, wanted: str = "/") -> web.Response:
        return self._notice(401, "This page needs a link", (*_NEW_LINK, *((_BACK,) if wanted != "/" else ())))

    async def follow(self, request: web.Request, token: str) -> web.Response:
        """A link of the terminal, which was followed. The browser that used it may follow it again."""
        secret = await self._sessions.follow(token)
        if secret is None and await self.session(request) is None:
            log.info("page.link_refused")
            return self._notice(403, "This link does not work any more", _NEW_LINK)
        response = web.Response(status=303, headers={"Location": "/"})
        if secret is not None:
            keep(request, response, "session", secret, secure=self._secure)
        return response

    async def page(self, request: web.Request) -> web.Response:
        """A button. It is the same for everybody, and uses nothing up."""
        return web.Response(text=self._render.enter(), content_type="text/html")

    async def enter(self, request: web.Request) -> web.Response:
        """The button was pressed. The session is a new one, whatever cookie the browser came with."""
        try:
            told = guards.bounded_json((await bounded_body(request, _MOST_BYTES)).decode())
        except (ValueError, UploadError):
            raise web.HTTPBadRequest(text="That is no link. Open it again where you got it.") from None
        token, held = str(told.get("token", "")), await self.session(request)
        entered = await self._sessions.enter(token, held, sure=told.get("sure") is True)
        if entered is None:
            log.info("page.link_refused")
            return web.json_response({"text": _DEAD}, status=403)
        if entered.other and held is not None:
            told_so = f"You are signed in here as {held.name}. This link signs you in as {entered.other}."
            return web.json_response({"text": told_so, "other": entered.other}, status=409)
        response = web.json_response({"opens": entered.opens})
        if entered.secret:
            keep(request, response, "session", entered.secret, secure=self._secure)
            drop(request, response, "conversation")
            await self._close([held.id] if held else [])
        return response

    async def leave(self, request: web.Request) -> web.Response:
        session = await self.session(request)
        if session is not None:
            await self._sessions.end(session)
            await self._close([session.id])
        response = web.Response(status=204)
        for name in ("session", "conversation"):
            drop(request, response, name)
        return response

    def came(self, socket: web.WebSocketResponse, session: Session) -> None:
        self._sockets[socket] = session.id

    def went(self, socket: web.WebSocketResponse) -> None:
        self._sockets.pop(socket, None)

    async def run(self) -> None:
        """Until it is cancelled: tabs that only listen end with their session too."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                await self.look()
            except StorageUnavailable as away:
                log.warning("page.no_database", what=away.what)

    async def look(self) -> None:
        open_now = set(self._sockets.values())
        if open_now:
            await self._close(open_now - await self._sessions.living(open_now))

    async def _close(self, ids: "set[str] | list[str]") -> None:
        found = [socket for socket, id_ in self._sockets.items() if id_ in ids]
        await asyncio.gather(*(one.close(code=NO_SESSION, message=b"session ended") for one in found))

    def _notice(self, status: int, title: str, lines: tuple[str, ...]) -> web.Response:
        return web.Response(status=status, text=self._render.notice(title, lines), content_type="text/html")
