"""The way in and out, as a browser, a robot and a stranger come to it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bot.adapters.web import NO_SESSION, Page, add_page
from bot.web.plans import Plans
from bot.web.sessions import KeptSessions, Session
from storage import page_sessions, people
from storage.database import Database, StorageUnavailable
from tests.bot.adapters.samples import Memory

ROBOTS = ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "SkypeUriPreview", "Twitterbot/1.0")


class Door:
    """A page on a database, with Ann and Bob."""

    def __init__(self, database: Database, client: Any, page: Page) -> None:
        self.database, self.client, self.page = database, client, page
        self.origin = f"http://{client.host}:{client.port}"

    async def link(self, person: str = "ann", opens: str = "/") -> str:
        async with self.database.begin() as conn:
            now, valid = datetime.now(UTC), timedelta(minutes=15)
            return await page_sessions.make_link(conn, person, now=now, valid=valid, opens=opens)

    async def enter(self, token: Any, **options: Any) -> ClientResponse:
        headers = {"Origin": self.origin, **options.pop("headers", {})}
        body = json.dumps({"token": token, **options})
        answer: ClientResponse = await self.client.post("/enter", data=body, headers=headers)
        return answer

    async def get(self, path: str, **options: Any) -> ClientResponse:
        answer: ClientResponse = await self.client.get(path, **options)
        return answer

    async def leave(self, **headers: str) -> int:
        return int((await self.client.post("/leave", headers={"Origin": self.origin, **headers})).status)

    @property
    def cookie(self) -> str:
        held = {one.key: one.value for one in self.client.session.cookie_jar}
        return str(held.get(f"stackhand_session_{self.client.port}", ""))

    def forget(self) -> None:
        self.client.session.cookie_jar.clear()


class Away(KeptSessions):
    """Of a database that went away."""

    async def find(self, secret: str | None) -> Session | None:
        raise StorageUnavailable("the database does not answer", "look whether it runs")


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Door]:
    async with database.begin() as conn:
        await people.add_person(conn, "ann", "Ann <b>Example</b>")
        await people.add_person(conn, "bob", "Bob")
    app, memory = web.Application(), Memory()
    page = Page(memory, memory, KeptSessions(database))
    add_page(app, page)
    Plans(database, page.entrance).add_to(app, page.guarded)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield Door(database, client, page)


async def test_a_link_opens_its_very_page_and_the_page_says_who_is_there(door: Door) -> None:
    answer = await door.enter(await door.link(opens="/migrations/7"))
    assert answer.status == 200 and await answer.json() == {"opens": "/migrations/7"}
    kept = answer.headers.getall("Set-Cookie")[0]
    assert "HttpOnly" in kept and "SameSite=Strict" in kept and "Path=/" in kept
    assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"
    for path in ("/", "/migrations"):
        shown = await (await door.get(path)).text()
        assert "Signed in as" in shown and "Ann &lt;b&gt;Example&lt;/b&gt;" in shown and 'id="leave"' in shown
    assert (await door.get("/migrations/7")).status == 404, "the link gives no right to anything"


async def test_robots_that_preview_links_use_nothing_up(door: Door) -> None:
    token = await door.link()
    for robot in ROBOTS:
        for path in ("/enter", f"/?token={token}", f"/enter?token={token}", f"/enter?link={token}"):
            seen = await door.get(path, headers={"User-Agent": robot}, allow_redirects=False)
            assert "Set-Cookie" not in seen.headers and token not in await seen.text()
        assert (await door.client.head("/enter")).status == 405
    assert (await door.enter(token)).status == 200


async def test_the_token_is_sent_in_no_address(door: Door) -> None:
    from bot.web.addresses import address_of

    token = await door.link()
    said, _, fragment = address_of("https://stackhand.example.org/", token).partition("#")
    assert (said, fragment) == ("https://stackhand.example.org/enter", token)
    assert "token" not in await (await door.get("/enter")).text()


async def test_used_late_guessed_and_disabled_are_all_told_the_same(door: Door) -> None:
    used, disabled = await door.link(), await door.link("bob")
    await door.enter(used)
    door.forget()
    async with door.database.begin() as conn:
        await people.set_active(conn, "bob", False)
        late = await page_sessions.make_link(conn, "ann", now=datetime(2026, 1, 1, tzinfo=UTC), valid=timedelta(1))
    told = set()
    for bad in (used, late, disabled, "guessed", "a" * 43, "\ud800", "\0", "", None, 7, ["x"], {"a": 1}, "x" * 900):
        answer = await door.enter(bad)
        assert answer.status == 403 and not door.cookie and "Set-Cookie" not in answer.headers
        told.add(await answer.text())
    assert len(told) == 1


@pytest.mark.parametrize("body", ["", "[]", "{", '{"token": ' + '["' * 50, "x" * 2000, "\xff"])
async def test_what_is_no_link_at_all_is_refused(door: Door, body: str) -> None:
    data = body.encode("latin-1")
    assert (await door.client.post("/enter", data=data, headers={"Origin": door.origin})).status == 400


async def test_on_another_host_and_from_another_page_nothing_is_used_up(door: Door) -> None:
    token = await door.link()
    for headers, status in (
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
    ):
        answer = await door.enter(token, headers=headers)
        assert answer.status == status and "Set-Cookie" not in answer.headers
        assert (await door.leave(**headers)) == status
    assert (await door.get("/enter", headers={"Host": "evil.example"})).status == 421
    assert (await door.enter(token)).status == 200


async def test_a_cookie_that_somebody_planted_is_not_taken_over(door: Door) -> None:
    planted = "p" * 43
    door.client.session.cookie_jar.update_cookies({f"stackhand_session_{door.client.port}": planted})
    await door.enter(await door.link())
    first = door.cookie
    assert first and first != planted and await KeptSessions(door.database).find(planted) is None
    assert (await door.enter(await door.link("bob"), sure=True)).status == 200
    assert door.cookie != first and await KeptSessions(door.database).find(first) is None


async def test_nobody_becomes_another_person_without_being_asked(door: Door) -> None:
    await door.enter(await door.link())
    before, token = door.cookie, await door.link("bob")
    for sure in (False, "yes", 1, None):
        answer = await door.enter(token, sure=sure)
        assert answer.status == 409 and "as Bob" in (await answer.json())["text"] and door.cookie == before
    assert (await door.enter(token, sure=True)).status == 200
    assert "Bob" in await (await door.get("/")).text()


async def test_neither_tokens_nor_cookies_are_in_the_log(door: Door) -> None:
    token, first, secrets = await door.link(), await KeptSessions(door.database).mint("ann"), []
    with capture_logs() as logs:
        for _ in range(2):
            await door.enter(token)
            secrets.append(door.cookie)
            door.forget()
            await door.get(f"/?token={first}")
            secrets.append(door.cookie)
            door.forget()
        await door.enter("wrong-" + token)
        await door.leave()
    assert [one["event"] for one in logs] == ["page.link_refused"] * 3
    assert not any(kept in str(logs) for kept in (token, first, *secrets[:2]))
    assert all(secrets[:2]) and not any(secrets[2:])


async def test_signing_out_ends_the_session_in_all_tabs_and_for_a_copied_cookie(door: Door) -> None:
    await door.enter(await door.link())
    stolen = door.cookie
    await door.get("/")
    tab = await door.client.ws_connect("/ws", headers={"Origin": door.origin})
    assert (await tab.receive_json(timeout=5))["type"] == "history"
    assert await door.leave() == 204 and not door.cookie
    assert (await tab.receive(timeout=5)).data == NO_SESSION
    assert await KeptSessions(door.database).find(stolen) is None
    again = await door.get("/")
    assert again.status == 401 and "page-link PERSON" in await again.text()
    assert await door.leave() == 204, "twice is fine"


async def test_whoever_is_disabled_is_out_everywhere_at_once(door: Door) -> None:
    await door.enter(await door.link())
    await door.get("/")
    tab = await door.client.ws_connect("/ws", headers={"Origin": door.origin})
    await tab.receive_json(timeout=5)
    async with door.database.begin() as conn:
        await people.set_active(conn, "ann", False)
    for path in ("/", "/migrations", "/migrations/7", "/files/x", f"/charts/wide/light/{'0' * 32}.svg"):
        assert (await door.get(path)).status == 401, path
    await door.page.entrance.look()  # which a tab that says nothing waits for, a few seconds
    assert (await tab.receive(timeout=5)).data == NO_SESSION


async def test_a_plan_that_is_opened_without_a_session_says_how_to_get_in(door: Door) -> None:
    answer = await door.get("/migrations/7")
    told = await answer.text()
    assert answer.status == 401 and "open the page" in told and "sign in and open" in told


async def test_without_a_database_nobody_is_let_in_and_it_is_said(door: Door) -> None:
    await door.enter(await door.link())
    await door.get("/")
    tab = await door.client.ws_connect("/ws", headers={"Origin": door.origin})
    await tab.receive_json(timeout=5)
    door.page.entrance._sessions = Away(door.database)
    answer = await door.get("/")
    assert answer.status == 500 and "Something failed" in await answer.text()
    await tab.send_json({"id": "message-1", "text": "count", "files": []})
    assert (await tab.receive(timeout=5)).data == 1013, "the page comes back by itself"
