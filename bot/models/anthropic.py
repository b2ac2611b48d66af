"""Anthropic, by its own client."""

import asyncio
from importlib import import_module
from typing import Any

from bot.models import MOST_TOKENS, Called, Prompt
from bot.models.limits import hooks


class AnthropicRouter:
    def __init__(self, url: str, model: str, key: str) -> None:
        self._url, self._model, self._key = url, model, key
        self._client: Any = None

    @property
    def about(self) -> str:
        return f"anthropic {self._model}"

    async def route(self, prompt: Prompt) -> tuple[Called, ...]:
        client = await self._connected()
        events = await client.messages.create(
            model=self._model,
            max_tokens=MOST_TOKENS,
            system=prompt.system,
            messages=[{"role": "user", "content": prompt.sentence}],
            tools=[
                {"name": t.name, "description": t.description, "input_schema": dict(t.parameters)} for t in prompt.tools
            ],
            stream=True,
        )
        return await _calls(events)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _connected(self) -> Any:
        if self._client is None:
            library = await asyncio.to_thread(import_module, "anthropic")
            self._client = library.AsyncAnthropic(
                base_url=self._url,
                api_key=self._key,
                max_retries=0,
                default_headers={"accept-encoding": "identity"},
                http_client=library.DefaultAsyncHttpxClient(follow_redirects=False, event_hooks=hooks()),
            )
        return self._client


async def _calls(events: Any) -> tuple[Called, ...]:
    """The calls of a stream: a block says the name, and pieces of JSON under its index the arguments."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    async for event in events:
        if event.type == "content_block_start" and event.content_block.type == "tool_use":
            names[event.index] = event.content_block.name
        elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
            arguments[event.index] = arguments.get(event.index, "") + event.delta.partial_json
    return tuple(Called(name, arguments.get(index, "")) for index, name in names.items())
