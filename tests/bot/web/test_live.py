"""The watcher's bounds: how much it asks, how much it keeps, and that one fault is not everybody's."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.followed import Told, patience
from bot.replies import Reply, Text
from bot.web.live import MOST_CARDS, Live
from bot.web.rooms import Card, Room, Rooms


class Tab:
    """A socket that keeps what it was sent."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []

    async def send_json(self, event: dict[str, Any]) -> None:
        self.got.append(event)


class Says:
    """Everything goes on, each look says something new; what is in `bad` cannot be told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.late: set[bool] = set()
        self.bad: set[str] = set()

    async def told(self, refs: Sequence[str], *, late: bool) -> Told:
        self.asked.append(refs[0])
        self.late.add(late)
        if refs[0] in self.bad:
            raise ConnectionRefusedError("away")
        return Told(Reply((Text(f"{refs[0]} {len(self.asked)}", "heading"),)), False)


def draw(reply: Reply, session: str, now: datetime, live: str = "") -> str:
    return f"{live} {reply.parts[0]}"


def card(ref: str, since: datetime | None = None) -> Card:
    return Card((ref,), "s", since or datetime.now(UTC), False)


def opened(rooms: Rooms, person: str) -> tuple[Room, Tab]:
    room, tab = rooms.enter(person, "c"), Tab()
    room.sockets.add(cast("web.WebSocketResponse", tab))
    return room, tab


def live(rooms: Rooms, says: Says, **more: Any) -> Live:
    times = count()
    return Live(rooms, draw, says, clock=lambda: float(next(times)), **more)


async def test_a_round_asks_a_hundred_times_at_most_and_the_next_one_goes_on() -> None:
    rooms, says = Rooms(), Says()
    watcher, tabs = live(rooms, says), []
    for n in range(150):
        room, tab = opened(rooms, f"p{n}")
        tabs.append(tab)
        watcher.keep(room, [card(f"job/{n}")])
    await watcher.look()
    assert len(says.asked) == len(set(says.asked)) == 100
    await watcher.look()
    assert len(set(says.asked)) == 150 and all(tab.got for tab in tabs)


async def test_one_thing_in_many_rooms_is_asked_about_once() -> None:
    rooms, says = Rooms(), Says()
    watcher = live(rooms, says)
    tabs = []
    for n in range(20):
        room, tab = opened(rooms, f"p{n}")
        watcher.keep(room, [card("job/7")])
        tabs.append(tab)
    await watcher.look()
    assert says.asked == ["job/7"] and all(len(tab.got) == 1 for tab in tabs)


async def test_a_conversation_keeps_its_newest_cards() -> None:
    rooms, says = Rooms(), Says()
    room, _ = opened(rooms, "ann")
    live(rooms, says).keep(room, [card(f"job/{n}") for n in range(MOST_CARDS + 5)])
    assert list(room.cards) == [f"job/{n}" for n in range(5, MOST_CARDS + 5)]


async def test_what_cannot_be_told_rests_and_the_others_go_on() -> None:
    rooms, says = Rooms(), Says()
    room, tab = opened(rooms, "ann")
    watcher = live(rooms, says)
    watcher.keep(room, [card("job/1"), card("job/2")])
    says.bad.add("job/1")
    with capture_logs() as logs:
        for _ in range(3):
            await watcher.look()
    assert says.asked.count("job/1") == 1 and says.asked.count("job/2") == 3 and len(logs) == 1
    assert {event["key"] for event in tab.got} == {"job/2"}


@pytest.mark.parametrize("age", [timedelta(0), patience(["sync/7"]) + timedelta(seconds=1)])
async def test_after_a_while_it_is_late(age: timedelta) -> None:
    rooms, says = Rooms(), Says()
    room, _ = opened(rooms, "ann")
    watcher = live(rooms, says)
    watcher.keep(room, [card("sync/1", datetime.now(UTC) - age)])
    await watcher.look()
    assert says.late == {age > patience(["sync/7"])}


async def test_tabs_that_may_differ_are_all_told_again() -> None:
    rooms, says = Rooms(), Says()
    room, _ = opened(rooms, "ann")
    watcher, first, second = live(rooms, says), card("job/1"), card("job/1")
    first.shown, second.shown = "newer", "older"
    watcher.keep(room, [first])
    watcher.keep(room, [second])
    assert room.cards["job/1"].shown == ""


async def test_a_count_that_fails_is_logged_once_in_a_while_and_cards_go_on() -> None:
    rooms, says = Rooms(), Says()
    room, tab = opened(rooms, "ann")

    async def broken(person: str) -> int:
        raise RuntimeError("no table")

    watcher = live(rooms, says, waiting=broken)
    watcher.keep(room, [card("job/1")])
    with capture_logs() as logs:
        assert await watcher.counts("ann") == {}
        for _ in range(3):
            await watcher.count()
            await watcher.look()
    assert [entry["event"] for entry in logs] == ["waiting_failed", "waiting_failed"]
    assert len(tab.got) == 3
