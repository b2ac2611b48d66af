"""Live cards, what waits for whom, and speaking as another person: as far as HTTP goes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bot.adapters.web import OTHER_PERSON, page
from bot.demo_people import SPEAKERS
from bot.replies import Reply, Text
from tests.bot.adapters.samples import HOSTILE, Memory, Tells, job
from tests.bot.adapters.test_web import Visit
from tests.bot.web.remembered import RememberedSessions


class LiveVisit(Visit):
    """A browser at a demo's page with a job that goes on."""

    def __init__(
        self, client: Any, sessions: RememberedSessions, memory: Memory, tells: Tells, counts: dict[str, int]
    ) -> None:
        super().__init__(client, sessions, memory)
        self.tells, self.counts = tells, counts

    async def ask(self, text: str, id_: str = "message-1") -> ClientWebSocketResponse:
        """Says something, and gives the socket when it is answered."""
        socket, _ = await self.open()
        await socket.send_json({"id": id_, "text": text, "files": []})
        await heard(socket, "reply")
        return socket

    async def speak(self, body: bytes | str, **headers: str) -> int:
        return (await self.post("/speak-as", data=body, headers=headers)).status


@pytest.fixture
async def visit(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveVisit]:
    monkeypatch.setattr("bot.web.live.PAUSE_S", 0.02)
    memory, sessions, tells, counts = Memory(), RememberedSessions(), Tells(), dict[str, int]()
    memory.more["job"] = job(0)

    async def waiting(person: str) -> int:
        return counts.get(person, 0)

    app = page(memory, memory, sessions=sessions, demo=True, telling=tells, waiting=waiting, speakers=SPEAKERS)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield LiveVisit(client, sessions, memory, tells, counts)


async def heard(socket: ClientWebSocketResponse, kind: str = "live") -> dict[str, Any]:
    """The next event of this kind."""
    while True:
        event: dict[str, Any] = await socket.receive_json(timeout=5)
        if event["type"] == kind:
            return event


async def quiet(socket: ClientWebSocketResponse, kind: str = "live", seconds: float = 0.2) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await heard(socket, kind)
    except TimeoutError:
        return True
    return False


async def test_a_card_is_redrawn_in_every_tab_only_when_it_changed_until_it_has_ended(visit: LiveVisit) -> None:
    await visit.enter()
    socket = await visit.ask("job")
    other, html = await visit.open()
    assert "The job runs: 1 of 4" in html and 'data-live="job/7"' in html
    assert await quiet(socket)
    visit.tells.at = 2
    for one in (socket, other):
        event = await heard(one)
        assert event["key"] == "job/7" and "The job runs: 2 of 4" in event["html"] and "cancel job 7" in event["html"]
    visit.tells.at = 4
    for one in (socket, other):
        event = await heard(one)
        assert "The job is done" in event["html"] and "data-live" not in event["html"]
        assert "cancel job 7" not in event["html"] and "DEMO" in event["html"]
    asked = len(visit.tells.asked)
    assert await quiet(socket) and len(visit.tells.asked) == asked  # nobody asks any longer
    await socket.close()
    await other.close()


async def test_a_reload_shows_the_newest_state_and_goes_on(visit: LiveVisit) -> None:
    await visit.enter()
    await (await visit.ask("job")).close()
    visit.tells.at = 3
    socket, html = await visit.open()
    assert "The job runs: 3 of 4" in html
    visit.tells.at = 4
    assert "The job is done" in (await heard(socket))["html"]
    await socket.close()
    _, html = await visit.open()
    assert "The job is done" in html and "data-live" not in html and "cancel job 7" not in html


async def test_nobody_asks_for_what_nobody_looks_at(visit: LiveVisit) -> None:
    await visit.enter()
    await (await visit.ask("job")).close()
    await asyncio.sleep(0.1)
    asked = len(visit.tells.asked)
    await asyncio.sleep(0.2)
    assert len(visit.tells.asked) == asked


async def test_many_tabs_and_cards_of_one_thing_ask_once_a_round(
    visit: LiveVisit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.live.PAUSE_S", 0.1)
    await visit.enter()
    first = await visit.ask("job")
    second = await visit.ask("job again", "message-2")
    tabs = [(await visit.open())[0] for _ in range(8)]
    await asyncio.sleep(0.15)
    asked = len(visit.tells.asked)
    await asyncio.sleep(0.55)
    assert 1 <= len(visit.tells.asked) - asked <= 6
    for socket in (first, second, *tabs):
        await socket.close()


async def test_what_says_nothing_new_yet_stays_as_it_was_said(visit: LiveVisit) -> None:
    visit.tells.at = 0
    await visit.enter()
    socket = await visit.ask("job")
    assert await quiet(socket)
    _, html = await visit.open()
    assert "The job runs: 0 of 4" in html and 'data-live="job/7"' in html
    visit.tells.at = 1
    assert "1 of 4" in (await heard(socket))["html"]
    await socket.close()


async def test_what_cannot_be_told_is_shown_as_it_was_and_asked_for_again(
    visit: LiveVisit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.live._AFTER_FAULT_S", 0.05)
    visit.tells.at = None
    await visit.enter()
    with capture_logs() as logs:
        socket = await visit.ask("job")
        await asyncio.sleep(0.1)
        visit.tells.at = 2
        assert "2 of 4" in (await heard(socket))["html"]
    assert {entry["event"] for entry in logs} == {"telling_failed"}
    await socket.close()


async def test_something_that_nothing_tells_of_is_no_live_card(visit: LiveVisit) -> None:
    from bot.followed import told_of

    visit.memory.more["odd"] = Reply((Text("odd", "heading"),), follows=("oddity/1",))
    assert (await told_of(None, ("oddity/1",), late=False)).ended  # type: ignore[arg-type]
    visit.tells.told = lambda refs, *, late: told_of(None, refs, late=late)  # type: ignore[method-assign, arg-type]
    await visit.enter()
    socket = await visit.ask("odd")
    assert await quiet(socket)
    _, html = await visit.open()
    assert "data-live" not in html and "odd" in html
    await socket.close()


async def test_hostile_words_in_a_live_card_are_only_text(visit: LiveVisit) -> None:
    visit.memory.more["bad"] = Reply((Text(HOSTILE[0], "heading"),), follows=(HOSTILE[9],))
    visit.tells.at = 0
    await visit.enter()
    socket = await visit.ask("bad")
    _, html = await visit.open()
    assert "<script>" not in html and 'onmouseover="' not in html
    await socket.close()


async def test_what_waits_is_counted_at_the_start_and_when_it_changes(visit: LiveVisit) -> None:
    visit.counts.update(ann=1, carol=3)
    await visit.enter("ann")
    socket: ClientWebSocketResponse = await visit.client.ws_connect("/ws", headers={"Origin": visit.origin})
    first = await socket.receive_json(timeout=5)
    assert first["person"] == "ann" and first["counts"]["ann"] == 1 and first["counts"]["carol"] == 3
    await heard(socket, "waiting")
    assert await quiet(socket, "waiting")
    visit.counts["ann"] = 2
    assert (await heard(socket, "waiting"))["counts"]["ann"] == 2
    await socket.close()


async def test_without_somebody_who_counts_nothing_is_said_of_waiting() -> None:
    memory, sessions = Memory(), RememberedSessions()
    async with TestClient(TestServer(page(memory, memory, sessions=sessions), host="127.0.0.1")) as client:
        visit = Visit(client, sessions, memory)
        shown = await (await visit.enter()).text()
        assert "You speak as" not in shown and "carol" not in shown
        socket: ClientWebSocketResponse = await client.ws_connect("/ws", headers={"Origin": visit.origin})
        assert (await socket.receive_json(timeout=5))["counts"] == {}
        await socket.close()
        assert (await visit.post("/speak-as", data=b'{"person": "carol"}')).status == 404
        assert (await visit.get("/")).status == 200


async def test_speaking_as_another_is_another_conversation_and_back_again(visit: LiveVisit) -> None:
    await visit.enter("local")
    assert 'value="local" data-words="Yourself — may do everything" selected' in await (await visit.get("/")).text()
    await (await visit.ask("count")).close()
    assert await visit.speak('{"person": "carol"}') == 204
    assert 'data-person="carol"' in await (await visit.get("/")).text()
    socket, html = await visit.open()
    assert html == ""
    await socket.close()
    await (await visit.ask("quota", "message-2")).close()
    assert [(m.person, m.text) for m in visit.memory.heard] == [("local", "count"), ("carol", "quota")]
    assert len({m.conversation for m in visit.memory.heard}) == 2
    assert await visit.speak('{"person": "local"}') == 204
    socket, html = await visit.open()
    assert "7 of 41 VMs are off" in html and "quota" not in html
    await socket.close()


async def test_the_other_tabs_are_told_and_say_nothing_as_the_one_before(visit: LiveVisit) -> None:
    await visit.enter("local")
    socket, _ = await visit.open()
    assert await visit.speak('{"person": "bob"}') == 204
    assert (await heard(socket, "speaker"))["type"] == "speaker"
    await socket.send_json({"id": "message-1", "text": "count", "files": []})
    await socket.receive(timeout=5)
    assert socket.close_code == OTHER_PERSON and not visit.memory.heard


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"person": "ann"}', b'{"person": null}', b'{"person": ["carol"]}', b"\xff\xfe",
        b'{"person": "carol", "x": "' + b"x" * 2000 + b'"}', b'{"person": "CAROL"}', b'{"person": "carol\\u0000"}',
        b"[" * 500,
    ],
)  # fmt: skip
async def test_only_the_people_of_the_demo_can_be_spoken_as(visit: LiveVisit, body: bytes) -> None:
    await visit.enter("local")
    assert await visit.speak(body) == 400
    await (await visit.ask("count")).close()
    assert visit.memory.heard[0].person == "local"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1"])
async def test_another_page_cannot_change_who_speaks(visit: LiveVisit, origin: str) -> None:
    await visit.enter("local")
    refused = await visit.client.post("/speak-as", headers={"Origin": origin}, data=b'{"person": "erin"}')
    assert refused.status == 403
    assert (await visit.client.post("/speak-as", data=b'{"person": "erin"}')).status == 403
    visit.client.session.cookie_jar.clear()
    assert await visit.speak('{"person": "erin"}') == 401
