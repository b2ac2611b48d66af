"""A small Slack in this process: the Web API as far as Stackhand uses it, its limits, its faults, a log of calls.

Errors are `ok: false` with status 200, as Slack has them; GET, POST, forms and JSON are taken alike.
"""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TEAM, APP, BOT, TOKEN, APP_TOKEN = "T000000001", "A000000001", "U0000BOT", "xoxb-" + "small", "xapp-" + "small"
Json = dict[str, Any]
_MOST_BLOCKS = 50


@dataclass
class Fault:
    """How the next `count` calls of a method fail: a status, an error, or `drop` before or after it took effect."""

    method: str
    status: int = 0
    error: str = ""
    retry_after: int = 1
    drop: str = ""
    count: int = 1


@dataclass
class SmallSlack:
    """What is in the workspace, and what was asked of it."""

    calls: list[tuple[str, Json]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    users: dict[str, Json] = field(default_factory=dict)
    channels: dict[str, Json] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    posted: dict[str, list[Json]] = field(default_factory=dict)
    ephemeral: list[Json] = field(default_factory=list)
    homes: dict[str, Json] = field(default_factory=dict)
    files: dict[str, Json] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    page: int = 2
    url: str = ""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    def called(self, method: str) -> list[Json]:
        return [args for name, args in self.calls if name == method]

    def texts(self, channel: str) -> list[str]:
        return [str(one["text"]) for one in self.posted.get(channel, ())]

    async def api(self, request: web.Request) -> web.StreamResponse:
        method, args = request.match_info["method"], await _args(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.calls.append((method, args))
        if token not in (TOKEN, APP_TOKEN):
            return web.json_response({"ok": False, "error": "invalid_auth" if token else "not_authed"})
        fault = next((one for one in self.faults if one.method == method and one.count > 0), None)
        if fault is not None:
            fault.count -= 1
            return await self._fail(request, fault, method, args)
        return web.json_response(self._answer(method, args), headers=self.headers)

    async def _fail(self, request: web.Request, fault: Fault, method: str, args: Json) -> web.StreamResponse:
        if fault.drop:
            if fault.drop == "after":
                self._answer(method, args)
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if fault.status == 429:
            headers = {"Retry-After": str(fault.retry_after)}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        if fault.status:
            return web.Response(status=fault.status, text="upstream error")
        return web.json_response({"ok": False, "error": fault.error})

    def _answer(self, method: str, args: Json) -> Json:
        known = getattr(self, "_" + method.replace(".", "_"), None)
        return {"ok": True, **known(args)} if known else {"ok": False, "error": "unknown_method"}

    def _auth_test(self, args: Json) -> Json:
        return {"team": "Small", "team_id": TEAM, "user": "stackhand", "user_id": BOT, "bot_id": "B1", "app_id": APP}

    def _apps_connections_open(self, args: Json) -> Json:
        return {"url": "ws://127.0.0.1:1/link"}

    def _users_info(self, args: Json) -> Json:
        user = self.users.get(args["user"])
        return {"user": user} if user else {"ok": False, "error": "user_not_found"}

    def _users_list(self, args: Json) -> Json:
        return self._paged("members", list(self.users.values()), args)

    def _users_conversations(self, args: Json) -> Json:
        return {"channels": list(self.channels.values())}

    def _conversations_info(self, args: Json) -> Json:
        channel = self.channels.get(args["channel"])
        return {"channel": channel} if channel else {"ok": False, "error": "channel_not_found"}

    def _conversations_members(self, args: Json) -> Json:
        return self._paged("members", self.members.get(args["channel"], []), args)

    def _conversations_open(self, args: Json) -> Json:
        return {"channel": {"id": f"D{args['users']}"}}

    def _paged(self, name: str, rows: list[Any], args: Json) -> Json:
        at = int(args.get("cursor") or 0)
        more = str(at + self.page) if at + self.page < len(rows) else ""
        return {name: rows[at : at + self.page], "response_metadata": {"next_cursor": more}}

    def _chat_postMessage(self, args: Json) -> Json:  # noqa: N802 - Slack's name
        if not args["channel"].startswith("D") and args["channel"] not in self.channels:
            return {"ok": False, "error": "channel_not_found"}
        if wrong := _wrong(args.get("blocks") or []):
            return {"ok": False, "error": wrong}
        message = {**args, "ts": f"1795600000.{next(self._numbers):06}", "user": BOT}
        self.posted.setdefault(args["channel"], []).append(message)
        return {"channel": args["channel"], "ts": message["ts"], "message": message}

    def _chat_update(self, args: Json) -> Json:
        message = next((one for one in self.posted.get(args["channel"], []) if one["ts"] == args["ts"]), None)
        if message is None:
            return {"ok": False, "error": "message_not_found"}
        message.update(text=args["text"], blocks=args.get("blocks"))
        return {"channel": args["channel"], "ts": args["ts"]}

    def _chat_postEphemeral(self, args: Json) -> Json:  # noqa: N802 - Slack's name
        if args["channel"] not in self.channels:
            return {"ok": False, "error": "channel_not_found"}
        self.ephemeral.append(args)
        return {"message_ts": "1.1"}

    def _conversations_history(self, args: Json) -> Json:
        rows = [one for one in self.posted.get(args["channel"], []) if not one.get("thread_ts")]
        return self._paged("messages", rows[::-1], args)

    def _conversations_replies(self, args: Json) -> Json:
        rows = [one for one in self.posted.get(args["channel"], []) if one.get("thread_ts") == args["ts"]]
        return self._paged("messages", rows, args)

    def _views_open(self, args: Json) -> Json:
        return {"view": {"id": f"V{next(self._numbers)}"}}

    def _views_update(self, args: Json) -> Json:
        return {"view": {"id": args["view_id"]}} if args.get("view_id") else {"ok": False, "error": "not_found"}

    def _views_publish(self, args: Json) -> Json:
        self.homes[args["user_id"]] = args["view"]
        return {"view": args["view"]}

    def _files_getUploadURLExternal(self, args: Json) -> Json:  # noqa: N802 - Slack's name
        file = f"F{next(self._numbers)}"
        self.files[file] = {"id": file, "name": args["filename"], "length": int(args["length"]), "channels": []}
        return {"file_id": file, "upload_url": f"{self.url}/upload/{file}"}

    def _files_completeUploadExternal(self, args: Json) -> Json:  # noqa: N802 - Slack's name
        for one in _decoded(args["files"]):
            file = self.files.get(one["id"])
            if file is None or len(file.get("content", b"")) != file["length"]:
                return {"ok": False, "error": "file_not_found"}
            file["channels"].append(args["channel_id"])
            self.posted.setdefault(args["channel_id"], []).append({"text": "", "file": one["id"], **args, "ts": "9.9"})
        return {"files": []}

    def _files_info(self, args: Json) -> Json:
        file = self.files.get(args["file"])
        if file is None:
            return {"ok": False, "error": "file_not_found"}
        return {"file": {name: value for name, value in file.items() if name != "content"}}

    async def upload(self, request: web.Request) -> web.Response:
        self.tokens.append(request.headers.get("Authorization", ""))
        self.files[request.match_info["file"]]["content"] = await request.read()
        return web.Response(text="OK")

    async def download(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=302, headers={"Location": f"{self.url}/signin"})
        file = self.files[request.match_info["file"]]
        if file.get("to"):
            return web.Response(status=302, headers={"Location": file["to"]})
        return web.Response(body=file["content"], content_type=file.get("mime", "application/octet-stream"))

    async def signin(self, request: web.Request) -> web.Response:
        self.tokens.append(request.headers.get("Authorization", ""))
        return web.Response(text="<html>", content_type="text/html")


def _wrong(blocks: list[Json]) -> str:
    """Some of Slack's limits: enough to be refused by."""
    if len(blocks) > _MOST_BLOCKS:
        return "invalid_blocks"
    texts = [str(block.get("text", {}).get("text", "")) for block in blocks if block["type"] == "section"]
    if any(len(text) > 3000 for text in texts):
        return "invalid_blocks"
    return "msg_blocks_too_long" if sum(map(len, texts)) > 13_200 else ""


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value.startswith(("[", "{")) else value


async def _args(request: web.Request) -> Json:
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        args |= await request.json() if await request.read() else {}
    elif request.content_type == "application/x-www-form-urlencoded":
        args |= dict(await request.post())
    return {name: _decoded(value) for name, value in args.items()}


@asynccontextmanager
async def small_slack() -> AsyncIterator[SmallSlack]:
    """A workspace with a channel C1, alice who is a member, and gil who is a guest."""
    slack = SmallSlack()
    slack.users = {
        "UALICE": {"id": "UALICE", "team_id": TEAM, "name": "alice", "profile": {"email": "alice@example.com"}},
        "UGIL": {"id": "UGIL", "team_id": TEAM, "name": "gil", "is_restricted": True},
        "UBOT": {"id": "UBOT", "team_id": TEAM, "name": "otherbot", "is_bot": True},
        "UFAR": {"id": "UFAR", "team_id": "T999999999", "name": "far"},
    }
    slack.channels = {"C1": {"id": "C1", "name": "ops"}, "C2": {"id": "C2", "name": "guests"}}
    slack.members = {"C1": [BOT, "UALICE"], "C2": [BOT, "UALICE", "UGIL"]}
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/api/{method}", slack.api)
    app.router.add_post("/upload/{file}", slack.upload)
    app.router.add_get("/files-pri/{file}", slack.download)
    app.router.add_get("/signin", slack.signin)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield slack
    finally:
        await runner.cleanup()
