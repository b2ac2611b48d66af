"""A small server for the three protocols of models, streaming, and as bad as the test wants it."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.models import Router
from bot.models.anthropic import AnthropicRouter
from bot.models.ollama import OllamaRouter
from bot.models.openai import OpenAIRouter

KEY = "canary-key-4711"
Call = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Says:
    """The tools that are called, after some talk."""

    calls: Sequence[Call] = ()
    talk: str = "Let me see."


@dataclass(frozen=True)
class Fails:
    """A status, a body that is no protocol's, a wait before the first byte, or a connection that breaks."""

    status: int = 200
    body: bytes = b""
    wait_s: float = 0.0
    drops: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


Obeys = Callable[[Mapping[str, Any]], Says]
"""A model that looks at what it was asked before it answers."""


@dataclass
class Model:
    """What it does for each request; the last one is repeated. `asked` keeps every request with its headers."""

    url: str
    does: list[Says | Fails | Obeys]
    asked: list[tuple[str, dict[str, Any], Mapping[str, str]]] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def next(self, body: Mapping[str, Any]) -> Says | Fails:
        one = self.does.pop(0) if len(self.does) > 1 else self.does[0]
        return one(body) if callable(one) else one

    @property
    def prompts(self) -> str:
        return "\n".join(json.dumps(body, ensure_ascii=False) for _, body, _ in self.asked)


PROTOCOLS = ("ollama", "openai", "anthropic")


def router(protocol: str, model: Model) -> Router:
    match protocol:
        case "ollama":
            return OllamaRouter(model.url, "tiny")
        case "openai":
            return OpenAIRouter(f"{model.url}/v1", "tiny", KEY)
    return AnthropicRouter(model.url, "tiny", KEY)


@asynccontextmanager
async def serving(*does: Says | Fails | Obeys) -> AsyncIterator[Model]:
    model = Model("", list(does))
    app = web.Application()
    for path, stream in (("/api/chat", _ollama), ("/v1/chat/completions", _openai), ("/v1/messages", _anthropic)):
        app.router.add_post(path, _handler(model, stream))
    server = TestServer(app)
    await server.start_server()
    model.url = f"http://127.0.0.1:{server.port}"
    try:
        yield model
    finally:
        await server.close()


def _handler(model: Model, stream: Callable[[Says], Iterator[bytes]]) -> Callable[[web.Request], Any]:
    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model.asked.append((request.path, body, dict(request.headers)))
        model.reached.set()
        one = model.next(body)
        if isinstance(one, Fails):
            return await _failing(request, one)
        kind = "application/x-ndjson" if request.path == "/api/chat" else "text/event-stream"
        response = web.StreamResponse(headers={"content-type": kind})
        await response.prepare(request)
        for piece in stream(one):
            await response.write(piece)
            await asyncio.sleep(0)
        return response

    return answer


async def _failing(request: web.Request, how: Fails) -> web.StreamResponse:
    await asyncio.sleep(how.wait_s)
    if how.drops:
        assert request.transport is not None
        request.transport.close()
    return web.Response(status=how.status, body=how.body, headers=dict(how.headers))


def _ollama(says: Says) -> Iterator[bytes]:
    def line(message: Mapping[str, Any], done: bool = False) -> bytes:
        at = "2026-11-24T12:00:00Z"
        whole = {"role": "assistant", "content": "", **message}
        return json.dumps({"model": "tiny", "created_at": at, "message": whole, "done": done}).encode() + b"\n"

    yield line({"content": says.talk})
    for name, arguments in says.calls:
        yield line({"tool_calls": [{"function": {"name": name, "arguments": arguments}}]})
    yield line({}, done=True)


def _openai(says: Says) -> Iterator[bytes]:
    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        whole = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "tiny", "choices": [choice]}
        return f"data: {json.dumps(whole)}\n\n".encode()

    yield chunk({"role": "assistant", "content": says.talk})
    for index, (name, arguments) in enumerate(says.calls):
        head = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        yield chunk({"tool_calls": [head]})
        for piece in _pieces(json.dumps(arguments)):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, "tool_calls" if says.calls else "stop")
    yield b"data: [DONE]\n\n"


def _anthropic(says: Says) -> Iterator[bytes]:
    def event(kind: str, **more: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()

    usage = {"input_tokens": 1, "output_tokens": 1}
    message: dict[str, Any] = {"id": "m1", "type": "message", "role": "assistant", "content": [], "model": "tiny"}
    message.update(usage=usage, stop_reason=None, stop_sequence=None)
    yield event("message_start", message=message)
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": says.talk})
    yield event("content_block_stop", index=0)
    for index, (name, arguments) in enumerate(says.calls, 1):
        block = {"type": "tool_use", "id": f"t{index}", "name": name, "input": {}}
        yield event("content_block_start", index=index, content_block=block)
        for piece in _pieces(json.dumps(arguments)):
            yield event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": piece})
        yield event("content_block_stop", index=index)
    yield event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 1})
    yield event("message_stop")


def _pieces(text: str, size: int = 7) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


def huge() -> Fails:
    """10 MB on one line."""
    return Fails(body=b'{"message": {"content": "' + b"x" * 10_000_000 + b'"}}\n')


def bomb() -> Fails:
    """Small on the wire, 50 MB when unpacked."""
    return Fails(body=gzip.compress(b"x" * 50_000_000), headers={"content-encoding": "gzip"})
