"""What a sentence was understood to mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Mood = Literal["command", "question", "report", "negated", "conditional", "wish", "other"]


@dataclass(frozen=True, slots=True)
class Name:
    """A name of the inventory. `id` is opaque here: whoever built the entry knows what it points to."""

    kind: str
    name: str
    id: str = ""
    project: str = ""
    domain: str = ""
    platform: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Which words said what: `words` as they stood in the sentence, `meant` a concept, slot or name."""

    words: str
    meant: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What must be asked back before the reading can be used.

    missing: a required slot was not said. ambiguous: several objects bear the name (`names`). unknown: no object
    bears it (`said` is what was said). rivals: two intents read equally well. confirm: a write that the gate stopped.
    """

    why: Literal["missing", "ambiguous", "unknown", "rivals", "confirm"]
    slot: str = ""
    said: str = ""
    names: tuple[Name, ...] = ()
    intents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """`slots` are canonical values by the catalogue; `objects` has the entry found for each slot that names one.

    `intent` None: not understood, or not meant for the bot (`mood` tells). `confidence` is 0 to 1, from evidence only.
    `source`: template, lexicon, followup (completed from the last reading in the conversation), or model (a language
    model chose the intent).
    """

    text: str
    intent: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
    objects: Mapping[str, Name] = field(default_factory=dict)
    confidence: float = 0.0
    mood: Mood = "other"
    source: str = ""
    ask: Ask | None = None
    evidence: tuple[Evidence, ...] = ()
    rivals: tuple[tuple[str, float], ...] = ()
    cpu_ms: float = 0.0
