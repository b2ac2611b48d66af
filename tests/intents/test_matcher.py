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


HOSTILE = [
    "",
    " ",
    "\x00",
    "reboot \x00web-01\x00",
    "\u202ereboot web-01\u202c",
    "🦄" * 500,
    "a" * 10_000,
    "web-01 " * 2_000,
    "((((((((((" * 300,
    "turn " * 2_000 + "off",
    "since " * 1_000,
    "<script>alert(1)</script> reboot web-01",
    "`" * 999,
    "'; DROP TABLE resource; --",
    "1/" * 3_000,
    "‮01-bew‬ toober",
    "ｒｅｂｏｏｔ ｗｅｂ－０１",
    "reboot wеb-01",  # a Cyrillic e
    "{{vm}} ${vm} %s {0}",
    "-" * 5_000,
    "\n" * 5_000,
    "9" * 4_000,
]


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_text_neither_crashes_nor_hangs(said: str) -> None:
    reading = MATCHER.read(said, NAMES, NOW)
    assert reading.cpu_ms < 500
    assert MATCHER.read_all(said, NAMES, NOW)


def test_look_alikes_are_no_names() -> None:
    reading = MATCHER.read("reboot wеb-01", NAMES, NOW)
    assert reading.ask is not None or reading.intent is None


def test_full_width_letters_are_letters() -> None:
    assert MATCHER.read("ｗｅｂ－０１", NAMES, NOW).slots["name"] == "web-01"


def test_a_short_message_is_cheap_at_any_number_of_names() -> None:
    many = Names([*(Name("vm", f"srv-{n:06d}") for n in range(100_000)), Name("vm", "web-01")])
    for said in ("reboot web-01", "how many vms are powered off", "show srv-012345"):
        MATCHER.read(said, many, NOW)
    spent = sorted(MATCHER.read("who owns srv-012345 please", many, NOW).cpu_ms for _ in range(50))
    assert spent[25] < 10


def test_several_questions_are_answered_in_order() -> None:
    readings = MATCHER.read_all("how many vms do we have and who owns web-01?", NAMES, NOW)
    assert [reading.intent for reading in readings] == ["count", "owner"]


def test_a_change_among_others_is_asked() -> None:
    readings = MATCHER.read_all("reboot web-01 and then delete project acme-dev", NAMES, NOW)
    assert len(readings) == 1
    assert readings[0].ask is not None
    assert readings[0].ask.why == "confirm"


def test_the_wrong_kind_of_filter_is_named() -> None:
    reading = MATCHER.read("who owns web-01 on vmware", NAMES, NOW)
    assert "unused:slot platform" in {evidence.meant for evidence in reading.evidence}


def test_a_negated_filter_is_named() -> None:
    reading = MATCHER.read("vms not on vmware", NAMES, NOW)
    assert "platform" not in reading.slots or any(e.meant.startswith("unused:") for e in reading.evidence)


def test_a_negated_state_is_its_opposite() -> None:
    assert MATCHER.read("vms that are not running", NAMES, NOW).slots["state"] == "off"


def test_two_kinds_with_one_name_are_a_question_unless_the_noun_decides() -> None:
    names = Names([Name("project", "acme"), Name("domain", "acme")])
    ask = MATCHER.read("vms in acme", names, NOW).ask
    assert ask is not None and ask.why == "ambiguous"
    assert MATCHER.read("vms in project acme", names, NOW).ask is None
    assert MATCHER.read("vms in domain acme", names, NOW).slots["domain"] == "acme"


def test_filters_at_the_end_are_meant_for_both_lists() -> None:
    readings = MATCHER.read_all("vms and volumes of acme-prod", NAMES, NOW)
    assert [dict(r.slots) for r in readings] == [
        {"kind": "vm", "project": "acme-prod"},
        {"kind": "volume", "project": "acme-prod"},
    ]
