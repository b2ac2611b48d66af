import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bot.adapters import Exchange
from bot.adapters.web import NO_SESSION, page
from bot.replies import Choice
from bot.web.rooms import MOST_IN_FLIGHT
from tests.bot.adapters.samples import HOSTILE, Memory
from tests.bot.web.remembered import RememberedSessions


class Visit:
    """A browser at the page, as far as HTTP goes."""

    def __init__(self, client: Any, sessions: RememberedSessions, memory: Memory) -> None:
        self.client, self.sessions, self.memory = client, sessions, memory
        self.origin = f"http://{client.host}:{client.port}"

    async def enter(self, person: str = "ann") -> ClientResponse:
        self.client.session.cookie_jar.clear()
        return await self.get(f"/?token={self.sessions.mint(person)}")

    async def get(self, path: str, **options: Any) -> ClientResponse:
        response: ClientResponse = await self.client.get(path, **options)
        return response

    async def post(self, path: str, **options: Any) -> ClientResponse:
        response: ClientResponse = await self.client.post(path, headers=self.headers(options), **options)
        return response

    def headers(self, options: dict[str, Any]) -> dict[str, str]:
        return {"Origin": self.origin, **options.pop("headers", {})}

    async def open(self) -> tuple[ClientWebSocketResponse, str]:
        """The socket, and the history that it tells first."""
        socket: ClientWebSocketResponse = await self.client.ws_connect("/ws", headers={"Origin": self.origin})
        first = await socket.receive_json(timeout=5)
        assert first["type"] == "history"
        return socket, first["html"]

    async def say(self, text: str, files: tuple[str, ...] = (), id_: str = "message-1") -> list[dict[str, Any]]:
        """Says one thing and gives what is told until its answer."""
        socket, _ = await self.open()
        await socket.send_json({"id": id_, "text": text, "files": list(files)})
        told = [await socket.receive_json(timeout=5)]
        while told[-1]["type"] == "said":
            told.append(await socket.receive_json(timeout=5))
        await socket.close()
        return told


@pytest.fixture
async def visit() -> AsyncIterator[Visit]:
    memory, sessions = Memory(), RememberedSessions()
    starters = (Choice("Who is near a quota?", "who is near a quota", HOSTILE[0]),)
    app = page(memory, memory, sessions=sessions, starters=starters, demo=True)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield Visit(client, sessions, memory)


async def test_a_link_opens_the_page_once_and_leaves_no_token_behind(visit: Visit) -> None:
    token = visit.sessions.mint("ann")
    first = await visit.get(f"/?token={token}", allow_redirects=False)
    assert first.status == 303 and first.headers["Location"] == "/"
    cookie = first.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and token not in cookie
    shown = await (await visit.get("/")).text()
    assert "What would you like to know?" in shown and "DEMO" in shown and "who is near a quota" in shown
    visit.client.session.cookie_jar.clear()
    again = await visit.get(f"/?token={token}")
    assert again.status == 403 and "prints a fresh link" in await again.text()


async def test_a_used_link_still_leads_to_the_page_in_the_browser_that_used_it(visit: Visit) -> None:
    token = visit.sessions.mint()
    await visit.get(f"/?token={token}")
    assert (await visit.get(f"/?token={token}")).status == 200


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/?token=%00", f"/?token={'a' * 5000}"])
async def test_without_a_link_there_is_only_a_friendly_page(visit: Visit, path: str) -> None:
    response = await visit.get(path)
    assert response.status in (401, 403) and "Each start of Stackhand" in await response.text()


async def test_asking_for_the_head_of_a_link_does_not_use_it_up(visit: Visit) -> None:
    token = visit.sessions.mint()
    assert (await visit.client.head(f"/?token={token}")).status == 405
    assert (await visit.get(f"/?token={token}")).status == 200


@pytest.mark.parametrize("path", ["/files/file-1", f"/charts/wide/light/{'0' * 32}.svg"])
async def test_nothing_is_served_without_a_session(visit: Visit, path: str) -> None:
    assert (await visit.get(path)).status == 401
    assert (await visit.post("/uploads", data=b"x")).status == 401
    assert (await visit.post("/new")).status == 401


async def test_every_answer_has_the_strict_headers(visit: Visit) -> None:
    await visit.enter()
    for path in ("/", "/?token=wrong", "/files/none", "/static/chat.js", "/static/none.js", "/charts/wide/light/x.svg"):
        headers = (await visit.get(path)).headers
        if path != "/charts/wide/light/x.svg":  # no route at all
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"


async def test_the_page_has_no_inline_script_style_or_foreign_address(visit: Visit) -> None:
    html = await (await visit.enter()).text()
    assert "<script>" not in html and "style=" not in html and "<style" not in html and "http" not in html
    for path in (Path(__file__).parents[3] / "bot" / "web" / "static").iterdir():
        foreign = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in foreign and "https://" not in foreign and "eval(" not in foreign


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", ""])
async def test_another_host_is_refused(visit: Visit, host: str) -> None:
    await visit.enter()
    for path in ("/", "/files/file-1", "/static/chat.js"):
        assert (await visit.get(path, headers={"Host": host})).status in (400, 421)
    with pytest.raises(WSServerHandshakeError):
        await visit.client.ws_connect("/ws", headers={"Host": host, "Origin": f"http://{host}"})


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1"])
async def test_another_origin_is_refused(visit: Visit, origin: str) -> None:
    await visit.enter()
    for path in ("/uploads", "/new"):
        assert (await visit.client.post(path, headers={"Origin": origin}, data=b"x")).status == 403
    with pytest.raises(WSServerHandshakeError) as refused:
        await visit.client.ws_connect("/ws", headers={"Origin": origin})
    assert refused.value.status == 403
    with pytest.raises(WSServerHandshakeError):
        await visit.client.ws_connect("/ws")


async def test_a_message_is_heard_and_answered(visit: Visit) -> None:
    await visit.enter()
    said, reply = await visit.say("count please")
    assert said["type"] == "said" and "count please" in said["html"] and said["id"] == reply["id"] == "message-1"
    assert reply["type"] == "reply" and "7 of 41 VMs are off" in reply["html"]
    heard = visit.memory.heard[0]
    assert heard.person == "ann" and heard.text == "count please" and heard.at.tzinfo is not None


async def test_history_is_told_again_and_only_to_its_person_and_conversation(visit: Visit) -> None:
    await visit.enter("ann")
    await visit.say("count")
    socket, html = await visit.open()
    assert "7 of 41 VMs are off" in html
    await socket.close()
    assert (await visit.post("/new")).status == 204
    socket, html = await visit.open()
    assert html == ""
    await socket.close()
    await visit.enter("bob")
    socket, html = await visit.open()
    assert html == ""
    await socket.close()


async def test_a_failure_is_said_without_its_inside(visit: Visit) -> None:
    await visit.enter()
    with capture_logs() as logs:
        _, reply = await visit.say("boom")
    assert "Something failed on our side" in reply["html"] and "message-1" in reply["html"]
    assert "hunter2" not in reply["html"] and [entry["event"] for entry in logs] == ["answer_failed"]


async def test_a_database_that_is_down_is_said_and_the_page_goes_on(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await visit.enter()

    async def down(*_: object) -> None:
        raise ConnectionRefusedError("postgresql://user:hunter2@host")

    monkeypatch.setattr(visit.memory, "recent", down)
    monkeypatch.setattr(visit.memory, "stored", down)
    with capture_logs():
        socket, html = await visit.open()
        file = await visit.get("/files/file-1")
    assert "cannot be read just now" in html and "hunter2" not in html
    text = await file.text()
    assert file.status == 500 and "stackhand doctor" in text and "hunter2" not in text
    assert "default-src 'none'" in file.headers["Content-Security-Policy"]
    await socket.close()


async def test_an_answer_that_comes_while_history_is_read_is_not_lost(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await visit.enter()
    recent, reading, read_on = visit.memory.recent, asyncio.Event(), asyncio.Event()

    async def slow(conversation: str, person: str, limit: int) -> Sequence[Exchange]:
        found = await recent(conversation, person, limit)
        reading.set()
        await read_on.wait()
        return found

    visit.memory.go_on.clear()
    first, _ = await visit.open()
    await first.send_json({"id": "message-1", "text": "count", "files": []})
    await first.receive_json(timeout=5)
    monkeypatch.setattr(visit.memory, "recent", slow)
    second = asyncio.create_task(visit.open())
    await reading.wait()
    visit.memory.go_on.set()
    assert (await first.receive_json(timeout=5))["type"] == "reply"
    read_on.set()
    socket, html = await second
    assert "7 of 41 VMs are off" in html and html.count('class="said"') == 1
    await first.close()
    await socket.close()


async def test_the_same_message_twice_is_answered_once(visit: Visit) -> None:
    await visit.enter()
    await visit.say("count")
    told = await visit.say("count")
    assert [event["type"] for event in told] == ["known"] and len(visit.memory.heard) == 1


async def test_a_few_messages_may_be_in_flight_not_more(visit: Visit) -> None:
    await visit.enter()
    visit.memory.go_on.clear()
    socket, _ = await visit.open()
    for n in range(MOST_IN_FLIGHT + 1):
        await socket.send_json({"id": f"message-{n}", "text": "count", "files": []})
    told = [await socket.receive_json(timeout=5) for _ in range(MOST_IN_FLIGHT + 1)]
    assert [event["type"] for event in told] == ["said"] * MOST_IN_FLIGHT + ["refused"]
    assert "still being answered" in told[-1]["text"]
    other, html = await visit.open()
    assert html.count("data-id=") >= MOST_IN_FLIGHT  # a second tab sees what is under way
    visit.memory.go_on.set()
    answered = {(await other.receive_json(timeout=5))["id"] for _ in range(MOST_IN_FLIGHT)}
    assert answered == {"message-0", "message-1", "message-2"}
    await socket.close()
    await other.close()


@pytest.mark.parametrize(
    "frame",
    [
        "", "{", "[]", "null", '{"id": 1, "text": "x"}', '{"id": "message-1"}', '{"id": "m", "text": "x"}',
        '{"id": "message-1", "text": "x", "files": "all"}', '{"id": "message-1", "text": "x", "files": [1]}',
        '{"id": "message-1", "text": ["x"]}', '{"id": "<b>message", "text": "x"}', "[" * 5000,
        '{"id": "message-1", "text": "x", "more": ' + "[" * 30 + "]" * 30 + "}",
        json.dumps({"id": "message-1", "text": "x", "files": ["k"] * 11}),
    ],
)  # fmt: skip
async def test_a_frame_that_the_page_never_sends_ends_the_socket(visit: Visit, frame: str) -> None:
    await visit.enter()
    socket, _ = await visit.open()
    await socket.send_str(frame)
    assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE and socket.close_code == 1007
    assert not visit.memory.heard


@pytest.mark.parametrize(("frame", "code"), [("x" * (2**20 + 1), 1009), (b"{}", 1003)], ids=["too long", "bytes"])
async def test_frames_are_bounded_and_are_text(visit: Visit, frame: str | bytes, code: int) -> None:
    await visit.enter()
    socket, _ = await visit.open()
    await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))
    assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE and socket.close_code == code


async def test_what_a_database_cannot_keep_is_taken_out_of_a_message(visit: Visit) -> None:
    await visit.enter()
    socket, _ = await visit.open()
    await socket.send_str('{"id": "message-1", "text": "a\\u0000b\\ud800c \\u202evm", "files": []}')
    assert [(await socket.receive_json(timeout=5))["type"] for _ in range(2)] == ["said", "reply"]
    assert visit.memory.heard[0].text == "ab?c \u202evm"
    await socket.close()


async def test_a_message_of_ten_thousand_characters_reaches_the_pipeline_which_refuses_it(visit: Visit) -> None:
    await visit.enter()
    said, _ = await visit.say("x" * 10_000)
    assert len(visit.memory.heard[0].text) == 10_000 and len(said["html"]) < 4500


async def test_nothing_is_not_a_message(visit: Visit) -> None:
    await visit.enter()
    assert [event["type"] for event in await visit.say("  \n ")] == ["refused"]


async def test_a_session_that_ended_is_told_so(visit: Visit) -> None:
    socket = await visit.client.ws_connect("/ws", headers={"Origin": visit.origin})
    assert (await socket.receive(timeout=5)).data == NO_SESSION


async def test_files_go_with_their_message(visit: Visit) -> None:
    await visit.enter()
    name = {"X-File-Name": "..%2F..%2Fetc%2Fro%E2%80%AEws%22.xlsx"}
    kept = await (await visit.post("/uploads", data=b"PK\0\1", headers=name)).json()
    said, _ = await visit.say("", (kept["id"],))
    (upload,) = visit.memory.heard[0].files
    assert upload.name == "rows_.xlsx" and upload.content == b"PK\0\1" and "rows_.xlsx" in said["html"]
    (refused,) = await visit.say("again", (kept["id"],), "message-2")
    assert "attach it again" in refused["text"]


async def test_a_file_can_be_taken_back(visit: Visit) -> None:
    await visit.enter()
    kept = await (await visit.post("/uploads", data=b"x")).json()
    response = await visit.client.delete(f"/uploads/{kept['id']}", headers={"Origin": visit.origin})
    assert response.status == 204
    assert [event["type"] for event in await visit.say("x", (kept["id"],))] == ["refused"]


async def test_a_file_that_is_too_large_is_refused_whether_it_says_so_or_not(visit: Visit) -> None:
    await visit.enter()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield bytes(2**16)
            await asyncio.sleep(0)

    said = await visit.post("/uploads", data=bytes(20 * 2**20 + 1))
    assert said.status == 413 and "up to 20 MiB" in (await said.json())["error"]
    unsaid = await visit.post("/uploads", data=endless())
    assert unsaid.status == 413
    assert (await visit.post("/uploads", data=bytes(20 * 2**20))).status == 200


async def test_only_its_person_downloads_a_file(visit: Visit) -> None:
    await visit.enter("bob")
    refused = await visit.get("/files/file-1")
    assert refused.status == 404 and "ask for it again" in await refused.text()
    await visit.enter("ann")
    response = await visit.get("/files/file-1")
    assert await response.read() == b"a,b\n" and response.headers["Content-Type"] == "text/csv"
    assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''ro_ws.csv"


async def test_charts_are_pictures_of_the_session_that_saw_them(visit: Visit) -> None:
    await visit.enter("ann")
    _, reply = await visit.say("quota")
    path = reply["html"].partition('src="')[2].partition('"')[0]
    for other in ("wide/light", "wide/dark", "narrow/light", "narrow/dark"):
        response = await visit.get(path.replace("wide/light", other))
        assert response.headers["Content-Type"] == "image/svg+xml" and b"36 of 40 VMs" in await response.read()
        assert "sandbox" in response.headers["Content-Security-Policy"]
    await visit.enter("ann")
    assert (await visit.get(path)).status == 404


@pytest.mark.parametrize("path", ["/static/../web.py", "/static/%2e%2e/render.py", "/static/chat.py", "/static/x.css"])
async def test_static_files_are_the_named_ones_alone(visit: Visit, path: str) -> None:
    assert (await visit.get(path)).status == 404
    asset = await visit.get("/static/chat.css?v=1")
    assert asset.headers["Content-Type"] == "text/css; charset=utf-8" and "immutable" in asset.headers["Cache-Control"]
