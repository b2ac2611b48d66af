"""The door: what is no delivery of ours is refused, and never ends in an error of our own."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import structlog
from aiohttp import web
from sqlalchemy import text

from bot.adapters.slack.edge import LENGTH, MOST_BODY_BYTES, PATH, Allowed, Edge
from bot.adapters.slack.signatures import SIGNATURE, TIMESTAMP, sign
from bot.metrics import Metrics
from storage.database import Database
from tests.bot.adapters.slack.small_slack import APP, BOT, TEAM

SECRET, NOW = "a-signing-secret-of-a-test", 1_795_600_000
FORM = "application/x-www-form-urlencoded"
Headers = Sequence[tuple[str, str]]


def mention(**more: Any) -> dict[str, Any]:
    event = {"type": "app_mention", "user": "UALICE", "channel": "C1", "ts": "1.1", "text": f"<@{BOT}> canary-text"}
    return {
        "type": "event_callback", "team_id": TEAM, "api_app_id": APP, "event_id": "Ev1", "event": {**event, **more},
        "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}], "token": "canary-token",
    }  # fmt: skip


@dataclass
class Door:
    """The edge behind a real server."""

    database: Database
    edge: Edge
    url: str
    metrics: Metrics
    kept: list[None] = field(default_factory=list)

    async def post(self, body: bytes, headers: Headers) -> aiohttp.ClientResponse:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=body, headers=list(headers)) as answer,
        ):
            await answer.read()
            return answer

    async def deliver(self, payload: Any, *, at: int = NOW, form: bool = False, **more: str) -> aiohttp.ClientResponse:
        """Signed as Slack signs."""
        told = json.dumps(payload)
        body = urlencode({"payload": told}).encode() if form else told.encode()
        return await self.post(
            body, [*signed(body, str(at)), ("Content-Type", FORM if form else "application/json"), *more.items()]
        )

    async def rows(self) -> list[Any]:
        async with self.database.connect() as conn:
            return list(
                (await conn.execute(text("SELECT key, conversation, sender, body FROM inbox ORDER BY id"))).all()
            )


def signed(body: bytes, stamp: str) -> list[tuple[str, str]]:
    return [(TIMESTAMP, stamp), (SIGNATURE, sign(body, stamp, SECRET))]


@asynccontextmanager
async def opened(database: Database, secret: str = SECRET) -> AsyncIterator[Door]:
    metrics, kept = Metrics(), list[None]()
    allowed = Allowed(frozenset({TEAM}), APP)
    edge = Edge(database, allowed, secret, metrics, lambda: kept.append(None), clock=lambda: float(NOW))
    app = web.Application()
    app.router.add_post(PATH, edge.receive)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Door(database, edge, f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}", metrics, kept)
    await runner.cleanup()


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Door]:
    async with opened(database) as door:
        yield door


BODY = json.dumps(mention()).encode()
STAMP = str(NOW)
GOOD = sign(BODY, STAMP, SECRET)
_T, _S = TIMESTAMP, SIGNATURE
BAD: list[Headers] = [
    [],
    [(_T, STAMP)],
    [(_S, GOOD)],
    [(_T, ""), (_S, GOOD)],
    [(_T, "abc"), (_S, GOOD)],
    [(_T, "1e9"), (_S, GOOD)],
    [(_T, "9" * 400), (_S, GOOD)],
    [(_T, "9" * 13), (_S, GOOD)],
    [(_T, "-" + STAMP), (_S, GOOD)],
    [(_T, "+" + STAMP), (_S, GOOD)],
    [(_T, STAMP + ".0"), (_S, GOOD)],
    [(_T, STAMP[:5] + " " + STAMP[5:]), (_S, GOOD)],
    [(_T, STAMP[:5] + "_" + STAMP[5:]), (_S, GOOD)],
    [(_T, hex(NOW)), (_S, GOOD)],
    [(_T, "NaN"), (_S, GOOD)],
    [(_T, "inf"), (_S, GOOD)],
    [(_T, "0"), (_S, GOOD)],
    [(_T, STAMP.translate({48 + n: 0x660 + n for n in range(10)})), (_S, GOOD)],
    [(_T, STAMP.translate({48 + n: 0xFF10 + n for n in range(10)})), (_S, GOOD)],
    [(_T, STAMP), (_T, STAMP), (_S, GOOD)],
    [(_T, STAMP), (_T, "0"), (_S, GOOD)],
    [(_T, STAMP), (_S, GOOD), (_S, GOOD)],
    [(_T, STAMP), (_S, GOOD), (_S, "v0=" + "0" * 64)],
    [(_T, f"{STAMP},{STAMP}"), (_S, GOOD)],
    [(_T, STAMP), (_S, "")],
    [(_T, STAMP), (_S, "v0=")],
    [(_T, STAMP), (_S, GOOD.removeprefix("v0="))],
    [(_T, STAMP), (_S, GOOD.replace("v0=", "v1="))],
    [(_T, STAMP), (_S, GOOD.upper())],
    [(_T, STAMP), (_S, GOOD + "0")],
    [(_T, STAMP), (_S, GOOD[:-1])],
    [(_T, STAMP), (_S, "v0=" + "0" * 64)],
    [(_T, STAMP), (_S, "v0=" + "g" * 64)],
    [(_T, STAMP), (_S, "v0=" + "é" * 64)],
    [(_T, STAMP), (_S, "x" * 4000)],
    [(_T, STAMP), (_S, sign(BODY, STAMP, "another secret"))],
    [(_T, STAMP), (_S, sign(BODY + b" ", STAMP, SECRET))],
    [(_T, str(NOW + 1)), (_S, GOOD)],
]  # fmt: skip


async def test_thirty_malformed_headers_are_401_and_nothing_of_the_body_is_logged(door: Door) -> None:
    assert len(BAD) >= 30
    with structlog.testing.capture_logs() as logs:
        statuses = [(await door.post(BODY, headers)).status for headers in BAD]
    assert statuses == [401] * len(BAD)
    assert await door.rows() == []
    assert "canary" not in repr(logs)
    assert {line["reason"] for line in logs} <= {"timestamp", "signature", "stale"}
    assert b'stackhand_refused_deliveries_total{reason="signature",surface="slack"}' in await door.metrics.page(None)


@pytest.mark.parametrize(("offset", "status"), [(-301, 401), (-300, 200), (300, 200), (301, 401)])
async def test_the_window_is_three_hundred_seconds(door: Door, offset: int, status: int) -> None:
    assert (await door.deliver(mention(), at=NOW + offset)).status == status


async def test_a_delivery_is_kept_and_acknowledged_without_its_token(door: Door) -> None:
    answer = await door.deliver(mention())
    assert answer.status == 200 and door.kept == [None]
    ((key, conversation, sender, body),) = await door.rows()
    assert (key, conversation, sender) == (f"{TEAM}:message:C1:1.1", f"slack:{TEAM}:C1:1.1", f"{TEAM}/UALICE")
    assert body["event"]["text"] == f"<@{BOT}> canary-text" and "token" not in body


async def test_twenty_at_once_and_retries_are_one(door: Door) -> None:
    retried = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    answers = await asyncio.gather(*(door.deliver(mention(), **retried) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len(await door.rows()) == 1 and door.kept == [None]


@pytest.mark.parametrize("at", [0, 3, 60, 300])
async def test_a_retry_acts_once_whenever_it_comes(database: Database, at: int) -> None:
    async with opened(database) as door:
        assert (await door.deliver(mention())).status == 200
        assert (await door.deliver(mention(), at=NOW + at, **{"X-Slack-Retry-Num": "1"})).status == 200
        assert len(await door.rows()) == 1


async def test_a_mention_that_comes_as_a_message_too_is_one(door: Door) -> None:
    await door.deliver(mention(type="message", channel_type="channel"))
    await door.deliver({**mention(), "event_id": "Ev2"})
    assert len(await door.rows()) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"team_id": "T999999999"}, {"api_app_id": "A999999999"}, {"team_id": None}, {"api_app_id": ["A"]}, {"team_id": 1}],
)
async def test_another_workspace_or_app_is_refused_though_validly_signed(door: Door, wrong: dict[str, Any]) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await door.deliver({**mention(), **wrong})
    assert (answer.status, answer.headers["X-Slack-No-Retry"]) == (403, "1")
    assert await door.rows() == [] and "canary" not in repr(logs)
    assert [line["reason"] for line in logs] == ["foreign"]


async def test_a_body_over_the_limit_is_413_with_and_without_its_length(door: Door) -> None:
    body = b'{"pad": "' + b"x" * MOST_BODY_BYTES + b'"}'
    headers = [*signed(body, STAMP), ("Content-Type", "application/json")]
    assert (await door.post(body, headers)).status == 413

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 2**16):
            yield body[at : at + 2**16]

    async with aiohttp.ClientSession() as session, session.post(door.url, data=pieces(), headers=headers) as answer:
        assert answer.status == 413


def nested(depth: int) -> dict[str, Any]:
    inside: Any = 1
    for _ in range(depth):
        inside = [inside]
    return {**mention(), "pad": inside}


async def test_json_as_deep_as_allowed_and_deeper(door: Door) -> None:
    assert (await door.deliver(nested(19))).status == 200
    assert (await door.deliver(nested(20))).status == 400
    body = b"[" * 100_000
    assert (await door.post(body, signed(body, STAMP))).status == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b'"text"', b"payload=%7B", b"payload=1", b"\x00"],
)
async def test_what_is_no_payload_is_400(door: Door, body: bytes) -> None:
    for kind in ("application/json", FORM):
        answer = await door.post(body, [*signed(body, STAMP), ("Content-Type", kind)])
        assert answer.status in (400, 403)
    assert await door.rows() == []


async def test_fields_that_come_twice_or_too_often_are_400(door: Door) -> None:
    for body in (b"payload=%7B%7D&payload=%7B%7D", b"&".join(b"a%d=1" % n for n in range(51))):
        assert (await door.post(body, [*signed(body, STAMP), ("Content-Type", FORM)])).status == 400


async def test_a_compressed_body_is_refused(door: Door) -> None:
    body = gzip.compress(b"x" * 10_000_000)
    assert (await door.post(body, [*signed(body, STAMP), ("Content-Encoding", "gzip")])).status == 400


async def test_a_text_of_four_thousand_characters_and_one_more(door: Door) -> None:
    assert (await door.deliver(mention(text="x" * 4000))).status == 200
    answer = await door.deliver(mention(text="y" * 4001, ts="1.2"))
    assert (answer.status, answer.headers["X-Slack-No-Retry"]) == (400, "1")
    _, (_, _, _, body) = await door.rows()
    assert body[LENGTH] == 4001 and "yyy" not in json.dumps(body)  # the person is told; the text is not kept


async def test_a_long_message_of_our_own_around_a_click_is_no_long_text(door: Door) -> None:
    click = {
        "type": "block_actions", "api_app_id": APP, "team": {"id": TEAM}, "user": {"id": "UALICE"},
        "channel": {"id": "C1"}, "container": {"message_ts": "5.5"},
        "message": {"ts": "5.5", "thread_ts": "1.1", "text": "z" * 9000},
        "actions": [{"action_id": "say:0", "value": "list vms", "action_ts": "6.6"}],
    }  # fmt: skip
    assert (await door.deliver(click, form=True)).status == 200
    ((key, conversation, _, body),) = await door.rows()
    assert key == f"{TEAM}:click:5.5:6.6:UALICE" and conversation == f"slack:{TEAM}:C1:1.1" and "zzz" not in str(body)


async def test_the_request_url_is_verified(door: Door) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c-4711"}).encode()
    async with aiohttp.ClientSession() as session:
        async with session.post(door.url, data=body, headers=signed(body, STAMP)) as answer:
            assert (answer.status, await answer.text()) == (200, "c-4711")
        async with session.post(door.url, data=body) as answer:
            assert answer.status == 401


async def test_without_a_secret_everything_is_refused(database: Database) -> None:
    async with opened(database, secret="") as door:
        body = json.dumps(mention()).encode()
        headers = [(TIMESTAMP, STAMP), (SIGNATURE, sign(body, STAMP, ""))]
        assert (await door.post(body, headers)).status == 401


async def test_without_a_database_slack_is_asked_to_come_again() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    async with opened(away) as door:
        answer = await door.deliver(mention())
        assert answer.status == 503 and "X-Slack-No-Retry" not in answer.headers
    await away.close()


async def test_other_methods_and_a_connection_that_is_cut_off(door: Door) -> None:
    async with aiohttp.ClientSession() as session, session.get(door.url) as answer:
        assert answer.status == 405
    _, writer = await asyncio.open_connection("127.0.0.1", int(door.url.split(":")[2].split("/")[0]))
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
    await writer.drain()
    writer.close()
    assert (await door.deliver(mention())).status == 200


@pytest.mark.parametrize("payload", [None, [], "text", 7, {"a": {1, 2}}, {"type": "hello"}])
async def test_odd_things_from_the_socket(door: Door, payload: Any) -> None:
    assert (await door.edge.accept_from_socket(payload)).status in (400, 403)
    assert (await door.edge.accept_from_socket(mention())).status == 200
