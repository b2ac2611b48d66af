"""The sentence files of this folder, as the tests use them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from intents.names import Names

HERE = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def names() -> Names:
    return Names.from_json(json.loads((HERE / "names.json").read_text(encoding="utf-8")))


def sentences(file: str = "sentences.yaml") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(intent, said, slots)."""
    data = yaml.load((HERE / file).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for intent, lines in data.items():
        for said, slots in lines:
            yield intent, said, slots


def nothings() -> Iterator[tuple[str, str]]:
    """(why it is none of ours, said)."""
    data = yaml.load((HERE / "nothing.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for why, lines in data.items():
        for said in lines:
            yield why, said
