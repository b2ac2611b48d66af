"""Blocks from text. Each takes all that it is given, over several blocks where one is too small."""

from collections.abc import Sequence
from typing import Any

from bot import formats
from bot.adapters.slack import escaping, limits
from bot.adapters.slack.limits import Block

_NOTE, _NOTE_ESCAPED = 2_000, 600  # units in one element; escaped, each may take five


def lines(text: str) -> str:
    return formats.clean(text, lines=True).strip()


def _span(text: str, style: str = "") -> dict[str, Any]:
    return {"type": "text", "text": text} | ({"style": {style: True}} if style else {})


def rich(*elements: dict[str, Any]) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def section(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(spans)}


def told(text: str, *, lead: str = "", style: str = "") -> list[Block]:
    """Paragraphs. `lead` is bold, on a line above; `style` is for the text. Nothing at all makes no block."""
    heads = limits.split(formats.clean(lead).strip(), limits.SECTION_TEXT)
    bodies = limits.split(lines(text), limits.SECTION_TEXT)
    if heads and bodies and limits.length(heads[-1] + bodies[0]) < limits.SECTION_TEXT:
        both = rich(section(_span(heads[-1] + "\n", "bold"), _span(bodies[0], style)))
        return [*_each(heads[:-1], "bold"), both, *_each(bodies[1:], style)]
    return [*_each(heads, "bold"), *_each(bodies, style)]


def _each(texts: Sequence[str], style: str) -> list[Block]:
    return [rich(section(_span(text, style))) for text in texts]


def link(label: str, to: str) -> list[Block]:
    """A line that opens a page of ours; none where its address is not known. No button: nothing of it comes back."""
    if not to.startswith(("https://", "http://")) or limits.length(to) > limits.LINK:
        return []
    words = limits.cut(formats.clean(label).strip(), limits.BUTTON_TEXT) or to
    return [rich(section({"type": "link", "url": to, "text": words}))]


def bullets(rows: Sequence[tuple[str, str]]) -> list[Block]:
    """A list of bold names and what they are. What is too long for an item stands below it as paragraphs."""
    out: list[Block] = []
    items: list[dict[str, Any]] = []
    for name, what in rows:
        name, what = lines(name) or formats.UNKNOWN, lines(what)
        if limits.length(name + what) > limits.FIELD_TEXT:
            out += [*_list(items), *told(what, lead=name)]
            items = []
            continue
        if limits.weigh(items) + limits.length(name + what) > limits.SECTION_TEXT:
            out, items = [*out, *_list(items)], []
        items.append(section(_span(name, "bold"), *([_span(f" · {what}")] if what else [])))
    return [*out, *_list(items)]


def _list(items: list[dict[str, Any]]) -> list[Block]:
    return [rich({"type": "rich_text_list", "style": "bullet", "elements": items})] if items else []


def preformatted(text: str) -> Block:
    return rich({"type": "rich_text_preformatted", "elements": [_span(text)]})


def context(text: str, *before: dict[str, Any]) -> list[Block]:
    """Small and grey; `before` are objects that stand in front of the text."""
    shown = lines(text)
    most = _NOTE if escaping.escape(shown) == shown else _NOTE_ESCAPED
    words = [escaping.plain(piece, limits.SECTION_TEXT, lines=True) for piece in limits.split(shown, most)]
    rows = [[*before, *words[:1]], *([word] for word in words[1:])]
    return [{"type": "context", "elements": row} for row in rows if row]


def fields(pairs: Sequence[tuple[str, str]]) -> list[Block]:
    """Labels above values, in two columns; a long value, or one that mrkdwn would read, goes over the whole width."""
    out: list[Block] = []
    row: list[dict[str, Any]] = []
    for label, value in pairs:
        label, value = formats.clean(label).strip() or formats.UNKNOWN, lines(value) or formats.UNKNOWN
        if max(limits.length(label), limits.length(value)) > limits.FIELD_VALUE or not escaping.is_literal(value):
            out += [*_section(row), *told(value, lead=label)]
            row = []
            continue
        row.append(escaping.pair(label, value))
        if len(row) == limits.SECTION_FIELDS:
            out, row = [*out, *_section(row)], []
    return [*out, *_section(row)]


def _section(row: list[dict[str, Any]]) -> list[Block]:
    return [{"type": "section", "fields": row}] if row else []


def header(text: str) -> Block:
    return {"type": "header", "text": escaping.plain(text, limits.HEADER)}


def button(label: str, said: str, action_id: str) -> dict[str, Any]:
    """A button that says `said`, which the caller has found short enough."""
    return {
        "type": "button",
        "action_id": action_id,
        "text": escaping.plain(label, limits.BUTTON_TEXT),
        "value": escaping.unbroken(said),
    }


def actions(elements: Sequence[dict[str, Any]]) -> Block:
    return {"type": "actions", "elements": list(elements)}
