"""Which function answers which intent, and how a reading becomes its arguments.

A handler is `async def name(ask: Ask, slot: type, …) -> Reply` under `@answers("intent")`. Its parameters are the
slots of the intent in the catalogue; a parameter that is a dataclass stands for the slots that are its fields.
The registry is a value built once, at start: a missing or unknown slot, or two handlers for one intent, is an error.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, get_args, get_type_hints

from bot.handlers.asking import Ask
from bot.replies import Reply
from intents.readings import Name, Reading
from intents.registry import Catalogue

Answer = Callable[..., Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument. `group` is a dataclass whose fields are slots, or None for a plain slot of type `hint`."""

    name: str
    hint: Any
    group: type[Any] | None


@dataclass(frozen=True, slots=True)
class Handler:
    intent: str
    function: Answer
    parameters: tuple[Parameter, ...]

    @property
    def slots(self) -> frozenset[str]:
        plain = {p.name for p in self.parameters if p.group is None}
        grouped = {f.name for p in self.parameters if p.group is not None for f in fields(p.group)}
        return frozenset(plain | grouped)

    async def answer(self, ask: Ask, reading: Reading) -> Reply:
        """Raises UnusedSlotError when the reading says something that this handler cannot take into account."""
        unused = set(reading.slots) - self.slots
        if unused:
            raise UnusedSlotError(self.intent, sorted(unused))
        return await self.function(ask, **{p.name: _argument(p, reading) for p in self.parameters})


class UnusedSlotError(ValueError):
    def __init__(self, intent: str, slots: list[str]) -> None:
        super().__init__(f"{intent} cannot use: {', '.join(slots)}")
        self.slots = slots


@dataclass(frozen=True, slots=True)
class Handlers:
    by_intent: Mapping[str, Handler]

    def get(self, intent: str) -> Handler | None:
        return self.by_intent.get(intent)


@dataclass(frozen=True, slots=True)
class _Marked:
    """What the decorator leaves in a module: the function with the intent that it answers."""

    intent: str
    function: Answer

    def __call__(self, *args: Any, **kwargs: Any) -> Awaitable[Reply]:
        return self.function(*args, **kwargs)


def answers(intent: str) -> Callable[[Answer], _Marked]:
    """Marks the function that answers an intent of the catalogue."""
    return lambda function: _Marked(intent, function)


def find_handlers(catalogue: Catalogue) -> Handlers:
    """All handlers of this package, checked against the catalogue; raises ValueError where they disagree."""
    package = importlib.import_module("bot.handlers")
    modules = [importlib.import_module(f"bot.handlers.{m.name}") for m in pkgutil.iter_modules(package.__path__)]
    return build(catalogue, (v for module in modules for v in vars(module).values() if isinstance(v, _Marked)))


def build(catalogue: Catalogue, marked: Iterable[_Marked]) -> Handlers:
    handlers: dict[str, Handler] = {}
    for one in marked:
        handler = _handler(one)
        if one.intent in handlers:
            raise ValueError(f"two handlers answer {one.intent}")
        if one.intent not in catalogue.intents:
            raise ValueError(f"{one.intent} is not in the catalogue")
        known = catalogue.intents[one.intent]
        if handler.slots != set(known.required) | set(known.optional):
            wrong = handler.slots ^ (set(known.required) | set(known.optional))
            raise ValueError(f"the handler of {one.intent} and the catalogue disagree on {sorted(wrong)}")
        handlers[one.intent] = handler
    return Handlers(handlers)


def _handler(marked: _Marked) -> Handler:
    hints = get_type_hints(marked.function)
    names = list(inspect.signature(marked.function).parameters)[1:]
    return Handler(marked.intent, marked.function, tuple(_parameter(name, hints[name]) for name in names))


def _parameter(name: str, hint: Any) -> Parameter:
    group = hint if isinstance(hint, type) and is_dataclass(hint) and hint is not Name else None
    return Parameter(name, hint, group)


def _argument(parameter: Parameter, reading: Reading) -> Any:
    if parameter.group is None:
        return _value(parameter.name, parameter.hint, reading)
    hints = get_type_hints(parameter.group)
    names = [f.name for f in fields(parameter.group)]
    return parameter.group(**{name: _value(name, hints[name], reading) for name in names})


def _value(name: str, hint: Any, reading: Reading) -> Any:
    """A slot in the handler's type: names as the entry that was found, times as datetime, the rest as it is."""
    said = reading.slots.get(name)
    if said is None:
        return None
    kinds = get_args(hint) or (hint,)
    if Name in kinds:
        return reading.objects.get(name) or Name(kind=name, name=str(said))
    if datetime in kinds:
        return _moment(name, str(said), reading)
    return said


def _moment(name: str, said: str, reading: Reading) -> datetime:
    """Raises UnusedSlotError for a time outside of what we can count in."""
    try:
        return datetime.fromisoformat(said.replace("Z", "+00:00"))
    except ValueError:
        raise UnusedSlotError(str(reading.intent), [f"{name} {said}"]) from None
