"""`intents match`: sentences in, readings out, one JSON object a line."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TextIO

from intents.matcher import Matcher
from intents.names import Names
from intents.readings import Reading
from intents.registry import load_catalogue


def match(source: TextIO, target: TextIO, names: Names, now: datetime) -> int:
    """Reads to the end of `source`; 0 when every line was an object with a text, 1 otherwise."""
    matcher = Matcher(load_catalogue())
    failed = 0
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        text = text_of(line)
        if text is None:
            failed += 1
            answer: Mapping[str, Any] = {"error": f"line {number} is no JSON object with a text: fix or remove it"}
        else:
            answer = as_json(matcher.read(text, names, now))
        target.write(json.dumps(answer, ensure_ascii=False) + "\n")
    target.flush()
    return 1 if failed else 0


def text_of(line: str) -> str | None:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    text = data.get("text") if isinstance(data, dict) else None
    return text if isinstance(text, str) else None


def as_json(reading: Reading) -> dict[str, Any]:
    """The published form of a reading."""
    ask = reading.ask
    return {
        "intent": reading.intent,
        "slots": dict(reading.slots),
        "confidence": reading.confidence,
        "mood": reading.mood,
        "ask": None if ask is None else {
            "why": ask.why, "slot": ask.slot, "said": ask.said,
            "names": [{"kind": n.kind, "name": n.name, "project": n.project} for n in ask.names],
            "intents": list(ask.intents),
        },
        "source": reading.source,
        "cpu_ms": reading.cpu_ms,
    }  # fmt: skip
