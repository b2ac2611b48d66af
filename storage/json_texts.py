"""What platforms say, made fit for PostgreSQL: one odd row must never stop a listing."""

import json
import math
import unicodedata
from collections.abc import Mapping
from typing import Any

NAME_LENGTH = 500
"""Longer names do not fit an index; no platform has them."""
_INDEX_BYTES = 1000  # of a text that is indexed; two of them must stay below PostgreSQL's 2704 bytes for an entry
_NUMBER_BITS = 10_000  # longer numbers are noise, and neither Python nor PostgreSQL writes them
_HOT_NUMBERS = {"vcpus": 2**31 - 1, "memory_mib": 2**63 - 1, "size_gib": 2**63 - 1}
_HOT_TEXTS = ("state", "host", "cluster", "os", "parent_id", "created", "technical_owner", "business_owner")


def clean_text(value: str) -> str:
    """Without what PostgreSQL cannot hold: NUL characters and halves of surrogate pairs."""
    return value.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def clean_name(value: str) -> str:
    """A text that fits an index, also folded: some single characters become eighteen in NFKC."""
    name = clean_text(str(value))[:NAME_LENGTH]
    while len(name) > 50 and _indexed_bytes(name) > _INDEX_BYTES:
        name = name[: len(name) * 3 // 4]
    return name


def _indexed_bytes(name: str) -> int:
    if name.isascii():
        return len(name)
    return max(len(name.encode()), len(unicodedata.normalize("NFKC", name).lower().encode()))


def json_text(value: Mapping[str, Any]) -> str:
    """JSON for a `jsonb` column; what JSON has no form for is written as text, or as null."""
    try:
        told = json.dumps(value, default=_plain, allow_nan=False)
    except RecursionError:
        return json.dumps({"unreadable": "nested too deeply"})
    except (ValueError, TypeError):
        return json.dumps(_clean(value), default=_plain, allow_nan=False)
    return told if "\\u0000" not in told and "\\ud" not in told else json.dumps(_clean(value), default=_plain)


def json_value(value: Mapping[str, Any]) -> Any:
    """The same, for a column that takes values."""
    return json.loads(json_text(value))


def hot_text(attrs: Mapping[str, Any]) -> str:
    """The same for `attrs`, whose hot fields are columns: what does not fit the column becomes null or is cut."""
    wrong: dict[str, Any] = {
        name: _number(attrs[name], most) for name, most in _HOT_NUMBERS.items() if not _fits(attrs, name, most)
    }
    wrong |= {
        name: None if isinstance(attrs[name], list | dict) else clean_name(attrs[name])
        for name in _HOT_TEXTS
        if attrs.get(name) is not None and not _is_short(attrs[name])
    }
    return json_text({**attrs, **wrong} if wrong else attrs)


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= NAME_LENGTH and (value.isascii() or value == clean_name(value))


def _fits(attrs: Mapping[str, Any], name: str, most: int) -> bool:
    value = attrs.get(name)
    return value is None or (type(value) is int and -most <= value <= most)


def _number(value: Any, most: int) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if -most <= number <= most else None


def _plain(value: Any) -> Any:
    return (
        list(value)
        if isinstance(value, set | frozenset | tuple)
        else dict(value)
        if isinstance(value, Mapping)
        else str(value)
    )


def _clean(value: Any) -> Any:
    match value:
        case str():
            return clean_text(value)
        case float() if not math.isfinite(value):
            return None
        case int() if value.bit_length() > _NUMBER_BITS:
            return None
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {clean_text(str(key)): _clean(one) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(one) for one in value]
    return clean_text(str(value))
