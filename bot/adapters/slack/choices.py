"""Choices: up to five are buttons, more are a menu. Pressing either says what the choice says.

The adapter reads `action_id`: `say:<n>` is a button whose `value` is said, `menu:<n>` a menu whose selected option is.
"""

from collections.abc import Iterator, Sequence
from itertools import compress, count
from typing import Any

from bot import formats
from bot.adapters.slack import elements, escaping, limits
from bot.adapters.slack.limits import Block
from bot.replies import Choice, Choices

_MOST_BUTTONS = 5
_BUTTON = 40  # units of a button's text that are surely seen; Slack may hide what is longer
_BLOCK = 5_000


class Numbers:
    """The next free `action_id` of a message."""

    def __init__(self) -> None:
        self._buttons = count(1)
        self._menus = count(1)

    def button(self) -> str:
        return f"say:{next(self._buttons)}"

    def menu(self) -> str:
        return f"menu:{next(self._menus)}"


def choices(part: Choices, numbers: Numbers) -> list[Block]:
    """The question, the hints that have no room, the buttons and menus; and a word on what can be neither."""
    usable = [choice for choice in part.choices if _is_usable(choice)]
    many = len(usable) > _MOST_BUTTONS
    in_menu = [many and escaping.is_said(choice.said, limits.OPTION_VALUE) for choice in usable]
    menu = list(compress(usable, in_menu))
    buttons = [choice for choice, taken in zip(usable, in_menu, strict=True) if not taken]
    blocks = elements.told(part.question)
    listed = any(map(_needs_line, buttons))  # one that has no room beside its button: then all stand in a list
    blocks += elements.bullets([_named(c) for c in (*filter(_cut_in_menu, menu), *(buttons if listed else ()))])
    blocks += _menus(menu, part.question, numbers)
    shown = _label if listed else _with_hint
    blocks += _rows([elements.button(shown(c), c.said, numbers.button()) for c in buttons], limits.ACTIONS)
    return blocks + _unusable([choice for choice in part.choices if not _is_usable(choice)])


def _is_usable(choice: Choice) -> bool:
    return escaping.is_said(choice.said, limits.BUTTON_VALUE)


def _label(choice: Choice) -> str:
    return formats.clean(choice.label).strip() or formats.clean(choice.said).strip()


def _named(choice: Choice) -> tuple[str, str]:
    return _label(choice), choice.hint


def _with_hint(choice: Choice) -> str:
    hint = formats.clean(choice.hint).strip()
    return f"{_label(choice)} · {hint}" if hint else _label(choice)


def _needs_line(choice: Choice) -> bool:
    """Whether a button cannot show all of a choice."""
    if limits.length(escaping.escape(_label(choice))) > limits.BUTTON_TEXT:
        return True
    return bool(choice.hint) and limits.length(_with_hint(choice)) > _BUTTON


def _cut_in_menu(choice: Choice) -> bool:
    label, hint = escaping.escape(_label(choice)), escaping.escape(formats.clean(choice.hint))
    return limits.length(label) > limits.OPTION_TEXT or limits.length(hint) > limits.OPTION_HINT


def _menus(options: Sequence[Choice], question: str, numbers: Numbers) -> list[Block]:
    groups = list(_groups([_option(choice) for choice in options], limits.OPTIONS))
    blocks = []
    first = 1
    for group in groups:
        words = formats.clean(question).strip() or "Choose"
        which = f" ({first} to {first + len(group) - 1} of {len(options)})" if len(groups) > 1 else ""
        shown = limits.cut(words, 60) + which
        menu = {
            "type": "static_select",
            "action_id": numbers.menu(),
            "placeholder": escaping.plain(shown, limits.PLACEHOLDER),
            "options": group,
        }
        blocks.append(elements.actions([menu]))
        first += len(group)
    return blocks


def _option(choice: Choice) -> dict[str, Any]:
    option = {
        "text": escaping.plain(_label(choice), limits.OPTION_TEXT),
        "value": escaping.unbroken(choice.said),
    }
    hint = formats.clean(choice.hint).strip()
    return option | ({"description": escaping.plain(hint, limits.OPTION_HINT)} if hint else {})


def _rows(buttons: Sequence[dict[str, Any]], most: int) -> list[Block]:
    return [elements.actions(group) for group in _groups(buttons, most)]


def _groups(items: Sequence[dict[str, Any]], most: int) -> Iterator[list[dict[str, Any]]]:
    """In order, at most `most` in a group and no group so heavy that it would not fit a message."""
    group: list[dict[str, Any]] = []
    weight = 0
    for item in items:
        size = limits.weigh([item])
        if group and (len(group) == most or weight + size > _BLOCK):
            yield group
            group, weight = [], 0
        group.append(item)
        weight += size
    if group:
        yield group


def _unusable(lost: Sequence[Choice]) -> list[Block]:
    if not lost:
        return []
    names = ", ".join(f"“{_label(choice) or formats.UNKNOWN}”" for choice in lost)
    what = "1 choice is" if len(lost) == 1 else f"{len(lost)} choices are"
    return elements.context(f"{what} no button here (nothing to say, or too much), say it in words: {names}")
