"""The chat platforms that the settings set up. Each is loaded only when it is."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from bot.adapters import Answerer
from bot.checks import Check
from bot.settings import Settings
from storage.database import Database

if TYPE_CHECKING:
    from aiohttp import web

    from bot.metrics import Metrics
    from bot.service import Work


class Chat(Protocol):
    """A platform that Stackhand talks in."""

    @property
    def name(self) -> str: ...

    def add_routes(self, app: "web.Application") -> None:
        """What the platform calls by HTTP."""
        ...

    @property
    def works(self) -> "Mapping[str, Work]":
        """What runs until the process stops."""
        ...


@asynccontextmanager
async def open_chats(
    settings: Settings, database: Database, answerer: Answerer, metrics: "Metrics"
) -> AsyncIterator[Sequence[Chat]]:
    async with AsyncExitStack() as stack:
        chats: list[Chat] = []
        if settings.slack_bot_token is not None:
            from bot.adapters.slack.app import open_slack

            chats.append(await stack.enter_async_context(open_slack(settings, database, answerer, metrics)))
        yield chats


async def examine_chats(settings: Settings) -> list[Check]:
    """What `stackhand doctor` tells of them; nothing of those that are not set up."""
    if settings.slack_bot_token is None:
        return []
    from bot.adapters.slack.doctor import examine

    return await examine(settings)
