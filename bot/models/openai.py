"""OpenAI, and servers that speak as it does, by its own client."""

import asyncio
from importlib import import_module
from typing import Any

from bot.models import MOST_TOKENS, Called, Prompt
from bot.models.limits import hooks


class OpenAIRouter:
    def __init__(self, url: str, model: str, key: str) -> None:
        self._url, self._model, self._key = url, model, key
        self._client: Any = None

    @property
    def about(self) -> str:
        return f"openai {self._model}"

    async def route(self, prompt: Prompt) -> tuple[Called, ...]:
        client = await self._connected()
        chunks = await client.chat.completions.create(
            model=self._model,
            messages=[{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.sentence}],
            tools=[
                {
                    "type": "function",
                    "function": {"name": t.name, "description": t.description, "parameters": dict(t.parameters)},
                }
                for t in prompt.tools
            ],
            stream=True,
            max_completion_tokens=MOST_TOKENS,
        )
        return await _calls(chunks)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _connected(self) -> Any:
        if self._client is None:
            library = await asyncio.to_thread(import_module, "openai")
            self._client = library.AsyncOpenAI(
                base_url=self._url,
                api_key=self._key,
                max_retries=0,
                default_headers={"accept-encoding": "identity"},
                http_client=library.DefaultAsyncHttpxClient(follow_redirects=False, event_hooks=hooks()),
            )
        return self._client


async def _calls(chunks: Any) -> tuple[Called, ...]:
    """The calls of a stream: a name comes once, its arguments in pieces."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    async for chunk in chunks:
        for choice in chunk.choices[:1]:
            for call in choice.delta.tool_calls or ():
                names[call.index] = names.get(call.index, "") + (call.function.name or "")
                arguments[call.index] = arguments.get(call.index, "") + (call.function.arguments or "")
    return tuple(Called(name, arguments[index]) for index, name in names.items())
