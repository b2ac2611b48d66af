"""Ollama, by its own client."""

import asyncio
from importlib import import_module
from typing import Any

from bot.models import MOST_TOKENS, Called, Prompt
from bot.models.limits import hooks


class OllamaRouter:
    def __init__(self, url: str, model: str, key: str = "") -> None:
        self._url, self._model, self._key = url, model, key
        self._client: Any = None

    @property
    def about(self) -> str:
        return f"ollama {self._model}"

    async def route(self, prompt: Prompt) -> tuple[Called, ...]:
        client = await self._connected()
        parts = await client.chat(
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
            options={"temperature": 0, "num_predict": MOST_TOKENS},
        )
        calls = [call async for part in parts for call in part.message.tool_calls or ()]
        return tuple(Called(str(call.function.name), call.function.arguments) for call in calls)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _connected(self) -> Any:
        """The client, imported when first needed: it takes a second, and most processes never do."""
        if self._client is None:
            library = await asyncio.to_thread(import_module, "ollama")
            headers = {"accept-encoding": "identity"}
            if self._key:
                headers["authorization"] = f"Bearer {self._key}"
            self._client = library.AsyncClient(self._url, follow_redirects=False, headers=headers, event_hooks=hooks())
        return self._client
