"""The door for commands on the same machine: a running process answers them, so that each need not load everything.

A Unix socket in the state directory that only the same account can open; whoever can open it can read the database's
password beside it as well. Its name tells which database is behind it.
"""

import base64
import hashlib
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.messages import Message
from bot.replies import File, Reply, from_json, to_json
from bot.settings import Settings
from bot.told import Sure, Told

Answer = Callable[[Message], Awaitable[Told]]
PATH = "/ask"
PAGE = "/page"
_MOST_BYTES = 2**20
_PATH_LIMIT = 100  # the kernel's is 107 bytes


def door_of(settings: Settings) -> Path:
    """Where the door of these settings' database is, if a process holds it open."""
    from storage.embedded import default_state_dir

    url = settings.database_url.get_secret_value() if settings.database_url else ""
    name = f"ask-{hashlib.sha256(url.encode()).hexdigest()[:12]}.socket"
    return (settings.state_dir or default_state_dir()) / name


@asynccontextmanager
async def open_door(answer: Answer, path: Path, page: str = "") -> AsyncIterator[bool]:
    """Answers at the door as long as the block runs. False when there is none: its place is taken, or no place.

    `page` is where this process serves the page; it is told to whoever asks.
    """
    taken = _bind(path)
    if taken is None:
        yield False
        return
    from aiohttp import web

    app = web.Application(client_max_size=_MOST_BYTES)
    app.router.add_post(PATH, _answering(answer))
    app.router.add_get(PAGE, _telling(page))
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.SockSite(runner, taken).start()
        yield True
    finally:
        _remove(path)
        await runner.cleanup()


def _bind(path: Path) -> socket.socket | None:
    """Bound and private before it listens. A door that another process holds open is left alone."""
    if len(os.fsencode(path)) > _PATH_LIMIT:
        return None
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            if _answers(path):
                door.close()
                return None
            path.unlink()  # left by a process that was killed
        door.bind(str(path))
        path.chmod(0o600)
        door.listen(32)
    except OSError:
        door.close()
        return None
    door.setblocking(False)
    return door


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        visitor.settimeout(2)
        try:
            visitor.connect(str(path))
        except OSError:
            return False
    return True


def _answering(answer: Answer) -> Any:
    from aiohttp import web

    async def hear(request: web.Request) -> web.Response:
        try:
            asked = await request.json()
            message = Message(
                str(asked["id"]),
                str(asked["person"]),
                str(asked["conversation"]),
                str(asked["text"]),
                datetime.now(UTC),
            )
        except (ValueError, KeyError, TypeError):
            raise web.HTTPBadRequest(text="not a message") from None
        told = await answer(message)
        sure = [[one.confidence, one.source] for one in told.sure]
        replies = [_packed(reply) for reply in told.replies]
        return web.json_response({"took_ms": told.took_ms, "sure": sure, "replies": replies})

    return hear


def _telling(page: str) -> Any:
    from aiohttp import web

    async def tell(request: web.Request) -> web.Response:
        return web.json_response({"address": page})

    return tell


def page_at(path: Path, seconds: float = 5.0) -> str:
    """Where a running process serves the page; empty when none does, or none says so."""
    import http.client
    import json

    visitor = _enter(path, seconds)
    if visitor is None:
        return ""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = visitor
    try:
        connection.request("GET", PAGE)
        answered = connection.getresponse()
        return str(json.loads(answered.read())["address"]) if answered.status == 200 else ""
    except (http.client.HTTPException, OSError, ValueError, KeyError, TypeError):
        return ""
    finally:
        connection.close()


def _packed(reply: Reply) -> dict[str, Any]:
    """A reply with the content of its files, which its own JSON leaves out."""
    files = [base64.b64encode(part.content).decode() for part in reply.parts if isinstance(part, File)]
    return {"reply": to_json(reply), "files": files}


def _unpacked(packed: dict[str, Any]) -> Reply:
    reply, contents = from_json(packed["reply"]), iter(packed["files"])
    parts = (
        replace(part, content=base64.b64decode(next(contents))) if isinstance(part, File) else part
        for part in reply.parts
    )
    return replace(reply, parts=tuple(parts))


def knock(path: Path, message: Message, seconds: float = 120.0) -> Told | None:
    """What a running process answers. None: nobody is there to ask.

    Raises ConnectionError when it was there and went away before it had answered.
    """
    import http.client
    import json

    visitor = _enter(path, seconds)
    if visitor is None:
        return None
    connection = http.client.HTTPConnection("localhost")
    connection.sock = visitor
    asked = {"id": message.id, "person": message.person, "conversation": message.conversation, "text": message.text}
    try:
        connection.request("POST", PATH, json.dumps(asked), {"Content-Type": "application/json"})
        answered = connection.getresponse()
        if answered.status != 200:
            raise ConnectionError(f"it answered {answered.status}")
        body = json.loads(answered.read())
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
    replies = tuple(_unpacked(one) for one in body["replies"])
    return Told(replies, tuple(Sure(*one) for one in body["sure"]), int(body["took_ms"]))


def _enter(path: Path, seconds: float) -> socket.socket | None:
    """A connection to a socket of our own account, or root's; nobody else is believed."""
    try:
        found = path.lstat()
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid not in (0, os.geteuid()):
            return None
        visitor = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        visitor.settimeout(seconds)
        visitor.connect(str(path))
    except OSError:
        return None
    return visitor
