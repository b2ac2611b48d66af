"""Asking for an answer together with how sure its reading was."""

from collections.abc import Sequence
from time import perf_counter

from bot.adapters import Answerer
from bot.messages import Message
from bot.replies import Reply
from bot.told import Sure, Told
from storage import exchanges
from storage.database import Database, StorageUnavailable


async def tell(answerer: Answerer, database: Database, message: Message) -> Told:
    begun = perf_counter()
    replies = await answerer.answer(message)
    took_ms = round((perf_counter() - begun) * 1000)
    return Told(replies, await _sure(database, message, replies), took_ms)


async def _sure(database: Database, message: Message, replies: Sequence[Reply]) -> tuple[Sure, ...]:
    """From the exchanges that were just kept; nothing when the database went away meanwhile."""
    try:
        async with database.connect() as conn:
            kept = await exchanges.recent(conn, message.conversation, message.person, len(replies))
    except StorageUnavailable:
        return ()
    readings = (said.reading for said in kept if said.at == message.at)
    return tuple(Sure(float(reading["confidence"]), str(reading["source"])) for reading in readings)
