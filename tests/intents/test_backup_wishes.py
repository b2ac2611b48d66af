"""A restore out of a volume backup is wished by the word, and by nothing else that holds it."""

from datetime import UTC, datetime

import pytest

from intents.matcher import Matcher
from intents.names import Names
from intents.readings import Name
from intents.registry import load_catalogue

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
NAMES = Names([Name("vm", "db-02"), Name("vm", "backup-01"), Name("volume_backup", "nightly-full")])
DAY = {"since": "2026-11-30T00:00:00Z", "until": "2026-12-01T00:00:00Z"}


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(load_catalogue())


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("restore db-02 from the backup of yesterday", {"vm": "db-02", "copies": "backup", **DAY}),
        ("restore db-02 from yesterday's backup", {"vm": "db-02", "copies": "backup", **DAY}),
        ("restore db-02 from backup nightly-full", {"vm": "db-02", "copies": "backup", "snapshot": "nightly-full"}),
        ("replace db-02 with yesterday's backup", {"vm": "db-02", "copies": "backup", "mode": "replace", **DAY}),
        ("restore backup-01 from yesterday", {"vm": "backup-01", **DAY}),
        ("restore db-02 from yesterday's snapshot", {"vm": "db-02", **DAY}),
    ],
)
def test_the_word(matcher: Matcher, said: str, slots: dict[str, str]) -> None:
    read = matcher.read(said, NAMES, NOW)
    assert read.intent == "restore" and read.ask is None
    assert read.slots == slots


def test_a_wish_that_is_turned_starts_nothing(matcher: Matcher) -> None:
    assert matcher.read("do not restore db-02 from backup", NAMES, NOW).intent is None


def test_they_are_a_kind(matcher: Matcher) -> None:
    assert matcher.read("list volume backups", NAMES, NOW).slots == {"kind": "volume_backup"}
