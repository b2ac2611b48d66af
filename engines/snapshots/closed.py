"""A source that cannot be opened: every call says why, so that each of its volumes gets its reason."""

from typing import Any

from engines.clouds.acting import ActError


class Closed:
    def __init__(self, source: str, error: ActError) -> None:
        self.source = source
        self._error = error

    def __getattr__(self, name: str) -> Any:
        async def call(*told: Any, **more: Any) -> Any:
            raise self._error

        return call
