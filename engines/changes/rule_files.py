"""Rules as a YAML file that people edit: read with the line of each mistake, and written again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from engines.changes.rules import DAYS, MODES, RISKS, Quiet, Rule
from engines.policy import ROLES

MOST_BYTES = 200_000
_MOST_RULES = 500
_NUMBERS = {"approvers": (1, 20), "approve_minutes": (1, 4320), "run_minutes": (1, 1440), "daily_cap": (1, 100_000)}
_WORDS = {
    "risk": tuple(sorted(set(RISKS.values()))),
    "mode": MODES,
    "asker": ROLES,
    "by": ("person", "schedule"),
    "approver_role": ROLES,
    "break_glass": ROLES,
}
_KEYS = ("kind", *(f.name for f in fields(Rule) if f.name != "kinds"))


class RuleFileError(ValueError):
    """The file is no set of rules; the message has the line and the key of what is wrong, and what would be right."""


def parse(text: str) -> tuple[Rule, ...]:
    """Raises RuleFileError."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise RuleFileError(f"the file is over {MOST_BYTES:,} bytes")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RuleFileError(f"line {line}: {error.problem or 'this is not YAML'}") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise RuleFileError("line 1: this is not YAML") from None
    listed = _pairs(root, ("rules",), "the file").get("rules") if root is not None else None
    if not isinstance(listed, yaml.SequenceNode):
        raise RuleFileError("line 1: the file must hold `rules:` with a list below it")
    if len(listed.value) > _MOST_RULES:
        raise RuleFileError(f"{len(listed.value)} rules are more than {_MOST_RULES}")
    return tuple(_rule(node) for node in listed.value)


def _wrong(node: yaml.Node, what: str) -> RuleFileError:
    return RuleFileError(f"line {node.start_mark.line + 1}: {what}")


def _pairs(node: yaml.Node, known: Iterable[str], what: str) -> dict[str, yaml.Node]:
    """The values of a mapping by key; a key that is not known, or there twice, is a mistake."""
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(node, f"{what} must be keys with values")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        if name not in known:
            raise _wrong(key, f"`{str(name)[:60]}` is no key of {what}; there are: {', '.join(known)}")
        if name in found:
            raise _wrong(key, f"`{name}` is there twice")
        found[name] = value
    return found


def _rule(node: yaml.Node) -> Rule:
    given = _pairs(node, _KEYS, "a rule")
    for name in ("kind", "mode"):
        if name not in given:
            raise _wrong(node, f"a rule needs `{name}`")
    values: dict[str, Any] = {"kinds": tuple(_kinds(given.pop("kind")))}
    for name, value in given.items():
        values[name] = _quiet(value) if name == "quiet" else _value(name, value)
    return Rule(**values)


def _kinds(node: yaml.Node) -> Iterator[str]:
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for item in items:
        kind = _text("kind", item)
        if kind != "*" and kind not in RISKS:
            raise _wrong(item, f"`kind: {kind[:60]}` is no kind of change; there are: *, {', '.join(sorted(RISKS))}")
        yield kind


def _text(name: str, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or not 0 < len(node.value.strip()) <= 300:
        raise _wrong(node, f"`{name}` must be a short text")
    return str(node.value).strip()


def _value(name: str, node: yaml.Node) -> Any:
    said = _text(name, node)
    if name in _NUMBERS:
        least, most = _NUMBERS[name]
        if not said.isascii() or not said.isdigit() or len(said) > 9 or not least <= int(said) <= most:
            raise _wrong(node, f"`{name}: {said[:60]}` must be a number from {least} to {most}")
        return int(said)
    if name == "second_factor":
        if said not in ("true", "false"):
            raise _wrong(node, f"`{name}: {said[:60]}` must be true or false")
        return said == "true"
    if name in _WORDS and said not in _WORDS[name]:
        raise _wrong(node, f"`{name}: {said[:60]}` must be one of: {', '.join(_WORDS[name])}")
    return said


def _quiet(node: yaml.Node) -> Quiet:
    given = _pairs(node, ("days", "from", "to", "zone"), "quiet")
    for name in ("days", "from", "to"):
        if name not in given:
            raise _wrong(node, f"`quiet` needs `{name}`")
    days = tuple(_days(given["days"]))
    zone = _text("zone", given["zone"]) if "zone" in given else "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong(given["zone"], f"`zone: {zone[:60]}` is no time zone, such as Europe/Berlin") from None
    return Quiet(days, _clock("from", given["from"]), _clock("to", given["to"]), zone)


def _days(node: yaml.Node) -> Iterator[str]:
    for item in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        day = _text("days", item)
        if day not in DAYS:
            raise _wrong(item, f"`days: {day[:60]}` must be one of: {', '.join(DAYS)}")
        yield day


def _clock(name: str, node: yaml.Node) -> str:
    said = _text(name, node)
    try:
        at = time.fromisoformat(said)
    except ValueError:
        at = None
    if at is None or len(said) != len("00:00"):
        raise _wrong(node, f'`{name}: {said[:60]}` must be a time of day in quotes, such as "22:00"')
    return said


def write(rules: Iterable[Rule]) -> str:
    """The file that holds these rules; what is as always is left out."""
    told = {"rules": [dict(_told(rule)) for rule in rules]}
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=110)


def _told(rule: Rule) -> Iterator[tuple[str, Any]]:
    usual: Mapping[str, Any] = Rule().to_json()
    yield "kind", rule.kinds[0] if len(rule.kinds) == 1 else list(rule.kinds)
    yield "mode", rule.mode
    for name, value in rule.to_json().items():
        if name in ("kinds", "mode") or value == usual[name]:
            continue
        if rule.quiet is not None and name == "quiet":
            quiet = rule.quiet
            value = {"days": list(quiet.days), "from": quiet.start, "to": quiet.end, "zone": quiet.zone}
        yield name, value
