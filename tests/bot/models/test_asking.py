"""Asking a model through each of the three clients: calls in pieces, and every way in which it can go wrong."""

import time
from typing import Any

import pytest
import structlog

from bot.models import Called, Prompt
from bot.models.asking import ask
from intents.fallback import SYSTEM, Tool
from tests.bot.models.servers import KEY, PROTOCOLS, Fails, Says, bomb, huge, router, serving

TOOL = Tool("count", "how many", {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]})
PROMPT = Prompt(SYSTEM, "canary-sentence of PROJECT_1", (TOOL,))
CALL = ("count", {"kind": "vm"})

protocols = pytest.mark.parametrize("protocol", PROTOCOLS)


def arguments(called: Called | None) -> Any:
    from intents.fallback import parse
    from intents.registry import load_catalogue

    assert called is not None
    return parse(load_catalogue(), called.name, called.arguments)


@protocols
async def test_a_call_is_put_together_from_its_pieces(protocol: str) -> None:
    async with serving(Says([CALL])) as model:
        one = router(protocol, model)
        called = await ask(one, PROMPT, 20)
        await one.close()
    assert called is not None and called.name == "count"
    assert arguments(called).slots == {"kind": "vm"}
    ((_, body, headers),) = model.asked
    assert body["stream"] is True and "canary-sentence" in model.prompts and "how many" in model.prompts
    assert (KEY in str(headers)) == (protocol != "ollama")


@protocols
@pytest.mark.parametrize("calls", [[], [CALL, CALL]], ids=["none", "two"])
async def test_no_call_or_several_are_no_answer(protocol: str, calls: list[Any]) -> None:
    async with serving(Says(calls)) as model:
        assert await ask(router(protocol, model), PROMPT, 20) is None
    assert len(model.asked) == 1


@protocols
@pytest.mark.parametrize("first", [Fails(500), Fails(503), Fails(429), Fails(drops=True)], ids=str)
async def test_what_passes_is_tried_once_more(protocol: str, first: Fails) -> None:
    async with serving(first, Says([CALL])) as model:
        called = await ask(router(protocol, model), PROMPT, 20)
    assert called is not None and called.name == "count"
    assert len(model.asked) == 2


@protocols
@pytest.mark.parametrize(
    ("bad", "requests", "why"),
    [
        (Fails(500, b"canary-body"), 2, "HTTP 500"),
        (Fails(429), 2, "HTTP 429"),
        (Fails(401, b'{"error": {"message": "canary-body"}}'), 1, "HTTP 401"),
        (Fails(drops=True), 2, "no connection"),
        (huge(), 1, "too long an answer"),
        (bomb(), 1, "too long an answer"),
    ],
    ids=["500", "429", "401", "drop", "10 MB", "packed"],
)
async def test_a_failure_is_a_none_and_a_line_without_content(
    protocol: str, bad: Fails, requests: int, why: str
) -> None:
    async with serving(bad) as model:
        with structlog.testing.capture_logs() as logs:
            assert await ask(router(protocol, model), PROMPT, 20) is None
    assert len(model.asked) == requests
    (line,) = logs
    assert (line["event"], line["reason"]) == ("model.failed", why)
    assert "canary" not in str(logs)


@protocols
@pytest.mark.parametrize(
    "body", [b"", b"{", b"null\n", b"<html>", b'data: {"a"\n\n', b'{"error": "canary"}\n', b"\xff\n"]
)
async def test_what_is_no_answer_of_the_protocol_is_none(protocol: str, body: bytes) -> None:
    async with serving(Fails(body=body)) as model:
        with structlog.testing.capture_logs() as logs:
            assert await ask(router(protocol, model), PROMPT, 20) is None
    assert len(logs) == 1 and "canary" not in str(logs)


@protocols
async def test_the_deadline_is_held_over_the_retry_too(protocol: str) -> None:
    async with serving(Says([CALL])) as model:
        one = router(protocol, model)
        await ask(one, PROMPT, 20)  # the import of the client is not what is measured
        model.does[:] = [Fails(503, wait_s=0.4), Fails(wait_s=30)]
        begun = time.perf_counter()
        with structlog.testing.capture_logs() as logs:
            assert await ask(one, PROMPT, 1.0) is None
        assert 0.9 < time.perf_counter() - begun < 2.0
    assert logs[0]["reason"] == "deadline" and len(model.asked) == 3


@protocols
async def test_no_server_is_no_connection(protocol: str) -> None:
    async with serving(Says()) as model:
        one = router(protocol, model)
    with structlog.testing.capture_logs() as logs:
        assert await ask(one, PROMPT, 20) is None
    assert logs[0]["reason"] == "no connection"


@protocols
async def test_a_redirect_is_not_followed_with_the_key(protocol: str) -> None:
    async with serving(Says([CALL])) as other, serving(Says()) as model:
        path = {"ollama": "/api/chat", "openai": "/v1/chat/completions", "anthropic": "/v1/messages"}[protocol]
        model.does[:] = [Fails(307, headers={"location": other.url + path})]
        assert await ask(router(protocol, model), PROMPT, 20) is None
    assert other.asked == []
