"""App Home: what a person may, what waits for them, how Stackhand is, and what there is to ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot import formats
from bot.adapters.slack import elements, escaping, limits
from bot.adapters.slack.choices import Numbers
from bot.adapters.slack.limits import Block
from bot.replies import Choice

_MOST = 10  # requests, sources and rights that are shown of each
_TOPICS = 20
_EXAMPLES = 2
_LINE = 300


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that is not over: what it would do, how it stands (`pending, expires 11:05`), what to say to see it."""

    id: str
    what: str
    state: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Stackhand itself or one source in a line; `fix` is what to do where it is not well."""

    name: str
    well: bool
    line: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of help and questions that this person may ask; the first two become buttons."""

    name: str
    examples: tuple[Choice, ...]


def home_view(
    *,
    person: str,
    rights: Sequence[str],
    mine: Sequence[OpenRequest],
    waiting: Sequence[OpenRequest],
    health: Sequence[Health],
    topics: Sequence[Topic],
    now: datetime,
    demo: bool = False,
) -> dict[str, Any]:
    """The view for `views.publish`. Buttons are `say:<n>`, as in messages; each list tells how many it leaves out."""
    numbers = Numbers()
    blocks = [
        elements.header(f"Hello {person}".strip()),
        *_rights(rights),
        *_requests("Waits for you", waiting, "Nothing waits for you.", numbers),
        *_requests("Your open requests", mine, "You have no open requests.", numbers),
        *_health(health),
        *_help(topics, numbers),
        *elements.context(f"{'DEMO · ' if demo else ''}as of {formats.stamp(now)}"),
    ]
    return {"type": "home", "callback_id": "home", "blocks": blocks}


def unknown_view(how: str) -> dict[str, Any]:
    """The view of somebody who is not linked to a person: how to get linked."""
    return {"type": "home", "callback_id": "home", "blocks": [elements.header("I do not know you yet"), *_line(how)]}


def _line(text: str) -> list[Block]:
    return elements.told(limits.cut(formats.clean(text, lines=True), limits.FIELD_TEXT))


def _more(shown: int, total: int) -> list[Block]:
    return elements.context(formats.more(shown, total))


def _rights(rights: Sequence[str]) -> list[Block]:
    if not rights:
        return elements.context("You have no rights yet: ask an administrator.")
    rows = [limits.cut(formats.clean(right), _LINE) for right in rights[:_MOST]]
    return [*elements.told("\n".join(rows), lead="You are"), *_more(len(rows), len(rights))]


def _requests(title: str, requests: Sequence[OpenRequest], empty: str, numbers: Numbers) -> list[Block]:
    blocks: list[Block] = [{"type": "divider"}, elements.header(title)]
    if not requests:
        return [*blocks, *elements.context(empty)]
    for request in requests[:_MOST]:
        blocks.append(_request(request, numbers))
    return [*blocks, *_more(min(len(requests), _MOST), len(requests))]


def _request(request: OpenRequest, numbers: Numbers) -> Block:
    lines = (f"{request.id} · {limits.cut(formats.clean(request.what), _LINE)}", formats.clean(request.state))
    words = "\n".join(line for line in lines if line)
    block: Block = {"type": "section", "text": escaping.plain(words, 2 * _LINE, lines=True)}
    if escaping.is_said(request.says, limits.BUTTON_VALUE):
        block["accessory"] = elements.button("Open", request.says, numbers.button())
    return block


def _health(health: Sequence[Health]) -> list[Block]:
    blocks: list[Block] = [{"type": "divider"}, elements.header("Health")]
    if not health:
        return [*blocks, *elements.context("Nothing is known of the sources yet.")]
    shown = sorted(health, key=lambda one: one.well)[:_MOST]
    rows = [(("" if one.well else "⚠️ ") + limits.cut(formats.clean(one.name), _LINE), _words(one)) for one in shown]
    return [*blocks, *elements.bullets(rows), *_more(len(shown), len(health))]


def _words(one: Health) -> str:
    parts = (one.line, "" if one.well else one.fix)
    return limits.cut(formats.clean(" · ".join(part for part in parts if part)), _LINE)


def _help(topics: Sequence[Topic], numbers: Numbers) -> list[Block]:
    blocks: list[Block] = [{"type": "divider"}, elements.header("Ask me")]
    if not topics:
        return [*blocks, *elements.context("There is nothing that you may ask yet.")]
    for topic in topics[:_TOPICS]:
        blocks += elements.told("", lead=limits.cut(formats.clean(topic.name), _LINE))
        fitting = [choice for choice in topic.examples if escaping.is_said(choice.said, limits.BUTTON_VALUE)]
        buttons = [elements.button(c.label or c.said, c.said, numbers.button()) for c in fitting[:_EXAMPLES]]
        blocks += [elements.actions(buttons)] if buttons else []
    left = formats.more(min(len(topics), _TOPICS), len(topics))
    return [*blocks, *elements.context(f"{left} topics, say: help" if left else "")]
