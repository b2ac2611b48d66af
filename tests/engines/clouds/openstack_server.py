"""A small OpenStack over HTTP: logs in, has a catalogue, pages its lists with markers, and fails on demand."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
PASSWORD = "s3cret-pass"
_PREFIXES = {
    "compute": ("compute", "/compute/v2.1"),
    "block-storage": ("block-storage", "/volume/v3"),
    "network": ("network", "/network"),
    "image": ("image", "/image"),
    "placement": ("placement", "/placement"),
    "identity": ("identity", "/v3"),
}


async def forbidden(_: web.Request) -> web.StreamResponse:
    return web.json_response({"forbidden": {"code": 403, "message": "Policy doesn't allow that."}}, status=403)


async def broken(_: web.Request) -> web.StreamResponse:
    return web.json_response({"computeFault": {"code": 500, "message": "Unexpected API Error."}}, status=500)


async def busy(_: web.Request) -> web.StreamResponse:
    return web.json_response({}, status=429, headers={"Retry-After": "0"})


async def silent(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def truncated(_: web.Request) -> web.StreamResponse:
    return web.Response(text='{"servers": [{"id": "vm-1", "na', content_type="application/json")


async def cut(request: web.Request) -> web.StreamResponse:
    """Half of what was promised, then the connection is gone."""
    response = web.StreamResponse(headers={"Content-Length": "10000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"servers": [{"id": "vm-1"')
    assert request.transport is not None
    request.transport.abort()
    return response


@dataclass
class OpenStackServer:
    """`rows`: path below its service -> rows. `faults`: path -> answers to give, one for each call, None: as usual."""

    services: tuple[str, ...] = tuple(_PREFIXES)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, list[Fault | None]] = field(default_factory=lambda: defaultdict(list))
    always: dict[str, Fault] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    most_at_once: int = 0
    running: int = 0
    delay_s: float = 0.0
    roles: tuple[str, ...] = ("admin",)
    no_links: bool = False
    logins: int = 0
    login_delay_s: float = 0.0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        return runner

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/v3/auth/tokens":
            return await self._login(request)
        for kind, prefix in _PREFIXES.values():
            if request.path.rstrip("/") == prefix:
                return web.json_response(self._versions(kind, prefix))
            if request.path.startswith(prefix + "/"):
                return await self._call(
                    request, request.path.removeprefix(prefix).removeprefix("/v2.0").removeprefix("/v2")
                )
        return web.json_response({}, status=404)

    async def _call(self, request: web.Request, path: str) -> web.StreamResponse:
        self.asked.append(f"{path}?{request.query_string}")
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            await asyncio.sleep(self.delay_s)
            fault = self.faults[path].pop(0) if self.faults.get(path) else self.always.get(path)
            answer = await fault(request) if fault else None
            return answer if answer is not None else self._list(request, path)
        finally:
            self.running -= 1

    def _list(self, request: web.Request, path: str) -> web.Response:
        if path in self.objects:
            return web.json_response(self.objects[path])
        key = path.rstrip("/").split("/")[1 if path.endswith("/detail") else -1].replace("-", "_").removeprefix("os_")
        key = {"types": "volume_types"}.get(key, key)
        rows, limit = self.rows[path], int(request.query.get("limit", "0") or 0)
        start = 0
        if (marker := request.query.get("marker")) is not None:
            ids = [row["id"] for row in rows]
            if marker not in ids:
                return web.json_response({"badRequest": {"message": f"marker [{marker}] not found"}}, status=400)
            start = ids.index(marker) + 1
        page = rows[start : start + limit] if limit else rows[start:]
        body: dict[str, Any] = {key: page}
        if limit and start + limit < len(rows) and not self.no_links:
            query = f"limit={limit}&marker={page[-1]['id']}"
            body[f"{key}_links"] = [{"rel": "next", "href": f"http://unreachable.invalid{path}?{query}"}]
        return web.json_response(body)

    async def _login(self, request: web.Request) -> web.Response:
        self.logins += 1
        await asyncio.sleep(self.login_delay_s)
        identity = json.loads(await request.text())["auth"]["identity"]
        if identity["password"]["user"]["password"] != PASSWORD:
            return web.json_response({"error": {"message": "The request requires authentication."}}, status=401)
        token = {
            "token": {
                "expires_at": "2099-01-01T00:00:00.000000Z",
                "issued_at": "2026-01-01T00:00:00.000000Z",
                "user": {"id": "user-1", "name": "admin", "domain": {"id": "default", "name": "Default"}},
                "project": {"id": "project-1", "name": "admin", "domain": {"id": "default", "name": "Default"}},
                "roles": [{"id": name, "name": name} for name in self.roles],
                "methods": ["password"],
                "catalog": list(self._catalog()),
            }
        }
        return web.json_response(token, status=201, headers={"X-Subject-Token": "token-1"})

    def _catalog(self) -> Iterable[dict[str, Any]]:
        for service in self.services:
            kind, prefix = _PREFIXES[service]
            endpoints = [
                {"id": f"{kind}-{i}", "interface": i, "region": "One", "region_id": "One", "url": self.url + prefix}
                for i in ("public", "internal", "admin")
            ]
            yield {"id": kind, "type": kind, "name": kind, "endpoints": endpoints}

    def _versions(self, kind: str, prefix: str) -> dict[str, Any]:
        links = [{"rel": "self", "href": f"{self.url}{prefix}/"}]
        if kind in ("compute", "block-storage"):
            newest, oldest = ("2.93", "2.1") if kind == "compute" else ("3.70", "3.0")
            name = "v2.1" if kind == "compute" else "v3.0"
            return {
                "version": {"id": name, "status": "CURRENT", "version": newest, "min_version": oldest, "links": links}
            }
        if kind == "identity":
            return {"version": {"id": "v3.14", "status": "stable", "links": links}}
        if kind == "placement":
            told = {"id": "v1.0", "status": "CURRENT", "max_version": "1.39", "min_version": "1.0", "links": links}
            return {"versions": [told]}
        name, tail = ("v2.0", "v2.0/") if kind == "network" else ("v2.16", "v2/")
        links = [{"rel": "self", "href": f"{self.url}{prefix}/{tail}"}]
        return {"versions": [{"id": name, "status": "CURRENT", "links": links}]}


def server_row(number: int, **changes: Any) -> dict[str, Any]:
    """A server as Nova writes it at 2.79."""
    return {
        "id": f"vm-{number}",
        "name": f"web-{number}",
        "status": "ACTIVE",
        "tenant_id": "project-1",
        "user_id": "user-1",
        "metadata": {},
        "image": {"id": "image-1"},
        "flavor": {"vcpus": 2, "ram": 4096, "disk": 20, "original_name": "m1.medium"},
        "created": "2026-11-25T11:02:58Z",
        "updated": "2026-11-25T11:03:00Z",
        "addresses": {},
        "OS-EXT-SRV-ATTR:hypervisor_hostname": "compute-01",
        "security_groups": [],
        **changes,
    }
