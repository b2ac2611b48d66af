"""The matcher on sentences of this repository's own inventory."""

from datetime import UTC, datetime

import pytest

from intents.matcher import Matcher
from intents.names import Names
from intents.readings import Name
from intents.registry import load_catalogue

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
NAMES = Names(
    [
        Name("vm", "web-01", project="acme-prod"),
        Name("vm", "bastion", project="acme-prod"),
        Name("vm", "bastion", project="acme-dev"),
        Name("project", "acme-prod"),
        Name("project", "acme-dev"),
        Name("user", "bob"),
    ]
)
MATCHER = Matcher(load_catalogue())


@pytest.mark.parametrize("said", ["web-01", "web-01?", "WEB-01", "show `web-01`", "details of web-01 please"])
def test_a_name_is_shown(said: str) -> None:
    reading = MATCHER.read(said, NAMES, NOW)
    assert (reading.intent, dict(reading.slots)) == ("show", {"kind": "vm", "name": "web-01"})


def test_two_objects_with_one_name_are_a_question() -> None:
    ask = MATCHER.read("who owns bastion", NAMES, NOW).ask
    assert ask is not None
    assert (ask.why, {name.project for name in ask.names}) == ("ambiguous", {"acme-prod", "acme-dev"})


def test_a_name_that_is_not_there_is_a_question() -> None:
    ask = MATCHER.read("who owns web-91", NAMES, NOW).ask
    assert ask is not None
    assert (ask.why, ask.said) == ("unknown", "web-91")


@pytest.mark.parametrize(
    "said",
    [
        "please don't reboot web-01",
        "i rebooted web-01 an hour ago",
        "if web-01 dies we reboot it",
        "bob will reboot web-01 tonight",
        "we should reboot web-01 some day",
    ],
)
def test_talk_starts_nothing(said: str) -> None:
    assert MATCHER.read(said, NAMES, NOW).intent is None


def test_a_plain_command_needs_no_question() -> None:
    reading = MATCHER.read("reboot web-01", NAMES, NOW)
    assert (reading.intent, reading.ask, reading.mood) == ("vm_reboot", None, "command")
