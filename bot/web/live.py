"""Cards that are redrawn while what they tell of goes on, and how much waits for whom: one watcher for all tabs."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import structlog

from bot.adapters import Telling, Waiting
from bot.followed import patience
from bot.replies import Reply, to_json
from bot.web.rooms import Card, Room, Rooms

if TYPE_CHECKING:
    from bot.followed import Told

log = structlog.get_logger(__name__)

PAUSE_S = 1.0
MOST_CARDS = 30
"""Live cards of one conversation: the newest ones."""
_MOST_LOOKS = 100  # things asked about in one round, those longest not looked at first
_AFTER_FAULT_S = 15.0
_COUNT_EVERY = 2  # rounds


class Draw(Protocol):
    def __call__(self, reply: Reply, session: str, now: datetime, live: str = "") -> str:
        """The HTML of a reply; `live` is the key of a card that will be redrawn."""
        ...


class Live:
    """`crowd` are people whose counts everybody sees: those that a demo can speak as."""

    def __init__(
        self,
        rooms: Rooms,
        draw: Draw,
        telling: Telling | None = None,
        waiting: Waiting | None = None,
        crowd: Sequence[str] = (),
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._rooms = rooms
        self._draw = draw
        self._telling = telling
        self._waiting = waiting
        self._crowd = tuple(crowd)
        self._clock = clock
        self._counted: dict[str, Mapping[str, int]] = {}
        self._count_again = 0.0

    async def drawn(self, reply: Reply, session: str, since: datetime) -> tuple[str, Card | None]:
        """The newest state of a reply from `since`, and its card if more will come of it."""
        now = datetime.now(UTC)
        card = Card(tuple(reply.follows), session, since, reply.demo)
        if not reply.follows or self._telling is None:
            return self._draw(reply, session, now), None
        told = await self._told(self._telling, card.refs, late=now - since > patience(card.refs))
        if told is None:  # the watcher tries again
            return self._draw(reply, session, now, card.key), card
        if told.reply is not None:
            card.shown = _digest(told.reply)
            reply = _labelled(told.reply, card)
        return self._draw(reply, session, now, "" if told.ended else card.key), None if told.ended else card

    def keep(self, room: Room, cards: Iterable[Card]) -> None:
        """From now on they are redrawn: call it when the tabs have them. Where tabs differ, all are told again."""
        for card in cards:
            known = room.cards.pop(card.key, None)
            if known is not None and known.shown != card.shown:
                card.shown = ""
            room.cards[card.key] = card
        for key in list(room.cards)[:-MOST_CARDS]:
            del room.cards[key]

    async def counts(self, person: str) -> Mapping[str, int]:
        """How many requests wait for this person and for the crowd; empty when nobody counts them."""
        self._counted.pop(person, None)  # a new tab may have an older count than the others: tell all again
        try:
            return await self._count(person)
        except Exception:
            log.exception("waiting_failed", person=person)
            return {}

    async def run(self) -> None:
        """Until it is cancelled; a round that fails is logged, and the next one comes a while later."""
        rounds = 0
        while True:
            await asyncio.sleep(PAUSE_S)
            try:
                await self.look()
                if rounds % _COUNT_EVERY == 0:
                    await self.count()
            except Exception:
                log.exception("watch_failed", again_in_s=_AFTER_FAULT_S)
                await asyncio.sleep(_AFTER_FAULT_S)
            rounds += 1

    async def look(self) -> None:
        """One round over the cards that somebody has open: each thing is asked about once, however many show it."""
        if self._telling is None:
            return
        due = sorted(self._due(), key=lambda pair: pair[1].looked)
        by_refs: dict[tuple[str, ...], list[tuple[Room, Card]]] = {}
        for room, card in due:
            if card.refs in by_refs or len(by_refs) < _MOST_LOOKS:
                by_refs.setdefault(card.refs, []).append((room, card))
        for refs, shown_in in by_refs.items():
            await self._look_at(self._telling, refs, shown_in)

    def _due(self) -> list[tuple[Room, Card]]:
        now = self._clock()
        return [(room, card) for room in self._rooms.open() for card in room.cards.values() if card.looked <= now]

    async def _look_at(self, telling: Telling, refs: tuple[str, ...], shown_in: list[tuple[Room, Card]]) -> None:
        late = datetime.now(UTC) - max(card.since for _, card in shown_in) > patience(refs)
        told = await self._told(telling, refs, late=late)
        for _, card in shown_in:
            card.looked = self._clock() + (_AFTER_FAULT_S if told is None else 0)
        if told is not None:
            await asyncio.gather(*(self._bring(room, card, told) for room, card in shown_in))

    async def _told(self, telling: Telling, refs: tuple[str, ...], *, late: bool) -> "Told | None":
        """None when it could not be told: the log says why."""
        try:
            return await telling.told(refs, late=late)
        except Exception:
            log.exception("telling_failed", refs=list(refs), again_in_s=_AFTER_FAULT_S)
            return None

    async def _bring(self, room: Room, card: Card, told: "Told") -> None:
        shown = _digest(told.reply) if told.reply is not None else card.shown
        if told.ended and room.cards.get(card.key) is card:
            del room.cards[card.key]
        if shown == card.shown and not told.ended:
            return
        card.shown = shown
        key = "" if told.ended else card.key
        reply = told.reply
        html = self._draw(_labelled(reply, card), card.session, datetime.now(UTC), key) if reply else ""
        await room.tell({"type": "live", "key": card.key, "html": html})

    async def count(self) -> None:
        """Tells the open tabs of each person how much waits, where that has changed."""
        if self._waiting is None or self._clock() < self._count_again:
            return
        by_person: dict[str, list[Room]] = {}
        for room in self._rooms.open():
            by_person.setdefault(room.person, []).append(room)
        self._counted = {person: counts for person, counts in self._counted.items() if person in by_person}
        for person, rooms in by_person.items():
            try:
                await self._tell_count(person, rooms)
            except Exception:
                log.exception("waiting_failed", person=person, again_in_s=_AFTER_FAULT_S)
                self._count_again = self._clock() + _AFTER_FAULT_S
                return

    async def _tell_count(self, person: str, rooms: Sequence[Room]) -> None:
        counts = await self._count(person)
        if self._counted.get(person) != counts:
            self._counted[person] = counts
            await asyncio.gather(*(room.tell({"type": "waiting", "counts": dict(counts)}) for room in rooms))

    async def _count(self, person: str) -> Mapping[str, int]:
        if self._waiting is None:
            return {}
        return {one: max(await self._waiting(one), 0) for one in dict.fromkeys((person, *self._crowd))}


def _labelled(reply: Reply, card: Card) -> Reply:
    """What a demo began stays labelled."""
    return replace(reply, demo=reply.demo or card.demo)


def _digest(reply: Reply) -> str:
    return sha256(json.dumps(to_json(reply), sort_keys=True, default=str).encode("utf-8", "replace")).hexdigest()
