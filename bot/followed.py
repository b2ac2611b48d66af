"""What a message goes on telling of: sync runs now; each kind of thing has a prefix and a teller here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.progress import given_up, progress
from bot.replies import Reply
from storage import requests, runs
from storage.database import Database

LASTING = ("request", "job")
_PATIENCE = timedelta(hours=1)
_LASTING_PATIENCE = timedelta(days=6)  # less than the outbox keeps a message


@dataclass(frozen=True, slots=True)
class Told:
    """What the message says now; None: what it says already. `ended`: nothing more will come, and `well` if so."""

    reply: Reply | None
    ended: bool
    well: bool = False


Teller = Callable[[AsyncConnection, Sequence[str], bool], Awaitable[Told]]


async def told_of(conn: AsyncConnection, refs: Sequence[str], *, late: bool) -> Told:
    """How what `refs` (all of one prefix, `sync/7`) name stands. `late`: it is not waited for any longer."""
    prefix = refs[0].partition("/")[0] if refs else ""
    teller = _TELLERS.get(prefix)
    if teller is None:
        return Told(None, True)
    return await teller(conn, refs, late)


def patience(refs: Sequence[str]) -> timedelta:
    """How long it is waited for before it is given up."""
    return _LASTING_PATIENCE if lasts(refs) else _PATIENCE


def lasts(refs: Sequence[str]) -> bool:
    """Whether it is followed until it ends, however long that takes: people take their time."""
    return bool(refs) and all(ref.partition("/")[0] in LASTING for ref in refs)


def number_of(ref: str) -> int:
    """7 of sync/7, and of request/7/approver."""
    return int(ref.split("/")[1])


class Tellings:
    """How things stand, for surfaces that show it while it goes on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def told(self, refs: Sequence[str], *, late: bool) -> Told:
        async with self._database.connect() as conn:
            return await told_of(conn, refs, late=late)


async def _syncs(conn: AsyncConnection, refs: Sequence[str], late: bool) -> Told:
    ids = [number_of(ref) for ref in refs]
    found = await runs.states(conn, ids)
    ended = all(run.ended for run in found)
    if not late and found and all(run.state == "waiting" for run in found):
        return Told(None, False)  # the message itself says that it was asked for
    reply = progress(found) if found and (ended or not late) else given_up(found)
    well = bool(found) and all(run.state == "done" for run in found)
    return Told(reply, ended or late, well)


async def _request(conn: AsyncConnection, refs: Sequence[str], late: bool) -> Told:
    """The card of one request, for the reader that the reference names: request/7, or request/7/approver."""
    from bot.cards_of_changes import VIEWS, card, load  # cards need much, and syncs do not

    request = next(iter(await requests.several(conn, [number_of(refs[0])])), None)
    if request is None:
        return Told(None, True)
    told = await load(conn, request)
    ended = request.state not in requests.OPEN or late
    view = VIEWS.get(refs[0].split("/")[-1], "all")
    return Told(card(told, view, datetime.now(UTC)), ended, request.state == "done")


async def _job(conn: AsyncConnection, refs: Sequence[str], late: bool) -> Told:
    """The same for a job, whether somebody had to ask for it or not."""
    from bot.cards_of_changes import card, load_job

    told = await load_job(conn, number_of(refs[0]))
    if told is None or told.job is None:
        return Told(None, True)
    return Told(card(told, "all", datetime.now(UTC)), told.job.ended_at is not None or late, told.job.state == "done")


async def _migration(conn: AsyncConnection, refs: Sequence[str], late: bool) -> Told:
    """An export that is being read, and the assessment that comes of it."""
    from bot.migration_cards import import_reply
    from storage import migration_imports

    found = await migration_imports.load(conn, number_of(refs[0]))
    if found is None:
        return Told(None, True)
    reply, ended, well = await import_reply(conn, found, datetime.now(UTC))
    return Told(reply, ended or late, well)


_TELLERS: Mapping[str, Teller] = MappingProxyType(
    {"sync": _syncs, "request": _request, "job": _job, "migration": _migration}
)
