import json

import pytest

from bot.web.guards import LOOPBACK, bounded_json, host_allowed, origin_allowed


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8765", "localhost:1", "[::1]:8765", "LOCALHOST"])
def test_our_hosts(host: str) -> None:
    assert host_allowed(host, LOOPBACK)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8765",
        "localhost.",
        "[::1",
        "a@localhost.x",
        "0",
    ],
)
def test_other_hosts(host: str | None) -> None:
    assert not host_allowed(host, LOOPBACK)


@pytest.mark.parametrize("origin", ["http://localhost:8765", "https://localhost:8765", "http://LOCALHOST:8765"])
def test_our_origin(origin: str) -> None:
    assert origin_allowed(origin, "localhost:8765")


@pytest.mark.parametrize(
    "origin",
    [None, "", "null", "http://localhost", "http://localhost:1", "http://evil.example", "file://localhost:8765",
     "http://localhost:8765.evil.example", "http://x@localhost:8765", "http://[", "localhost:8765"],
)  # fmt: skip
def test_other_origins(origin: str | None) -> None:
    assert not origin_allowed(origin, "localhost:8765")
    assert not origin_allowed("http://", "") and not origin_allowed("http://", None)


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def test_json_is_bounded_in_depth() -> None:
    assert bounded_json(nested(20)) == json.loads(nested(20))
    for bad in (
        nested(21),
        "[" * 100_000,
        nested(100_000),
        "[]",
        "1",
        "null",
        "",
        "{",
        '{"a":' + "[" * 25 + "]" * 25 + "}",
    ):
        with pytest.raises(ValueError):
            bounded_json(bad)
