"""What a handler works with: who asks, what was understood, the database, the time."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Channel
from bot.naming import JOINT
from bot.people import Principal
from bot.replies import Freshness, Outcome, Part, Reply, Text
from engines.restore.wishes import House
from intents.readings import Name, Reading
from intents.registry import Catalogue
from storage.filters import Ref
from storage.listings import Listed, listings

if TYPE_CHECKING:
    from engines.sealing import Reader

ROWS_SHOWN = 50
"""Rows of a table in a reply; the rest is counted, and comes with an export."""
ROWS_AT_MOST = 200_000

STALE_AFTER = timedelta(hours=2)
"""Data older than this are marked, whatever the last listing said: the clock may have stopped."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question on its way to an answer. `conn` is a transaction that reads; `rows` how many a table may hold.

    `again` answers an earlier reading anew with all of its rows, for an export; `last` is that reading. `house` is what
    an admin allows restores. `reader` opens what was sealed for this process; `unseen` as of the message.
    `page_url` is where people reach the page, empty where it has no such address.
    """

    conn: AsyncConnection
    who: Principal
    conversation: str
    reading: Reading
    now: datetime
    catalogue: Catalogue
    answered: frozenset[str]
    rows: int = ROWS_SHOWN
    last: Reading | None = None
    again: Callable[["Ask", Reading], Awaitable[Reply]] | None = None
    channel: Channel | None = None
    account: str = ""
    redraws: bool = False
    house: House = field(default_factory=House)
    unseen: bool = False
    reader: "Reader | None" = None
    page_url: str = ""

    @property
    def is_private(self) -> bool:
        """Whether nobody but the asker reads the answer where it is given."""
        return self.channel is None or self.channel.readers == "asker"

    def with_all_rows(self) -> "Ask":
        return replace(self, rows=ROWS_AT_MOST)


class UnknownNameError(ValueError):
    """A name that a question depends on is not in the inventory."""

    def __init__(self, name: Name) -> None:
        super().__init__(f"I know no {name.kind.replace('_', ' ')} “{name.name}”.")


def refs(name: Name | None) -> tuple[Ref, ...]:
    """How the tables know an object: by id; hosts and clusters by their name, as VMs carry it."""
    if name is None:
        return ()
    if not name.source:
        raise UnknownNameError(name)
    if name.kind in ("host", "cluster"):
        return ((name.source, name.name),)
    return tuple(zip(name.source.split(JOINT), name.id.split(JOINT), strict=False))


async def freshness(
    ask: Ask, kinds: Collection[str], *, platform: str = "", sources: Collection[str] = ()
) -> tuple[Freshness, bool]:
    """How old the data behind an answer are; and whether a simulated platform is among them."""
    known = await listings(ask.conn, kinds=kinds, platform=platform, sources=sources)
    if not ask.who.scope.everything:
        known = [one for one in known if one.source in ask.who.scope.sources]
    complete = [one.complete_at for one in known if one.complete_at is not None]
    old = tuple(_old(one, ask.now) for one in known if one.outcome != "complete" and not _is_spare(one, kinds))
    oldest = min(complete, default=None)
    if oldest is not None and ask.now - oldest > STALE_AFTER and not old:
        old = (f"No sync has finished since {oldest:%Y-%m-%d %H:%M} UTC: is a worker running? Say: status",)
    return Freshness(oldest, old), any(one.demo for one in known)


async def reply(
    ask: Ask,
    parts: Sequence[Part],
    kinds: Collection[str],
    *,
    scope: str = "",
    platform: str = "",
    sources: Collection[str] = (),
    outcome: Outcome = "answered",
) -> Reply:
    """A reply that says how old the data of these kinds are."""
    fresh, demo = await freshness(ask, kinds, platform=platform, sources=sources)
    return Reply(tuple(parts), outcome=outcome, scope=scope, freshness=fresh, demo=demo)


_OPTIONAL = frozenset({"volume_backup"})
_WHY = {
    "refused": "the platform refused",
    "unreachable": "the platform cannot be reached",
    "timeout": "the platform did not answer in time",
    "cut_off": "the listing was cut off in the middle",
    "unsupported": "the platform does not offer it",
    "shrunk": "more than half were missing: waiting for a second sighting before anything counts as deleted",
    "unexpected": "the platform answered something unexpected",
}


def _is_spare(one: Listed, kinds: Collection[str]) -> bool:
    """What a cloud never had is missed only by who asks for it alone."""
    return one.kind in _OPTIONAL and one.outcome == "unsupported" and one.complete_at is None and len(kinds) > 1


def _old(one: Listed, now: datetime) -> str:
    """One line: what is old, since when, why, what to do."""
    what = f"{one.kind.replace('_', ' ')} data of {one.source}"
    since = f"are from {one.complete_at:%Y-%m-%d %H:%M} UTC" if one.complete_at else "were never complete"
    failing = f" since {one.failing_since:%Y-%m-%d %H:%M} UTC" if one.failing_since else ""
    why = f"{_WHY.get(one.outcome, one.outcome)}{failing}"
    detail = f" ({one.detail})" if one.detail else ""
    fix = f" {one.fix}" if one.fix else ""
    return f"{what} {since}: {why}{detail}.{fix}"


def no_data(ask: Ask) -> Reply:
    """For an inventory that has not been filled yet."""
    return Reply(
        (
            Text("There is nothing in the inventory yet.", "heading"),
            Text("Either no sync has finished, or you may see no project. Say: freshness, or: who am I", "plain"),
        ),
        outcome="failed",
    )
