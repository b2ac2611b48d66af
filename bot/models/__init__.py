"""Language models, as the program knows them: each says which tool a sentence calls for, and nothing else."""

from dataclasses import dataclass
from typing import Any, Protocol

from intents.fallback import Tool

MOST_BYTES = 262_144
"""Bytes of an answer; one that goes on longer is cut off and counts as none."""
MOST_TOKENS = 1000
"""Tokens that a model may write: a call is short, and they are paid for."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a model gets. `sentence` is masked."""

    system: str
    sentence: str
    tools: tuple[Tool, ...]


@dataclass(frozen=True, slots=True)
class Called:
    """A tool that a model called. `arguments` are as they came: a mapping or JSON text, not yet trusted."""

    name: str
    arguments: Any


class Router(Protocol):
    """One model behind its own client. `about` is the client and the model, for the record."""

    @property
    def about(self) -> str: ...

    async def route(self, prompt: Prompt) -> tuple[Called, ...]:
        """Raises whatever its client raises; `bot.models.asking` knows what that means."""
        ...

    async def close(self) -> None: ...
