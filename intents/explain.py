"""Why a sentence was read as it was, in plain lines."""

from collections.abc import Iterator
from datetime import datetime

from intents.matcher import Matcher
from intents.names import Names
from intents.readings import Ask, Reading
from intents.registry import load_catalogue


def explain(text: str, names: Names, now: datetime) -> str:
    """Which words said what, the rivals, and why it asks."""
    return "\n".join(lines(Matcher(load_catalogue()).read(text, names, now)))


def lines(reading: Reading) -> Iterator[str]:
    yield f"said       {reading.text}"
    yield f"intent     {reading.intent or 'none'} ({reading.confidence:.0%} explained, {reading.source or 'no source'})"
    yield f"mood       {reading.mood}"
    for slot, value in reading.slots.items():
        yield f"slot       {slot} = {value}"
    for evidence in reading.evidence:
        yield f"word       {evidence.words!r}: {evidence.meant}"
    for name, score in reading.rivals:
        yield f"rival      {name} ({score})"
    if reading.ask:
        yield f"asks       {why(reading.ask)}"
    yield f"took       {reading.cpu_ms} ms"


def why(ask: Ask) -> str:
    match ask.why:
        case "missing":
            return f"{ask.slot} was not said"
        case "ambiguous":
            return f"{len(ask.names)} objects are called {ask.said!r}: " + ", ".join(
                f"{name.kind} {name.name}" + (f" in {name.project}" if name.project else "") for name in ask.names
            )
        case "unknown":
            near = ", ".join(name.name for name in ask.names)
            return f"nothing is called {ask.said!r}" + (f"; near: {near}" if near else "")
        case "rivals":
            return "two readings are as good: " + " or ".join(ask.intents)
        case "confirm":
            return "a change starts only from a plain command with exact names; this needs a confirmation"
