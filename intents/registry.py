"""The catalogue of intents as a value: what each does, its risk and its slots."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from types import MappingProxyType
from typing import Any

import yaml

WRITES = frozenset({"write", "confirm", "approve"})
_RISKS = WRITES | {"read"}


class CatalogueError(ValueError):
    """The catalogue cannot be used; the message says which intent and why."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing that people ask for. `examples` are two of the hundred ways to say it."""

    name: str
    topic: str
    does: str
    risk: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    examples: tuple[str, ...]

    @property
    def slots(self) -> tuple[str, ...]:
        return self.required + self.optional

    @property
    def writes(self) -> bool:
        return self.risk in WRITES


@dataclass(frozen=True)
class Catalogue:
    """All intents by name, in the order of the file."""

    intents: Mapping[str, Intent]

    @cached_property
    def topics(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(intent.topic for intent in self.intents.values()))

    def of_topic(self, topic: str) -> tuple[Intent, ...]:
        return tuple(intent for intent in self.intents.values() if intent.topic == topic)


def load_catalogue(text: str | None = None) -> Catalogue:
    """The catalogue that comes with the program, or the one in `text`. Raises CatalogueError."""
    if text is None:
        text = resources.files(__package__).joinpath("catalogue.yaml").read_text(encoding="utf-8")
    found: dict[str, Intent] = {}
    for intent in _parse(text):
        if intent.name in found:
            raise CatalogueError(f"intent {intent.name!r} is declared twice: rename or remove one of them")
        found[intent.name] = intent
    return Catalogue(MappingProxyType(found))


def _parse(text: str) -> Iterator[Intent]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    node = yaml.compose(text, Loader=loader)
    if not isinstance(node, yaml.MappingNode):
        raise CatalogueError("the catalogue is not a mapping of topics: check its first lines")
    # Composed nodes keep what a dict would hide: a key that is there twice.
    for topic, members in node.value:
        for name, body in members.value:
            yield _intent(topic.value, name.value, {key.value: _plain(value) for key, value in body.value})


def _plain(node: Any) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return tuple(_plain(item) for item in node.value)
    return node.value


def _intent(topic: str, name: str, body: Mapping[str, Any]) -> Intent:
    missing = {"does", "risk", "slots", "examples"} - body.keys()
    if missing:
        raise CatalogueError(f"intent {name!r} lacks {', '.join(sorted(missing))}: add it")
    if body["risk"] not in _RISKS:
        raise CatalogueError(f"intent {name!r} has the unknown risk {body['risk']!r}: use {', '.join(sorted(_RISKS))}")
    required, optional = _slots(body["slots"])
    return Intent(name, topic, body["does"], body["risk"], required, optional, tuple(body["examples"]))


def _slots(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`vm [owner_kind]` -> (("vm",), ("owner_kind",))."""
    head, _, tail = text.partition("[")
    return tuple(head.split()), tuple(tail.replace("]", " ").split())
