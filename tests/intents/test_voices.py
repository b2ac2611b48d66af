"""Whole sets by people who had not seen the lexicon: learnt since, they must stay understood.

`short` and `abroad` are ours: abbreviations of people in a hurry, and English that was learnt late.
A line is {"text", "intent", "slots"}; the inventory and the clock are those that the authors were given.
"""

import json
from pathlib import Path

import pytest

from intents.matcher import Matcher
from intents.names import Names
from intents.registry import load_catalogue
from tests.benchmarks.language import judge, load
from tests.intents.sets import HERE, NOW

VOICES = HERE / "voices"
CATALOGUE = load_catalogue()
MATCHER = Matcher(CATALOGUE)
NAMES = Names.from_json(json.loads((VOICES / "names.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("file", sorted(VOICES.glob("*.jsonl")), ids=lambda file: file.stem)
def test_a_voice_is_understood(file: Path) -> None:
    said = load(file, "all")
    verdicts = {line["text"]: judge(line, MATCHER.read(line["text"], NAMES, NOW), CATALOGUE) for line in said}
    missed = {text: verdict for text, verdict in verdicts.items() if verdict not in {"right", "asked"}}
    assert len(missed) <= 0.01 * len(said), missed
    assert "wrong_write" not in missed.values(), missed
