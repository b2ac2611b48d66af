"""A small Keystone, Cinder and Nova that know users, roles and projects, keep what is changed, and fail on demand."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Json = dict[str, Any]
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
PASSWORD = "canary-password-4711"
TOKEN = "gAAAAABcanarytoken"


def answer(status: int, message: str, *, headers: dict[str, str] | None = None) -> Fault:
    """An error as OpenStack's services write it, before anything is done."""

    async def fault(_: web.Request) -> web.StreamResponse:
        body = {"error": {"code": status, "message": message}}
        return web.json_response(body, status=status, headers=headers)

    return fault


@dataclass
class ActingServer:
    """`roles`: (user, project) → role names. `faults`: "POST /snapshots" → what to do, one for each call.

    `after` are faults that come once the call was done: its answer is lost.
    """

    roles: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    volumes: dict[str, Json] = field(default_factory=dict)
    snapshots: dict[str, Json] = field(default_factory=dict)
    servers: dict[str, Json] = field(default_factory=dict)
    quotas: dict[str, Json] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    after: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # project of the login, "GET /path", query
    logins: list[tuple[str, str]] = field(default_factory=list)  # (user, project, "" for none)
    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)
    hide_owner: bool = False
    lifetime: str = "2099-01-01T00:00:00.000000Z"
    runner: web.AppRunner | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.handle)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()

    def changes(self) -> list[str]:
        """The calls that would change something, of Cinder and Nova."""
        return [what for _, what, _ in self.asked if not what.startswith("GET")]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.endswith("/auth/tokens"):
            return await self._login(request)
        if path.rstrip("/") in ("", "/v3"):
            links = [{"rel": "self", "href": f"{self.url}/v3/"}]
            return web.json_response({"version": {"id": "v3.14", "status": "stable", "links": links}})
        if found := re.fullmatch(r"/(volume/v3|compute/v2\.1)/?", path):
            return web.json_response({"version": self._version(found[1])})
        known = self.tokens.get(request.headers.get("X-Auth-Token", ""))
        if known is None:
            return web.json_response({"error": {"message": "The request needs authentication"}}, status=401)
        user, project = known
        if path == "/v3/auth/projects":
            rows = [{"id": p, "name": p} for (u, p), r in self.roles.items() if u == user and r]
            return web.json_response({"projects": rows})
        where = re.fullmatch(r"/(?:volume/v3/([\w-]+)|compute/v2\.1)(/.*)", path)
        assert where is not None, path
        if where[1] is not None and where[1] != project:
            return web.json_response({"badRequest": {"message": "Malformed request url"}}, status=400)
        return await self._call(request, user, project, where[2])

    async def _call(self, request: web.Request, user: str, project: str, path: str) -> web.StreamResponse:
        what = f"{request.method} {path}"
        self.asked.append((project, what, request.query_string))
        if (fault := _first(self.faults, what)) is not None:
            found = await fault(request)
            if found is not None:
                return found
        done = await self._done(request, project, path, "admin" in self.roles[user, project])
        if (fault := _first(self.after, what)) is not None:
            found = await fault(request)
            if found is not None:
                return found
        return done

    async def _done(self, request: web.Request, project: str, path: str, admin: bool) -> web.StreamResponse:
        body = json.loads(await request.text() or "{}")
        match request.method, path.strip("/").split("/"):
            case "GET", [("volumes" | "snapshots") as kind, "detail"]:
                return self._page(request, kind, project)
            case "GET", [("volumes" | "snapshots" | "servers") as kind, name]:
                row = self._seen(kind, name, project, admin)
                return self._missing(name) if row is None else web.json_response({kind[:-1]: row})
            case "POST", ["snapshots"]:
                return self._snapshot(body["snapshot"], project, admin)
            case "DELETE", ["snapshots", name]:
                gone = self.snapshots.pop(name, None)
                return self._missing(name) if gone is None else web.Response(status=202)
            case "POST", ["volumes", name, "metadata"]:
                self.volumes[name]["metadata"].update(body["metadata"])
                return web.json_response({"metadata": self.volumes[name]["metadata"]})
            case "DELETE", ["volumes", name, "metadata", key]:
                self.volumes[name]["metadata"].pop(key)
                return web.Response(status=200)
            case "POST", ["servers", name, "action"] if "changePassword" in body:
                self.servers[name]["adminPass"] = body["changePassword"]["adminPass"]
                return web.Response(status=202)
            case "POST", ["servers", name, "action"]:
                self.servers[name]["status"] = "PAUSED" if "pause" in body else "ACTIVE"
                return web.Response(status=202)
            case "GET", ["os-quota-sets", name]:
                return web.json_response({"quota_set": self.quotas[name]})
        return self._missing(path)

    def _seen(self, kind: str, name: str, project: str, admin: bool) -> Json | None:
        row: Json | None = getattr(self, kind).get(name)
        if row is None or (row["owner"] != project and not admin):
            return None
        return self._told(kind, row)

    def _told(self, kind: str, row: Json) -> Json:
        key = {
            "volumes": "os-vol-tenant-attr:tenant_id",
            "snapshots": "os-extended-snapshot-attributes:project_id",
            "servers": "tenant_id",
        }[kind]
        shown = {name: value for name, value in row.items() if name != "owner"}
        return shown if self.hide_owner else {**shown, key: row["owner"]}

    def _page(self, request: web.Request, kind: str, project: str) -> web.Response:
        assert "all_tenants" not in request.query
        rows = [self._told(kind, row) for row in getattr(self, kind).values() if row["owner"] == project]
        marker, limit = request.query.get("marker"), int(request.query["limit"])
        start = [row["id"] for row in rows].index(marker) + 1 if marker else 0
        return web.json_response({kind: rows[start : start + limit]})

    def _snapshot(self, wanted: Json, project: str, admin: bool) -> web.Response:
        volume = self._seen("volumes", wanted["volume_id"], project, admin)
        if volume is None:
            return self._missing(wanted["volume_id"])
        if volume["status"] == "in-use" and wanted.get("force") is not True:
            message = "Invalid volume: Volume status must be available"
            return web.json_response({"badRequest": {"message": message}}, status=400)
        row = {
            "id": f"snap-{len(self.snapshots) + 1}",
            "name": wanted["name"],
            "status": "creating",
            "size": volume["size"],
            "volume_id": volume["id"],
            "metadata": wanted["metadata"],
            "created_at": "2026-11-30T08:00:00.000000",
            "owner": project,
        }
        self.snapshots[row["id"]] = row
        return web.json_response({"snapshot": self._told("snapshots", row)}, status=202)

    def _missing(self, name: str) -> web.Response:
        return web.json_response({"itemNotFound": {"message": f"{name} could not be found."}}, status=404)

    async def _login(self, request: web.Request) -> web.Response:
        auth = json.loads(await request.text())["auth"]
        user = auth["identity"]["password"]["user"]
        scope = auth.get("scope")
        project = scope["project"]["id"] if isinstance(scope, dict) and "project" in scope else ""
        self.logins.append((user["name"], project))
        await asyncio.sleep(0.01)
        roles = self.roles.get((user["name"], project), ())
        if user["password"] != PASSWORD or (project and not roles):
            return web.json_response({"error": {"message": "The request requires authentication."}}, status=401)
        token = f"{TOKEN}{len(self.tokens)}"
        self.tokens[token] = (user["name"], project)
        told: Json = {
            "expires_at": self.lifetime,
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "user": {"id": user["name"], "name": user["name"], "domain": {"id": "default", "name": "Default"}},
            "methods": ["password"],
        }
        if project:
            told["project"] = {"id": project, "name": project, "domain": {"id": "default", "name": "Default"}}
            told["roles"] = [{"id": name, "name": name} for name in roles]
            told["catalog"] = self._catalog(project)
        return web.json_response({"token": told}, status=201, headers={"X-Subject-Token": token})

    def _catalog(self, project: str) -> list[Json]:
        urls = {"volumev3": f"/volume/v3/{project}", "compute": "/compute/v2.1"}
        return [
            {
                "id": kind,
                "type": kind,
                "name": kind,
                "endpoints": [
                    {"id": kind, "interface": "public", "region": "One", "region_id": "One", "url": self.url + url}
                ],
            }
            for kind, url in urls.items()
        ]

    def _version(self, path: str) -> Json:
        name, newest, oldest = ("v3.0", "3.70", "3.0") if path.startswith("volume") else ("v2.1", "2.93", "2.1")
        links = [{"rel": "self", "href": f"{self.url}/{path}/"}]
        return {"id": name, "status": "CURRENT", "version": newest, "min_version": oldest, "links": links}


def _first(faults: dict[str, list[Fault]], what: str) -> Fault | None:
    return faults[what].pop(0) if faults.get(what) else None


def volume_row(name: str, owner: str, **changes: Any) -> Json:
    return {
        "id": name,
        "name": f"disk {name}",
        "status": "in-use",
        "size": 10,
        "volume_type": "ssd",
        "bootable": "true",
        "metadata": {},
        "attachments": [{"server_id": "vm-1", "device": "/dev/vda"}],
        "owner": owner,
        **changes,
    }


async def lost(request: web.Request) -> web.StreamResponse:
    """The connection breaks without a byte of an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def silent(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def half(_: web.Request) -> web.StreamResponse:
    return web.Response(text='{"snapshot": {"id": "sn', content_type="application/json", status=202)
