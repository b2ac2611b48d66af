"""What a message goes on telling of: sync runs now; each kind of thing has a prefix and a teller here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.progress import given_up, progress
from bot.replies import Reply
from storage import runs
from storage.database import Database

GIVE_UP = timedelta(hours=1)
"""How long after it was asked for something is waited for, unless its teller says that it has not ended."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the message says now; None: what it says already. `ended`: nothing more will come, and `well` if so."""

    reply: Reply | None
    ended: bool
    well: bool = False


Teller = Callable[[AsyncConnection, Sequence[int], bool], Awaitable[Told]]


async def told_of(conn: AsyncConnection, refs: Sequence[str], *, late: bool) -> Told:
    """How what `refs` (all of one prefix, `sync/7`) name stands. `late`: it is not waited for any longer."""
    prefix = refs[0].partition("/")[0] if refs else ""
    teller = _TELLERS.get(prefix)
    if teller is None:
        return Told(None, True)
    return await teller(conn, [int(ref.partition("/")[2]) for ref in refs], late)


class Tellings:
    """How things stand, for surfaces that show it while it goes on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def told(self, refs: Sequence[str], *, late: bool) -> Told:
        async with self._database.connect() as conn:
            return await told_of(conn, refs, late=late)


async def _syncs(conn: AsyncConnection, ids: Sequence[int], late: bool) -> Told:
    found = await runs.states(conn, ids)
    ended = all(run.ended for run in found)
    if not late and found and all(run.state == "waiting" for run in found):
        return Told(None, False)  # the message itself says that it was asked for
    reply = progress(found) if found and (ended or not late) else given_up(found)
    well = bool(found) and all(run.state == "done" for run in found)
    return Told(reply, ended or late, well)


_TELLERS: Mapping[str, Teller] = MappingProxyType({"sync": _syncs})
