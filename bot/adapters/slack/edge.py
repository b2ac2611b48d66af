"""The door: every delivery is checked here, kept in the inbox, and acknowledged before anything is done about it."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

import structlog
from aiohttp import ClientError, web

from bot.adapters.slack import SURFACE, signatures
from bot.adapters.slack.deliveries import MOST_CHARACTERS, Ignored, origin, read, said_length, text_of
from bot.metrics import Metrics
from bot.web.guards import bounded_json
from storage import inbox
from storage.database import Database, StorageUnavailable

log = structlog.get_logger(__name__)

PATH = "/slack/events"
MOST_BODY_BYTES = 2**20
LENGTH = "stackhand_length"
"""Stands in the kept body of what was too long to be kept."""
_MOST_FIELDS = 50
_MOST_KEY = 500
_PATIENCE_S = 2.0  # Slack waits three seconds, and tries again after any answer but 2xx
_NO_RETRY = {"X-Slack-No-Retry": "1"}
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a delivery is answered: an HTTP status, and the reason in one fixed word, empty when it was kept."""

    status: int
    reason: str = ""
    challenge: str = ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Who may deliver."""

    teams: frozenset[str]
    app: str


class Edge:
    """For both ways in. `kept` is called when something new is in the inbox."""

    def __init__(
        self,
        database: Database,
        allowed: Allowed,
        secret: str,
        metrics: Metrics,
        kept: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`database` is a pool of its own; `secret` is empty when nothing comes by HTTP, which then is refused."""
        self._database = database
        self._allowed = allowed
        self._secret = secret
        self._metrics = metrics
        self._kept = kept
        self._clock = clock

    async def receive(self, request: web.Request) -> web.Response:
        """The handler of the HTTP path. Never answers 500, never logs a body."""
        body = await _bounded(request)
        if "Content-Encoding" in request.headers:  # Slack sends plain bodies; others may inflate
            verdict = Verdict(400, "encoded")
        else:
            verdict = Verdict(413, "too_large") if body is None else await self._judge(request, body)
        self._tell(verdict, len(body or b""), request.remote or "")
        headers = _NO_RETRY if 400 <= verdict.status < 500 else {}
        text = verdict.challenge or ("" if verdict.status == 200 else f"refused: {verdict.reason}")
        return web.Response(status=verdict.status, text=text, headers=headers)

    async def _judge(self, request: web.Request, body: bytes) -> Verdict:
        stamps, marks = (request.headers.getall(name, []) for name in (signatures.TIMESTAMP, signatures.SIGNATURE))
        why = signatures.refusal(stamps, marks, body, self._secret, self._clock()) if self._secret else "signature"
        if why:
            return Verdict(401, why)
        try:
            payload = parsed(body, request.content_type)
        except ValueError:
            return Verdict(400, "unreadable")
        if text_of(payload, "type") == "url_verification":
            return Verdict(200, "", text_of(payload, "challenge")[:200])
        return await self.accept(payload)

    async def accept(self, payload: Mapping[str, Any]) -> Verdict:
        """Keep a delivery that is known to come from Slack. 503: it could not be kept, and must come again."""
        sender = origin(payload)
        if sender.app != self._allowed.app or sender.team not in self._allowed.teams:
            return Verdict(403, "foreign")
        length = said_length(payload)
        incoming = read(payload)
        if isinstance(incoming, Ignored):
            return Verdict(200, incoming.reason)
        if len(incoming.key) + len(incoming.conversation) > _MOST_KEY:
            return Verdict(400, "unreadable")
        if length > MOST_CHARACTERS:
            incoming = replace(incoming, body=_without_text(incoming.body, length))
        try:
            async with asyncio.timeout(_PATIENCE_S), self._database.begin() as conn:
                new = await inbox.keep(conn, SURFACE, incoming)
        except (StorageUnavailable, TimeoutError):
            return Verdict(503, "database")
        if new:
            self._kept()
        if length > MOST_CHARACTERS:
            return Verdict(400, "too_long")
        return Verdict(200, "" if new else "known")

    def _tell(self, verdict: Verdict, length: int, source: str) -> None:
        if verdict.status != 200:
            self._metrics.refused(SURFACE, verdict.reason)
            log.warning("delivery.refused", surface=SURFACE, reason=verdict.reason, bytes=length, source=source[:64])

    async def accept_from_socket(self, payload: Any) -> Verdict:
        """The same for what came over the WebSocket, which Slack has opened for this app alone."""
        if not isinstance(payload, Mapping):
            return Verdict(400, "unreadable")
        try:
            text = json.dumps(payload)
            bounded_json(text)
        except (ValueError, TypeError, RecursionError):
            verdict, text = Verdict(400, "unreadable"), ""
        else:
            too_large = len(text) > MOST_BODY_BYTES
            verdict = Verdict(413, "too_large") if too_large else await self.accept(payload)
        self._tell(verdict, len(text), "socket")
        return verdict


def _without_text(body: Mapping[str, Any], length: int) -> dict[str, Any]:
    """What was said is too long to be kept; the person is told."""
    kept = {name: value for name, value in body.items() if name not in ("text", "actions", "event")}
    if isinstance(body.get("event"), Mapping):
        kept["event"] = {**body["event"], "text": "", "blocks": []}
    if isinstance(body.get("actions"), list):
        kept["actions"] = [{**action, "value": ""} for action in body["actions"] if isinstance(action, Mapping)]
    return {**kept, "text": "", LENGTH: length}


def parsed(body: bytes, content_type: str) -> dict[str, Any]:
    """The payload of a request: JSON, or a form with it, or a form that is a command. Raises ValueError."""
    text = body.decode("utf-8")
    if content_type != _FORM:
        return bounded_json(text)
    form = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    if any(len(values) > 1 for values in form.values()):
        raise ValueError("a field came twice")
    fields: dict[str, Any] = {name: values[0] for name, values in form.items()}
    return bounded_json(fields["payload"]) if "payload" in fields else fields


async def _bounded(request: web.Request) -> bytes | None:
    """The body, or None when it is more than MOST_BODY_BYTES; no more than that is ever held."""
    if (request.content_length or 0) > MOST_BODY_BYTES:
        return None
    body = bytearray()
    try:
        async for block in request.content.iter_chunked(2**16):
            body += block
            if len(body) > MOST_BODY_BYTES:
                return None
    except (ClientError, web.RequestPayloadError):  # cut off: what is left has no valid signature
        return b""
    return bytes(body)
