"""Slack's rules for blocks, written from its documentation and from what is known of its refusals.

Shares nothing with the renderer, not even the numbers. Each finding is a line with the place of what is wrong.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_ENTITY = re.compile("&(?!(?:amp|lt|gt);)")
# What mrkdwn reads: a mark at the edge of a word that is closed later; an emoji, a quote, a mention, a link.
_FORMAT = re.compile(r"(?<![^\W_])([*_~])(?=\S)[^\n]*?(?<=\S)\1(?![^\W_])|`[^`\n]+`|```")
_MRKDWN = re.compile(r":[\w+'-]+:|(?m:^&gt;)|<|@(?:here|channel|everyone)|https?://")


def units(text: str) -> int:
    """The length as JavaScript has it."""
    return sum(2 if ord(char) > 0xFFFF else 1 for char in text)


def check_post(text: str, blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    found = [f"text: {problem}" for problem in _fallback(text)]
    if units("".join(_texts(blocks))) > 13_200:
        found.append("msg_blocks_too_long")
    if sum(block["type"] in ("table", "data_table") for block in blocks) > 1:
        found.append("only_one_table_allowed")
    return found + check_blocks(blocks, 50)


def check_view(view: Mapping[str, Any]) -> list[str]:
    found = check_blocks(view["blocks"], 100)
    if view["type"] == "modal":
        names = [name for name in ("title", "submit", "close") if name in view]
        found += [f"{name}: {problem}" for name in names for problem in _plain(view[name], 24)]
        if "title" not in view or (any(b["type"] == "input" for b in view["blocks"]) and "submit" not in view):
            found.append("title or submit is missing")
    if units(view.get("private_metadata", "")) > 3_000 or units(view["callback_id"]) > 255:
        found.append("private_metadata or callback_id is too long")
    return found


def check_blocks(blocks: Sequence[Mapping[str, Any]], most: int) -> list[str]:
    found = [] if 1 <= len(blocks) <= most else [f"{len(blocks)} blocks"]
    json.dumps(blocks, ensure_ascii=False, allow_nan=False).encode()
    ids = [one["action_id"] for one in _elements(blocks)]
    if len(set(ids)) < len(ids):
        found.append(f"repeated action_id in {ids}")
    for at, block in enumerate(blocks):
        found += [f"{at} {block['type']}: {problem}" for problem in _BLOCKS[block["type"]](block)]
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            if name == "text" and isinstance(one, str):
                yield one
            else:
                yield from _texts(one)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from _texts(one)


def _elements(blocks: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for block in blocks:
        if block["type"] == "actions":
            yield from block["elements"]
        yield from (block[name] for name in ("accessory", "element") if name in block)


def _raw(text: str, most: int) -> Iterator[str]:
    if not text.strip():
        yield "empty"
    if units(text) > most:
        yield f"{units(text)} of {most} units"
    if _HIDDEN.search(text):
        yield f"hidden characters in {text!r}"


def _plain(one: Mapping[str, Any], most: int) -> Iterator[str]:
    if one["type"] != "plain_text" or one.get("emoji") is not False:
        yield f"no plain text without emoji: {one}"
    yield from _raw(one["text"], most)
    if _ENTITY.search(one["text"]) or "<" in one["text"] or ">" in one["text"]:
        yield f"not escaped: {one['text']!r}"


def _fallback(text: str) -> Iterator[str]:
    yield from _raw(text, 4_000)
    yield from _markup(text)


def _mrkdwn(one: Mapping[str, Any], most: int) -> Iterator[str]:
    """A bold label, and a value below it."""
    label, _, value = one["text"].partition("\n")
    if not one.get("verbatim") or not re.fullmatch(r"\*[^*]+\*", label):
        yield f"no bold label: {one}"
    yield from _raw(one["text"], most)
    for words in (label.strip("*"), *value.split("\n")):
        yield from _markup(words)


def _markup(text: str) -> Iterator[str]:
    if (found := _FORMAT.search(text) or _MRKDWN.search(text)) or (found := _ENTITY.search(text)):
        yield f"markup {found[0]!r} in {text!r}"


def _text(one: Mapping[str, Any], most: int) -> Iterator[str]:
    yield from _mrkdwn(one, most) if one["type"] == "mrkdwn" else _plain(one, most)


def _section(block: Mapping[str, Any]) -> Iterator[str]:
    if "text" in block:
        yield from _plain(block["text"], 3_000)
    elif not 1 <= len(block["fields"]) <= 10:
        yield f"{len(block['fields'])} fields"
    for one in block.get("fields", ()):
        yield from _text(one, 2_000)
    if "accessory" in block:
        yield from _element(block["accessory"])


def _context(block: Mapping[str, Any]) -> Iterator[str]:
    if not 1 <= len(block["elements"]) <= 10:
        yield f"{len(block['elements'])} elements"
    for one in block["elements"]:
        yield from _text(one, 3_000)


def _header(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _plain(block["text"], 150)


def _actions(block: Mapping[str, Any]) -> Iterator[str]:
    if not 1 <= len(block["elements"]) <= 25:
        yield f"{len(block['elements'])} elements"
    for one in block["elements"]:
        yield from _element(one)


def _element(one: Mapping[str, Any]) -> Iterator[str]:
    if not 1 <= units(one["action_id"]) <= 255:
        yield "action_id"
    match one["type"]:
        case "button":
            yield from _plain(one["text"], 75)
            if not one["value"].strip() or units(one["value"]) > 2_000:
                yield f"value of {units(one['value'])}"
        case "static_select":
            yield from _plain(one["placeholder"], 150)
            if not 1 <= len(one["options"]) <= 100:
                yield f"{len(one['options'])} options"
            for option in one["options"]:
                yield from _option(option)
        case "plain_text_input":
            yield from _plain(one["placeholder"], 150)
            if units(one.get("initial_value", "")) > one["max_length"] or not 1 <= one["max_length"] <= 3_000:
                yield "initial_value or max_length"
        case other:
            yield f"unknown element {other}"


def _option(one: Mapping[str, Any]) -> Iterator[str]:
    yield from _plain(one["text"], 75)
    if "description" in one:
        yield from _plain(one["description"], 75)
    if not one["value"].strip() or units(one["value"]) > 150:
        yield f"value of {units(one['value'])}"


def _rich(block: Mapping[str, Any]) -> Iterator[str]:
    for one in block["elements"]:
        inner = one["elements"] if one["type"] == "rich_text_list" else [one]
        if not inner or one["type"] not in ("rich_text_section", "rich_text_preformatted", "rich_text_list"):
            yield f"unknown or empty {one['type']}"
        for spans in inner:
            for span in spans["elements"]:
                if span["type"] != "text" or set(span.get("style", ())) - {"bold"}:
                    yield f"more than text: {span}"
                yield from _raw(span["text"], 3_000)


def _data_table(block: Mapping[str, Any]) -> Iterator[str]:
    rows = block["rows"]
    yield from _raw(block["caption"], 150)
    if not 2 <= len(rows) <= 101 or not 1 <= len(rows[0]) <= 20 or any(len(row) != len(rows[0]) for row in rows):
        yield "shape"
    if not 1 <= block["page_size"] <= 100:
        yield "page_size"
    texts = [cell["text"] for row in rows for cell in row]
    if units("".join(texts)) > 10_000 or units(json.dumps(texts, ensure_ascii=False)) + 2 * len(rows) > 20_000:
        yield "too many characters"
    for at, row in enumerate(rows):
        for cell in row:
            if cell["type"] not in (("raw_text",) if at == 0 else ("raw_text", "raw_number")):
                yield f"cell {cell}"
            yield from _raw(cell["text"], 3_000)


def _input(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _plain(block["label"], 2_000)
    yield from _element(block["element"])


def _divider(block: Mapping[str, Any]) -> Iterator[str]:
    yield from () if set(block) == {"type"} else ("a divider has nothing else",)


_BLOCKS = {
    "section": _section,
    "context": _context,
    "header": _header,
    "actions": _actions,
    "rich_text": _rich,
    "data_table": _data_table,
    "input": _input,
    "divider": _divider,
}
