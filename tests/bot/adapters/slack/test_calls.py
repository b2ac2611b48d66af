"""The client of Slack's Web API."""

import logging
from collections.abc import Iterator

import pytest

from bot.adapters.slack.calls import client


@pytest.fixture(autouse=True)
def at_debug() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("slack_sdk")
    before = root.level, own.level
    root.setLevel(logging.DEBUG)
    own.setLevel(logging.NOTSET)
    yield
    root.setLevel(before[0])
    own.setLevel(before[1])


def test_the_sdk_prints_no_headers_and_bodies_whatever_the_level() -> None:
    calls = "slack_sdk.web.async_client"
    assert logging.getLogger(calls).isEnabledFor(logging.INFO)
    client("xoxb-1", "https://slack.com/api/")
    assert not any(logging.getLogger(name).isEnabledFor(logging.INFO) for name in (calls, "slack_bolt.AsyncApp"))
