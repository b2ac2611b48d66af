"""A process that answers one message and is killed when its transaction is about to be committed, or just was:
`python -m tests.acceptance.decider URL before|after PERSON TEXT`."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Message
from bot.pipeline import Pipeline
from storage.database import Database


class Dying(Database):
    """Dies at its first commit."""

    when = "before"

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with super().begin() as conn:
            yield conn
            if self.when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, when: str, person: str, said: str) -> None:
    database = Dying(url)
    database.when = when
    await Pipeline(database).answer(Message("m", person, "c", said, datetime.now(UTC)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
