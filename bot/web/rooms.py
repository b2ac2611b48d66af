"""Who is looking at which conversation, and what is being answered there now."""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

MOST_IN_FLIGHT = 3
_MOST_REMEMBERED = 200
_MOST_ROOMS = 1000


@dataclass(slots=True)
class Card:
    """A reply that is redrawn while what it tells of goes on. `shown` is the digest of what it is known to say, empty
    when that is not known; `session` and `demo` are those that it is drawn for."""

    refs: tuple[str, ...]
    session: str
    since: datetime
    demo: bool
    shown: str = ""
    looked: float = 0.0

    @property
    def key(self) -> str:
        return " ".join(self.refs)


@dataclass(slots=True)
class Room:
    """One conversation of one person. `pending` is the HTML of what was said and has no answer yet, by message id;
    `cards` are the live ones, by key; `told` counts the events."""

    person: str
    conversation: str

    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    pending: dict[str, str] = field(default_factory=dict)
    seen: OrderedDict[str, None] = field(default_factory=OrderedDict)
    cards: dict[str, Card] = field(default_factory=dict)
    told: int = 0

    @property
    def idle(self) -> bool:
        return not self.sockets and not self.pending

    def first_time(self, id_: str) -> bool:
        """False for a message that came before: a page that reconnects sends again what it had no receipt for."""
        if id_ in self.seen:
            return False
        self.seen[id_] = None
        while len(self.seen) > _MOST_REMEMBERED:
            self.seen.popitem(last=False)
        return True

    async def tell(self, event: dict[str, Any]) -> None:
        """To every socket; one that is slow or gone does not hold up the others."""
        self.told += 1
        await asyncio.gather(*(self._send(socket, event) for socket in tuple(self.sockets)))

    async def _send(self, socket: web.WebSocketResponse, event: dict[str, Any]) -> None:
        try:
            await asyncio.wait_for(socket.send_json(event), timeout=10)
        except (ConnectionError, RuntimeError, TimeoutError):
            self.sockets.discard(socket)


class Rooms:
    """All rooms of the page, by person and conversation, and the tasks that answer in them."""

    def __init__(self) -> None:
        self._rooms: dict[tuple[str, str], Room] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def enter(self, person: str, conversation: str) -> Room:
        """The room, made if need be. Idle ones stay for a while: a page that comes back must not be answered twice."""
        if len(self._rooms) >= _MOST_ROOMS:
            idle = [key for key, room in self._rooms.items() if room.idle]
            for key in idle[: len(idle) // 2 + 1]:
                del self._rooms[key]
        return self._rooms.setdefault((person, conversation), Room(person, conversation))

    def open(self) -> list[Room]:
        """Those that somebody looks at."""
        return [room for room in self._rooms.values() if room.sockets]

    def in_flight(self, person: str) -> int:
        return sum(len(room.pending) for (who, _), room in self._rooms.items() if who == person)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Ends every socket, and waits a little for answers under way: they are kept for the next visit."""
        for room in tuple(self._rooms.values()):
            for socket in tuple(room.sockets):
                await socket.close(code=1001, message=b"stopping")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for task in tuple(self._tasks):
            task.cancel()
