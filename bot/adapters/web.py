"""The chat page: server-rendered pieces pushed over a WebSocket to a small script.

It trusts a session cookie alone, which a one-time link gives; Host and Origin are checked because a browser sends the
cookie for any page that knows the address.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from bot import charts, formats
from bot.adapters import Answerer, Archive, failure
from bot.messages import Message, Upload
from bot.replies import Choice, Reply, Text
from bot.web import guards
from bot.web.render import HERE, Charts, Renderer
from bot.web.rooms import MOST_IN_FLIGHT, Room, Rooms
from bot.web.sessions import SESSION_LIFETIME, Session, Sessions
from bot.web.uploads import MOST_FILES, UploadError, Uploads

log = structlog.get_logger(__name__)

MOST_HISTORY = 50
NO_SESSION = 4401
"""The close code that tells the page that its session has ended and that trying again is no use."""

_CONVERSATION = re.compile(r"[A-Za-z0-9_-]{22}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_MIME = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
_STATIC = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_NEW_LINK = (
    "Each start of Stackhand prints a fresh link in its terminal: open that one.",
    "A link works once, for one browser, and for a day.",
)
_TRY_AGAIN = "Try again; if it stays, look in Stackhand's log. `stackhand doctor` tests what it needs."
_NO_HISTORY = "What was said before cannot be read just now. You can go on; reload the page later to see it again."
_SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page(
    answerer: Answerer,
    archive: Archive,
    *,
    sessions: Sessions,
    allowed_hosts: Collection[str] = guards.LOOPBACK,
    starters: Sequence[Choice] = (),
    demo: bool = False,
    secure: bool = False,
) -> web.Application:
    """An application that serves the page alone. `allowed_hosts` are host names without ports."""
    app = web.Application()
    add_page(app, Page(answerer, archive, sessions, frozenset(allowed_hosts), tuple(starters), demo, secure))
    return app


def add_page(app: web.Application, shown: "Page") -> None:
    """Adds the page's routes to an application that has others, such as health, which the guards leave alone."""
    guarded = shown.guarded
    app.router.add_get("/", guarded(shown.index), allow_head=False)
    app.router.add_get("/ws", guarded(shown.socket, origin=True), allow_head=False)
    app.router.add_post("/new", guarded(shown.begin_anew, origin=True))
    app.router.add_post("/uploads", guarded(shown.upload, origin=True))
    app.router.add_delete("/uploads/{id}", guarded(shown.drop_upload, origin=True))
    app.router.add_get("/files/{id}", guarded(shown.download))
    app.router.add_get("/charts/{shape:wide|narrow}/{theme:light|dark}/{digest:[0-9a-f]{32}}.svg", guarded(shown.chart))
    app.router.add_get("/static/{name:[a-z]+}.{kind:css|js|svg}", guarded(shown.static))
    app.on_shutdown.append(shown.stop)


class Page:
    """The handlers of the page, and what they share."""

    def __init__(
        self,
        answerer: Answerer,
        archive: Archive,
        sessions: Sessions,
        allowed_hosts: frozenset[str] = guards.LOOPBACK,
        starters: tuple[Choice, ...] = (),
        demo: bool = False,
        secure: bool = False,
    ) -> None:
        """`secure` marks the cookies for https alone: set it behind a proxy that ends TLS."""
        self._answerer = answerer
        self._archive = archive
        self._sessions = sessions
        self._hosts = allowed_hosts
        self._starters = starters
        self._demo = demo
        self._secure = secure
        self._charts = Charts()
        self._render = Renderer(self._charts)
        self._rooms = Rooms()
        self._uploads = Uploads()
        self._one_drawing = asyncio.Semaphore(1)
        self._assets = {path.name: path.read_bytes() for path in (HERE / "static").iterdir() if path.is_file()}

    def guarded(self, handler: Handler, *, origin: bool = False) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            try:
                guards.check_host(request, self._hosts)
                if origin:
                    guards.check_origin(request)
                response = await handler(request)
            except web.HTTPException as refusal:
                refusal.headers.update(guards.HEADERS)
                raise
            except Exception:
                log.exception("request_failed", method=request.method, path=request.path)
                response = self._notice(500, "Something failed on our side", (_TRY_AGAIN,))
            if not response.prepared:
                for name, value in guards.HEADERS.items():
                    response.headers.setdefault(name, value)
            return response

        return checked

    async def index(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("token")
        if token is not None:
            return self._open_link(request, token)
        if self._session(request) is None:
            return self._notice(401, "This page needs a link", _NEW_LINK)
        conversation = self._conversation(request)
        html = self._render.page(starters=self._starters, demo=self._demo, most_files=MOST_FILES)
        response = web.Response(text=html, content_type="text/html")
        self._keep(request, response, "conversation", conversation or secrets.token_urlsafe(16))
        return response

    def _open_link(self, request: web.Request, token: str) -> web.StreamResponse:
        secret = self._sessions.redeem(token)
        if secret is None and self._session(request) is None:
            return self._notice(403, "This link does not work any more", _NEW_LINK)
        response = web.Response(status=303, headers={"Location": "/"})
        if secret is not None:
            self._keep(request, response, "session", secret)
        return response

    def _notice(self, status: int, title: str, lines: tuple[str, ...]) -> web.Response:
        return web.Response(status=status, text=self._render.notice(title, lines), content_type="text/html")

    async def begin_anew(self, request: web.Request) -> web.StreamResponse:
        self._required_session(request)
        response = web.Response(status=204)
        self._keep(request, response, "conversation", secrets.token_urlsafe(16))
        return response

    async def socket(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(max_msg_size=guards.MOST_FRAME_BYTES, heartbeat=20)
        session, conversation = self._session(request), self._conversation(request)
        await ws.prepare(request)
        if session is None or conversation is None:
            await ws.close(code=NO_SESSION, message=b"no session")
            return ws
        room = self._rooms.enter(session.person, conversation)
        past = await self._past(session, conversation, room)
        room.sockets.add(ws)
        try:
            await ws.send_json({"type": "history", "html": past})
            await self._listen(request, ws, room, conversation)
        finally:
            room.sockets.discard(ws)
        return ws

    async def _past(self, session: Session, conversation: str, room: Room) -> str:
        """What was said so far; read again when something was told meanwhile, so that nothing falls between."""
        html = ""
        for _ in range(5):
            told = room.told
            html = await self._kept(session, conversation)
            if told == room.told:
                break
        return html + "".join(room.pending.values())

    async def _kept(self, session: Session, conversation: str) -> str:
        now = datetime.now(UTC)
        try:
            exchanges = await self._archive.recent(conversation, session.person, MOST_HISTORY)
        except Exception:
            log.exception("history_failed", person=session.person)
            return self._render.reply(Reply((Text(_NO_HISTORY, "warning"),), outcome="failed"), session.id, now)
        pieces: list[str] = []
        for exchange in exchanges:
            pieces.append(self._render.exchange(exchange, session.id, now))
            await asyncio.sleep(0)  # long tables take their time: others have a turn in between
        return "".join(pieces)

    async def _listen(self, request: web.Request, ws: web.WebSocketResponse, room: Room, conversation: str) -> None:
        async for frame in ws:
            session = self._session(request)
            if session is None:
                await ws.close(code=NO_SESSION, message=b"session ended")
            elif frame.type is not WSMsgType.TEXT:
                await ws.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"text only")
            else:
                await self._hear(ws, room, session, conversation, frame.data)

    async def _hear(
        self, ws: web.WebSocketResponse, room: Room, session: Session, conversation: str, frame: str
    ) -> None:
        try:
            id_, text, keys = _heard(guards.bounded_json(frame))
        except (ValueError, TypeError):
            await ws.close(code=WSCloseCode.INVALID_TEXT, message=b"not a message")
            return
        refusal = self._refusal(session, text, keys)
        files = None if refusal else self._uploads.take(session.id, keys)
        if refusal or files is None:
            why = refusal or "A file of this message is not here any more: attach it again."
            await ws.send_json({"type": "refused", "id": id_, "text": why})
        elif room.first_time(id_):
            await self._say(room, session, Message(id_, session.person, conversation, text, datetime.now(UTC), files))
        else:
            await ws.send_json({"type": "known", "id": id_})

    def _refusal(self, session: Session, text: str, keys: list[str]) -> str:
        if not text.strip() and not keys:
            return "There is nothing in this message."
        if self._rooms.in_flight(session.person) >= MOST_IN_FLIGHT:
            return f"{MOST_IN_FLIGHT} questions are still being answered: send this one when one of them is."
        return ""

    async def _say(self, room: Room, session: Session, message: Message) -> None:
        names = tuple(upload.name for upload in message.files)
        html = self._render.said(formats.cut(message.text, 4000), names, message.at, message.id)
        room.pending[message.id] = html
        await room.tell({"type": "said", "id": message.id, "html": html})
        self._rooms.run(self._answer(room, session, message))

    async def _answer(self, room: Room, session: Session, message: Message) -> None:
        try:
            html = await self._answered(session, message)
        finally:
            room.pending.pop(message.id, None)
        await room.tell({"type": "reply", "id": message.id, "html": html})

    async def _answered(self, session: Session, message: Message) -> str:
        """The HTML of the replies. Whatever fails is said in words that name the entry in the log."""
        try:
            replies = await self._answerer.answer(message)
            return "".join(self._render.reply(reply, session.id, datetime.now(UTC)) for reply in replies)
        except Exception:
            log.exception("answer_failed", message=message.id, person=message.person)
            return self._render.reply(failure(message.id), session.id, datetime.now(UTC))

    async def upload(self, request: web.Request) -> web.StreamResponse:
        session = self._required_session(request)
        name = unquote(request.headers.get("X-File-Name", ""), errors="replace")
        try:
            content = await _bounded_body(request, self._uploads.room(session.id))
            key = self._uploads.keep(session.id, Upload(formats.file_name(name), content))
        except UploadError as refusal:
            return web.json_response({"error": str(refusal)}, status=413)
        return web.json_response({"id": key})

    async def drop_upload(self, request: web.Request) -> web.StreamResponse:
        self._uploads.drop(self._required_session(request).id, request.match_info["id"])
        return web.Response(status=204)

    async def download(self, request: web.Request) -> web.StreamResponse:
        session = self._required_session(request)
        file = await self._archive.stored(request.match_info["id"], session.person)
        if file is None:
            return self._notice(
                404, "This file is not here any more", ("Files are kept for a while: ask for it again.",)
            )
        mime = file.mime if _MIME.fullmatch(file.mime) else "application/octet-stream"
        name = quote(formats.file_name(file.name), safe="", errors="replace")
        headers = {"Content-Type": mime, "Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return web.Response(body=file.content, headers=headers)

    async def chart(self, request: web.Request) -> web.StreamResponse:
        session = self._required_session(request)
        chart = self._charts.get(session.id, request.match_info["digest"])
        if chart is None:
            raise web.HTTPNotFound(text="This picture is not here any more: reload the page.")
        theme: charts.Theme = "dark" if request.match_info["theme"] == "dark" else "light"
        shape: charts.Shape = "narrow" if request.match_info["shape"] == "narrow" else "wide"
        async with self._one_drawing:
            picture = await asyncio.to_thread(charts.draw, chart, theme=theme, shape=shape)
        headers = {"Content-Security-Policy": _SVG_POLICY, "Cache-Control": "private, max-age=86400, immutable"}
        return web.Response(body=picture, content_type="image/svg+xml", headers=headers)

    async def static(self, request: web.Request) -> web.StreamResponse:
        kind = request.match_info["kind"]
        content = self._assets.get(f"{request.match_info['name']}.{kind}")
        if content is None:
            raise web.HTTPNotFound(text="There is no such file.")
        headers = {"Cache-Control": "public, max-age=31536000, immutable"} if "v" in request.query else {}
        return web.Response(body=content, content_type=_STATIC[kind], charset="utf-8", headers=headers)

    async def stop(self, app: web.Application) -> None:
        await self._rooms.close()

    def _session(self, request: web.Request) -> Session | None:
        return self._sessions.find(request.cookies.get(_cookie(request, "session")))

    def _required_session(self, request: web.Request) -> Session:
        session = self._session(request)
        if session is None:
            raise web.HTTPUnauthorized(text=" ".join(_NEW_LINK))
        return session

    def _conversation(self, request: web.Request) -> str | None:
        value = request.cookies.get(_cookie(request, "conversation"), "")
        return value if _CONVERSATION.fullmatch(value) else None

    def _keep(self, request: web.Request, response: web.Response, name: str, value: str) -> None:
        response.set_cookie(
            _cookie(request, name),
            value,
            max_age=int(SESSION_LIFETIME.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self._secure,
        )


def _cookie(request: web.Request, name: str) -> str:
    """Cookies are not kept apart by port, so the port is in the name: two Stackhands on one machine get along."""
    with suppress(ValueError):
        port = urlsplit(f"//{request.headers.get('Host', '')}").port
        return f"stackhand_{name}_{port}" if port else f"stackhand_{name}"
    return f"stackhand_{name}"


def _heard(data: dict[str, Any]) -> tuple[str, str, list[str]]:
    """Id, text and upload keys of a frame; ValueError if it is not the shape that the page sends."""
    id_, text, keys = data.get("id"), data.get("text"), data.get("files", [])
    if not (isinstance(id_, str) and _MESSAGE_ID.fullmatch(id_) and isinstance(text, str)):
        raise ValueError("id or text")
    if not isinstance(keys, list) or len(keys) > MOST_FILES or not all(isinstance(key, str) for key in keys):
        raise ValueError("files")
    return id_, text.encode("utf-8", "replace").decode().replace("\0", ""), list(dict.fromkeys(keys))


async def _bounded_body(request: web.Request, most: int) -> bytes:
    """The body, read until it is more than `most` bytes, then UploadError."""
    refusal = UploadError("The file is too large: up to 20 MiB are taken with one message.")
    if (request.content_length or 0) > most:
        raise refusal
    body = bytearray()
    async for block in request.content.iter_chunked(2**16):
        body += block
        if len(body) > most:
            raise refusal
    return bytes(body)
