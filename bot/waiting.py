"""How many requests wait for a person, for surfaces that show the number all the time."""

from bot.deciding import waits_for
from bot.people import principal
from engines.changes.rights import Spot
from storage import requests
from storage.database import Database


class WaitingFor:
    """A `bot.adapters.Waiting`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, person: str) -> int:
        async with self._database.connect() as conn:
            who = await principal(conn, person)
            if who is None:
                return 0
            found = await requests.listed(conn, who.scope, who.id, states=("pending",))
            return sum([await waits_for(conn, who.id, one, Spot()) for one in found])
