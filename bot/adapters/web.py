"""The chat page: server-rendered pieces pushed over a WebSocket to a small script.

It trusts a session cookie alone, which a one-time link gives; Host and Origin are checked because a browser sends the
cookie for any page that knows the address.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from urllib.parse import quote, unquote

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from bot import charts, formats
from bot.adapters import Answerer, Archive, Telling, Waiting, failure
from bot.messages import Message
from bot.replies import Choice, Reply, Text
from bot.web import guards
from bot.web.cookies import cookie, keep
from bot.web.entrance import NO_SESSION, Entrance
from bot.web.frames import file_of, heard
from bot.web.live import Live
from bot.web.render import HERE, Charts, Renderer
from bot.web.rooms import MOST_IN_FLIGHT, Card, Room, Rooms
from bot.web.sessions import Session, Sessions
from bot.web.speakers import Speaker, chosen
from bot.web.uploads import MOST_FILES, UploadError, Uploads
from storage.database import StorageUnavailable

log = structlog.get_logger(__name__)

MOST_HISTORY = 50
OTHER_PERSON = 4402
"""The close code that tells the page to load anew: its session speaks as another person now."""

_CONVERSATION = re.compile(r"[A-Za-z0-9_-]{22}")
_MIME = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
_STATIC = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
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
    telling: Telling | None = None,
    waiting: Waiting | None = None,
    speakers: Sequence[Speaker] = (),
) -> web.Application:
    """An application that serves the page alone. `allowed_hosts` are host names without ports."""
    app, hosts = web.Application(), frozenset(allowed_hosts)
    shown = Page(
        answerer, archive, sessions, hosts, tuple(starters), demo, secure,
        telling=telling, waiting=waiting, speakers=tuple(speakers),
    )  # fmt: skip
    add_page(app, shown)
    return app


def add_page(app: web.Application, shown: "Page") -> None:
    """Adds the page's routes to an application that has others, such as health, which the guards leave alone."""
    guarded = shown.guarded
    app.router.add_get("/", guarded(shown.index), allow_head=False)
    shown.entrance.add_to(app, guarded)
    app.router.add_get("/ws", guarded(shown.socket, origin=True), allow_head=False)
    app.router.add_post("/new", guarded(shown.begin_anew, origin=True))
    app.router.add_post("/uploads", guarded(shown.upload, origin=True))
    app.router.add_delete("/uploads/{id}", guarded(shown.drop_upload, origin=True))
    app.router.add_get("/files/{id}", guarded(shown.download))
    app.router.add_get("/charts/{shape:wide|narrow}/{theme:light|dark}/{digest:[0-9a-f]{32}}.svg", guarded(shown.chart))
    app.router.add_get("/static/{name:[a-z]+}.{kind:css|js|svg}", guarded(shown.static))
    if shown.speakers:
        app.router.add_post("/speak-as", guarded(shown.speak_as, origin=True))
    app.on_startup.append(shown.start)
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
        *,
        telling: Telling | None = None,
        waiting: Waiting | None = None,
        speakers: tuple[Speaker, ...] = (),
    ) -> None:
        """`secure` marks the cookies for https alone: set it behind a proxy that ends TLS. `telling` redraws what goes
        on, `waiting` counts what waits for a person; `speakers` are for a demo alone: whoever has the page is them."""
        self._answerer = answerer
        self._archive = archive
        self._sessions = sessions
        self._hosts = allowed_hosts
        self._starters = starters
        self._demo = demo
        self._secure = secure
        self._charts = Charts()
        self._render = Renderer(self._charts)
        self.entrance = Entrance(sessions, self._render, secure=secure)
        self.speakers = speakers
        self._rooms = Rooms()
        self._live = Live(self._rooms, self._render.reply, telling, waiting, [one.id for one in speakers])
        self._watching: list[asyncio.Task[None]] = []
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
            return await self.entrance.follow(request, token)
        session = await self.entrance.session(request)
        if session is None:
            return self.entrance.ask_for_a_link()
        html = self._render.page(
            starters=self._starters, demo=self._demo, most_files=MOST_FILES, person=session.person,
            name=session.name, speakers=self.speakers,
        )  # fmt: skip
        response = web.Response(text=html, content_type="text/html")
        conversation = self._conversation(request, session.person) or secrets.token_urlsafe(16)
        self._keep(request, response, self._talk(session.person), conversation)
        return response

    def _notice(self, status: int, title: str, lines: tuple[str, ...]) -> web.Response:
        return web.Response(status=status, text=self._render.notice(title, lines), content_type="text/html")

    async def begin_anew(self, request: web.Request) -> web.StreamResponse:
        session = await self.entrance.required(request)
        response = web.Response(status=204)
        self._keep(request, response, self._talk(session.person), secrets.token_urlsafe(16))
        return response

    async def speak_as(self, request: web.Request) -> web.StreamResponse:
        """Only in a demo: from now on the session is another of its people. Each has a conversation of their own."""
        session = await self.entrance.required(request)
        speaker = await chosen(self.speakers, request)
        if speaker is None:
            raise web.HTTPBadRequest(text="There is nobody like that in this demo. Reload the page.")
        await self._sessions.speak_as(session, speaker.id)
        for room in self._rooms.open():
            if room.person == session.person and room.person != speaker.id:
                await room.tell({"type": "speaker"})
        response = web.Response(status=204)
        conversation = self._conversation(request, speaker.id) or secrets.token_urlsafe(16)
        self._keep(request, response, self._talk(speaker.id), conversation)
        return response

    async def socket(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(max_msg_size=guards.MOST_FRAME_BYTES, heartbeat=20)
        session = await self.entrance.session(request)
        conversation = self._conversation(request, session.person) if session else None
        await ws.prepare(request)
        if session is None or conversation is None:
            await ws.close(code=NO_SESSION, message=b"no session")
            return ws
        room = self._rooms.enter(session.person, conversation)
        counts = dict(await self._live.counts(session.person))
        past, cards = await self._past(session, room)
        room.sockets.add(ws)
        self.entrance.came(ws, session)
        try:
            await ws.send_json({"type": "history", "html": past, "person": session.person, "counts": counts})
            self._live.keep(room, cards)
            await self._listen(request, ws, room)
        finally:
            room.sockets.discard(ws)
            self.entrance.went(ws)
        return ws

    async def _past(self, session: Session, room: Room) -> tuple[str, list[Card]]:
        """What was said so far; read again when something was told meanwhile, so that nothing falls between."""
        html, cards = "", list[Card]()
        for _ in range(5):
            told = room.told
            html, cards = await self._kept(session, room.conversation)
            if told == room.told:
                break
        return html + "".join(room.pending.values()), cards

    async def _kept(self, session: Session, conversation: str) -> tuple[str, list[Card]]:
        try:
            exchanges = await self._archive.recent(conversation, session.person, MOST_HISTORY)
        except Exception:
            log.exception("history_failed", person=session.person)
            lost = Reply((Text(_NO_HISTORY, "warning"),), outcome="failed")
            return self._render.reply(lost, session.id, datetime.now(UTC)), []
        pieces, cards = list[str](), list[Card]()
        for exchange in exchanges:
            html, live = await self._drawn(exchange.replies, session, exchange.at)
            pieces.append(self._render.said(exchange.said, (), exchange.at) + html)
            cards += live
            await asyncio.sleep(0)  # long tables take their time: others have a turn in between
        return "".join(pieces), cards

    async def _drawn(self, replies: Sequence[Reply], session: Session, since: datetime) -> tuple[str, list[Card]]:
        """Replies in their newest state, and the cards among them that go on."""
        drawn = [await self._live.drawn(reply, session.id, since) for reply in replies]
        return "".join(html for html, _ in drawn), [card for _, card in drawn if card is not None]

    async def _listen(self, request: web.Request, ws: web.WebSocketResponse, room: Room) -> None:
        async for frame in ws:
            try:
                session = await self.entrance.session(request)
            except StorageUnavailable:  # the page comes back, and sends again what it has no receipt for
                await ws.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"no database")
                return
            if session is None:
                await ws.close(code=NO_SESSION, message=b"session ended")
            elif session.person != room.person:
                await ws.close(code=OTHER_PERSON, message=b"another person")
            elif frame.type is not WSMsgType.TEXT:
                await ws.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"text only")
            else:
                await self._hear(ws, room, session, frame.data)

    async def _hear(self, ws: web.WebSocketResponse, room: Room, session: Session, frame: str) -> None:
        try:
            id_, text, keys = heard(guards.bounded_json(frame))
        except (ValueError, TypeError):
            await ws.close(code=WSCloseCode.INVALID_TEXT, message=b"not a message")
            return
        refusal = self._refusal(session, text, keys)
        files = None if refusal else self._uploads.take(session.id, keys)
        if refusal or files is None:
            why = refusal or "A file of this message is not here any more: attach it again."
            await ws.send_json({"type": "refused", "id": id_, "text": why})
        elif room.first_time(id_):
            at = datetime.now(UTC)
            said = Message(id_, room.person, room.conversation, text, at, files, redraws=True, unseen=True)
            await self._say(room, session, said)
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
            html, cards = await self._answered(session, message)
        finally:
            room.pending.pop(message.id, None)
        await room.tell({"type": "reply", "id": message.id, "html": html})
        self._live.keep(room, cards)

    async def _answered(self, session: Session, message: Message) -> tuple[str, list[Card]]:
        """The HTML of the replies. Whatever fails is said in words that name the entry in the log."""
        try:
            return await self._drawn(await self._answerer.answer(message), session, message.at)
        except Exception:
            log.exception("answer_failed", message=message.id, person=message.person)
            return self._render.reply(failure(message.id), session.id, datetime.now(UTC)), []

    async def upload(self, request: web.Request) -> web.StreamResponse:
        session = await self.entrance.required(request)
        name = unquote(request.headers.get("X-File-Name", ""), errors="replace")
        try:
            upload = await file_of(request, formats.file_name(name), self._uploads.room(session.id, name))
            key = self._uploads.keep(session.id, upload)
        except UploadError as refusal:
            return web.json_response({"error": str(refusal)}, status=413)
        return web.json_response({"id": key})

    async def drop_upload(self, request: web.Request) -> web.StreamResponse:
        self._uploads.drop((await self.entrance.required(request)).id, request.match_info["id"])
        return web.Response(status=204)

    async def download(self, request: web.Request) -> web.StreamResponse:
        session = await self.entrance.required(request)
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
        session = await self.entrance.required(request)
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

    async def start(self, app: web.Application) -> None:
        self._watching = [asyncio.create_task(work) for work in (self._live.run(), self.entrance.run())]

    async def stop(self, app: web.Application) -> None:
        for task in self._watching:
            task.cancel()
        await self._rooms.close()

    def _talk(self, person: str) -> str:
        """The name of the cookie that holds this person's conversation."""
        return f"conversation_{person}" if self.speakers else "conversation"

    def _conversation(self, request: web.Request, person: str) -> str | None:
        value = request.cookies.get(cookie(request, self._talk(person)), "")
        return value if _CONVERSATION.fullmatch(value) else None

    def _keep(self, request: web.Request, response: web.Response, name: str, value: str) -> None:
        keep(request, response, name, value, secure=self._secure)
