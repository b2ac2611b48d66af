"""Every line is one JSON object, with a stable event name and no secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot.logs import configure


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:], level = before[0], before[1]
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_ours_and_others_come_out_alike() -> None:
    stream = io.StringIO()
    configure(stream=stream)
    structlog.get_logger("bot").info("sync.done", source="pcd-1", rows=3)
    logging.getLogger("somebody").warning("it is %s", "late")
    ours, theirs = lines(stream)
    assert (ours["event"], ours["source"], ours["rows"], ours["level"]) == ("sync.done", "pcd-1", 3, "info")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("it is late", "warning", "somebody")
    assert ours["at"].endswith("Z")


def test_a_canary_sings_nowhere() -> None:
    stream = io.StringIO()
    configure(stream=stream, secrets=["canary-4711"])
    log = structlog.get_logger("bot")
    log.warning("a canary-4711 in the event", detail="and canary-4711 here", deep={"x": ["canary-4711"]})
    log.warning("login.failed", password="canary-4711", url="postgresql://u:canary-4711@h/d")
    logging.getLogger("http").warning("X-Auth-Token: canary-4711", extra={"body": "canary-4711"})
    try:
        raise ValueError("canary-4711")
    except ValueError:
        log.exception("failed")
        logging.getLogger("http").exception("failed too")
    assert "canary-4711" not in stream.getvalue()
    assert len(lines(stream)) == 5
    assert "ValueError" in stream.getvalue()


def test_a_line_break_does_not_forge_a_line() -> None:
    stream = io.StringIO()
    configure(stream=stream)
    structlog.get_logger("bot").info("message.answered", person='x"}\n{"event": "forged"')
    assert [line["event"] for line in lines(stream)] == ["message.answered"]


def test_text_for_eyes_hides_as_well() -> None:
    stream = io.StringIO()
    configure(form="text", stream=stream, secrets=["canary-4711"])
    structlog.get_logger("bot").info("x", detail="canary-4711", token="other-canary")
    assert "canary" not in stream.getvalue()


def test_the_level_is_obeyed_and_noisy_libraries_are_quiet() -> None:
    stream = io.StringIO()
    configure("warning", stream=stream)
    structlog.get_logger("bot").info("not this")
    logging.getLogger("keystoneauth.session").info("nor this")
    structlog.get_logger("bot").warning("this")
    assert [line["event"] for line in lines(stream)] == ["this"]
