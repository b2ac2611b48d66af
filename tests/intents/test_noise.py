"""Damaged, decorated and endless messages: no crash, no change started, no time lost."""

import random

import pytest

from intents.matcher import Matcher
from intents.registry import load_catalogue
from tests.intents.sets import NOW, names, nothings, sentences

CATALOGUE = load_catalogue()
MATCHER = Matcher(CATALOGUE)
NAMES = names()
WRITES = [said for intent, said, _ in sentences("sentences.yaml") if CATALOGUE.intents[intent].writes]
TALK = [said for _, said in nothings()]
LOOK_ALIKE = str.maketrans("aeopcxyi", "аеорсхуі")  # Cyrillic on purpose
DECORATION = (
    "🙂", "<b>", "</b>", "&nbsp;", "*", "_", "~", "\u200b", "\u0301", "```", "|", "\t", "\n", "}}", "%s", "\x00",
)  # fmt: skip


def starts(said: str) -> bool:
    reading = MATCHER.read(said, NAMES, NOW)
    MATCHER.read_all(said, NAMES, NOW)
    return reading.intent is not None and CATALOGUE.intents[reading.intent].writes and reading.ask is None


def edited(said: str, dice: random.Random) -> str:
    letters = list(said)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(letters) + 1)
        match dice.randrange(3):
            case 0:
                letters[at:at] = [dice.choice("abcdefghijklmnopqrstuvwxyz0123456789 -.,:;'\"?!")]
            case 1:
                del letters[at : at + 1]
            case _:
                letters[at : at + 2] = letters[at : at + 2][::-1]
    return "".join(letters)


@pytest.mark.parametrize("seed", range(4))
def test_edited_talk_starts_nothing(seed: int) -> None:
    dice = random.Random(seed)
    assert [said for said in (edited(said, dice) for said in TALK) if starts(said)] == []


@pytest.mark.parametrize("seed", range(4))
def test_decorated_talk_starts_nothing(seed: int) -> None:
    dice = random.Random(seed)
    found = []
    for said in TALK:
        at = dice.randrange(len(said))
        found.append(said[:at] + dice.choice(DECORATION) + said[at:] + dice.choice(DECORATION))
    assert [said for said in found if starts(said)] == []


def test_edited_commands_change_nothing_else_than_they_name() -> None:
    """Whatever an edit makes of a command, an object that is changed without a question was typed as it is spelt."""
    dice = random.Random(5)
    for said in WRITES * 3:
        text = edited(said, dice)
        reading = MATCHER.read(text, NAMES, NOW)
        if reading.intent and CATALOGUE.intents[reading.intent].writes and reading.ask is None:
            for name in reading.objects.values():
                if name.kind in {"vm", "volume", "snapshot", "project", "host", "user", "network"}:
                    assert name.name.casefold() in text.casefold(), text


def test_look_alikes_of_commands_start_nothing() -> None:
    assert [said for said in WRITES if said.translate(LOOK_ALIKE) != said and starts(said.translate(LOOK_ALIKE))] == []


def test_500_characters_start_nothing_and_take_no_time() -> None:
    dice = random.Random(9)
    spent = []
    for _ in range(30):
        said = ""
        while len(said) < 500:
            said += dice.choice([*TALK, *WRITES]) + dice.choice([" and ", ". ", "; ", " ", ", then "])
        assert not starts(said[:500] + dice.choice(TALK))
        spent.append(MATCHER.read(said[:500], NAMES, NOW).cpu_ms)
    assert sorted(spent)[len(spent) // 2] < 15
