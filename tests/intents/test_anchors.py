"""Talk of other worlds, and talk among colleagues, is no request; a request without any name stays one."""

import json

import pytest
import yaml

from intents.anchors import TopicError, load_worlds
from intents.matcher import Matcher
from intents.names import Names
from intents.registry import load_catalogue
from tests.intents.sets import HERE, NOW

CATALOGUE = load_catalogue()
MATCHER = Matcher(CATALOGUE)
NAMES = Names.from_json(json.loads((HERE / "voices" / "names.json").read_text(encoding="utf-8")))
SAID: dict[str, list[str]] = yaml.safe_load((HERE / "other_worlds.yaml").read_text(encoding="utf-8"))
WORLDS = load_worlds()
SHORT = {
    "help": "help", "are you ok": "status", "who am i": "whoami", "what changed": "changes",
    "my requests": "approval_list",
    "costs this month": "cost", "morning digest": "digest", "is everything ok?": "health",
    "who is near its quota": "quota_near", "which project costs us the most": "top", "which hosts are full": "list",
    "how many volumes are unattached": "count", "what do we charge for a gig of ram": "prices",
    "restart web-01": "vm_reboot", "stop the music, then restart web-01": "vm_reboot",
    "add a note to web-01: the plumber comes on friday": "note_set",
}  # fmt: skip


@pytest.mark.parametrize(
    ("group", "most"), [("foreign", 0.005), ("unlike", 0.03), ("chatter", 0.04), ("more_chatter", 0.1)]
)
def test_what_is_no_request_is_left_alone(group: str, most: float) -> None:
    answered = {said: MATCHER.read(said, NAMES, NOW) for said in SAID[group]}
    answered = {said: reading for said, reading in answered.items() if reading.intent is not None}
    assert len(answered) <= most * len(SAID[group]), list(answered)
    started = [s for s, r in answered.items() if CATALOGUE.intents[r.intent or ""].writes and r.ask is None]
    assert started == []


@pytest.mark.parametrize(("said", "intent"), SHORT.items())
def test_a_request_without_a_name_stays_one(said: str, intent: str) -> None:
    assert MATCHER.read(said, NAMES, NOW).intent == intent


def test_a_change_beside_another_world_is_asked_back() -> None:
    reading = MATCHER.read("restart web-01 and the dishwasher", NAMES, NOW)
    assert reading.intent is None or reading.ask is not None


def test_a_name_that_means_another_world_is_a_name() -> None:
    reading = MATCHER.read("onboard the customer umbrella with domain umbrella", NAMES, NOW)
    assert reading.intent == "tenant_create"


@pytest.mark.parametrize("said", ["", "?", "...", "pizza " * 250, "my " * 400, "alice", "dave:", "1989", "in 1989"])
def test_odd_messages_do_no_harm(said: str) -> None:
    reading = MATCHER.read(said, NAMES, NOW)
    assert reading.intent is None or not CATALOGUE.intents[reading.intent].writes
    assert reading.cpu_ms < 500


def test_the_lists_are_plain_and_apart() -> None:
    words = WORLDS.foreign | WORLDS.aside | WORLDS.ours | WORLDS.soft | WORLDS.both
    assert {word for word in words if word != word.strip().lower() or "-" in word or len(word.split()) > 4} == set()
    assert WORLDS.ours & (WORLDS.foreign | WORLDS.soft | WORLDS.both) == set()


@pytest.mark.parametrize("line", ["banking", "banking:", ": card", "banking:card"])
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(TopicError, match="line 2"):
        load_worlds(f"travel: flight\n{line}\n")
